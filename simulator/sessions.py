"""The law of a charging session: how much is in a battery at any instant, in closed form.

Power at the battery is constant up to a state of charge and then falls on a straight line over the state of charge, so
that energy against time is a ramp and then an exponential. A session is decided when the cable goes in; it may pause
once, and ends at its target or before.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEVER_MS = 2**62
HOUR_MS = 3_600_000

PLACES = ("home", "work", "public")
CURRENTS = ("AC", "DC")
REASONS = ("target_reached", "user", "unplugged", "fault", "power_lost")
INTERRUPTED = (False, False, True, True, True)  # by reason: ended early, and not because somebody wanted it


@dataclass
class Sessions:
    """Charging sessions, one array element each; ``plugged_ms`` is ``NEVER_MS`` where there is none.

    Attributes:
        plugged_ms: the cable is connected.
        starts_ms: charging starts.
        pauses_ms: charging pauses; ``NEVER_MS`` if it does not.
        resumes_ms: charging goes on.
        stops_ms: charging ends.
        unplugged_ms: the cable is disconnected.
        soc: at the start, percent.
        target: what it was to end at, percent.
        capacity_kwh: of the battery.
        power_kw: at the battery until power falls.
        taper_soc: from here on power falls, percent.
        floor: power at 100 percent over ``power_kw``.
        efficiency: energy that reaches the battery over energy drawn at the connector.
        place: index into ``PLACES``.
        current: index into ``CURRENTS``.
        reason: index into ``REASONS``: why it ends.
        reports: charging events are sent.
    """

    plugged_ms: Ints
    starts_ms: Ints
    pauses_ms: Ints
    resumes_ms: Ints
    stops_ms: Ints
    unplugged_ms: Ints
    soc: Floats
    target: Floats
    capacity_kwh: Floats
    power_kw: Floats
    taper_soc: Floats
    floor: Floats
    efficiency: Floats
    place: Ints
    current: Ints
    reason: Ints
    reports: Bools

    def __len__(self) -> int:
        return len(self.plugged_ms)

    @staticmethod
    def none(n: int) -> Sessions:
        """Returns ``n`` times no session."""
        columns: dict[str, Any] = {name: np.full(n, NEVER_MS, dtype=np.int64) for name in _INSTANTS}
        columns |= {name: np.zeros(n, dtype=np.int64) for name in _CODES}
        columns |= {name: np.full(n, 0.5) for name in _NUMBERS}
        return Sessions(**columns, reports=np.zeros(n, dtype=np.bool_))

    def take(self, rows: Ints | Bools | slice) -> Sessions:
        """Returns a copy of some sessions."""
        return Sessions(**{f.name: getattr(self, f.name)[rows].copy() for f in fields(self)})

    def put(self, rows: Ints, other: Sessions) -> None:
        """Replaces the sessions at ``rows``."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)

    @staticmethod
    def concat(parts: list[Sessions]) -> Sessions:
        """Returns all sessions, in the order of the parts."""
        return Sessions(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Sessions)})

    def to_columns(self) -> dict[str, NDArray[np.generic]]:
        """Returns one column per attribute, named ``session_…``."""
        return {f"session_{f.name}": getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> Sessions:
        """Returns the sessions of a frame with the columns of :meth:`to_columns`."""
        return Sessions(**{f.name: frame[f"session_{f.name}"].to_numpy().copy() for f in fields(Sessions)})

    @property
    def exists(self) -> Bools:
        """Where there is a session."""
        return self.plugged_ms < NEVER_MS

    def hours_charged(self, at_ms: Ints) -> Floats:
        """Returns how long has been charged by an instant, pauses left out."""
        until = np.minimum(at_ms, self.stops_ms)
        paused = np.clip(until - self.pauses_ms, 0, self.resumes_ms - self.pauses_ms)
        hours = np.maximum(until - self.starts_ms - paused, 0) / HOUR_MS
        return np.asarray(np.where(self.exists, hours, 0.0))

    def soc_at(self, at_ms: Ints) -> Floats:
        """Returns the state of charge in percent, as far as charging goes: that of the start before it."""
        return self.soc_after(self.hours_charged(at_ms))

    def soc_after(self, hours: Floats) -> Floats:
        """Returns the state of charge after hours of charging."""
        pace = 100 * self.power_kw / self.capacity_kwh
        ramp_h = np.maximum(self.taper_soc - self.soc, 0) / pace
        begin = np.maximum(self.soc, self.taper_soc)
        slope = (1 - self.floor) / (100 - self.taper_soc)
        power = 1 - slope * (begin - self.taper_soc)
        falling = power * np.exp(-slope * pace * np.maximum(hours - ramp_h, 0))
        tapered = self.taper_soc + (1 - falling) / slope
        return np.asarray(np.where(hours <= ramp_h, self.soc + pace * hours, tapered))

    def hours_to(self, soc: Floats) -> Floats:
        """Returns how long charging to a state of charge takes, in hours."""
        pace = 100 * self.power_kw / self.capacity_kwh
        ramp_h = np.maximum(np.minimum(soc, self.taper_soc) - self.soc, 0) / pace
        slope = (1 - self.floor) / (100 - self.taper_soc)
        begin = 1 - slope * (np.maximum(self.soc, self.taper_soc) - self.taper_soc)
        end = 1 - slope * (np.maximum(soc, self.taper_soc) - self.taper_soc)
        return np.asarray(ramp_h + np.maximum(np.log(begin / end), 0) / (slope * pace))

    def power_at(self, at_ms: Ints) -> Floats:
        """Returns the power at the battery in kW; 0 where nothing is charged."""
        fall = (1 - self.floor) / (100 - self.taper_soc) * np.maximum(self.soc_at(at_ms) - self.taper_soc, 0)
        return np.asarray(np.where(self.charging(at_ms), self.power_kw * (1 - fall), 0.0))

    def charging(self, at_ms: Ints) -> Bools:
        """Returns where charging goes on; it does at the instant of its start, and no more at that of its end."""
        paused = (at_ms >= self.pauses_ms) & (at_ms < self.resumes_ms)
        return np.asarray(self.exists & (at_ms >= self.starts_ms) & (at_ms < self.stops_ms) & ~paused)

    def connected(self, at_ms: Ints) -> Bools:
        """Returns where the cable is connected."""
        return np.asarray((at_ms >= self.plugged_ms) & (at_ms < self.unplugged_ms))

    def stored_kwh(self, at_ms: Ints) -> Floats:
        """Returns the energy that has reached the battery by an instant."""
        return np.asarray(np.where(self.exists, (self.soc_at(at_ms) - self.soc) * self.capacity_kwh / 100, 0.0))


_INSTANTS = ("plugged_ms", "starts_ms", "pauses_ms", "resumes_ms", "stops_ms", "unplugged_ms")
_CODES = ("place", "current", "reason")
_NUMBERS = ("soc", "target", "capacity_kwh", "power_kw", "taper_soc", "floor", "efficiency")
