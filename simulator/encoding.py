"""Messages to Event Hubs Capture records, vectorised: a record is laid out at full width and squeezed.

Every message gets the same template: literal bytes, and digits with room for the longest number. A mask says which
bytes really belong to it; taking the masked bytes of a block yields its records end to end. That is much faster
than formatting message by message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.events import Events, Sent
from simulator.world import DAY_MS

Bytes = NDArray[np.uint8]
Index = NDArray[np.int64] | slice

_PACK = "Vehicle.Powertrain.TractionBattery"
_FUEL = "Vehicle.Powertrain.FuelSystem"
_WHEELS = [(row, side) for row in (1, 2) for side in ("Left", "Right")]
_ZERO = ord("0")
_ALL = slice(None)
_ENVELOPE = 64  # room for what precedes the body


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
    Field("heading", "Vehicle.CurrentLocation.Heading", Sent.MOTION, 3, 1),
    Field("ignition", "Vehicle.LowVoltageSystemState", Sent.IGNITION, words=(b'"OFF"', b'"ON"')),
    Field("automation", "Vehicle.ADAS.ActiveAutonomyLevel", Sent.AUTOMATION),
    Field("soc", f"{_PACK}.StateOfCharge.Displayed", Sent.SOC, 3, 1),
    Field("energy_used", f"{_PACK}.AccumulatedConsumedEnergy", Sent.SOC, 6, 2),
    Field("energy_charged", f"{_PACK}.AccumulatedChargedEnergy", Sent.SOC, 6, 2),
    Field("charging", f"{_PACK}.Charging.IsCharging", Sent.CHARGING, words=_FLAG),
    Field("cable", f"{_PACK}.Charging.IsChargingCableConnected", Sent.CHARGING, words=_FLAG),
    Field("fuel", f"{_FUEL}.RelativeLevel", Sent.FUEL, 3, 1),
    Field("fuel_used", f"{_FUEL}.AccumulatedConsumption", Sent.FUEL, 6, 2),
    Field("coolant", "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature", Sent.COOLANT, 3, 1),
    Field("range", "Vehicle.Powertrain.Range", Sent.AMBIENT, 7),
    Field("low_voltage", "Vehicle.LowVoltageBattery.CurrentVoltage", Sent.LOW_VOLTAGE, 2, 2),
    *(
        Field(f"tyre_{k}", f"Vehicle.Chassis.Axle.Row{row}.Wheel.{side}.Tire.Pressure", Sent.TYRES, 3, 1)
        for k, (row, side) in enumerate(_WHEELS)
    ),
    Field("ambient", "Vehicle.Exterior.AirTemperature", Sent.AMBIENT, 2, 1),
)


class _Rows:
    """A block of records under construction: a cursor moves right, every call writes one piece of all rows."""

    def __init__(self, rows: int, width: int) -> None:
        width = -(-width // 8) * 8
        if width > 8 * 255:
            raise OverflowError(f"a record of {width} bytes is longer than its length can be counted")
        self.data: Bytes = np.empty((rows, width), dtype=np.uint8)
        self.mask: NDArray[np.bool_] = np.zeros((rows, width), dtype=np.bool_)
        self.at = 0

    def lengths(self) -> NDArray[np.int64]:
        """Returns how many bytes each row has so far: eight flags are counted at a time, lane by lane."""
        lanes = self.mask.view(np.uint64).sum(axis=1)
        return np.asarray(lanes.view(np.uint8).reshape(-1, 8).sum(axis=1), dtype=np.int64)

    def literal(self, text: bytes, rows: Index = _ALL) -> None:
        """Writes the same bytes to some rows."""
        end = self.at + len(text)
        self.data[rows, self.at : end] = np.frombuffer(text, dtype=np.uint8)
        self.mask[rows, self.at : end] = True
        self.at = end

    def table(self, table: Bytes, lengths: NDArray[np.int64], index: NDArray[np.int64]) -> None:
        """Writes the row ``index`` of a table of texts; ``lengths`` says how much of each row counts."""
        end = self.at + table.shape[1]
        self.data[:, self.at : end] = table[index]
        self.mask[:, self.at : end] = (np.arange(table.shape[1]) < lengths[:, None])[index]
        self.at = end

    def number(
        self, value: NDArray[np.int64], digits: int, decimals: int = 0, rows: Index = _ALL, fill: bool = False
    ) -> None:
        """Writes whole numbers of the last decimal to some rows.

        Args:
            value: the numbers, one per row written.
            digits: room for digits before the point.
            decimals: digits after the point.
            rows: which rows; the others stay without.
            fill: keep leading zeros, and take no sign.

        Raises:
            OverflowError: if a number has no room.
        """
        largest = int(np.abs(value).max()) if len(value) else 0
        if largest >= 10 ** (digits + decimals):
            raise OverflowError(f"{largest} has no room in {digits}+{decimals} digits")
        if not fill:
            self.data[rows, self.at] = ord("-")
            self.mask[rows, self.at] = value < 0
            self.at += 1
        rest: NDArray[Any] = np.abs(value).astype(np.int32 if largest < 2**31 else np.int64)
        at = self.at = self.at + digits + (decimals + 1 if decimals else 0)
        for k in range(digits + decimals):
            at -= 1
            if decimals and k == decimals:
                self.data[rows, at] = ord(".")
                self.mask[rows, at] = True
                at -= 1
            self.mask[rows, at] = True if fill or k <= decimals else rest > 0
            tenth = rest // 10
            self.data[rows, at] = rest - tenth * 10 + _ZERO
            rest = tenth

    def varint(self, value: NDArray[np.int64], room: int) -> None:
        """Writes non-negative numbers as Avro longs (zig-zag, seven bits a byte, least first)."""
        rest = value.astype(np.int64) * 2
        if len(rest) and int(rest.max()) >= 1 << (7 * room):
            raise OverflowError(f"{value.max()} has no room in {room} bytes")
        for k in range(room):
            self.mask[:, self.at] = (rest > 0) | (k == 0)
            more = rest >> 7
            self.data[:, self.at] = (rest & 127) | np.where(more > 0, 128, 0)
            rest = more
            self.at += 1


@cache
def _clock(day: int) -> tuple[bytes, bytes]:
    """Returns a day (since 1970) as ISO 8601 and as the US display form."""
    at = datetime.fromtimestamp(day * DAY_MS // 1000, tz=UTC)
    return at.strftime("%Y-%m-%d").encode(), f"{at.month}/{at.day}/{at.year} ".encode()


def _days(at_ms: NDArray[np.int64], style: int) -> tuple[Bytes, NDArray[np.int64], NDArray[np.int64]]:
    """Returns a table of the days of instants as text, its lengths, and where each instant is in it."""
    day = at_ms // DAY_MS
    first, last = int(day.min()), int(day.max())
    texts = [_clock(d)[style] for d in range(first, last + 1)]
    table = np.array([list(text.ljust(11)) for text in texts], dtype=np.uint8)
    return table, np.array([len(text) for text in texts]), day - first


def _body(rows: _Rows, events: Events, vins: Bytes) -> None:
    sent, telemetry = events["sent"], events["body"] < 0
    rows.literal(b'{"kind":"telemetry","vin":"')
    rows.table(vins, np.full(len(vins), 17), events["vehicle"])
    rows.literal(b'","ts":"')
    rows.table(*_days(events["event_ms"], 0))
    rows.literal(b"T")
    of_day = events["event_ms"] % DAY_MS
    for unit_ms, after in ((3_600_000, b":"), (60_000, b":"), (1000, b".")):
        rows.number(of_day // unit_ms, 2, fill=True)
        rows.literal(after)
        of_day = of_day % unit_ms
    rows.number(of_day, 3, fill=True)
    rows.literal(b'Z","seq":')
    rows.number(events["sequence"], 9)
    for field in BODY:
        present = np.flatnonzero(telemetry & (sent & int(field.group) > 0))
        if len(present) == 0:
            continue
        value = events[field.column][present]
        where: Index = _ALL if len(present) == len(events) else present
        rows.literal(f',"{field.path}":'.encode(), where)
        if field.words is None:
            rows.number(value, field.digits, field.decimals, where)
        else:
            for meaning, word in enumerate(field.words):
                rows.literal(word, present[value == meaning])
    rows.literal(b"}")


def _ready(rows: _Rows, events: Events) -> None:
    """Puts the ready bodies in place of the template."""
    for row in np.flatnonzero(events["body"] >= 0):
        text = events.bodies[events["body"][row]]
        end = _ENVELOPE + len(text)
        rows.data[row, _ENVELOPE:end] = np.frombuffer(text, dtype=np.uint8)
        rows.mask[row, _ENVELOPE:] = False
        rows.mask[row, _ENVELOPE:end] = True


def _arrival(rows: _Rows, arrival_ms: NDArray[np.int64]) -> None:
    """Writes EnqueuedTimeUtc in the US display form, as an Avro string."""
    table, lengths, day = _days(arrival_ms, 1)
    seconds = arrival_ms % DAY_MS // 1000
    hour = seconds // 3600
    twelve = (hour + 11) % 12 + 1
    rows.varint(lengths[day] + (twelve >= 10) + 10, 1)
    rows.table(table, lengths, day)
    rows.number(twelve, 2)
    rows.literal(b":")
    rows.number(seconds // 60 % 60, 2, fill=True)
    rows.literal(b":")
    rows.number(seconds % 60, 2, fill=True)
    rows.literal(b" AM", np.flatnonzero(hour < 12))
    rows.literal(b" PM", np.flatnonzero(hour >= 12))


def _offset(rows: _Rows, offset: NDArray[np.int64]) -> None:
    digits = np.ones(len(offset), dtype=np.int64)
    for k in range(1, 15):
        digits += offset >= 10**k
    rows.varint(digits, 1)
    rows.number(offset, 15)


def records(events: Events, vins: Bytes, first_sequence: int, first_offset: int) -> tuple[bytes, int]:
    """Encodes messages as ``EventData`` records of Event Hubs Capture.

    Args:
        events: messages in the order of their arrival; a few thousand at a time fit a processor's cache.
        vins: VINs of the fleet, ASCII, shape (vehicles, 17).
        first_sequence: SequenceNumber of the first.
        first_offset: Offset of the first; the next one lies the length of the body further.

    Returns:
        The records, and the Offset after the last.
    """
    rows = _Rows(len(events), _ENVELOPE + _width(events))
    rows.at = _ENVELOPE
    _body(rows, events, vins)
    _ready(rows, events)
    length = rows.lengths()
    offset = first_offset + np.concatenate([[0], np.cumsum(length)])
    rows.at = 0
    rows.varint(first_sequence + np.arange(len(events)), 6)
    _offset(rows, offset[:-1])
    _arrival(rows, events["arrival_ms"])
    rows.literal(b"\x00\x00\x02")  # no SystemProperties, no Properties, a body that is not null
    rows.varint(length, 3)
    return rows.data[rows.mask].tobytes(), int(offset[-1])


def _width(events: Events) -> int:
    """Room that the longest body takes."""
    template = 100 + sum(
        len(field.path) + 5 + (max(map(len, field.words)) * 2 if field.words else field.digits + field.decimals + 2)
        for field in BODY
    )
    return max(template, *map(len, events.bodies)) if events.bodies else template
