"""Vehicle-days hold what the trips of their day hold, and what parked vehicles lose."""

from __future__ import annotations

import polars as pl

from tests.integration.truth.fleets import Fleet, Ledger

SUMS = ("distance_km", "driving_s", "idle_s", "energy_used_kwh", "energy_regenerated_kwh", "fuel_used_l")
COUNTS = ("refuels", "harsh_accelerations", "harsh_brakings", "harsh_cornerings")


def test_days_add_up_to_the_true_trips(clean: Fleet, ledger: Ledger) -> None:
    day = pl.col("started_at").dt.date().alias("date")
    truth = clean.truth("trips").group_by("vehicle_id", day).agg(pl.len().alias("trips"), pl.col(*SUMS, *COUNTS).sum())
    found = clean.found("core.vehicle_days")
    both = truth.join(found, on=["vehicle_id", "date"], how="left", suffix="_found")
    ledger.equal("core.vehicle_days: active, clean", truth.height, found["active"].sum())
    for name in ("trips", *COUNTS):
        ledger.equal(f"core.vehicle_days: {name}, clean", truth[name].sum(), found[name].sum())
        assert (both[name] == both[f"{name}_found"]).all(), name
    for name in SUMS:
        ledger.near(f"core.vehicle_days: {name}, clean", truth[name].sum(), found[name].sum())


def test_rates_have_their_own_distance(clean: Fleet, ledger: Ledger) -> None:
    found = clean.found("core.vehicle_days")
    trips = clean.truth("trips").join(clean.truth("vehicles").select("vehicle_id", "powertrain"), on="vehicle_id")
    plug, tank = pl.col("powertrain").is_in(["PHEV", "BEV"]), pl.col("powertrain") != "BEV"
    for name, has in (("energy_known_km", plug), ("fuel_known_km", tank)):
        ledger.near(f"core.vehicle_days: {name}, clean", trips.filter(has)["distance_km"].sum(), found[name].sum())


def test_parked_vehicles_lose_the_same_with_and_without_dirt(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    found, disturbed = clean.found("core.vehicle_days"), dirty.found("core.vehicle_days")
    lost = found["standby_loss_pct"].sum() / found["standby_h"].sum()
    again = disturbed["standby_loss_pct"].sum() / disturbed["standby_h"].sum()
    ledger.within("core.vehicle_days: charge lost per parked hour, clean, pct", lost, 0.005, 0.1)
    ledger.near("core.vehicle_days: charge lost per parked hour, dirty, pct", lost, again, 0.03)
    ledger.near("core.vehicle_days: parked hours, dirty", found["standby_h"].sum(), disturbed["standby_h"].sum(), 0.02)
