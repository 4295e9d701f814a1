"""KPI tables as the lake stores them.

Apart, because the schemas bring dataframely and Polars, which a question does not need.
"""

from __future__ import annotations

from typing import Any

import dataframely as dy

from lake.schemas import TABLES, TableSpec
from metrics.contract import KpiTable, Part
from metrics.loading import load_contracts


def table_specs() -> dict[str, TableSpec]:
    """Every table of the lake: the registry, and one per KPI contract."""
    return TABLES | {table.table: table.spec for table in load_contracts().tables}


def spec_of(table: KpiTable) -> TableSpec:
    """A KPI table as the lake stores it: partitioned by day, sorted by dimensions and keys."""
    return TableSpec(
        table.table, _schema(table), ("date",), (*table.dimension_names, *table.key_names), table.description
    )


def _schema(table: KpiTable) -> type[dy.Schema]:
    columns: dict[str, Any] = {
        "date": dy.Date(nullable=False, primary_key=True, description="UTC day; partition."),
    }
    for dimension in table.dimensions:
        columns[dimension.name] = dy.String(
            nullable=False, min_length=1, primary_key=True, description=dimension.description
        )
    for key in table.keys:
        if key.type == "int":
            columns[key.name] = dy.Int64(nullable=False, primary_key=True, description=key.description)
        else:
            columns[key.name] = dy.String(nullable=False, min_length=1, primary_key=True, description=key.description)
    for part in table.parts:
        columns[part.name] = _amount(part, f"{part.description} ({part.unit})")
    for part in table.parts:
        if part.largest:
            text = f"At least what one vehicle has of {part.name} on the day, that with most of it ({part.unit})"
            columns[part.largest_name] = _amount(part, text)
    name = "".join(word.capitalize() for word in table.name.split("_"))
    return type(name, (dy.Schema,), columns | {"__doc__": table.description, "__module__": __name__})


def _amount(part: Part, description: str) -> dy.Column:
    if part.type == "int":
        return dy.Int64(nullable=False, min=0, description=description)
    return dy.Float64(nullable=False, min=0.0, allow_inf=False, allow_nan=False, description=description)
