"""What is still to come of the newest days, worked out at publication; ``transforms.lateness`` says how."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl

from lake.schemas.ops import StillExpected
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table, days_between, open_table
from metrics import load_contracts
from transforms.lateness import WINDOW_DAYS, still_expected

_COUNTED = ("messages", "messages_after_day")


def expected_shares(lake: Lake, fresh: pl.DataFrame, until: date) -> Mapping[date, float]:
    """The share of each day's messages that is still to come, from 0 to 1; empty where that is not known.

    Args:
        lake: the lake; ``kpi.arrivals`` is read.
        fresh: rows of ``ops.freshness``.
        until: last day asked for; none later than the newest event is told of.
    """
    table = Table(lake, load_contracts().table("arrivals").spec)
    last = max(table.rows_by_day(), default=None)
    if last is None:
        return {}
    since = last - timedelta(WINDOW_DAYS - 1)
    rows = table.scan(since).group_by("source", "date", "log_bucket").agg(pl.col(_COUNTED).sum()).collect()
    newest = dict(fresh.select("source", "newest_received_at").drop_nulls().iter_rows())
    heard: datetime | None = fresh["newest_event_at"].max()  # type: ignore[assignment]
    end = last if heard is None else max(last, min(until, heard.date()))
    return still_expected(rows, newest, days_between(since, end))


def keep_expected(lake: Lake, settings: Settings, shares: Mapping[date, float]) -> pl.DataFrame:
    """Keep what is still to come in ``ops.still_expected``.

    Returns:
        Its rows.
    """
    checked_at = datetime.now(UTC)
    rows = pl.DataFrame(
        [
            {"date": day, "checked_at": checked_at, "expected_pct": 100 * share,
             "provisional": 100 * share > settings.provisional_pct}
            for day, share in sorted(shares.items())
        ],
        schema=StillExpected.create_empty().schema,
    )  # fmt: skip
    open_table(lake, "ops.still_expected").replace_all(rows)
    return rows
