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

from simulator.events import Events, Sent, telemetry
from simulator.world import DAY_MS

Bytes = NDArray[np.uint8]

_PACK = "Vehicle.Powertrain.TractionBattery"
_FUEL = "Vehicle.Powertrain.FuelSystem"
_WHEELS = [(row, side) for row in (1, 2) for side in ("Left", "Right")]
BLOCK_MESSAGES = 4096

_LONGEST_DAY = len("12/31/2026 ")  # a table of days has this width, whatever days are in it
_ZERO = ord("0")
_ALL = slice(None)
_COUNTABLE = 8 * 255  # longest record whose flags eight lanes of a byte count
_ENVELOPE = 64  # room for what precedes the body
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
    """A block of records under construction: a cursor moves right, every call writes one piece of all rows.

    Literals stand at the same place in every block, so they are not written again: a block begins as copies of
    ``base``, a row that holds them. Without a base, the literals are recorded for one.
    """

    def __init__(self, data: Bytes, mask: NDArray[np.bool_], base: tuple[Bytes, NDArray[np.bool_]] | None) -> None:
        self.data, self.mask = data, mask
        self.recording = base is None
        self.data[:], self.mask[:] = (0, False) if base is None else base
        self.at = 0

    def lengths(self) -> NDArray[np.int64]:
        """Returns how many bytes each row has so far: eight flags are counted at a time, lane by lane."""
        lanes = self.mask.view(np.uint64).sum(axis=1)
        return np.asarray(lanes.view(np.uint8).reshape(-1, 8).sum(axis=1), dtype=np.int64)

    def literal(self, text: bytes, rows: NDArray[np.int64] | None = None) -> None:
        """Writes the same bytes to all rows, or to some; the choice between the two is part of the template."""
        begin, self.at = self.at, self.at + len(text)
        if self.recording:
            self.data[:, begin : self.at] = np.frombuffer(text, dtype=np.uint8)
            self.mask[:, begin : self.at] = rows is None
        elif rows is not None and len(rows):
            self.mask[rows, begin : self.at] = True

    def table(self, table: Bytes, index: NDArray[np.int64], lengths: NDArray[np.int64] | None = None) -> None:
        """Writes the row ``index`` of a table of texts; ``lengths`` says how much of each row counts, all if None."""
        begin, self.at = self.at, self.at + table.shape[1]
        if self.recording:
            return
        self.data[:, begin : self.at] = table.take(index, axis=0)
        within = True if lengths is None else (np.arange(table.shape[1]) < lengths[:, None]).take(index, axis=0)
        self.mask[:, begin : self.at] = within

    def number(
        self, value: NDArray[np.int64], digits: int, decimals: int = 0, rows: NDArray[np.int64] | None = None
    ) -> None:
        """Writes whole numbers of the last decimal to all rows, or to some.

        Args:
            value: the numbers, one per row written.
            digits: room for digits before the point.
            decimals: digits after the point.
            rows: which rows, all if None.

        Raises:
            OverflowError: if a number has no room.
        """
        self.at = end = at = self.at + 1 + digits + (decimals + 1 if decimals else 0)
        if self.recording or len(value) == 0:
            return
        where = _ALL if rows is None else rows
        largest, least = int(value.max()), int(value.min())
        if max(largest, -least) >= 10 ** (digits + decimals):
            raise OverflowError(f"{largest} or {least} has no room in {digits}+{decimals} digits")
        absolute = np.abs(value) if least < 0 else value
        rest: NDArray[Any] = absolute.astype(np.int32 if max(largest, -least) < 2**31 else np.int64)
        if least < 0:
            sign = end - digits - (decimals + 1 if decimals else 0) - 1
            self.data[where, sign] = ord("-")
            self.mask[where, sign] = value < 0
        self.mask[where, end - (decimals + 2 if decimals else 1) : end] = True
        for k in range(digits + decimals):
            if k > decimals and 10**k > max(largest, -least):
                break
            at -= 1
            if decimals and k == decimals:
                self.data[where, at] = ord(".")
                at -= 1
            if k > decimals:
                self.mask[where, at] = rest > 0
            tenth = rest // 10
            self.data[where, at] = rest - tenth * 10 + _ZERO
            rest = tenth

    def varint(self, value: NDArray[np.int64], room: int) -> None:
        """Writes non-negative numbers as Avro longs (zig-zag, seven bits a byte, least first)."""
        begin, self.at = self.at, self.at + room
        if self.recording:
            return
        rest = value * 2
        if int(rest.max()) >= 1 << (7 * room):
            raise OverflowError(f"{value.max()} has no room in {room} bytes")
        for at in range(begin, self.at):
            self.mask[:, at] = (rest > 0) | (at == begin)
            more = rest >> 7
            self.data[:, at] = (rest & 127) | np.where(more > 0, 128, 0)
            rest = more


def _texts(texts: list[str]) -> Bytes:
    """Returns ASCII texts as a table, one per row, filled up with blanks."""
    width = max(map(len, texts))
    return np.frombuffer("".join(text.ljust(width) for text in texts).encode(), dtype=np.uint8).reshape(-1, width)


