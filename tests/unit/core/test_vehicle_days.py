"""One row per vehicle and day in the fleet, with the registry as of the day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from lake.schemas.core import Trips, VehicleDays
from tests.unit.core.frames import CAR, NOON, VAN, statements, telemetry
from transforms.core.registry import registry
from transforms.core.trips import trips
from transforms.core.vehicle_days import vehicle_days

DAY = NOON.date()
ONE = timedelta(days=1)


def rows(telemetry_rows: list[dict[str, Any]], told: list[dict[str, Any]], last: date = DAY) -> list[dict[str, Any]]:
    frame = telemetry(telemetry_rows)
    found = vehicle_days(frame, trips(frame, DAY, last), statements(told), DAY, last)
    return VehicleDays.validate(found).rows(named=True)


def test_a_day_counts_messages_copies_values_lags_trips_and_the_odometer() -> None:
    (day,) = rows(
        [
            {"s": 0, "speed_kmh": 0.0, "odometer_km": 100.5},
            {"s": 10, "speed_kmh": 36.0, "soc_pct": 300.0},
            {"s": 10, "speed_kmh": 36.0, "batch": 1},
            {"s": 20, "speed_kmh": 0.0, "odometer_km": 100.75, "received_at": NOON + timedelta(seconds=80)},
        ],
        [],
    )
    assert (day["messages"], day["duplicates"], day["implausible"]) == (3, 1, 1)
    assert (day["lag_sum_s"], day["lag_max_s"]) == (64, 60)
    assert (day["first_event_at"], day["last_event_at"]) == (NOON, NOON + timedelta(seconds=20))
    assert (day["trips"], day["active"], day["reported"], day["registered"]) == (1, True, True, False)
    assert day["distance_km"] == pytest.approx(0.25)
    assert (day["driving_s"], day["idle_s"], day["odometer_gain_km"]) == (20, 0, 0.25)
    assert (day["market"], day["model"], day["model_year"], day["powertrain"]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("readings", "gain"),
    [([5.0], None), ([5.0, 5.0], 0.0), ([5.0, 4.0], None), ([5.0, 90_000.0], None), ([5.0, -3.0, 7.0], 2.0)],
)
def test_the_odometer_gain_needs_two_readings_and_a_gain_that_can_be(readings: list[float], gain: float | None) -> None:
    (day,) = rows([{"s": n, "odometer_km": value} for n, value in enumerate(readings)], [])
    assert day["odometer_gain_km"] == gain


def test_a_silent_vehicle_is_in_the_fleet_from_its_delivery_on() -> None:
    told = [
        {"vehicle_id": CAR, "event_at": NOON - 9 * ONE, "delivered_on": DAY + ONE, "market": "FR"},
        {"vehicle_id": VAN, "event_at": NOON, "market": "MA"},
    ]
    found = rows([], told, DAY + 2 * ONE)
    assert [(day["date"] - DAY, day["vehicle_id"], day["market"]) for day in found] == [
        (0 * ONE, VAN, "MA"),
        (1 * ONE, CAR, "FR"),
        (1 * ONE, VAN, "MA"),
        (2 * ONE, CAR, "FR"),
        (2 * ONE, VAN, "MA"),
    ]
    assert not any(day["reported"] or day["active"] or day["messages"] for day in found)
    assert all(day["registered"] and day["lag_max_s"] is None for day in found)


def test_a_vehicle_that_is_heard_before_its_delivery_is_in_the_fleet_and_not_registered() -> None:
    (day,) = rows([{"s": 0}], [{"event_at": NOON - ONE, "delivered_on": DAY + ONE, "model": "Aube"}])
    assert (day["reported"], day["registered"], day["model"]) == (True, False, "Aube")


def test_no_telemetry_and_no_registry_give_no_days() -> None:
    assert rows([], []) == []
    assert VehicleDays.validate(
        vehicle_days(telemetry([]), Trips.create_empty(), statements([]).lazy(), DAY, DAY)
    ).is_empty()


# The registry


def test_the_latest_statement_up_to_the_day_holds() -> None:
    told = statements(
        [
            {"event_at": NOON + ONE, "sequence": 1, "market": "DE", "delivered_on": DAY - ONE},
            {"event_at": NOON + ONE, "sequence": 2, "market": "ES", "delivered_on": DAY - ONE},
            {"event_at": NOON + ONE, "sequence": 2, "market": "IT", "delivered_on": DAY - ONE, "batch": 1},
            {"event_at": NOON - 30 * ONE, "market": "FR", "delivered_on": DAY - ONE},
            {"event_at": NOON + ONE - timedelta(hours=1), "market": "GB", "delivered_on": DAY - ONE},
        ]
    )
    found = registry(told, DAY, DAY + 2 * ONE)
    assert found["market"].to_list() == ["FR", "ES", "ES"]
    assert found["registered"].to_list() == [True, True, True]
    assert registry(told, DAY - 40 * ONE, DAY - 29 * ONE)["date"].to_list() == [DAY - 30 * ONE, DAY - 29 * ONE]


def test_a_later_day_asked_for_alone_says_the_same() -> None:
    told = statements([{"event_at": NOON + n * ONE, "model": f"model {n}"} for n in range(4)])
    whole = registry(told, DAY, DAY + 5 * ONE)
    alone = [registry(told, DAY + n * ONE, DAY + n * ONE) for n in range(6)]
    assert pl.concat(alone).equals(whole)
