"""The trips that vehicles drove are found, one by one, with all that is told about them."""

from __future__ import annotations

import polars as pl

from tests.integration.truth.fleets import Fleet, Ledger

COUNTS = ("refuels", "harsh_accelerations", "harsh_brakings", "harsh_cornerings")
AMOUNTS = (
    "distance_km", "energy_used_kwh", "energy_regenerated_kwh", "fuel_used_l", "refuelled_pct",
)  # fmt: skip
TIMES = ("driving_s", "idle_s")
KEY = ["vehicle_id", "started_at"]


def paired(fleet: Fleet) -> pl.DataFrame:
    """Complete true trips beside the found ones of the same vehicle and start; what is found has ``_found``."""
    truth = fleet.truth("trips").filter("complete")
    return truth.join(fleet.found("core.trips"), on=KEY, how="left", suffix="_found")


def test_every_trip_is_found_and_no_other(clean: Fleet, ledger: Ledger) -> None:
    both = paired(clean)
    ledger.equal("core.trips: trips, clean", both.height, clean.found("core.trips").height)
    ledger.equal("core.trips: found by start and end", both.height, (both["ended_at"] == both["ended_at_found"]).sum())
    for name in ("messages", "max_speed_kmh", *TIMES, *COUNTS):
        ledger.equal(f"core.trips: {name}, clean", both[name].sum(), both[f"{name}_found"].sum())
        assert (both[name] == both[f"{name}_found"]).all(), name


def test_amounts_of_trips_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    both = paired(clean)
    for name in AMOUNTS:
        ledger.near(f"core.trips: {name}, clean", both[name].sum(), both[f"{name}_found"].sum())
        # Counters are sent in thousandths, levels in tenths of a percent.
        known = both.filter(pl.col(f"{name}_found").is_not_null())
        assert (known[name] - known[f"{name}_found"]).abs().max() <= (0.11 if name == "refuelled_pct" else 0.002), name
    unknown = both.filter(pl.col("energy_used_kwh_found").is_null())
    assert unknown["energy_used_kwh"].sum() == unknown["energy_regenerated_kwh"].sum() == 0
    assert both.filter(pl.col("fuel_used_l_found").is_null())["fuel_used_l"].sum() == 0
    for end in ("start", "end"):
        off = (both[f"{end}_latitude_deg"] - both[f"{end}_latitude_deg_found"]).abs()
        assert off.max() <= 0.00501


def test_trips_are_found_in_spite_of_dirt(dirty: Fleet, ledger: Ledger) -> None:
    both = paired(dirty)
    found = dirty.found("core.trips")
    ledger.near("core.trips: trips, dirty", both.height, found.height, 0.015)
    # A lost first or last message, or a wrong clock, moves a start.
    ledger.within("core.trips: share found by start, dirty", both["ended_at_found"].count() / both.height, 0.98, 1)
    for name in ("distance_km", "fuel_used_l", *TIMES):
        ledger.near(f"core.trips: {name}, dirty", both[name].sum(), found[name].sum(), 0.01)
    for name in ("energy_used_kwh", "energy_regenerated_kwh"):
        ledger.near(f"core.trips: {name}, dirty", both[name].sum(), found[name].sum(), 0.02)
    for name in ("refuelled_pct", *COUNTS):
        ledger.near(f"core.trips: {name}, dirty", both[name].sum(), found[name].sum(), 0.05)


def test_where_nobody_lies_next_to_nothing_is_doubted(clean: Fleet, ledger: Ledger) -> None:
    doubts, days = clean.found("core.doubts"), clean.found("core.vehicle_days")
    doubted = doubts.select("vehicle_id", "date").n_unique() if doubts.height else 0
    ledger.within("core.doubts: doubted per thousand vehicle-days, clean", 1000 * doubted / days.height, 0, 1)


def test_units_that_are_mixed_up_are_told(dirty: Fleet, ledger: Ledger) -> None:
    doubts = dirty.found("core.doubts")
    counts = {row[:2]: row[2] for row in doubts.group_by("signal", "kind").len().iter_rows()}
    days = dirty.found("core.vehicle_days").height
    share = doubts.select("vehicle_id", "date").n_unique() / days
    ledger.within(f"core.doubts: share of vehicle-days doubted, dirty; {counts}", share, 0, 0.2)
