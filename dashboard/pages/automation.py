"""Automated driving: how much is driven with it, how often it is given back, by whom and why, and how quickly."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.by_metric import ByMetric
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

TILES = (
    "automation_fitted_share", "engaged_share", "engaging_share", "disengagement_rate", "takeover_request_rate",
    "takeover_time_p50",
)  # fmt: skip
LEVELS = ("engaged_share_level_4", "engaged_share_level_3", "engaged_share_level_2")
_REASONS = (
    "override", "lane_change", "destination", "comfort", "speed", "lane_markings", "weather", "construction", "sensor",
    "other",
)  # fmt: skip
REASONS = tuple(f"{reason}_disengagement_rate" for reason in _REASONS)
ENDS = ("driver_disengagement_rate", "system_disengagement_rate", "takeover_by_driver_rate", "takeover_by_system_rate")
TIMES = ("takeover_time_p50", "takeover_time_p90", "takeover_time_p95")
DAILY = ("engaged_distance", "disengagement_rate", "takeover_request_rate", "engagement_length")

PAGE = Page(
    "automation", Text.AUTOMATION,
    (
        Tiles(*TILES),
        Row(
            DaysOf("levels", Text.BY_LEVEL, LEVELS, Text.SHARE_OF_LEVEL),
            ByClass("engaged_share", "model"),
            ByMetric("reasons", Text.WHY_DISENGAGED, REASONS),
            ByGroup("disengagements_by_reason", *TIMES[:2], by="reason", name="endings", title=Text.HOW_THEY_END),
            ByMetric("ends", Text.WHO_ENDED_IT, ENDS, ordered=True),
            ByMetric("takeover-times", Text.TIME_TO_TAKE_OVER, TIMES, ordered=True),
        ),
        Row(*(ByDay(metric) for metric in DAILY), columns=4),
        Row(ByClass("engaged_share", "market"), ByClass("disengagement_rate", "model")),
    ))  # fmt: skip
