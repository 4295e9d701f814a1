"""Trips: from a vehicle's rest to its next long rest. The rules are explained in ``docs/core.md``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from lake.schemas.core import DISTANCE_METHODS, Trips
from lake.schemas.core.trips import ENERGY_METHODS, FUEL_METHODS
from transforms.core.axis import HOUR, SECOND, Bools, microseconds, range_max
from transforms.core.events import bounds
from transforms.core.trips.conditions import at_ends, speed_bands, temperatures
from transforms.core.trips.consumption import Consumption, consumption
from transforms.core.trips.distances import Distances, measure
from transforms.core.trips.harsh import harsh_events
from transforms.core.trips.motion import Steps, find_spans, find_steps
from transforms.core.trips.refuels import refuels
from transforms.core.trips.rules import TripRules
from transforms.core.trips.samples import Samples, read_samples
from transforms.core.trips.spans import Spans
from transforms.core.witnesses.rows import doubts_frame, one_each, together
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import Doubted

#: Samples worked on at a time: small enough for a core's cache, large enough to drown the overhead.
_CHUNK = 1 << 17


def trips(
    telemetry: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: TripRules | None = None,
    doubt: WitnessRules | None = None,
) -> pl.DataFrame:
    """The trips that start on the days from ``first`` to ``last``.

    They are the same trips, to the last bit, whatever range of days they are asked for in, and whatever the order of
    the rows: a trip depends on the telemetry of the contexts of both rules around its day, and on nothing else.

    Args:
        telemetry: rows of ``raw.telemetry`` in any order, resends included, of at least the days from the one before
            ``first`` to the one after ``last``; all rows of each vehicle in it. Of the columns, the keys and whatever
            signals there are. Fastest where sorted by (vehicle_id, event_at).
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.
        doubt: how far witnesses may differ; the defaults where ``None``.

    Returns:
        Rows of ``core.trips``, sorted by (vehicle_id, started_at).
    """
    rules, doubt = rules or TripRules(), doubt or WitnessRules()
    start, end = microseconds(bounds(first, last)[0]), microseconds(bounds(first, last)[1])
    parts, vehicle_ids = _parts(telemetry, first, last, rules, doubt)
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        found = list(pool.map(lambda part: _trips(part, start, end, rules, doubt), parts))
    return _frame(found, vehicle_ids)


def trip_doubts(
    telemetry: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: TripRules | None = None,
    doubt: WitnessRules | None = None,
) -> pl.DataFrame:
    """What is doubted about motion, distance, energy and fuel on the days from ``first`` to ``last``.

    Args:
        telemetry: as for :func:`trips`.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: as for :func:`trips`.
        doubt: as for :func:`trips`.

    Returns:
        Rows of ``core.doubts``, sorted by its key.
    """
    rules, doubt = rules or TripRules(), doubt or WitnessRules()
    start, end = microseconds(bounds(first, last)[0]), microseconds(bounds(first, last)[1])
    parts, vehicle_ids = _parts(telemetry, first, last, rules, doubt)
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        found = list(pool.map(lambda part: _doubted(_measured(part, start, end, rules, doubt), start, end), parts))
    return doubts_frame([one for part in found for one in part], vehicle_ids)


def _parts(
    telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date, rules: TripRules, doubt: WitnessRules
) -> tuple[list[Samples], pl.Series]:
    start, end = bounds(first, last)
    context = rules.context + doubt.context
    samples, vehicle_ids = read_samples(telemetry, start - context, end + context)
    return samples.chunks(_CHUNK), vehicle_ids


@dataclass(frozen=True)
class _Measured:
    """The trips of some vehicles that start in a window, and what was made of their witnesses.

    Attributes:
        samples: as they are believed.
        steps: between them.
        every: all trips, also those that start outside.
        wanted: which of them start in the window.
        spans: these.
        distances: of these.
        took: energy and fuel of these.
        of_samples: doubts whose places are samples.
        of_trips: doubts whose places are numbers of ``spans``.
    """

    samples: Samples
    steps: Steps
    every: Spans
    wanted: Bools
    spans: Spans
    distances: Distances
    took: Consumption
    of_samples: list[Doubted]
    of_trips: list[Doubted]

    def doubted(self) -> Bools:
        """Whether something is doubted about each trip or within it."""
        found = np.zeros(len(self.spans), dtype=bool)
        for one in self.of_trips:
            found[one.place] = True
        for one in self.of_samples:
            low = np.searchsorted(one.place, self.spans.start)
            found |= np.searchsorted(one.place, self.spans.end, side="right") > low
        return found


def _measured(samples: Samples, start: int, end: int, rules: TripRules, doubt: WitnessRules) -> _Measured:
    """Find and measure the trips of some vehicles that start from ``start`` (microseconds) to before ``end``."""
    samples, steps, of_samples = find_steps(samples, rules, doubt)
    every = Spans.of(*find_spans(samples, steps, rules))
    wanted = (samples.at[every.start] >= start) & (samples.at[every.start] < end)
    spans = every.where(wanted)
    distances, far = measure(samples, steps, spans, rules, doubt)
    took, spent = consumption(samples, steps, spans, rules, doubt)
    return _Measured(samples, steps, every, wanted, spans, distances, took, of_samples, far + spent)


def _doubted(found: _Measured, start: int, end: int) -> list[pl.DataFrame]:
    """Rows of doubts of some vehicles: of trips, and of readings by the trip or the day in which they lie."""
    samples, spans = found.samples, found.spans
    frames = [
        one_each(one, samples.vehicle[spans.start[one.place]], samples.at[spans.start[one.place]], "trip")
        for one in found.of_trips
    ]
    for one in found.of_samples:
        trip = np.searchsorted(found.every.start, one.place, side="right") - 1
        within = trip >= 0
        within[within] = one.place[within] <= found.every.end[trip[within]]
        at, vehicle = samples.at[one.place], samples.vehicle[one.place]
        began = np.where(
            within, samples.at[found.every.start[np.where(within, trip, 0)]] if len(found.every) else at, at
        )
        counts = (began >= start) & (began < end)
        frames.append(together(one.where(counts), vehicle[counts], began[counts], within[counts]))
    return frames


def _trips(samples: Samples, start: int, end: int, rules: TripRules, doubt: WitnessRules) -> dict[str, Any]:
    """Columns of the trips of some vehicles that start from ``start`` (microseconds) to before ``end``."""
    found = _measured(samples, start, end, rules, doubt)
    samples, steps, spans, distances, took = found.samples, found.steps, found.spans, found.distances, found.took
    harsh = harsh_events(samples, steps, spans, rules)
    fuelled, added = refuels(samples, found.every, rules)
    driving = spans.total(np.where(steps.motion, steps.duration, 0))
    held = samples.at[spans.end] - samples.at[spans.start]
    fastest = np.full(len(spans), np.nan)
    if steps.speed is not None:
        fastest = range_max(steps.speed, spans.start, spans.end + 1)
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
        "doubted": found.doubted(),
        "driving_s": driving / SECOND,
        "idle_s": (held - driving) / SECOND,
        "max_speed_kmh": fastest,
        "mean_speed_kmh": distances.chosen / (driving / HOUR),
        "energy_used_kwh": took.energy_used_kwh,
        "energy_regenerated_kwh": took.energy_regenerated_kwh,
        "energy_method": took.energy_method,
        "fuel_used_l": took.fuel_used_l,
        "fuel_method": took.fuel_method,
        "refuels": fuelled[found.wanted],
        "refuelled_pct": added[found.wanted],
        "harsh_accelerations": harsh.accelerations,
        "harsh_brakings": harsh.brakings,
        "harsh_cornerings": harsh.cornerings,
        "messages": messages,
        **at_ends(samples, spans, rules),
        **temperatures(samples, spans, rules),
        **speed_bands(steps, spans),
    }


def _frame(found: list[dict[str, Any]], vehicle_ids: pl.Series) -> pl.DataFrame:
    if not found:
        return Trips.create_empty()
    columns = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    names = {
        "vehicle_id": vehicle_ids.gather(columns.pop("vehicle")),
        "distance_method": _named(DISTANCE_METHODS, columns.pop("distance_method")),
        "energy_method": _named(ENERGY_METHODS, columns.pop("energy_method")),
        "fuel_method": _named(FUEL_METHODS, columns.pop("fuel_method")),
    }
    frame = pl.DataFrame(columns).with_columns(
        pl.col("started_at", "ended_at").cast(pl.Datetime("us", "UTC")),
        pl.col("messages").cast(pl.Int64),
        pl.col(pl.Float64).fill_nan(None),
        **names,
    )
    return frame.with_columns(date=pl.col("started_at").dt.date()).select(Trips.column_names())


def _named(names: tuple[str, ...], numbers: Any) -> pl.Series:
    """The names that numbers stand for; null for -1."""
    return pl.Series((*names, None), dtype=pl.String).gather(np.where(numbers < 0, len(names), numbers))
