"""What a publication tells of how the lake is run: all of it as it was put into the lake, and nothing of a vehicle."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lake.settings import Settings
from lake.storage import Lake
from lake.tables import open_table
from metrics.specs import table_specs
from orchestration.building import build
from orchestration.checks import run_checks
from orchestration.operations import feeds
from orchestration.publishing import publish
from orchestration.survey import Survey
from tests.integration.lakes import opened

MONDAY = date(2026, 3, 2)
VIN = "WVWZZZ1JZXW000001"
SECRET = "the driver is Jane Doe"


def telemetry(day: date, lags_s: list[float], source: str = "buses", vehicle: str = "a" * 32) -> pl.DataFrame:
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    rows = [
        {"event_date": day, "bucket": 0, "vehicle_id": vehicle, "source": source, "batch": 0, "record": number}
        | {"event_at": at + timedelta(seconds=number), "received_at": at + timedelta(seconds=number + lag)}
        | {"sequence": number, "speed_kmh": 30.0}
        for number, lag in enumerate(lags_s)
    ]
    return pl.DataFrame(rows, schema_overrides=_schema("raw.telemetry", rows[0]))


def _schema(table: str, row: dict[str, Any]) -> dict[str, Any]:
    schema = table_specs()[table].schema.create_empty().schema
    return {name: schema[name] for name in row}


def add(lake: Lake, table: str, rows: list[dict[str, Any]]) -> None:
    open_table(lake, table).append(pl.DataFrame(rows, schema_overrides=_schema(table, rows[0])))


def batch(number: int, status: str, at: datetime, **told: Any) -> dict[str, Any]:
    file = {"file": "f.csv", "file_number": 0, "fingerprint": "x", "size_bytes": 1000, "modified_at": at}
    counts: dict[str, Any] = dict.fromkeys(("records", "landed", "rejected"))
    newest: dict[str, Any] = dict.fromkeys(("newest_event_at", "newest_received_at"))
    return {"source": "buses", "batch": number, "status": status, "at": at} | file | counts | newest | told


@pytest.fixture
def known(tmp_path: Path) -> tuple[Lake, Settings]:
    """A lake with three days of one bus, a gap of one, two refusals and a batch that never landed."""
    lake, settings = opened(tmp_path / "lake", dagster_url="http://127.0.0.1:3000")
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    for day in (MONDAY, MONDAY + timedelta(1), MONDAY + timedelta(3)):
        open_table(lake, "raw.telemetry").append(telemetry(day, [2.0] * 90 + [600.0] * 10))
    came = {"newest_event_at": at - timedelta(hours=1), "newest_received_at": at - timedelta(minutes=50)}
    add(lake, "ops.batches", [batch(0, "planned", at - timedelta(hours=2)), batch(1, "planned", at)])
    add(lake, "ops.batches", [batch(0, "landed", at - timedelta(hours=1), records=302, landed=300, rejected=2, **came)])
    refused = {"source": "buses", "batch": 0, "file": f"{VIN}/f.csv", "offset": 0, "original": SECRET.encode()}
    add(
        lake,
        "ops.rejects",
        [
            refused | {"date": at.date(), "record": 7, "reason": f"speed_kmh: found '{SECRET}'"},
            refused | {"date": at.date(), "record": 9, "reason": "speed_kmh: found 'fast'; soc_pct: found 'x'"},
        ],
    )
    return lake, settings


def published(lake: Lake, settings: Settings) -> duckdb.DuckDBPyConnection:
    info = publish(lake, settings)
    return duckdb.connect(lake.path("published", info.file), read_only=True)


def test_feeds_tell_how_new_they_are_and_how_long_messages_took(known: tuple[Lake, Settings]) -> None:
    with published(*known) as con:
        (feed,) = con.execute("from ops.feeds").pl().to_dicts()
    assert (feed["source"], feed["records"], feed["rejected"], feed["batches"]) == ("buses", 302, 2, 1)
    assert feed["lags_of"] == 300
    assert feed["lag_p50_s"] == pytest.approx(2.0, rel=0.011)
    assert feed["lag_p95_s"] == pytest.approx(600.0, rel=0.011)


def test_lags_are_of_no_more_rows_than_may_be_read(known: tuple[Lake, Settings]) -> None:
    fresh = pl.DataFrame({"source": ["buses"]})
    assert feeds(Survey(known[0]), 250, fresh)["lags_of"].to_list() == [200]
    assert feeds(Survey(known[0]), 10, fresh)["lags_of"].to_list() == [100], "the newest day always"


def test_a_refusal_is_a_reason_and_a_place_and_nothing_of_what_stood_there(known: tuple[Lake, Settings]) -> None:
    with published(*known) as con:
        (told,) = con.execute("from ops.rejects_by_reason").pl().to_dicts()
        ops = con.execute("select table_name from duckdb_tables() where schema_name = 'ops'").fetchall()
        everything = str([con.execute(f"from ops.{name}").fetchall() for (name,) in ops])
    assert (told["reason"], told["records"], told["batch"], told["record"]) == ("speed_kmh", 2, 0, 9)
    assert SECRET not in everything
    assert VIN not in everything, "a path may hold a vehicle's number"


def test_batches_say_how_far_they_got(known: tuple[Lake, Settings]) -> None:
    with published(*known) as con:
        batches = con.execute("select batch, status, records, rejected from ops.batches_landed").fetchall()
    assert batches == [(1, "planned", 0, 0), (0, "landed", 302, 2)]


def test_days_are_missing_where_nothing_came_and_behind_until_they_are_built(known: tuple[Lake, Settings]) -> None:
    lake, settings = known
    told = "select missing, stale, first_behind from ops.table_days where table_name = ?"
    told = told.replace("table_name", '"table"')
    with published(lake, settings) as con:
        assert con.execute(told, ["raw.telemetry"]).fetchall() == [(1, 0, MONDAY + timedelta(2))]
        missing, stale, first = con.execute(told, ["core.trips"]).fetchall()[0]
        assert missing >= 3
        assert (stale, first) == (0, MONDAY - timedelta(1))
    build(lake, settings)
    with published(lake, settings) as con:
        assert con.execute(told, ["core.trips"]).fetchall() == [(0, 0, None)]
    open_table(lake, "raw.telemetry").append(telemetry(MONDAY, [3.0], vehicle="b" * 32))
    with published(lake, settings) as con:
        assert con.execute(told, ["core.trips"]).fetchall()[0][1] > 0


def test_checks_tell_their_newest_result(known: tuple[Lake, Settings]) -> None:
    lake, settings = known
    add(
        lake,
        "ops.check_results",
        [
            {"date": MONDAY, "check": check, "at": datetime(2026, 3, 2, tzinfo=UTC), "failing_rows": 4, "passed": False}
            for check in ("core.trips.contract", "a_check_of_old_times")
        ],
    )
    with published(lake, settings) as con:
        assert con.execute('select "check", failing_rows, passed from ops.checks').fetchall() == [
            ("core.trips.contract", 4, False)
        ]
    run_checks(lake, settings, [MONDAY])
    with published(lake, settings) as con:
        found = con.execute("select passed from ops.checks where \"check\" = 'core.trips.contract'").fetchall()
    assert found == [(True,)]


def test_tables_snapshots_and_the_link_are_told(known: tuple[Lake, Settings]) -> None:
    with published(*known) as con:
        assert con.execute("from ops.snapshots").fetchall() == []
        assert con.execute("from ops.links").fetchall() == [("Dagster", "http://127.0.0.1:3000")]
        told = con.execute("select rows, files, version, bytes > 0 from ops.tables where \"table\" = 'raw.telemetry'")
        assert told.fetchall() == [(300, 3, 3, True)]
    with published(*known) as con:
        ((file, size),) = con.execute("select file, bytes from ops.snapshots").fetchall()
    assert file.startswith("snapshot-")
    assert size == Path(known[0].path("published", file)).stat().st_size


def test_a_lake_of_nothing_can_be_told_of(tmp_path: Path) -> None:
    with published(*opened(tmp_path / "empty")) as con:
        for name in ("feeds", "rejects_by_reason", "batches_landed", "checks", "tables", "snapshots", "links"):
            assert con.execute(f"from ops.{name}").fetchall() == [] or name == "tables", name
