"""Stretches driven with automation engaged, from events and from signals. ``docs/core.md`` draws the rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import numpy as np
import polars as pl

from lake.schemas.core import AutomationSegments
from transforms.core.automation.events import engagements, select_events, with_takeovers
from transforms.core.automation.rules import AutomationRules
from transforms.core.automation.spans import Open, apart, covered, find_runs, follow
from transforms.core.automation.track import Track, distance_km, engaged_readings, select_telemetry, track_of
from transforms.core.axis import SECOND, Axis, Bools, Floats, Ints
from transforms.core.events import bounds, seconds

_INSTANT = pl.Datetime("us", "UTC")
#: Vehicles worked on at a time.
_PIECE = 1 << 14
#: What a segment has before requests to take over are counted.
_FOUND = (
    "vehicle_id",
    "engaged_at",
    "disengaged_at",
    "level",
    "distance_km",
    "method",
    "ended_by",
    "reason",
    "end_seen",
)


def automation_segments(
    automation_events: pl.LazyFrame | pl.DataFrame,
    telemetry: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: AutomationRules | None = None,
) -> pl.DataFrame:
    """The stretches with driving automation engaged that start on the days from ``first`` to ``last``.

    They are the same, to the last bit, whatever range of days they are asked for in: a segment depends on the events
    and the telemetry of ``rules.context`` around its day, and on nothing else.

    Args:
        automation_events: rows of ``raw.automation_events`` in any order, resends included, of at least the days from
            the one before ``first`` to the one after ``last``.
        telemetry: rows of ``raw.telemetry``, likewise; all rows of each vehicle in it. Of the columns, the keys and
            whatever there is of automation level, speed, odometer and ignition. It is read whole only for vehicles
            whose events leave something open, or whose signals tell of more than their events.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.automation_segments``, sorted by (vehicle_id, engaged_at). The segments of a vehicle do not
        overlap.
    """
    rules = rules or AutomationRules()
    start, end = bounds(first, last)
    low, high = start - rules.context, end + rules.context
    axis = Axis.of(low, high, rules.context)
    events = select_events(automation_events, low, high)
    told = engagements(events, rules)
    pending = pl.col("doubted") | pl.any_horizontal(pl.col("ended_at", "gain_km", "level").is_null())
    vehicles = pl.concat(
        [told.filter(pending)["vehicle_id"], _more_than_told(told, telemetry, axis, low, high, rules)]
    ).unique().sort()  # fmt: skip
    complete = _by_events(told.filter(~pl.col("vehicle_id").is_in(vehicles.implode())))
    followed = _followed(told, events, select_telemetry(telemetry, vehicles, low, high), vehicles, axis, rules)
    found = with_takeovers(pl.concat([complete, *followed]).sort("vehicle_id", "engaged_at"), events)
    return (
        found.with_columns(
            date=pl.col("engaged_at").dt.date(), duration_s=seconds(pl.col("disengaged_at") - pl.col("engaged_at"))
        )
        .filter(pl.col("date").is_between(first, last))
        .select(AutomationSegments.column_names())
    )


def _more_than_told(
    told: pl.DataFrame,
    telemetry: pl.LazyFrame | pl.DataFrame,
    axis: Axis,
    start: datetime,
    end: datetime,
    rules: AutomationRules,
) -> pl.Series:
    """Vehicles that say a level where no segment with sure ends is."""
    readings = engaged_readings(telemetry, start, end)
    ended = told.filter(pl.col("ended_at").is_not_null(), ~pl.col("doubted"))
    names = ended["vehicle_id"].unique().sort()
    if len(names) > axis.room or readings.is_empty():
        return readings["vehicle_id"].unique()
    vehicle_ids = readings["vehicle_id"]
    heads = np.flatnonzero(vehicle_ids.ne_missing(vehicle_ids.shift(1)).to_numpy())
    numbers = _numbers(vehicle_ids.gather(heads), names)
    vehicle = np.repeat(numbers, np.diff(heads, append=len(readings)))
    known = _numbers(ended["vehicle_id"], names)
    begin, until = (axis.place(known, _physical(ended[name])) for name in ("engaged_at", "ended_at"))
    inside = covered(axis.place(vehicle, _physical(readings["event_at"])), begin, until, rules) & (vehicle >= 0)
    return vehicle_ids.filter(pl.Series(~inside)).unique()


def _by_events(told: pl.DataFrame) -> pl.DataFrame:
    """Segments that need nothing but their events."""
    return told.select(
        "vehicle_id", "engaged_at", pl.col("ended_at").alias("disengaged_at"), "level",
        pl.col("gain_km").alias("distance_km"), pl.lit("events").alias("method"), "ended_by", "reason",
        pl.col("ended_at").is_not_null().alias("end_seen"),
    )  # fmt: skip


def _followed(
    told: pl.DataFrame, events: pl.DataFrame, telemetry: pl.DataFrame, vehicles: pl.Series, axis: Axis,
    rules: AutomationRules,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """Segments of vehicles that are followed through their telemetry, some vehicles at a time."""
    size = min(_PIECE, axis.room)
    for begin in range(0, len(vehicles), size):
        names = vehicles[begin : begin + size]
        mine = pl.col("vehicle_id").is_in(names.implode())
        yield _piece(told.filter(mine), events.filter(mine), telemetry.filter(mine), names, axis, rules)


def _piece(
    told: pl.DataFrame, events: pl.DataFrame, telemetry: pl.DataFrame, names: pl.Series, axis: Axis,
    rules: AutomationRules,
) -> pl.DataFrame:  # fmt: skip
    """Segments of some vehicles, of all days that there are events and telemetry of."""
    track = track_of(telemetry, lambda vehicle_ids: _numbers(vehicle_ids, names), axis, rules)
    vehicle = _numbers(told["vehicle_id"], names)
    start = axis.place(vehicle, _physical(told["engaged_at"]))
    end, end_seen, as_told = _ends(told, vehicle, start, track, axis, rules)
    level = told["level"].cast(pl.Float64).to_numpy()
    gain, odometer_end = (np.where(as_told, told[name].to_numpy(), np.nan) for name in ("gain_km", "odometer_end"))
    measured = distance_km(track, start, end, told["odometer_start"].to_numpy(), odometer_end, rules)
    by_events = told.select("vehicle_id", "engaged_at", "ended_by", "reason").with_columns(
        *(pl.when(pl.Series(as_told)).then(pl.col(name)).alias(name) for name in ("ended_by", "reason")),
        disengaged_at=_instants(end, axis),
        level=_whole(np.where(np.isnan(level), _level_said(track, start, end), level)),
        distance_km=pl.Series(np.where(np.isnan(gain), measured, gain)).fill_nan(None),
        method=pl.lit("events"),
        end_seen=pl.Series(end_seen),
    )
    by_signals = _by_signals(events, track, start, end, names, axis, rules)
    return pl.concat([by_events.select(_FOUND), by_signals.select(_FOUND)])


def _ends(
    told: pl.DataFrame, vehicle: Ints, start: Ints, track: Track, axis: Axis, rules: AutomationRules
) -> tuple[Ints, Bools, Bools]:
    """Where segments by events end, whether that was seen, and whether it is as the events say."""
    seen, doubted = told["ended_at"].is_not_null().to_numpy(), told["doubted"].to_numpy()
    end = axis.place(vehicle, _physical(told["ended_at"].fill_null(told["engaged_at"])))
    until = np.where(doubted, end, axis.place(vehicle, _physical(told["until"])))
    asked = told["takeover_at"].is_not_null().to_numpy()
    takeover = axis.place(vehicle, _physical(told["takeover_at"].fill_null(told["engaged_at"])))
    patience = np.where(doubted, round(rules.sure_s * SECOND), round(rules.gap_s * SECOND))
    superseded, changes = (told[name].to_numpy() | doubted for name in ("superseded", "changes"))
    rows = np.flatnonzero(~seen | doubted)
    opened = Open(
        start[rows],
        until[rows],
        superseded[rows],
        changes[rows],
        patience[rows],
        np.where(asked, takeover, start)[rows],
    )
    found, found_seen, through = follow(opened, track, rules)
    end, as_told = end.copy(), seen.copy()
    end[rows], as_told[rows] = found, through & doubted[rows]
    end_seen = as_told.copy()
    end_seen[rows] = found_seen
    return end, end_seen, as_told


def _level_said(track: Track, start: Ints, end: Ints) -> Floats:
    """The first level that signals say within segments; NaN where none."""
    said = np.flatnonzero(track.level > 0)
    place, level = np.append(track.place[said], np.iinfo(np.int64).max), np.append(track.level[said], np.nan)
    position = np.searchsorted(place, start, side="left")
    return np.where(place[position] <= end, level[position], np.nan)


def _by_signals(
    events: pl.DataFrame, track: Track, start: Ints, end: Ints, names: pl.Series, axis: Axis, rules: AutomationRules
) -> pl.DataFrame:
    """Segments that signals tell of where events do not; where only the engagement was lost, they end as events say."""
    runs = find_runs(track, axis, rules)
    runs = runs.keep(apart(runs, start, end, rules))
    ends = events.filter(pl.col("event") == "disengaged")
    ended = np.append(
        axis.place(_numbers(ends["vehicle_id"], names), _physical(ends["event_at"])), np.iinfo(np.int64).max
    )
    position = np.searchsorted(ended, runs.start, side="right")
    # A level that was seen to end has ended; else the disengagement may come a little later than the last sample.
    following = np.append(runs.start[1:], np.iinfo(np.int64).max)
    latest = np.where(runs.end_seen, runs.end, np.minimum(runs.end + round(rules.slack_s * SECOND), following))
    told = ended[position] <= latest
    until = np.where(told, ended[position], runs.end)
    unknown = np.full(len(until), np.nan)
    odometer = np.append(ends["odometer_km"].to_numpy(), np.nan)[position]
    distance = distance_km(track, runs.start, until, unknown, np.where(told, odometer, np.nan), rules)
    row = pl.Series(np.where(told, position, -1)).replace(-1, None)
    return pl.DataFrame(
        {
            "vehicle_id": names.gather(axis.vehicle(runs.start)),
            "engaged_at": _instants(runs.start, axis),
            "disengaged_at": _instants(until, axis),
            "level": _whole(runs.level),
            "distance_km": pl.Series(distance).fill_nan(None),
            "method": pl.repeat("signals", len(until), eager=True),
            "ended_by": ends["initiator"].gather(row),
            "reason": ends["reason"].gather(row),
            "end_seen": runs.end_seen | told,
        }
    )


def _numbers(vehicle_ids: pl.Series, names: pl.Series) -> Ints:
    """Place of each vehicle among names; -1 where it is not one of them."""
    numbers = names.alias("vehicle_id").to_frame().with_row_index("number")
    found = vehicle_ids.alias("vehicle_id").to_frame().join(numbers, on="vehicle_id", how="left", maintain_order="left")
    return found["number"].cast(pl.Int64).fill_null(-1).to_numpy()


def _physical(instants: pl.Series) -> Ints:
    return instants.to_physical().to_numpy()


def _instants(place: Ints, axis: Axis) -> pl.Series:
    return pl.Series(axis.at(place)).cast(_INSTANT)


def _whole(level: Floats) -> pl.Series:
    return pl.Series(level).fill_nan(None).cast(pl.Int64)
