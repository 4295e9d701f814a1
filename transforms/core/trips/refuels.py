"""When fuel was added: rises of the level in the tank, each given to the trip that ends next."""

from __future__ import annotations

import numpy as np

from transforms.core.axis import Floats, Ints
from transforms.core.trips.rules import HALF_DAY, TripRules, in_microseconds
from transforms.core.trips.samples import Readings, Samples
from transforms.core.trips.spans import Spans


def refuels(samples: Samples, spans: Spans, rules: TripRules) -> tuple[Ints, Floats]:
    """Times that fuel was added within each trip or since the trip before, and how much of the tank.

    Args:
        samples: the samples.
        spans: all trips of the vehicles, in order.
        rules: parameters.

    Returns:
        Number of refuellings per trip, and their sum in percentage points of the tank. Where only the volume is sent,
        they are counted and the sum is 0: how large the tank is, is not known here.
    """
    level, volume = samples.readings.get("fuel_level_pct"), samples.readings.get("fuel_level_l")
    none = np.zeros(len(spans), dtype=np.int64)
    count, added, heard = none, np.zeros(len(spans)), none
    if level is not None and len(spans):
        count, added, heard = _rises(level, samples, spans, rules, rules.refuel_pct)
    if volume is not None and len(spans):
        count = np.where(heard > 0, count, _rises(volume, samples, spans, rules, rules.refuel_l)[0])
    return count, added


def _rises(
    readings: Readings, samples: Samples, spans: Spans, rules: TripRules, least: float
) -> tuple[Ints, Floats, Ints]:
    """Per trip: rises of at least ``least``, their sum, and how many pairs of readings speak for the trip."""
    place, at = readings.place, samples.at[readings.place]
    level = _without_spikes(readings, samples, rules, least)
    trip = np.searchsorted(spans.end, place[1:], side="left")
    trip_exists = trip < len(spans)
    trip = np.where(trip_exists, trip, 0)
    start = spans.start[trip]
    vehicle = samples.vehicle[place]
    speaks = trip_exists & (samples.vehicle[start] == vehicle[1:]) & (vehicle[:-1] == vehicle[1:])
    speaks &= samples.at[start] - at[:-1] <= HALF_DAY
    heard = np.bincount(trip[speaks], minlength=len(spans))

    rising = np.flatnonzero(speaks & (level[1:] > level[:-1]))
    begins = np.ones(len(rising), dtype=bool)
    begins[1:] = (np.diff(rising) > 1) | (np.diff(trip[rising]) > 0)
    first, last = rising[begins], rising[np.append(begins[1:], True)[: len(rising)]]
    gain = level[last + 1] - level[first]
    enough = gain >= least
    first, last, gain, owner = first[enough], last[enough], gain[enough], trip[first[enough]]
    again = np.zeros(len(first), dtype=bool)
    again[1:] = (np.diff(owner) == 0) & (at[first[1:]] - at[last[:-1] + 1] < in_microseconds(rules.refuel_join_s))
    count = np.bincount(owner[~again], minlength=len(spans))
    added = np.bincount(owner, weights=gain, minlength=len(spans)).astype(np.float64)
    return count.astype(np.int64), added, heard


def _without_spikes(readings: Readings, samples: Samples, rules: TripRules, least: float) -> Floats:
    """A value that is off by ``least`` from both values beside it, near in time, gives way to their median with it."""
    value, at, vehicle = readings.value, samples.at[readings.place], samples.vehicle[readings.place]
    near = (np.diff(at) <= in_microseconds(rules.gap_s)) & (vehicle[1:] == vehicle[:-1])
    level = value.copy()
    if len(value) > 2:
        left, middle, right = value[:-2], value[1:-1], value[2:]
        median = np.maximum(np.minimum(left, right), np.minimum(np.maximum(left, right), middle))
        off = near[:-1] & near[1:] & (np.abs(middle - median) >= least)
        level[1:-1] = np.where(off, median, middle)
    return level
