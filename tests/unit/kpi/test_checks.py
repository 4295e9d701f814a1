"""Each data check finds the row that breaks its rule, and nothing in data that keep it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lake.checks import Check, load_checks
from lake.errors import ContractError
from lake.schemas import TABLES
from lake.schemas.raw.rows import SERVICES
from metrics import SQL_FOLDER, load_contracts, macro_statements
from tests.unit.kpi.rows import vehicle_days
from transforms.kpi import run_kpi

DAY = date(2026, 3, 28)
NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
CHECKS = {check.name: check for check in load_checks()}


def _row(name: str, vehicle: str, **fields: Any) -> dict[str, Any]:
    """A row of a core table on ``DAY``: state what matters, the rest is nothing."""
    columns = TABLES[name].schema.columns()
    zeros = {n: 0 if c.dtype.is_numeric() else False for n, c in columns.items() if not c.nullable}
    return zeros | {"date": DAY, "vehicle_id": vehicle.encode().hex().rjust(32, "0")} | fields


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
        "doubted": False,
        "driving_s": 60.0 * (end_min - start_min),
        "idle_s": 0.0,
        "messages": 5,
    }
    return _row("core.trips", vehicle) | trip | fields


TRIPS = [_trip("a", 0, 10), _trip("a", 10, 20), _trip("b", 5, 15), _trip("a", -1440, 0, date=DAY - timedelta(1))]
DAYS = [
    {
        "date": DAY - timedelta(1),
        "vehicle": "a",
        "active": True,
        "trips": 1,
        "distance_km": 10.0,
        "driving_s": 86_400.0,
    },
    {"date": DAY, "vehicle": "a", "active": True, "trips": 2, "distance_km": 20.0, "driving_s": 1200.0},
    {"date": DAY, "vehicle": "b", "active": True, "trips": 1, "distance_km": 10.0, "driving_s": 600.0},
    {"date": DAY, "vehicle": "c", "reported": False},
]

#: Bits of the days in DAYS; vehicle c does not report on DAY.
REGISTERED = {DAY - timedelta(1): {"a": 1}, DAY: {"a": 3, "b": 1, "c": 1}}
REPORTED = {DAY - timedelta(1): {"a": 1}, DAY: {"a": 3, "b": 1}}
ACTIVITY = [
    _row(
        "core.activity", vehicle, date=day, registered_days=bits, active_days=REPORTED[day].get(vehicle, 0),
        reported_days=REPORTED[day].get(vehicle, 0),
    )
    for day, vehicles in REGISTERED.items()
    for vehicle, bits in vehicles.items()
]  # fmt: skip
IS = {"market": "FR", "model": "Corvid", "model_year": 2025, "powertrain": "BEV", "registered": True}
VEHICLES = [
    _row("core.vehicles", row["vehicle"], date=row["date"], services="media, social,teleportation", **IS)
    for row in DAYS
] + [_row("core.vehicles", "d", **IS | {"registered": False})]
SUBSCRIPTIONS = [
    _row(
        "core.subscription_days", row["vehicle"], date=row["date"], service=service, equipped=service != "charging",
        subscription="none",
    )
    for row in DAYS
    for service in ("media", "social", "charging")
]  # fmt: skip


def _at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def _session(vehicle: str, start: float, end: float | None, **fields: Any) -> dict[str, Any]:
    times = {"started_at": _at(start), "ended_at": None if end is None else _at(end), "method": "signals"}
    duration = {} if end is None else {"duration_s": 60.0 * (end - start)}
    return _row("core.charging_sessions", vehicle) | times | duration | fields


def _episode(vehicle: str, start: float, end: float | None, **fields: Any) -> dict[str, Any]:
    times = {"set_at": _at(start), "cleared_at": None if end is None else _at(end), "code": "P0A80", "sets": 1}
    return _row("core.fault_episodes", vehicle) | times | fields


def _segment(vehicle: str, start: float, end: float, **fields: Any) -> dict[str, Any]:
    times = {"engaged_at": _at(start), "disengaged_at": _at(end), "duration_s": 60.0 * (end - start)}
    return _row("core.automation_segments", vehicle) | times | {"method": "signals", "takeover_s": 5.0} | fields


def _capacity(vehicle: str, low: float, best: float, high: float) -> dict[str, Any]:
    capacity = {"capacity_low_kwh": low, "capacity_kwh": best, "capacity_high_kwh": high}
    return _row("core.battery_health", vehicle) | capacity | {"method": "reported", "newest_session_at": NOON}


def _install(vehicle: str, campaign: str, **fields: Any) -> dict[str, Any]:
    told = {"campaign_id": campaign, "first_step_at": NOON, "outcome": "pending"}
    return _row("core.software_installs", vehicle) | told | fields


def _visit(vehicle: str, visit: str, **fields: Any) -> dict[str, Any]:
    times = {"arrived_at": NOON, "completed_at": _at(90), "duration_s": 5400.0}
    return _row("core.workshop_visits", vehicle) | {"visit_id": visit} | times | fields


CORE = {
    "core.charging_sessions": [_session("a", 20, 30), _session("a", 30, 40), _session("b", 0, None)],
    "core.fault_episodes": [
        _episode("a", -9000, -8000, date=DAY - timedelta(6)),
        _episode("a", -8000, 5),
        _episode("a", 5, None),
        _episode("a", 3, None, code="B1000"),
    ],
    "core.automation_segments": [_segment("a", 0, 5), _segment("a", 5, 9)],
    "core.battery_health": [_capacity("a", 49, 50, 52)],
    "core.software_installs": [_install("a", "C1"), _install("a", "C2"), _install("b", "C1")],
    "core.workshop_visits": [
        _visit("a", "W1"),
        _visit("a", "W2", completed_at=None, duration_s=None),
        _visit("b", "W1"),
    ],
    "core.latest": [
        {"bucket": 0, "vehicle_id": v.encode().hex().rjust(32, "0"), "first_event_at": NOON, "last_event_at": _at(99)}
        for v in "ab"
    ],
    "core.activity": ACTIVITY,
    "core.vehicles": VEHICLES,
    "core.subscription_days": SUBSCRIPTIONS,
}


def _rows(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = TABLES[name].schema.create_empty().schema
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def lake(sound: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake in which every rule holds; what a test changes is undone."""
    sound.execute("begin")
    yield sound
    sound.execute("rollback")


