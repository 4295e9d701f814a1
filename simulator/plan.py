"""Days as people live them: who goes where and when, before anybody has driven a metre.

A day's plan depends on the seed, the partition and the local day only, never on what happened before: every day begins
and ends at home. Legs never overlap, not even with those of the next day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Fleet
from simulator.streams import Purpose, stream
from simulator.world import DAY_MS, city_midnights_ms, day_ms

ROAD_PER_CROW = 1.055  # length of a road over the straight line, at the ends of a leg

_DAY_BEGINS_S = 5 * 3600  # nobody leaves home earlier
_DAY_ENDS_S = 27.5 * 3600  # nobody comes home later
_LEAST_KM = 0.8
_LENGTHS_KM = [1, 5, 20, 60, 250]
_MEAN_KMH = [16, 23, 37, 58, 88]  # door to door, by length


@dataclass(frozen=True)
class Legs:
    """Legs, one array element each, sorted by vehicle and time.

    Attributes:
        vehicle: index into the fleet.
        start_ms: start, ms since 1970 UTC.
        steps: number of samples after the first; the leg lasts ``steps`` times the cadence.
        length_km: road length to drive.
        origin: km east and north of home, shape (n, 2).
        destination: the same.
    """

    vehicle: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    steps: NDArray[np.int64]
    length_km: NDArray[np.float64]
    origin: NDArray[np.float64]
    destination: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vehicle)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Legs:
        """Returns the legs at ``rows``."""
        return Legs(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def legs_of_utc_day(fleet: Fleet, seed: int, partition: int, day: date, cadence_s: int, opened_ms: int) -> Legs:
    """Returns the legs that start within a UTC day.

    Args:
        fleet: the partition's vehicles.
        seed: seed of the simulation.
        partition: number of the partition.
        day: UTC day.
        cadence_s: seconds between samples.
        opened_ms: start of the simulation. Nobody lives a local day that began to be lived before it, nor the day of
            delivery.
    """
    begin = day_ms(day)
    parts = []
    for local in (day - timedelta(days=1), day, day + timedelta(days=1)):
        midnight = city_midnights_ms(local)[fleet.city]
        legs = _plan_local_day(fleet, seed, partition, local, cadence_s, midnight)
        lives = (midnight + _DAY_BEGINS_S * 1000 >= opened_ms) & (fleet.delivered < local.toordinal())
        inside = (legs.start_ms >= begin) & (legs.start_ms < begin + DAY_MS) & lives[legs.vehicle]
        parts.append(legs.take(inside))
    joined = Legs(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Legs)})
    return joined.take(np.lexsort((joined.start_ms, joined.vehicle)))


@dataclass(frozen=True)
class _Outing:
    """From home to one or two places and back home; arrays over the vehicles.

    Attributes:
        goes: which vehicles go.
        leaves_s: when they would leave, s after local midnight.
        place: where to, km from home, shape (n, 2).
        stay_s: how long they stay.
        detour: which of them stop at a second place on the way back.
        second: the second place, shape (n, 2).
    """

    goes: NDArray[np.bool_]
    leaves_s: NDArray[np.float64]
    place: NDArray[np.float64]
    stay_s: NDArray[np.float64]
    detour: NDArray[np.bool_]
    second: NDArray[np.float64]


def _plan_local_day(
    fleet: Fleet, seed: int, partition: int, local: date, cadence_s: int, midnight_ms: NDArray[np.int64]
) -> Legs:
    rng = stream(seed, Purpose.PLAN, partition, local.toordinal())
    n, weekend = len(fleet), local.weekday() >= 5
    used = (rng.random(n) < 0.35 + 0.62 * fleet.habit) & ~_rests(n, seed, partition, local)
    works = used & fleet.commuter & (rng.random(n) < (0.06 if weekend else 0.88))
    free_s = np.full(n, float(_DAY_BEGINS_S))
    legs: list[Legs] = []
    for outing in (_to_work(fleet, rng, works), _by_day(rng, used & ~works, weekend), _by_night(rng, used, weekend)):
        walked, free_s = _walk(outing, free_s, rng, cadence_s)
        legs += walked
    joined = Legs(**{f.name: np.concatenate([getattr(leg, f.name) for leg in legs]) for f in fields(Legs)})
    return replace(joined, start_ms=joined.start_ms + midnight_ms[joined.vehicle])


def _rests(n: int, seed: int, partition: int, local: date) -> NDArray[np.bool_]:
    """Some vehicles rest for a week, a few for four."""
    week, month = local.toordinal() // 7, local.toordinal() // 28
    resting: NDArray[np.bool_] = stream(seed, Purpose.REST, partition, 7, week).random(n) < 0.04
    return resting | (stream(seed, Purpose.REST, partition, 28, month).random(n) < 0.03)


def _to_work(fleet: Fleet, rng: np.random.Generator, works: NDArray[np.bool_]) -> _Outing:
    n = len(fleet)
    return _Outing(
        goes=works,
        leaves_s=fleet.leaves_s + rng.normal(0, 480, n),
        place=fleet.work_xy,
        stay_s=rng.normal(8.7 * 3600, 2400, n).clip(3 * 3600, 11 * 3600),
        detour=rng.random(n) < 0.27,
        second=_somewhere(rng, n, median_km=2.6),
    )


def _by_day(rng: np.random.Generator, at_home: NDArray[np.bool_], weekend: bool) -> _Outing:
    n = len(at_home)
    excursion = rng.random(n) < (0.16 if weekend else 0.04)
    near, far = _somewhere(rng, n, median_km=4.2), _somewhere(rng, n, median_km=75.0, spread=0.6)
    leaves = np.where(excursion, rng.normal(9.2 * 3600, 3000, n), rng.normal(11.5 * 3600, 7200, n))
    stay = np.where(excursion, rng.normal(5 * 3600, 5400, n), rng.lognormal(np.log(3600), 0.7, n))
    return _Outing(
        goes=at_home & (rng.random(n) < 0.86),
        leaves_s=leaves.clip(6 * 3600, 17 * 3600),
        place=np.where(excursion[:, None], far, near),
        stay_s=stay.clip(420, 7 * 3600),
        detour=rng.random(n) < 0.35,
        second=_somewhere(rng, n, median_km=3.0),
    )


def _by_night(rng: np.random.Generator, used: NDArray[np.bool_], weekend: bool) -> _Outing:
    n = len(used)
    return _Outing(
        goes=used & (rng.random(n) < (0.34 if weekend else 0.2)),
        leaves_s=rng.normal(19.4 * 3600, 3600, n).clip(17 * 3600, 21.5 * 3600),
        place=_somewhere(rng, n, median_km=5.0),
        stay_s=rng.lognormal(np.log(5400), 0.45, n).clip(900, 4 * 3600),
        detour=np.zeros(n, dtype=np.bool_),
        second=np.zeros((n, 2)),
    )


def _somewhere(rng: np.random.Generator, n: int, *, median_km: float, spread: float = 0.7) -> NDArray[np.float64]:
    bearing = rng.uniform(0, 2 * np.pi, n)
    distance = rng.lognormal(np.log(median_km), spread, n).clip(_LEAST_KM, 240)
    return np.stack([distance * np.sin(bearing), distance * np.cos(bearing)], axis=1)


def _walk(
    outing: _Outing, free_s: NDArray[np.float64], rng: np.random.Generator, cadence_s: int
) -> tuple[list[Legs], NDArray[np.float64]]:
    """Returns the legs of an outing, starts in ms after local midnight, and when each vehicle is free again."""
    n = len(free_s)
    home = np.zeros((n, 2))
    stops = [(outing.place, outing.stay_s), (outing.second, rng.uniform(420, 2700, n)), (home, np.zeros(n))]
    at, now = home, np.maximum(outing.leaves_s, free_s + 600)
    legs: list[tuple[NDArray[np.bool_], Legs]] = []
    for k, (place, stay_s) in enumerate(stops):
        driven = outing.detour if k == 1 else np.ones(n, dtype=np.bool_)
        length = np.maximum(np.hypot(*(place - at).T) * ROAD_PER_CROW, _LEAST_KM)
        traffic = rng.lognormal(0, 0.1, n) * np.where((now % 43_200 > 25_200) & (now % 43_200 < 34_200), 0.88, 1.0)
        minutes = length / (np.interp(np.log(length), np.log(_LENGTHS_KM), _MEAN_KMH) * traffic) * 60
        steps = np.maximum(np.round(minutes * 60 / cadence_s), 6).astype(np.int64)
        start_ms = np.round(now * 1000).astype(np.int64)
        legs.append((driven, Legs(np.arange(n), start_ms, steps, length, at, place)))
        now = np.where(driven, now + steps * cadence_s + stay_s, now)
        at = np.where(driven[:, None], place, at)
    goes = outing.goes & (now < _DAY_ENDS_S)
    return [leg.take(goes & driven) for driven, leg in legs], np.where(goes, now, free_s)
