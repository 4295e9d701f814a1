"""What registries say as of each day: a state holds from the day it is stated on until the next is stated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from lake.schemas import TABLES
from transforms.core.messages import deduplicate


def statements(table: str, rows: pl.LazyFrame | pl.DataFrame, last: date) -> pl.LazyFrame:
    """The statements of a registry up to the end of a day, resends left out.

    Args:
        table: name of the raw table, as ``raw.consents``.
        rows: its rows, in any order.
        last: last UTC day, inclusive.

    Returns:
        The rows, each once, with ``day`` (the UTC day of ``event_at``), sorted by the key of the table: vehicle,
        time, sequence number.
    """
    day = pl.col("event_at").dt.date()
    return deduplicate(rows.lazy().filter(day <= last), TABLES[table].message_key).with_columns(day=day)


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


#: What a statement says of a vehicle, as far as KPIs are sliced by it.
DIMENSIONS = ("market", "model", "model_year", "powertrain")


def registry(vehicles: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The registry as of each day: of each vehicle, the latest statement up to the day's end.

    Of statements of one moment the greatest sequence number holds. A statement replaces the one before it wholly.

    Args:
        vehicles: rows of ``raw.vehicles`` in any order, resends included, of all days up to ``last``.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        One row per day and vehicle that the registry knew: ``date``, ``vehicle_id``, the ``DIMENSIONS`` and
        ``registered``: it was delivered by then. A statement without a day of delivery counts from its own day on.
        Sorted by (date, vehicle_id).
    """
    told_on = pl.col("event_at").dt.date()
    statements = (
        deduplicate(vehicles.lazy().filter(told_on <= last))
        .group_by("vehicle_id", told_on.alias("from_day"), maintain_order=True)
        .agg(pl.col(*DIMENSIONS, "delivered_on").last())
        .with_columns(until_day=pl.col("from_day").shift(-1).over("vehicle_id", order_by="from_day"))
        .with_columns(
            from_day=pl.max_horizontal("from_day", pl.lit(first)),
            until_day=pl.col("until_day").fill_null(last + timedelta(days=1)),
            in_fleet_from=pl.coalesce("delivered_on", "from_day"),
        )
        .filter(pl.col("until_day") > pl.col("from_day"))
    )
    days = pl.date_ranges("from_day", "until_day", closed="left")
    return (
        statements.with_columns(date=days)
        .explode("date")
        .select("date", "vehicle_id", *DIMENSIONS, registered=pl.col("in_fleet_from") <= pl.col("date"))
        .sort("date", "vehicle_id")
        .collect()
    )
