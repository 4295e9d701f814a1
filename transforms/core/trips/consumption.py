"""What a trip took: energy out of the traction battery and back into it, and fuel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lake.schemas.core.trips import ENERGY_METHODS, FUEL_METHODS
from transforms.core.axis import HOUR, Bools, Floats, range_max, range_sum
from transforms.core.trips.motion import Steps
from transforms.core.trips.rules import TripRules, in_microseconds
from transforms.core.trips.samples import Readings, Samples
from transforms.core.trips.spans import Spans, brackets

_ENERGY_COUNTER, _POWER = (ENERGY_METHODS.index(name) for name in ("counter", "power"))
_FUEL_COUNTER, _LEVEL = (FUEL_METHODS.index(name) for name in ("counter", "level"))


@dataclass(frozen=True)
class Consumption:
    """Amounts of trips, NaN where not known; methods index ``ENERGY_METHODS`` and ``FUEL_METHODS``, -1 for none."""

    energy_used_kwh: Floats
    energy_regenerated_kwh: Floats
    energy_method: npt.NDArray[np.intp]
    fuel_used_l: Floats
    fuel_method: npt.NDArray[np.intp]


def consumption(samples: Samples, steps: Steps, spans: Spans, rules: TripRules) -> Consumption:
    """Energy and fuel of trips: by a counter where it covers the trip, else by power, or by the volume in the tank.

    A share of charge or of a tank alone says no amount.
    """
    readings = samples.readings
    counted = _counted(readings.get("energy_used_kwh"), samples, spans, rules, rules.most_kw)
    integrated, regenerated = _integrated(readings.get("battery_power_kw"), samples, steps, spans, rules)
    burnt = _counted(readings.get("fuel_used_l"), samples, spans, rules, rules.most_l_per_h)
    drained = _drained(readings.get("fuel_level_l"), samples, spans, rules)
    energy, energy_method = _first_known((counted, _ENERGY_COUNTER), (integrated, _POWER))
    fuel, fuel_method = _first_known((burnt, _FUEL_COUNTER), (drained, _LEVEL))
    return Consumption(energy, regenerated, energy_method, fuel, fuel_method)


def _first_known(*methods: tuple[Floats, int]) -> tuple[Floats, npt.NDArray[np.intp]]:
    known = [~np.isnan(amount) for amount, _ in methods]
    amount = np.select(known, [amount for amount, _ in methods], default=np.nan)
    return amount, np.select(known, [np.intp(method) for _, method in methods], default=np.intp(-1))


def _counted(readings: Readings | None, samples: Samples, spans: Spans, rules: TripRules, most_per_h: float) -> Floats:
    """Gain of a counter over each trip; NaN where it falls, gains too fast, or does not cover the trip."""
    if readings is None or not len(spans):
        return np.full(len(spans), np.nan)
    first, last, inside = brackets(readings, samples, spans, rules.carry_s)
    value = readings.value
    gain = value[last] - value[first]
    falls = np.cumsum(np.diff(value, prepend=value[:1]) < 0)
    hours = (samples.at[readings.place[last]] - samples.at[readings.place[first]]) / HOUR
    sound = inside & (falls[last] == falls[first]) & (gain <= most_per_h * hours)
    return np.where(sound & _covers(readings, samples, spans, (first, last), rules), gain, np.nan)


def _drained(readings: Readings | None, samples: Samples, spans: Spans, rules: TripRules) -> Floats:
    """Loss of the volume in the tank over each trip; NaN where it was filled in between."""
    if readings is None or not len(spans):
        return np.full(len(spans), np.nan)
    first, last, inside = brackets(readings, samples, spans, rules.carry_s)
    loss = readings.value[first] - readings.value[last]
    hours = (samples.at[readings.place[last]] - samples.at[readings.place[first]]) / HOUR
    filled = range_max(np.diff(readings.value), first, last) >= rules.refuel_l
    sound = inside & ~filled & (loss >= 0) & (loss <= rules.most_l_per_h * hours)
    return np.where(sound & _covers(readings, samples, spans, (first, last), rules), loss, np.nan)


def _covers(
    readings: Readings, samples: Samples, spans: Spans, ends: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    rules: TripRules,
) -> Bools:  # fmt: skip
    """Whether what two readings leave out at the ends of each trip is short."""
    at, place = samples.at, readings.place
    began, ended = at[spans.start], at[spans.end]
    left_out = np.maximum(at[place[ends[0]]] - began, 0) + (ended - at[place[ends[1]]])
    covers: Bools = left_out <= rules.left_out * (ended - began)
    return covers


def _integrated(
    readings: Readings | None, samples: Samples, steps: Steps, spans: Spans, rules: TripRules
) -> tuple[Floats, Floats]:
    """Energy out of the battery, and back into it while moving, from its power; NaN where too little is covered.

    Power is linear between readings that are close in time, with the zero crossing where the line has it. A vehicle
    that charges rests: what goes in at rest is not regenerated.
    """
    unknown = np.full(len(spans), np.nan)
    if readings is None or not len(spans):
        return unknown, unknown
    low, high = spans.readings(readings)
    low = np.minimum(low, len(readings) - 1)
    last = np.maximum(high - 1, low)
    place, power = readings.place, readings.value
    duration = np.diff(samples.at[place])
    close = duration <= in_microseconds(rules.sampled_s)
    duration = np.where(close, duration, 0)
    moved = np.diff(np.cumsum(np.append(False, steps.motion), dtype=np.int32)[place]) > 0
    before, after = power[:-1], power[1:]
    out = range_sum(_positive_mean(-before, -after) * duration, low, last) / HOUR
    back = range_sum(np.where(moved, _positive_mean(before, after), 0.0) * duration, low, last) / HOUR
    held = samples.at[spans.end] - samples.at[spans.start]
    covered = range_sum(duration, low, last) >= (1 - rules.left_out) * held
    return np.where(covered, out, np.nan), np.where(covered, back, np.nan)


def _positive_mean(before: Floats, after: Floats) -> Floats:
    """Mean of the positive part of what goes linearly from ``before`` to ``after``."""
    positive = np.maximum(before, 0.0) + np.maximum(after, 0.0)
    crosses = (before < 0) != (after < 0)
    size = np.where(crosses, np.abs(before) + np.abs(after), 1.0)
    mean: Floats = np.where(crosses, positive * positive / np.maximum(size, 1e-300), positive) * 0.5
    return mean
