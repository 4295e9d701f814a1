"""KPIs of charging are those of the sessions that there were."""

from __future__ import annotations

from datetime import date
from math import ceil, log
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.integration.truth.fleets import Fleet, Ledger
from tests.integration.truth.test_usage_kpis import ZONES

_HOURS = 3.6e9  # microseconds


@pytest.fixture(scope="module")
def until(clean: Fleet) -> date:
    """The first day with a session that is not over: days before it hold whole sessions."""
    cut_off = clean.truth("charging_sessions").filter(~pl.col("complete"))["started_at"].min()
    assert cut_off is not None
    return cut_off.date()  # type: ignore[union-attr, no-any-return]


@pytest.fixture(scope="module")
def sessions(clean: Fleet, until: date) -> pl.DataFrame:
    """The true sessions of the days before, with the market of their vehicle."""
    vehicles = clean.truth("vehicles").select("vehicle_id", "market")
    truth = clean.truth("charging_sessions").join(vehicles, on="vehicle_id")
    return truth.filter(pl.col("started_at").dt.date() < until).with_columns(
        hours=(pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / _HOURS,
        plugged_h=(pl.col("unplugged_at") - pl.col("plugged_at")).dt.total_microseconds() / _HOURS,
    )


def found(fleet: Fleet, table: str, until: date) -> pl.DataFrame:
    return fleet.found(f"kpi.{table}").filter(pl.col("date") < until)


def test_sessions_and_what_they_charged(clean: Fleet, sessions: pl.DataFrame, until: date, ledger: Ledger) -> None:
    parts, told = found(clean, "charging", until), sessions.filter("events_sent")
    for part, truth in {
        "sessions": sessions.height,
        "told_sessions": told.height,
        "vehicles": sessions.select("vehicle_id", pl.col("started_at").dt.date()).n_unique(),
        "drawn_sessions": told.height,
        "stored_sessions": sessions.height,
        "home_sessions": told.filter(place="home").height,
        "work_sessions": told.filter(place="work").height,
        "public_sessions": told.filter(place="public").height,
        "reason_sessions": told.height,
        "interrupted_sessions": told["interrupted"].sum(),
        "soc_start_sessions": sessions.height,
        "soc_end_sessions": sessions.height,
    }.items():
        ledger.equal(f"kpi.charging: {part}, clean", truth, parts[part].sum())
    for part, amount in {
        "drawn_kwh": told["energy_in_kwh"].sum(),
        "balance_drawn_kwh": told["energy_in_kwh"].sum(),
        "balance_stored_kwh": told["energy_stored_kwh"].sum(),
        "stored_kwh": sessions["energy_stored_kwh"].sum(),
        "ac_kwh": sessions.filter(current_type="AC")["energy_stored_kwh"].sum(),
        "dc_kwh": sessions.filter(current_type="DC")["energy_stored_kwh"].sum(),
        "soc_start_pct": sessions["soc_start_pct"].sum(),
        "soc_end_pct": sessions["soc_end_pct"].sum(),
        "soc_start_squares": (sessions["soc_start_pct"] ** 2).sum(),
        "soc_end_squares": (sessions["soc_end_pct"] ** 2).sum(),
    }.items():
        ledger.near(f"kpi.charging: {part}, clean", amount, parts[part].sum())
    # A pause lasts from 3 to 8 minutes, and is not time charging.
    for current in ("AC", "DC"):
        of = sessions.filter(current_type=current)
        whole, pauses = of["hours"].sum(), of["interruptions"].sum()
        hours = parts[f"{current.lower()}_h"].sum()
        ledger.within(
            f"kpi.charging: hours {current}, of {whole:.2f}", hours, whole - pauses * 0.134, whole - pauses * 0.049
        )


def test_rates_of_charging_in_spite_of_dirt(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    one, other = clean.found("kpi.charging"), dirty.found("kpi.charging")
    for over, of, share in (
        ("balance_stored_kwh", "balance_drawn_kwh", 0.01),
        ("soc_start_pct", "soc_start_sessions", 0.05),
        ("soc_end_pct", "soc_end_sessions", 0.05),
    ):
        rate, again = (frame[over].sum() / frame[of].sum() for frame in (one, other))
        ledger.near(f"kpi.charging: {over} / {of}, dirty", rate, again, share)


def test_sessions_by_local_hour(clean: Fleet, sessions: pl.DataFrame, until: date, ledger: Ledger) -> None:
    local = [
        at.astimezone(ZoneInfo(ZONES[market])).hour for at, market in sessions.select("started_at", "market").rows()
    ]
    truth = pl.DataFrame({"local_hour": [f"{hour:02}" for hour in local]}).group_by("local_hour").len()
    by = found(clean, "charging_hours", until).group_by("local_hour").agg(pl.col("sessions").sum())
    both = truth.join(by, on="local_hour", how="full", coalesce=True).fill_null(0)
    ledger.equal("kpi.charging_hours: hours", truth.height, by.height)
    stored = found(clean, "charging_hours", until)["energy_kwh"].sum()
    ledger.near("kpi.charging_hours: energy_kwh, clean", sessions["energy_stored_kwh"].sum(), stored)
    ledger.equal(
        "kpi.charging_hours: hours with all their sessions", truth.height, (both["len"] == both["sessions"]).sum()
    )


def test_powers(clean: Fleet, sessions: pl.DataFrame, until: date, ledger: Ledger) -> None:
    parts = found(clean, "charging_powers", until)
    for current in ("AC", "DC"):
        truth = sessions.filter(current_type=current)
        for measure in ("mean", "highest"):
            part = f"{current.lower()}_sessions_by_{measure}"
            ledger.equal(f"kpi.charging_powers: {part}, clean", truth.height, parts[part].sum())
        # Of sessions that a charge point told of, the highest power is that of its meter.
        told = truth.filter("events_sent")["power_max_kw"]
        by = parts.group_by("log_bucket").agg(pl.col(f"{current.lower()}_sessions_by_highest").sum().alias("n"))
        there = set(by.filter(pl.col("n") > 0)["log_bucket"])
        near = {ceil(log(power) / log(1.02)) for power in told}
        ledger.within(
            f"kpi.charging_powers: classes of {current} missed", len(near - there) / max(len(near), 1), 0, 0.1
        )


def test_plug_ins(clean: Fleet, sessions: pl.DataFrame, until: date, ledger: Ledger) -> None:
    """In the simulated fleet every cable charges."""
    cables, days = clean.found("core.plug_ins"), pl.col("plugged_at").dt.date()
    truth = clean.truth("charging_sessions").filter("complete", days < until)
    whole = cables.filter(pl.col("date") < until)
    both = truth.join(whole, on=["vehicle_id", "plugged_at"], suffix="_found")
    ledger.equal("core.plug_ins: plug-ins, clean", truth.height, whole.height)
    ledger.equal("core.plug_ins: found by plug", truth.height, both.height)
    ledger.equal(
        "core.plug_ins: found by unplug", truth.height, (both["unplugged_at"] == both["unplugged_at_found"]).sum()
    )
    ledger.equal("core.plug_ins: told of by events", truth["events_sent"].sum(), both["told"].sum())
    parts = found(clean, "plugging", until)
    ledger.equal("kpi.plugging: plug-ins, clean", truth.height, parts["plug_ins"].sum())
    ledger.equal("kpi.plugging: of known outcome", truth["events_sent"].sum(), parts["outcome_plug_ins"].sum())
    ledger.equal("kpi.plugging: of known times", truth.height, parts["timed_plug_ins"].sum())
    ledger.equal("kpi.plugging: that never charged", 0, parts["uncharged_plug_ins"].sum())
    plugged = (truth["unplugged_at"] - truth["plugged_at"]).dt.total_microseconds().sum() / _HOURS
    charged = (truth["ended_at"] - truth["started_at"]).dt.total_microseconds().sum() / _HOURS
    ledger.near("kpi.plugging: hours plugged, clean", plugged, parts["plugged_h"].sum(), 1e-6)
    ledger.near("kpi.plugging: hours idle, clean", plugged - charged, parts["idle_h"].sum(), 0.01)
