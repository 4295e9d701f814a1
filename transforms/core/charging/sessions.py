"""Charging sessions, from charging events and from signals, reconciled. ``docs/core.md`` explains the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from lake.schemas.core import ChargingSessions
from transforms.core.axis import (
    FAR,
    NEVER,
    SECOND,
    Axis,
    Bools,
    Ints,
    Positions,
    last_before,
    range_sum,
)
from transforms.core.charging.events import Told, select_events, sessions_of
from transforms.core.charging.measures import Spans, measure
from transforms.core.charging.readings import Readings, drives, readings_of, select_readings
from transforms.core.charging.rules import ChargingRules
from transforms.core.charging.signals import Blocks, find_blocks
from transforms.core.events import bounds
from transforms.core.witnesses.charging import doubted, refused

#: Vehicles worked on at a time.
_PIECE = 1 << 14
_INSTANT = pl.Datetime("us", "UTC")


def charging_sessions(
    telemetry: pl.LazyFrame | pl.DataFrame,
    events: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: ChargingRules | None = None,
    *,
    trips: pl.LazyFrame | pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The charging sessions that start on the days from ``first`` to ``last``.

    They are the same sessions, to the last bit, whatever range of days they are asked for in, and whatever the order
    of the rows: a session depends on the messages from ``rules.back`` before its day to ``rules.forward`` behind it,
    and on nothing else.

    Args:
        telemetry: rows of ``raw.telemetry`` in any order, resends included, of at least ``rules.back`` before
            and ``rules.forward`` behind the days asked for; all rows of each vehicle in them. Signal columns may be
            missing.
        events: rows of ``raw.charging_events``, likewise.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.
        trips: rows of ``core.trips`` of these days and of the one before them. What moves does not charge.

    Returns:
        Rows of ``core.charging_sessions``, sorted by (vehicle_id, started_at).
    """
    rules = rules or ChargingRules()
    start, end = bounds(first, last)
    seen_from, seen_until = start - rules.back, end + rules.forward
    driven = None if trips is None else drives(trips, seen_from, seen_until, rules)
    samples = select_readings(telemetry, seen_from, seen_until, rules, driven)
    told = select_events(events, seen_from, seen_until)
    axis = Axis.of(seen_from, seen_until, rules.back)
    names = pl.concat([samples["vehicle_id"].unique(), told["vehicle_id"].unique()]).unique().sort()
    of_samples, of_events = _number(samples["vehicle_id"], names), _number(told["vehicle_id"], names)
    size = min(_PIECE, axis.room)
    parts = []
    for low in range(0, len(names), size):
        mine = np.searchsorted(of_samples, [low, low + size])
        told_mine = np.searchsorted(of_events, [low, low + size])
        readings = readings_of(samples[mine[0] : mine[1]], of_samples[mine[0] : mine[1]] - low, axis, rules)
        by_events = sessions_of(
            told[told_mine[0] : told_mine[1]], of_events[told_mine[0] : told_mine[1]] - low, axis, rules
        )
        parts.append(_piece(readings, by_events, names[low : low + size], axis, rules))
    if not parts:
        return ChargingSessions.create_empty()
    found = pl.concat(parts).filter(pl.col("date").is_between(first, last))
    return found.select(ChargingSessions.column_names())


def _number(vehicle_ids: pl.Series, names: pl.Series) -> Ints:
    """Place of each vehicle among all names."""
    numbers = names.to_frame("vehicle_id").with_row_index("number")
    return (
        vehicle_ids.to_frame("vehicle_id")
        .join(numbers, on="vehicle_id", how="left", maintain_order="left")["number"]
        .cast(pl.Int64)
        .to_numpy()
    )


@dataclass(frozen=True)
class _Bounds:
    """Sessions before they are measured. Moments are places on the axis, ``NEVER`` where not known.

    Attributes:
        row: row of the session by events, -1 for one known from signals alone.
        seen: it is known from signals, too.
        begin: charging started.
        end: charging ended.
        until: charging ended, or was last seen to go on.
        cut: it went on past the longest length.
        pauses: microseconds of interruptions.
        interruptions: their number.
    """

    row: Ints
    seen: Bools
    begin: Ints
    end: Ints
    until: Ints
    cut: Bools
    pauses: Ints
    interruptions: Ints


