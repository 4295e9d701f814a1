"""Statements of registries and steps of campaigns for tests, and what is drawn from them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dataframely as dy
import polars as pl
from hypothesis import strategies as st

FIRST = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
#: Days of the histories that are drawn.
DAYS = 8
LAST = FIRST + timedelta(days=DAYS - 1)

#: Hours after MIDNIGHT: several in one moment, at midnight, and a tick before it.
HOURS = st.one_of(st.sampled_from([0.0, 24.0, 48.0, 47.9999]), st.integers(0, 24 * DAYS - 1).map(float))


def day(number: int) -> date:
    """Days count from ``FIRST``."""
    return FIRST + timedelta(days=number)


def raw(schema: type[dy.Schema], rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a raw table. ``h`` is the time in hours after ``MIDNIGHT``; ``vehicle`` a letter."""
    empty = schema.create_empty()
    full = []
    for number, given in enumerate(rows):
        row = dict(given)
        at = MIDNIGHT + timedelta(hours=row.pop("h"))
        base = {
            "vehicle_id": vehicle_id(row.pop("vehicle", "a")), "event_at": at, "received_at": at, "source": "test",
            "batch": 0, "record": number, "event_date": at.date(),
        }  # fmt: skip
        full.append(base | row)
    if not full:
        return empty
    return pl.concat([empty, pl.DataFrame(full, schema_overrides=dict(empty.schema))], how="diagonal")


def vehicle_id(letter: str) -> str:
    """A vehicle."""
    return letter.encode().hex().rjust(32, "0")


def resent(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The same rows, some of them again in a later batch, in another order."""
    again = frame.filter(pl.col("record") % 3 == 0).with_columns(batch=pl.lit(1, pl.Int64))
    return pl.concat([frame, again]).sample(fraction=1, shuffle=True, seed=seed)
