"""Operations: do the feeds bring what they should, what was refused, what is missing, and do the checks hold."""

from dashboard.cards.by_metric import ByMetric
from dashboard.cards.listings import BATCHES, CHECKS, DAYS, FEEDS, REJECTS, SNAPSHOTS, TABLES
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row

FIGURES = ("messages", "message_completeness", "late_share", "duplicate_share", "silent_7d_share", "implausible_rate")
LAGS = ("lag_p50", "lag_p95", "longest_lag_p50", "longest_lag_p95")

PAGE = Page(
    "operations",
    "Operations",
    (
        FEEDS,
        Tiles(*FIGURES),
        Row(CHECKS, DAYS, REJECTS, ByMetric("lags", "Lag by vehicle and day", LAGS, ordered=True), BATCHES, TABLES),
        SNAPSHOTS,
    ),
)
