"""What telemetry says about charging, as readings on one axis of time.

Most messages say nothing: they are sent while driving. They are left out before anything is sorted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from lake.signals import BY_COLUMN, Signal
from transforms.core.axis import HOUR, SECOND, Axis, Bools, Floats, Ints, last_before
from transforms.core.charging.rules import MOTION, ChargingRules
from transforms.core.messages import MESSAGE_KEY, in_range
from transforms.core.ordering import ORDER_KEYS

_STATES = ("charging_on", "charging_cable_on", "soc_pct", "energy_charged_kwh")
_BESIDES = ("battery_power_kw", "odometer_km", "ignition_on", "battery_temperature_c")
_PRODUCT = ("battery_voltage_v", "battery_current_a")
#: An odometer that gains more is wrong.
_FASTEST_KMH = 350


@dataclass(frozen=True)
class Track:
    """The readings of one signal, in order.

    Attributes:
        t: places on the axis.
        value: readings.
        moves: how often any vehicle had been seen to move, up to and including the reading: equal at two readings of
            a vehicle where it stood still between them.
    """

    t: Ints
    value: Floats
    moves: Ints

    def keep(self, wanted: Bools) -> Track:
        """The readings that are wanted."""
        return Track(self.t[wanted], self.value[wanted], self.moves[wanted])


@dataclass(frozen=True)
class Readings:
    """What telemetry says about charging.

    Attributes:
        t: places of the samples on the axis.
        moves: how often any vehicle had been seen to move, up to and including the sample.
        charging: whether the vehicle says that it charges, 1 or 0; 0 also where it is seen to move.
        cable: whether it says that the cable is connected, 1 or 0.
        soc: state of charge, percent, without spikes.
        counter: energy charged, kWh, without spikes.
        power: battery power at rest, kW, without spikes.
        drawn: the same where the ignition is not on.
        temperature: battery temperature, degrees Celsius.
    """

    t: Ints
    moves: Ints
    charging: Track
    cable: Track
    soc: Track
    counter: Track
    power: Track
    drawn: Track
    temperature: Track

    def moves_at(self, moment: Ints) -> Ints:
        """How often any vehicle had been seen to move up to moments."""
        return np.concatenate(([0], self.moves))[last_before(self.t, moment) + 1]


def select_readings(
    telemetry: pl.LazyFrame | pl.DataFrame,
    start: datetime,
    end: datetime,
    rules: ChargingRules,
    driven: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The samples of telemetry that matter to charging: one per vehicle and moment.

    Of resends the first counts; of several messages of one moment, for each signal the greatest sequence number.
    Messages in motion that carry an odometer are left out: it shows the drive. Of a drive that it misses, marks remain.

    Args:
        telemetry: rows of ``raw.telemetry`` in any order, resends included; signal columns may be missing.
        start: first moment to keep, UTC.
        end: first moment to leave out, UTC.
        rules: parameters.
        driven: rows of :func:`drives`: what is sent within one is sent in motion.

    Returns:
        ``vehicle_id``, ``event_at``, ``fast`` (some message of the moment has a speed from ``moving_kmh``) and the
        signals (Float64 and Boolean, null where not sent or implausible), sorted by vehicle and time.
    """
    lazy = telemetry.lazy()
    present = set(lazy.collect_schema().names())
    signals = [BY_COLUMN[name] for name in (*_STATES, *_BESIDES, *_PRODUCT, "speed_kmh")]
    none = [pl.lit(None, dtype=signal.dtype).alias(signal.column) for signal in signals if signal.column not in present]
    of_days = lazy.filter(pl.col("event_at") >= start, pl.col("event_at") < end).with_columns(none)
    value = {signal.column: _plausible(signal) for signal in signals}
    voltage, current = (value[name] for name in _PRODUCT)
    power = value["battery_power_kw"] = pl.coalesce(value["battery_power_kw"], voltage * current / 1000)
    # While the ignition is on, power out of the battery is that of driving, sent with every sample.
    drives = pl.col("ignition_on").fill_null(value=False) & (power < rules.power_kw)
    sent = pl.any_horizontal(value[name].is_not_null() for name in _STATES) | (power.is_not_null() & ~drives)
    fast = (value["speed_kmh"].abs() >= rules.moving_kmh).fill_null(value=False)
    odometer = value["odometer_km"]
    wanted = pl.when(odometer.is_null()).then(sent).otherwise(value["speed_kmh"].is_null() | (sent & ~fast))
    names = [*_STATES, *_BESIDES]
    samples = of_days.filter(wanted).select(*ORDER_KEYS, *(value[name].alias(name) for name in names), fast=fast)
    left_out = of_days.filter(sent & fast & odometer.is_not_null()).select(
        "vehicle_id", "event_at", speed=value["speed_kmh"].abs(), odometer=odometer
    )
    rows, unseen = pl.collect_all([samples.sort(ORDER_KEYS), _unseen_by_odometer(left_out, rules)])
    key = ["vehicle_id", "event_at"]
    rows = _first_said(rows, names).select(*key, *names, "fast")
    if driven is not None and len(driven):
        rows = _in_motion(rows, driven)
        ends = pl.concat([driven.select("vehicle_id", event_at=name, fast=pl.lit(value=True)) for name in _ENDS])
        unseen = pl.concat([unseen, ends.filter(pl.col("event_at").is_between(start, end, closed="left"))])
    if len(unseen):
        rows = pl.concat([rows, unseen], how="diagonal").sort(key, maintain_order=True)
    repeated = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key)
    if rows.select(repeated.any()).item():
        last = (pl.col(name).drop_nulls().last() for name in names)
        return rows.group_by(key, maintain_order=True).agg(*last, pl.col("fast").any())
    return rows


