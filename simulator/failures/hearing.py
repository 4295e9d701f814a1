"""When a vehicle can say that something is wrong: the minute messages of its drives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.messages import slow_every
from simulator.plan import Legs

Ints = NDArray[np.int64]

_VEHICLE = 1 << 42  # ms of a day and the trips over its end have room below


class Hearing:
    """The moments of a day's legs at which all signals are sent while the ignition is on.

    Args:
        legs: the legs, sorted by vehicle and time, none overlapping.
        cadence_s: seconds between samples.
        begin_ms: start of the day.
    """

    def __init__(self, legs: Legs, cadence_s: int, begin_ms: int) -> None:
        self._legs, self._begin_ms = legs, begin_ms
        self._every = slow_every(cadence_s)
        self._slow_ms = self._every * cadence_s * 1000
        self._slots = (legs.steps - 1) // self._every  # the last sample of a leg switches the ignition off

    def next(self, vehicle: Ints, from_ms: Ints, after_s: int, chance: NDArray[np.float64]) -> Ints:
        """Returns a moment at which each vehicle is heard next, -1 if it is not heard any more on this day.

        The moment lies in the first leg that is not over at ``from_ms``.

        Args:
            vehicle: index into the fleet.
            from_ms: not before, same shape.
            after_s: nor earlier in a leg than this.
            chance: which of the moments of the leg, 0 to under 1, same shape.
        """
        first = -(-after_s * 1000 // self._slow_ms)
        fit = np.flatnonzero(self._slots >= first)
        if not len(fit):
            return np.full(len(vehicle), -1, dtype=np.int64)
        start, slots = self._legs.start_ms[fit], self._slots[fit]
        key = self._legs.vehicle[fit] * _VEHICLE + (start + slots * self._slow_ms - self._begin_ms)
        wanted = vehicle * _VEHICLE + np.clip(from_ms - self._begin_ms, 0, _VEHICLE - 1)
        found = np.searchsorted(key, wanted)
        heard = found < len(fit)
        leg = np.where(heard, found, 0)
        heard &= self._legs.vehicle[fit][leg] == vehicle
        low = np.maximum(first, -(-np.maximum(from_ms - start[leg], 0) // self._slow_ms))
        slot = low + (chance * (slots[leg] - low + 1)).astype(np.int64)
        return np.where(heard, start[leg] + slot * self._slow_ms, -1)
