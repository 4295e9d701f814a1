"""A read-only DuckDB session that shows the lake as ``raw.*``, ``core.*``, ``kpi.*`` and ``ops.*``."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from lake.errors import QueryError
from lake.metrics import load_contracts, macro_statements
from lake.schemas import TABLES, TableSpec
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.RELATION}
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?(\s*\(\s*(analyze|format)\b[^()]*\))?\s", re.IGNORECASE)


def table_specs() -> dict[str, TableSpec]:
    """Every table of the lake: the registry, and one per KPI contract."""
    return TABLES | {table.spec.name: table.spec for table in load_contracts().tables}


def connect(lake: Lake, settings: Settings) -> duckdb.DuckDBPyConnection:
    """A DuckDB session with one view per table, and ``metric(name)`` and ``metric_values`` over the KPI tables.

    A table that nothing was written to yet is there, empty.
    """
    con = duckdb.connect(config={"memory_limit": settings.query_memory})
    lake.prepare_duckdb(con)
    for layer in ("raw", "core", "kpi", "ops"):
        con.execute(f"create schema {layer}")
    for name, spec in table_specs().items():
        table = Table(lake, spec)
        if table.exists():
            uri = table.uri.replace("'", "''")
            con.execute(f"create view {name} as select * from delta_scan('{uri}')")
        else:
            con.register("no_rows", spec.schema.create_empty().to_arrow())
            con.execute(f"create table {name} as select * from no_rows")
            con.unregister("no_rows")
    for statement in macro_statements():
        con.execute(statement)
    con.execute("set lock_configuration = true")
    return con


def read_query(con: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation:
    """The result of one query that only reads.

    Raises:
        QueryError: not exactly one statement, a statement that could change something, or SQL that DuckDB refuses.
    """
    try:
        statements = con.extract_statements(text)
        sound = len(statements) == 1 and _reads(con, statements[0])
    except duckdb.Error as error:
        raise _refused(error) from None
    if not sound:
        raise QueryError(
            "The query is not a single read",
            found=f"{len(statements)} statements" if len(statements) != 1 else statements[0].type.name.lower(),
            expected="one SELECT (or WITH … SELECT, DESCRIBE, EXPLAIN)",
            action="send one query at a time; the lake is changed by `sillage land` and `sillage build` only",
        )
    try:
        return con.sql(statements[0].query)
    except duckdb.Error as error:
        raise _refused(error) from None


def _reads(con: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> bool:
    """It only reads; EXPLAIN ANALYZE runs what it explains, so that must be a read too."""
    explained = _EXPLAIN.match(statement.query)
    if statement.type != duckdb.StatementType.EXPLAIN or explained is None:
        return statement.type in _READS
    inner = con.extract_statements(statement.query[explained.end() :])
    return len(inner) == 1 and inner[0].type in _READS


@contextmanager
def time_limit(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on ``con`` after ``seconds``.

    Raises:
        QueryError: the limit was reached, or DuckDB refused the query while it ran.
    """
    ended = threading.Event()
    reached = threading.Event()

    def watch() -> None:
        if not ended.wait(seconds):
            reached.set()
            # An interrupt that arrives between two statements is lost, so it is repeated.
            while not ended.wait(0.1):
                con.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except duckdb.Error as error:
        if reached.is_set():
            raise QueryError(
                "The query took too long",
                found=f"more than {seconds:g} s",
                action="ask for fewer days or columns, or raise SILLAGE_QUERY_TIMEOUT_S",
            ) from None
        raise _refused(error) from None
    finally:
        ended.set()
        watcher.join()


def _refused(error: duckdb.Error) -> QueryError:
    return QueryError(
        "DuckDB refused the query",
        found=str(error).strip(),
        action='`sillage sql "select table_schema, table_name from information_schema.tables"` lists the tables, '
        '`sillage sql "describe core.trips"` their columns',
    )
