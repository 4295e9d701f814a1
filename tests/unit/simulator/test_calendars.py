"""Calendars of the markets, roads, and days that follow them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.calendars import DayKind, day_kind, easter, travels
from simulator.fleet import make_fleet
from simulator.plan import Place, Planner, one_go_km
from simulator.roads import limits_kmh, roads, stretches_km
from simulator.world import CITIES, MARKET_WEIGHTS, day_ms

_YEAR = [date(2026, 1, 1) + timedelta(days=k) for k in range(365)]


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(1961, (4, 2)), (2008, (3, 23)), (2024, (3, 31)), (2025, (4, 20)), (2026, (4, 5)), (2038, (4, 25))],
)  # fmt: skip
def test_easter_of_the_almanac(year: int, sunday: tuple[int, int]) -> None:
    assert easter(year) == date(year, *sunday)


@pytest.mark.parametrize(
    ("market", "day"),
    [
        ("FR", date(2026, 7, 14)), ("FR", date(2026, 5, 14)), ("DE", date(2026, 4, 3)), ("GB", date(2026, 5, 25)),
        ("US", date(2026, 11, 26)), ("CN", date(2026, 2, 20)), ("TR", date(2026, 5, 29)), ("IN", date(2026, 11, 8)),
        ("BR", date(2026, 2, 17)), ("JP", date(2026, 5, 4)), ("MX", date(2026, 9, 16)), ("MA", date(2026, 7, 30)),
        ("ES", date(2026, 4, 3)),
    ],
)  # fmt: skip
def test_public_holidays(market: str, day: date) -> None:
    assert day_kind(market, day) == DayKind.HOLIDAY
    assert day_kind("FR" if market != "FR" else "JP", date(2026, 6, 9)) == DayKind.WORKING


def test_every_market_has_holidays_weekends_and_weeks_of_travel() -> None:
    for market in MARKET_WEIGHTS:
        kinds = [day_kind(market, day) for day in _YEAR]
        assert 5 <= kinds.count(DayKind.HOLIDAY) <= 20, market
        assert 90 <= kinds.count(DayKind.WEEKEND) <= 104, market
        assert 10 <= sum(travels(market, day) for day in _YEAR) <= 80, market


def test_holidays_are_not_commuted() -> None:
    fleet = make_fleet(2, 1500, 0, 1, date(2026, 4, 20), ("FR",))
    planner = Planner(fleet, 2, 0, 10, day_ms(date(2026, 4, 20)))
    labour_day, friday_after = (planner.legs(day) for day in (date(2026, 5, 1), date(2026, 5, 15)))
    to_work = [(legs.place == Place.WORK).sum() for legs in (labour_day, friday_after)]
    assert to_work[0] < 0.15 * to_work[1]


def test_in_weeks_of_travel_fewer_go_to_work() -> None:
    fleet = make_fleet(2, 1500, 0, 1, date(2026, 1, 20), ("FR",))
    planner = Planner(fleet, 2, 0, 10, day_ms(date(2026, 1, 20)))
    february, march = ((planner.legs(day).place == Place.WORK).sum() for day in (date(2026, 2, 17), date(2026, 3, 10)))
    assert 0.5 < february / march < 0.85


@given(length=st.floats(0.8, 300), city=st.integers(0, len(CITIES) - 1))
def test_stretches_make_up_the_leg(length: float, city: int) -> None:
    km = stretches_km(np.array([length]))
    assert km.sum() == pytest.approx(length)
    assert np.all(km >= 0)
    found = roads(np.array([city], dtype=np.int16), np.array([length]))
    assert 0 < found.urban[0] <= found.open[0] <= 1 + 1e-12
    part = np.linspace(0, 1, 101)
    limits = limits_kmh(found, np.zeros(101, dtype=np.int64), part)
    assert limits[0] == limits[-1] == found.limit_kmh[0, 0]
    assert np.array_equal(limits, limits[::-1])
    assert (limits.max() == found.limit_kmh[0, 2]) == (length > 17) or 15.5 < length < 20


def test_batteries_go_far_enough() -> None:
    """No leg of a battery vehicle is longer than what it goes without charging; long ways have a charger between."""
    fleet = make_fleet(2, 3000, 0, 1, date(2026, 7, 1), tuple(MARKET_WEIGHTS))
    planner = Planner(fleet, 2, 0, 10, day_ms(date(2026, 7, 1)))
    reach = one_go_km(fleet)
    stops = 0
    for day in (date(2026, 7, 4), date(2026, 7, 5)):
        legs = planner.legs(day)
        assert np.all(legs.length_km <= reach[legs.vehicle] * 1.05)
        stops += (legs.place == Place.CHARGER).sum()
        assert np.all(fleet.tank_l[legs.vehicle[legs.place == Place.CHARGER]] == 0)
    assert stops > 10
