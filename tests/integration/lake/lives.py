"""The life of one vehicle, and of a second one beside it, as rows of a lake."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from lake.schemas import TABLES
from lake.storage import Lake
from lake.tables import open_table

ONE, OTHER = "1" * 32, "2" * 32
#: The newest day of their lives begins here.
MINUTES = 24 * 60


def at(day: date, hour: float = 0.0) -> datetime:
    """A moment of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def write_lives(lake: Lake, last: date) -> None:
    """Three days of two vehicles: a reading a minute, a trip a day, a fault that stays open, a command that failed."""
    days = [last - timedelta(back) for back in (2, 1, 0)]
    for vehicle in (ONE, OTHER):
        telemetry = [
            {"event_date": day, "bucket": 0, "vehicle_id": vehicle, "source": "buses", "batch": 0, "record": minute}
            | {"event_at": at(day, minute / 60), "received_at": at(day, minute / 60), "sequence": minute}
            | {"speed_kmh": 999.0 if minute == 7 else float(minute % 50), "latitude_deg": 48.0, "soc_pct": 80.0}
            for day in days
            for minute in range(MINUTES)
        ]
        _add(lake, "raw.telemetry", telemetry)
        trips = {"distance_km": 12.5, "duration_s": 3600.0, "mean_speed_kmh": 12.5}
        _add(lake, "core.trips", [_of(day, vehicle, "started_at", 8, ended_at=at(day, 9), **trips) for day in days])
        lamp = {"code": "P0562", "malfunction_lamp_on": True, "sets": 2, "freeze_soc_pct": 41.0}
        _add(lake, "core.fault_episodes", [_of(days[0] - timedelta(20), vehicle, "set_at", 5, **lamp)])
        failed = {"command": "lock", "command_id": "c", "outcome": "failed", "reason": "asleep"}
        _add(lake, "core.command_outcomes", [_of(days[1], vehicle, "issued_at", 6, **failed)])
        told = {"market": "FR", "model": "Corvid", "model_year": 2025, "powertrain": "BEV", "software_version": "4.1"}
        _add(lake, "core.vehicle_days", [{"date": day, "vehicle_id": vehicle, **told} for day in days])
        delivered = {"delivered_on": last - timedelta(400), "months_in_service": 13}
        _add(lake, "core.vehicles", [{"date": day, "vehicle_id": vehicle, **delivered} for day in days])
        kwh = {"capacity_kwh": 46.0, "capacity_low_kwh": 45.0, "capacity_high_kwh": 47.0, "capacity_new_kwh": 50.0}
        _add(lake, "core.battery_health", [{"date": days[1], "vehicle_id": vehicle, "sessions": 5, **kwh}])
    latest = [
        {"bucket": 0, "vehicle_id": name, "last_event_at": at(last, 23), "odometer_km": 4321.0} for name in (ONE, OTHER)
    ]
    _add(lake, "core.latest", latest)


def _of(day: date, vehicle: str, began: str, hour: int, **more: Any) -> dict[str, Any]:
    return {"date": day, "vehicle_id": vehicle, began: at(day, hour), **more}


def _add(lake: Lake, table: str, rows: list[dict[str, Any]]) -> None:
    schema = TABLES[table].schema.create_empty().schema
    open_table(lake, table).append(pl.DataFrame(rows, schema_overrides={name: schema[name] for name in rows[0]}))
