"""Codes are set and cleared in turn; a code that comes back has flapped or belongs to another episode."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.failures import course
from simulator.failures.ailments import NEVER_MS
from simulator.failures.causes import CAUSES, COOLANT, NAMES, SOFTWARE, WHEEL_SPEED
from simulator.failures.course import APART_MS, FLAP_MS, Changes
from simulator.failures.hearing import Hearing
from simulator.world import DAY_MS
from tests.unit.simulator.failures.days import CADENCE_S, DAY0_MS, legs_of, sound

VEHICLES = 40
FLAP_S = 86_400  # within which core takes a code that comes back for the same episode


def _commutes(hours: tuple[int, ...] = (7, 17)) -> Hearing:
    vehicle = [v for v in range(VEHICLES) for _ in hours]
    return Hearing(
        legs_of(vehicle, [3600 * h + 60 * (v % 50) for v in range(VEHICLES) for h in hours], [240] * len(vehicle)),
        CADENCE_S, DAY0_MS,
    )  # fmt: skip


def _shifted(hearing_hours: tuple[int, ...], day: int) -> Hearing:
    made = _commutes(hearing_hours)
    legs = made._legs
    legs.start_ms[:] += day * DAY_MS
    return Hearing(legs, CADENCE_S, DAY0_MS + day * DAY_MS)


def _live(seed: int, days: int, per_day: float, hours: tuple[int, ...]) -> tuple[Changes, list[np.ndarray]]:
    state, parts = sound(VEHICLES), []
    rate = np.full(state.began_ms.shape, per_day)
    free = np.full(VEHICLES, NEVER_MS)
    for day in range(days):
        begin_ms = DAY0_MS + day * DAY_MS
        rng = np.random.default_rng([seed, day])
        course.wake(state)
        course.begin(state, rate, begin_ms, rng)
        parts += course.change_codes(state, _shifted(hours, day), free, begin_ms + DAY_MS, rng)
    return Changes.joined(parts), [state.on, state.sets]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), hours=st.sampled_from([(7, 17), (12,), (5, 8, 11, 14, 20)]))
def test_codes_alternate_and_episodes_are_told_apart(seed: int, hours: tuple[int, ...]) -> None:
    changes, (on, _) = _live(seed, 40, 0.05, hours)
    assert len(changes.vehicle) > 500
    for v in range(VEHICLES):
        for c in range(len(CAUSES)):
            mine = (changes.vehicle == v) & (changes.cause == c)
            at, is_set = changes.at_ms[mine], changes.set[mine]
            assert (np.diff(at) >= 20 * 60_000).all()
            assert is_set[0::2].all()
            assert not is_set[1::2].any()
            assert on[v, c] == (len(at) % 2 == 1)
            pause = at[2::2] - at[1::2][: len(at[2::2])]
            assert ((pause <= FLAP_MS) | (pause >= APART_MS)).all()
    assert FLAP_MS <= FLAP_S * 1000 < APART_MS


def test_what_develops_is_announced() -> None:
    state, rng = sound(VEHICLES), np.random.default_rng(3)
    vehicle, cause = course.begin(state, np.full(state.began_ms.shape, 0.5), DAY0_MS, rng)
    develops = np.array([c.develops_days > 0 for c in CAUSES])[cause]
    lead_ms = (state.next_ms - state.began_ms)[vehicle, cause]
    assert (lead_ms[develops] > DAY_MS // 4).all()
    assert (lead_ms[~develops] == 0).all()
    assert (state.began_ms[vehicle, cause] > DAY0_MS).all()


def test_an_engine_is_warm_before_its_coolant_is_too_hot() -> None:
    state = sound(VEHICLES)
    state.began_ms[:, COOLANT] = state.next_ms[:, COOLANT] = DAY0_MS
    changes = course.change_codes(
        state, _commutes(), np.full(VEHICLES, NEVER_MS), DAY0_MS + DAY_MS, np.random.default_rng(1)
    )
    first = changes[0]
    into_s = (first.at_ms - DAY0_MS) // 1000 - 3600 * 7 - 60 * (first.vehicle % 50)
    assert len(first.vehicle) == VEHICLES
    assert (into_s >= 600).all()


def test_nothing_is_said_at_the_workshop() -> None:
    state = sound(VEHICLES)
    state.began_ms[:, SOFTWARE] = state.next_ms[:, SOFTWARE] = DAY0_MS
    arrived = np.where(np.arange(VEHICLES) % 2, DAY0_MS + 1, NEVER_MS)
    course.change_codes(state, _commutes(), arrived, DAY0_MS + DAY_MS, np.random.default_rng(1))
    assert (state.failed_ms[::2, SOFTWARE] > 0).all()
    assert (state.failed_ms[1::2, SOFTWARE] == 0).all()


def test_a_failure_that_is_over_is_forgotten_and_rests() -> None:
    state = sound(2)
    state.began_ms[0, WHEEL_SPEED], state.failed_ms[0, WHEEL_SPEED] = DAY0_MS, DAY0_MS + 10
    state.last_ms[0, WHEEL_SPEED] = state.ended_ms[0, WHEEL_SPEED] = DAY0_MS + 20
    state.held[0, WHEEL_SPEED] = 3.0
    course.wake(state)
    assert state.quiet_ms[0, WHEEL_SPEED] == DAY0_MS + 20 + APART_MS
    assert np.isnan(state.held).all()
    for name in ("began_ms", "takes_ms", "failed_ms", "ended_ms", "last_ms", "sets", "set_ms", "flaps"):
        assert not getattr(state, name).any()
    rate = np.full(state.began_ms.shape, 50.0)
    vehicle, cause = course.begin(state, rate, DAY0_MS + DAY_MS, np.random.default_rng(0))
    began = set(zip(vehicle.tolist(), cause.tolist(), strict=True))
    assert began == {(v, c) for v in range(2) for c in range(len(NAMES))} - {(0, WHEEL_SPEED)}
