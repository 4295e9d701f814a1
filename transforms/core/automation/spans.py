"""Automation segments on telemetry: how long an engagement without an end went on, and what signals alone tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.core.automation.rules import AutomationRules
from transforms.core.automation.track import Track
from transforms.core.axis import SECOND, Axis, Bools, Floats, Ints, Positions, range_sum

DAY = 86_400 * SECOND


@dataclass(frozen=True)
class Open:
    """Engagements whose end was not sent, or is doubted, in order. Places are on the axis of vehicles.

    Attributes:
        start: automation was engaged.
        until: the doubted end, or the next engagement, at most the longest length.
        superseded: it is one of the first two.
        ends: it is an end: a doubted one, or an engagement at another level.
        gap: how long a silence may be, microseconds.
        takeover: the last request to take over; before ``start`` where there is none.
    """

    start: Ints
    until: Ints
    superseded: Bools
    ends: Bools
    gap: Ints
    takeover: Ints


def follow(opened: Open, track: Track, rules: AutomationRules) -> tuple[Ints, Bools, Bools]:
    """Where engagements without a sure end ended.

    An engagement is followed from sample to sample until one speaks against it: level 0, ignition off, a gap, or a rest
    that ends a trip. It ended there where that says level 0, else at the last sample before it at which the vehicle
    moved, or said a level. Where nothing speaks against it up to ``until``, it ended there.

    Returns:
        Places, whether that was seen, and whether it is ``until``.
    """
    low = np.searchsorted(track.place, opened.start, side="right")
    high = np.searchsorted(track.place, opened.until, side="left")
    count = np.maximum(high - low, 0)
    begin = np.cumsum(count) - count
    owner = np.repeat(np.arange(len(count)), count)
    sample = np.arange(count.sum()) - begin[owner] + low[owner]
    position = np.arange(len(sample))
    is_first = position == begin[owner]
    place, start = track.place[sample], opened.start[owner]
    moves = _moves(track, sample, begin[owner], rules) | (track.level[sample] > 0)
    moved = np.maximum.accumulate(np.where(moves, place, start))
    since = place - np.where(is_first, start, track.place[sample - 1])
    silent, says_none = (since > opened.gap[owner]) | track.off[sample], track.level[sample] == 0
    against = silent | says_none | (place - moved > round(rules.standstill_s * SECOND))
    stops = np.append(np.flatnonzero(against), len(sample))
    stop = np.minimum(stops[np.searchsorted(stops, begin)], begin + count)
    stopped = stop < begin + count
    places = np.append(place, 0)
    # The newest sample in motion before the stop, where it is the engagement's own.
    newest = np.maximum.accumulate(np.append(-1, np.where(moves, position, -1)))[stop]
    end = np.where(newest >= begin, places[newest], opened.start)
    last = np.where(stop > begin, places[stop - 1], opened.start)
    reaches = opened.until - last <= opened.gap
    through = opened.superseded & ~stopped & (reaches | (opened.ends & (count == 0)))
    bound = np.where(stopped, places[stop], opened.until)
    end = np.where(opened.takeover <= bound, np.maximum(end, opened.takeover), end)
    told = stopped & np.append(says_none & ~silent, False)[stop]
    end = np.where(told, places[stop], np.where(through, opened.until, end))
    return end, told | (through & opened.ends), through


def _moves(track: Track, sample: Positions, begin: Positions, rules: AutomationRules) -> Bools:
    """Whether the vehicle moves at samples, by the newest speed from ``begin`` on; it does where none is known."""
    speed = track.speed[sample]
    position = np.arange(len(sample))
    newest = np.maximum.accumulate(np.where(np.isnan(speed), -1, position)) if len(sample) else position
    return (newest < begin) | (speed[newest] >= rules.moving_kmh)


@dataclass(frozen=True)
class Runs:
    """Stretches of samples at one level, in order. Places are on the axis of vehicles.

    Attributes:
        start: first sample at the level.
        end: first sample after them, or the last of them where the vehicle was not followed further.
        level: SAE J3016.
        end_seen: the sample after them says that it is at another level.
    """

    start: Ints
    end: Ints
    level: Floats
    end_seen: Bools

    def keep(self, wanted: Bools) -> Runs:
        """The stretches that are wanted."""
        return Runs(self.start[wanted], self.end[wanted], self.level[wanted], self.end_seen[wanted])


def find_runs(track: Track, axis: Axis, rules: AutomationRules) -> Runs:
    """Stretches at one level from 1 to 5 that the samples tell of.

    A level holds until another is sent, for ``carry_s`` at most, and neither over a gap nor past an ignition off. What
    goes on for longer than the longest length is divided there, and then at the end of each UTC day. What is shorter
    than ``slack_s`` is none: a level flickers where a clock is set, and two times interleave.
    """
    level, said = _held(track, rules)
    if not len(level):
        return Runs(track.place, track.place, level, track.off)
    position, on = np.arange(len(level)), level > 0
    goes_on = np.append(False, track.linked & (level[1:] == level[:-1])) & on
    head = track.place[np.maximum.accumulate(np.where(on & ~goes_on, position, 0))]
    late = on & (track.place - head > round(rules.longest_s * SECOND))
    day = axis.at(track.place) // DAY
    divided = np.append(False, late[1:] & (~late[:-1] | (day[1:] != day[:-1])))
    goes_on &= ~divided
    start = np.flatnonzero(on & ~goes_on)
    last = np.flatnonzero(on & ~np.append(goes_on[1:], False))
    after = np.where(np.append(track.linked, False)[last], last + 1, last)
    end_seen = (after > last) & said[after] & (level[after] != level[last])
    counts = range_sum((said & on).astype(np.int64), start, last + 1) > 0
    counts &= track.place[after] - track.place[start] >= round(rules.slack_s * SECOND)
    return Runs(track.place[start], track.place[after], level[start], end_seen).keep(counts)


def _held(track: Track, rules: AutomationRules) -> tuple[Floats, Bools]:
    """The level at each sample, 0 where unknown or off, and whether the sample itself says it."""
    said = ~np.isnan(track.level) & ~track.off
    position = np.arange(len(track))
    newest = np.maximum.accumulate(np.where(said, position, -1)) if len(track) else position
    stays = np.append(False, track.linked & ~track.off[:-1]) if len(track) else said
    stretch = np.maximum.accumulate(np.where(stays, 0, position)) if len(track) else position
    held = (newest >= stretch) & (track.place - track.place[newest] <= round(rules.carry_s * SECOND)) & ~track.off
    return np.where(held, track.level[newest], 0.0), said


def apart(runs: Runs, start: Ints, end: Ints, rules: AutomationRules) -> Bools:
    """Whether runs lie apart from all segments from ``start`` to ``end``, which are in order and do not overlap."""
    slack = round(rules.slack_s * SECOND)
    begun = np.searchsorted(start, runs.end + slack, side="right")
    over = np.searchsorted(end, runs.start - slack, side="left")
    return begun <= over


def covered(place: Ints, start: Ints, end: Ints, rules: AutomationRules) -> Bools:
    """Whether places lie in, or close to, segments from ``start`` to ``end``, in order and without overlap."""
    slack = round(rules.slack_s * SECOND)
    return np.searchsorted(start, place + slack, side="right") > np.searchsorted(end, place - slack, side="left")
