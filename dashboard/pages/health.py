"""Fleet health: how the fleet is, which faults, on which software, for how long, and what is due in the workshop."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.by_metric import ByMetric
from dashboard.cards.listings import VEHICLES
from dashboard.cards.pareto import Pareto
from dashboard.cards.survival import Survival
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = (
    "act_now_share", "fault_incidence", "fault_prevalence", "time_to_clear_p50", "battery_below_80_share",
    "service_overdue_share",
)  # fmt: skip
STATES = ("healthy_share", "attention_share", "act_now_share")
DUE = ("lv_battery_low_share", "tyres_low_share", "brakes_worn_share", "service_overdue_share")
OPEN = ("faults_open_after_7d", "faults_open_after_30d")
INCIDENTS = ("incidents_3m", "incidents_6m", "incidents_12m", "incidents_24m")
BATTERIES = ("battery_soh_p50", "battery_soh_p10", "battery_below_80_share")
WORKSHOP = ("workshop_visit_rate", "days_in_workshop", "workshop_repeat_share")

PAGE = Page("health", Text.HEALTH, (
    Tiles(*TILES),
    Row(
        DaysOf("states", Text.FLEET_BY_HEALTH, STATES, Text.REPORTING_PER_DAY, graded=True),
        ByClass("fault_rate_by_distance", "software_version", Text.FAULTS_BY_SOFTWARE),
        Pareto("faults_by_code", "code", "code_name", Text.WHICH_FAULTS), VEHICLES,
        Survival("time-to-clear", Text.HOW_LONG_OPEN, OPEN, "time_to_clear_p50", "code_name", back=56),
        ByMetric("incidents", Text.INCIDENTS_BY_MONTHS, INCIDENTS, ordered=True),
        ByGroup("fault_episodes", "fault_incidence", "fault_prevalence", by="model", trend="fault_incidence"),
        ByGroup(*BATTERIES, by="model", name="batteries", title=Text.BATTERIES),
    ),
    Row(*(ByDay(metric) for metric in DUE), columns=4),
    ByGroup(*WORKSHOP, by="market", name="workshop", title=Text.IN_WORKSHOP),
))  # fmt: skip
