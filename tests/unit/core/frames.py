"""Small frames of raw telemetry for tests, written as one tuple per message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from lake.schemas.core import Vehicles
from lake.schemas.raw import Telemetry

#: Midday: far from any half of a day.
NOON = datetime(2026, 3, 10, 13, tzinfo=UTC)

CAR = "0" * 31 + "1"
VAN = "0" * 31 + "2"


def telemetry(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of raw.telemetry. ``s`` is the time in seconds after ``NOON``, or ``event_at`` itself is given."""
    empty = Telemetry.create_empty()
    full = []
    for number, given in enumerate(rows):
        row = dict(given)
        event_at = row.pop("event_at", None) or NOON + timedelta(seconds=row.pop("s"))
        base = {
            "vehicle_id": CAR, "event_at": event_at, "received_at": event_at + timedelta(seconds=2), "source": "test",
            "batch": 0, "record": number, "bucket": 0,
        }  # fmt: skip
        full.append(base | row | {"event_date": event_at.date()})
    if not full:
        return empty
    return pl.concat([empty, pl.DataFrame(full, schema_overrides=dict(empty.schema))], how="diagonal")


def speeds(*pairs: tuple[float, float | None], **more: Any) -> pl.DataFrame:
    """Telemetry of (seconds after NOON, km/h)."""
    return telemetry([{"s": s, "speed_kmh": kmh} | more for s, kmh in pairs])


def fleet(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of core.vehicles."""
    empty = Vehicles.create_empty()
    if not rows:
        return empty
    full = [{"vehicle_id": CAR, "registered": True} | row for row in rows]
    return pl.concat([empty, pl.DataFrame(full, schema_overrides=dict(empty.schema))], how="diagonal")
