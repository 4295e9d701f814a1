"""A small platform whose numbers are easy to add up by hand, as the KPI tables of an in-memory DuckDB."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from metrics import Contracts, load_contracts

MONDAY = date(2026, 3, 2)
#: Contracts that have a metric of every kind; the shipped ones may not.
KINDS = load_contracts(Path(__file__).parent / "kinds" / "kpi")
_DEFAULTS: dict[str, Any] = {"market": "FR", "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}


def only(*tables: str) -> Contracts:
    """The shipped contracts of some tables: what is asked of few is quick."""
    shipped = load_contracts()
    return Contracts(tuple(shipped.table(name) for name in tables), shipped.dimensions)


def frame(table: str, rows: list[dict[str, Any]], contracts: Contracts | None = None) -> pl.DataFrame:
    """Rows of a KPI table; dimensions have defaults, keys and parts are 0 unless stated."""
    contract = (contracts or load_contracts()).table(table)
    nothing = dict.fromkeys(contract.amount_names, 0) | dict.fromkeys(contract.dimension_names, "unknown")
    nothing |= {key.name: 0 if key.type == "int" else "none" for key in contract.keys}
    known = {name: value for name, value in _DEFAULTS.items() if name in contract.dimension_names}
    filled = [nothing | known | row for row in rows]
    schema = contract.spec.schema.create_empty().schema
    return pl.DataFrame(filled, schema_overrides=schema).select(schema.names()) if rows else pl.DataFrame(schema=schema)


def database(contracts: Contracts | None = None, **tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A connection with the schema kpi; tables that are not given are empty."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    con.execute("create schema kpi")
    for contract in (contracts or load_contracts()).tables:
        con.register("given", frame(contract.name, tables.get(contract.name, []), contracts))
        con.execute(f"create table {contract.table} as select * from given")
    return con
