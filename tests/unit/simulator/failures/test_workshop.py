"""Visits fit between two drives and into working hours; what is repaired is as new."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.energy import Parks
from simulator.failures import workshop
from simulator.failures.ailments import NEVER_MS, Ailments
from simulator.failures.causes import BRAKE, COOLANT, LV_BATTERY, SOFTWARE, TYRE_LEAK
from simulator.failures.course import BY_WORKSHOP
from simulator.failures.signs import Signs
from simulator.failures.workshop import MAINTENANCE, REPAIR, SOFTWARE_VISIT, Visits
from simulator.fleet import Fleet, make_fleet
from simulator.world import CITIES, DAY_MS, MARKET_WEIGHTS, day_ms
from tests.unit.simulator.failures.days import sound

VEHICLES = 60
DAY = date(2026, 4, 15)  # a Wednesday
HOUR_MS = 3_600_000


def _fleet() -> Fleet:
    return make_fleet(2, VEHICLES, 0, 1, DAY - timedelta(days=1), tuple(sorted(MARKET_WEIGHTS)))


FLEET = _fleet()
ALWAYS = np.zeros(VEHICLES)


def _parks(vehicle: list[int], parked_ms: list[int], until_ms: list[int]) -> Parks:
    state = SimpleNamespace(parked_ms=np.array(parked_ms), odometer_km=np.arange(len(vehicle)) + 1000.0)
    return cast(Parks, SimpleNamespace(vehicle=np.array(vehicle), state=state, until_ms=np.array(until_ms)))


def _all_day(day: date) -> Parks:
    return _parks(list(range(VEHICLES)), [day_ms(day) - DAY_MS] * VEHICLES, [NEVER_MS] * VEHICLES)


def _failed(*causes: int) -> Ailments:
    """Everybody's parts failed two days ago, and everybody wants them repaired."""
    state, since = sound(VEHICLES), day_ms(DAY) - 2 * DAY_MS
    for cause in causes:
        state.began_ms[:, cause] = since - 10 * DAY_MS
        state.takes_ms[:, cause] = 10 * DAY_MS
        state.failed_ms[:, cause] = state.set_ms[:, cause] = state.last_ms[:, cause] = since
        state.visit_ms[:, cause] = since + HOUR_MS
        state.sets[:, cause] = 1
        state.on[:, cause] = True
    return state


def _visits(state: Ailments, parks: Parks, day: date = DAY, odometer_km: float = 0.0) -> Visits:
    return workshop.visits_of_day(FLEET, state, parks, day, ALWAYS + odometer_km, np.random.default_rng(4))


