"""What a trip tells beside its distance: energy, fuel, harsh events, places, temperatures and roads."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from lake.schemas.core import SPEED_BANDS_KMH, Trips, speed_band
from tests.unit.core.frames import CAR, NOON, VAN, speeds, telemetry
from transforms.core.trips import TripRules, trips

DAY = NOON.date()


def driving(seconds: int, step: int = 10, kmh: float = 36.0, **signals: Any) -> list[dict[str, Any]]:
    """Messages of a drive from rest to rest; a signal is a function of the seconds since its start, or a list."""
    rows: list[dict[str, Any]] = []
    for number, s in enumerate(range(0, seconds + 1, step)):
        row: dict[str, Any] = {"s": s, "speed_kmh": 0.0 if s in (0, seconds) else kmh}
        for name, value in signals.items():
            row[name] = value(s) if callable(value) else value[number]
        rows.append(row)
    return rows


def found(rows: list[dict[str, Any]], rules: TripRules | None = None) -> list[dict[str, Any]]:
    return Trips.validate(trips(telemetry(rows), DAY, DAY, rules)).rows(named=True)


def only(rows: list[dict[str, Any]], rules: TripRules | None = None) -> dict[str, Any]:
    (trip,) = found(rows, rules)
    return trip


# Energy


def test_a_counter_of_energy_counts_first() -> None:
    rows = driving(100, energy_used_kwh=lambda s: 50 + s / 1000, battery_power_kw=lambda _: -72.0)
    trip = only(rows)
    assert (trip["energy_method"], trip["energy_used_kwh"]) == ("counter", pytest.approx(0.1, abs=1e-12))
    assert trip["energy_regenerated_kwh"] == 0


def test_power_is_integrated_with_its_crossings_of_zero() -> None:
    # From +20 kW to -40 kW in 9 s: 3 s of a triangle above zero, 6 s of one below.
    rows = driving(27, step=9, battery_power_kw=[0.0, 20.0, -40.0, 0.0])
    trip = only(rows)
    assert trip["energy_method"] == "power"
    assert trip["energy_regenerated_kwh"] == pytest.approx((9 * 20 / 2 + 3 * 20 / 2) / 3600, rel=1e-12)
    assert trip["energy_used_kwh"] == pytest.approx((6 * 40 / 2 + 9 * 40 / 2) / 3600, rel=1e-12)


def test_what_goes_into_the_battery_at_rest_is_not_regenerated() -> None:
    power = [-10.0, 10.0, 10.0, 10.0, 10.0, -10.0, -10.0]
    rows = driving(60, battery_power_kw=power)
    for row in rows[1:5]:
        row["speed_kmh"] = 0.0
    rows += [{"s": s, "speed_kmh": 36.0 * (s < 80), "battery_power_kw": -10.0} for s in (70, 80)]
    rows[0]["speed_kmh"] = 36.0
    trip = only(rows)
    assert trip["duration_s"] == 80
    # 5 s of the first step, in which the vehicle comes to rest; what follows is at rest, until it moves off at 40 s.
    assert trip["energy_regenerated_kwh"] == pytest.approx((2.5 + 2.5) * 10 / 3600, rel=1e-12)


@pytest.mark.parametrize(
    ("counter", "why"),
    [
        ([5.0, 5.1, 5.05, 5.2, 5.3, 5.4, 5.5], "it falls"),
        ([5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 99.0], "it leaps"),
        ([None, None, 5.2, 5.3, 5.4, 5.5, 5.6], "it leaves out the start"),
        ([5.0, 5.1, 5.2, None, None, None, None], "it leaves out the end"),
        ([5.0] + [None] * 6, "a single reading"),
        ([None, float("nan"), float("inf"), -5.0, 3e9, None, None], "no reading is plausible"),
    ],
)
def test_a_counter_that_does_not_measure_the_trip_does_not_count(counter: list[float | None], why: str) -> None:
    trip = only(driving(60, energy_used_kwh=counter))
    assert (trip["energy_used_kwh"], trip["energy_method"]) == (None, None), why
    trip = only(driving(60, energy_used_kwh=counter, battery_power_kw=lambda _: -36.0))
    assert (trip["energy_used_kwh"], trip["energy_method"]) == (pytest.approx(0.6), "power"), why


def test_a_parked_vehicles_counter_stands_until_the_trip() -> None:
    rows = driving(60, energy_used_kwh=[None, 5.1, None, None, None, None, 5.5])
    assert only([{"s": -200, "speed_kmh": 0.0, "energy_used_kwh": 5.0}, *rows])["energy_used_kwh"] == pytest.approx(0.5)
    old = {"s": -301, "speed_kmh": 0.0, "energy_used_kwh": 5.0}
    assert only([old, {"s": -100, "speed_kmh": 0.0}, *rows])["energy_used_kwh"] is None


def test_power_with_holes_is_not_integrated() -> None:
    assert only(driving(400, step=40, battery_power_kw=lambda _: -9.0))["energy_used_kwh"] is None
    power = [None, None, -9.0] + [-9.0] * 8
    assert only(driving(100, battery_power_kw=power))["energy_used_kwh"] is None
    power = [None] + [-9.0] * 10
    assert only(driving(100, battery_power_kw=power))["energy_used_kwh"] == pytest.approx(9 * 90 / 3600)


def test_a_share_of_charge_says_no_energy() -> None:
    trip = only(driving(100, soc_pct=lambda s: 80 - s / 10))
    assert (trip["energy_used_kwh"], trip["energy_method"], trip["energy_regenerated_kwh"]) == (None, None, None)
    assert (trip["soc_start_pct"], trip["soc_end_pct"]) == (80, 70)


# Fuel


def test_fuel_by_counter_by_volume_and_not_by_share() -> None:
    trip = only(driving(100, fuel_used_l=lambda s: 900 + s / 200, fuel_level_l=lambda s: 30 - s / 100))
    assert (trip["fuel_method"], trip["fuel_used_l"]) == ("counter", pytest.approx(0.5))
    trip = only(driving(100, fuel_level_l=lambda s: 30 - s / 100, fuel_level_pct=lambda s: 60 - s / 50))
    assert (trip["fuel_method"], trip["fuel_used_l"]) == ("level", pytest.approx(1.0))
    trip = only(driving(100, fuel_level_pct=lambda s: 60 - s / 50))
    assert (trip["fuel_method"], trip["fuel_used_l"]) == (None, None)


def test_the_volume_in_the_tank_says_nothing_of_a_trip_in_which_it_was_filled() -> None:
    trip = only(
        driving(1000, step=100, fuel_level_l=[30.0, 29.9, 34.0, 33.0, 32.0, 31.0, 30.0, 29.0, 28.0, 27.0, 26.0])
    )
    assert (trip["fuel_used_l"], trip["refuels"], trip["refuelled_pct"]) == (None, 1, 0)
    assert only(driving(30, fuel_level_l=[30.0, 30.5, 30.6, 31.0]))["fuel_used_l"] is None


# Refuelling


def levels(*values: float | None, before: list[tuple[int, float]] | None = None) -> dict[str, Any]:
    """The trip of 60 s of a vehicle with these fuel levels, and such readings at rest before it."""
    parked = [{"s": s, "speed_kmh": 0.0, "fuel_level_pct": value} for s, value in before or []]
    return only([*parked, *driving(10 * (len(values) - 1), fuel_level_pct=list(values))])


HOUR = 3600


@pytest.mark.parametrize(
    ("before", "within", "expected"),
    [
        ([(-5 * HOUR, 20.0)], (90.0, 90.0, 89.0), (1, 70.0)),  # filled while parked
        ([(-12 * HOUR, 20.0)], (90.0, 90.0, 89.0), (1, 70.0)),
        ([(-12 * HOUR - 1, 20.0)], (90.0, 90.0, 89.0), (0, 0.0)),  # half a day back at most
        ([], (50.0, 49.0, 54.0, 54.0), (1, 5.0)),  # exactly the limit
        ([], (50.0, 49.0, 53.9, 53.0), (0, 0.0)),  # it sways
        ([], (50.0, 52.0, 54.0, 56.0, 60.0, 60.0), (1, 10.0)),  # seen growing
        ([], (50.0, 70.0, 69.0, 90.0, 90.0), (1, 41.0)),  # one visit to the pump
        ([], (50.0, 95.0, 50.0, 50.0), (0, 0.0)),  # a single wrong value
        ([], (50.0, 5.0, 50.0, 50.0), (0, 0.0)),
        ([], (50.0, None, 90.0, 90.0), (1, 40.0)),  # on change
        ([], (50.0, 250.0, 49.0, 49.0), (0, 0.0)),  # out of range
        ([], (50.0,), None),
    ],
)
def test_rises_of_the_fuel_level_are_refuellings(
    before: list[tuple[int, float]], within: tuple[float | None, ...], expected: tuple[int, float] | None
) -> None:
    if expected is None:
        assert found([{"s": 0, "speed_kmh": 0.0, "fuel_level_pct": 5.0}]) == []
        return
    trip = levels(*within, before=before)
    assert (trip["refuels"], trip["refuelled_pct"]) == (expected[0], pytest.approx(expected[1]))


def test_a_refuelling_counts_for_the_trip_that_ends_next_and_for_no_other() -> None:
    first = driving(60, fuel_level_pct=lambda _: 30.0)
    pump = [{"s": 2000, "speed_kmh": 0.0, "fuel_level_pct": 80.0}]
    second = [row | {"s": row["s"] + 4000, "fuel_level_pct": 80.0} for row in driving(60)]
    third = [row | {"s": row["s"] + 8000, "fuel_level_pct": 80.0} for row in driving(60)]
    assert [trip["refuels"] for trip in found([*first, *pump, *second, *third])] == [0, 1, 0]


def test_rises_further_apart_are_two_refuellings() -> None:
    values = [40.0, 60.0, *([60.0] * 60), 59.0, 80.0, 80.0]
    trip = levels(*values)
    assert (trip["refuels"], trip["refuelled_pct"]) == (2, pytest.approx(41.0))


def test_another_vehicles_level_is_not_compared() -> None:
    van = [row | {"vehicle_id": VAN} for row in driving(60, fuel_level_pct=lambda _: 90.0)]
    rows = found([*driving(60, fuel_level_pct=lambda _: 10.0), *van])
    assert [(trip["vehicle_id"], trip["refuels"]) for trip in rows] == [(CAR, 0), (VAN, 0)]


# Harsh events


def harsh(**signals: list[float | None]) -> tuple[int, int, int]:
    (values,) = {len(value) for value in signals.values()}
    trip = only(driving(4 * (values - 1), step=4, **signals))
    return trip["harsh_accelerations"], trip["harsh_brakings"], trip["harsh_cornerings"]


def test_samples_past_the_limit_are_events_and_close_ones_are_one() -> None:
    quiet = [0.0] * 9
    assert harsh(acceleration_longitudinal_mps2=quiet, acceleration_lateral_mps2=quiet) == (0, 0, 0)
    ahead: list[float | None] = [0.0, 3.0, 2.9, 3.2, 0.0, 0.0, 0.0, 3.0, 0.0]  # at 4, 12 and 28 s
    assert harsh(acceleration_longitudinal_mps2=ahead) == (2, 0, 0)
    ahead = [0.0, -3.5, -3.4, None, -9.0, -25.0, 0.0, 0.0, 0.0]  # at 4 and 16 s; the last is out of range
    assert harsh(acceleration_longitudinal_mps2=ahead) == (0, 2, 0)
    aside: list[float | None] = [0.0, -4.0, 4.0, 3.9, -3.9, 0.0, 0.0, 0.0, 4.5]
    assert harsh(acceleration_lateral_mps2=aside) == (0, 0, 2)


def test_without_the_signal_acceleration_is_the_change_of_speed_within_two_seconds() -> None:
    # 3 m/s² for 2 s, then -4 m/s² for 1 s; steps of 3 s say nothing.
    frame = speeds((0, 0), (2, 21.6), (14, 21.6), (15, 7.2), (18, 90), (21, 0))
    trip = trips(frame, DAY, DAY).row(0, named=True)
    assert (trip["harsh_accelerations"], trip["harsh_brakings"], trip["harsh_cornerings"]) == (1, 1, 0)
    told = frame.with_columns(acceleration_longitudinal_mps2=pl.lit(0.5))
    trip = trips(told, DAY, DAY).row(0, named=True)
    assert (trip["harsh_accelerations"], trip["harsh_brakings"]) == (0, 0)


def test_a_change_of_speed_that_no_vehicle_makes_is_none() -> None:
    trip = trips(speeds((0, 0), (10, 50), (11, 340), (12, 50), (20, 0)), DAY, DAY).row(0, named=True)
    assert (trip["harsh_accelerations"], trip["harsh_brakings"]) == (0, 0)


def test_a_silent_speed_says_no_acceleration() -> None:
    rows = [{"s": s, "speed_kmh": kmh} for s, kmh in enumerate([0.0, 10.0, *[None] * 9, 40.0, 45.0, 0.0])]
    trip = only(rows)
    assert (trip["harsh_accelerations"], trip["harsh_brakings"]) == (0, 1)


def test_where_one_trip_ends_and_the_next_starts_an_event_counts_once() -> None:
    rows = driving(40, acceleration_longitudinal_mps2=[0.0, 0.0, 3.3, 0.0, 0.0])
    rows[2]["ignition_on"] = False
    assert [trip["harsh_accelerations"] for trip in found(rows)] == [1, 0]


# Places, charge, temperatures


def test_places_are_coarsened_and_held_for_a_while_only() -> None:
    rows = driving(60, latitude_deg=lambda s: 48.85661 + s / 1000, longitude_deg=lambda _: -0.00123)
    trip = only(rows)
    assert (trip["start_latitude_deg"], trip["end_latitude_deg"]) == (48.86, 48.92)
    assert str(trip["start_longitude_deg"]) == str(trip["end_longitude_deg"]) == "0.0"
    rows = driving(800, step=100, latitude_deg=[None, None, None, None, 1.0, None, None, None, None],
                   longitude_deg=[None, None, None, None, 2.0, None, None, None, None])  # fmt: skip
    trip = only(rows)
    assert (trip["start_latitude_deg"], trip["end_latitude_deg"]) == (None, None)
    rows[3] |= {"latitude_deg": 3.004, "longitude_deg": 4.0}
    rows[5] |= {"latitude_deg": 5.006, "longitude_deg": 4.0}
    trip = only(rows)
    assert (trip["start_latitude_deg"], trip["end_latitude_deg"]) == (3.0, 5.01)


def test_charge_at_the_ends_is_the_newest_that_holds() -> None:
    rows = [{"s": -250, "speed_kmh": 0.0, "soc_pct": 70.0}, {"s": -100, "speed_kmh": 0.0}]
    trip = only([*rows, *driving(600, soc_pct=lambda s: 60.0 if s == 310 else None)])
    assert (trip["soc_start_pct"], trip["soc_end_pct"]) == (70, 60)
    trip = only([*rows, *driving(700, soc_pct=lambda s: 60.0 if s == 310 else None)])
    assert (trip["soc_start_pct"], trip["soc_end_pct"]) == (70, None)
    van = [row | {"vehicle_id": VAN} for row in driving(60)]
    assert [trip["soc_end_pct"] for trip in found([*driving(60, soc_pct=lambda _: 9.0), *van])] == [9, None]


def test_temperatures_within_the_trip_or_held_from_before() -> None:
    rows = driving(
        60, ambient_temperature_c=[10.0, None, 20.0, 999.0, None, None, 12.0],
        coolant_temperature_c=[None, 60.0, 95.0, 90.0, None, None, None],
    )  # fmt: skip
    before = {"s": -100, "speed_kmh": 0.0, "battery_temperature_c": 31.0, "coolant_temperature_c": 120.0}
    trip = only([before, *rows])
    assert trip["ambient_temperature_c"] == 14
    assert (trip["coolant_temperature_max_c"], trip["battery_temperature_max_c"]) == (95, 31)
    assert only(rows)["battery_temperature_max_c"] is None


# Roads


def bands(trip: dict[str, Any]) -> dict[int, float]:
    return {low: trip[speed_band(low)] for low in SPEED_BANDS_KMH if trip[speed_band(low)]}


def test_the_time_of_a_step_goes_to_the_mean_of_its_ends() -> None:
    frame = speeds((0, 0), (10, 60), (20, 80), (21, 140), (26, 140), (27, 139.8), (37, 0), (47, 0), (57, 30), (67, 0))
    trip = trips(frame, DAY, DAY).row(0, named=True)
    # Means 30, 70, 110, 140, 139.9, 69.9, rest, 15 and 15.
    assert bands(trip) == {0: 20, 30: 10, 50: 10, 70: 10, 110: 1, 130: 6}
    assert sum(bands(trip).values()) == trip["driving_s"]
    assert trip["mean_speed_kmh"] == pytest.approx(trip["distance_km"] / (trip["driving_s"] / 3600))


def test_without_speed_the_class_is_that_of_positions_or_of_the_odometer() -> None:
    latitudes = [45.0, 45.0, 45.01, 45.03, 45.03]  # 0, 66.7 and 133.4 km/h
    rows = [{"s": 60 * n, "latitude_deg": value, "longitude_deg": 7.0} for n, value in enumerate(latitudes)]
    assert bands(only(rows)) == {50: 60, 130: 60}
    rows = [{"s": 60 * n, "odometer_km": value} for n, value in enumerate([5.5, 5.5, 7.2, 7.9, 7.9])]
    assert bands(only(rows)) == {30: 60, 90: 60}
