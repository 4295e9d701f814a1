"""What is sent, in columns: one element per message, telemetry not yet encoded, other kinds with a ready body.

A column holds a signal as a whole number of its last decimal (speed 43.2 km/h is 432); which signals a message really
carries is a set of bits, so that nothing is in a body that was not sent. The ready bodies lie end to end in one text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Sent(IntFlag):
    """Groups of signals that a vehicle sends together."""

    MOTION = 1
    IGNITION = 2
    SOC = 4
    FUEL = 8
    COOLANT = 16
    LOW_VOLTAGE = 32
    TYRES = 64
    AMBIENT = 128
    AUTOMATION = 256
    CHARGING = 512
    POWER = 1024
    ACCELERATION = 2048
    UPKEEP = 4096
    CELLS = 8192
    HEADING = 16384


#: Columns that are not signals.
HEAD = (
    "arrival_ms",  # when the hub enqueues it
    "event_ms",  # the clock of the vehicle, or of the system that sends
    "vehicle",  # index into the fleet of the partition
    "sequence",  # count of the vehicle's messages of this kind
    "kind",  # index into told.KINDS
    "sent",  # bits of Sent; 0 for a ready body
    "missing",  # bits of the columns in FIELDS that were left out by mistake
    "begin",  # where a ready body begins in the text
    "size",  # bytes of a ready body; 0 for telemetry
    "dirt",  # bits of dirt.What: what was done to the message
    "cut",  # thousandths of the body that are sent; 0 for all of it
)

#: Columns of signals. Booleans are 0 and 1.
FIELDS = (
    "speed", "odometer", "latitude", "longitude", "heading", "ignition", "soc", "energy_used", "energy_charged",
    "range", "fuel", "fuel_used", "coolant", "low_voltage", "tyre_0", "tyre_1", "tyre_2", "tyre_3", "ambient",
    "automation", "charging", "cable", "power", "longitudinal", "lateral",
    "mil", "dtc_count", "pad_wear", "service_distance", "battery_temperature",
)  # fmt: skip


@dataclass(frozen=True)
class Events:
    """Messages of one partition.

    Attributes:
        columns: every name of ``HEAD``, int64, and of ``FIELDS``, int32; shape (n,).
        text: ready bodies, referred to by the columns ``begin`` and ``size``.
    """

    columns: dict[str, NDArray[Any]]
    text: Bytes

    def __len__(self) -> int:
        return len(self.columns["arrival_ms"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def take(self, rows: Ints | NDArray[np.bool_] | slice) -> Events:
        """Returns the messages at ``rows``."""
        return Events({name: column[rows] for name, column in self.columns.items()}, self.text)

    def compact(self) -> Events:
        """Returns the same messages with a text that holds their bodies only, in their order."""
        size = self["size"]
        begin = np.cumsum(size) - size
        return Events({**self.columns, "begin": begin}, self.text[within(self["begin"], size)])

    def to_frames(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Returns the columns and the text as frames that :meth:`from_frames` reads back."""
        compact = self.compact()
        return pl.DataFrame(compact.columns), pl.DataFrame({"text": compact.text})

    @staticmethod
    def from_frames(columns: pl.DataFrame, text: pl.DataFrame) -> Events:
        """Returns the messages of frames made by :meth:`to_frames`."""
        read = {name: columns[name].to_numpy().copy() for name in (*HEAD, *FIELDS)}
        return Events(read, text["text"].to_numpy().copy())


def within(begin: Ints, size: Ints) -> Ints:
    """Returns the places that stretches cover, stretch after stretch: from each ``begin``, ``size`` of them."""
    ahead = np.cumsum(size) - size
    return np.asarray(np.repeat(begin - ahead, size) + np.arange(int(size.sum())), dtype=np.int64)


def telemetry(n: int, **columns: NDArray[np.generic]) -> Events:
    """Returns ``n`` telemetry messages; a column that is not given is 0 (and must not be among those sent)."""
    full: dict[str, NDArray[Any]] = {name: np.zeros(n, dtype=np.int64) for name in HEAD}
    full |= {name: np.zeros(n, dtype=np.int32) for name in FIELDS}
    for name, values in columns.items():
        full[name] = np.asarray(values).astype(full[name].dtype)
    return Events(full, np.zeros(0, dtype=np.uint8))


def ready(kind: int, vehicle: Ints, event_ms: Ints, sequence: Ints, text: Bytes, size: Ints) -> Events:
    """Returns messages of a kind with ready bodies, which lie end to end in ``text``."""
    kinds, begin = np.full(len(size), kind), np.cumsum(size) - size
    columns = telemetry(
        len(size), kind=kinds, vehicle=vehicle, event_ms=event_ms, sequence=sequence, begin=begin, size=size
    ).columns
    return Events(columns, text)


def concat(parts: Iterable[Events]) -> Events:
    """Returns all messages, in the order of the parts."""
    parts = list(parts)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in (*HEAD, *FIELDS)}
    shifts = np.cumsum([0] + [len(part.text) for part in parts[:-1]])
    columns["begin"] = np.concatenate([part["begin"] + shift for part, shift in zip(parts, shifts, strict=True)])
    return Events(columns, np.concatenate([part.text for part in parts]))
