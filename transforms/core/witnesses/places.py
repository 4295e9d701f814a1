"""Positions as witnesses: those that go there and come back as no vehicle does, and odometers that do.

The other positions near in time vote on one; where speed was sent it says how far a vehicle can have got.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.core.axis import HOUR, SECOND, Bools, Floats, Ints, Positions, range_max
from transforms.core.geometry import great_circle_km
from transforms.core.witnesses.rules import WitnessRules

#: So many positions before and behind one vote on it.
_VOTERS = 3
#: So many legs before and behind one tell its pace where no speed is sent.
_PACERS = 8
#: A way there and back is this many times the way without the position.
_DETOUR = 3
#: A vehicle gets this many times as far as the highest speed that was sent near says.
_FREEDOM = 1.5
#: A reading of the odometer that is off by less than this is no spike: nobody knows which of its neighbours is wrong.
_SPIKE_KM = 1.0


@dataclass(frozen=True)
class Line:
    """Samples on one line of time, on which what a gap divides lies further apart than anybody looks.

    Attributes:
        t: places on the line, microseconds.
        speed: size of the speed that was sent at each, km/h, NaN where none was; ``None`` where never.
        latitude: degrees, NaN where not sent.
        longitude: degrees.
    """

    t: Ints
    speed: Floats | None
    latitude: Floats
    longitude: Floats

    @staticmethod
    def times(at: Ints, linked: Bools, rules: WitnessRules) -> Ints:
        """Places of samples on the line, from their times and which steps between them are followed."""
        origin = at.min()
        apart = int(at.max() - origin) + 3 * round(rules.look_s * SECOND)
        places: Ints = np.append(0, np.cumsum(~linked)) * apart + (at - origin)
        return places

    def fastest_kmh(self, place: Positions, fixes: Positions, rules: WitnessRules) -> Floats:
        """What is driven around samples: the highest speed that was sent near them; else more than the middle pace."""
        if self.speed is not None and not np.isnan(self.speed).all():
            look = round(rules.look_s * SECOND)
            low = np.searchsorted(self.t, self.t[place] - look)
            fastest = range_max(self.speed, low, np.searchsorted(self.t, self.t[place] + look, side="right"))
        else:
            fastest = np.full(len(place), np.nan)
        unsent = np.flatnonzero(np.isnan(fastest))
        if len(unsent) and len(fixes) > 1:
            near = np.searchsorted(fixes, place[unsent])[:, None] + np.arange(-_PACERS, _PACERS)
            leg = np.clip(near, 0, len(fixes) - 2)
            hours = np.maximum(self.t[fixes[leg + 1]] - self.t[fixes[leg]], 1) / HOUR
            fastest[unsent] = _FREEDOM * np.median(self.apart_km(fixes[leg], fixes[leg + 1]) / hours, axis=1)
        return fastest

    def apart_km(self, one: Positions, other: Positions) -> Floats:
        """Great circles between the positions at samples."""
        return great_circle_km(self.latitude[one], self.longitude[one], self.latitude[other], self.longitude[other])


def outliers(line: Line, fixes: Positions, arrival: Positions, rules: WitnessRules) -> Positions:
    """Which positions are not believed.

    A position is an outlier where it is too far from most of the others near it, and lies between two of those that
    are not, which are nearer to each other by far.

    Args:
        line: the samples.
        fixes: samples with a position, rising.
        arrival: samples with one that are further from the one before than a vehicle gets.
        rules: thresholds.

    Returns:
        Samples, rising.
    """
    if not len(arrival):
        return arrival
    suspect = np.searchsorted(fixes, arrival)
    near = suspect[:, None] + np.arange(-2 * _VOTERS, 2 * _VOTERS + 1)
    index = np.unique(np.clip(near, 0, len(fixes) - 1))
    for_it, against = np.zeros(len(index), dtype=np.int64), np.zeros(len(index), dtype=np.int64)
    look = round(rules.look_s * SECOND)
    fastest = line.fastest_kmh(fixes[index], fixes, rules)
    for offset in (*range(-_VOTERS, 0), *range(1, _VOTERS + 1)):
        other = index + offset
        there = (other >= 0) & (other < len(fixes))
        one, two = fixes[index], fixes[np.where(there, other, 0)]
        took = np.abs(line.t[two] - line.t[one])
        there &= took <= look
        far = line.apart_km(one, two) > _FREEDOM * fastest * (took / HOUR) + 3 * rules.jump_km
        for_it += there & ~far
        against += there & far
    sound = for_it >= against
    good = index[sound]
    off = index[~sound]
    if not len(good) or not len(off):
        return arrival[:0]
    behind = np.searchsorted(good, off)
    between = (behind > 0) & (behind < len(good))
    one, two = fixes[good[np.maximum(behind, 1) - 1]], fixes[good[np.minimum(behind, len(good) - 1)]]
    here = fixes[off]
    between &= (line.t[here] - line.t[one] <= look) & (line.t[two] - line.t[here] <= look)
    way = line.apart_km(one, here) + line.apart_km(here, two)
    off_way: Positions = here[between & (way >= _DETOUR * line.apart_km(one, two) + 2 * rules.jump_km)]
    return off_way


def spikes(value: Floats, at: Ints, linked: Bools, fastest_kmh: float, rules: WitnessRules) -> Positions:
    """Which readings of an odometer go there and come back at once: the next agrees with the one before.

    Args:
        value: readings, NaN for none, in order.
        at: times, microseconds.
        linked: per step, whether it is followed.
        fastest_kmh: what no vehicle gains.
        rules: thresholds.

    Returns:
        Samples, rising.
    """
    place = np.flatnonzero(~np.isnan(value))
    step = np.diff(value[place])
    falls = np.flatnonzero(step < 0)
    if not len(falls):
        return place[:0]
    # The reading before a fall, and the one behind it.
    middle = np.unique(np.concatenate((falls, falls + 1)))
    middle = middle[(middle > 0) & (middle < len(place) - 1)]
    if not len(middle):
        return place[:0]
    before, here, after = place[middle - 1], place[middle], place[middle + 1]
    gaps = np.concatenate(([0], np.cumsum(~linked)))
    near = (gaps[after] == gaps[before]) & (at[after] - at[before] <= round(rules.look_s * SECOND))
    most = fastest_kmh * (at[after] - at[before]) / HOUR
    there, back = value[here] - value[before], value[after] - value[here]
    whole = there + back
    wild = (there * back < 0) & (np.minimum(np.abs(there), np.abs(back)) >= _SPIKE_KM)
    off: Positions = here[near & wild & (whole >= 0) & (whole <= most)]
    return off
