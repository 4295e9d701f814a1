"""Trips whose witnesses contradict each other come out as they were driven, and the liar is told."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from tests.integration.cases.conftest import Case

TABLES = ("core.vehicles", "core.trips", "core.vehicle_days", "core.doubts")


def told(case: Case) -> set[tuple[str, str, str]]:
    """Quantities, signals and kinds that are doubted."""
    return set(case.table("core.doubts").select("quantity", "signal", "kind").iter_rows())


def test_a_frozen_odometer_is_no_witness(case: Callable[..., Case]) -> None:
    found = case("frozen-odometer", *TABLES)
    trip = found.table("core.trips").row(0, named=True)
    assert (found.table("core.trips").height, trip["duration_s"]) == (1, 720)
    assert trip["distance_km"] == pytest.approx(9.167, abs=0.001)
    assert trip["doubted"]
    doubt = found.table("core.doubts").row(0, named=True)
    assert told(found) == {("distance", "odometer_km", "frozen")}
    assert (doubt["said"], doubt["believed"]) == (0.0, trip["distance_km"])
    assert found.table("core.vehicle_days")["doubted_km"].sum() == trip["distance_km"]


def test_places_that_go_there_and_come_back_are_left_out(case: Callable[..., Case]) -> None:
    found = case("location-jump", *TABLES)
    trip = found.table("core.trips").row(0, named=True)
    assert found.table("core.trips").height == 1
    assert trip["duration_s"] == 1800
    assert 14.4 <= trip["distance_km"] <= 15.01
    assert trip["mean_speed_kmh"] <= trip["max_speed_kmh"] + 0.5
    assert found.table("core.doubts")["readings"].to_list() == [5]
    assert told(found) == {("distance", "position", "spike")}


def test_a_parked_receivers_noise_is_no_drive(case: Callable[..., Case]) -> None:
    found = case("parked-jitter", *TABLES)
    trip = found.table("core.trips").row(0, named=True)
    assert found.table("core.trips").height == 1
    assert (trip["duration_s"], trip["driving_s"]) == (600, 600)
    assert trip["distance_km"] == pytest.approx(8.2, abs=0.01)
    assert not trip["doubted"]
    assert told(found) == {("motion", "speed_kmh", "noise")}


def test_an_odometer_that_starts_again_is_no_witness_of_its_trip(case: Callable[..., Case]) -> None:
    found = case("odometer-reset", *TABLES)
    assert found.table("core.trips")["distance_km"].to_list() == pytest.approx([24.83] * 3, abs=0.005)
    days = found.table("core.vehicle_days").sort("date")
    assert days["odometer_gain_km"].is_null().to_list() == [False, True, False]
    assert told(found) == {("distance", "odometer_km", "reset")}
    assert found.table("core.doubts").select(pl.col("said") < 0).item()
