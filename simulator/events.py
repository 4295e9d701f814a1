"""What vehicles send, in columns: one element per message, not yet encoded.

A column holds a signal as a whole number of its last decimal (speed 43.2 km/h is 432); which signals a message really
carries is a set of bits, so that nothing is in a body that was not sent. Messages of other kinds than telemetry are
few and carry a ready body.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import polars as pl
from numpy.typing import NDArray


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


#: Columns that are not signals.
HEAD: dict[str, type[np.generic]] = {
    "arrival_ms": np.int64,  # when the hub enqueues it
    "event_ms": np.int64,  # the vehicle's clock
    "vehicle": np.int64,  # index into the fleet of the partition
    "sequence": np.int64,  # the vehicle's own count
    "sent": np.int64,  # bits of Sent; 0 for a ready body
    "body": np.int64,  # index into bodies; -1 for telemetry
}

#: Columns of signals. Booleans are 0 and 1.
FIELDS = (
    "speed", "odometer", "latitude", "longitude", "heading", "ignition", "soc", "energy_used", "energy_charged",
    "range", "fuel", "fuel_used", "coolant", "low_voltage", "tyre_0", "tyre_1", "tyre_2", "tyre_3", "ambient",
    "automation", "charging", "cable",
)  # fmt: skip


@dataclass(frozen=True)
class Events:
    """Messages of one partition.

    Attributes:
        columns: every name of ``HEAD`` and ``FIELDS``, shape (n,), int64.
        bodies: ready bodies, referred to by the column ``body``.
    """

    columns: dict[str, NDArray[np.int64]]
    bodies: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.columns["arrival_ms"])

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        return self.columns[name]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Events:
        """Returns the messages at ``rows``."""
        return Events({name: column[rows] for name, column in self.columns.items()}, self.bodies)

    def to_frame(self) -> pl.DataFrame:
        """Returns the messages as a frame that :meth:`from_frame` reads back, ready bodies in column ``ready``."""
        ready = pl.Series("ready", [self.bodies[b] if b >= 0 else None for b in self["body"]], dtype=pl.Binary)
        return pl.DataFrame(self.columns).with_columns(ready)

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> Events:
        """Returns the messages of a frame made by :meth:`to_frame`."""
        columns = {name: frame[name].to_numpy().copy() for name in (*HEAD, *FIELDS)}
        ready = columns["body"] >= 0
        columns["body"] = np.where(ready, np.cumsum(ready) - 1, -1)
        return Events(columns, tuple(frame["ready"].drop_nulls()))


def telemetry(n: int, **columns: NDArray[np.generic]) -> Events:
    """Returns ``n`` telemetry messages; a column that is not given is 0 (and must not be among those sent)."""
    full = {name: np.zeros(n, dtype=np.int64) for name in (*HEAD, *FIELDS)}
    full["body"][:] = -1
    for name, values in columns.items():
        full[name] = np.asarray(values).astype(np.int64)
    return Events(full)


def ready(vehicle: NDArray[np.int64], event_ms: NDArray[np.int64], bodies: list[bytes]) -> Events:
    """Returns messages with ready bodies, one per vehicle and instant."""
    body = np.arange(len(bodies), dtype=np.int64)
    return Events(telemetry(len(bodies), vehicle=vehicle, event_ms=event_ms, body=body).columns, tuple(bodies))


def concat(parts: Iterable[Events]) -> Events:
    """Returns all messages, in the order of the parts."""
    parts = list(parts)
    bodies: list[bytes] = []
    references = []
    for part in parts:
        references.append(np.where(part["body"] >= 0, part["body"] + len(bodies), -1))
        bodies += part.bodies
    columns = {name: np.concatenate([part[name] for part in parts]) for name in (*HEAD, *FIELDS)}
    columns["body"] = np.concatenate(references)
    return Events(columns, tuple(bodies))
