"""Who plugs in where, at what power, and how the session ends: decided when a vehicle has been parked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.plan import Place
from simulator.sessions import CURRENTS, HOUR_MS, NEVER_MS, PLACES, REASONS, Sessions
from simulator.traits import Traits
from simulator.world import CITIES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DRAWS = 13  # random numbers per visit

_MINUTE_MS = 60_000
_KWH_KM = np.array([model.kwh_100km for model in MODELS]) / 100
_LONGITUDE = np.array([city.longitude for city in CITIES])
_HOME, _WORK, _PUBLIC = (PLACES.index(name) for name in ("home", "work", "public"))
_AC, _DC = (CURRENTS.index(name) for name in ("AC", "DC"))
_REACHED, _USER, _PULLED, _FAULT, _LOST = range(len(REASONS))
_SPARE_PCT = 12.0  # with less than this left after the next leg, charging cannot wait
_LEAST_GAIN_PCT = 3.0
_LEAST_MS = 6 * _MINUTE_MS
_FAST_KW = np.array([50.0, 50.0, 100.0, 150.0, 150.0, 300.0])  # fast chargers
_LATE_H = 22.5  # local hour from which the late tariff holds


@dataclass(frozen=True)
class Visits:
    """Vehicles that have just been parked, one array element each.

    Attributes:
        vehicle: index into the fleet.
        place: ``plan.Place``.
        parked_ms: since when.
        leaves_ms: start of the next leg, or until when it is known to stay.
        next_km: length of the next leg, 0 if none is known.
        soc: state of charge, percent.
        capacity_kwh: of the battery.
        outside_c: outside temperature.
    """

    vehicle: Ints
    place: Ints
    parked_ms: Ints
    leaves_ms: Ints
    next_km: Floats
    soc: Floats
    capacity_kwh: Floats
    outside_c: Floats


def plug_in(fleet: Fleet, traits: Traits, visits: Visits, draws: Floats) -> Sessions:
    """Decides the charging sessions of visits.

    Args:
        fleet: the vehicles.
        traits: of the vehicles.
        visits: who has been parked where.
        draws: uniform random numbers, shape (DRAWS, visits).

    Returns:
        One session per visit, none where nobody plugs in.
    """
    wants, urgent = _wants(fleet, traits, visits, draws[0])
    session = _offer(fleet, traits, visits, draws, urgent)
    hybrid = fleet.tank_l[visits.vehicle] > 0
    fills = hybrid | (draws[4] < 0.2) | (urgent & (visits.next_km > 0.6 * _reach_km(fleet, visits)))
    session.target = np.where(fills & (session.current == _AC), 100.0, 80.0) - 0.4 * draws[5]
    _schedule(fleet, traits, visits, draws, session, urgent)
    _limit(visits, draws, session)
    stays = session.stops_ms - session.starts_ms >= _LEAST_MS
    wants &= stays & (session.soc < session.target - _LEAST_GAIN_PCT) & (fleet.battery_kwh[visits.vehicle] > 0)
    chosen = Sessions.none(len(wants))
    rows = np.flatnonzero(wants)
    chosen.put(rows, session.take(rows))
    return chosen


def _reach_km(fleet: Fleet, visits: Visits) -> Floats:
    return visits.capacity_kwh / np.maximum(_KWH_KM[fleet.model[visits.vehicle]], 1e-9)


def _wants(fleet: Fleet, traits: Traits, visits: Visits, draw: Floats) -> tuple[Bools, Bools]:
    """Returns who plugs in if it is worth while, and who must."""
    v, place, hybrid = visits.vehicle, visits.place, fleet.tank_l[visits.vehicle] > 0
    needs_pct = 130 * visits.next_km / np.maximum(_reach_km(fleet, visits), 1e-9)
    at_home = place == Place.HOME
    needs_pct = np.where(at_home, 2.1 * needs_pct, needs_pct)  # there and back
    urgent = ~hybrid & ((visits.soc - needs_pct < _SPARE_PCT) | (place == Place.CHARGER))
    own = at_home & traits.home_plug[v]
    work = (place == Place.WORK) & traits.work_plug[v]
    chance = np.select(
        [own & hybrid, own, work, at_home & hybrid, at_home, hybrid],
        [0.75, np.where(visits.soc < 50, 0.95, 0.45), np.where(visits.soc < 80, 0.6, 0.2), 0.1,
         np.where(visits.soc < 45, 0.4, 0.02), 0.08],
        default=np.where(visits.soc < 55, 0.5, 0.04),
    )  # fmt: skip
    return np.asarray((draw < chance) | urgent), np.asarray(urgent)


def _offer(fleet: Fleet, traits: Traits, visits: Visits, draws: Floats, urgent: Bools) -> Sessions:
    """What there is at the place: current, power, efficiency, and whether it reports."""
    v, n = visits.vehicle, len(visits.vehicle)
    own = (visits.place == Place.HOME) & traits.home_plug[v]
    work = (visits.place == Place.WORK) & traits.work_plug[v]
    elsewhere = ~own & ~work
    takes_direct = traits.direct_kw[v] > 0
    in_passing = elsewhere & (visits.place != Place.HOME) & (urgent | (draws[1] < 0.6))
    direct = takes_direct & ((visits.place == Place.CHARGER) | in_passing)
    session = Sessions.none(n)
    session.place = np.select([own, work], [_HOME, _WORK], default=_PUBLIC).astype(np.int64)
    session.current = np.where(direct, _DC, _AC)
    slow = np.minimum(np.where(own, fleet.charge_kw[v], 11.0), traits.alternating_kw[v])
    cold = np.clip(0.4 + 0.6 * (visits.outside_c + 10) / 30, 0.4, 1.0)  # a cold pack takes little direct current
    fast = np.minimum(_FAST_KW[(draws[2] * len(_FAST_KW)).astype(np.int64)], traits.direct_kw[v] * cold)
    session.efficiency = np.where(direct, 0.935, 0.885) + 0.02 * draws[3] - np.where(visits.outside_c < 0, 0.015, 0)
    session.power_kw = np.maximum(np.where(direct, fast, slow) * session.efficiency, 0.5)
    session.taper_soc = np.where(direct, 58.0 + 14 * draws[6], 96.0)
    session.floor = np.where(direct, 0.12, 0.3)
    session.capacity_kwh = np.maximum(visits.capacity_kwh, 1e-3)
    session.reports = ~own | traits.home_meter[v]
    return session


def _schedule(fleet: Fleet, traits: Traits, visits: Visits, draws: Floats, session: Sessions, urgent: Bools) -> None:
    """When the cable goes in, when charging starts, and when it would stop if nobody left."""
    v = visits.vehicle
    session.plugged_ms = visits.parked_ms + ((1 + 4 * draws[7]) * _MINUTE_MS).astype(np.int64)
    session.starts_ms = session.plugged_ms + (4_000 + 40_000 * draws[8]).astype(np.int64)
    hour = (session.plugged_ms / HOUR_MS + _LONGITUDE[fleet.city[v]] / 15) % 24
    waits = (session.place == _HOME) & traits.late_tariff[v] & ~urgent & (hour > 15) & (hour < _LATE_H)
    session.starts_ms += (np.where(waits, _LATE_H - hour, 0) * HOUR_MS).astype(np.int64)
    idle_h = (session.starts_ms - visits.parked_ms) / HOUR_MS
    session.soc = np.maximum(visits.soc - traits.standby_pct_h[v] * idle_h, np.minimum(visits.soc, 0.5))
    hours = session.hours_to(np.maximum(session.target, session.soc))
    fails = draws[9] < np.where(session.current == _DC, 0.03, 0.02)
    pulled = ~fails & (draws[9] > np.where(session.place == _PUBLIC, 0.965, 0.99))
    why = np.where(draws[12] < 0.4, _LOST, _FAULT)
    session.reason = np.select([fails, pulled], [why, _PULLED], default=_REACHED).astype(np.int64)
    charged_ms = (np.where(fails | pulled, 0.15 + 0.7 * draws[10], 1.0) * hours * HOUR_MS).astype(np.int64)
    pauses = (draws[11] < 0.07) & (charged_ms > 25 * _MINUTE_MS)
    after_ms = (charged_ms * (0.2 + 0.6 * draws[10])).astype(np.int64)
    pause_ms = np.where(pauses, (3 + 5 * draws[12]) * _MINUTE_MS, 0).astype(np.int64)
    session.pauses_ms = np.where(pauses, session.starts_ms + after_ms, NEVER_MS)
    session.resumes_ms = np.where(pauses, session.pauses_ms + pause_ms, NEVER_MS)
    session.stops_ms = session.starts_ms + charged_ms + pause_ms


def _limit(visits: Visits, draws: Floats, session: Sessions) -> None:
    """Who leaves ends the session; else the cable stays in for a while, and at home often until the vehicle leaves."""
    out_ms = visits.leaves_ms - ((0.5 + 2 * draws[8]) * _MINUTE_MS).astype(np.int64)
    stop_ms = out_ms - (15_000 + 30_000 * draws[7]).astype(np.int64)
    early = session.stops_ms > stop_ms
    session.reason = np.where(early, _USER, session.reason)
    session.stops_ms = np.where(early, stop_ms, session.stops_ms)
    lost = session.resumes_ms + _MINUTE_MS > session.stops_ms  # a pause that would not end before
    session.pauses_ms = np.where(lost, NEVER_MS, session.pauses_ms)
    session.resumes_ms = np.where(lost, NEVER_MS, session.resumes_ms)
    at_ease_h = np.where(session.place == _PUBLIC, 0.03 + 0.5 * draws[12], 0.5 + 16 * draws[12])
    stays_ms = session.stops_ms + (at_ease_h * HOUR_MS).astype(np.int64)
    pulled_ms = session.stops_ms + 1_000
    session.unplugged_ms = np.where(session.reason == _PULLED, pulled_ms, np.minimum(stays_ms, out_ms))