def _first_said(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """One row per message, with what is said first of each signal. In the order of the keys."""
    again = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in MESSAGE_KEY)
    repeated = rows.select(again & (pl.int_range(pl.len()) > 0)).to_series()
    if not repeated.any():
        return rows
    first = (pl.col(name).drop_nulls().first() for name in names)
    return rows.group_by(MESSAGE_KEY, maintain_order=True).agg(*first, pl.col("fast").first())


#: The moments of a drive that are surely within it.
_ENDS = ("first_moved_at", "last_moved_at")


def drives(trips: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime, rules: ChargingRules) -> pl.DataFrame:
    """The trips that leave no doubt that the vehicle drove: ``vehicle_id`` and the two moments right within the ends.

    Args:
        trips: rows of ``core.trips``.
        start: first moment of interest.
        end: first moment behind.
        rules: parameters.
    """
    inside = timedelta(microseconds=1)
    return (
        trips.lazy()
        .filter(
            pl.col("distance_km") >= rules.unseen_km, pl.col("mean_speed_kmh") >= rules.moving_kmh,
            pl.col("ended_at") > start, pl.col("started_at") < end,
        )
        .select(
            "vehicle_id", first_moved_at=pl.col("started_at") + inside, last_moved_at=pl.col("ended_at") - inside
        )
        .sort("vehicle_id", "first_moved_at")
        .collect()
    )  # fmt: skip


def _in_motion(rows: pl.DataFrame, driven: pl.DataFrame) -> pl.DataFrame:
    """Rows within a drive are in motion."""
    order = rows.with_row_index("@row").sort("event_at")
    within = order.join_asof(
        driven.sort("first_moved_at"),
        left_on="event_at",
        right_on="first_moved_at",
        by="vehicle_id",
        strategy="backward",
        check_sortedness=False,
    ).select("@row", moved=(pl.col("event_at") <= pl.col("last_moved_at")).fill_null(value=False))
    return rows.with_columns(fast=pl.col("fast") | within.sort("@row")["moved"])


