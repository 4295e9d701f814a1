"""The list of vehicles to act on holds exactly those that the KPI counts, says why, and has the worst on top."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from lake.schemas import TABLES
from metrics import SQL_FOLDER, load_contracts
from metrics.shared import SHARED, with_shared
from transforms.kpi import run_kpi

DAY = date(2026, 3, 14)
FILE = SQL_FOLDER / "operations" / "vehicles_to_act_on.sql"
SQL = with_shared(FILE.read_text(encoding="utf-8"), SQL_FOLDER / "kpi" / SHARED, FILE.name)


def frames(**tables: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """Core tables; a column that is not stated is null."""
    names = ("vehicle_days", "vehicles", "vehicle_conditions", "fault_episodes", "battery_health")
    found = {}
    for name in names:
        schema = TABLES[f"core.{name}"].schema.create_empty().schema
        rows = [dict.fromkeys(schema) | {"date": DAY} | row for row in tables.get(name, [])]
        found[f"core.{name}"] = pl.DataFrame(rows, schema=schema)
    return found


def fault(vehicle: str, code: str, *, lamp: bool = True, day: int = 10, cleared: datetime | None = None) -> Any:
    at = {"date": date(2026, 3, day), "set_at": datetime(2026, 3, day, tzinfo=UTC), "cleared_at": cleared}
    return {"vehicle_id": vehicle, "code": code, "malfunction_lamp_on": lamp} | at


HEARD = [{"vehicle_id": name, "market": "FR", "model": "Corvid", "reported": True} for name in "abcdefg"]
KNOWN = frames(
    vehicle_days=[*HEARD, {"vehicle_id": "silent", "reported": False}],
    vehicle_conditions=[
        {"vehicle_id": "a", "lv_battery_rest_voltage_v": 11.2},
        {"vehicle_id": "b", "brake_pad_wear_pct": 95.0, "service_distance_km": -4000.0},
        {"vehicle_id": "c", "brake_pad_wear_pct": 85.0},
    ],
    fault_episodes=[
        fault("a", "P0562", day=9),
        fault("d", "P0420"),
        fault("d", "P0171", day=12),
        fault("e", "P0420", cleared=datetime(2026, 3, 12, tzinfo=UTC)),
        fault("f", "P0420", lamp=False),
        fault("silent", "P0420"),
    ],
    battery_health=[{"vehicle_id": "g", "soh_pct": 65.04}],
)


def listed() -> list[dict[str, Any]]:
    return run_kpi(SQL, KNOWN, DAY, DAY).to_dicts()


def test_those_that_the_kpi_counts_and_no_others() -> None:
    counted = run_kpi(load_contracts().table("vehicle_health").sql, KNOWN, DAY, DAY)
    assert {row["vehicle_id"] for row in listed()} == set("abdg")
    assert counted["act_now_vehicles"].sum() == 4


def test_why_and_since_when() -> None:
    told = {row["vehicle_id"]: (row["reason"], row["since"]) for row in listed()}
    assert told == {
        "a": ("P0562; low-voltage battery at rest 11.2 V", date(2026, 3, 9)),
        "b": ("brake pads 95 % worn; service overdue by 4000 km", None),
        "d": ("P0171, P0420", date(2026, 3, 10)),
        "g": ("capacity 65.0 % of new", None),
    }


def test_the_worst_on_top() -> None:
    assert [row["vehicle_id"] for row in sorted(listed(), key=lambda row: row["place"])] == ["a", "b", "d", "g"]
