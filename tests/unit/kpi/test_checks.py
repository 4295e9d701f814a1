"""Each data check finds the row that breaks its rule, and nothing in data that keep it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lake.checks import Check, load_checks
from lake.errors import ContractError
from lake.metrics import SQL_FOLDER, load_contracts, macro_statements
from lake.schemas import TABLES
from tests.unit.kpi.rows import vehicle_days
from transforms.kpi import run_kpi

DAY = date(2026, 3, 28)
NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
CHECKS = {check.name: check for check in load_checks()}


def _trip(vehicle: str, start_min: int, end_min: int, **fields: Any) -> dict[str, Any]:
    trip = {
        "date": DAY,
        "vehicle_id": vehicle.encode().hex().rjust(32, "0"),
        "started_at": NOON + timedelta(minutes=start_min),
        "ended_at": NOON + timedelta(minutes=end_min),
        "duration_s": 60.0 * (end_min - start_min),
        "distance_km": 10.0,
        "distance_method": "speed",
        "interpolated_km": 0.0,
        "driving_s": 60.0 * (end_min - start_min),
        "idle_s": 0.0,
        "messages": 5,
    }
    return trip | fields


TRIPS = [_trip("a", 0, 10), _trip("a", 10, 20), _trip("b", 5, 15), _trip("a", -1440, 0, date=DAY - timedelta(1))]
DAYS = [
    {"date": DAY - timedelta(1), "vehicle": "a", "active": True, "trips": 1, "distance_km": 10.0},
    {"date": DAY, "vehicle": "a", "active": True, "trips": 2, "distance_km": 20.0},
    {"date": DAY, "vehicle": "b", "active": True, "trips": 1, "distance_km": 10.0},
    {"date": DAY, "vehicle": "c", "reported": False},
]


def _rows(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = TABLES[name].schema.create_empty().schema
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def lake() -> duckdb.DuckDBPyConnection:
    """All layers of a lake in which every rule holds."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    batch = {"source": "fleet", "batch": 0, "status": "landed", "at": NOON, "file": "f", "file_number": 0}
    counts = {"records": 10, "landed": 9, "rejected": 1, "fingerprint": "x", "size_bytes": 1, "modified_at": NOON}
    reject = {"date": DAY, "source": "fleet", "batch": 0, "record": 3, "file": "f", "offset": 0, "reason": "r"}
    frames = {name: spec.schema.create_empty() for name, spec in TABLES.items()}
    frames |= {
        "core.trips": _rows("core.trips", TRIPS),
        "core.vehicle_days": vehicle_days(DAYS),
        "ops.batches": _rows("ops.batches", [batch | counts, batch | {"status": "planned"}]),
        "ops.rejects": _rows("ops.rejects", [reject | {"original": b"x"}]),
    }
    for table in load_contracts().tables:
        core = {"core.vehicle_days": frames["core.vehicle_days"]}
        frames[table.table] = run_kpi(table.sql, core, DAY - timedelta(1), DAY)
    for name, frame in frames.items():
        con.execute(f"create schema if not exists {name.partition('.')[0]}")
        con.register("given", frame)
        con.execute(f"create table {name} as select * from given")
    return con


def _failing(con: duckdb.DuckDBPyConnection, check: Check) -> list[Any]:
    return con.execute(check.sql, check.parameters(DAY, DAY)).fetchall()


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda c: c.name)
def test_good_data_pass(lake: duckdb.DuckDBPyConnection, check: Check) -> None:
    assert _failing(lake, check) == []


BROKEN = [
    ("every_record_is_accounted_for", "update ops.batches set landed = 8 where status = 'landed'", 1),
    ("every_record_is_accounted_for", "delete from ops.rejects", 1),
    ("vehicle_days_are_unique", f"insert into core.vehicle_days from core.vehicle_days where date = '{DAY}'", 3),
    ("trips_do_not_overlap", "update core.trips set ended_at = ended_at + interval 1 second where date = $d", 1),
    ("trips_do_not_overlap", "update core.trips set ended_at = ended_at + interval 1 second where date < $d", 1),
    ("trips_are_plausible", "update core.trips set distance_km = 43 where duration_s = 600 and date = $d", 3),
    ("trips_are_plausible", "update core.trips set idle_s = 1.5 where date = $d", 3),
    ("trips_are_plausible", "update core.trips set ended_at = started_at - interval 1 second where date = $d", 3),
    ("vehicle_days_hold_their_trips", "update core.vehicle_days set trips = 3 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "delete from core.trips where date = $d", 2),
    ("vehicle_days_hold_their_trips", "delete from core.vehicle_days where date = $d", 2),
    (
        "vehicle_days_hold_their_trips",
        "update core.trips set distance_km = 11 where started_at > '2026-03-28 12:07:00Z'",
        1,
    ),
    ("active_windows_are_nested", "update kpi.active_vehicles set active_1d = 9 where date = $d", 1),
    ("active_windows_are_nested", "update kpi.active_vehicles set active_7d = 9 where date = $d", 1),
    ("active_windows_are_nested", "update kpi.active_vehicles set vehicles = 1 where date = $d", 1),
    ("kpis_agree_with_core", "update core.vehicle_days set trips = 5 where trips = 2", 1),
    ("kpis_agree_with_core", "update core.vehicle_days set active = false where date = $d", 1),
    ("kpis_agree_with_core", "update core.vehicle_days set distance_km = 9 where trips = 2", 1),
    ("kpis_agree_with_core", "update kpi.active_vehicles set reporting_vehicles = 9 where date = $d", 1),
    ("kpis_agree_with_core", "delete from core.vehicle_days", 1),
    ("kpis_agree_with_core", "delete from kpi.driving", 1),
    ("kpis_agree_with_core", "delete from kpi.active_vehicles", 1),
]


@pytest.mark.parametrize(("name", "change", "rows"), BROKEN)
def test_bad_data_are_found(lake: duckdb.DuckDBPyConnection, name: str, change: str, rows: int) -> None:
    lake.execute(change.replace("$d", f"'{DAY}'"))
    assert len(_failing(lake, CHECKS[name])) == rows


def test_every_check_has_been_seen_red() -> None:
    assert {name for name, _, _ in BROKEN} == set(CHECKS)


def test_a_check_says_its_rule_and_reads_tables_that_exist(tmp_path: Path) -> None:
    known = {*TABLES, *(t.table for t in load_contracts().tables)}
    for check in CHECKS.values():
        assert len(check.rule) > 20
        assert set(check.inputs) <= known
    (tmp_path / "mute.sql").write_text("select 1")
    with pytest.raises(ContractError, match="does not say its rule"):
        load_checks(tmp_path)


@pytest.mark.parametrize("path", sorted((SQL_FOLDER / "examples").glob("*.sql")), ids=lambda p: p.stem)
def test_examples_run(lake: duckdb.DuckDBPyConnection, path: Path) -> None:
    for statement in macro_statements():
        lake.execute(statement)
    sql = path.read_text()
    assert re.match(r"-- \w", sql)
    lake.execute(sql).fetchall()
