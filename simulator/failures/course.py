"""The course of failures over a day: they begin, set their code, clear it and set it again, and go away.

A code that clears itself and comes back within ``FLAP_MS`` is flapping, and the episode goes on. Two episodes of one
code lie at least ``APART_MS`` apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.failures.ailments import NEVER_MS, Ailments
from simulator.failures.causes import AMBIENT, CAUSES, IS_PART, MODES, TYRE_SENSOR
from simulator.failures.hearing import Hearing
from simulator.world import DAY_MS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLAP_MS = 12 * 3_600_000
APART_MS = 8 * DAY_MS

LAPSED = -1  # of ``Ailments.flaps``: the episode is over, the failure is not

BY_SELF, BY_WORKSHOP, BY_REMOTE = range(3)

_LEAST_MS = 20 * 60_000  # between two messages about a code
_ROUNDS = 6  # changes of one code on one day, at most
_FLAPS_MS = 90 * 60_000  # median time until a flapping code clears itself
_DEVELOPS_MS = np.array([cause.develops_days for cause in CAUSES]) * DAY_MS
_FLAPS = np.array([cause.flaps for cause in CAUSES])
_HEALS = np.array([cause.heals for cause in CAUSES])
_HEALS_MS = np.array([cause.heals_days for cause in CAUSES]) * DAY_MS
_VISIT_MS = np.array([cause.visit_days for cause in CAUSES]) * DAY_MS
_AFTER_S = np.array([cause.shows_after_s for cause in CAUSES])


@dataclass(frozen=True)
class Changes:
    """Codes set and cleared, one array element each, in the order in which they were found.

    Attributes:
        vehicle: index into the fleet.
        cause: index into ``CAUSES``.
        at_ms: when.
        set: set; otherwise cleared.
        by: who cleared it.
    """

    vehicle: Ints
    cause: Ints
    at_ms: Ints
    set: NDArray[np.bool_]
    by: Ints

    @staticmethod
    def joined(parts: list[Changes]) -> Changes:
        """Returns all changes, sorted by vehicle and time."""
        parts = [*parts, Changes(*(np.zeros(0, dtype=np.int64),) * 3, np.zeros(0, bool), np.zeros(0, np.int64))]
        columns = [np.concatenate([getattr(p, name) for p in parts]) for name in Changes.__annotations__]
        order = np.lexsort((columns[1], columns[2], columns[0]))
        return Changes(*(column[order] for column in columns))


def wake(state: Ailments) -> None:
    """Begins a day: parts whose failures are over are as new."""
    over = state.ended_ms > 0
    state.quiet_ms[over] = np.maximum(state.last_ms, state.ended_ms)[over] + APART_MS
    state.forget(over)


def duration_ms(rng: np.random.Generator, median_ms: Floats, spread: float) -> Ints:
    """Returns log-normal durations."""
    return np.asarray(median_ms * rng.lognormal(0, spread, len(median_ms)), dtype=np.int64)


def begin(state: Ailments, rate: Floats, begin_ms: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Lets failures begin during a day.

    Args:
        state: changed in place.
        rate: failures per day, shape (vehicles, causes).
        begin_ms: start of the day.
        rng: the day's stream.

    Returns:
        Vehicle and cause of those that began.
    """
    drawn = rng.random(rate.shape)
    hit = (drawn < -np.expm1(-rate)) & (state.began_ms == 0)
    vehicle, cause = np.nonzero(hit)
    at_ms = begin_ms + 1 + (rng.random(len(vehicle)) * (DAY_MS - 1)).astype(np.int64)
    rested = at_ms >= state.quiet_ms[vehicle, cause]
    takes_ms = duration_ms(rng, _DEVELOPS_MS[cause], 0.5)
    mode = (rng.random(len(vehicle)) * MODES[cause]).astype(np.int64)
    _put(state, vehicle[rested], cause[rested], at_ms[rested], takes_ms[rested], mode[rested])
    return vehicle[rested], cause[rested]


