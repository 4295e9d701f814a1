"""Overview: is all well, what moved, and where."""

from dashboard.cards.by_day import DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.changes import Changes
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row

TILES = (
    "monthly_active_vehicles", "weekly_active_vehicles", "reporting_rate", "stickiness", "distance", "idle_ratio",
)  # fmt: skip
LOOKED_AT = (
    "monthly_active_vehicles", "reporting_rate", "stickiness", "distance", "trips", "trip_length", "mean_speed",
    "idle_ratio", "unlogged_share",
)  # fmt: skip
STATES = ("active_share", "stationary_share", "silent_share")
_SEGMENTS = ("monthly_active_vehicles", "reporting_rate", "distance_per_active_day")

PAGE = Page(
    "overview",
    "Overview",
    (
        Tiles(*TILES),
        Row(
            Changes(*LOOKED_AT),
            DaysOf(
                "activity", "Fleet by activity", STATES, "share of vehicles per day", stacked=True,
                size="monthly_active_vehicles",
            ),
        ),
        Row(
            ByGroup(*_SEGMENTS, by="market", trend="weekly_active_vehicles"),
            ByGroup(*_SEGMENTS, by="model", trend="weekly_active_vehicles"),
        ),
    ),
    is_start=True,
)  # fmt: skip
