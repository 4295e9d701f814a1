"""What a charging session brought, by the vehicle's readings: energy, state of charge, power, taper, temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.core.axis import (
    FAR,
    HOUR,
    SECOND,
    Bools,
    Floats,
    Ints,
    Positions,
    last_before,
    none_between,
    range_max,
    range_sum,
)
from transforms.core.charging.readings import Readings, Track
from transforms.core.charging.rules import ChargingRules

#: Readings of power below the share of the maximum that make a taper: one is the ramp down at the end.
_TAPERED = 2


@dataclass(frozen=True)
class Spans:
    """Sessions as spans on the axis.

    Attributes:
        begin: charging started.
        end: charging ended, or was last seen to go on.
        ended: charging ended at ``end``.
        signs: every moment at which charging is known to begin or end, sorted. A reading behind such a moment does
            not tell of the session before it.
    """

    begin: Ints
    end: Ints
    ended: Bools
    signs: Ints


@dataclass(frozen=True)
class Measures:
    """What the readings say of each session; NaN where they do not."""

    soc_start: Floats
    soc_end: Floats
    stored_by_counter: Floats
    stored_by_power: Floats
    power_max: Floats
    taper_soc: Floats
    temperature_max: Floats


def measure(readings: Readings, spans: Spans, rules: ChargingRules) -> Measures:
    """Measure sessions by the readings around and within them.

    A parked vehicle's SoC and counter stand still. So the value at the start is the last reading before it, and the
    value at the end the first behind it, unless the vehicle moved or charged in between or the reading is more than
    ``step_s`` away. Else it is the first, or the last, reading within the session.
    """
    soc_start, _ = _at_start(readings, readings.soc, spans, rules)
    soc_end, _ = _at_end(readings, readings.soc, spans, rules)
    low, late = _at_start(readings, readings.counter, spans, rules)
    high, early = _at_end(readings, readings.counter, spans, rules)
    hours = (spans.end - spans.begin) / HOUR
    stored = high - low
    pause = round(rules.pause_s * SECOND)
    sound = (late <= pause) & (early <= pause) & (stored >= 0) & (stored <= rules.fastest_kw * (hours + 1))
    power = readings.power
    first, stop = _within(power, spans)
    power_max = range_max(power.value, first, stop)
    temperature = readings.temperature
    return Measures(
        soc_start=soc_start,
        soc_end=soc_end,
        stored_by_counter=np.where(sound, stored, np.nan),
        stored_by_power=_integral(power, spans, first, stop, rules),
        power_max=np.where(power_max >= rules.power_kw, power_max, np.nan),
        taper_soc=_taper(power, readings.soc, spans, power_max, rules),
        temperature_max=range_max(temperature.value, *_within(temperature, spans)),
    )


def _within(track: Track, spans: Spans) -> tuple[Positions, Positions]:
    """First reading within each session, and the first behind it."""
    return np.searchsorted(track.t, spans.begin, side="left"), np.searchsorted(track.t, spans.end, side="right")


def _at_start(readings: Readings, track: Track, spans: Spans, rules: ChargingRules) -> tuple[Floats, Ints]:
    """Value at the start of each session, NaN where unknown, and how late after the start it was read."""
    begin, place = spans.begin, last_before(track.t, spans.begin)
    t, value, moves = np.append(track.t, -(2**61)), np.append(track.value, np.nan), np.append(track.moves, -1)
    stands = (begin - t[place] <= round(rules.step_s * SECOND)) & (moves[place] == readings.moves_at(begin))
    stands &= none_between(spans.signs, t[place], begin - round(rules.jitter_s * SECOND))
    first, stop = _within(track, spans)
    inside = np.where(first < stop, first, -1)
    late = np.where(stands, 0, t[inside] - begin)
    return np.where(stands, value[place], value[inside]), late


def _at_end(readings: Readings, track: Track, spans: Spans, rules: ChargingRules) -> tuple[Floats, Ints]:
    """Value at the end of each session, NaN where unknown, and how early before the end it was read."""
    end, place = spans.end, np.searchsorted(track.t, spans.end, side="left")
    t, value, moves = np.append(track.t, FAR), np.append(track.value, np.nan), np.append(track.moves, -1)
    stands = spans.ended & (t[place] - end <= round(rules.step_s * SECOND)) & (moves[place] == readings.moves_at(end))
    stands &= none_between(spans.signs, end + round(rules.jitter_s * SECOND), t[place])
    first, stop = _within(track, spans)
    inside = np.where(first < stop, stop - 1, -1)
    early = np.where(stands, 0, end - t[inside])
    return np.where(stands, value[place], value[inside]), early


def _integral(power: Track, spans: Spans, first: Positions, stop: Positions, rules: ChargingRules) -> Floats:
    """Power into the battery over each session by the trapezoid rule, kWh; NaN where a hole is longer than a pause.

    Up to its first and from its last reading, power is that reading.
    """
    if not len(power.t):
        return np.full(len(spans.begin), np.nan)
    value, took = np.maximum(power.value, 0.0), np.diff(power.t)
    steps = (value[1:] + value[:-1]) / 2 * (took / HOUR)
    pause = round(rules.pause_s * SECOND)
    last = np.maximum(stop - 1, 0)
    start = np.minimum(first, len(power.t) - 1)
    head, tail = power.t[start] - spans.begin, spans.end - power.t[last]
    holes = range_sum((took > pause).astype(np.int64), start, last)
    covered = (stop - first > 1) & (holes == 0) & (head <= pause) & (tail <= pause)
    edges = value[start] * (head / HOUR) + value[last] * (tail / HOUR)
    return np.where(covered, range_sum(steps, start, last) + edges, np.nan)


def _taper(power: Track, soc: Track, spans: Spans, power_max: Floats, rules: ChargingRules) -> Floats:
    """SoC at the first reading of power behind the last one that is at least the share of the maximum."""
    flows = power.keep(power.value >= rules.power_kw)
    first, stop = _within(flows, spans)
    count = np.maximum(stop - first, 0)
    session = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(session)) - np.repeat(np.cumsum(count) - count, count) + first[session]
    high = flows.value[row] >= rules.taper_share * power_max[session]
    last_high = np.full(len(count), -1, dtype=np.int64)
    np.maximum.at(last_high, session[high], row[high])
    tapers = (last_high >= 0) & (stop - 1 - last_high >= _TAPERED)
    moment = np.append(flows.t, 0)[np.where(tapers, last_high + 1, -1)]
    place = last_before(soc.t, moment)
    known = tapers & (place >= 0) & (np.append(soc.t, -1)[place] >= spans.begin)
    return np.where(known, np.append(soc.value, np.nan)[place], np.nan)
