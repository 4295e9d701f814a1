"""What vehicles said last of their condition: by a plain restatement over raw, and by the failures that are true."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from tests.integration.truth.fleets import DAYS, FIRST, Fleet, Ledger

LAST = FIRST + timedelta(days=DAYS - 1)
WHEELS = [f"tyre_pressure_{end}_{side}_kpa" for end in ("front", "rear") for side in ("left", "right")]


def _last(telemetry: pl.DataFrame, name: str, counts: pl.Expr, low: float, high: float) -> pl.DataFrame:
    told = telemetry.filter(pl.col(name).is_between(low, high), counts)
    return told.group_by("date", "vehicle_id").agg(pl.col(name).last())


@pytest.mark.parametrize("name", ["clean", "dirty"])
def test_the_last_of_each_day_is_what_was_sent_last(name: str, request: pytest.FixtureRequest, ledger: Ledger) -> None:
    fleet: Fleet = request.getfixturevalue(name)
    found = fleet.found("core.vehicle_conditions")
    telemetry = fleet.found("raw.telemetry").sort("event_at", "sequence").with_columns(date=pl.col("event_date"))
    heard = telemetry.filter(pl.any_horizontal(pl.col("brake_pad_wear_pct", *WHEELS).is_not_null()))
    ledger.equal(f"core.vehicle_conditions: rows, {name}", heard.n_unique(["date", "vehicle_id"]), found.height)
    off = ~pl.col("ignition_on") & ~pl.col("charging_on").fill_null(value=False)
    for column, signal, counts, high in (
        ("brake_pad_wear_pct", "brake_pad_wear_pct", pl.lit(value=True), 100.0),
        ("lv_battery_rest_voltage_v", "lv_battery_voltage_v", off, 13.2),
    ):
        both = found.join(
            _last(telemetry, signal, counts, 0.0, high).rename({signal: "sent"}), on=["date", "vehicle_id"], how="left"
        )
        same = both.filter(pl.col(column).eq_missing(pl.col("sent")))
        ledger.equal(f"core.vehicle_conditions: {column} as sent last, {name}", both.height, same.height)
    tyres = found.select("date", "vehicle_id", "tyre_pressure_lowest_kpa")
    for wheel in WHEELS:
        tyres = tyres.join(
            _last(telemetry, wheel, pl.lit(value=True), 0.0, 1500.0), on=["date", "vehicle_id"], how="left"
        )
    lowest = tyres.filter(pl.col("tyre_pressure_lowest_kpa").eq_missing(pl.min_horizontal(WHEELS)))
    ledger.equal(f"core.vehicle_conditions: lowest tyre as sent last, {name}", tyres.height, lowest.height)


def test_failures_show(clean: Fleet, ledger: Ledger) -> None:
    """A 12 V battery, a tyre or brake pads that set their code on a day look like it at the end of that day."""
    found = clean.found("core.vehicle_conditions")
    shows = {
        "lv_battery": pl.col("lv_battery_rest_voltage_v") < 12.2,
        "tyre_leak": pl.col("tyre_pressure_axle_pct") < 85,
        "brake_wear": pl.col("brake_pad_wear_pct") >= 91.9,
    }
    failed = clean.truth("failures").filter("complete", pl.col("cause").is_in(list(shows)))
    failed = failed.filter(pl.col("failed_on").is_between(FIRST, LAST), pl.col("repaired_on").is_null())
    for cause, sign in shows.items():
        of_cause = failed.filter(cause=cause).select("vehicle_id", date=pl.col("failed_on"))
        seen = of_cause.join(found, on=["vehicle_id", "date"]).filter(sign)
        ledger.equal(f"core.vehicle_conditions: {cause} shows on the day of its code", of_cause.height, seen.height)
    well = found.join(clean.truth("failures"), on="vehicle_id", how="anti")
    ledger.equal(
        "core.vehicle_conditions: low at rest without a failure", 0, (well["lv_battery_rest_voltage_v"] < 12.0).sum()
    )
    ledger.equal("core.vehicle_conditions: soft tyre without a failure", 0, (well["tyre_pressure_axle_pct"] < 80).sum())