def _piece(readings: Readings, told: Told, names: pl.Series, axis: Axis, rules: ChargingRules) -> pl.DataFrame:
    """Sessions of some vehicles, of all days that there are readings and events of."""
    blocks = find_blocks(readings, rules)
    ends = _ends(told, blocks, rules)
    found = _merged(_by_events(told, ends, blocks, rules), _by_signals(told, ends[1], blocks, rules))
    signs = np.sort(np.concatenate([blocks.spell_begin, blocks.spell_end, told.first, told.last]))
    spans = Spans(found.begin, found.until, found.end != NEVER, signs)
    measures = measure(readings, spans, rules)
    plugged, unplugged = _cable(readings, found, told, rules)
    facts = told.facts.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    charging = np.maximum(found.end - found.begin - found.pauses, 0)
    frame = pl.DataFrame(
        {
            "row": found.row, "seen": found.seen, "cut": found.cut, "interruptions": found.interruptions,
            "vehicle_id": names.gather(axis.vehicle(found.begin)),
            "started_at": _moments(found.begin, axis), "ended_at": _moments(found.end, axis),
            "plugged_at": _moments(plugged, axis), "unplugged_at": _moments(unplugged, axis),
            "duration_s": np.where(found.end == NEVER, np.nan, charging / SECOND),
            "soc_start": measures.soc_start, "soc_end": measures.soc_end,
            "by_counter": measures.stored_by_counter, "by_power": measures.stored_by_power,
            "power_seen": measures.power_max, "taper_soc_pct": measures.taper_soc,
            "battery_temperature_max_c": measures.temperature_max,
        }
    )  # fmt: skip
    return _columns(frame.join(facts, on="row", how="left", maintain_order="left"), rules)


def _ends(told: Told, blocks: Blocks, rules: ChargingRules) -> tuple[Ints, Ints, Bools]:
    """When sessions by events ended, until when they are known to have gone on, and whether they were cut.

    An end that was not told is where the signals end, or the cable was disconnected, whichever comes first. Two
    sessions by events overlap only where numbers are mixed up: the earlier one then ends where the later one starts.
    """
    jitter, limit = round(rules.jitter_s * SECOND), told.first + round(rules.longest_s * SECOND)
    after = np.append(told.first, FAR)[np.searchsorted(told.first, told.last, side="right")]
    end, place = np.append(blocks.end, NEVER), last_before(blocks.begin, told.last + jitter)
    fits = (place >= 0) & (end[place] >= told.last - jitter)
    seen_until = np.where(fits, np.minimum(end[place], after), told.last)
    ends = fits & (~np.append(blocks.ongoing, False)[place] | (end[place] > limit) | (seen_until == after))
    soonest = np.where(told.unplugged >= told.last, told.unplugged, FAR)
    soonest = np.minimum(soonest, np.where(ends, np.maximum(seen_until, told.last), FAR))
    cut = ~told.end_seen & (soonest > limit) & ((soonest < FAR) | told.cut)
    ended = np.where(told.end_seen, told.last, np.where(cut, limit, np.where(soonest < FAR, soonest, NEVER)))
    until = np.where(ended != NEVER, ended, np.maximum(np.minimum(seen_until, limit), told.last))
    for kind in (told.numbered, ~told.numbered):
        first = told.first[kind]
        following = np.append(first, FAR)[np.searchsorted(first, first, side="right")]
        cut[kind] &= following >= ended[kind]
        ended[kind], until[kind] = np.minimum(ended[kind], following), np.minimum(until[kind], following)
    return ended, until, cut