def _unseen_by_odometer(moving: pl.LazyFrame, rules: ChargingRules) -> pl.LazyFrame:
    """Marks of drives that the odometer does not show: the first message in each piece of time with such a drive."""
    at = pl.col("event_at")
    hours = (at.max() - at.min()).dt.total_microseconds() / HOUR
    # The middle of the speeds, not their mean: resends do not weigh in it, nor does the order of the rows.
    speed = (pl.col("speed").min() + pl.col("speed").max()) / 2
    gain = pl.col("odometer").max() - pl.col("odometer").min()
    return (
        moving.group_by("vehicle_id", piece=at.to_physical() // (MOTION // timedelta(microseconds=1)))
        .agg(at.min(), driven=speed * hours, gain=gain)
        .filter(pl.col("driven") >= rules.unseen_km, pl.col("gain") < rules.moved_km)
        .select("vehicle_id", "event_at", fast=pl.lit(value=True))
    )


def _plausible(signal: Signal) -> pl.Expr:
    """The value of a signal; null where not sent or implausible."""
    value = pl.col(signal.column)
    return value if signal.low is None else pl.when(in_range(signal)).then(value)


def readings_of(samples: pl.DataFrame, vehicle: Ints, axis: Axis, rules: ChargingRules) -> Readings:
    """Samples as readings.

    Args:
        samples: rows of :func:`select_readings`.
        vehicle: number of the vehicle of each row, rising with its identifier.
        axis: where they are laid.
        rules: parameters.
    """
    t = axis.place(vehicle, samples["event_at"].to_physical().to_numpy())
    fast = samples["fast"].to_numpy()
    moved = fast | _driven(t, _numbers(samples, "odometer_km"), rules)
    moves = np.cumsum(moved, dtype=np.int64)

    said = _numbers(samples, "charging_on")
    said[moved & np.isnan(said)] = 0.0
    said[fast] = 0.0
    power = _numbers(samples, "battery_power_kw")
    power[fast | (np.abs(power) > rules.fastest_kw)] = np.nan

    def track(value: Floats) -> Track:
        known = ~np.isnan(value)
        return Track(t[known], value[known], moves[known])

    resting = _without_spikes(track(power), rules.power_spike_kw, rules)
    ignition = track(_numbers(samples, "ignition_on"))
    return Readings(
        t=t,
        moves=moves,
        charging=track(said),
        cable=track(_numbers(samples, "charging_cable_on")),
        soc=_without_spikes(track(_numbers(samples, "soc_pct")), rules.soc_spike_pct, rules),
        counter=_without_spikes(track(_numbers(samples, "energy_charged_kwh")), rules.counter_rise_kwh, rules),
        power=resting,
        drawn=resting.keep(held(ignition, resting.t, rules) != 1),
        temperature=track(_numbers(samples, "battery_temperature_c")),
    )


def held(track: Track, moment: Ints, rules: ChargingRules) -> Floats:
    """Value of a signal that is sent on change, at moments: the last one not older than ``hold_s``, else NaN."""
    place = last_before(track.t, moment)
    value = np.append(track.value, np.nan)[place]
    since = moment - np.append(track.t, np.iinfo(np.int64).min // 4)[place]
    return np.where(since <= round(rules.hold_s * SECOND), value, np.nan)


def _numbers(samples: pl.DataFrame, name: str) -> Floats:
    return samples[name].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()


def _driven(t: Ints, odometer: Floats, rules: ChargingRules) -> Bools:
    """Whether the odometer at each sample shows that the vehicle was driven since the reading before."""
    rows = np.flatnonzero(~np.isnan(odometer))
    gain, since = np.diff(odometer[rows]), np.diff(t[rows])
    sound = (since <= round(rules.hold_s * SECOND)) & (gain <= _FASTEST_KMH * (1 + since / HOUR))
    moved = np.zeros(len(t), dtype=np.bool_)
    moved[rows[1:][sound & (gain >= rules.moved_km)]] = True
    return moved


def _without_spikes(track: Track, limit: float, rules: ChargingRules) -> Track:
    """The readings without those that are off from both neighbours by more than a limit, where these agree."""
    if len(track.t) < 3:
        return track
    step = np.diff(track.value)
    near = (np.diff(track.t) <= round(rules.step_s * SECOND)) & (np.diff(track.moves) == 0)
    there, back = step[:-1], step[1:]
    off = np.minimum(np.abs(there), np.abs(back))
    spike = near[:-1] & near[1:] & (there * back < 0) & (off > limit) & (np.abs(there + back) < off / 2)
    return track.keep(~np.concatenate(([False], spike, [False])))
