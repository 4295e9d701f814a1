"""KPIs of driving automation are those of the stretches that were driven with it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from metrics import load_contracts
from metrics.kinds.quantile import bucket_of
from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger
from transforms.kpi import run_kpi

LAST = FIRST + timedelta(days=DAYS - 1)
#: Parts of kpi.engagements by the reason that they count.
REASONS = {
    "override_disengagements": "driver_override",
    "lane_change_disengagements": "lane_change",
    "destination_disengagements": "destination",
    "comfort_disengagements": "comfort",
    "speed_disengagements": "speed",
    "lane_markings_disengagements": "lane_markings",
    "weather_disengagements": "weather",
    "construction_disengagements": "construction_zone",
    "sensor_disengagements": "sensor_blocked",
}


@pytest.fixture(scope="module")
def segments(clean: Fleet) -> pl.DataFrame:
    """The true stretches, with the level that their vehicle has."""
    fitted = clean.truth("vehicles").select("vehicle_id", fitted="automation_level")
    truth = clean.truth("automation_segments").with_columns(date=pl.col("engaged_at").dt.date())
    return truth.join(fitted, on="vehicle_id")


@pytest.fixture(scope="module")
def trips(clean: Fleet) -> pl.DataFrame:
    """The true trips that are over, with the level that their vehicle has."""
    fitted = clean.truth("vehicles").select("vehicle_id", fitted="automation_level")
    truth = clean.truth("trips").filter("complete").with_columns(date=pl.col("started_at").dt.date())
    return truth.join(fitted, on="vehicle_id")


def test_fitted_vehicles_of_each_day(clean: Fleet, ledger: Ledger) -> None:
    kpi, vehicles = clean.found("kpi.automation"), clean.truth("vehicles")
    for day in (FIRST + timedelta(n) for n in range(DAYS)):
        there = vehicles.filter(pl.col("delivered_on") <= day)
        known = {
            "known_vehicles": there.height,
            "fitted_vehicles": there.filter(pl.col("automation_level") >= 2).height,
            "level_3_vehicles": there.filter(pl.col("automation_level") >= 3).height,
        }
        now = kpi.filter(pl.col("date") == day)
        assert {part: now[part].sum() for part in known} == known, day
    last = kpi.filter(date=LAST, automation_level="3")
    of_level_3 = vehicles.filter(pl.col("delivered_on") <= LAST, automation_level=3).height
    ledger.equal("kpi.automation: fitted_vehicles of level 3", of_level_3, last["fitted_vehicles"].sum())
    assert of_level_3


def test_engaged_share_of_the_distance(
    clean: Fleet, segments: pl.DataFrame, trips: pl.DataFrame, ledger: Ledger
) -> None:
    kpi = clean.found("kpi.automation")
    at, fitted = pl.col("level"), pl.col("fitted")
    for part, truth in {
        "fitted_km": trips.filter(fitted >= 2),
        "level_3_fitted_km": trips.filter(fitted >= 3),
        "level_4_fitted_km": trips.filter(fitted >= 4),
        "engaged_km": segments,
        "engaged_level_2_km": segments.filter(at == 2),
        "engaged_level_3_km": segments.filter(at == 3),
        "engaged_level_4_km": segments.filter(at >= 4),
    }.items():
        ledger.near(f"kpi.automation: {part}, clean", truth["distance_km"].sum(), kpi[part].sum())
    for part, truth in {
        "driven_vehicles": trips.filter(fitted >= 2),
        "level_3_driven_vehicles": trips.filter(fitted >= 3),
        "level_4_driven_vehicles": trips.filter(fitted >= 4),
        "engaged_vehicles": segments,
    }.items():
        ledger.equal(f"kpi.automation: {part}, clean", truth.n_unique(["vehicle_id", "date"]), kpi[part].sum())
    assert segments["level"].n_unique() == 2


def test_stretches_and_how_they_end(clean: Fleet, segments: pl.DataFrame, ledger: Ledger) -> None:
    kpi = clean.found("kpi.engagements")
    driver, system = segments.filter(ended_by="driver"), segments.filter(ended_by="system")
    counts = {
        "vehicles": segments.n_unique(["vehicle_id", "date"]),
        "segments": segments.height,
        "measured_segments": segments.height,
        "takeover_requests": segments["takeover_requests"].sum(),
        "driver_ended_requests": driver["takeover_requests"].sum(),
        "system_ended_requests": system["takeover_requests"].sum(),
        "disengagements": segments.height,
        "driver_disengagements": driver.height,
        "system_disengagements": system.height,
        "other_disengagements": 0,
    } | {part: segments.filter(reason=reason).height for part, reason in REASONS.items()}
    for part, truth in counts.items():
        ledger.equal(f"kpi.engagements: {part}, clean", truth, kpi[part].sum())
    assert driver.height
    assert system.height
    assert counts["takeover_requests"]
    assert sum(counts[part] for part in REASONS) == segments.height
    km = segments["distance_km"]
    ledger.near("kpi.engagements: engaged_km, clean", km.sum(), kpi["engaged_km"].sum())
    ledger.near("kpi.engagements: engaged_km_squared, clean", (km**2).sum(), kpi["engaged_km_squared"].sum())
    by_level = segments.group_by(engaged_level=pl.col("level").cast(pl.String)).agg(pl.len().cast(pl.Int64))
    found = kpi.group_by("engaged_level").agg(pl.col("disengagements").sum())
    assert found.sort("engaged_level").rows() == by_level.sort("engaged_level").rows()


def test_who_disengaged_and_why(clean: Fleet, segments: pl.DataFrame, ledger: Ledger) -> None:
    kpi = clean.found("kpi.disengagements")
    by = ["initiator", "reason"]
    truth = segments.group_by(initiator="ended_by", reason="reason").agg(
        disengagements=pl.len().cast(pl.Int64), takeover_requests=pl.col("takeover_requests").sum()
    )
    found = kpi.group_by(by).agg(pl.col("disengagements", "takeover_requests").sum())
    assert found.sort(by).rows() == truth.sort(by).rows()
    ledger.equal("kpi.disengagements: disengagements, clean", segments.height, kpi["disengagements"].sum())
    asked = segments["takeover_requests"].sum()
    ledger.equal("kpi.disengagements: timed_takeovers, clean", asked, kpi["timed_takeovers"].sum())
    # A request comes one sample of 10 s before the end, in one of four cases two.
    after = dict(
        kpi.filter(pl.col("timed_takeovers") > 0)
        .group_by("log_bucket")
        .agg(pl.col("timed_takeovers").sum())
        .iter_rows()
    )
    assert set(after) == {bucket_of(10), bucket_of(20)}
    spread = 4 * (asked * 0.25 * 0.75) ** 0.5
    ledger.within(f"kpi.disengagements: takeovers after 20 s, of {asked}", after[bucket_of(20)],
                  0.25 * asked - spread, 0.25 * asked + spread)  # fmt: skip


def _lived_twice(frame: pl.DataFrame) -> pl.DataFrame:
    """The same fortnight, and again three weeks later."""
    return pl.concat([frame, frame.with_columns(pl.col("date") + timedelta(21))])


def test_funnel(clean: Fleet, segments: pl.DataFrame, ledger: Ledger) -> None:
    """Too few are delivered in a fortnight: all who are there are taken to have been delivered on its first day."""
    tables = {name: clean.found(name) for name in ("core.vehicle_days", "core.vehicles")}
    tables["core.vehicles"] = tables["core.vehicles"].with_columns(delivered_on=pl.lit(FIRST))
    tables["core.automation_segments"] = _lived_twice(clean.found("core.automation_segments"))
    kpi = run_kpi(load_contracts().table("automation_funnel").sql, tables, FIRST, FIRST)

    there = clean.truth("vehicles").filter(
        "telematics_unit", pl.col("automation_level") >= 2, pl.col("delivered_on") <= FIRST
    )
    days = _lived_twice(segments.select("vehicle_id", "date").unique()).join(
        there.select("vehicle_id"), on="vehicle_id"
    )
    days = days.with_columns(
        age=(pl.col("date") - FIRST).dt.total_days(),
        since=(pl.col("date") - pl.col("date").min().over("vehicle_id")).dt.total_days(),
    )
    each = days.group_by("vehicle_id").agg(
        first=pl.col("age").min(),
        by_28=(pl.col("age") <= 28).sum(),
        week_4=pl.col("since").is_between(21, 27).any(),
    )
    engaged = each.filter(pl.col("first") <= 14)
    three = engaged.filter(pl.col("by_28") >= 3)
    steps = {
        "delivered": there.height,
        "engaged": engaged.height,
        "engaged_3_days": three.height,
        "engaged_in_week_4": three.filter("week_4").height,
    }
    for step, truth in steps.items():
        found = kpi.filter(step=step)["reached_vehicles"].sum()
        ledger.equal(f"kpi.automation_funnel: {step}", truth, found)
    assert there.height > engaged.height > three.height > 0
    ledger.equal("kpi.automation_funnel: vehicles", there.height, kpi["vehicles"].sum())


def test_dirt_changes_little(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    """A lost event may change the end of a stretch, or its length; rates are of what is known."""
    one, other = clean.found("kpi.engagements"), dirty.found("kpi.engagements")
    for over, share in (("disengagements", 0.02), ("driver_disengagements", 0.04), ("takeover_requests", 0.05)):
        rate, again = (1000 * kpi[over].sum() / kpi["engaged_km"].sum() for kpi in (one, other))
        ledger.near(f"kpi.engagements: {over} per 1,000 km, dirty", rate, again, share)
    share, again = (
        kpi["engaged_km"].sum() / kpi["fitted_km"].sum()
        for kpi in (fleet.found("kpi.automation") for fleet in (clean, dirty))
    )
    ledger.near("kpi.automation: engaged_km / fitted_km, dirty", share, again, 0.02)
