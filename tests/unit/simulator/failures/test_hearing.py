"""A code is set when the vehicle is heard with all its signals, and as soon as that."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.failures.hearing import Hearing
from simulator.plan import Legs
from tests.unit.simulator.failures.days import CADENCE_S, DAY0_MS, days_of_legs, legs_of


def _moments(legs: Legs, vehicle: int, from_ms: int, after_s: int) -> list[list[int]]:
    """Leg by leg: the minutes at which a vehicle is heard, as a reader of the rule would list them."""
    return [
        [
            int(start) + step * CADENCE_S * 1000
            for step in range(0, int(steps), 6)
            if start + step * CADENCE_S * 1000 >= from_ms and step * CADENCE_S >= after_s
        ]
        for of, start, steps in zip(legs.vehicle, legs.start_ms, legs.steps, strict=True)
        if of == vehicle
    ]


@given(
    legs=days_of_legs(), vehicle=st.integers(0, 2), from_s=st.integers(-1000, 90_000),
    after_s=st.sampled_from([0, 90, 600]), chance=st.floats(0, 1, exclude_max=True),
)  # fmt: skip
def test_next_is_a_minute_of_the_first_leg_that_has_one(
    legs: Legs, vehicle: int, from_s: int, after_s: int, chance: float
) -> None:
    from_ms = DAY0_MS + from_s * 1000
    hearing = Hearing(legs, CADENCE_S, DAY0_MS)
    found = int(hearing.next(np.array([vehicle]), np.array([from_ms]), after_s, np.array([chance]))[0])
    possible = next((leg for leg in _moments(legs, vehicle, from_ms, after_s) if leg), [])
    if possible:
        assert found == possible[int(chance * len(possible))]
    else:
        assert found == -1


def test_the_message_that_switches_off_is_no_chance() -> None:
    hearing = Hearing(legs_of([0], [100], [12]), CADENCE_S, DAY0_MS)
    last = hearing.next(np.zeros(1, dtype=np.int64), np.array([DAY0_MS + 161_000]), 0, np.array([0.99]))
    assert last[0] == -1