def under_way(state: Ailments, rate: Floats, begin_ms: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Lets failures be under way when the simulation begins, none of which has set a code; as :func:`begin`."""
    median = np.broadcast_to(_DEVELOPS_MS, rate.shape)
    vehicle, cause = np.nonzero(rng.random(rate.shape) < -np.expm1(-rate * median / DAY_MS))
    takes_ms = duration_ms(rng, _DEVELOPS_MS[cause], 0.5)
    at_ms = begin_ms - (rng.random(len(vehicle)) * takes_ms).astype(np.int64)
    mode = (rng.random(len(vehicle)) * MODES[cause]).astype(np.int64)
    _put(state, vehicle, cause, at_ms, takes_ms, mode)
    return vehicle, cause


def _put(state: Ailments, vehicle: Ints, cause: Ints, at_ms: Ints, takes_ms: Ints, mode: Ints) -> None:
    state.began_ms[vehicle, cause] = at_ms
    state.takes_ms[vehicle, cause] = takes_ms
    state.mode[vehicle, cause] = mode
    state.next_ms[vehicle, cause] = at_ms + takes_ms


def change_codes(
    state: Ailments, hearing: Hearing, before_ms: Ints, end_ms: int, rng: np.random.Generator
) -> list[Changes]:
    """Sets and clears codes whose time has come, wherever the vehicle is heard.

    Args:
        state: changed in place.
        hearing: when vehicles are heard on this day.
        before_ms: nothing changes at or after this time (the vehicle is at a workshop), shape (vehicles,).
        end_ms: end of the day.
        rng: the day's stream.
    """
    quietly = state.ailing & (state.flaps == LAPSED) & (state.heal_ms < end_ms)
    state.ended_ms[quietly] = state.heal_ms[quietly]
    waits = np.zeros(state.began_ms.shape, dtype=np.bool_)
    changes = []
    for _ in range(_ROUNDS):
        vehicle, cause = np.nonzero(state.ailing & (state.next_ms < end_ms) & ~waits)
        if not len(vehicle):
            break
        at_ms = _heard(state, hearing, vehicle, cause, rng.random(len(vehicle)))
        heard = (at_ms >= 0) & (at_ms < before_ms[vehicle])
        last = state.last_ms[vehicle, cause]
        returns = (state.sets[vehicle, cause] > 0) & ~state.on[vehicle, cause] & (state.flaps[vehicle, cause] >= 0)
        lapsed = returns & np.where(heard, at_ms > last + FLAP_MS, end_ms > last + FLAP_MS)
        _lapse(state, vehicle[lapsed], cause[lapsed])
        done = heard & ~lapsed
        waits[vehicle[~done], cause[~done]] = True
        changes.append(_change(state, vehicle[done], cause[done], at_ms[done], rng))
    return changes


def _heard(state: Ailments, hearing: Hearing, vehicle: Ints, cause: Ints, chance: Floats) -> Ints:
    last = state.last_ms[vehicle, cause]
    from_ms = np.maximum(state.next_ms[vehicle, cause], np.where(last > 0, last + _LEAST_MS, 0))
    at_ms = np.full(len(vehicle), -1, dtype=np.int64)
    for after_s in np.unique(_AFTER_S):
        rows = np.flatnonzero(_AFTER_S[cause] == after_s)
        at_ms[rows] = hearing.next(vehicle[rows], from_ms[rows], int(after_s), chance[rows])
    return at_ms


def _lapse(state: Ailments, vehicle: Ints, cause: Ints) -> None:
    """The code did not come back in time: the episode is over, the failure is not."""
    state.flaps[vehicle, cause] = LAPSED
    state.next_ms[vehicle, cause] = state.last_ms[vehicle, cause] + APART_MS


def _change(state: Ailments, vehicle: Ints, cause: Ints, at_ms: Ints, rng: np.random.Generator) -> Changes:
    sets = ~state.on[vehicle, cause]
    by = np.where(~IS_PART[cause] & (rng.random(len(vehicle)) < 0.15), BY_REMOTE, BY_SELF)
    _set(state, vehicle[sets], cause[sets], at_ms[sets], rng)
    _clear(state, vehicle[~sets], cause[~sets], at_ms[~sets])
    state.on[vehicle, cause] = sets
    state.last_ms[vehicle, cause] = at_ms
    return Changes(vehicle, cause, at_ms, sets, by)


def _set(state: Ailments, vehicle: Ints, cause: Ints, at_ms: Ints, rng: np.random.Generator) -> None:
    n = len(vehicle)
    first = state.failed_ms[vehicle, cause] == 0
    heals = rng.random(n) < _HEALS[cause]
    heal_ms = np.where(heals, at_ms + duration_ms(rng, _HEALS_MS[cause], 0.8), NEVER_MS)
    visit_ms = np.where(heals, NEVER_MS, at_ms + duration_ms(rng, _VISIT_MS[cause], 0.9))
    for name, value in (("failed_ms", at_ms), ("heal_ms", heal_ms), ("visit_ms", visit_ms)):
        getattr(state, name)[vehicle[first], cause[first]] = value[first]
    begins = (state.sets[vehicle, cause] == 0) | (state.flaps[vehicle, cause] == LAPSED)
    flaps = np.where(rng.random(n) < _FLAPS[cause], np.minimum(rng.geometric(0.5, n), 4), 0)
    state.flaps[vehicle, cause] = np.where(begins, flaps, state.flaps[vehicle, cause])
    state.sets[vehicle, cause] = np.where(begins, 1, state.sets[vehicle, cause] + 1)
    state.set_ms[vehicle, cause] = np.where(begins, at_ms, state.set_ms[vehicle, cause])
    clears_ms = at_ms + duration_ms(rng, np.full(n, float(_FLAPS_MS)), 0.7)
    heal_ms = state.heal_ms[vehicle, cause]
    state.next_ms[vehicle, cause] = np.where(state.flaps[vehicle, cause] > 0, clears_ms, heal_ms)


def _clear(state: Ailments, vehicle: Ints, cause: Ints, at_ms: Ints) -> None:
    flapping = state.flaps[vehicle, cause] > 0
    state.flaps[vehicle, cause] -= flapping
    state.next_ms[vehicle, cause] = np.where(flapping, at_ms + _LEAST_MS, NEVER_MS)
    state.ended_ms[vehicle[~flapping], cause[~flapping]] = at_ms[~flapping]


def freezes(cause: Ints, chance: Floats) -> NDArray[np.bool_]:
    """Returns which failures of sensors leave the reading as it is, rather than noisy."""
    return np.isin(cause, (AMBIENT, TYRE_SENSOR)) & (chance < 0.5)
