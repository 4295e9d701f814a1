"""Telemetry of the vehicles whose automation it has to tell: samples on one axis of time, and distances along them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from lake.signals import BY_COLUMN
from transforms.core.automation.rules import AutomationRules
from transforms.core.axis import SECOND, Axis, Bools, Floats, Ints, last_before, range_sum
from transforms.core.messages import in_range
from transforms.core.ordering import ORDER_KEYS, Ordered, in_order

_SIGNALS = ("automation_level", "speed_kmh", "odometer_km")
_KM = 1 / 3600 / SECOND


@dataclass(frozen=True)
class Track:
    """Samples in order, at most one per vehicle and moment. What was not sent is NaN.

    Attributes:
        place: places on the axis of time, rising.
        linked: per step, that the vehicle was followed from one sample to the next; one less than there are samples.
        level: level of automation that the sample says.
        speed: size of the speed, km/h.
        odometer: km.
        off: the ignition was said to be off.
    """

    place: Ints
    linked: Bools
    level: Floats
    speed: Floats
    odometer: Floats
    off: Bools

    def __len__(self) -> int:
        return len(self.place)


def engaged_readings(telemetry: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """``vehicle_id`` and ``event_at`` of all messages from ``start`` to before ``end`` that say a level from 1 to 5."""
    lazy = telemetry.lazy()
    if "automation_level" not in lazy.collect_schema().names():
        lazy = lazy.with_columns(automation_level=pl.lit(None, dtype=pl.Int64))
    return (
        lazy.filter(
            pl.col("automation_level").is_between(1, 5), pl.col("event_at") >= start, pl.col("event_at") < end
        )
        .select("vehicle_id", "event_at")
        .drop_nulls()
        .collect()
    )  # fmt: skip


def select_telemetry(
    telemetry: pl.LazyFrame | pl.DataFrame, vehicle_ids: pl.Series, start: datetime, end: datetime
) -> pl.DataFrame:
    """What matters of the telemetry of some vehicles, from ``start`` to before ``end``; implausible values are null."""
    lazy = telemetry.lazy()
    present = set(lazy.collect_schema().names())
    signals = [BY_COLUMN[name] for name in _SIGNALS if name in present]
    missing = [name for name in (*_SIGNALS, "ignition_on") if name not in present]
    return (
        lazy.filter(pl.col("event_at") >= start, pl.col("event_at") < end)
        .join(vehicle_ids.to_frame("vehicle_id").lazy(), on="vehicle_id", how="semi")
        .select(
            *ORDER_KEYS,
            *(pl.when(in_range(signal)).then(pl.col(signal.column)).alias(signal.column) for signal in signals),
            *([pl.col("ignition_on")] if "ignition_on" in present else []),
            *(pl.lit(None, dtype=pl.Boolean if name == "ignition_on" else pl.Float64).alias(name) for name in missing),
        )
        .collect()
    )


def track_of(telemetry: pl.DataFrame, number: Callable[[pl.Series], Ints], axis: Axis, rules: AutomationRules) -> Track:
    """Samples of messages: of one moment, of each signal the value with the greatest sequence number.

    Args:
        telemetry: as from ``select_telemetry``, in any order, resends included.
        number: numbers of vehicles, rising with their identifiers.
        axis: has room for these.
        rules: parameters.
    """
    ordered = in_order(telemetry)
    place = axis.place(number(ordered.vehicle_ids)[ordered.vehicle.astype(np.int64)], ordered.at)
    first = np.ones(len(place), dtype=bool)
    first[1:] = place[1:] != place[:-1]
    level, speed, odometer = (_values(telemetry[name].cast(pl.Float64), ordered, first) for name in _SIGNALS)
    on = _values(telemetry["ignition_on"].cast(pl.Float64), ordered, first)
    place = place[first]
    linked = np.diff(place) <= round(rules.gap_s * SECOND)
    return Track(place, linked, level, np.abs(speed), odometer, on == 0)


def _values(column: pl.Series, ordered: Ordered, first: Bools) -> Floats:
    """Values of a signal, one per moment; ``first`` marks the first message of each."""
    values = ordered.take(column.to_numpy())
    if first.all():
        return values
    known = ordered.counting(~np.isnan(values))
    begin = np.flatnonzero(first)
    newest = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))[np.append(begin[1:], len(values)) - 1]
    return np.where(newest >= begin, values[newest], np.nan)


def distance_km(
    track: Track, start: Ints, end: Ints, odometer_start: Floats, odometer_end: Floats, rules: AutomationRules
) -> Floats:
    """Distance between places of one vehicle each, km; NaN where nothing tells.

    Args:
        track: the samples.
        start: first places.
        end: last places, not before them.
        odometer_start: readings of the odometer known beside telemetry, km; NaN where not.
        odometer_end: likewise.
        rules: parameters.

    Returns:
        The gain of the odometer, read between the samples where need be; where it makes no sense, speed by the
        trapezoid rule over the true time steps.
    """
    before = np.where(np.isnan(odometer_start), _odometer(track, start, rules), odometer_start)
    after = np.where(np.isnan(odometer_end), _odometer(track, end, rules), odometer_end)
    gain = after - before
    most = (end - start) * (rules.fastest_kmh * _KM) + rules.coarse_km
    return np.where((gain >= 0) & (gain <= most), gain, _by_speed(track, start, end))


def _odometer(track: Track, moment: Ints, rules: AutomationRules) -> Floats:
    """The odometer at moments, on the line between the readings around them, both near."""
    known = np.flatnonzero(~np.isnan(track.odometer))
    if not len(known):
        return np.full(len(moment), np.nan)
    place, value = track.place[known], track.odometer[known]
    before = last_before(place, moment)
    after = np.minimum(before + 1, len(place) - 1)
    before = np.maximum(before, 0)
    near = (moment >= place[before]) & (place[after] > moment)
    near &= np.maximum(moment - place[before], place[after] - moment) <= round(rules.gap_s * SECOND)
    span, gain = np.maximum(place[after] - place[before], 1), value[after] - value[before]
    near &= (gain >= 0) & (gain <= span * (rules.fastest_kmh * _KM) + rules.coarse_km)
    between = np.where(near, value[before] + gain * ((moment - place[before]) / span), np.nan)
    return np.where(place[before] == moment, value[before], between)


def _by_speed(track: Track, start: Ints, end: Ints) -> Floats:
    """Distance by speed; NaN where no speed is known between. Where one end of a step is known, it holds for it."""
    if len(track) < 2:
        return np.full(len(start), np.nan)
    place, steps = track.place, len(track) - 1
    before, after = track.speed[:-1], track.speed[1:]
    before, after = np.where(np.isnan(before), after, before), np.where(np.isnan(after), before, after)
    known = track.linked & ~np.isnan(before)
    before, after = np.where(known, before, 0.0), np.where(known, after, 0.0)
    whole = (before + after) * np.diff(place) * (_KM / 2)
    first, last = np.searchsorted(place, start, side="left"), last_before(place, end)
    low, high = np.minimum(first, steps), np.minimum(np.maximum(last, first), steps)

    def part(step: Ints, since: Ints, until: Ints) -> tuple[Floats, Bools]:
        there = (step >= 0) & (step < steps) & (until > since)
        step = np.clip(step, 0, steps - 1)
        length = np.maximum(place[step + 1] - place[step], 1)
        slope = (after[step] - before[step]) / length
        middle = before[step] + slope * ((since - place[step]) + (until - place[step])) / 2
        return np.where(there, middle * (until - since) * _KM, 0.0), there & known[step]

    inner = range_sum(whole, low, high)
    found = range_sum(known.astype(np.int64), low, high) > 0
    head, head_known = part(first - 1, start, np.minimum(end, place[low]))
    tail, tail_known = part(np.where(last >= first, last, -1), place[np.maximum(last, 0)], end)
    return np.where(found | head_known | tail_known, head + inner + tail, np.nan)
