"""Hours parked and not charging, and the state of charge that they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lake.schemas.core import VehicleDays, Vehicles
from tests.unit.core.frames import NOON, VAN, telemetry
from transforms.core.trips import trips
from transforms.core.vehicle_days import DayRules, vehicle_days

DAY = NOON.date()
ONE = timedelta(days=1)
HOUR = 3600


def standby(rows: list[dict[str, Any]], rules: DayRules | None = None) -> tuple[float, float]:
    frame = telemetry(rows)
    found = vehicle_days(frame, trips(frame, DAY - ONE, DAY), Vehicles.create_empty(), DAY, DAY, rules)
    day = VehicleDays.validate(found).row(0, named=True)
    return day["standby_h"], day["standby_loss_pct"]


def parked(*readings: tuple[float, float | None], **more: Any) -> list[dict[str, Any]]:
    """Messages at rest: hours after NOON and state of charge."""
    return [{"s": h * HOUR, "speed_kmh": 0.0, "soc_pct": soc} | more for h, soc in readings]


def test_rests_between_readings_add_up_on_the_day_of_the_second() -> None:
    assert standby(parked((0, 70.0), (2, 69.5), (5, 69.0))) == (5, 1.0)
    # NOON is 13 h: 18 h before lies on the day before.
    assert standby(parked((-18, 72.0), (0, 70.0), (2, 70.0), (16, 60.0))) == (20, 2.0)


@pytest.mark.parametrize(("before", "hours"), [(-23, 23), (-24, 24), (-24.001, 0)])
def test_a_rest_longer_than_a_day_is_not_looked_back_on(before: float, hours: float) -> None:
    assert standby(parked((before, 70.0), (0, 69.0)))[0] == hours


def test_a_trip_is_no_rest() -> None:
    drive = [{"s": HOUR + 60 * n, "speed_kmh": 50.0 * (0 < n < 10)} for n in range(11)]
    rows = [*parked((0, 70.0)), *drive, *parked((3, 60.0), (4, 59.5))]
    assert standby(rows) == (1, 0.5)
    # Readings at both ends of the trip: the rests before and after count, the drive does not.
    drive[0]["soc_pct"], drive[10]["soc_pct"] = 69.0, 62.0
    assert standby([*parked((0, 70.0)), *drive, *parked((3, 61.0))]) == (1 + 2 - 1 / 6, 2.0)


def test_a_drive_that_was_not_heard_is_no_rest() -> None:
    unheard = parked((-4, 80.0), (4, 45.0), (5, 44.5))
    for row, km in zip(unheard, (1000.0, 1150.0, 1150.0), strict=True):
        row["odometer_km"] = km
    assert standby(unheard) == (1, 0.5)
    assert standby(unheard, DayRules(moved_km=151)) == (9, 35.5)
    # The odometer may speak beside the state of charge; its nearest readings count.
    beside = parked((-4, 80.0), (4, 45.0), (5, 44.5))
    readings = [{"s": row["s"] + 2, "odometer_km": row.pop("odometer_km")} for row in unheard]
    assert standby([*beside, *readings]) == (1, 0.5)


def test_kilometres_of_the_trips_beside_a_rest_are_not_of_the_rest() -> None:
    # The odometer speaks in the middle of two drives, and hours from the readings of the rest between.
    def drive(start: float) -> list[dict[str, Any]]:
        return [{"s": start + 60 * n, "speed_kmh": 60.0 * (0 < n < 10)} for n in range(11)]

    first, second = drive(0), drive(6 * HOUR)
    first[5]["odometer_km"], second[5]["odometer_km"] = 1000.0, 1010.0
    first[10]["soc_pct"], second[0]["soc_pct"] = 70.0, 69.0
    assert standby([*first, *second]) == (6 - 1 / 6, 1.0)


def test_charging_is_no_rest() -> None:
    rows = parked((0, 70.0), (1, 69.5), (2, 80.0), (3, 90.0), (4, 89.75))
    rows[1]["charging_on"] = True  # from here on: the first hour was standby
    assert standby(rows) == (1, 0.5)
    rows[3]["charging_on"] = False
    assert standby(rows) == (2, 0.75)
    between = [*parked((0, 70.0)), {"s": HOUR, "charging_on": True}, *parked((2, 70.5))]
    assert standby(between) == (0, 0)


def test_charging_of_another_vehicle_does_not_matter() -> None:
    van = parked((0, 50.0), vehicle_id=VAN, charging_on=True)
    assert standby([*van, *parked((0, 70.0), (1, 69.0))]) == (1, 1.0)


def test_a_rise_is_charging_beyond_what_a_parked_battery_shows() -> None:
    assert standby(parked((0, 70.0), (1, 71.0), (2, 70.0), (3, 72.0))) == (2, 0.0)
    assert standby(parked((0, 70.0), (1, 70.5))) == (1, -0.5)
    assert standby(parked((0, 70.0), (1, 71.0)), DayRules(charge_pct=0.5)) == (0, 0)


def test_wrong_values_are_no_readings() -> None:
    rows = parked((0, 70.0), (1, 250.0), (2, float("nan")), (3, None), (4, 69.0))
    assert standby(rows) == (4, 1.0)
    assert standby(parked((0, None))) == (0, 0)


def test_a_day_is_told_from_the_trips_of_two_days_however_many_are_given() -> None:
    midnight = -13 * HOUR - 24 * HOUR  # that begins the day before
    drive = [{"s": midnight - 600 + 60 * n, "speed_kmh": 50.0} for n in range(41)]
    drive[15]["soc_pct"] = 70.0
    frame = telemetry([*drive, *parked(((midnight + 24 * HOUR) / HOUR + 0.05, 69.0))])
    driven = trips(frame, DAY - 3 * ONE, DAY)
    assert driven["date"].to_list() == [DAY - 2 * ONE]
    whole = vehicle_days(frame, driven, Vehicles.create_empty(), DAY - ONE, DAY)
    alone = vehicle_days(frame, driven.clear(), Vehicles.create_empty(), DAY, DAY)
    assert whole[-1:].equals(alone)
    assert alone["standby_h"].to_list() == [pytest.approx(24 - 5 / 60 + 3 / 60)]
