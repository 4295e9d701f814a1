"""Messages to Event Hubs Capture records, vectorised: a record is laid out at full width and squeezed.

Every message gets the same template: literal bytes, and digits with room for the longest number. A mask says which
bytes really belong to it; taking the masked bytes of a block yields its records end to end. That is much faster
than formatting message by message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from simulator.events import FIELDS, Bytes, Events, Sent, telemetry, within
from simulator.rows import Rows, texts_table
from simulator.world import DAY_MS

_PACK = "Vehicle.Powertrain.TractionBattery"
_FUEL = "Vehicle.Powertrain.FuelSystem"
_WHEELS = [(row, side) for row in (1, 2) for side in ("Left", "Right")]
BLOCK_MESSAGES = 4096

_LONGEST_DAY = len("12/31/2026 ")  # a table of days has this width, whatever days are in it
_COUNTABLE = 8 * 255  # longest record whose flags eight lanes of a byte count
_ENVELOPE = 64  # room for what precedes the body
_RECEIVED = len('{"receivedAt":"2026-03-02T00:00:00.000Z",{')
_NO_PROPERTIES = b"\x00\x00\x02"  # no SystemProperties, no Properties, and a body that is not null


@dataclass(frozen=True)
class Field:
    """How a column is written.

    Attributes:
        column: column of the events.
        path: VSS path.
        group: bit of ``Sent`` that says whether a message carries it.
        digits: room for digits before the point.
        decimals: digits after the point.
        words: the texts of 0 and 1, for a column that is not a number.
    """

    column: str
    path: str
    group: Sent
    digits: int = 1
    decimals: int = 0
    words: tuple[bytes, bytes] | None = None


_FLAG = (b"false", b"true")

#: The body, in the order in which a vehicle writes it. Units are those of VSS 6.
BODY: tuple[Field, ...] = (
    Field("speed", "Vehicle.Speed", Sent.MOTION, 3, 1),
    Field("odometer", "Vehicle.TraveledDistance", Sent.MOTION, 9),
    Field("latitude", "Vehicle.CurrentLocation.Latitude", Sent.MOTION, 2, 5),
    Field("longitude", "Vehicle.CurrentLocation.Longitude", Sent.MOTION, 3, 5),
    Field("heading", "Vehicle.CurrentLocation.Heading", Sent.HEADING, 3, 1),
    Field("power", f"{_PACK}.CurrentPower", Sent.POWER, 6),
    Field("longitudinal", "Vehicle.Acceleration.Longitudinal", Sent.ACCELERATION, 2, 2),
    Field("lateral", "Vehicle.Acceleration.Lateral", Sent.ACCELERATION, 2, 2),
    Field("ignition", "Vehicle.LowVoltageSystemState", Sent.IGNITION, words=(b'"OFF"', b'"ON"')),
    Field("automation", "Vehicle.ADAS.ActiveAutonomyLevel", Sent.AUTOMATION),
    Field("soc", f"{_PACK}.StateOfCharge.Displayed", Sent.SOC, 3, 1),
    Field("energy_used", f"{_PACK}.AccumulatedConsumedEnergy", Sent.SOC, 6, 3),
    Field("energy_charged", f"{_PACK}.AccumulatedChargedEnergy", Sent.SOC, 6, 3),
    Field("charging", f"{_PACK}.Charging.IsCharging", Sent.CHARGING, words=_FLAG),
    Field("cable", f"{_PACK}.Charging.IsChargingCableConnected", Sent.CHARGING, words=_FLAG),
    Field("fuel", f"{_FUEL}.RelativeLevel", Sent.FUEL, 3, 1),
    Field("fuel_used", f"{_FUEL}.AccumulatedConsumption", Sent.FUEL, 6, 3),
    Field("coolant", "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature", Sent.COOLANT, 3, 1),
    Field("range", "Vehicle.Powertrain.Range", Sent.AMBIENT, 7),
    Field("low_voltage", "Vehicle.LowVoltageBattery.CurrentVoltage", Sent.LOW_VOLTAGE, 2, 2),
    *(
        Field(f"tyre_{k}", f"Vehicle.Chassis.Axle.Row{row}.Wheel.{side}.Tire.Pressure", Sent.TYRES, 3, 1)
        for k, (row, side) in enumerate(_WHEELS)
    ),
    Field("ambient", "Vehicle.Exterior.AirTemperature", Sent.AMBIENT, 2, 1),
    Field("battery_temperature", f"{_PACK}.Temperature.Average", Sent.CELLS, 2, 1),
    Field("pad_wear", "Vehicle.Chassis.Axle.Row1.Wheel.Left.Brake.PadWear", Sent.UPKEEP, 3, 1),
    Field("mil", "Vehicle.OBD.Status.IsMILOn", Sent.UPKEEP, words=_FLAG),
    Field("dtc_count", "Vehicle.Diagnostics.DTCCount", Sent.UPKEEP, 2),
    Field("service_distance", "Vehicle.Service.DistanceToService", Sent.UPKEEP, 6),
)


@cache
def _times_of_day() -> Bytes:
    """Returns ``HH:MM:SS.`` of every second of a day."""
    return texts_table([f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}." for s in range(86_400)])


@cache
def _display_times() -> tuple[Bytes, NDArray[np.int64]]:
    """Returns the US display form of every second of a day, 12-hour clock, and the lengths of these texts."""
    texts = [
        f"{(s // 3600 + 11) % 12 + 1}:{s // 60 % 60:02}:{s % 60:02} {'AM' if s < 43_200 else 'PM'}"
        for s in range(86_400)
    ]
    return texts_table(texts), np.array([len(text) for text in texts])


@cache
def _thousands() -> Bytes:
    return texts_table([f"{n:03}" for n in range(1000)])


def _days(at_ms: NDArray[np.int64], style: str) -> tuple[Bytes, NDArray[np.int64], NDArray[np.int64]]:
    """Returns the days of instants as a table of texts, which row each instant has, and the lengths of the texts."""
    day = at_ms // DAY_MS
    first, last = int(day.min()), int(day.max())
    days = [datetime.fromtimestamp(d * DAY_MS // 1000, tz=UTC) for d in range(first, last + 1)]
    texts = [style.format(d.year, d.month, d.day) for d in days]
    lengths = np.array([len(text) for text in texts])
    return texts_table([text.ljust(_LONGEST_DAY) for text in texts]), day - first, lengths


def _body(rows: Rows, events: Events, vins: Bytes) -> None:
    sent, telemetry = events["sent"], events["size"] == 0
    missing = events["missing"] if events["missing"].any() else None
    rows.literal(b'{"kind":"telemetry","vin":"')
    rows.table(vins, events["vehicle"])
    rows.literal(b'","ts":"')
    rows.table(*_days(events["event_ms"], "{:04}-{:02}-{:02}T"))
    rows.table(_times_of_day(), events["event_ms"] % DAY_MS // 1000)
    rows.table(_thousands(), events["event_ms"] % 1000)
    rows.literal(b'Z","seq":')
    rows.number(events["sequence"], 9)
    for field in BODY:
        carries = telemetry & (sent & int(field.group) > 0)
        if missing is not None:
            carries &= missing >> FIELDS.index(field.column) & 1 == 0
        present = np.flatnonzero(carries)
        value = events[field.column][present]
        rows.literal(f',"{field.path}":'.encode(), present)
        if field.words is None:
            rows.number(value, field.digits, field.decimals, present)
        else:
            for meaning, word in enumerate(field.words):
                rows.literal(word, present[value == meaning])
    rows.literal(b"}")


def _ready(rows: Rows, events: Events) -> None:
    """Puts the ready bodies in place of the template."""
    row = np.flatnonzero(events["size"])
    size = events["size"][row]
    rows.mask[row, _ENVELOPE:] = False
    flat = within(row * rows.data.shape[1] + _ENVELOPE, size)
    rows.data.reshape(-1)[flat] = events.text[within(events["begin"][row], size)]
    rows.mask.reshape(-1)[flat] = True


def _cut(rows: Rows, events: Events) -> None:
    """Leaves out the ends of bodies that are cut; at least a character stays, and at least the last one goes."""
    row = np.flatnonzero(events["cut"])
    if len(row) == 0:
        return
    body = rows.mask[row, _ENVELOPE:]
    size = body.sum(axis=1)
    keep = np.clip(size * events["cut"][row] // 1000, 1, size - 1)
    rows.mask[row, _ENVELOPE:] = body & (np.cumsum(body, axis=1) <= keep[:, None])


def _received(rows: Rows, events: Events) -> None:
    """Writes the time of arrival as first field of the body."""
    rows.at = _ENVELOPE - _RECEIVED + 1
    rows.literal(b'{"receivedAt":"')
    rows.table(*_days(events["arrival_ms"], "{:04}-{:02}-{:02}T"))
    rows.table(_times_of_day(), events["arrival_ms"] % DAY_MS // 1000)
    rows.table(_thousands(), events["arrival_ms"] % 1000)
    rows.literal(b'Z",')


def _arrival(rows: Rows, arrival_ms: NDArray[np.int64]) -> None:
    """Writes EnqueuedTimeUtc in the US display form, as an Avro string."""
    days, day, day_lengths = _days(arrival_ms, "{1}/{2}/{0} ")
    times, time_lengths = _display_times()
    second = arrival_ms % DAY_MS // 1000
    rows.varint(day_lengths[day] + time_lengths[second], 1)
    rows.table(days, day, day_lengths)
    rows.table(times, second, time_lengths)


def _offset(rows: Rows, offset: NDArray[np.int64]) -> None:
    digits = np.ones(len(offset), dtype=np.int64)
    for k in range(1, 15):
        digits += offset >= 10**k
    rows.varint(digits, 1)
    rows.number(offset, 15)


class Encoder:
    """Encodes the messages of one fleet, in blocks of at most ``BLOCK_MESSAGES``.

    Args:
        vins: VINs of the fleet, ASCII, shape (vehicles, 17).
    """

    def __init__(self, vins: Bytes) -> None:
        self._vins = vins

    def records(self, events: Events, first_sequence: int, first_offset: int) -> tuple[bytes, int]:
        """Encodes messages as ``EventData`` records of Event Hubs Capture.

        Args:
            events: messages in the order of their arrival, at most ``BLOCK_MESSAGES``.
            first_sequence: SequenceNumber of the first.
            first_offset: Offset of the first; the next one lies the length of the body further.

        Returns:
            The records, and the Offset after the last.
        """
        rows = _begin(events, _base)
        rows.at = _ENVELOPE
        _body(rows, events, self._vins)
        _ready(rows, events)
        _cut(rows, events)
        length = rows.lengths() - len(_NO_PROPERTIES)
        offset = first_offset + np.concatenate([[0], np.cumsum(length)])
        _envelope(rows, first_sequence + np.arange(len(events)), offset[:-1], events["arrival_ms"], length)
        return rows.data[rows.mask].tobytes(), int(offset[-1])

    def lines(self, events: Events) -> bytes:
        """Encodes messages as lines of JSON: bodies that begin with a field ``receivedAt``.

        Args:
            events: messages in the order of their arrival, at most ``BLOCK_MESSAGES``.
        """
        rows = _begin(events, _line_base)
        rows.at = _ENVELOPE
        _body(rows, events, self._vins)
        _ready(rows, events)
        _cut(rows, events)
        _received(rows, events)
        rows.mask[:, _ENVELOPE], rows.mask[:, -1] = False, True
        return rows.data[rows.mask].tobytes()


@lru_cache(maxsize=1)
def _memory(width: int) -> tuple[Bytes, NDArray[np.bool_]]:
    """Returns the working memory for blocks of a width; there is one for all encoders, as one works at a time."""
    shape = (BLOCK_MESSAGES, width)
    return np.empty(shape, dtype=np.uint8), np.empty(shape, dtype=np.bool_)


def _begin(events: Events, base: Callable[[int], tuple[Bytes, NDArray[np.bool_]]]) -> Rows:
    n, width = len(events), _width(events)
    data, mask = _memory(width)
    return Rows(data[:n], mask[:n], base(width))


def _envelope(
    rows: Rows,
    sequence: NDArray[np.int64],
    offset: NDArray[np.int64],
    arrival_ms: NDArray[np.int64],
    length: NDArray[np.int64],
) -> None:
    rows.at = 0
    rows.varint(sequence, 6)
    _offset(rows, offset)
    _arrival(rows, arrival_ms)
    rows.literal(_NO_PROPERTIES)
    rows.varint(length, 3)


@cache
def _base(width: int) -> tuple[Bytes, NDArray[np.bool_]]:
    """Returns the row that every row of a block of this width begins as."""
    data, mask = np.empty((1, width), dtype=np.uint8), np.empty((1, width), dtype=np.bool_)
    rows, zero = Rows(data, mask, None), np.zeros(1, dtype=np.int64)
    rows.at = _ENVELOPE
    _body(rows, telemetry(1), np.zeros((1, 17), dtype=np.uint8))
    _envelope(rows, zero, zero, zero, zero)
    return rows.data[0], rows.mask[0]


@cache
def _line_base(width: int) -> tuple[Bytes, NDArray[np.bool_]]:
    """Returns the same for lines: the last place holds the end of the line."""
    data, mask = np.empty((1, width), dtype=np.uint8), np.empty((1, width), dtype=np.bool_)
    rows, nothing = Rows(data, mask, None), telemetry(1)
    rows.at = _ENVELOPE
    _body(rows, nothing, np.zeros((1, 17), dtype=np.uint8))
    _received(rows, nothing)
    rows.data[:, -1] = ord("\n")
    return rows.data[0], rows.mask[0]


def _width(events: Events) -> int:
    """Room that the longest body takes."""
    template = 100 + sum(
        len(field.path) + 5 + (max(map(len, field.words)) * 2 if field.words else field.digits + field.decimals + 2)
        for field in BODY
    )
    width = _ENVELOPE + max(template, int(events["size"].max(initial=0))) + 1
    if width > _COUNTABLE:
        raise OverflowError(f"a record of {width} bytes is longer than its length can be counted")
    return -(-width // 8) * 8
