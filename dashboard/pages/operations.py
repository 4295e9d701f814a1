"""Operations: do the feeds bring what they should, what was refused, what is missing, and do the checks hold."""

from dashboard.cards.by_metric import ByMetric
from dashboard.cards.listings import BATCHES, CHECKS, DAYS, FEEDS, REJECTS, SNAPSHOTS, TABLES
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.texts import Text

FIGURES = ("messages", "message_completeness", "late_share", "duplicate_share", "silent_7d_share", "implausible_rate")
LAGS = ("lag_p50", "lag_p95", "longest_lag_p50", "longest_lag_p95")

PAGE = Page(
    "operations",
    Text.OPERATIONS,
    (
        FEEDS,
        Tiles(*FIGURES),
        Row(CHECKS, DAYS, REJECTS, ByMetric("lags", Text.LAG_BY_VEHICLE, LAGS, ordered=True), BATCHES, TABLES),
        SNAPSHOTS,
    ),
)
