"""KPIs of the fleet: who is in it, who drives how much, who is heard and who pays."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from lake.schemas.core.trips import SPEED_BANDS_KMH
from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger

LAST = FIRST + timedelta(days=DAYS - 1)
ALL_DAYS = [FIRST + timedelta(n) for n in range(DAYS)]


@pytest.fixture(scope="module")
def trips(clean: Fleet) -> pl.DataFrame:
    """The true trips that are over."""
    return clean.truth("trips").filter("complete").with_columns(date=pl.col("started_at").dt.date())


def _delivered(fleet: Fleet, day: date) -> pl.DataFrame:
    return fleet.truth("vehicles").filter(pl.col("delivered_on") <= day)


def _heard(fleet: Fleet) -> pl.DataFrame:
    return fleet.truth("messages").filter(pl.col("kind") == "telemetry", pl.col("messages") > 0)


def test_active_vehicles_of_each_day(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    kpi, heard = clean.found("kpi.active_vehicles"), _heard(clean)
    for day in ALL_DAYS:
        known = {
            "vehicles": _delivered(clean, day).height,
            "reporting_vehicles": heard.filter(pl.col("date") == day).height,
        } | {
            f"active_{days}d": trips.filter(pl.col("date").is_between(day - timedelta(days - 1), day))[
                "vehicle_id"
            ].n_unique()
            for days in (1, 7, 28)
        }
        now = kpi.filter(pl.col("date") == day)
        assert {part: now[part].sum() for part in known} == known, day
    active = kpi.filter(date=LAST)["active_28d"].sum()
    ledger.equal("kpi.active_vehicles: active_28d", trips["vehicle_id"].n_unique(), active)


def test_driving(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    kpi, km = clean.found("kpi.driving"), trips["distance_km"].sum()
    vehicle_days = trips.n_unique(["vehicle_id", "date"])
    ledger.equal("kpi.driving: trips, clean", trips.height, kpi["trips"].sum())
    ledger.equal("kpi.driving: active_vehicles, clean", vehicle_days, kpi["active_vehicles"].sum())
    for part in ("distance_km", "driving_s", "idle_s"):
        ledger.near(f"kpi.driving: {part}, clean", trips[part].sum(), kpi[part].sum())
    # What odometers gain they gain in trips; where one goes on after midnight, on the day after.
    ledger.near("kpi.driving: odometer_gain_km, clean", km, kpi["odometer_gain_km"].sum(), 0.01)
    ledger.near("kpi.driving: odometer_trip_km, clean", km, kpi["odometer_trip_km"].sum(), 0.01)


def test_time_by_class_of_speed(clean: Fleet, ledger: Ledger) -> None:
    """Without dirt every message is true, and two follow each other within 10 s while a vehicle drives."""
    kpi, speed = clean.found("kpi.road_speed"), pl.col("speed_kmh")
    sent = clean.found("raw.telemetry").sort("vehicle_id", "event_at").drop_nulls("speed_kmh")
    steps = sent.select(
        mean=(speed + speed.shift(1)).over("vehicle_id") / 2,
        s=(pl.col("event_at") - pl.col("event_at").shift(1)).over("vehicle_id").dt.total_microseconds() / 1e6,
    ).filter(pl.col("mean") > 0, pl.col("s") <= 300)
    for low, high in pairwise((*SPEED_BANDS_KMH, 1000)):
        truth = steps.filter(pl.col("mean").is_between(low, high, closed="left"))["s"].sum()
        ledger.near(f"kpi.road_speed: speed_from_{low}_s, clean", truth, kpi[f"speed_from_{low}_s"].sum(), 0.01)


def test_deliveries(clean: Fleet, ledger: Ledger) -> None:
    kpi = clean.found("kpi.deliveries")
    for day in ALL_DAYS:
        assert kpi.filter(pl.col("date") == day)["vehicles"].sum() == _delivered(clean, day).height, day
    new = clean.truth("vehicles").filter(pl.col("delivered_on").is_between(FIRST, LAST))
    ledger.equal("kpi.deliveries: deliveries", new.height, kpi["deliveries"].sum())
    assert new.height


def test_connected_and_paying_vehicles(clean: Fleet, ledger: Ledger) -> None:
    """On the last day, with what the back office knows of every service."""
    kpi, there = clean.found("kpi.connected").filter(date=LAST), _delivered(clean, LAST)
    down = pl.col("deactivated_at").is_not_null()
    over = (pl.col("ended_on") < LAST).fill_null(value=False) | down
    services = clean.truth("services").join(there.select("vehicle_id"), on="vehicle_id").filter("equipped")
    up = services.filter(pl.col("activated_at").is_not_null(), ~down)
    paid = services.filter(pl.col("activated_at").is_not_null(), pl.col("paid_from").is_not_null(), ~over)
    with_unit = there.filter("telematics_unit")
    for part, truth in {
        "vehicles": there.height,
        "unit_vehicles": with_unit.height,
        "connected_vehicles": with_unit.join(_heard(clean), on="vehicle_id", how="semi").height,
        "service_vehicles": services["vehicle_id"].n_unique(),
        "paying_vehicles": paid["vehicle_id"].n_unique(),
        "equipped_services": services.height,
        "activated_services": up.height,
    }.items():
        ledger.equal(f"kpi.connected: {part}", truth, kpi[part].sum())
    assert 0 < paid.height < up.height
