"""What vehicles say agrees with itself, with the catalogue, and with the truth."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from lake.signals import BY_VSS
from tests.unit.simulator.conftest import ARGUMENTS, Simulated

SPEED, ODOMETER, IGNITION = "Vehicle.Speed", "Vehicle.TraveledDistance", "Vehicle.LowVoltageSystemState"
SOC = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed"
POWER = "Vehicle.Powertrain.TractionBattery.CurrentPower"
FUEL = "Vehicle.Powertrain.FuelSystem.RelativeLevel"


@pytest.fixture(scope="module")
def driven(simulated: Simulated, telemetry: pl.DataFrame) -> pl.DataFrame:
    """Every message within a complete true trip, with the trip's columns."""
    trips = simulated.truth("trips").filter("complete").with_row_index("trip")
    return (
        telemetry.sort("ts")
        .join_asof(trips.sort("started_at"), left_on="ts", right_on="started_at", by="vin", check_sortedness=False)
        .filter(pl.col("ts") <= pl.col("ended_at"))
        .sort("vin", "seq")
    )


def test_bodies_hold_only_the_catalogue(telemetry: pl.DataFrame) -> None:
    signals = [name for name in telemetry.columns if name not in ("kind", "vin", "ts", "seq")]
    assert len(signals) >= 22
    assert set(signals) <= BY_VSS.keys()


def test_values_are_plausible(telemetry: pl.DataFrame) -> None:
    to_catalogue = {ODOMETER: 1e-3, "Vehicle.Powertrain.Range": 1e-3, POWER: 1e-3}  # VSS 6 sends m and W
    for path, signal in BY_VSS.items():
        if path in telemetry.columns and signal.kind != "bool":
            values = telemetry[path].drop_nulls() * to_catalogue.get(path, 1)
            assert signal.low is not None
            assert signal.high is not None
            assert values.is_between(signal.low, signal.high).all(), path
    assert telemetry[SPEED].max() > 100
    assert telemetry[ODOMETER].dtype == pl.Int64


def test_vehicles_send_what_they_have(simulated: Simulated, telemetry: pl.DataFrame) -> None:
    sent = telemetry.group_by("vin").agg(pl.col(SOC).is_not_null().any(), pl.col(FUEL).is_not_null().any())
    for row in sent.join(simulated.truth("vehicles"), on="vin").iter_rows(named=True):
        assert row[SOC] == (row["powertrain"] in ("PHEV", "BEV"))
        assert row[FUEL] == (row["powertrain"] != "BEV")


def test_truth_counts_the_messages(simulated: Simulated, telemetry: pl.DataFrame) -> None:
    found = telemetry.group_by("vin", pl.col("ts").dt.date().alias("date"), "kind").len("messages")
    truth = simulated.truth("messages")
    said = truth.filter(kind="telemetry")
    assert found.sort("vin", "date")["messages"].to_list() == said["received"].to_list()
    assert truth["received"].sum() == simulated.report.messages
    assert 0 <= (truth["messages"] - truth["received"]).sum() < 20


def test_a_vehicle_counts_its_messages(telemetry: pl.DataFrame) -> None:
    for _, messages in telemetry.group_by("vin"):
        assert messages["seq"].to_list() == list(range(1, messages.height + 1))
        assert messages["ts"].is_sorted()
        assert messages[ODOMETER].is_sorted()


def test_trips_begin_and_end_at_rest(simulated: Simulated, driven: pl.DataFrame) -> None:
    trips = simulated.truth("trips").filter("complete")
    found = driven.group_by("trip").agg(
        pl.len(),
        pl.col("messages").first(),
        pl.col("ts", SPEED, IGNITION).sort_by("seq").first().name.suffix(".first"),
        pl.col("ts", SPEED, IGNITION).sort_by("seq").last().name.suffix(".last"),
        pl.col("started_at", "ended_at").first(),
    )
    assert found.height == trips.height > 100
    assert (found["len"] == found["messages"]).all()
    assert (found["ts.first"] == found["started_at"]).all()
    assert (found["ts.last"] == found["ended_at"]).all()
    assert found.select(pl.col("Vehicle.Speed.first", "Vehicle.Speed.last").max()).row(0) == (0, 0)
    assert found[f"{IGNITION}.first"].unique().to_list() == ["ON"]
    assert found[f"{IGNITION}.last"].unique().to_list() == ["OFF"]


