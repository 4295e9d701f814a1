"""What goes wrong with the values in messages: frozen sensors, spikes, wrong units, fields left out."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.dirt import Dirt, What
from simulator.encoding import BODY
from simulator.events import FIELDS, Events, Ints, Sent, within

_FREEZE = (50, 400)  # messages that a sensor stays frozen for

#: Sensors that freeze: the columns that stand still together, one of them drawn at a time.
_SENSORS: tuple[tuple[str, ...], ...] = (
    ("latitude", "longitude", "heading"), ("soc",), ("fuel",), ("coolant",), ("low_voltage",), ("ambient",),
    ("tyre_0",), ("tyre_1",), ("tyre_2",), ("tyre_3",),
)  # fmt: skip

#: Absurd values, in the unit of the column: what a sender writes that has no value, or reads a broken wire.
_ABSURD = {
    "speed": 6553, "latitude": 9_999_999, "heading": 6553, "soc": 1275, "fuel": 1275, "coolant": -2730,
    "low_voltage": 6553, "tyre_0": 9999, "tyre_1": 9999, "tyre_2": 9999, "tyre_3": 9999, "ambient": -999,
}  # fmt: skip

#: Wrong units: the columns, and numerator and denominator of what the number is multiplied by.
_UNITS: tuple[tuple[tuple[str, ...], int, int], ...] = (
    (("odometer",), 1, 1000),  # km for m
    (("speed",), 1000, 1609),  # mph for km/h
    (("tyre_0", "tyre_1", "tyre_2", "tyre_3"), 1000, 6895),  # psi for kPa
    (("range",), 1, 1000),  # km for m
)

#: Fields of other kinds than telemetry that may be missing; what a message cannot do without is not among them.
_OPTIONAL: dict[str, tuple[str, ...]] = {
    "fault": ("ecu", "mil", "softwareVersion", "freezeSpeed", "freezeOdometer", "freezeAmbientTemperature"),
    "charging": ("power", "stateOfCharge"),
    "automation": ("speed", "odometer", "reason"),
    "software": ("fromVersion",),
}

_GROUP = {field.column: int(field.group) for field in BODY}


def unit_of_week(vehicles: int, dirt: Dirt, rng: np.random.Generator) -> Ints:
    """Returns which unit each vehicle gets wrong in a week, -1 for none."""
    wrong = rng.random(vehicles) < dirt.unit
    return np.where(wrong, rng.integers(0, len(_UNITS), vehicles), -1)


def damage(events: Events, dirt: Dirt, units: Ints, rng: np.random.Generator) -> Ints:
    """Damages the values of telemetry in place.

    Args:
        events: telemetry of a day, sorted by vehicle and time.
        dirt: how often.
        units: :func:`unit_of_week` of the week.
        rng: of the day.

    Returns:
        Bits of ``What``, per message: set where a value in the body is not what it was, or not there.
    """
    flags = np.zeros(len(events), dtype=np.int64)
    flags |= np.where(_freeze(events, dirt, rng), int(What.FROZEN), 0)
    flags |= np.where(_mistake(events, units), int(What.UNIT), 0)
    flags |= np.where(_spike(events, dirt, rng), int(What.SPIKE), 0)
    flags |= np.where(_leave_out(events, dirt, rng), int(What.MISSING), 0)
    return flags


def _carries(events: Events, column: str, rows: Ints) -> NDArray[np.bool_]:
    return events["sent"][rows] & _GROUP[column] > 0


def _freeze(events: Events, dirt: Dirt, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A frozen sensor shows what it showed in the first message of a stretch of them."""
    n, vehicle = len(events), events["vehicle"]
    changed = np.zeros(n, dtype=np.bool_)
    full = events["sent"] & int(Sent.TYRES) > 0  # most sensors are in every sixth message only
    often = n / max(int(full.sum()), 1)
    begins = np.flatnonzero(full & (rng.random(n) < often * dirt.frozen / (sum(_FREEZE) / 2)))
    sensor = rng.integers(0, len(_SENSORS), len(begins))
    ends = np.minimum(
        begins + rng.integers(*_FREEZE, len(begins)), np.searchsorted(vehicle, vehicle[begins], "right")
    )  # fmt: skip
    for k, columns in enumerate(_SENSORS):
        for column in columns:
            mine = np.flatnonzero((sensor == k) & _carries(events, column, begins))
            size = ends[mine] - begins[mine]
            rows, shown = within(begins[mine], size), np.repeat(events[column][begins[mine]], size)
            changed[rows] |= (events[column][rows] != shown) & _carries(events, column, rows)
            events[column][rows] = shown
    return changed


def _mistake(events: Events, units: Ints) -> NDArray[np.bool_]:
    """A vehicle sends a signal in another unit: the number is another one, the field is not."""
    changed = np.zeros(len(events), dtype=np.bool_)
    of_message = units[events["vehicle"]]
    for k, (columns, up, down) in enumerate(_UNITS):
        rows = np.flatnonzero(of_message == k)
        for column in columns if len(rows) else ():
            right = events[column][rows]
            wrong = np.rint(right * (up / down)).astype(np.int64)
            changed[rows] |= (wrong != right) & _carries(events, column, rows)
            events[column][rows] = wrong
    return changed


def _spike(events: Events, dirt: Dirt, rng: np.random.Generator) -> NDArray[np.bool_]:
    """One value of a message is absurd, if the message carries the column drawn."""
    changed = np.zeros(len(events), dtype=np.bool_)
    rows = np.flatnonzero(rng.random(len(events)) < dirt.spike)
    drawn = rng.integers(0, len(_ABSURD), len(rows))
    for k, (column, value) in enumerate(_ABSURD.items()):
        mine = rows[drawn == k]
        mine = mine[_carries(events, column, mine)]
        changed[mine] |= events[column][mine] != value
        events[column][mine] = value
    return changed


def _leave_out(events: Events, dirt: Dirt, rng: np.random.Generator) -> NDArray[np.bool_]:
    """One of the fields of a message is not there."""
    changed = np.zeros(len(events), dtype=np.bool_)
    rows = np.flatnonzero(rng.random(len(events)) < dirt.missing)
    drawn = rng.integers(0, len(FIELDS), len(rows))
    for k in np.unique(drawn):
        mine = rows[drawn == k]
        mine = mine[_carries(events, FIELDS[k], mine)]
        changed[mine] = True
        events["missing"][mine] |= 1 << int(k)
    return changed


def leave_out_fields(kind: str, frame: pl.DataFrame, dirt: Dirt, rng: np.random.Generator) -> tuple[pl.DataFrame, Ints]:
    """Returns messages of another kind, some of them without one of the fields they can do without, and their flags."""
    flags = np.zeros(frame.height, dtype=np.int64)
    optional = [name for name in _OPTIONAL.get(kind, ()) if name in frame.columns]
    if not optional or frame.is_empty():
        return frame, flags
    drawn = np.where(rng.random(frame.height) < dirt.missing, rng.integers(0, len(optional), frame.height), -1)
    for k, name in enumerate(optional):
        gone = pl.Series(drawn == k) & frame[name].is_not_null()
        flags[gone.to_numpy()] |= What.MISSING
        frame = frame.with_columns(pl.when(~gone).then(pl.col(name)).alias(name))
    return frame, flags
