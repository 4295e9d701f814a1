"""Rows of core for the tests of what is made from them: state what matters, the rest is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from lake.schemas import TABLES

_VEHICLE_DAY: dict[str, Any] = {
    "market": "FR",
    "model": "Corvid",
    "model_year": 2025,
    "powertrain": "BEV",
    "registered": True,
    "reported": True,
    "active": False,
    "trips": 0,
    "distance_km": 0.0,
    "driving_s": 0.0,
    "idle_s": 0.0,
    "odometer_gain_km": None,
    "messages": 1,
    "messages_expected": 1,
    "duplicates": 0,
    "implausible": 0,
    "first_event_at": None,
    "last_event_at": None,
    "lag_sum_s": 0.0,
    "lag_max_s": None,
}


def vehicle_days(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """core.vehicle_days of rows that name at least ``date`` and ``vehicle`` (any short name)."""
    schema = TABLES["core.vehicle_days"].schema
    # A count or an amount that no row states is none.
    zeros: dict[str, Any] = {
        name: 0 for name, column in schema.columns().items() if not column.nullable and column.dtype.is_numeric()
    }
    filled = []
    for row in rows:
        fields = zeros | _VEHICLE_DAY | dict(row)
        fields["vehicle_id"] = str(fields.pop("vehicle")).encode().hex().rjust(32, "0")
        filled.append(fields)
    return pl.DataFrame(filled, schema=schema.create_empty().schema, orient="row")
