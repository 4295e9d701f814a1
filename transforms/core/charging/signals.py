"""When a vehicle charges, by its signals: what it says, and what its battery shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.core.axis import FAR, HOUR, SECOND, Bools, Ints, Positions, last_before
from transforms.core.charging.readings import Readings, Track, held
from transforms.core.charging.rules import ChargingRules


@dataclass(frozen=True)
class Blocks:
    """Stretches of charging with pauses at rest no longer than ``pause_s``, in order. They do not touch.

    Attributes:
        begin: first moment known to charge.
        end: last moment known to charge.
        ongoing: nothing was heard behind the end: it may have gone on.
        spell_begin: beginnings of the unbroken pieces of all blocks, in order.
        spell_end: their ends.
    """

    begin: Ints
    end: Ints
    ongoing: Bools
    spell_begin: Ints
    spell_end: Ints


@dataclass(frozen=True)
class _Intervals:
    begin: Ints
    end: Ints
    ongoing: Bools

    @staticmethod
    def closed(begin: Ints, end: Ints) -> _Intervals:
        return _Intervals(begin, end, np.zeros(len(begin), dtype=np.bool_))


def find_blocks(readings: Readings, rules: ChargingRules) -> Blocks:
    """Stretches of charging by ``charging_on``, and where that says nothing by counter, SoC and power."""
    said = _said(readings.charging, rules)
    shown = [
        _rising(readings.counter, rules.counter_rise_kwh, rules.fastest_kw, rules),
        _rising(readings.soc, rules.soc_rise_pct, np.inf, rules),
        _powered(readings, rules),
    ]
    silent = [_beside(said, intervals) for intervals in shown]
    return _joined([said, *silent], readings, rules)


def _said(charging: Track, rules: ChargingRules) -> _Intervals:
    """From each *on* to what is said next; where that is later than ``hold_s``, the moment alone."""
    begin, following = charging.t, np.append(charging.t[1:], FAR)
    on = charging.value == 1
    silent = following - begin > round(rules.hold_s * SECOND)
    return _Intervals(begin[on], np.where(silent, begin, following)[on], silent[on])


def _rising(track: Track, least: float, fastest_kw: float, rules: ChargingRules) -> _Intervals:
    """Steps in which a reading rises at rest, as part of a rise of at least ``least`` near them.

    A chain is a run of readings that never fall. Steps of a chain that rise, and what stands still between them for at
    most ``flat_s``, are charging when the chain rises by ``least`` within ``rise_window_s`` around the step.
    """
    if len(track.t) < 2:
        return _Intervals.closed(track.t[:0], track.t[:0])
    took, rise = np.diff(track.t), np.diff(track.value)
    follows = (took <= round(rules.step_s * SECOND)) & (np.diff(track.moves) == 0) & (rise >= 0)
    follows &= rise <= fastest_kw * (took / HOUR) + least
    breaks = np.flatnonzero(~follows) + 1
    chain = np.cumsum(np.concatenate(([False], ~follows)))
    first, last = np.append(0, breaks), np.append(breaks, len(track.t)) - 1
    step = np.flatnonzero(follows & (rise > 0))
    window = round(rules.rise_window_s * SECOND)
    low = np.maximum(first[chain[step]], np.searchsorted(track.t, track.t[step] - window, side="left"))
    high = np.minimum(last[chain[step]], np.searchsorted(track.t, track.t[step + 1] + window, side="right") - 1)
    step = step[track.value[high] - track.value[low] >= least]
    begin, end = track.t[step], track.t[step + 1]
    following = np.append(begin[1:], FAR)
    of_chain = np.append(chain[step][1:] == chain[step][:-1], False) if len(step) else np.zeros(0, dtype=np.bool_)
    stands = of_chain & (following - end <= round(rules.flat_s * SECOND))
    return _Intervals.closed(begin, np.where(stands, following, end))


def _powered(readings: Readings, rules: ChargingRules) -> _Intervals:
    """Between readings of power into the battery, no further apart than a pause, while nobody says *off*."""
    power = readings.drawn
    flows = (power.value >= rules.power_kw) & (held(readings.charging, power.t, rules) != 0)
    near = (np.diff(power.t) <= round(rules.pause_s * SECOND)) & (np.diff(power.moves) == 0)
    step = np.flatnonzero(flows[:-1] & flows[1:] & near)
    return _Intervals.closed(power.t[step], power.t[step + 1])


def _beside(said: _Intervals, shown: _Intervals) -> _Intervals:
    """What is shown where nothing is said: an interval that overlaps one in which *on* is said is left out."""
    lasting = said.end > said.begin
    begin, end = said.begin[lasting], said.end[lasting]
    place = np.searchsorted(begin, shown.end, side="left") - 1
    free = (place < 0) | (np.append(end, 0)[place] <= shown.begin)
    return _Intervals(shown.begin[free], shown.end[free], shown.ongoing[free])


def _joined(parts: list[_Intervals], readings: Readings, rules: ChargingRules) -> Blocks:
    begin = np.concatenate([part.begin for part in parts])
    end = np.concatenate([part.end for part in parts])
    ongoing = np.concatenate([part.ongoing for part in parts])
    if not len(begin):
        return Blocks(begin, end, ongoing, begin, end)
    order = np.lexsort((end, begin))
    begin, end, ongoing = begin[order], end[order], ongoing[order]
    reached = np.maximum.accumulate(end)
    since = begin[1:] - reached[:-1]
    spell = _heads(since > 0)
    moves = np.append(readings.moves, 0)
    moved = moves[last_before(readings.t, begin[1:])] > moves[last_before(readings.t, reached[:-1])]
    block = _heads((since > round(rules.pause_s * SECOND)) | ((since > 0) & moved))
    first, last = begin[block], reached[_tails(block, len(begin))]
    at_end = ongoing & (end == np.repeat(last, np.diff(block, append=len(begin))))
    lasting = np.logical_or.reduceat(at_end, block)
    wanted = lasting | (last - first >= round(rules.least_s * SECOND))
    return Blocks(
        begin=first[wanted],
        end=last[wanted],
        ongoing=lasting[wanted],
        spell_begin=begin[spell],
        spell_end=reached[_tails(spell, len(begin))],
    )


def _heads(breaks: Bools) -> Positions:
    """Positions of the first of each run, from whether each but the first begins one."""
    return np.flatnonzero(np.concatenate(([True], breaks)))


def _tails(heads: Positions, length: int) -> Positions:
    """Positions of the last of each run."""
    return np.append(heads[1:], length) - 1
