"""Harsh events: samples past a limit of acceleration, counted once where they follow closely."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lake.signals import BY_COLUMN
from transforms.core.axis import SECOND, Floats, Ints, Positions
from transforms.core.trips.motion import Steps
from transforms.core.trips.rules import TripRules, in_microseconds
from transforms.core.trips.samples import Readings, Samples
from transforms.core.trips.spans import Spans

_MOST = BY_COLUMN["acceleration_longitudinal_mps2"].high


@dataclass(frozen=True)
class HarshEvents:
    """Numbers of events per trip."""

    accelerations: Ints
    brakings: Ints
    cornerings: Ints


def harsh_events(samples: Samples, steps: Steps, spans: Spans, rules: TripRules) -> HarshEvents:
    """Count the harsh events of trips.

    Longitudinal acceleration is that of its signal in trips in which it is sent, elsewhere the change of speed between
    readings that are close in time. A sample at which one trip ends and the next starts counts for the first.
    """
    ahead = samples.readings.get("acceleration_longitudinal_mps2")
    aside = samples.readings.get("acceleration_lateral_mps2")
    none = np.zeros(len(spans), dtype=np.int64)
    first = spans.start + (steps.motion[spans.start - 1] & (spans.start > 0)) if len(spans) else spans.start
    within = replace(spans, start=first)
    accelerations = brakings = cornerings = none
    derived = _from_speed(samples, rules)
    if derived is not None:
        accelerations, brakings = _ahead(derived, samples, within, rules)
    if ahead is not None:
        low, high = within.readings(ahead)
        told, braked = _ahead(ahead, samples, within, rules)
        accelerations, brakings = np.where(low < high, (told, braked), (accelerations, brakings))
    if aside is not None:
        cornerings = _events(aside.place[np.abs(aside.value) >= rules.harsh_cornering_mps2], samples, within, rules)
    return HarshEvents(accelerations, brakings, cornerings)


def _ahead(acceleration: Readings, samples: Samples, spans: Spans, rules: TripRules) -> tuple[Ints, Ints]:
    place, value = acceleration.place, acceleration.value
    faster = _events(place[value >= rules.harsh_acceleration_mps2], samples, spans, rules)
    return faster, _events(place[value <= -rules.harsh_braking_mps2], samples, spans, rules)


def _events(harsh: Positions, samples: Samples, spans: Spans, rules: TripRules) -> Ints:
    """Events of each trip, from the samples that are harsh."""
    low = np.searchsorted(harsh, spans.start, side="left")
    high = np.searchsorted(harsh, spans.end, side="right")
    apart = np.diff(samples.at[harsh]) > in_microseconds(rules.harsh_join_s)
    begun = np.concatenate(([0], np.cumsum(apart)))
    some = high > low
    if not some.any():
        return np.zeros(len(spans), dtype=np.int64)
    last, first = np.where(some, high - 1, 0), np.where(some, low, 0)
    return np.where(some, begun[last] - begun[first] + 1, 0).astype(np.int64)


def _from_speed(samples: Samples, rules: TripRules) -> Readings | None:
    """Acceleration by the change of speed since the reading before, on the sample that ends it, where it is harsh."""
    if samples.speed is None:
        return None
    shortest, longest = in_microseconds(rules.harsh_from_s), in_microseconds(rules.harsh_until_s)
    place = np.flatnonzero(~np.isnan(samples.speed))
    duration = np.diff(samples.at[place])
    steps = np.flatnonzero((duration >= shortest) & (duration <= longest))
    steps = steps[samples.vehicle[place[steps]] == samples.vehicle[place[steps + 1]]]
    if not len(steps):
        return None
    speed: Floats = np.abs(samples.speed[place])
    value = (speed[steps + 1] - speed[steps]) / 3.6 / (duration[steps] / SECOND)
    possible = np.abs(value) <= _MOST
    return Readings(place[steps + 1][possible], value[possible])
