"""Charging sessions are found, one by one, with all that is told about them; and what batteries hold."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from tests.integration.truth.fleets import Fleet, Ledger

KEY = ["vehicle_id", "started_at"]
TIMES = ("plugged_at", "ended_at", "unplugged_at")
TEXTS = ("current_type", "place", "end_reason", "session_id")
#: Half the step in which it is sent.
STEPS = {"energy_in_kwh": 0.0006, "energy_stored_kwh": 0.0011, "soc_start_pct": 0.051, "soc_end_pct": 0.051}


def paired(fleet: Fleet) -> pl.DataFrame:
    """Complete true sessions beside the found ones of the same vehicle and start; what is found has ``_found``."""
    truth = fleet.truth("charging_sessions").filter("complete")
    return truth.join(fleet.found("core.charging_sessions"), on=KEY, how="left", suffix="_found")


def complete(fleet: Fleet) -> pl.DataFrame:
    """Found sessions that are not those that the truth calls incomplete."""
    cut_off = fleet.truth("charging_sessions").filter(~pl.col("complete"))
    return fleet.found("core.charging_sessions").join(cut_off, on=KEY, how="anti")


def test_every_session_is_found_and_no_other(clean: Fleet, ledger: Ledger) -> None:
    both = paired(clean)
    ledger.equal("core.charging_sessions: sessions, clean", both.height, complete(clean).height)
    ledger.equal("core.charging_sessions: found by start", both.height, both["method"].count())
    for name in (*TIMES, "interruptions"):
        ledger.equal(f"core.charging_sessions: {name}, clean", both.height, (both[name] == both[f"{name}_found"]).sum())
    # What only a charge point knows is known where it sends events.
    told = both.filter("events_sent")
    for name in (*TEXTS, "interrupted"):
        ledger.equal(f"core.charging_sessions: {name}, clean", told.height, (told[name] == told[f"{name}_found"]).sum())
    assert (both["current_type"] == both["current_type_found"]).all()


def test_energy_and_state_of_charge_are_the_true_ones(clean: Fleet, ledger: Ledger) -> None:
    both = paired(clean)
    told = both.filter("events_sent")
    for name, step in STEPS.items():
        known = told if name == "energy_in_kwh" else both
        ledger.near(f"core.charging_sessions: {name}, clean", known[name].sum(), known[f"{name}_found"].sum())
        assert (known[name] - known[f"{name}_found"]).abs().max() <= step, name
    ledger.near("core.charging_sessions: power_max_kw", told["power_max_kw"].sum(), told["power_max_kw_found"].sum())
    # Without a charge point that tells, power is that at the battery, behind the losses.
    assert (both["power_max_kw_found"] <= both["power_max_kw"] + 0.01).all()
    assert (both["power_max_kw_found"] >= 0.8 * both["power_max_kw"]).all()


def test_sessions_are_found_in_spite_of_dirt(dirty: Fleet, ledger: Ledger) -> None:
    both, found = paired(dirty), complete(dirty)
    ledger.near("core.charging_sessions: sessions, dirty", both.height, found.height, 0.05)
    # A lost first message, or a wrong clock, moves a start; a dead modem hides a session.
    ledger.within("core.charging_sessions: share found by start, dirty", both["method"].count() / both.height, 0.92, 1)
    known = both.filter(pl.col("method").is_not_null())
    ledger.near(
        "core.charging_sessions: energy_stored_kwh of these, dirty",
        known["energy_stored_kwh"].sum(), known["energy_stored_kwh_found"].sum(), 0.01,
    )  # fmt: skip
    ended = (known["ended_at"] - known["ended_at_found"]).abs() <= timedelta(minutes=1)
    ledger.within("core.charging_sessions: share found by end, dirty", ended.sum() / known.height, 0.95, 1)


def capacities(fleet: Fleet) -> pl.DataFrame:
    """The newest estimate of each battery beside the true capacity, of the same or the last day known before."""
    found = fleet.found("core.battery_health").sort("date").unique("vehicle_id", keep="last", maintain_order=True)
    truth = fleet.truth("battery").sort("date").select("vehicle_id", "date", "capacity_kwh", "capacity_new_kwh")
    return found.join_asof(truth, on="date", by="vehicle_id", suffix="_true", check_sortedness=False)


def test_capacities_are_the_true_ones(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    for name, fleet, share in (("clean", clean, 0.005), ("dirty", dirty, 0.01)):
        both = capacities(fleet)
        assert both.height > 0
        off = (both["capacity_kwh"] / both["capacity_kwh_true"] - 1).abs().max()
        ledger.within(f"core.battery_health: largest share off, {name}", off, 0, share)
        held = both.filter(pl.col("capacity_kwh_true").is_between("capacity_low_kwh", "capacity_high_kwh"))
        ledger.equal(f"core.battery_health: truth within the interval, {name}", both.height, held.height)
        assert (both["capacity_new_kwh"] == both["capacity_new_kwh_true"]).all()
