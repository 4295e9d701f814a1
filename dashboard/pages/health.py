"""Fleet health: how the fleet is, which faults, on which software, and what is due in the workshop."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row

TILES = (
    "act_now_share", "fault_incidence", "fault_prevalence", "service_overdue_share", "battery_below_80_share",
    "command_success_share",
)  # fmt: skip
STATES = ("healthy_share", "attention_share", "act_now_share")
DUE = ("lv_battery_low_share", "tyres_low_share", "brakes_worn_share", "service_overdue_share")
BY_MODEL = ("fault_episodes", "fault_incidence", "fault_rate_by_distance", "fault_prevalence")
WORKSHOP = ("workshop_visit_rate", "days_in_workshop", "workshop_repeat_share")

PAGE = Page(
    "health",
    "Fleet health",
    (
        Tiles(*TILES),
        Row(
            DaysOf("states", "Fleet by health", STATES, "share of reporting vehicles per day", graded=True),
            ByClass("fault_rate_by_distance", "software_version", "Faults by software, per distance on it"),
        ),
        Row(
            ByClass("faults_by_code", "code_name", "New faults by what they mean"),
            ByClass("fault_rate_by_distance", "months_in_service", "Faults by months in service"),
        ),
        Row(*(ByDay(metric) for metric in DUE), columns=4),
        Row(
            ByGroup(*BY_MODEL, by="model", trend="fault_incidence"),
            ByGroup(*WORKSHOP, by="market", name="workshop", title="In the workshop"),
        ),
    ),
)  # fmt: skip
