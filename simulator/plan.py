"""Days as people live them: who goes where and when, before anybody has driven a metre.

A day's plan depends on the seed, the partition and the local day only, never on what happened before: every day begins
and ends at home. Legs never overlap, not even with those of the next day. A battery vehicle on a long leg stops on the
way to charge.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.calendars import DayKind, day_kind, travels
from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.roads import roads
from simulator.streams import Purpose, stream
from simulator.world import CITIES, DAY_MS, city_midnights_ms, day_ms

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROAD_PER_CROW = 1.055  # length of a road over the straight line, at the ends of a leg
NEVER_MS = 2**62

_DAY_BEGINS_S = 5 * 3600  # nobody leaves home earlier
_DAY_ENDS_S = 27.5 * 3600  # nobody comes home later
_LEAST_KM = 0.8
_KWH_KM = np.array([max(model.kwh_100km, 1e-9) for model in MODELS]) / 100
_HARD_DAY = 1.35  # use of energy in the cold, over that at mixed driving
_ONE_GO = 0.62  # share of a full battery's range on a hard day that is driven without charging on the way
_RUSH = ((6.8, 9.3), (16.3, 19.0))  # local hours


class Place(IntEnum):
    """Where a leg ends."""

    HOME = 0
    WORK = 1
    PUBLIC = 2
    CHARGER = 3  # a fast charger on the way


@dataclass(frozen=True)
class Legs:
    """Legs, one array element each, sorted by vehicle and time.

    Attributes:
        vehicle: index into the fleet.
        start_ms: start, ms since 1970 UTC.
        steps: number of samples after the first; the leg lasts ``steps`` times the cadence.
        length_km: road length to drive.
        traffic: speed on these roads over the speed when they are free.
        place: ``Place`` at the destination.
        origin: km east and north of home, shape (n, 2).
        destination: the same.
    """

    vehicle: Ints
    start_ms: Ints
    steps: Ints
    length_km: Floats
    traffic: Floats
    place: Ints
    origin: Floats
    destination: Floats

    def __len__(self) -> int:
        return len(self.vehicle)

    def take(self, rows: Ints | Bools) -> Legs:
        """Returns the legs at ``rows``."""
        return Legs(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True)
class Planner:
    """The plans of one partition's vehicles; it remembers those of the last days.

    Attributes:
        fleet: the partition's vehicles.
        seed: seed of the simulation.
        partition: number of the partition.
        cadence_s: seconds between samples.
        opened_ms: start of the simulation. Nobody lives a local day that began to be lived before it, nor the day of
            delivery; vehicles that are never heard do not drive.
    """

    fleet: Fleet
    seed: int
    partition: int
    cadence_s: int
    opened_ms: int
    _known: dict[date, Legs] = field(default_factory=dict, repr=False, compare=False)

    def legs(self, day: date) -> Legs:
        """Returns the legs that start within a UTC day, sorted by vehicle and time."""
        begin = day_ms(day)
        parts = []
        for local in (day - timedelta(days=1), day, day + timedelta(days=1)):
            legs = self._local_day(local)
            parts.append(legs.take((legs.start_ms >= begin) & (legs.start_ms < begin + DAY_MS)))
        joined = _joined(parts)
        return joined.take(np.lexsort((joined.start_ms, joined.vehicle)))

    def _local_day(self, local: date) -> Legs:
        if local not in self._known:
            midnight = city_midnights_ms(local)[self.fleet.city]
            legs = _plan_local_day(self.fleet, self.seed, self.partition, local, self.cadence_s, midnight)
            lives = (midnight + _DAY_BEGINS_S * 1000 >= self.opened_ms) & (self.fleet.delivered < local.toordinal())
            lives &= self.fleet.connected
            self._known[local] = legs.take(lives[legs.vehicle])
            for old in [known for known in self._known if abs((known - local).days) > 4]:
                del self._known[old]
        return self._known[local]


@dataclass(frozen=True)
class _Outing:
    """From home to one or two places and back home; arrays over the vehicles.

    Attributes:
        goes: which vehicles go.
        leaves_s: when they would leave, s after local midnight.
        target: where to, km from home, shape (n, 2).
        place: ``Place`` there.
        stay_s: how long they stay.
        detour: which of them stop at a second place on the way back.
        second: the second place, shape (n, 2).
    """

    goes: Bools
    leaves_s: Floats
    target: Floats
    place: Place
    stay_s: Floats
    detour: Bools
    second: Floats


def _plan_local_day(fleet: Fleet, seed: int, partition: int, local: date, cadence_s: int, midnight_ms: Ints) -> Legs:
    rng = stream(seed, Purpose.PLAN, partition, local.toordinal())
    n = len(fleet)
    kind = np.array([day_kind(city.market, local) for city in CITIES])[fleet.city]
    working = kind == DayKind.WORKING
    away = _on_leave(fleet, seed, partition, local)
    used = (rng.random(n) < 0.35 + 0.62 * fleet.habit) & ~_rests(n, seed, partition, local)
    works = used & fleet.commuter & ~away & (rng.random(n) < np.array([0.88, 0.07, 0.04])[kind])
    leisure = ~working | away
    reach_km = one_go_km(fleet)
    free_s = np.full(n, float(_DAY_BEGINS_S))
    legs: list[Legs] = []
    outings = (_to_work(fleet, rng, works), _by_day(rng, used & ~works, leisure), _by_night(rng, used, leisure))
    for outing in outings:
        walked, free_s = _walk(fleet, outing, reach_km, free_s, working, rng, cadence_s)
        legs += walked
    joined = _joined(legs)
    return replace(joined, start_ms=joined.start_ms + midnight_ms[joined.vehicle])


def one_go_km(fleet: Fleet) -> Floats:
    """Returns how far vehicles go without charging on the way; infinity for those with an engine."""
    full = fleet.battery_kwh / (_KWH_KM[fleet.model] * _HARD_DAY)
    return np.where((fleet.tank_l == 0) & (fleet.battery_kwh > 0), full * _ONE_GO, np.inf)


def _joined(parts: list[Legs]) -> Legs:
    return Legs(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Legs)})


def _rests(n: int, seed: int, partition: int, local: date) -> Bools:
    """Some vehicles rest for a week, a few for four."""
    week, month = local.toordinal() // 7, local.toordinal() // 28
    resting: Bools = stream(seed, Purpose.REST, partition, 7, week).random(n) < 0.04
    return resting | (stream(seed, Purpose.REST, partition, 28, month).random(n) < 0.03)


def _on_leave(fleet: Fleet, seed: int, partition: int, local: date) -> Bools:
    """In the weeks of travel of a market, a third of the people are on leave for a fortnight."""
    season = np.array([travels(city.market, local) for city in CITIES])[fleet.city]
    fortnight = stream(seed, Purpose.REST, partition, 14, local.toordinal() // 14)
    return np.asarray(season & (fortnight.random(len(fleet)) < 0.33))


def _to_work(fleet: Fleet, rng: np.random.Generator, works: Bools) -> _Outing:
    n = len(fleet)
    return _Outing(
        goes=works,
        leaves_s=fleet.leaves_s + rng.normal(0, 480, n),
        target=fleet.work_xy,
        place=Place.WORK,
        stay_s=rng.normal(8.7 * 3600, 2400, n).clip(3 * 3600, 11 * 3600),
        detour=rng.random(n) < 0.27,
        second=_somewhere(rng, n, median_km=2.6),
    )


def _by_day(rng: np.random.Generator, at_home: Bools, leisure: Bools) -> _Outing:
    n = len(at_home)
    excursion = rng.random(n) < np.where(leisure, 0.17, 0.04)
    near, far = _somewhere(rng, n, median_km=4.2), _somewhere(rng, n, median_km=75.0, spread=0.6)
    leaves = np.where(excursion, rng.normal(9.2 * 3600, 3000, n), rng.normal(11.5 * 3600, 7200, n))
    stay = np.where(excursion, rng.normal(5 * 3600, 5400, n), rng.lognormal(np.log(3600), 0.7, n))
    return _Outing(
        goes=at_home & (rng.random(n) < 0.86),
        leaves_s=leaves.clip(6 * 3600, 17 * 3600),
        target=np.where(excursion[:, None], far, near),
        place=Place.PUBLIC,
        stay_s=stay.clip(420, 7 * 3600),
        detour=rng.random(n) < 0.35,
        second=_somewhere(rng, n, median_km=3.0),
    )


def _by_night(rng: np.random.Generator, used: Bools, leisure: Bools) -> _Outing:
    n = len(used)
    return _Outing(
        goes=used & (rng.random(n) < np.where(leisure, 0.34, 0.2)),
        leaves_s=rng.normal(19.4 * 3600, 3600, n).clip(17 * 3600, 21.5 * 3600),
        target=_somewhere(rng, n, median_km=5.0),
        place=Place.PUBLIC,
        stay_s=rng.lognormal(np.log(5400), 0.45, n).clip(900, 4 * 3600),
        detour=np.zeros(n, dtype=np.bool_),
        second=np.zeros((n, 2)),
    )


def _somewhere(rng: np.random.Generator, n: int, *, median_km: float, spread: float = 0.7) -> Floats:
    bearing = rng.uniform(0, 2 * np.pi, n)
    distance = rng.lognormal(np.log(median_km), spread, n).clip(_LEAST_KM, 240)
    return np.stack([distance * np.sin(bearing), distance * np.cos(bearing)], axis=1)


def _walk(
    fleet: Fleet, outing: _Outing, reach_km: Floats, free_s: Floats, working: Bools, rng: np.random.Generator,
    cadence_s: int,
) -> tuple[list[Legs], Floats]:  # fmt: skip
    """Returns the legs of an outing, starts in ms after local midnight, and when each vehicle is free again."""
    n = len(free_s)
    home = np.zeros((n, 2))
    crow = np.maximum(np.hypot(*outing.target.T), 1e-6)
    target = outing.target * np.minimum(1, 1.9 * reach_km / ROAD_PER_CROW / crow)[:, None]
    everybody = np.ones(n, dtype=np.bool_)
    stops = [
        (target, outing.place, outing.stay_s, everybody),
        (outing.second, Place.PUBLIC, rng.uniform(420, 2700, n), outing.detour),
        (home, Place.HOME, np.zeros(n), everybody),
    ]
    at, now = home, np.maximum(outing.leaves_s, free_s + 600)
    legs: list[tuple[Bools, Legs]] = []
    for there, place, stay_s, chosen in stops:
        far = chosen & (np.hypot(*(there - at).T) * ROAD_PER_CROW > reach_km)
        halfway = (at + there) / 2
        pauses = ((halfway, Place.CHARGER, rng.uniform(1500, 2700, n), far), (there, place, stay_s, chosen))
        for goal, kind, rest_s, driven in pauses:
            if kind == Place.CHARGER and not far.any():
                continue
            leg, seconds = _leg(fleet, at, goal, kind, now, working, rng, cadence_s)
            legs.append((driven, leg))
            now = np.where(driven, now + seconds + rest_s, now)
            at = np.where(driven[:, None], goal, at)
    goes = outing.goes & (now < _DAY_ENDS_S)
    return [leg.take(goes & driven) for driven, leg in legs], np.where(goes, now, free_s)


def _leg(
    fleet: Fleet, at: Floats, goal: Floats, place: Place, now_s: Floats, working: Bools, rng: np.random.Generator,
    cadence_s: int,
) -> tuple[Legs, Floats]:  # fmt: skip
    """Returns a leg per vehicle that starts at ``now_s`` after local midnight, and how long it takes in s."""
    n = len(now_s)
    length = np.maximum(np.hypot(*(goal - at).T) * ROAD_PER_CROW, _LEAST_KM)
    hour = now_s / 3600
    rush = working & np.logical_or.reduce([(hour > begin) & (hour < end) for begin, end in _RUSH])
    traffic = np.clip(rng.lognormal(0, 0.1, n) * np.where(rush, 0.8, 1.0), 0.5, 1.2)
    hours = roads(fleet.city, length).hours / traffic
    steps = np.maximum(np.round(hours * 3600 / cadence_s), 6).astype(np.int64)
    places = np.full(n, int(place), dtype=np.int64)
    start_ms = np.round(now_s * 1000).astype(np.int64)
    return Legs(np.arange(n), start_ms, steps, length, traffic, places, at, goal), np.asarray(
        steps * float(cadence_s), dtype=np.float64
    )
