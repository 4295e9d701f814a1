"""Markets: each against the platform, as it is and at the platform's mix of models, and how each goes."""

from dashboard.cards.by_group import ByGroup
from dashboard.cards.panels import Panels
from dashboard.cards.ranking import Ranking
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = ("delivered_vehicles", "deliveries", "connected_rate", "active_rate_28d", "adoption", "paying_share")
RATES = ("adoption", "active_rate_28d", "connected_rate", "paying_share", "fault_incidence")
SIZES = ("delivered_vehicles", "deliveries", "distance_per_active_day", "fault_incidence")

PAGE = Page(
    "markets",
    Text.MARKETS,
    (
        Tiles(*TILES),
        Row(
            *(Ranking(rate, f"{rate}_at_mix", "market") for rate in RATES),
            Panels("active_rate_28d", "delivered_vehicles", by="market"),
        ),
        ByGroup(*SIZES, by="market", trend="active_rate_28d"),
    ),
)
