"""Small frames of raw events for tests, and histories computed in pieces."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl

from lake.schemas import TABLES

FIRST = date(2026, 3, 1)
DAYS = 6
LAST = FIRST + timedelta(days=DAYS - 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
END = MIDNIGHT + timedelta(days=DAYS)

CAR = "0" * 31 + "1"
VAN = "0" * 31 + "2"


def events(table: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a raw table. ``s`` is the time in seconds after ``MIDNIGHT``, or ``event_at`` itself is given."""
    empty = TABLES[table].schema.create_empty()
    full = []
    for number, given in enumerate(rows):
        row = dict(given)
        event_at = row.pop("event_at", None) or MIDNIGHT + timedelta(seconds=row.pop("s"))
        base = {
            "vehicle_id": CAR, "event_at": event_at, "received_at": event_at + timedelta(seconds=2), "source": "test",
            "batch": 0, "record": number, "sequence": None,
        }  # fmt: skip
        full.append(base | row | {"event_date": event_at.date()})
    if not full:
        return empty
    return pl.concat([empty, pl.DataFrame(full, schema_overrides=dict(empty.schema))], how="diagonal")


def days(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    return frame.filter(pl.col("event_date").is_between(first, last))


def whole_days(span: timedelta) -> timedelta:
    return timedelta(days=math.ceil(span / timedelta(days=1)))


def by_windows(
    compute: Callable[[pl.DataFrame, date, date], pl.DataFrame],
    frame: pl.DataFrame,
    limits: Sequence[int],
    back: timedelta,
    forward: timedelta,
    order: Sequence[str],
) -> pl.DataFrame:
    """A table computed range by range, each from the rows of its own days and of the whole days around them."""
    parts = []
    for start, stop in pairwise(limits):
        first, last = FIRST + timedelta(days=start), FIRST + timedelta(days=stop - 1)
        seen = days(frame, first - whole_days(back), last + whole_days(forward))
        parts.append(compute(seen, first, last))
    return pl.concat(parts).sort(order)


def resent(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows in any order, a third of them a second time in a later batch."""
    again = frame.sample(fraction=1 / 3, seed=seed).with_columns(
        pl.col("batch") + 1, pl.col("received_at") + timedelta(days=3)
    )
    return pl.concat([frame, again]).sample(fraction=1, shuffle=True, seed=seed + 1)
