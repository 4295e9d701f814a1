"""Every DuckDB connection of the project takes nothing from the network, and of Python what it was given."""

from __future__ import annotations

import ast
from pathlib import Path

import duckdb
import pytest

import lake
from lake.engine import CLOSED, open_duckdb

ROOT = Path(lake.__file__).parents[1]
ROOMS = ("lake", "transforms", "orchestration", "dashboard", "sillage", "simulator", "bench")
OPENING = {"connect", "sql", "query", "execute", "from_query", "read_csv", "read_parquet", "read_json"}


@pytest.mark.parametrize("room", ROOMS)
def test_duckdb_is_opened_in_one_place(room: str) -> None:
    opened = [
        f"{path.relative_to(ROOT)}: duckdb.{node.func.attr}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in {("duckdb", name) for name in OPENING}
    ]
    assert opened == (["lake/engine.py: duckdb.connect"] if room == "lake" else [])


def test_a_connection_is_closed_to_the_network_and_to_python() -> None:
    trips = [1]
    with open_duckdb(config={"threads": 1}) as con:
        for name, value in CLOSED.items():
            assert con.execute(f"select current_setting('{name}')").fetchone() == (value,)
        assert con.execute("select current_setting('threads')").fetchone() == (1,)
        with pytest.raises(duckdb.CatalogException):
            con.execute("from trips")
        with pytest.raises(duckdb.Error, match="requires the extension httpfs"):
            con.execute("from 'https://127.0.0.1:1/x.csv'")
    assert trips == [1]