def _starts(told: Told, until: Ints, blocks: Blocks, rules: ChargingRules) -> Ints:
    """When sessions by events started.

    A start that was not told is where the signals start, or the cable was connected, whichever comes last, and behind
    all charging before. Where signals have gone on for more than half the longest length, they do not say.
    """
    jitter, half = round(rules.jitter_s * SECOND), round(rules.longest_s * SECOND) // 2
    begin, end = np.append(blocks.begin, NEVER), np.append(blocks.end, NEVER)
    place = last_before(blocks.begin, told.first + jitter)
    fits = (place >= 0) & (end[place] >= told.first - jitter)
    endless = fits & (begin[place] < told.first - half)
    earliest = np.maximum(np.where(fits, begin[place], NEVER), told.plugged)
    before = np.concatenate(([NEVER], np.maximum.accumulate(until)))[np.searchsorted(told.first, told.first)]
    before = np.maximum(before, np.where(fits, NEVER, end[place]))
    filled = ~told.start_seen & ~endless & (earliest != NEVER)
    return np.where(filled, np.minimum(np.maximum(earliest, before), told.first), told.first)


def _by_events(told: Told, ends: tuple[Ints, Ints, Bools], blocks: Blocks, rules: ChargingRules) -> _Bounds:
    """Sessions that events tell of. What was not told of their ends comes from signals, and from the cable."""
    jitter = round(rules.jitter_s * SECOND)
    ended, until, cut = ends
    started = _starts(told, until, blocks, rules)
    absorbed = ~told.numbered & _overlaps(told, until, told.numbered, told.first, until, jitter)
    seen = np.append(blocks.end, NEVER)[last_before(blocks.begin, until + jitter)] >= started - jitter
    row = np.arange(len(started))
    found = _Bounds(row, seen, started, ended, until, cut, told.pauses, told.interruptions)
    return _take(found, ~absorbed)


def _by_signals(told: Told, told_until: Ints, blocks: Blocks, rules: ChargingRules) -> _Bounds:
    """Sessions that signals tell of and events do not."""
    jitter, longest = round(rules.jitter_s * SECOND), round(rules.longest_s * SECOND)
    limit = blocks.begin + longest
    cut = blocks.end > limit
    until = np.minimum(blocks.end, limit)
    first = np.searchsorted(blocks.spell_begin, blocks.begin)
    stop = np.searchsorted(blocks.spell_begin, until, side="left")
    stop = np.maximum(stop, first + 1)
    pause = blocks.spell_begin[1:] - blocks.spell_end[:-1]
    every = np.ones(len(told.first), dtype=np.bool_)
    alone = ~_overlaps(told, told_until, every, blocks.begin, until, jitter)
    found = _Bounds(
        row=np.full(len(until), NEVER),
        seen=np.ones(len(until), dtype=np.bool_),
        begin=blocks.begin,
        end=np.where(blocks.ongoing & ~cut, NEVER, until),
        until=until,
        cut=cut,
        pauses=range_sum(pause, first, stop - 1),
        interruptions=stop - first - 1,
    )
    return _take(found, alone)


def _overlaps(told: Told, until: Ints, which: Bools, begin: Ints, end: Ints, jitter: int) -> Bools:
    """Whether some of the sessions by events cover, but for the jitter, a part of each stretch."""
    first, last = told.first[which], np.maximum.accumulate(until[which])
    return np.append(last, NEVER)[last_before(first, end + jitter)] >= begin - jitter


def _take(bounds: _Bounds, wanted: Bools | Positions) -> _Bounds:
    return _Bounds(*(getattr(bounds, name)[wanted] for name in _Bounds.__dataclass_fields__))


def _merged(one: _Bounds, other: _Bounds) -> _Bounds:
    """Both, in order; of sessions that start in one moment the first of the first."""
    both = _Bounds(
        *(np.concatenate([getattr(one, name), getattr(other, name)]) for name in _Bounds.__dataclass_fields__)
    )
    order = np.argsort(both.begin, kind="stable")
    return _take(both, order[np.concatenate(([True], np.diff(both.begin[order]) > 0))[: len(order)]])


