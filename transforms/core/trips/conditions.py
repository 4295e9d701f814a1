"""What was known at the ends of a trip and within it: charge, place, temperatures, and how fast the roads were."""

from __future__ import annotations

import numpy as np

from lake.schemas.core.trips import SPEED_BANDS_KMH, speed_band
from transforms.core.axis import HOUR, SECOND, Floats, range_max, range_sum
from transforms.core.trips.motion import Steps
from transforms.core.trips.rules import TripRules, in_microseconds
from transforms.core.trips.samples import Readings, Samples
from transforms.core.trips.spans import Spans, newest

#: Places are rounded to this many decimals of a degree: 0.01 degrees of latitude are 1.1 km.
_PLACE_DECIMALS = 2


def at_ends(samples: Samples, spans: Spans, rules: TripRules) -> dict[str, Floats]:
    """State of charge and coarsened place at the start and the end of each trip, NaN where not known.

    A value holds for ``rules.carry_s``. At the start it is the newest at or before it, else the first within.
    """
    columns: dict[str, Floats] = {}
    columns["soc_start_pct"], columns["soc_end_pct"] = _ends(samples.readings.get("soc_pct"), samples, spans, rules)
    for name, values in (("latitude", samples.latitude), ("longitude", samples.longitude)):
        known = None if values is None else np.flatnonzero(~np.isnan(values))
        readings = None if values is None or known is None or not len(known) else Readings(known, values[known])
        for end, value in zip(("start", "end"), _ends(readings, samples, spans, rules), strict=True):
            columns[f"{end}_{name}_deg"] = np.round(value, _PLACE_DECIMALS) + 0.0
    return columns


def _ends(readings: Readings | None, samples: Samples, spans: Spans, rules: TripRules) -> tuple[Floats, Floats]:
    if readings is None or not len(spans):
        unknown = np.full(len(spans), np.nan)
        return unknown, unknown
    before, holds = newest(readings, samples, spans.start, rules.carry_s)
    low, high = spans.readings(readings)
    after = np.minimum(low, len(readings) - 1)
    late = samples.at[readings.place[after]] - samples.at[spans.start]
    soon = (low < high) & (late <= in_microseconds(rules.carry_s))
    last, stands = newest(readings, samples, spans.end, rules.carry_s)
    value = readings.value
    return (
        np.where(holds, value[before], np.where(soon, value[after], np.nan)),
        np.where(stands, value[last], np.nan),
    )


def temperatures(samples: Samples, spans: Spans, rules: TripRules) -> dict[str, Floats]:
    """Mean of the outside air and highest of coolant and traction battery; NaN where not known.

    Where there is no reading within, the one before the start that still holds.
    """
    return {
        "ambient_temperature_c": _mean(samples.readings.get("ambient_temperature_c"), samples, spans, rules),
        "coolant_temperature_max_c": _highest(samples.readings.get("coolant_temperature_c"), samples, spans, rules),
        "battery_temperature_max_c": _highest(samples.readings.get("battery_temperature_c"), samples, spans, rules),
    }


def _mean(readings: Readings | None, samples: Samples, spans: Spans, rules: TripRules) -> Floats:
    if readings is None or not len(spans):
        return np.full(len(spans), np.nan)
    low, high = spans.readings(readings)
    mean = range_sum(readings.value, low, high) / np.maximum(high - low, 1)
    return np.where(high > low, mean, _held(readings, samples, spans, rules))


def _highest(readings: Readings | None, samples: Samples, spans: Spans, rules: TripRules) -> Floats:
    if readings is None or not len(spans):
        return np.full(len(spans), np.nan)
    low, high = spans.readings(readings)
    return np.where(high > low, range_max(readings.value, low, high), _held(readings, samples, spans, rules))


def _held(readings: Readings, samples: Samples, spans: Spans, rules: TripRules) -> Floats:
    index, holds = newest(readings, samples, spans.start, rules.carry_s)
    return np.where(holds, readings.value[index], np.nan)


def speed_bands(steps: Steps, spans: Spans) -> dict[str, Floats]:
    """Time in motion of each trip by class of speed, s. The time of a step goes to the mean speed of its ends.

    Where speed is unknown at both ends, to the speed by position, else by odometer: a step is in motion because one of
    them says so. The classes add up to the time in motion.
    """
    inside = np.zeros(len(steps.duration) + 1, dtype=np.int8)
    inside[spans.start] += 1
    inside[spans.end] -= 1
    moving = np.flatnonzero(steps.motion & (np.cumsum(inside[:-1], dtype=np.int8) > 0))
    duration, kmh = steps.duration[moving], _pace(steps)[moving]
    band = np.zeros(len(moving), dtype=np.intp)
    for limit in SPEED_BANDS_KMH[1:]:
        band += kmh >= limit
    bands = len(SPEED_BANDS_KMH)
    trip = np.repeat(np.arange(len(spans)), spans.total(steps.motion.astype(np.int64)))
    # Whole microseconds: floats hold their sums exactly, in whatever order.
    sums = np.bincount(trip * bands + band, weights=duration, minlength=len(spans) * bands).reshape(-1, bands)
    return {speed_band(low): sums[:, number] / SECOND for number, low in enumerate(SPEED_BANDS_KMH)}


def _pace(steps: Steps) -> Floats:
    """Speed of each step, km/h."""
    if steps.mean_kmh is not None and steps.speed_known is None:
        return steps.mean_kmh
    hours = np.maximum(steps.duration, 1) / HOUR
    pace = np.zeros(len(hours)) if steps.odometer_km is None else steps.odometer_km / hours
    if steps.position_km is not None:
        pace = np.where(steps.position_km > 0, steps.position_km / hours, pace)
    if steps.mean_kmh is None or steps.speed_known is None:
        return pace
    return np.where(steps.speed_known, steps.mean_kmh, pace)
