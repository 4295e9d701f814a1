"""One row per vehicle and day in the fleet, with the registry as of the day."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.schemas.core import Trips, VehicleDays, Vehicles
from tests.unit.core.frames import CAR, NOON, VAN, fleet, telemetry
from transforms.core.trips import trips
from transforms.core.vehicle_days import DayRules, vehicle_days

DAY = NOON.date()
ONE = timedelta(days=1)


def rows(
    telemetry_rows: list[dict[str, Any]], known: list[dict[str, Any]], last: date = DAY, rules: DayRules | None = None
) -> list[dict[str, Any]]:
    frame = telemetry(telemetry_rows)
    found = vehicle_days(frame, trips(frame, DAY - ONE, last), fleet(known), DAY, last, rules)
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
    [
        ([5.0], None),
        ([5.0, 5.0], 0.0),
        ([5.0, 4.0], None),
        ([5.0, 90_000.0], None),
        ([5.0, -3.0, 7.0], 2.0),
        ([1000.0, 1059.0], 59.0),  # 350 km/h for ten minutes, and the kilometre that whole readings may be off
        ([1000.0, 1060.0], None),
    ],
)
def test_the_odometer_gain_needs_two_readings_and_a_gain_that_can_be(readings: list[float], gain: float | None) -> None:
    (day,) = rows([{"s": 600 * n, "odometer_km": value} for n, value in enumerate(readings)], [])
    assert day["odometer_gain_km"] == gain


def test_odometer_gains_of_days_add_up_to_all_that_was_gained() -> None:
    def gains(*readings: tuple[float, float]) -> list[float | None]:
        """Of hours after midnight and km."""
        midnight = NOON - timedelta(hours=13)
        sent = [{"event_at": midnight + timedelta(hours=hours), "odometer_km": km} for hours, km in readings]
        return [day["odometer_gain_km"] for day in rows(sent, [], DAY + 3 * ONE)]

    assert gains((6, 1000.0), (30, 1080.0), (54, 1160.0)) == [None, 80.0, 80.0]  # one reading a day
    assert gains((20, 1000.0), (22, 1000.0), (28, 1200.0), (30, 1201.0)) == [0.0, 201.0]  # driven in a silence
    assert gains((20, 1000.0), (22, 1010.0), (80, 1500.0), (82, 1507.0)) == [10.0, 7.0]  # silent for a day and more
    assert gains((20, 1000.0), (28, None), (30, None), (50, 1100.0), (52, 1104.0)) == [None, None, 4.0]


def test_the_first_copy_to_arrive_decides_how_late_a_message_was() -> None:
    copies = [{"s": 0, "received_at": NOON + timedelta(seconds=s), "batch": n} for n, s in enumerate((108_000, 2, 60))]
    (day,) = rows([*copies, {"s": 10, "batch": 0}], [])
    assert (day["messages"], day["messages_late"], day["lag_max_s"], day["lag_sum_s"]) == (2, 0, 2, 4)


def test_a_silent_vehicle_is_in_the_fleet_once_it_is_registered() -> None:
    known = [
        {"date": DAY, "registered": False, "market": "FR"},
        {"date": DAY + ONE, "registered": True, "market": "FR"},
        {"date": DAY, "vehicle_id": VAN, "registered": True, "market": "MA", "trim": "base", "software_version": "4.2"},
        {"date": DAY + 2 * ONE, "vehicle_id": VAN, "registered": True},
    ]
    found = rows([], known, DAY + ONE)
    assert [(day["date"] - DAY, day["vehicle_id"], day["market"]) for day in found] == [
        (0 * ONE, VAN, "MA"),
        (1 * ONE, CAR, "FR"),
    ]
    assert (found[0]["trim"], found[0]["software_version"]) == ("base", "4.2")
    assert not any(day["reported"] or day["active"] or day["messages"] for day in found)
    assert all(day["registered"] and day["lag_max_s"] is None for day in found)
    assert all(day["messages_expected"] == day["standby_h"] == day["energy_used_kwh"] == 0 for day in found)


def test_a_vehicle_that_is_heard_before_its_delivery_is_in_the_fleet_and_not_registered() -> None:
    (day,) = rows([{"s": 0}], [{"date": DAY, "registered": False, "model": "Aube"}])
    assert (day["reported"], day["registered"], day["model"]) == (True, False, "Aube")


def test_no_telemetry_and_no_registry_give_no_days() -> None:
    assert rows([], []) == []
    none = vehicle_days(telemetry([]), Trips.create_empty(), Vehicles.create_empty().lazy(), DAY, DAY)
    assert VehicleDays.validate(none).is_empty()


def test_every_parameter_and_its_default_are_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "core.md").read_text()
    for parameter in fields(DayRules):
        assert f"| `{parameter.name}` | {parameter.default:g} " in text


def test_rules_that_look_further_back_than_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match="day"):
        DayRules(standby_h=25)
    with pytest.raises(ValueError, match="positive"):
        DayRules(late_s=0)
