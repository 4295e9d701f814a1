"""What a trip took: energy out of the traction battery and back into it, and fuel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lake.schemas.core.trips import ENERGY_METHODS
from transforms.core.axis import HOUR, Bools, Floats, range_max, range_sum
from transforms.core.trips.motion import Steps
from transforms.core.trips.rules import TripRules, in_microseconds
from transforms.core.trips.samples import Readings, Samples
from transforms.core.trips.spans import Spans, brackets
from transforms.core.witnesses.amounts import Witness, believed
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import Agreement, Doubted

_CURRENT = ENERGY_METHODS.index("current")


@dataclass(frozen=True)
class Consumption:
    """Amounts of trips, NaN where not known; methods index ``ENERGY_METHODS`` and ``FUEL_METHODS``, -1 for none."""

    energy_used_kwh: Floats
    energy_regenerated_kwh: Floats
    energy_method: npt.NDArray[np.intp]
    fuel_used_l: Floats
    fuel_method: npt.NDArray[np.intp]


def consumption(
    samples: Samples, steps: Steps, spans: Spans, rules: TripRules, doubt: WitnessRules
) -> tuple[Consumption, list[Doubted]]:
    """Energy and fuel of trips: by a counter where it covers the trip, else by power, or by the volume in the tank.

    Power is what was sent as such, or voltage times current. A share of charge or of a tank alone says no amount. Also
    gives what is doubted; the places are numbers of trips.
    """
    readings = samples.readings
    voltage, current = readings.get("battery_voltage_v"), readings.get("battery_current_a")
    counted = _counted(readings.get("energy_used_kwh"), samples, spans, rules, rules.most_kw)
    integrated, regenerated = _integrated(readings.get("battery_power_kw"), samples, steps, spans, rules)
    by_current, back = _integrated(_product(voltage, current), samples, steps, spans, rules)
    integrated, regenerated, turned = _turned(integrated, regenerated, counted, by_current, doubt)
    energy, energy_method, doubts = believed(
        "energy",
        [
            Witness("counter", "energy_used_kwh", counted, counts=True),
            Witness("power", "battery_power_kw", integrated),
            Witness("current", "battery_current_a", by_current),
        ],
        (doubt.agree_kwh, doubt.apart_kwh),
        doubt,
        _fallen(readings.get("soc_pct"), samples, spans, rules) / 100 * doubt.least_kwh,
    )
    burnt = _counted(readings.get("fuel_used_l"), samples, spans, rules, rules.most_l_per_h)
    drained = _drained(readings.get("fuel_level_l"), samples, spans, rules)
    fuel, fuel_method, of_fuel = believed(
        "fuel",
        [Witness("counter", "fuel_used_l", burnt, counts=True), Witness("level", "fuel_level_l", drained)],
        (doubt.agree_l, doubt.apart_l),
        doubt,
    )
    regenerated = np.where(np.isnan(regenerated) | (energy_method == _CURRENT), back, regenerated)
    return Consumption(energy, regenerated, energy_method, fuel, fuel_method), [*turned, *doubts, *of_fuel]


def _product(voltage: Readings | None, current: Readings | None) -> Readings | None:
    """Power by voltage and current, kW, at the samples that have both."""
    if voltage is None or current is None:
        return None
    place, one, other = np.intersect1d(voltage.place, current.place, assume_unique=True, return_indices=True)
    return Readings(place, voltage.value[one] * current.value[other] / 1000) if len(place) else None


def _fallen(soc: Readings | None, samples: Samples, spans: Spans, rules: TripRules) -> Floats:
    """Points by which the state of charge fell over each trip, less one for rounding; NaN where it is not known."""
    if soc is None or not len(spans):
        return np.full(len(spans), np.nan)
    first, last, inside = brackets(soc, samples, spans, rules.carry_s)
    fell = soc.value[first] - soc.value[last] - 1
    return np.where(inside & (fell > 0), fell, np.nan)


def _turned(
    out: Floats, back: Floats, counted: Floats, by_current: Floats, doubt: WitnessRules
) -> tuple[Floats, Floats, list[Doubted]]:
    """Power whose sign is turned: what it says comes back is what others say was used."""
    near = Agreement(doubt.agree, doubt.agree_kwh)
    with np.errstate(invalid="ignore"):
        others = np.where(np.isnan(counted) | (counted == 0), by_current, counted)
        turned = np.flatnonzero(near.close(back, others) & ~near.close(out, others) & (back > out))
    if not len(turned):
        return out, back, []
    told = Doubted.of("energy", "battery_power_kw", turned, "sign", -out[turned], others[turned], "counter")
    right, regained = out.copy(), back.copy()
    right[turned], regained[turned] = back[turned], out[turned]
    return right, regained, [told]


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
