"""Days made by hand: legs and states for the tests of failures."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.failures.ailments import Ailments
from simulator.failures.causes import CAUSES
from simulator.plan import Legs

DAY0_MS = 20_500 * 86_400_000
CADENCE_S = 10


def legs_of(vehicle: list[int], start_s: list[int], steps: list[int]) -> Legs:
    """Legs that begin so many seconds after ``DAY0_MS``; where they lead does not matter."""
    n = len(vehicle)
    known: dict[str, NDArray[np.generic]] = {
        "vehicle": np.array(vehicle, dtype=np.int64),
        "start_ms": DAY0_MS + np.array(start_s, dtype=np.int64) * 1000,
        "steps": np.array(steps, dtype=np.int64),
        "origin": np.zeros((n, 2)),
        "destination": np.zeros((n, 2)),
    }
    return Legs(**{f.name: known.get(f.name, np.zeros(n)) for f in fields(Legs)})  # type: ignore[arg-type]


@st.composite
def days_of_legs(draw: st.DrawFn, vehicles: int = 3) -> Legs:
    """Legs of a day, a few per vehicle, sorted, none overlapping; the last may run over the end of the day."""
    vehicle, start_s, steps = [], [], []
    for v in range(vehicles):
        at = draw(st.integers(0, 40_000))
        for _ in range(draw(st.integers(0, 4))):
            length = draw(st.integers(6, 700))
            if at >= 86_400:
                break
            vehicle.append(v)
            start_s.append(at)
            steps.append(length)
            at += length * CADENCE_S + draw(st.integers(600, 30_000))
    return legs_of(vehicle, start_s, steps)


def sound(vehicles: int) -> Ailments:
    """Nothing ails the vehicles; pads and service are those of a new car."""
    ails = Ailments.none(vehicles, len(CAUSES))
    ails.pads_life_km[:] = 40_000
    ails.service_km[:] = ails.service_every_km[:] = 20_000
    return ails
