"""Usage: how much, how far, how long and how fast the fleet drives, day by day and by segment."""

from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.panels import Panels
from dashboard.page import Page, Row

ACTIVES = ("daily_active_vehicles", "weekly_active_vehicles", "monthly_active_vehicles")
DAILY = (
    "distance", "trips", "driving_time", "trip_length", "mean_speed", "idle_ratio", "unlogged_distance",
)  # fmt: skip

PAGE = Page(
    "usage",
    "Usage",
    (
        Row(
            DaysOf("actives", "Active vehicles", ACTIVES, "within 1, 7 and 28 d"),
            *(ByDay(metric) for metric in DAILY),
            columns=4,
        ),
        Row(
            ByGroup("monthly_active_vehicles", "distance_per_active_day", "trip_length", "mean_speed", "idle_ratio"),
            Panels("distance_per_active_day", "monthly_active_vehicles"),
        ),
    ),
)
