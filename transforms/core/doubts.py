"""``core.doubts``: what was sent and is not believed. ``docs/core.md`` has the rules, ``witnesses`` holds them."""

from __future__ import annotations

from datetime import date

import polars as pl

from lake.schemas.core import Doubts
from transforms.core.events import between, bounds
from transforms.core.messages import MESSAGE_KEY
from transforms.core.ordering import ORDER_KEYS, in_order
from transforms.core.trips import trip_doubts
from transforms.core.witnesses.copies import again, conflicts, told_again

_KEY = ("vehicle_id", "date", "event_at", "quantity", "signal", "kind")
_QUANTITY = {"energy_kwh": "meter", "energy_charged_kwh": "charging"}


def doubts(
    telemetry: pl.LazyFrame | pl.DataFrame, sessions: pl.LazyFrame | pl.DataFrame, first: date, last: date
) -> pl.DataFrame:
    """What is doubted on the days from ``first`` to ``last``.

    Doubts of a trip or a session are of the day on which it starts. A row depends on what its trip, its session or its
    day depends on, and on nothing else.

    Args:
        telemetry: rows of ``raw.telemetry``, as ``trips`` takes them.
        sessions: rows of ``core.charging_sessions`` of these days.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.doubts``, sorted by (vehicle_id, date, at, quantity, signal, kind).
    """
    parts = [
        trip_doubts(telemetry, first, last),
        _of_sessions(sessions, first, last),
        _of_messages(telemetry.lazy(), first, last),
    ]
    return pl.concat(parts).sort(_KEY)


def _of_messages(telemetry: pl.LazyFrame, first: date, last: date) -> pl.DataFrame:
    """A row for each signal and day of which messages with one key say otherwise."""
    of_days = telemetry.filter(between(*bounds(first, last)))
    frame = of_days.select(ORDER_KEYS).collect()
    ordered = in_order(frame)
    places = again(ordered)
    if not len(places):
        return Doubts.create_empty()
    rows = places if ordered.rows is None else ordered.rows[places]
    found = conflicts(told_again(of_days, frame.select(MESSAGE_KEY)[rows].unique()))
    furthest = (pl.col("said") - pl.col("believed")).abs().arg_max()
    return (
        found.sort("vehicle_id", "event_at", "signal", "said")
        .with_columns(date=pl.col("event_at").dt.date())
        .group_by("date", "vehicle_id", "signal", maintain_order=True)
        .agg(
            pl.col("event_at").min(),
            pl.col("said").get(furthest),
            pl.col("believed").get(furthest),
            readings=pl.len().cast(pl.Int64),
        )
        .with_columns(
            part=pl.lit("day"), quantity=pl.lit("time"), kind=pl.lit("conflict"), unit=pl.lit(None, dtype=pl.String),
            believed_by=pl.lit("first told"),
        )
        .select(Doubts.column_names())
    )  # fmt: skip


def _of_sessions(sessions: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """A row for each signal that a session names as doubted."""
    told = (
        sessions.lazy()
        .filter(pl.col("date").is_between(first, last), pl.col("doubted").is_not_null())
        .with_columns(parts=pl.col("doubted").str.split(","))
        .explode("parts")
        .with_columns(pl.col("parts").str.split_exact(":", 2).struct.rename_fields(["signal", "kind", "told"]))
        .unnest("parts")
        .collect()
    )
    if told.is_empty():
        return Doubts.create_empty()
    return told.select(
        "date",
        "vehicle_id",
        pl.col("started_at").alias("event_at"),
        pl.lit("session").alias("part"),
        pl.col("signal").replace_strict(_QUANTITY).alias("quantity"),
        "signal",
        "kind",
        pl.lit(0, dtype=pl.Int64).alias("readings"),
        pl.col("told").cast(pl.Float64).alias("said"),
        pl.col("energy_stored_kwh").alias("believed"),
        pl.lit("kWh").alias("unit"),
        pl.col("energy_stored_method").alias("believed_by"),
    ).select(Doubts.column_names())