@given(
    stretches=st.lists(st.tuples(st.integers(-20, 40), st.integers(1, 60)), min_size=1, max_size=4),
    ahead=st.integers(0, 6), vehicle=st.integers(0, VEHICLES - 1),
)  # fmt: skip
def test_visits_fit_into_rest_and_working_hours(stretches: list[tuple[int, int]], ahead: int, vehicle: int) -> None:
    day = DAY + timedelta(days=ahead)
    parks, at = [], day_ms(day)
    for gap, length in stretches:  # in half hours
        at += max(gap, 1) * HOUR_MS // 2
        parks.append((at, at + length * HOUR_MS // 2))
        at = parks[-1][1]
    found = _visits(_failed(COOLANT), _parks([vehicle] * len(parks), [p[0] for p in parks], [p[1] for p in parks]), day)
    assert len(found) <= 1
    zone = ZoneInfo(CITIES[FLEET.city[vehicle]].zone)
    for begin, end in zip(found.arrived_ms.tolist(), found.completed_ms.tolist(), strict=True):
        assert any(p[0] < begin and end < p[1] for p in parks)
        assert day_ms(day) <= begin < end < day_ms(day) + DAY_MS
        local = [datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(zone) for ms in (begin, end)]
        assert local[0].date() == local[1].date()
        assert local[0].weekday() < 6
        assert local[0].hour >= 8
        assert local[1].hour < 18
        assert end - begin >= HOUR_MS // 2


def test_everybody_with_time_goes_and_only_for_a_reason() -> None:
    eligible = FLEET.connected & (FLEET.delivered < DAY.toordinal())
    found = _visits(_failed(LV_BATTERY), _all_day(DAY))
    assert set(found.vehicle) == set(np.flatnonzero(eligible))
    assert (found.reason == REPAIR).all()
    assert len(_visits(sound(VEHICLES), _all_day(DAY))) == 0
    later = _failed(LV_BATTERY)
    later.visit_ms[:, LV_BATTERY] = day_ms(DAY) + 1
    assert len(_visits(later, _all_day(DAY))) == 0


def test_reasons() -> None:
    assert (_visits(_failed(SOFTWARE), _all_day(DAY)).reason == SOFTWARE_VISIT).all()
    assert (_visits(_failed(SOFTWARE, COOLANT), _all_day(DAY)).reason == REPAIR).all()
    due = _visits(sound(VEHICLES), _all_day(DAY), odometer_km=20_100)
    assert (due.reason == MAINTENANCE).all()
    assert due.serviced.all()
    late = sound(VEHICLES)
    late.late_km[:] = 4000
    assert len(_visits(late, _all_day(DAY), odometer_km=20_100)) == 0


def test_nobody_works_on_sundays() -> None:
    sunday = DAY + timedelta(days=4)
    found = _visits(_failed(COOLANT), _all_day(sunday), sunday)
    local = {
        datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(ZoneInfo(CITIES[FLEET.city[v]].zone)).weekday()
        for v, ms in zip(found.vehicle.tolist(), found.arrived_ms.tolist(), strict=True)
    }
    assert 6 not in local


def test_what_is_repaired_is_as_new() -> None:
    causes = (LV_BATTERY, COOLANT, TYRE_LEAK)
    state = _failed(*causes)
    visits = _visits(state, _all_day(DAY))
    changes, mended, pads = workshop.repair(state, visits, np.random.default_rng(1))
    v = visits.vehicle
    assert mended[:, causes].all()
    assert mended.sum() == len(v) * len(causes)
    assert not pads.any()
    assert not state.on[v].any()
    assert len(changes.vehicle) == len(v) * len(causes)
    assert not changes.set.any()
    assert (changes.by == BY_WORKSHOP).all()
    arrived = dict(zip(v.tolist(), visits.arrived_ms.tolist(), strict=True))
    completed = dict(zip(v.tolist(), visits.completed_ms.tolist(), strict=True))
    for vehicle, at in zip(changes.vehicle.tolist(), changes.at_ms.tolist(), strict=True):
        assert arrived[vehicle] < at < completed[vehicle]
    signs, of = Signs.of(state), v[:1]
    for at_ms, sick in ((visits.arrived_ms[:1], True), (visits.completed_ms[:1], False)):
        volts, coolant, pressure = np.full(1, 12.7), np.full(1, 90.0), np.full((1, 4), 240.0)
        signs.lose_voltage(volts, of, at_ms, cranking=None)
        signs.heat_coolant(coolant, of, at_ms, np.ones(1))
        signs.lose_pressure(pressure, of, at_ms)
        assert (volts[0] < 12.7, coolant[0] > 90, pressure.min() < 240) == (sick, sick, sick)


def test_maintenance_finds_what_is_about_to_fail_and_renews_pads() -> None:
    state = sound(VEHICLES)
    state.began_ms[:, COOLANT] = day_ms(DAY) - 8 * DAY_MS
    state.takes_ms[: VEHICLES // 2, COOLANT] = 10 * DAY_MS
    state.takes_ms[VEHICLES // 2 :, COOLANT] = 100 * DAY_MS
    state.pads_km[::2] = -35_000
    visits = _visits(state, _all_day(DAY), odometer_km=21_000)
    before = state.service_km.copy()
    changes, mended, pads = workshop.repair(state, visits, np.random.default_rng(1))
    v = visits.vehicle
    assert len(changes.vehicle) == 0
    assert (mended[:, COOLANT] == (v < VEHICLES // 2)).all()
    assert (pads == (v % 2 == 0)).all()
    assert state.pads_km[v][pads] == pytest.approx(visits.odometer_km[pads])
    assert state.service_km[v] == pytest.approx(visits.odometer_km + 20_000)
    assert (state.service_was_km[v] == before[v]).all()
    texts = workshop.parts_of(FLEET, visits, mended, pads)
    for text, burns, new, pump in zip(texts, FLEET.tank_l[v] > 0, pads, mended[:, COOLANT], strict=True):
        assert text is not None
        parts = text.split(",")
        assert parts == sorted(parts)
        assert ("oil" in parts, "brake_pads" in parts, "coolant_pump" in parts) == (burns, new, pump)
    assert workshop.codes_of(state, visits, mended) == [None] * len(v)


def test_brakes_that_failed_get_new_pads() -> None:
    state = _failed(BRAKE)
    visits = _visits(state, _all_day(DAY))
    _, mended, pads = workshop.repair(state, visits, np.random.default_rng(1))
    assert mended[:, BRAKE].all()
    assert pads.all()
    assert (state.pads_km[visits.vehicle] == visits.odometer_km).all()
    assert workshop.codes_of(state, visits, mended) == ["C1B60"] * len(visits)
