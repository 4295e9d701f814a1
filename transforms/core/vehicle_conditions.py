"""What a vehicle said last, on a day, of what wears or runs low. ``docs/core.md`` explains the rules.

``core.latest`` has the newest value of every signal, and no yesterday. This table has a yesterday, for the few signals
that tell whether a vehicle needs care.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from lake.schemas.core import VehicleConditions
from lake.signals import BY_COLUMN
from transforms.core.axis import Bools, Floats, Positions
from transforms.core.events import between, bounds
from transforms.core.messages import plausible
from transforms.core.ordering import ORDER_KEYS, Ordered, in_order

_DAY = 86_400_000_000
_AXLES = (
    ("tyre_pressure_front_left_kpa", "tyre_pressure_front_right_kpa"),
    ("tyre_pressure_rear_left_kpa", "tyre_pressure_rear_right_kpa"),
)
_TYRES = tuple(wheel for axle in _AXLES for wheel in axle)
_VOLTAGE = "lv_battery_voltage_v"
_AS_SENT = ("brake_pad_wear_pct", "service_distance_km", "malfunction_lamp_on")
_SIGNALS = (_VOLTAGE, *_TYRES, *_AS_SENT)
#: Nominal voltages of low-voltage batteries, each with the one below which a reading is of such a battery.
_NOMINAL_V = ((12.0, 18.0), (24.0, 36.0), (48.0, np.inf))
#: Above this many times its nominal voltage a battery is being charged, by an alternator, a converter or a charger.
_CHARGED_FROM = 1.1


def vehicle_conditions(telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The condition of each vehicle that said something of it, day by day from ``first`` to ``last``.

    A row depends on the messages of its own vehicle and day, and on nothing else. Of each signal the plausible value
    with the newest time counts; of equal times the one with the greatest sequence number.

    Args:
        telemetry: rows of ``raw.telemetry`` of these days, in any order, resends included. Signal columns may be
            missing. Fastest where sorted by (vehicle_id, event_at).
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.vehicle_conditions``, sorted by (date, vehicle_id).
    """
    lazy = telemetry.lazy().filter(between(*bounds(first, last)))
    present = set(lazy.collect_schema().names())
    sent = [name for name in _SIGNALS if name in present]
    if not sent:
        return VehicleConditions.create_empty()
    states = [name for name in ("ignition_on", "charging_on") if name in present]
    told = pl.any_horizontal(pl.col(name).is_not_null() for name in sent)
    frame = lazy.filter(told).select(*ORDER_KEYS, *sent, *states).collect()
    ordered = in_order(frame)
    starts, ends = _days(ordered)
    wheels = {name: _last(frame, ordered, name, starts, ends) for name in _TYRES}
    known = {name: _last(frame, ordered, name, starts, ends) for name in _AS_SENT}
    columns = {
        "lv_battery_rest_voltage_v": _last(frame, ordered, _VOLTAGE, starts, ends, _at_rest(frame)),
        "tyre_pressure_lowest_kpa": _lowest(list(wheels.values())),
        "tyre_pressure_axle_pct": _lowest([_axle_pct(wheels[left], wheels[right]) for left, right in _AXLES]),
        **known,
    }
    lamp = pl.col("malfunction_lamp_on")
    return (
        pl.DataFrame(columns)
        .with_columns(pl.all().fill_nan(None))
        .with_columns(
            lamp == 1,
            ordered.vehicle_ids.gather(ordered.vehicle[starts]).alias("vehicle_id"),
            pl.Series("date", ordered.at[starts]).cast(pl.Datetime("us", "UTC")).dt.date(),
        )
        .filter(pl.any_horizontal(pl.col(name).is_not_null() for name in columns))
        .select(VehicleConditions.column_names())
        .sort("date", "vehicle_id")
    )


def _days(ordered: Ordered) -> tuple[Positions, Positions]:
    """First message of each vehicle and day, and the one after its last."""
    if not len(ordered):
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    day = ordered.at // _DAY
    changes = (ordered.vehicle[1:] != ordered.vehicle[:-1]) | (day[1:] != day[:-1])
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    return starts, np.append(starts[1:], len(ordered))


def _at_rest(frame: pl.DataFrame) -> Bools:
    """Whether a message tells the voltage of a battery at rest: ignition off, and nothing charges it."""
    if "ignition_on" not in frame.columns or _VOLTAGE not in frame.columns:
        return np.zeros(len(frame), dtype=bool)
    off = frame["ignition_on"].eq(other=False).fill_null(value=False).to_numpy()
    if "charging_on" in frame.columns:
        off = off & ~frame["charging_on"].fill_null(value=False).to_numpy()
    volts = frame[_VOLTAGE].to_numpy()
    nominal = np.select([volts < below for _, below in _NOMINAL_V], [v for v, _ in _NOMINAL_V], np.nan)
    resting: Bools = off & (volts <= _CHARGED_FROM * nominal)
    return resting


def _last(
    frame: pl.DataFrame, ordered: Ordered, name: str, starts: Positions, ends: Positions, counts: Bools | None = None
) -> Floats:
    """Last plausible value of a signal of each vehicle and day among the messages that count; NaN where none is."""
    if name not in frame.columns or not len(starts):
        return np.full(len(starts), np.nan)
    values = frame[name].cast(pl.Float64).to_numpy()
    good = plausible(BY_COLUMN[name], values) & ~np.isnan(values)
    values, good = ordered.take(values), ordered.take(good if counts is None else good & counts)
    place = np.flatnonzero(ordered.counting(good))
    if not len(place):
        return np.full(len(starts), np.nan)
    index = np.searchsorted(place, ends) - 1
    last = place[np.maximum(index, 0)]
    return np.where((index >= 0) & (last >= starts), values[last], np.nan)


def _lowest(readings: list[Floats]) -> Floats:
    """The lowest of several readings, those that are known; NaN where none is."""
    lowest = readings[0]
    for reading in readings[1:]:
        lowest = np.fmin(lowest, reading)
    return lowest


def _axle_pct(left: Floats, right: Floats) -> Floats:
    """Pressure of the softer tyre of an axle, share of that of the other one."""
    harder = np.maximum(left, right)
    return np.where(harder > 0, 100 * np.minimum(left, right) / np.where(harder > 0, harder, 1), np.nan)
