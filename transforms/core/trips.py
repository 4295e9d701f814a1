"""Trips: from a vehicle's rest to its next long rest. The rules are explained in ``docs/core.md``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from lake.schemas.core import DISTANCE_METHODS, Trips
from transforms.core.distances import Spans, measure
from transforms.core.motion import SECOND, TripRules, find_spans, find_steps
from transforms.core.samples import Samples, read_samples

__all__ = ["TripRules", "trips"]

#: Samples worked on at a time: small enough for a core's cache, large enough to drown the overhead.
_CHUNK = 1 << 17


def trips(
    telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date, rules: TripRules | None = None
) -> pl.DataFrame:
    """The trips that start on the days from ``first`` to ``last``.

    They are the same trips, to the last bit, whatever range of days they are asked for in, and whatever the order of
    the rows: a trip depends on the telemetry of ``rules.context`` around its day, and on nothing else.

    Args:
        telemetry: rows of ``raw.telemetry`` in any order, resends included, of at least the days from the one before
            ``first`` to the one after ``last``; all rows of each vehicle in it. Of the columns, the keys and whatever
            there is of speed, odometer, position and ignition. Fastest where sorted by (vehicle_id, event_at).
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.trips``, sorted by (vehicle_id, started_at).
    """
    rules = rules or TripRules()
    start, end = _midnight(first), _midnight(last + timedelta(days=1))
    samples, vehicle_ids = read_samples(telemetry, start - rules.context, end + rules.context)
    parts = samples.chunks(_CHUNK)
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        found = list(pool.map(lambda part: _trips(part, _microseconds(start), _microseconds(end), rules), parts))
    return _frame(found, vehicle_ids)


def _trips(samples: Samples, start: int, end: int, rules: TripRules) -> dict[str, Any]:
    """Columns of the trips of some vehicles that start from ``start`` (microseconds) to before ``end``."""
    steps = find_steps(samples, rules)
    begins, finishes = find_spans(samples, steps, rules)
    wanted = (samples.at[begins] >= start) & (samples.at[begins] < end)
    spans = Spans(begins[wanted], finishes[wanted])
    distances = measure(samples, steps, spans, rules)
    driving = spans.total(np.where(steps.motion, steps.duration, 0))
    held = samples.at[spans.end] - samples.at[spans.start]
    messages = spans.end - spans.start + 1
    if samples.messages is not None:
        messages = spans.total(samples.messages[:-1]) + samples.messages[spans.end]
    return {
        "vehicle": samples.vehicle[spans.start],
        "started_at": samples.at[spans.start],
        "ended_at": samples.at[spans.end],
        "duration_s": held / SECOND,
        "distance_km": distances.chosen,
        "distance_method": distances.method,
        "distance_odometer_km": distances.odometer,
        "distance_speed_km": distances.speed,
        "distance_position_km": distances.position,
        "interpolated_km": distances.interpolated,
        "driving_s": driving / SECOND,
        "idle_s": (held - driving) / SECOND,
        "max_speed_kmh": _fastest(steps.speed, spans),
        "messages": messages,
    }


def _fastest(speed: Any, spans: Spans) -> Any:
    """Greatest speed within each trip, NaN where none is known."""
    if speed is None or not len(spans.start):
        return np.full(len(spans.start), np.nan)
    bounds = np.stack((spans.start, spans.end + 1), axis=1).ravel()
    return np.fmax.reduceat(np.append(speed, np.nan), bounds)[::2]


def _frame(found: list[dict[str, Any]], vehicle_ids: pl.Series) -> pl.DataFrame:
    if not found:
        return Trips.create_empty()
    columns = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    instant = pl.Datetime("us", "UTC")
    methods = pl.Series(DISTANCE_METHODS, dtype=pl.String)
    frame = pl.DataFrame(columns).with_columns(
        pl.col("started_at", "ended_at").cast(instant),
        pl.col("distance_odometer_km", "distance_speed_km", "distance_position_km", "max_speed_kmh").fill_nan(None),
        pl.col("messages").cast(pl.Int64),
        vehicle_id=vehicle_ids.gather(columns["vehicle"]),
        distance_method=methods.gather(columns["distance_method"]),
    )
    return frame.with_columns(date=pl.col("started_at").dt.date()).select(Trips.column_names())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
