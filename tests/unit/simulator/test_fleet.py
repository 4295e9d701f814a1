"""The fleet: VINs, markets, deliveries; and days that do not overlap."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from simulator.fleet import POWERTRAINS, Fleet, check_digits, make_fleet
from simulator.lineup import MODEL_WEIGHTS, MODELS
from simulator.plan import Planner
from simulator.world import CITIES, MARKET_WEIGHTS, ambient_c, day_ms, local_midnight_ms, weather_c

FIRST_DAY = date(2026, 3, 20)


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return make_fleet(3, 3000, 0, 1, FIRST_DAY, tuple(sorted(MARKET_WEIGHTS)))


def _check_digit(vin: str) -> str:
    """As 49 CFR 565.15 says it."""
    letters = dict(zip("ABCDEFGH", range(1, 9), strict=True)) | dict(zip("JKLMN", range(1, 6), strict=True))
    letters |= {"P": 7, "R": 9} | dict(zip("STUVWXYZ", range(2, 10), strict=True))
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    total = sum(w * (int(c) if c.isdigit() else letters[c]) for w, c in zip(weights, vin, strict=True))
    return "0123456789X"[total % 11]


@pytest.mark.parametrize("vin", ["1M8GDM9AXKP042788", "11111111111111111", "5GZCZ43D13S812715"])
def test_check_digit_of_published_vins(vin: str) -> None:
    found = check_digits(np.frombuffer(vin.encode(), dtype=np.uint8)[None, :])
    assert chr(found[0]) == vin[8] == _check_digit(vin)


def test_vins_are_valid_and_unique(fleet: Fleet) -> None:
    vins = fleet.vins
    assert len(set(vins)) == len(fleet)
    for vin in vins:
        assert len(vin) == 17
        assert not set(vin) - set("0123456789ABCDEFGHJKLMNPRSTUVWXYZ")
        assert vin[8] == _check_digit(vin)


def test_partitions_share_out_the_vehicles(fleet: Fleet) -> None:
    markets = tuple(sorted(MARKET_WEIGHTS))
    parts = [make_fleet(3, 100, p, 3, FIRST_DAY, markets) for p in range(3)]
    assert sorted(int(n) for part in parts for n in part.number) == list(range(100))
    assert len({vin for part in parts for vin in part.vins}) == 100


def test_the_fleet_is_what_the_markets_buy(fleet: Fleet) -> None:
    registry = fleet.registry
    assert set(registry["market"]) == set(MARKET_WEIGHTS) == {city.market for city in CITIES}
    assert set(registry["model"]) == {model.name for model in MODELS}
    for row in registry.iter_rows(named=True):
        model = next(m for m in MODELS if m.name == row["model"])
        weights = MODEL_WEIGHTS.get(row["market"], MODEL_WEIGHTS["*"])
        assert weights[MODELS.index(model)] > 0
        assert row["powertrain"] in model.powertrains
        assert row["automation_level"] == model.automation_level
        assert (row["battery_capacity_kwh"] is not None) == (row["powertrain"] in ("PHEV", "BEV"))
        assert (row["tank_capacity_l"] is not None) == (row["powertrain"] != "BEV")
    kei = registry.filter(model="Komori")
    assert (kei["market"] == "JP").all()
    assert set(registry["powertrain"]) == set(POWERTRAINS)


def test_deliveries_go_on(fleet: Fleet) -> None:
    ahead = fleet.delivered - FIRST_DAY.toordinal()
    assert 0.7 < (ahead < 0).mean() < 0.8
    assert ahead.max() < 180
    assert ahead.min() >= -4 * 365


@pytest.mark.parametrize("first_day", [date(2023, 9, 2), FIRST_DAY])
def test_no_vehicle_is_newer_than_its_sale(first_day: date) -> None:
    for row in make_fleet(4, 2000, 0, 1, first_day, tuple(sorted(MARKET_WEIGHTS))).registry.iter_rows(named=True):
        model = next(m for m in MODELS if m.name == row["model"])
        assert row["delivered_on"] >= model.launched_on
        assert row["model_year"] == row["delivered_on"].year + (row["delivered_on"].month >= 9)
        assert row["model_year"] >= model.since


def test_legs_do_not_overlap_and_lead_home(fleet: Fleet) -> None:
    planner = Planner(fleet, 3, 0, 10, day_ms(FIRST_DAY))
    legs = [planner.legs(FIRST_DAY + timedelta(days=k)) for k in range(14)]
    vehicle = np.concatenate([part.vehicle for part in legs])
    start = np.concatenate([part.start_ms for part in legs])
    end = start + np.concatenate([part.steps for part in legs]) * 10_000
    origin, destination = (np.concatenate([getattr(p, side) for p in legs]) for side in ("origin", "destination"))
    order = np.lexsort((start, vehicle))
    same = vehicle[order][1:] == vehicle[order][:-1]
    rest_ms = (start[order][1:] - end[order][:-1])[same]
    assert rest_ms.min() >= 300_000
    assert np.array_equal(origin[order][1:][same], destination[order][:-1][same])
    first = np.append(True, ~same)
    assert np.all(origin[order][first] == 0)
    for k, part in enumerate(legs):
        assert np.all(part.start_ms // 86_400_000 == day_ms(FIRST_DAY + timedelta(days=k)) // 86_400_000)


def test_nobody_drives_before_delivery(fleet: Fleet) -> None:
    day = FIRST_DAY + timedelta(days=5)
    legs = Planner(fleet, 3, 0, 10, day_ms(FIRST_DAY)).legs(day)
    assert np.all(fleet.delivered[legs.vehicle] < day.toordinal() + 1)
    assert np.any(fleet.delivered[legs.vehicle] >= FIRST_DAY.toordinal())


def test_local_midnights() -> None:
    assert local_midnight_ms("Asia/Tokyo", date(2026, 5, 2)) == day_ms(date(2026, 5, 1)) + 15 * 3_600_000
    assert local_midnight_ms("Europe/Paris", date(2026, 1, 2)) == day_ms(date(2026, 1, 1)) + 23 * 3_600_000
    assert local_midnight_ms("Europe/Paris", date(2026, 7, 2)) == day_ms(date(2026, 7, 1)) + 22 * 3_600_000


def test_seasons_follow_the_hemisphere() -> None:
    city = np.arange(len(CITIES), dtype=np.int16)
    mean = [
        np.mean([
            ambient_c(city, np.full(len(CITIES), day_ms(d) + h * 3_600_000), d, weather_c(1, d))
            for d in (date(2026, month, 3) + timedelta(days=k) for k in range(0, 28, 3)) for h in (0, 6, 12, 18)
        ], axis=0) for month in (1, 7)
    ]  # fmt: skip
    warmer_in_july = mean[1] > mean[0]
    for c, warmer in zip(CITIES, warmer_in_july, strict=True):
        if c.swing_c > 3:
            assert warmer == (c.latitude > 0), c.name