@cache
def _times_of_day() -> Bytes:
    """Returns ``HH:MM:SS.`` of every second of a day."""
    return _texts([f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}." for s in range(86_400)])


@cache
def _display_times() -> tuple[Bytes, NDArray[np.int64]]:
    """Returns the US display form of every second of a day, 12-hour clock, and the lengths of these texts."""
    texts = [
        f"{(s // 3600 + 11) % 12 + 1}:{s // 60 % 60:02}:{s % 60:02} {'AM' if s < 43_200 else 'PM'}"
        for s in range(86_400)
    ]
    return _texts(texts), np.array([len(text) for text in texts])


@cache
def _thousands() -> Bytes:
    return _texts([f"{n:03}" for n in range(1000)])


def _days(at_ms: NDArray[np.int64], style: str) -> tuple[Bytes, NDArray[np.int64], NDArray[np.int64]]:
    """Returns the days of instants as a table of texts, which row each instant has, and the lengths of the texts."""
    day = at_ms // DAY_MS
    first, last = int(day.min()), int(day.max())
    days = [datetime.fromtimestamp(d * DAY_MS // 1000, tz=UTC) for d in range(first, last + 1)]
    texts = [style.format(d.year, d.month, d.day) for d in days]
    lengths = np.array([len(text) for text in texts])
    return _texts([text.ljust(_LONGEST_DAY) for text in texts]), day - first, lengths


def _body(rows: _Rows, events: Events, vins: Bytes) -> None:
    sent, telemetry = events["sent"], events["body"] < 0
    rows.literal(b'{"kind":"telemetry","vin":"')
    rows.table(vins, events["vehicle"])
    rows.literal(b'","ts":"')
    rows.table(*_days(events["event_ms"], "{:04}-{:02}-{:02}T"))
    rows.table(_times_of_day(), events["event_ms"] % DAY_MS // 1000)
    rows.table(_thousands(), events["event_ms"] % 1000)
    rows.literal(b'Z","seq":')
    rows.number(events["sequence"], 9)
    for field in BODY:
        present = np.flatnonzero(telemetry & (sent & int(field.group) > 0))
        value = events[field.column][present]
        rows.literal(f',"{field.path}":'.encode(), present)
        if field.words is None:
            rows.number(value, field.digits, field.decimals, present)
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
    days, day, day_lengths = _days(arrival_ms, "{1}/{2}/{0} ")
    times, time_lengths = _display_times()
    second = arrival_ms % DAY_MS // 1000
    rows.varint(day_lengths[day] + time_lengths[second], 1)
    rows.table(days, day, day_lengths)
    rows.table(times, second, time_lengths)


def _offset(rows: _Rows, offset: NDArray[np.int64]) -> None:
    digits = np.ones(len(offset), dtype=np.int64)
    for k in range(1, 15):
        digits += offset >= 10**k
    rows.varint(digits, 1)
    rows.number(offset, 15)


class Encoder:
    """Encodes the messages of one fleet, in blocks of at most ``BLOCK_MESSAGES``; it keeps its working memory.

    Args:
        vins: VINs of the fleet, ASCII, shape (vehicles, 17).
    """

    def __init__(self, vins: Bytes) -> None:
        self._vins = vins
        self._data: Bytes = np.empty((0, 0), dtype=np.uint8)
        self._mask: NDArray[np.bool_] = np.empty((0, 0), dtype=np.bool_)

    def records(self, events: Events, first_sequence: int, first_offset: int) -> tuple[bytes, int]:
        """Encodes messages as ``EventData`` records of Event Hubs Capture.

        Args:
            events: messages in the order of their arrival, at most ``BLOCK_MESSAGES``.
            first_sequence: SequenceNumber of the first.
            first_offset: Offset of the first; the next one lies the length of the body further.

        Returns:
            The records, and the Offset after the last.
        """
        n, width = len(events), _width(events)
        if self._data.shape[1] != width:
            self._data = np.empty((BLOCK_MESSAGES, width), dtype=np.uint8)
            self._mask = np.empty((BLOCK_MESSAGES, width), dtype=np.bool_)
        rows = _Rows(self._data[:n], self._mask[:n], _base(width))
        rows.at = _ENVELOPE
        _body(rows, events, self._vins)
        _ready(rows, events)
        length = rows.lengths() - len(_NO_PROPERTIES)
        offset = first_offset + np.concatenate([[0], np.cumsum(length)])
        _envelope(rows, first_sequence + np.arange(n), offset[:-1], events["arrival_ms"], length)
        return rows.data[rows.mask].tobytes(), int(offset[-1])


def _envelope(
    rows: _Rows,
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
    rows, zero = _Rows(data, mask, None), np.zeros(1, dtype=np.int64)
    rows.at = _ENVELOPE
    _body(rows, telemetry(1), np.zeros((1, 17), dtype=np.uint8))
    _envelope(rows, zero, zero, zero, zero)
    return rows.data[0], rows.mask[0]


def _width(events: Events) -> int:
    """Room that the longest body takes."""
    template = 100 + sum(
        len(field.path) + 5 + (max(map(len, field.words)) * 2 if field.words else field.digits + field.decimals + 2)
        for field in BODY
    )
    width = _ENVELOPE + max(template, *map(len, events.bodies), 0)
    if width > _COUNTABLE:
        raise OverflowError(f"a record of {width} bytes is longer than its length can be counted")
    return -(-width // 8) * 8