@pytest.fixture(scope="module")
def sound() -> duckdb.DuckDBPyConnection:
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
        **{name: _rows(name, rows) for name, rows in CORE.items()},
        "ops.batches": _rows("ops.batches", [batch | counts, batch | {"status": "planned"}]),
        "ops.rejects": _rows("ops.rejects", [reject | {"original": b"x"}]),
    }
    for table in load_contracts().tables:
        core = {name: frames[name] for name in table.inputs}
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


_DOUBT = (
    "by name select date, vehicle_id, started_at as event_at, 'trip' as part, 'distance' as quantity, "
    "'odometer_km' as signal, 'frozen' as kind, 0 as readings from core.trips where date = $d "
    "and started_at = '2026-03-28 12:10:00Z'"
)
BROKEN = [
    ("every_record_is_accounted_for", "update ops.batches set landed = 8 where status = 'landed'", 1),
    ("every_record_is_accounted_for", "delete from ops.rejects", 1),
    ("vehicle_days_are_unique", f"insert into core.vehicle_days from core.vehicle_days where date = '{DAY}'", 3),
    ("trips_do_not_overlap", "update core.trips set ended_at = ended_at + interval 1 second where date = $d", 1),
    ("trips_do_not_overlap", "update core.trips set ended_at = ended_at + interval 1 second where date < $d", 1),
    ("trips_are_plausible", "update core.trips set distance_km = 43 where duration_s = 600 and date = $d", 3),
    ("trips_are_plausible", "update core.trips set idle_s = 1.5 where date = $d", 3),
    ("trips_are_plausible", "update core.trips set ended_at = started_at - interval 1 second where date = $d", 3),
    (
        "trips_agree_with_their_speeds",
        "update core.trips set distance_speed_km = 10, max_speed_kmh = 30 where date = $d",
        3,
    ),
    (
        "trips_agree_with_their_speeds",
        "update core.trips set distance_speed_km = 9, distance_km = 0 where date = $d",
        3,
    ),
    (
        "charge_that_falls_was_used",
        "update core.trips set soc_start_pct = 50, soc_end_pct = 45, energy_used_kwh = 0 where date = $d",
        3,
    ),
    ("what_is_doubted_is_marked", f"insert into core.doubts {_DOUBT}", 1),
    (
        "nothing_charges_that_drives",
        "update core.trips set mean_speed_kmh = 60, started_at = '2026-03-28 12:15:00Z', "
        "ended_at = '2026-03-28 13:00:00Z' where date = $d",
        4,
    ),
    (
        "charging_stores_no_more_than_it_draws",
        "update core.charging_sessions set energy_stored_kwh = 9, energy_in_kwh = 5",
        3,
    ),
    (
        "charging_stores_no_more_than_it_draws",
        "update core.charging_sessions set plugged_at = started_at, unplugged_at = started_at",
        2,
    ),
    ("vehicle_days_fit_into_a_day", "update core.vehicle_days set driving_s = 180000 where trips = 2", 1),
    ("vehicle_days_fit_into_a_day", "update core.vehicle_days set distance_km = 200 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "update core.vehicle_days set trips = 3 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "update core.vehicle_days set refuels = 3 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "update core.vehicle_days set harsh_brakings = 3 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "update core.vehicle_days set driving_s = 3 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "update core.vehicle_days set idle_s = 3 where trips = 2", 1),
    ("vehicle_days_hold_their_trips", "update core.trips set energy_used_kwh = 3 where date = $d", 2),
    ("vehicle_days_hold_their_trips", "update core.trips set fuel_used_l = 3 where date = $d", 2),
    ("vehicle_days_hold_their_trips", "delete from core.trips where date = $d", 2),
    ("vehicle_days_hold_their_trips", "delete from core.vehicle_days where date = $d", 2),
    (
        "vehicle_days_hold_their_trips",
        "update core.trips set distance_km = 11 where started_at > '2026-03-28 12:07:00Z'",
        1,
    ),
    (
        "charging_sessions_do_not_overlap",
        "update core.charging_sessions set ended_at = ended_at + interval 1 second",
        1,
    ),
    ("charging_sessions_do_not_overlap", "update core.charging_sessions set ended_at = '2026-01-01 00:00:00Z'", 3),
    ("charging_sessions_do_not_overlap", "update core.charging_sessions set duration_s = duration_s + 2", 2),
    ("fault_episodes_do_not_overlap", "update core.fault_episodes set cleared_at = cleared_at + interval 1 second", 2),
    ("fault_episodes_do_not_overlap", "update core.fault_episodes set cleared_at = null where date < $d", 1),
    ("fault_episodes_do_not_overlap", "update core.fault_episodes set cleared_at = '2026-01-01' where sets = 1", 3),
    (
        "automation_segments_do_not_overlap",
        "update core.automation_segments set disengaged_at = disengaged_at + interval 1 second",
        1,
    ),
    ("automation_segments_do_not_overlap", "update core.automation_segments set takeover_s = 301", 2),
    ("automation_segments_do_not_overlap", "update core.automation_segments set disengaged_at = '2026-01-01'", 2),
    ("installs_are_counted_once", "update core.software_installs set campaign_id = 'C1'", 2),
    ("workshop_visits_are_counted_once", "update core.workshop_visits set visit_id = 'W1'", 2),
    ("workshop_visits_are_counted_once", "update core.workshop_visits set duration_s = 60 where visit_id = 'W1'", 2),
    ("battery_capacity_lies_in_its_interval", "update core.battery_health set capacity_kwh = 53", 1),
    ("battery_capacity_lies_in_its_interval", "update core.battery_health set capacity_kwh = 48", 1),
    ("what_signals_tell_was_reported", "update core.vehicle_days set reported = false where trips = 1", 2),
    ("what_signals_tell_was_reported", "delete from core.vehicle_days where trips = 2", 6),
    ("latest_knows_every_vehicle_heard", "delete from core.latest", 2),
    ("latest_knows_every_vehicle_heard", "update core.vehicle_days set last_event_at = '2027-01-01' where reported", 2),
    ("vehicle_days_agree_with_registry", "delete from core.vehicle_days where not reported", 1),
    ("vehicle_days_agree_with_registry", "update core.vehicle_days set registered = false where trips = 2", 1),
    ("vehicle_days_agree_with_registry", "delete from core.vehicles where date = $d", 3),
    ("vehicle_days_agree_with_registry", "update core.vehicles set market = 'DE' where date = $d", 3),
    ("vehicle_days_agree_with_registry", "update core.vehicles set model_year = null where date = $d", 3),
    ("vehicle_days_agree_with_registry", "update core.vehicle_days set software_version = '7' where date = $d", 3),
    ("vehicle_days_agree_with_registry", "update core.vehicle_days set trim = '7', powertrain = 'ICE'", 3),
    ("subscription_days_agree_with_registry", "delete from core.subscription_days where service = 'media'", 3),
    ("subscription_days_agree_with_registry", "update core.subscription_days set equipped = true", 3),
    ("subscription_days_agree_with_registry", "update core.vehicles set services = 'media' where date = $d", 3),
    ("subscription_days_agree_with_registry", "update core.vehicles set registered = false where date = $d", 9),
    ("activity_agrees_with_vehicle_days", "delete from core.activity where date = $d", 3),
    ("activity_agrees_with_vehicle_days", "delete from core.vehicle_days where not reported", 1),
    ("activity_agrees_with_vehicle_days", "update core.vehicle_days set active = false where date = $d", 2),
    ("activity_agrees_with_vehicle_days", "update core.vehicle_days set reported = true where date = $d", 1),
    ("activity_agrees_with_vehicle_days", "update core.activity set active_days = 1 where active_days = 3", 1),
    ("activity_agrees_with_vehicle_days", "update core.activity set reported_days = 7 where reported_days = 3", 1),
    ("activity_agrees_with_vehicle_days", "update core.activity set registered_days = 1 where date = $d", 1),
    ("active_windows_are_nested", "update kpi.active_vehicles set active_1d = 9 where date = $d", 1),
    ("active_windows_are_nested", "update kpi.active_vehicles set active_7d = 9 where date = $d", 1),
    ("active_windows_are_nested", "update kpi.active_vehicles set vehicles = 1 where date = $d", 1),
    ("active_windows_agree_with_activity", "update kpi.active_vehicles set active_7d = 8 where date = $d", 1),
    ("active_windows_agree_with_activity", "update kpi.active_vehicles set active_28d = 900 where date = $d", 1),
    ("active_windows_agree_with_activity", "update kpi.active_vehicles set vehicles = 999 where date = $d", 1),
    ("active_windows_agree_with_activity", "delete from kpi.active_vehicles where date = $d", 1),
    ("active_windows_agree_with_activity", "update core.activity set active_days = 0 where date = $d", 1),
]


@pytest.mark.parametrize(("name", "change", "rows"), BROKEN)
def test_bad_data_are_found(lake: duckdb.DuckDBPyConnection, name: str, change: str, rows: int) -> None:
    lake.execute(change.replace("$d", f"'{DAY}'"))
    assert len(_failing(lake, CHECKS[name])) == rows


def test_every_check_has_been_seen_red() -> None:
    assert {name for name, _, _ in BROKEN} == set(CHECKS)


def test_the_services_of_a_check_are_those_of_the_contract() -> None:
    named = re.search(r"service in \((.*?)\)", CHECKS["subscription_days_agree_with_registry"].sql, re.DOTALL)
    assert named is not None
    assert tuple(re.findall(r"'(\w+)'", named[1])) == SERVICES


def test_the_oldest_bit_is_the_sign_and_is_forgotten(lake: duckdb.DuckDBPyConnection) -> None:
    lake.execute(
        "update core.activity set active_days = active_days - 9223372036854775807 - 1 where date < $d", {"d": DAY}
    )
    check = CHECKS["activity_agrees_with_vehicle_days"]
    assert _failing(lake, check) == []
    lake.execute(
        "update core.activity set active_days = active_days - 9223372036854775807 - 1 where date = $d", {"d": DAY}
    )
    assert len(_failing(lake, check)) == 3


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