def _cable(readings: Readings, found: _Bounds, told: Told, rules: ChargingRules) -> tuple[Ints, Ints]:
    """When the cable was connected and disconnected: as told, else the first reading of the cable that says so."""
    longest, hold = round(rules.longest_s * SECOND), round(rules.hold_s * SECOND)
    t, on = np.append(readings.cable.t, NEVER), np.append(readings.cable.value, np.nan)
    off = np.flatnonzero(on == 0)
    changed = np.diff(t, prepend=NEVER) <= hold

    place = np.append(off, -2)[last_before(t[off], found.begin - 1)] + 1
    connects = (on[place] == 1) & changed[place] & (t[place] <= found.begin + round(rules.jitter_s * SECOND))
    plugged = np.where(connects & (found.begin - t[place] <= longest // 2), t[place], NEVER)

    place = np.append(off, -1)[np.searchsorted(t[off], found.until, side="left")]
    parts = (on[place] == 0) & (on[np.maximum(place, 1) - 1] == 1) & changed[place]
    unplugged = np.where(parts & (t[place] - found.begin <= longest), t[place], NEVER)

    of_events = [np.append(moments, NEVER)[found.row] for moments in (told.plugged, told.unplugged)]
    plugged = np.where(of_events[0] != NEVER, of_events[0], plugged)
    unplugged = np.where(of_events[1] != NEVER, of_events[1], unplugged)
    return np.minimum(plugged, found.begin), np.where(unplugged == NEVER, NEVER, np.maximum(unplugged, found.until))


def _moments(places: Ints, axis: Axis) -> pl.Series:
    """Moments at places as a column, null where they are not known."""
    known = places != NEVER
    return pl.Series(axis.at(places)).zip_with(pl.Series(known), pl.Series([None], dtype=pl.Int64)).cast(_INSTANT)


def _columns(frame: pl.DataFrame, rules: ChargingRules) -> pl.DataFrame:
    """Rows of the table, of sessions as they were found and measured."""
    hours = pl.col("duration_s") / 3600
    sound = pl.col("energy_kwh") <= rules.fastest_kw * (pl.col("duration_s").fill_null(rules.longest_s) / 3600 + 1)
    kinds = refused(rules)
    stored = pl.coalesce(pl.when(kinds["energy_charged_kwh"].is_null()).then("by_counter"), "by_power")
    nothing = pl.col("ended_at").is_null() & (stored == 0)
    counted = kinds["energy_charged_kwh"].is_null() & pl.col("by_counter").is_not_null()
    known = frame.with_columns(pl.col(pl.Float64).fill_nan(None)).with_columns(
        soc_start_pct=pl.coalesce("soc_start_pct", "soc_start"), soc_end_pct=pl.coalesce("soc_end_pct", "soc_end")
    )
    known = known.with_columns(
        date=pl.col("started_at").dt.date(),
        energy_in_kwh=pl.when(sound & (kinds["energy_kwh"].fill_null("") != "scale")).then("energy_kwh"),
        doubted=doubted(kinds, {"energy_charged_kwh": "by_counter", "energy_kwh": "energy_kwh"}),
        energy_stored_kwh=pl.when(~nothing).then(stored),
        energy_stored_method=pl.when(stored.is_null() | nothing)
        .then(None)
        .when(counted)
        .then(pl.lit("counter"))
        .otherwise(pl.lit("power")),
        power_max_kw=pl.max_horizontal("power_kw", "power_seen"),
        method=pl.when(pl.col("row") < 0).then(pl.lit("signals")).when("seen").then(pl.lit("both"))
        .otherwise(pl.lit("events")),
        end_reason=pl.when("cut").then(pl.lit("cut")).otherwise("reason"),
        interrupted=~pl.col("cut")
        & ~pl.col("reason").str.to_lowercase().is_in(rules.finished_reasons).fill_null(value=True),
    )  # fmt: skip
    energy = pl.coalesce("energy_in_kwh", "energy_stored_kwh")
    strongest = pl.max_horizontal("power_max_kw", pl.when(hours > 0).then(pl.col("energy_stored_kwh") / hours))
    by_power = pl.when(strongest >= rules.dc_kw).then(pl.lit("DC")).when(strongest.is_not_null()).then(pl.lit("AC"))
    return known.with_columns(
        power_mean_kw=pl.when(hours > 0).then(energy / hours),
        current_type=pl.coalesce("current_type", by_power),
    ).select(ChargingSessions.column_names())
