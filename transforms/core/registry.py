"""What registries say as of each day: a state holds from the day it is stated on until the next is stated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from lake.schemas import TABLES
from transforms.core.messages import deduplicate


def statements(table: str, rows: pl.LazyFrame | pl.DataFrame, last: date | None = None) -> pl.LazyFrame:
    """The statements of a registry up to the end of a day, resends left out.

    Args:
        table: name of the raw table, as ``raw.consents``.
        rows: its rows, in any order.
        last: last UTC day, inclusive; all days where ``None``.

    Returns:
        The rows, each once, with ``day`` (the UTC day of ``event_at``), sorted by the key of the table: vehicle,
        time, sequence number.
    """
    day = pl.col("event_at").dt.date()
    told = rows.lazy() if last is None else rows.lazy().filter(day <= last)
    return deduplicate(told, TABLES[table].message_key).with_columns(day=day)


def as_of_days(states: pl.LazyFrame, by: Sequence[str], first: date, last: date) -> pl.LazyFrame:
    """One row per day on which a state holds at the day's end.

    Args:
        states: rows with the columns ``by``, ``day`` and what holds from then on; of one thing in the order in which
            they were stated. Of several of one day the last counts. None is of a day after ``last``.
        by: what tells one thing from another, as ``("vehicle_id",)``.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        The columns of ``states`` without ``day``, and ``date``, for each thing and day from the first state of the
        thing on. In no order.
    """
    keys = list(by)
    held = (
        states.unique([*keys, "day"], keep="last", maintain_order=True)
        .sort(*keys, "day")
        .with_columns(until=pl.col("day").shift(-1).over(keys).fill_null(last + timedelta(days=1)))
        .with_columns(since=pl.max_horizontal("day", pl.lit(first)))
        .filter(pl.col("until") > pl.col("since"))
    )
    days = pl.date_ranges("since", "until", closed="left")
    return held.with_columns(date=days).drop("day", "since", "until").explode("date")
