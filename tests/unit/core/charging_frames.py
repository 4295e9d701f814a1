"""Small frames of charging events for tests, written as one tuple per event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from lake.schemas.raw import ChargingEvents
from tests.unit.core.frames import CAR, NOON

HOUR = 3600.0


def charging_events(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of raw.charging_events. ``h`` is the time in hours after ``NOON``, or ``event_at`` itself is given."""
    empty = ChargingEvents.create_empty()
    full = []
    for number, given in enumerate(rows):
        row = dict(given)
        event_at = row.pop("event_at", None) or at(row.pop("h"))
        base = {
            "vehicle_id": CAR, "event_at": event_at, "received_at": event_at + timedelta(seconds=2), "source": "test",
            "batch": 0, "record": number,
        }  # fmt: skip
        full.append(base | row | {"event_date": event_at.date()})
    if not full:
        return empty
    return pl.concat([empty, pl.DataFrame(full, schema_overrides=dict(empty.schema))], how="diagonal")


def at(hours: float) -> datetime:
    """A moment, hours after ``NOON``."""
    return NOON + timedelta(microseconds=round(hours * 3.6e9))
