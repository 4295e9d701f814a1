"""KPIs of usage are those of the trips that vehicles drove."""

from __future__ import annotations

from math import ceil, log
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from simulator.world import CITIES, ambient_c, day_ms, weather_c
from tests.integration.truth.fleets import Fleet, Ledger

HARSH = ("harsh_accelerations", "harsh_brakings", "harsh_cornerings")
WEEKDAYS = ("1 Mon", "2 Tue", "3 Wed", "4 Thu", "5 Fri", "6 Sat", "7 Sun")
#: Zones of the simulated markets; in one with several, that of most of its people.
ZONES = {city.market: city.zone for city in CITIES} | {"US": "America/New_York", "MX": "America/Mexico_City"}
SEED = 11  # of the fleets


@pytest.fixture(scope="module")
def trips(clean: Fleet) -> pl.DataFrame:
    """The true trips that are over, with what their vehicle is."""
    vehicles = clean.truth("vehicles").select("vehicle_id", "market", "powertrain", "city")
    return clean.truth("trips").filter("complete").join(vehicles, on="vehicle_id")


def total(fleet: Fleet, table: str, part: str) -> float:
    return float(fleet.found(f"kpi.{table}")[part].sum())


def test_harsh_events(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    for name in HARSH:
        ledger.equal(f"kpi.driving: {name}, clean", trips[name].sum(), total(clean, "driving", name))


def test_energy_and_fuel(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    plug, tank = trips.filter(pl.col("powertrain").is_in(["BEV", "PHEV"])), trips.filter(powertrain="PHEV")
    engine = trips.filter(pl.col("powertrain") != "BEV")
    for part, truth in {
        "energy_expected_km": plug["distance_km"].sum(),
        "energy_known_km": plug["distance_km"].sum(),
        "energy_used_kwh": plug["energy_used_kwh"].sum(),
        "balance_known_km": plug["distance_km"].sum(),
        "balance_used_kwh": plug["energy_used_kwh"].sum(),
        "balance_regenerated_kwh": plug["energy_regenerated_kwh"].sum(),
        "fuel_expected_km": engine["distance_km"].sum(),
        "fuel_known_km": engine["distance_km"].sum(),
        "fuel_used_l": engine["fuel_used_l"].sum(),
        "hybrid_known_km": tank["distance_km"].sum(),
        "hybrid_electric_km": tank.filter(fuel_used_l=0)["distance_km"].sum(),
    }.items():
        ledger.near(f"kpi.energy: {part}, clean", truth, total(clean, "energy", part))
    day = pl.col("started_at").dt.date()
    for part, of in (("vehicles", trips), ("energy_vehicles", plug), ("fuel_vehicles", engine)):
        ledger.equal(
            f"kpi.energy: {part}, clean", of.select("vehicle_id", day).n_unique(), total(clean, "energy", part)
        )


def test_energy_and_fuel_in_spite_of_dirt(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    """Rates are less disturbed than amounts: what is not known is in neither part."""
    for over, of in (("energy_used_kwh", "energy_known_km"), ("fuel_used_l", "fuel_known_km"),
                     ("balance_regenerated_kwh", "balance_used_kwh")):  # fmt: skip
        rate, again = (total(fleet, "energy", over) / total(fleet, "energy", of) for fleet in (clean, dirty))
        ledger.near(f"kpi.energy: {over} / {of}, dirty", rate, again, 0.01)


def test_standby_is_that_of_the_vehicle_days(clean: Fleet, ledger: Ledger) -> None:
    found, days = clean.found("kpi.standby"), clean.found("core.vehicle_days")
    drain = (found["standby_lost_pct"].sum() - found["standby_gained_pct"].sum()) / found["standby_h"].sum()
    ledger.near(
        "kpi.standby: charge lost per hour", days["standby_loss_pct"].sum() / days["standby_h"].sum(), drain, 1e-9
    )
    ledger.equal("kpi.standby: vehicles", days.height, found["vehicles"].sum())


def temperatures(trips: pl.DataFrame) -> pl.Series:
    """The temperature outside in the middle of each trip, as the simulator has it."""
    cities = {(city.market, city.name): number for number, city in enumerate(CITIES)}
    found = []
    for market, name, started, ended in trips.select("market", "city", "started_at", "ended_at").iter_rows():
        day = started.date()
        at = np.array([(started.timestamp() + ended.timestamp()) * 500], dtype=np.int64)
        city = np.array([cities[market, name]], dtype=np.int16)
        assert at[0] >= day_ms(day)
        found.append(float(ambient_c(city, at, day, weather_c(SEED, day))[0]))
    return pl.Series(found)


def test_energy_by_temperature(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    plug = trips.filter(pl.col("powertrain").is_in(["BEV", "PHEV"]))
    table = clean.found("kpi.energy_by_temperature")
    ledger.near(
        "kpi.energy_by_temperature: energy, clean", plug["energy_used_kwh"].sum(), table["energy_used_kwh"].sum()
    )
    vehicles = plug.select("vehicle_id", pl.col("started_at").dt.date()).n_unique()
    ledger.equal("kpi.energy_by_temperature: vehicles, each once a day", vehicles, table["vehicles"].sum())
    low = (temperatures(plug) / 5).floor().cast(pl.Int64) * 5
    truth = plug.with_columns(ambient_temperature=pl.format("{} to {}", low, low + 5))
    by = "ambient_temperature"
    both = truth.group_by(by).agg(pl.col("distance_km").sum()).join(
        table.group_by(by).agg(pl.col("distance_km").sum()), on=by, how="full", suffix="_found", coalesce=True
    ).fill_null(0)  # fmt: skip
    # What a sensor read over the trip is near that of its middle; trips at a limit may lie on either side.
    off = (both["distance_km"] - both["distance_km_found"]).abs().sum() / 2 / both["distance_km"].sum()
    ledger.within("kpi.energy_by_temperature: share of km in another class", off, 0, 0.03)


def test_fuel_by_temperature(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    table, engine = clean.found("kpi.fuel_by_temperature"), trips.filter(pl.col("powertrain") != "BEV")
    ledger.near("kpi.fuel_by_temperature: fuel, clean", engine["fuel_used_l"].sum(), table["fuel_used_l"].sum())
    assert "unknown" not in table["ambient_temperature"]


def test_trips_by_local_hour(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    local = [at.astimezone(ZoneInfo(ZONES[market])) for at, market in trips.select("started_at", "market").iter_rows()]
    truth = (
        trips.select("market", "distance_km")
        .with_columns(
            local_weekday=pl.Series([WEEKDAYS[at.weekday()] for at in local]),
            local_hour=pl.Series([f"{at.hour:02}" for at in local]),
        )
        .group_by("market", "local_weekday", "local_hour")
        .agg(trips=pl.len().cast(pl.Int64), distance_km=pl.col("distance_km").sum())
    )
    found = clean.found("kpi.trip_hours")
    by = found.group_by("market", "local_weekday", "local_hour").agg(pl.col("trips", "distance_km").sum())
    both = truth.join(by, on=["market", "local_weekday", "local_hour"], suffix="_found")
    ledger.equal("kpi.trip_hours: hours of the week with trips, clean", truth.height, by.height)
    ledger.equal(
        "kpi.trip_hours: hours with all their trips", truth.height, (both["trips"] == both["trips_found"]).sum()
    )
    ledger.near("kpi.trip_hours: distance, clean", truth["distance_km"].sum(), by["distance_km"].sum())
    vehicles = trips.select("vehicle_id", pl.col("started_at").dt.date()).n_unique()
    ledger.equal("kpi.trip_hours: vehicles, each once a day", vehicles, found["vehicles"].sum())


def test_trips_by_size(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    minutes = (trips["ended_at"] - trips["started_at"]).dt.total_microseconds() / 6e7
    found = clean.found("kpi.trip_sizes")
    for part, sizes in (("trips_by_length", trips["distance_km"]), ("trips_by_duration", minutes)):
        truth = pl.Series([ceil(log(size) / log(1.02)) for size in sizes]).value_counts().rename({"": "log_bucket"})
        by = found.group_by("log_bucket").agg(pl.col(part).sum()).filter(pl.col(part) > 0)
        ledger.equal(f"kpi.trip_sizes: {part}, clean", trips.height, by[part].sum())
        both = truth.join(by, on="log_bucket", how="full", coalesce=True).fill_null(0)
        # An odometer in metres may put a trip into the class beside its own.
        off = (both["count"].cast(pl.Int64) - both[part]).abs().sum() / 2
        ledger.within(f"kpi.trip_sizes: {part} in another class", off, 0, 0.02 * trips.height)


def test_road_speed(clean: Fleet, trips: pl.DataFrame, ledger: Ledger) -> None:
    found = clean.found("kpi.road_speed")
    classes = [name for name in found.columns if name.startswith("speed_from_")]
    ledger.near("kpi.road_speed: time in motion, clean", trips["driving_s"].sum(), found["driving_s"].sum())
    ledger.near(
        "kpi.road_speed: its classes", found["driving_s"].sum(), found.select(classes).sum_horizontal().sum(), 1e-9
    )
    fast = trips.filter(pl.col("max_speed_kmh") >= 130)
    assert found["speed_from_130_s"].sum() > 0 or fast.is_empty()
    slow = found.group_by("powertrain").agg(pl.col("speed_from_0_s", "driving_s").sum())
    assert (slow["speed_from_0_s"] < slow["driving_s"]).all()
