"""A small platform whose numbers are easy to add up by hand, as the KPI tables of an in-memory DuckDB."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import polars as pl

from metrics import load_contracts

MONDAY = date(2026, 3, 2)
_DEFAULTS: dict[str, Any] = {"market": "FR", "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a KPI table; dimensions have defaults, parts are 0 unless stated."""
    contract = load_contracts().table(table)
    parts = dict.fromkeys(contract.part_names, 0)
    filled = [parts | _DEFAULTS | row for row in rows]
    schema = contract.spec.schema.create_empty().schema
    return pl.DataFrame(filled, schema_overrides=schema).select(schema.names()) if rows else pl.DataFrame(schema=schema)


def database(**tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A connection with the schema kpi; tables that are not given are empty."""
    con = duckdb.connect()
    con.execute("create schema kpi")
    for contract in load_contracts().tables:
        con.register("given", frame(contract.name, tables.get(contract.name, [])))
        con.execute(f"create table {contract.table} as select * from given")
    return con
