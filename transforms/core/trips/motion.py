"""When a vehicle moves: steps between samples, and the stretches in motion that make up trips.

Everything here looks at most ``TripRules.context`` backwards and forwards in time, which is why a trip comes out the
same from any window that holds that much. ``docs/core.md`` draws the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from transforms.core.axis import HOUR, SECOND, Bools, Floats, Ints, Positions
from transforms.core.geometry import great_circle_km
from transforms.core.trips.drift import gets_away
from transforms.core.trips.rules import HALF_DAY, TripRules, in_microseconds
from transforms.core.trips.samples import Samples
from transforms.core.witnesses.motion import Witnesses, at_rest, away
from transforms.core.witnesses.places import Line, outliers, spikes
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import Doubted


@dataclass(frozen=True)
class Steps:
    """What lies between consecutive samples; one element less than there are samples.

    Attributes:
        duration: microseconds; meaningless across vehicles.
        linked: both ends are of one vehicle, without a gap between.
        motion: the vehicle moves.
        mean_kmh: mean of the speeds at both ends, 0 where unknown; ``None`` where no speed is ever sent.
        speed_km: distance by speed, 0 where unknown; ``None`` likewise.
        speed_known: speed is known at one end at least; ``None`` where it always is.
        position_km: distance since the previous position, on the step that arrives at a position; else 0.
        position_known: positions are known at both ends; ``None`` where they always are.
        odometer_km: gain since the previous reading, on the step that arrives at the greater one; else 0.
        speed: size of the speed at each *sample*, km/h, carried forward, NaN where unknown.
    """

    duration: Ints
    linked: Bools
    motion: Bools
    mean_kmh: Floats | None
    speed_km: Floats | None
    speed_known: Bools | None
    position_km: Floats | None
    position_known: Bools | None
    odometer_km: Floats | None
    speed: Floats | None


def find_steps(samples: Samples, rules: TripRules, doubt: WitnessRules) -> tuple[Samples, Steps, list[Doubted]]:
    """Measure the steps between samples and decide which are in motion.

    A step is in motion when speed at either end says so. Where speed is unknown at an end, or the step is a hole, it
    is also in motion when positions that are no drift or the odometer say so. With the ignition off at both ends it is
    not. What the other witnesses contradict is taken as not said, here and in all that follows.

    Returns:
        The samples as they are believed, their steps, and the doubts, whose places are samples.
    """
    duration = np.diff(samples.at)
    linked = _linked(duration, samples, rules)
    samples, ways, doubts = _believed_ways(samples, linked, rules, doubt)
    off = samples.off
    motion = np.zeros(len(duration), dtype=bool)
    silent = np.ones(len(duration), dtype=bool)
    speed = mean_kmh = speed_km = speed_known = None
    if samples.speed is not None:
        samples, unheard, found = _believed_speed(samples, ways, linked, rules, doubt)
        doubts += found
        speed = _carried_speed(samples, linked, rules)
        speed[unheard] = np.nan
        moving = speed >= rules.moving_kmh
        if off is not None:
            moving &= ~off
        motion = moving[1:] | moving[:-1]
        silent = duration > in_microseconds(rules.sampled_s)
        mean_kmh, speed_known = _mean_speed(speed, silent)
        speed_km = mean_kmh * duration * (1 / 3600 / SECOND)
    if ways.displaced is not None:
        told = np.flatnonzero(silent & ways.displaced & ~motion)
        if len(told):
            motion[told] = gets_away(samples, linked, told, rules)
    if ways.odometer_km is not None:
        motion |= silent & (ways.odometer_km > 0)
    motion &= linked
    if off is not None:
        motion &= ~(off[1:] & off[:-1])
    steps = Steps(
        duration, linked, motion, mean_kmh, speed_km, speed_known, ways.position_km, ways.position_known,
        ways.odometer_km, speed,
    )  # fmt: skip
    return samples, steps, doubts


@dataclass(frozen=True)
class _Ways:
    """What positions and odometer say of the steps; as in :class:`Steps`.

    Attributes:
        position_km: see there.
        position_known: see there.
        displaced: positions say motion; ``None`` where none is ever sent.
        arrival: samples with a position that is further from the one before than a vehicle gets.
        odometer_km: see there.
    """

    position_km: Floats | None
    position_known: Bools | None
    displaced: Bools | None
    arrival: Positions
    odometer_km: Floats | None


def _believed_ways(
    samples: Samples, linked: Bools, rules: TripRules, doubt: WitnessRules
) -> tuple[Samples, _Ways, list[Doubted]]:
    """Ways by position and odometer, without the outliers of both."""
    doubts: list[Doubted] = []
    if samples.odometer is not None:
        off = spikes(samples.odometer, samples.at, linked, rules.fastest_kmh, doubt)
        if len(off):
            value = samples.odometer[off]
            doubts.append(
                Doubted.of("distance", "odometer_km", off, "spike", value, np.full(len(off), np.nan), "odometer")
            )
            samples = replace(samples, odometer=_without(samples.odometer, off))
    ways = _ways(samples, linked, rules, doubt)
    if not len(ways.arrival):
        return samples, ways, doubts
    assert samples.latitude is not None
    assert samples.longitude is not None
    speed = None if samples.speed is None else np.abs(samples.speed)
    line = Line(Line.times(samples.at, linked, doubt), speed, samples.latitude, samples.longitude)
    off = outliers(line, np.flatnonzero(~np.isnan(samples.latitude)), ways.arrival, doubt)
    if not len(off):
        return samples, ways, doubts
    by = "position" if speed is None else "position,speed"
    far = ways.position_km[off - 1] if ways.position_km is not None else np.zeros(len(off))
    doubts.append(Doubted.of("distance", "position", off, "spike", far, np.full(len(off), np.nan), by))
    samples = replace(samples, latitude=_without(samples.latitude, off), longitude=_without(samples.longitude, off))
    return samples, _ways(samples, linked, rules, doubt), doubts


def _without(values: Floats, places: Positions) -> Floats:
    left = values.copy()
    left[places] = np.nan
    return left


def _ways(samples: Samples, linked: Bools, rules: TripRules, doubt: WitnessRules) -> _Ways:
    position_km, position_known, pace = _position_distance(samples, linked, rules)
    odometer_km = _odometer_gain(samples, linked, rules)
    if position_km is None or pace is None:
        return _Ways(None, None, None, np.zeros(0, dtype=np.intp), odometer_km)
    displaced = (pace >= rules.position_kmh) & (pace <= rules.fastest_kmh)
    far = np.flatnonzero(pace > doubt.margin_kmh)
    limit = np.full(len(far), doubt.unsent_kmh)
    if samples.speed is not None:
        fastest = np.fmax(np.abs(samples.speed[far]), np.abs(samples.speed[far + 1]))
        limit = np.where(np.isnan(fastest), limit, 2 * fastest + doubt.margin_kmh)
    return _Ways(position_km, position_known, displaced, far[pace[far] > limit] + 1, odometer_km)


def _believed_speed(
    samples: Samples, ways: _Ways, linked: Bools, rules: TripRules, doubt: WitnessRules
) -> tuple[Samples, Positions, list[Doubted]]:
    """The speeds without those that positions and odometer contradict, and samples at which it then says nothing."""
    assert samples.speed is not None
    none = np.zeros(0, dtype=np.intp)
    if ways.displaced is None and ways.odometer_km is None:
        return samples, none, []
    speed = np.abs(samples.speed)
    moving = speed >= rules.moving_kmh
    gains = np.zeros(len(linked), dtype=bool) if ways.odometer_km is None else ways.odometer_km > 0
    leaves = gains if ways.displaced is None else ways.displaced
    if samples.off is not None:
        moving &= ~samples.off
        leaves = leaves & ~(samples.off[1:] & samples.off[:-1])
    rests = speed < rules.moving_kmh
    stood = moving & ~np.append(False, gains | leaves) & ~np.append(gains | leaves, False)
    left = leaves & rests[1:] & rests[:-1]
    if not stood.any() and not left.any():
        return samples, none, []
    said = Witnesses(
        Line.times(samples.at, linked, doubt), speed, samples.odometer, samples.latitude, samples.longitude
    )
    at_ease, noise = at_rest(said, np.flatnonzero(stood), doubt)
    unheard, frozen = away(said, moving, np.flatnonzero(left) + 1, doubt)
    if len(at_ease) or len(unheard):
        believed = samples.speed.copy()
        believed[at_ease] = 0.0
        believed[unheard] = np.nan
        samples = replace(samples, speed=believed)
    return samples, unheard, [found for found in (noise, frozen) if found is not None]


def find_spans(samples: Samples, steps: Steps, rules: TripRules) -> tuple[Positions, Positions]:
    """The first and last sample of each trip, in order.

    Steps in motion belong together unless a gap, an explicit ignition off or a standstill lies between. Motion that
    goes on unbroken through a whole half of a UTC day is divided at the first sample at or after that half's end.
    """
    motion, off = steps.motion, samples.off
    begins, finishes = motion.copy(), motion.copy()
    breaks = np.concatenate(([False], ~steps.linked))
    begins[1:] &= ~motion[:-1]
    finishes[:-1] &= ~motion[1:]
    if off is not None:
        begins |= motion & off[:-1]
        finishes |= motion & off[1:]
        breaks |= off
    start, end = np.flatnonzero(begins), np.flatnonzero(finishes) + 1
    if not len(start):
        return start, end
    count = np.cumsum(breaks, dtype=np.int32)
    apart = samples.at[start[1:]] - samples.at[end[:-1]] >= in_microseconds(rules.standstill_s)
    apart |= count[start[1:]] > count[end[:-1] - 1]
    start, end = start[np.concatenate(([True], apart))], end[np.concatenate((apart, [True]))]
    return _divided(samples.at, motion, start, end)


def last_known(known: Bools, carried: Bools, at: Ints, limit_s: float) -> Positions:
    """Per sample the newest sample at or before it where something is known.

    Args:
        known: per sample, whether the thing is known there.
        carried: per step, whether the thing outlasts it.
        at: times of the samples, microseconds.
        limit_s: greatest age.

    Returns:
        Positions; -1 where nothing is known, or it is too old.
    """
    place = np.arange(len(known))
    newest = np.maximum.accumulate(np.where(known, place, -1))
    stretch = np.maximum.accumulate(np.where(np.concatenate(([True], ~carried)), place, 0))
    valid = (newest >= stretch) & (at - at[newest] <= in_microseconds(limit_s))
    return np.where(valid, newest, -1)


def _linked(duration: Ints, samples: Samples, rules: TripRules) -> Bools:
    """Which steps are followed: those of one vehicle without a gap.

    A step longer than ``gap_s``, but not than ``slow_gap_s``, is a gap in a feed that is else faster, and the pace of a
    slow one: it is followed when the steps beside it are at least a third as long. A definite gap beside it says
    nothing, unless there is one on both sides.
    """
    same = samples.vehicle[1:] == samples.vehicle[:-1]
    linked: Bools = same & (duration <= in_microseconds(rules.gap_s))
    followed = same & (duration <= in_microseconds(rules.slow_gap_s))
    slow = np.flatnonzero(followed & ~linked)
    if len(slow):
        padded = np.concatenate(([False], followed, [False]))
        lengths = np.concatenate(([0], duration, [0]))
        before, after = padded[slow], padded[slow + 2]
        alike = before | after
        alike &= ~before | (3 * lengths[slow] >= duration[slow])
        alike &= ~after | (3 * lengths[slow + 2] >= duration[slow])
        linked[slow] = alike
    return linked


def _carried_speed(samples: Samples, linked: Bools, rules: TripRules) -> Floats:
    """Size of the speed at each sample, carried forward; never past an ignition off."""
    assert samples.speed is not None
    size = np.abs(samples.speed)
    known = ~np.isnan(size)
    if known.all():
        return size
    carried = linked if samples.off is None else linked & ~samples.off[:-1]
    newest = last_known(known, carried, samples.at, rules.carry_s)
    return np.where(newest >= 0, size[newest], np.nan)


def _mean_speed(speed: Floats, silent: Bools) -> tuple[Floats, Bools | None]:
    """Mean over each step; where speed is known at one end only, it holds. Adds to ``silent`` in place."""
    unknown = np.isnan(speed)
    before, after = speed[:-1], speed[1:]
    known = None
    if unknown.any():
        silent |= unknown[:-1] | unknown[1:]
        known = ~(unknown[:-1] & unknown[1:])
        before = np.where(unknown[:-1], np.where(known, after, 0.0), before)
        after = np.where(unknown[1:], before, after)
    return (before + after) * 0.5, known


def _position_distance(
    samples: Samples, linked: Bools, rules: TripRules
) -> tuple[Floats | None, Bools | None, Floats | None]:
    """Distance since the previous position, whether positions are known at both ends, and the speed of it, km/h.

    What no vehicle does has no distance, and what is no way of one has no speed.
    """
    latitude, longitude = samples.latitude, samples.longitude
    if latitude is None or longitude is None:
        return None, None, None
    known = ~np.isnan(latitude)
    both, fixes = None, latitude
    if known.all():
        elapsed = np.diff(samples.at)
        distance = great_circle_km(latitude[:-1], longitude[:-1], latitude[1:], longitude[1:])
        usable = linked
    else:
        newest = last_known(known, linked, samples.at, rules.carry_s)
        both = (newest[1:] >= 0) & (newest[:-1] >= 0)
        usable = linked & known[1:] & (newest[:-1] >= 0)
        before = newest[:-1]
        elapsed = samples.at[1:] - samples.at[before]
        distance = great_circle_km(fixes[before], longitude[before], latitude[1:], longitude[1:])
    pace = np.where(usable, distance / np.maximum(elapsed, 1) * HOUR, 0.0)
    return np.where(usable & (pace <= rules.fastest_kmh), distance, 0.0), both, pace


def _odometer_gain(samples: Samples, linked: Bools, rules: TripRules) -> Floats | None:
    """What the odometer has gained since its previous reading; 0 where it fell, or leapt."""
    odometer = samples.odometer
    if odometer is None:
        return None
    known = ~np.isnan(odometer)
    if known.all():
        gain, elapsed, usable = np.diff(odometer), np.diff(samples.at), linked
    else:
        newest = last_known(known, linked, samples.at, rules.carry_s)
        before, after = newest[:-1], newest[1:]
        gain, elapsed = odometer[after] - odometer[before], samples.at[after] - samples.at[before]
        usable = linked & (before >= 0) & (after >= 0)
    return np.where(usable & (gain > 0) & (gain <= rules.fastest_kmh / 3600 / SECOND * elapsed), gain, 0.0)


def _divided(at: Ints, motion: Bools, start: Positions, end: Positions) -> tuple[Positions, Positions]:
    """Divide what goes on through a whole half day; few trips do."""
    if not (at[end] - at[start] > HALF_DAY).any():
        return start, end
    spans: list[tuple[int, int]] = []
    for first, last in zip(start.tolist(), end.tolist(), strict=True):
        if at[last] - at[first] <= HALF_DAY:
            spans.append((first, last))
            continue
        whole_half_ends = (-(-at[first] // HALF_DAY) + 1) * HALF_DAY
        cuts = first + np.searchsorted(at[first : last + 1], np.arange(whole_half_ends, at[last], HALF_DAY))
        moving = first + np.flatnonzero(motion[first:last])
        pieces = np.split(moving, np.searchsorted(moving, cuts))
        spans += [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces if len(piece)]
    return np.array([a for a, _ in spans], dtype=np.intp), np.array([b for _, b in spans], dtype=np.intp)
