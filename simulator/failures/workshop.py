"""Workshop visits: who goes, when there is time between two drives, what is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from simulator.energy import Parks
from simulator.failures.ailments import NEVER_MS, Ailments
from simulator.failures.causes import BRAKE, CAUSES, CODE_OF, CODES, COOLANT, IS_PART, LV_BATTERY, SOFTWARE, TRACTION
from simulator.failures.course import BY_WORKSHOP, Changes
from simulator.fleet import Fleet
from simulator.world import DAY_MS, city_midnights_ms, day_ms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pairs = NDArray[np.bool_]

MAINTENANCE, REPAIR, RECALL, SOFTWARE_VISIT = range(4)
REASONS = ("maintenance", "repair", "recall", "software")

_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000
_OPENS_H, _CLOSES_H = 8, 18
_LEAST_MS = 90 * _MINUTE_MS
_TAKEN_OVER_MS = 10 * _MINUTE_MS  # between parking there and being taken over, and before driving off
_HANDED_MS = 15 * _MINUTE_MS  # the parts are in before the paper work is done
_RECALLS_DAY = 0.03 / 365.25
_FOUND_FROM = 0.6  # severity from which a part that has not failed yet is noticed at maintenance
_FOUND = np.isin(np.arange(len(CAUSES)), (LV_BATTERY, TRACTION, COOLANT))
_MAKES_SENSE_PCT = 75.0  # wear at which brake pads are replaced at maintenance


@dataclass(frozen=True)
class Visits:
    """Visits of a day, one array element each, one per vehicle at most.

    Attributes:
        vehicle: index into the fleet.
        arrived_ms: when.
        completed_ms: when.
        reason: index into ``REASONS``.
        serviced: the service that is due is done, whatever else the reason.
        odometer_km: of the vehicle.
    """

    vehicle: Ints
    arrived_ms: Ints
    completed_ms: Ints
    reason: Ints
    serviced: NDArray[np.bool_]
    odometer_km: Floats

    @property
    def effect_ms(self) -> Ints:
        """From when on repaired parts show in the signals."""
        return self.completed_ms - _HANDED_MS

    def __len__(self) -> int:
        return len(self.vehicle)


def visits_of_day(
    fleet: Fleet, state: Ailments, parks: Parks, day: date, odometer_km: Floats, rng: np.random.Generator
) -> Visits:
    """Returns the visits of a day: of vehicles whose owners mean to go and that stand long enough while it is open."""
    begin_ms = day_ms(day)
    wants = state.ailing & (state.failed_ms > 0) & (state.visit_ms < begin_ms)
    serviced = odometer_km >= state.service_km + state.late_km
    recalled = rng.random(len(fleet)) < _RECALLS_DAY
    goes = (wants.any(axis=1) | serviced | recalled) & (fleet.delivered < day.toordinal()) & fleet.connected
    slack, stays_h = rng.random(len(fleet)), rng.lognormal(np.log(2.5), 0.5, len(fleet))
    park, opens_ms, closes_ms = _stands(fleet, parks, day, goes)
    vehicle = parks.vehicle[park]
    stays = np.minimum(stays_h[vehicle] * _HOUR_MS, closes_ms - opens_ms - 2 * _TAKEN_OVER_MS).astype(np.int64)
    stays = np.maximum(stays, 2 * _HANDED_MS)
    free = closes_ms - opens_ms - 2 * _TAKEN_OVER_MS - stays
    arrived_ms = opens_ms + _TAKEN_OVER_MS + (slack[vehicle] * free).astype(np.int64)
    counts = wants.sum(axis=1)
    reason = np.where(serviced, MAINTENANCE, RECALL)
    reason = np.where(counts > 0, REPAIR, reason)
    reason = np.where(wants[:, SOFTWARE] & (counts == 1), SOFTWARE_VISIT, reason)
    stood_km = parks.state.odometer_km[park]
    return Visits(vehicle, arrived_ms, arrived_ms + stays, reason[vehicle], serviced[vehicle], stood_km)


def _stands(fleet: Fleet, parks: Parks, day: date, goes: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """Returns where each vehicle stands longest within working hours, if that is long enough.

    Returns:
        Index into the parks, one per vehicle, and the bounds of the stretch.
    """
    begin_ms = day_ms(day)
    chosen = np.flatnonzero(goes[parks.vehicle])
    vehicle, parked_ms, until_ms = parks.vehicle[chosen], parks.state.parked_ms[chosen], parks.until_ms[chosen]
    found = []
    for local in (day - timedelta(days=1), day, day + timedelta(days=1)):
        if local.weekday() == 6:
            continue
        midnight = city_midnights_ms(local)[fleet.city[vehicle]]
        opens = np.maximum(np.maximum(parked_ms, begin_ms), midnight + _OPENS_H * _HOUR_MS)
        closes = np.minimum(np.minimum(until_ms, begin_ms + DAY_MS - 1), midnight + _CLOSES_H * _HOUR_MS)
        long = closes - opens >= _LEAST_MS
        found.append((chosen[long], opens[long], closes[long]))
    park, opens, closes = (np.concatenate(columns) for columns in zip(*found, strict=True))
    order = np.lexsort((opens, opens - closes, parks.vehicle[park]))
    longest = order[np.flatnonzero(np.diff(parks.vehicle[park[order]], prepend=-1))]
    return park[longest], opens[longest], closes[longest]


def repair(state: Ailments, visits: Visits, rng: np.random.Generator) -> tuple[Changes, Pairs, NDArray[np.bool_]]:
    """Repairs what failed, replaces what is worn, and clears the codes.

    Args:
        state: changed in place; it must not know of anything behind the arrivals.
        visits: of the day.
        rng: the day's stream.

    Returns:
        The codes cleared; which failures were repaired, shape (visits, causes); which visits replaced brake pads.
    """
    v, arrived_ms = visits.vehicle, visits.arrived_ms[:, None]
    began, failed = state.began_ms[v], state.failed_ms[v]
    noticed = (arrived_ms - began > _FOUND_FROM * state.takes_ms[v]) & _FOUND & visits.serviced[:, None]
    mended = state.ailing[v] & (began < arrived_ms) & ((failed > 0) | noticed)
    worn_pct = (visits.odometer_km - state.pads_km[v]) / state.pads_life_km[v] * 100
    pads = mended[:, BRAKE] | (visits.serviced & (worn_pct >= _MAKES_SENSE_PCT))
    mended[:, BRAKE] = pads & state.ailing[v, BRAKE]
    row, cause = np.nonzero(mended & state.on[v])
    at_ms = visits.completed_ms[row] - 5 * _MINUTE_MS + cause * 1000
    changes = Changes(v[row], cause, at_ms, np.zeros(len(row), bool), np.full(len(row), BY_WORKSHOP))
    state.on[v[row], cause] = False
    state.last_ms[v[row], cause] = at_ms
    row, cause = np.nonzero(mended)
    state.ended_ms[v[row], cause] = visits.effect_ms[row]
    state.next_ms[v[row], cause] = NEVER_MS
    _upkeep(state, visits, pads, rng)
    return changes, mended, pads


def _upkeep(state: Ailments, visits: Visits, pads: NDArray[np.bool_], rng: np.random.Generator) -> None:
    v, serviced, odometer_km = visits.vehicle, visits.serviced, visits.odometer_km
    state.visits[v] += 1
    state.visit_ended_ms[v] = visits.effect_ms
    state.pads_were_km[v], state.service_was_km[v] = state.pads_km[v], state.service_km[v]
    state.pads_km[v] = np.where(pads, odometer_km, state.pads_km[v])
    state.service_km[v] = np.where(serviced, odometer_km + state.service_every_km[v], state.service_km[v])
    state.late_km[v] = np.where(serviced, late_km(rng, len(v)), state.late_km[v])


def late_km(rng: np.random.Generator, n: int) -> Floats:
    """Returns how late owners come to service: most about in time, some thousands of km too late."""
    return np.where(rng.random(n) < 0.15, rng.uniform(800, 5000, n), rng.normal(-250, 450, n))


def parts_of(fleet: Fleet, visits: Visits, mended: Pairs, pads: NDArray[np.bool_]) -> list[str | None]:
    """Returns the parts replaced at each visit, separated by commas, sorted; None if there were none."""
    engine = fleet.tank_l[visits.vehicle] > 0
    texts: list[str | None] = []
    for row, new_pads, serviced, burns in zip(mended & IS_PART, pads, visits.serviced, engine, strict=True):
        parts = {str(CAUSES[cause].part) for cause in np.flatnonzero(row)}
        parts |= {"brake_pads"} if new_pads else set()
        parts |= {"cabin_filter"} if serviced else set()
        parts |= {"oil", "oil_filter"} if serviced and burns else set()
        texts.append(",".join(sorted(parts)) or None)
    return texts


def codes_of(state: Ailments, visits: Visits, mended: Pairs) -> list[str | None]:
    """Returns the codes read at each visit, set or stored, separated by commas, sorted; None if there were none."""
    failed = mended & (state.failed_ms[visits.vehicle] > 0)
    mode = state.mode[visits.vehicle]
    texts: list[str | None] = []
    for row in range(len(visits)):
        causes = np.flatnonzero(failed[row])
        codes = sorted(CODES[code].code for code in CODE_OF[causes, mode[row, causes]])
        texts.append(",".join(codes) or None)
    return texts
