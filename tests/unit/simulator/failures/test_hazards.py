"""What raises the rate of failures: age, climate, mileage, model, and a software version."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from simulator.failures.causes import (
    CAUSES,
    COOLANT,
    LV_BATTERY,
    NAMES,
    SOFTWARE,
    TRACTION,
    TYRE_SENSOR,
    WHEEL_SPEED,
    Regression,
)
from simulator.failures.hazards import per_day
from simulator.fleet import Fleet, make_fleet
from simulator.lineup import MODELS
from simulator.world import CITIES, MARKET_WEIGHTS
from tests.unit.simulator.failures.conftest import live

DAY = date(2026, 5, 1)


@pytest.fixture(scope="module")
def alike() -> Fleet:
    """Two PHEVs of one model, city and age."""
    fleet = make_fleet(1, 2, 0, 1, DAY, tuple(MARKET_WEIGHTS))
    same = {"model": 6, "powertrain": 2, "city": _city("Paris"), "delivered": DAY.toordinal() - 900}
    return replace(fleet, **{name: np.full_like(getattr(fleet, name), value) for name, value in same.items()})


def _city(name: str) -> int:
    return next(k for k, city in enumerate(CITIES) if city.name == name)


def _rates(fleet: Fleet, km: tuple[float, float] = (30_000, 30_000)) -> np.ndarray:
    return per_day(fleet, DAY, np.array(km), np.zeros(2))


def _with(fleet: Fleet, **second: int) -> Fleet:
    changed = {name: getattr(fleet, name).copy() for name in second}
    for name, value in second.items():
        changed[name][1] = value
    return replace(fleet, **changed)


def test_alike_vehicles_fail_alike(alike: Fleet) -> None:
    first, second = _rates(alike)
    assert (first == second).all()
    assert 0.5 < first.sum() * 365 < 12


@pytest.mark.parametrize("city", ["Phoenix", "Delhi", "Beijing"])
def test_heat_and_cold_kill_12_v_batteries(alike: Fleet, city: str) -> None:
    mild, harsh = _rates(_with(alike, city=_city(city)))
    assert harsh[LV_BATTERY] > 1.2 * mild[LV_BATTERY]
    assert harsh[TYRE_SENSOR] == mild[TYRE_SENSOR]


def test_age_wears_batteries(alike: Fleet) -> None:
    older, younger = _rates(_with(alike, delivered=DAY.toordinal() - 100))
    assert older[LV_BATTERY] > 3 * younger[LV_BATTERY]
    assert older[TRACTION] > 2 * younger[TRACTION]


def test_mileage_wears_pumps_and_sensors(alike: Fleet) -> None:
    little, much = _rates(alike, (10_000, 60_000))
    assert much[COOLANT] > 3 * little[COOLANT]
    assert much[WHEEL_SPEED] > 2 * little[WHEEL_SPEED]


def test_a_battery_that_fades_fast_has_weak_cells(alike: Fleet) -> None:
    normal, bad = per_day(alike, DAY, np.full(2, 30_000.0), np.array([0.03, 0.15]))
    assert bad[TRACTION] > 4 * normal[TRACTION]
    assert bad[LV_BATTERY] == normal[LV_BATTERY]


def test_models_differ(alike: Fleet) -> None:
    komori = next(k for k, model in enumerate(MODELS) if model.name == "Komori")
    valdor, other = _rates(_with(alike, model=komori))
    assert other[LV_BATTERY] == pytest.approx(1.8 * valdor[LV_BATTERY])
    assert valdor[COOLANT] == pytest.approx(2.5 * other[COOLANT])


def test_no_part_no_failure_and_none_before_delivery(alike: Fleet) -> None:
    bev, new = _with(alike, powertrain=3), _with(alike, delivered=DAY.toordinal())
    for c, cause in enumerate(CAUSES):
        assert (_rates(bev)[1, c] > 0) == ("BEV" in cause.fitted and cause.per_year > 0)
    assert not _rates(new)[1].any()
    assert per_day(new, DAY + timedelta(days=1), np.zeros(2), np.zeros(2))[1].any()


def test_a_version_raises_one_cause(alike: Fleet) -> None:
    sound, worse = per_day(
        alike, DAY, np.full(2, 30_000.0), np.zeros(2), np.array(["1", "2"]), (Regression("2", factor=9.0),)
    )
    assert worse[SOFTWARE] == pytest.approx(9 * sound[SOFTWARE])
    others = np.arange(len(NAMES)) != SOFTWARE
    assert (worse[others] == sound[others]).all()


def test_a_version_that_makes_things_worse_can_be_found() -> None:
    lives = live(150, 20, (Regression("4.1.0", factor=40.0),))
    on = lives.faults.filter(code="U0198", status="set")["softwareVersion"]
    versions = np.array(["3.8.2", "4.1.0", "4.2.1"])[lives.fleet.software]
    driven = lives.fleet.connected & (lives.fleet.delivered < DAY.toordinal())
    share = {v: (on == v).sum() / max(int(((versions == v) & driven).sum()), 1) for v in ("3.8.2", "4.1.0", "4.2.1")}
    assert share["4.1.0"] > 5 * max(share["3.8.2"], share["4.2.1"])
