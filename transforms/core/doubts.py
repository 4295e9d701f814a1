"""``core.doubts``: what was sent and is not believed. ``docs/core.md`` has the rules, ``witnesses`` holds them."""

from __future__ import annotations

from datetime import date

import polars as pl

from transforms.core.trips import trip_doubts


def doubts(telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """What is doubted on the days from ``first`` to ``last``.

    Doubts of a trip are of the day on which it starts. A row depends on what its trip, or its day, depends on, and on
    nothing else.

    Args:
        telemetry: rows of ``raw.telemetry``, as ``trips`` takes them.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.doubts``, sorted by (vehicle_id, date, at, quantity, signal, kind).
    """
    return trip_doubts(telemetry, first, last)
