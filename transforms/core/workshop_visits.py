"""Visits to a workshop, from arrival to departure. ``docs/core.md`` explains the rules."""

from __future__ import annotations

from datetime import date

import polars as pl

from lake.schemas.core import WorkshopVisits
from transforms.core.events import between, bounds, of_those, one_per_message, read_events, seconds

_TABLE = "raw.workshop_visits"
_VISIT = ("vehicle_id", "visit_id")
#: Events of one moment happened in this order.
_CODES = {"event": ("arrived", "completed")}
_ON_ARRIVAL = ("reason", "odometer_km")
_ON_COMPLETION = ("codes", "parts")


def workshop_visits(visits: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The workshop visits of which the first news was on the days from ``first`` to ``last``.

    Args:
        visits: rows of ``raw.workshop_visits`` in any order, resends included, of all days there are, before and
            after: a vehicle may wait for a part for months.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.workshop_visits``, sorted by (vehicle_id, visit_id).
    """
    start, end = bounds(first, last)
    rows = read_events(visits, _TABLE, (*_ON_ARRIVAL, *_ON_COMPLETION), _CODES)
    followed = of_those(rows, _VISIT, between(start, end))
    events = one_per_message(followed, _TABLE, (*_VISIT, "event_at", "event"))
    return _visits(events).filter(pl.col("date").is_between(first, last))


def _visits(events: pl.DataFrame) -> pl.DataFrame:
    """Of several arrivals the first counts, of several departures the last; of what was said twice, the first."""
    at, event = pl.col("event_at"), pl.col("event")
    stay = pl.col("completed_at") - pl.col("arrived_at")
    return (
        events.with_columns(
            arrived_at=pl.when(event == "arrived").then(at), completed_at=pl.when(event == "completed").then(at)
        )
        .group_by(_VISIT, maintain_order=True)
        .agg(
            at.first().dt.date().alias("date"),
            pl.col("arrived_at").min(),
            pl.col("completed_at").max(),
            pl.col(*_ON_ARRIVAL).first(ignore_nulls=True),
            pl.col(*_ON_COMPLETION).last(ignore_nulls=True),
        )
        .with_columns(duration_s=pl.when(stay >= pl.duration()).then(seconds(stay)))
        .select(WorkshopVisits.column_names())
        .sort(_VISIT)
    )
