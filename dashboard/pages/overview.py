"""Overview: is all well, what moved and why, where, and do the feeds still bring what they should."""

from dashboard.cards.by_day import DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.changes import Changes
from dashboard.cards.listings import FRESHNESS
from dashboard.cards.tile_map import TileMap
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = (
    "monthly_active_vehicles", "connected_rate", "fault_incidence", "command_success_share", "adoption",
    "engaged_share",
)  # fmt: skip
LOOKED_AT = (
    "monthly_active_vehicles", "reporting_rate", "distance", "idle_ratio", "connected_rate", "fault_incidence",
    "act_now_share", "adoption", "renewal_rate", "engaged_share", "charging_sessions", "energy_gross",
)  # fmt: skip
STATES = ("healthy_share", "attention_share", "act_now_share")
_SEGMENTS = ("monthly_active_vehicles", "reporting_rate", "distance_per_active_day")

PAGE = Page(
    "overview",
    Text.OVERVIEW,
    (
        Tiles(*TILES),
        Row(
            Changes(*LOOKED_AT),
            DaysOf("states", Text.FLEET_BY_HEALTH, STATES, Text.REPORTING_PER_DAY, graded=True),
            TileMap("active_rate_28d"),
            FRESHNESS,
            ByGroup(*_SEGMENTS, by="market", trend="weekly_active_vehicles"),
            ByGroup(*_SEGMENTS, by="model", trend="weekly_active_vehicles"),
        ),
    ),
    is_start=True,
)
