"""Data that breaks a rule is not built upon in the same run, and is not published."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from dagster import ExecuteInProcessResult, RunRequest

from lake.snapshot import current
from lake.tables import Appender, Table, open_table
from metrics.specs import table_specs
from orchestration import building
from orchestration.checks import Session, data_checks, run_checks
from orchestration.feeds import land_feeds
from orchestration.recipes import recipes
from tests.integration.orchestration.platform import MONDAY, Platform

TUESDAY = MONDAY + timedelta(1)


def failed_checks(result: ExecuteInProcessResult) -> dict[str, str]:
    """Checks that failed in a run, each with the rules that it names."""
    found = {}
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            rules = check.metadata.get("rules_broken")
            found[f"{'.'.join(check.asset_key.path)} {check.check_name}"] = str(rules.value) if rules else ""
    return found


def made(result: ExecuteInProcessResult) -> set[str]:
    """Tables that were made in a run."""
    events = result.get_asset_materialization_events()
    return {".".join(e.asset_key.path) for e in events if e.asset_key is not None}


@pytest.fixture
def published(platform: Platform) -> Platform:
    platform.send("first.csv", range(3))
    platform.work()
    return platform


def test_a_wrong_row_count_blocks_what_depends_on_the_table(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.send("first.csv", range(3))
    land_feeds(platform.lake, platform.settings)
    write = Table.replace_days

    def lose_a_trip(table: Table, frame: pl.DataFrame, days: Collection[date], **how: Any) -> None:
        write(table, frame[1:] if table.spec.name == "core.trips" else frame, days, **how)

    monkeypatch.setattr(Table, "replace_days", lose_a_trip)
    job = platform.definitions.resolve_job_def("build")
    result = job.execute_in_process(partition_key=TUESDAY.isoformat(), instance=platform.instance, raise_on_error=False)
    assert failed_checks(result) == {"core.trips rows_as_recorded": ""}
    behind = {"core.trips"}
    for recipe in recipes():
        behind |= {recipe.table} if behind & recipe.inputs.keys() else set()
    assert {"core.vehicle_days", "core.activity", "kpi.active_vehicles", "kpi.driving"} <= behind
    assert made(result) == {recipe.table for recipe in recipes()} - behind | {"core.trips"}


@pytest.mark.parametrize(
    ("table", "column", "value", "broken"),
    [
        ("core.trips", "distance_km", pl.lit(-1.0), {"core.trips contract": "distance_km|min: 6"}),
        (
            "core.trips",
            "ended_at",
            pl.col("started_at") - pl.duration(minutes=5),
            {"core.trips trips_are_plausible": ""},
        ),
        ("kpi.driving", "trips", pl.col("trips") + 1, {"kpi.driving agrees_with_core": ""}),
    ],
)
def test_what_breaks_a_rule_is_not_published(
    published: Platform, table: str, column: str, value: pl.Expr, broken: dict[str, str]
) -> None:
    before = current(published.lake)
    rows = Table(published.lake, table_specs()[table])
    building.build(published.lake, published.settings, MONDAY, MONDAY + timedelta(2))
    good = rows.scan().collect()
    rows.replace_days(good.with_columns(value.alias(column)), good["date"].unique().to_list())

    result = published.run(RunRequest(), "publish", fails=True)
    assert broken.items() <= failed_checks(result).items()
    assert made(result) == set()
    assert current(published.lake) == before


def test_the_nightly_job_does_not_publish_what_breaks_a_rule(published: Platform) -> None:
    before = current(published.lake)
    building.build(published.lake, published.settings, TUESDAY, TUESDAY)
    driving = Table(published.lake, table_specs()["kpi.driving"])
    driving.replace_days(driving.scan(TUESDAY, TUESDAY).collect().with_columns(trips=pl.col("trips") + 1), [TUESDAY])
    failed = published.run(RunRequest(), "nightly", fails=True)
    failure = failed.failure_data_for_node("publish_what_holds")
    assert failure is not None
    assert "Not published: kpi.driving.agrees_with_core" in str(failure.error)
    assert current(published.lake) == before


def test_records_that_vanish_from_raw_are_noticed(published: Platform) -> None:
    raw = open_table(published.lake, "raw.telemetry")
    raw.replace_days(raw.scan(TUESDAY, TUESDAY).collect()[1:], [TUESDAY])
    result = published.run(RunRequest(), "land", fails=True)
    assert failed_checks(result) == {"raw.telemetry every_landed_record_is_there": ""}


@pytest.mark.parametrize("late", [False, True], ids=["before raw is counted", "after"])
def test_what_lands_while_a_check_counts_is_no_fault(
    late: bool, published: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, seen = Table.scan, []

    def scanned(table: Table, *args: Any, **how: Any) -> pl.LazyFrame:
        if table.spec.name != "ops.batches":
            return scan(table, *args, **how)
        seen.append(table)
        found = None if late else scan(table, *args, **how).collect()
        if len(seen) == 1 + late:
            published.send("more.csv", [3])
            land_feeds(published.lake, published.settings).refuse_failures()
        return scan(table, *args, **how) if found is None else found.lazy()

    session = Session(published.lake, published.settings, [])
    check = next(check for check in data_checks() if check.name == "every_landed_record_is_there")
    monkeypatch.setattr(Table, "scan", scanned)
    assert check.examine(session).failing_rows == 0
    assert len(seen) > 2


def test_a_check_of_the_landing_looks_at_the_days_it_changed(
    published: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbled = pl.lit("a VIN?").alias("vehicle_id")
    raw = open_table(published.lake, "raw.telemetry")
    raw.replace_days(raw.scan(MONDAY, MONDAY).collect().with_columns(garbled), [MONDAY])
    published.send("late.csv", [1], hour=18)
    assert failed_checks(published.run(RunRequest(), "land")) == {}

    write = Appender.add

    def garble(appender: Appender, frame: pl.DataFrame) -> None:
        write(appender, frame.with_columns(garbled) if "vehicle_id" in frame.columns else frame)

    monkeypatch.setattr(Appender, "add", garble)
    published.send("later.csv", [2], hour=18)
    result = published.run(RunRequest(), "land", fails=True)
    assert failed_checks(result) == {"raw.telemetry contract": "vehicle_id|regex: 20"}


def test_results_are_kept_and_look_at_what_is_not_published(published: Platform) -> None:
    published.send("late.csv", [1], hour=18)
    published.run(RunRequest(), "land")
    assert all(result.passed for result in run_checks(published.lake, published.settings))
    building.build(published.lake, published.settings)
    trips = open_table(published.lake, "core.trips")
    spoiled = trips.scan().collect().with_columns(distance_km=pl.lit(-1.0))
    trips.replace_days(spoiled, spoiled["date"].unique().to_list())
    # Only days that came out otherwise since the publication are looked at: the one that the late file is about.
    results = {result.check: result for result in run_checks(published.lake, published.settings)}
    contract = results["core.trips.contract"]
    assert (contract.findings.failing_rows, contract.findings.why) == (4, "distance_km|min: 4")
    assert {"date", "vehicle_id", "started_at"} == set(contract.findings.examples[0])
    assert not results["vehicle_days_hold_their_trips"].passed
    kept = (
        open_table(published.lake, "ops.check_results").scan().filter(check="core.trips.contract").sort("at").collect()
    )
    assert kept["passed"].to_list() == [True, False]
    assert kept["failing_rows"].to_list() == [0, 4]


def test_days_published_before_are_not_checked_again(published: Platform) -> None:
    building.build(published.lake, published.settings, MONDAY, MONDAY)
    trips = open_table(published.lake, "core.trips")
    last = MONDAY + timedelta(2)
    trips.replace_days(trips.scan(last, last).collect().with_columns(distance_km=pl.lit(-1.0)), [last])
    assert all(result.passed for result in run_checks(published.lake, published.settings))
    assert not all(result.passed for result in run_checks(published.lake, published.settings, [last]))
