"""Charging: how much, where, when and how well the fleet charges."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay
from dashboard.cards.by_group import ByGroup
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = (
    "charging_sessions", "energy_drawn", "dc_energy_share", "charging_efficiency", "interrupted_share",
    "plugged_idle_share",
)  # fmt: skip
DAILY = ("charging_sessions", "energy_drawn", "energy_per_session", "dc_energy_share")
PLUGGED = ("plug_ins", "uncharged_share", "plugged_idle_share")
PLACES = ("home_charging_share", "work_charging_share", "public_charging_share")

PAGE = Page(
    "charging",
    Text.CHARGING,
    (
        Tiles(*TILES),
        Row(*(ByDay(metric) for metric in DAILY), columns=4),
        Row(
            ByClass("energy_by_hour", "local_hour", Text.ENERGY_BY_HOUR),
            ByGroup("charging_sessions", *PLACES, by="market", name="places", title=Text.WHERE_CHARGED),
        ),
        Row(
            ByGroup(
                "charging_sessions", "energy_per_session", "charge_at_start", "charge_at_end", "interrupted_share",
                by="model",
            ),
            ByGroup(*PLUGGED, by="market", name="plugging", title=Text.PLUGGED_IN),
        ),
    ),
)  # fmt: skip
