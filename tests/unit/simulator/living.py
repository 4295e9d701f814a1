"""Days of a small fleet with made-up legs, for the tests of concerns: quick, and the same whatever the roads do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl

from simulator.energy import Parks, State
from simulator.fleet import Fleet, make_fleet
from simulator.sessions import HOUR_MS, REASONS, Sessions
from simulator.told import Concern, Lived, Told
from simulator.world import DAY_MS, MARKET_WEIGHTS, day_ms

FIRST_DAY = date(2026, 3, 2)
CADENCE_S = 10
_STARTS_H, _STEPS = (7, 12, 18), (150, 60, 240)


class _Legs(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.vehicle)


def fleet_of(vehicles: int, seed: int = 5, first_day: date = FIRST_DAY) -> Fleet:
    """Returns a fleet in one partition."""
    return make_fleet(seed, vehicles, 0, 1, first_day, tuple(sorted(MARKET_WEIGHTS)))


def lived(fleet: Fleet, day: date, seed: int = 5, first_day: date = FIRST_DAY) -> Lived:
    """Returns a day on which each delivered vehicle drives at 7, 12 and 18 h UTC and a bit; every fifth one rests."""
    n, drives = len(fleet), np.flatnonzero((fleet.delivered < day.toordinal()) & (np.arange(len(fleet)) % 5 > 0))
    vehicle = np.repeat(drives, len(_STARTS_H))
    starts = day_ms(day) + np.array(_STARTS_H) * 3_600_000
    legs = _Legs(
        vehicle=vehicle,
        start_ms=np.tile(starts, len(drives)) + vehicle * 1_000,
        steps=np.tile(np.array(_STEPS), len(drives)),
    )
    leg = np.repeat(np.arange(len(vehicle)), legs.steps + 1)
    step = np.concatenate([np.arange(count + 1) for count in legs.steps]) if len(vehicle) else np.zeros(0, dtype=int)
    level = np.where((step > 60) & (step < 120) & (leg % 3 == 2), 2, 0)
    ends = legs.start_ms + legs.steps * CADENCE_S * 1000
    before = np.where(np.arange(n) % 5 > 0, day_ms(day) - DAY_MS // 5, day_ms(day) - 5 * DAY_MS)
    until = np.full(n, 2**62)
    until[drives] = legs.start_ms[:: len(_STARTS_H)]
    follows = np.append(np.where(vehicle[1:] == vehicle[:-1], legs.start_ms[1:], 2**62), 2**62)[: len(vehicle)]
    parked = np.concatenate([np.arange(n), vehicle])
    evening = np.concatenate([np.zeros(n, dtype=bool), np.arange(len(vehicle)) % len(_STARTS_H) == 2])
    state = _parked(fleet, parked, np.concatenate([before, ends]), evening)
    parks = Parks(parked, state, np.concatenate([until, follows]))
    known = {
        "seed": seed, "partition": 0, "first_day": first_day, "day": day, "cadence_s": CADENCE_S, "fleet": fleet,
        "legs": legs, "driven": SimpleNamespace(leg=leg, step=step, level=level), "parks": parks,
        "outside_c": np.full(len(vehicle), 4.0), "states": {}, "told": {},
    }  # fmt: skip
    return Lived(**cast("dict[str, Any]", {f.name: known.get(f.name) for f in fields(Lived)}))


def _parked(fleet: Fleet, vehicle: np.ndarray, parked_ms: np.ndarray, evening: np.ndarray) -> State:
    """Vehicles at rest; those with a plug charge in the evening, every second one an hour after the cable went in."""
    rests = len(vehicle)
    session, plugs = Sessions.none(rests), np.flatnonzero(evening & (fleet.battery_kwh[vehicle] > 0))
    session.plugged_ms[plugs] = parked_ms[plugs] + 60_000
    session.starts_ms[plugs] = parked_ms[plugs] + np.where(vehicle[plugs] % 2, 90_000, HOUR_MS)
    session.stops_ms[plugs] = parked_ms[plugs] + 2 * HOUR_MS
    session.unplugged_ms[plugs] = parked_ms[plugs] + 3 * HOUR_MS
    session.reason[:] = np.where(vehicle % 4 < 2, REASONS.index("user"), REASONS.index("target_reached"))
    numbers = {f.name: np.full(rests, 50.0) for f in fields(State)}
    return State(**cast("dict[str, Any]", {**numbers, "parked_ms": parked_ms, "session": session}))


def told(concern: Concern, fleet: Fleet, days: int, seed: int = 5) -> Iterator[tuple[date, Told]]:
    """Lives days from the first one on."""
    state = concern.initial()
    for day in (FIRST_DAY + timedelta(days=k) for k in range(days)):
        now = concern.live(day, state, lived(fleet, day, seed))
        state = now.state
        yield day, now


def joined(days: list[tuple[date, Told]], table: str, *, of: str = "events") -> pl.DataFrame:
    """Returns the messages of a kind, or with ``of="truth"`` the rows of a truth table, of all days."""
    return pl.concat([getattr(now, of)[table] for _, now in days])
