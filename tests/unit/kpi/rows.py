"""Rows of core for the tests of what is made from them: state what matters, the rest is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from lake.schemas import TABLES

#: What a row of core that says nothing of it has, wherever its table has the column.
_DEFAULTS: dict[str, Any] = {
    "market": "FR",
    "model": "Corvid",
    "model_year": 2025,
    "powertrain": "BEV",
    "registered": True,
    "reported": True,
}
_OF_TABLES: dict[str, dict[str, Any]] = {"core.vehicle_days": {"messages": 1, "messages_expected": 1}}


def core_rows(table: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of a core table that name at least ``date`` and ``vehicle`` (any short name).

    What a row does not state is null where the column may be, else zero, false or the word ``none``; a vehicle is a
    Corvid of 2025 in France.
    """
    schema = TABLES[table].schema
    types = schema.create_empty().schema
    plain = {name: None if column.nullable else _nothing(types[name]) for name, column in schema.columns().items()}
    known = {name: value for name, value in _DEFAULTS.items() if name in plain} | _OF_TABLES.get(table, {})
    filled = []
    for row in rows:
        fields = plain | known | {name: _utc(value) for name, value in row.items()}
        if "vehicle" in fields:
            fields["vehicle_id"] = str(fields.pop("vehicle")).encode().hex().rjust(32, "0")
        filled.append(fields)
    return pl.DataFrame(filled, schema=types, orient="row")


def vehicle_days(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """``core_rows`` of core.vehicle_days."""
    return core_rows("core.vehicle_days", rows)


def _nothing(dtype: pl.DataType) -> Any:
    if dtype.is_numeric():
        return 0
    if isinstance(dtype, pl.Boolean):
        return False
    return "none" if isinstance(dtype, pl.String) else None


def _utc(value: Any) -> Any:
    """A time of a YAML file, which has no zone unless it says so, is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
