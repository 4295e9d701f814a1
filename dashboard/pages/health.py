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

PAGE = Page("health", "Fleet health", (
    Tiles(*TILES),
    Row(
        DaysOf("states", "Fleet by health", STATES, "share of reporting vehicles per day", graded=True),
        ByClass("fault_rate_by_distance", "software_version", "Faults by software, per distance on it"),
        Pareto("faults_by_code", "code", "code_name", "Which faults"), VEHICLES,
        Survival("time-to-clear", "How long faults stay open", OPEN, "time_to_clear_p50", "code_name", back=56),
        ByMetric("incidents", "Incidents by months in service", INCIDENTS, ordered=True),
        ByGroup("fault_episodes", "fault_incidence", "fault_prevalence", by="model", trend="fault_incidence"),
        ByGroup(*BATTERIES, by="model", name="batteries", title="Traction batteries, capacity of new"),
    ),
    Row(*(ByDay(metric) for metric in DUE), columns=4),
    ByGroup(*WORKSHOP, by="market", name="workshop", title="In the workshop"),
))  # fmt: skip
