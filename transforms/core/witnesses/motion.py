"""Whether a vehicle moves: speed against the positions and the odometer of the minutes around it.

A parked receiver says a few tenths, a sensor that is stuck says the same for hours. What stands for two minutes by its
positions, before a moment or behind it, and by its odometer where that is sent, rests whatever the speed says; what
gets away by all of them that are sent drives although the speed says rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.core.axis import SECOND, Bools, Floats, Ints, Positions, range_max
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import KIND, Doubted

#: Kilometres in a degree of latitude.
_KM = 111.195
#: Two positions may be alike for many reasons.
_FIXES = 3


@dataclass(frozen=True)
class Witnesses:
    """What is said of motion at each sample, NaN where nothing is; ``None`` where a signal is never sent.

    Attributes:
        t: places on the line of ``places.Line``.
        speed: size of the speed, km/h, as sent.
        odometer: km.
        latitude: degrees.
        longitude: degrees.
    """

    t: Ints
    speed: Floats
    odometer: Floats | None
    latitude: Floats | None
    longitude: Floats | None


@dataclass(frozen=True)
class _Around:
    """What positions and odometer say of the time around some samples; NaN where they do not say.

    Attributes:
        away: extent of the positions, km.
        gained: by the odometer, km.
        coarse: all readings of it are whole kilometres.
    """

    away: Floats
    gained: Floats
    coarse: Bools


def at_rest(said: Witnesses, place: Positions, rules: WitnessRules) -> tuple[Positions, Doubted | None]:
    """Samples at which the vehicle rests, though its speed is that of a moving one.

    Args:
        said: what is said.
        place: samples whose speed says motion, while neither positions nor odometer say so right before and behind.
        rules: thresholds.

    Returns:
        Samples, rising, and the doubt about the speed at them.
    """
    if not len(place) or said.latitude is None:
        return place[:0], None
    slow = said.speed[place] < rules.noise_kmh
    reach = round(rules.rest_s * SECOND)
    # An odometer of whole kilometres stands for a while in any case.
    told = said.speed[place] * rules.rest_s >= 3600
    rests, odometer_still = np.zeros(len(place), dtype=bool), np.zeros(len(place), dtype=bool)
    for before, behind in ((reach, 0), (0, reach)):
        around = _around(said, place, before, behind)
        with np.errstate(invalid="ignore"):
            still = around.away <= rules.still_km
            stands = (around.gained == 0) & (~around.coarse | told)
            rests |= still & np.where(slow, ~(around.gained > 0), stands)
        odometer_still |= stands
    place = place[rests]
    if not len(place):
        return place, None
    by = np.where(odometer_still[rests], "position,odometer", "position").astype(object)
    speed = said.speed[place]
    stuck = (speed >= rules.noise_kmh) & _same_as_before(speed, said.t[place], rules)
    kind = np.where(stuck, KIND["stuck"], KIND["noise"])
    return place, Doubted.of("motion", "speed_kmh", place, kind, speed, np.zeros(len(place)), by)


def away(said: Witnesses, moving: Bools, candidate: Positions, rules: WitnessRules) -> tuple[Positions, Doubted | None]:
    """Samples at which speed says rest for a whole window, though whatever else is sent says that the vehicle drives.

    Args:
        said: what is said.
        moving: per sample, whether its speed says motion.
        candidate: samples at the end of a step that positions (or, where none are sent, the odometer) say is one in
            motion, while speed says rest at both ends.
        rules: thresholds.

    Returns:
        Samples, rising, and the doubt about the speed at them.
    """
    rests = ~np.isnan(said.speed) & ~moving
    if not len(candidate):
        return candidate, None
    reach = round(rules.rest_s / 2 * SECOND)
    low, high = _window(said.t, said.t[candidate], reach, reach)
    moves = np.concatenate(([0], np.cumsum(moving)))
    resting = moves[high] == moves[low]
    candidate, low, high = candidate[resting], low[resting], high[resting]
    around = _around(said, candidate, reach, reach)
    with np.errstate(invalid="ignore"):
        gone = np.isnan(around.away) | (around.away >= rules.away_km)
        gone &= np.isnan(around.gained) | (around.gained >= rules.away_km)
    gone &= ~(np.isnan(around.away) & np.isnan(around.gained))
    marks = np.zeros(len(said.t) + 1, dtype=np.int64)
    np.add.at(marks, low[gone], 1)
    np.add.at(marks, high[gone], -1)
    place = np.flatnonzero((np.cumsum(marks[:-1]) > 0) & rests)
    if not len(place):
        return place, None
    by = "position,odometer" if said.odometer is not None and said.latitude is not None else "position"
    by = "odometer" if said.latitude is None else by
    unknown = np.full(len(place), np.nan)
    return place, Doubted.of("motion", "speed_kmh", place, "frozen", said.speed[place], unknown, by)


def _around(said: Witnesses, place: Positions, before: int, behind: int) -> _Around:
    t = said.t[place]
    extent = gained = np.full(len(place), np.nan)
    coarse = np.zeros(len(place), dtype=bool)
    if said.latitude is not None and said.longitude is not None:
        fix = np.flatnonzero(~np.isnan(said.latitude))
        low, high = _window(said.t[fix], t, before, behind)
        south, north = _ends(said.latitude[fix], low, high)
        west, east = _ends(said.longitude[fix], low, high)
        width = (east - west) * np.cos(np.radians(north))
        extent = np.where(high - low >= _FIXES, np.hypot(north - south, width) * _KM, np.nan)
    if said.odometer is not None:
        read = np.flatnonzero(~np.isnan(said.odometer))
        low, high = _window(said.t[read], t, before, behind)
        least, most = _ends(said.odometer[read], low, high)
        gained = np.where(high - low >= 2, most - least, np.nan)
        part = range_max(said.odometer[read] % 1, low, high)
        coarse = part == 0
    return _Around(extent, gained, coarse)


def _window(line: Ints, t: Ints, before: int, behind: int) -> tuple[Positions, Positions]:
    return np.searchsorted(line, t - before, side="left"), np.searchsorted(line, t + behind, side="right")


def _ends(value: Floats, low: Positions, high: Positions) -> tuple[Floats, Floats]:
    """Least and greatest of each range; NaN where it is empty."""
    return -range_max(-value, low, high), range_max(value, low, high)


def _same_as_before(speed: Floats, t: Ints, rules: WitnessRules) -> Bools:
    """Whether the reading is that of one of its neighbours among those doubted."""
    near = np.diff(t) <= round(rules.look_s * SECOND)
    same = (np.diff(speed) == 0) & near
    beside: Bools = np.append(same, False) | np.append(False, same)
    return beside
