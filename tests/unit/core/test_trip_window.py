"""A trip does not depend on the window it is computed in, nor on the order in which its messages came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import Trips, VehicleDays
from tests.unit.core.frames import CAR, VAN, fleet, telemetry
from transforms.core.trips import TripRules, trips
from transforms.core.vehicle_days import vehicle_days

FIRST = date(2026, 3, 1)
DAYS = 6
LAST = FIRST + timedelta(days=DAYS - 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
END = MIDNIGHT + timedelta(days=DAYS)

# Short rules make every rule meet every other within a few hundred messages; long ones are the defaults.
RULES = st.sampled_from(
    [
        TripRules(),
        TripRules(gap_s=3600, standstill_s=7200, carry_s=3600),
        TripRules(gap_s=7200, standstill_s=3600, carry_s=14400),
        TripRules(gap_s=60, slow_gap_s=7200, standstill_s=4000),
        TripRules(gap_s=1200, standstill_s=10800, carry_s=600, sampled_s=900, hole_s=60),
    ]
)
PACES = (1, 2, 10, 60, 290, 300, 301, 900, 1800, 3600, 7200, 20000, 43200, 86400)
MANNERS = ("speed", "position", "odometer", "on change", "all", "rest", "silent", "drift")


@dataclass(frozen=True)
class Stretch:
    """Messages of one pace and manner; ``seed`` decides their values, ``share`` how many signals each has."""

    pace: int
    manner: str
    length: int
    share: float
    seed: int


STRETCHES = st.lists(
    st.builds(
        Stretch, st.sampled_from(PACES), st.sampled_from(MANNERS), st.integers(1, 80),
        st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=10,
)  # fmt: skip
STARTS = st.one_of(st.sampled_from([0, 43200, 86400]), st.integers(0, 2 * 86400))
DRIVES = st.tuples(STARTS, STRETCHES)
Drive = tuple[int, list[Stretch]]


def drive(vehicle_id: str, start: int, stretches: list[Stretch]) -> list[dict[str, Any]]:
    """Messages of one vehicle, from dense to silent, with resends, several in one moment, and some at midnight."""
    at = MIDNIGHT + timedelta(seconds=start)
    rows: list[dict[str, Any]] = []
    odometer, latitude, sequence = 1000.0, 45.0, 0
    counter, fuel, soc = 500.0, 60.0, 70.0
    for stretch in stretches:
        random = Random(stretch.seed)
        manner = stretch.manner
        for _ in range(stretch.length):
            odometer += random.choice([0.0, 0.0, 0.5, 1.25]) - (random.random() < 0.02)
            latitude += random.choice([0.0, 0.001, 0.02, 0.3]) * (manner != "drift")
            sent: dict[str, Any] = {}
            if manner in ("speed", "all", "rest") or (manner == "on change" and random.random() < 0.3):
                sent["speed_kmh"] = 0.0 if manner == "rest" else random.choice([0.0, 0.0, 0.04, 30.0, 90.0, 500.0])
            if manner in ("position", "all"):
                sent |= {"latitude_deg": latitude, "longitude_deg": 2.0}
            if manner == "drift":
                sent |= {"latitude_deg": latitude + random.gauss(0, 8e-5), "longitude_deg": 2.0}
            if manner in ("odometer", "all"):
                sent["odometer_km"] = odometer
            if random.random() < 0.08:
                sent["ignition_on"] = random.random() < 0.5
            counter += random.choice([0.0, 0.03, 0.1]) - (random.random() < 0.01)
            fuel = min(max(fuel + random.choice([-0.5, -0.1, 0.0, 0.3]) + 30 * (random.random() < 0.05), 0.0), 100.0)
            soc = min(max(soc + random.choice([-0.5, 0.0, 0.25]) + 9 * (random.random() < 0.04), 0.0), 100.0)
            sent |= others(random, stretch.share, counter, fuel, soc)
            rows.append({"vehicle_id": vehicle_id, "event_at": at, "sequence": sequence, **sent})
            sequence += random.choice([1, 1, 1, 1, 3]) - 40 * (random.random() < 0.02)
            if random.random() < 0.05:
                rows.append(dict(rows[-1]))
            if random.random() < 0.9:
                at += timedelta(seconds=stretch.pace)
            if random.random() < 0.03:
                at = at.replace(hour=at.hour // 12 * 12, minute=0, second=0) + timedelta(hours=12)
    return [row for row in rows if row["event_at"] < END]


def others(random: Random, share: float, counter: float, fuel: float, soc: float) -> dict[str, Any]:
    """Some of the signals that tell nothing of motion, a few of them wrong."""
    values = {
        "energy_used_kwh": counter,
        "fuel_used_l": counter / 3,
        "fuel_level_pct": random.choice([fuel, fuel, fuel, 250.0]),
        "fuel_level_l": fuel / 2,
        "soc_pct": random.choice([soc, soc, soc, float("nan")]),
        "battery_power_kw": random.uniform(-80, 60),
        "acceleration_longitudinal_mps2": random.uniform(-5, 5),
        "acceleration_lateral_mps2": random.uniform(-6, 6),
        "ambient_temperature_c": random.uniform(-10, 30),
        "coolant_temperature_c": random.uniform(20, 300),
        "battery_temperature_c": random.uniform(10, 40),
        "charging_on": random.random() < 0.3,
    }
    return {name: value for name, value in values.items() if random.random() < share}


def uninterrupted(start: int, pace: int, length: int) -> list[dict[str, Any]]:
    """A vehicle that drives for days without a break."""
    rows = []
    for number in range(length):
        at = MIDNIGHT + timedelta(seconds=start + number * pace)
        speed = 0.0 if number % 9 == 0 else 40.0 + number % 7
        rows.append({"vehicle_id": VAN, "event_at": at, "sequence": number, "speed_kmh": speed})
    return [row for row in rows if row["event_at"] < END]


def days(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    return frame.filter(pl.col("event_date").is_between(first, last))


def by_windows(frame: pl.DataFrame, bounds: list[int], rules: TripRules) -> pl.DataFrame:
    """Trips computed range by range, each from the rows of its own days and one day either side."""
    parts = []
    for start, stop in pairwise(bounds):
        first, last = FIRST + timedelta(days=start), FIRST + timedelta(days=stop - 1)
        seen = days(frame, first - timedelta(days=1), last + timedelta(days=1))
        parts.append(trips(seen, first, last, rules))
    return pl.concat(parts).sort("vehicle_id", "started_at")


ALL = list(range(DAYS + 1))


@settings(max_examples=150, deadline=None)
@given(DRIVES, DRIVES, RULES, st.sets(st.integers(1, DAYS - 1)), st.integers(0, 2**32))
def test_any_split_of_the_history_gives_the_same_trips(
    car: Drive, van: Drive, rules: TripRules, inner: set[int], seed: int
) -> None:
    whole = telemetry(drive(CAR, *car) + drive(VAN, *van))
    expected = Trips.validate(trips(whole, FIRST, LAST, rules))
    shuffled = whole.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(by_windows(shuffled, ALL, rules), expected, check_exact=True)
    assert_frame_equal(by_windows(whole, [0, *sorted(inner), DAYS], rules), expected, check_exact=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DRIVES, DRIVES, st.integers(1, 40))
def test_the_pieces_it_is_worked_in_do_not_show(
    monkeypatch: pytest.MonkeyPatch, car: Drive, van: Drive, size: int
) -> None:
    third = "0" * 31 + "3"
    whole = telemetry(drive(CAR, *car) + drive(VAN, *van) + drive(third, *car))
    expected = trips(whole, FIRST, LAST)
    with monkeypatch.context() as patched:
        patched.setattr("transforms.core.trips.table._CHUNK", size)
        assert_frame_equal(trips(whole, FIRST, LAST), expected, check_exact=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2 * 86400), st.sampled_from([250, 275, 299, 300]), st.integers(2, 1400))
def test_days_of_uninterrupted_driving_are_divided_the_same_everywhere(start: int, pace: int, length: int) -> None:
    whole = telemetry(uninterrupted(start, pace, length))
    expected = trips(whole, FIRST, LAST)
    assert_frame_equal(by_windows(whole, ALL, TripRules()), expected, check_exact=True)
    assert expected["duration_s"].max() <= 86400 + 900
    # Nothing is lost where a drive is divided: the parts follow on each other, and hold every step.
    assert (expected["started_at"][1:] == expected["ended_at"][:-1]).all()
    assert expected["duration_s"].sum() == (whole["event_at"].max() - whole["event_at"].min()).total_seconds()


@settings(max_examples=60, deadline=None)
@given(DRIVES, DRIVES, st.sets(st.tuples(st.integers(0, DAYS - 1), st.sampled_from([CAR, VAN]))))
def test_vehicle_days_are_the_same_day_by_day(car: Drive, van: Drive, told: set[tuple[int, str]]) -> None:
    whole = telemetry(drive(CAR, *car) + drive(VAN, *van))
    known = fleet([{"date": FIRST + timedelta(days=n), "vehicle_id": name, "model": f"{n}"} for n, name in told])
    driven = trips(whole, FIRST, LAST)
    expected = VehicleDays.validate(vehicle_days(whole, driven, known, FIRST, LAST))
    parts = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        seen = days(whole, day - timedelta(days=1), day).sample(fraction=1, shuffle=True, seed=number)
        recent = driven.filter(pl.col("date").is_between(day - timedelta(days=1), day))
        parts.append(vehicle_days(seen, recent, known.filter(pl.col("date") == day), day, day))
    assert_frame_equal(pl.concat(parts), expected, check_exact=True)
