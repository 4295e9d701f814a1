"""One signal of every vehicle lies: trips and distances stay as they were, and the liar is told."""

from __future__ import annotations

import polars as pl
import pytest

from bench.liars import LAST, Outcome, outcomes
from tests.integration.truth.fleets import Fleet

#: What does not show: a minute is what clocks differ by, and receivers say a little at the stops of a drive.
SUBTLE = {"a minute late", "noise at rest"}


@pytest.fixture(scope="module")
def found(clean: Fleet) -> list[Outcome]:
    """What comes out of every lie, on some vehicles and three days."""
    raw = clean.found("raw.telemetry").filter(pl.col("event_date") <= LAST)
    few = raw["vehicle_id"].unique().sort().head(24).to_list()
    return list(outcomes(raw.filter(pl.col("vehicle_id").is_in(few))))


def test_no_trip_appears_or_vanishes_and_none_is_longer(found: list[Outcome]) -> None:
    assert {one.trips for one in found} == {1.0}
    assert [one for one in found if one.distance > 0.02] == []


def test_the_liar_about_motion_and_distance_is_told_and_nobody_else(found: list[Outcome]) -> None:
    scaled = [one for one in found if one.signal in ("odometer_km", "speed_kmh") and one.lie not in SUBTLE]
    assert [one for one in scaled if one.told < 0.95 and not one.lie.startswith("stuck")] == []
    assert [one for one in scaled if one.others > 0] == []
    stands = [one for one in found if one.signal == "position" and "frozen" in one.lie]
    assert [one for one in stands if one.told < 0.95] == []


def test_a_power_that_lies_beside_a_counter_changes_no_energy(found: list[Outcome]) -> None:
    of_power = [one for one in found if one.signal == "battery_power_kw"]
    assert [one for one in of_power if one.energy > 0.02] == []
    assert [one.told for one in of_power if one.lie == "sign turned"] == [pytest.approx(1, abs=0.05)]


def test_a_counter_of_energy_that_stands_is_made_up_for(found: list[Outcome]) -> None:
    frozen = [one for one in found if one.signal == "energy_used_kwh" and one.lie.startswith("frozen")]
    assert [one for one in frozen if one.energy > 0.02 or one.told < 0.95] == []
