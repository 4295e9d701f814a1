"""A read-only DuckDB session that shows the lake as ``raw.*``, ``core.*``, ``kpi.*`` and ``ops.*``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from lake.engine import open_duckdb
from lake.schemas import TABLES, TableSpec
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table

#: What lists tables, or reads some that the query does not name.
_OF_ALL_TABLES = re.compile(
    r"\b(information_schema|(duckdb|pg|pragma|sqlite)_\w+|show|metric\w*|query_table)\b|\bdesc(ribe)?\s*([);]|$)"
)
_NAMED = re.compile(r'\b(?:raw|core|kpi|ops)"?\s*\.\s*"?(\w+)')


def connect(
    lake: Lake,
    settings: Settings,
    query: str | None = None,
    *,
    specs: Mapping[str, TableSpec] = TABLES,
    statements: Callable[[], Sequence[str]] = tuple,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB session with one view per table.

    A table that nothing was written to yet is there, empty.

    Args:
        lake: the lake.
        settings: memory of the session.
        query: what it is for, if that is known: tables that cannot be part of its result are left out, and their logs
            are not read.
        specs: the tables of the lake.
        statements: what is defined over all of them, as ``metric(name)`` is; left out where tables are.
        spill: folder for what does not fit into memory; in the working folder unless given.
    """
    config = {"memory_limit": settings.query_memory}
    con = open_duckdb(config=config | ({"temp_directory": str(spill)} if spill else {}))
    lake.prepare_duckdb(con)
    for layer in ("raw", "core", "kpi", "ops"):
        con.execute(f"create schema {layer}")
    wanted = specs.keys() if query is None else tables_for(query, specs)
    for name in wanted:
        table = Table(lake, specs[name])
        if table.exists():
            con.execute(f"create view {name} as select * from delta_scan('{table.place.url}')")
        else:
            con.register("no_rows", table.spec.schema.create_empty().to_arrow())
            con.execute(f"create table {name} as select * from no_rows")
            con.unregister("no_rows")
    if len(wanted) == len(specs):
        for statement in statements():
            con.execute(statement)
    con.execute("set lock_configuration = true")
    return con


def tables_for(query: str, specs: Mapping[str, TableSpec] = TABLES) -> Collection[str]:
    """The tables without which a query could come out otherwise: those whose names are among its words.

    All of them where it names none, one that is not there (DuckDB then says which it may have meant), or what lists
    tables or reads them on its own. Words of remarks and texts count too: one table too many does no harm.
    """
    text = query.lower()
    words = set(re.findall(r"\w+", text))
    named = {name for name in specs if name.partition(".")[2] in words}
    unknown = set(_NAMED.findall(text)) - {name.partition(".")[2] for name in specs}
    return specs.keys() if not named or unknown or _OF_ALL_TABLES.search(text) else named