def test_speeds_and_odometer_give_the_true_distance(driven: pl.DataFrame) -> None:
    hours = pl.col("ts").diff().dt.total_milliseconds() / 3_600_000
    step = ((pl.col(SPEED) + pl.col(SPEED).shift()) / 2 * hours).fill_null(0)
    found = driven.group_by("trip").agg(
        step.sum().alias("integral"),
        ((pl.col(ODOMETER).last() - pl.col(ODOMETER).first()) / 1000).alias("odometer"),
        pl.col("distance_km").first(),
    )
    assert ((found["integral"] / found["distance_km"] - 1).abs() < 1e-6).all()
    assert ((found["odometer"] - found["distance_km"]).abs() <= 0.001).all()


def test_positions_follow_the_road(driven: pl.DataFrame) -> None:
    lat, lon = (pl.col(f"Vehicle.CurrentLocation.{name}").radians() for name in ("Latitude", "Longitude"))
    step = ((lat.diff() ** 2 + (lon.diff() * lat.cos()) ** 2).sqrt() * 6371).fill_null(0)
    found = driven.group_by("trip").agg(step.sum().alias("positions"), pl.col("distance_km").first())
    ratio = found["positions"].sum() / found["distance_km"].sum()
    assert 0.93 < ratio < 1.03


def test_vehicles_at_rest_have_no_heading(simulated: Simulated, telemetry: pl.DataFrame) -> None:
    trips = simulated.truth("trips").select("vin", "started_at", "ended_at").sort("started_at")
    heard = telemetry.sort("ts").join_asof(trips, left_on="ts", right_on="started_at", by="vin", check_sortedness=False)
    under_way = heard.select(
        drives=(pl.col("ts") <= pl.col("ended_at")).fill_null(value=False), heading="Vehicle.CurrentLocation.Heading"
    )
    assert (under_way["heading"].is_not_null() == under_way["drives"]).all()
    assert not under_way["drives"].all()


def test_driving_is_driving(driven: pl.DataFrame) -> None:
    change = driven.select(pl.col(SPEED).diff().over("trip"))[SPEED].drop_nulls()
    assert change.min() > -10 * 6.5 * 1.35 - 0.2
    assert change.max() < 10 * 5.0 * 1.35 + 0.2
    assert 0.08 < (driven[SPEED] == 0).mean() < 0.35
    level = driven["Vehicle.ADAS.ActiveAutonomyLevel"]
    assert level.min() == 0
    assert set(level.drop_nulls()) <= {0, 2, 3}
    assert (level > 0).any()
    assert driven.filter(level > 0)[SPEED].min() >= 42


def test_everybody_is_not_always_on_the_road(simulated: Simulated) -> None:
    trips, vehicles = simulated.truth("trips"), simulated.truth("vehicles")
    delivered = vehicles.filter(pl.col("delivered_on") < date(2026, 3, 28)).height
    active = trips.filter(pl.col("started_at").dt.date() == date(2026, 3, 30))["vin"].n_unique()
    assert 0.4 < active / delivered < 0.95


def test_parked_vehicles_are_heard(telemetry: pl.DataFrame) -> None:
    parked = telemetry.filter((pl.col(SPEED) == 0) & (pl.col(IGNITION) == "OFF"))
    assert (parked["Vehicle.LowVoltageBattery.CurrentVoltage"] > 11.5).all()
    charging = parked.filter("Vehicle.Powertrain.TractionBattery.Charging.IsCharging")
    assert charging.height > 0
    assert charging["Vehicle.Powertrain.TractionBattery.Charging.IsChargingCableConnected"].all()
    silent_h = telemetry.select(pl.col("ts").diff().over("vin")).max().item().total_seconds() / 3600
    assert silent_h < 6.01


def test_the_registry_speaks_first(simulated: Simulated) -> None:
    vehicles = {row["vin"]: row for row in simulated.truth("vehicles").iter_rows(named=True)}
    heard: set[str] = set()
    for record in simulated.records():
        body = json.loads(record["Body"])
        if body["kind"] == "vehicle":
            known = vehicles[body["vin"]]
            heard.add(body["vin"])
            assert body["seq"] == 1
            assert (body["market"], body["model"], body["modelYear"]) == (
                known["market"], known["model"], known["model_year"],
            )  # fmt: skip
            assert (body["powertrain"], body["automationLevel"]) == (known["powertrain"], known["automation_level"])
            assert body["deliveredOn"] == known["delivered_on"].isoformat()
            assert body["ts"] >= min(body["deliveredOn"], "2026-03-27")
            assert set(body["services"].split(",")) >= {"vehicle_finder", "remote_diagnostics"}
        else:
            assert body["vin"] in heard
    last_day = date(2026, 3, 30)
    assert ARGUMENTS["vehicles"] == len(vehicles)
    assert heard == {vin for vin, row in vehicles.items() if row["delivered_on"] <= last_day}
