"""A read-only DuckDB session that shows the lake as ``raw.*``, ``core.*``, ``kpi.*`` and ``ops.*``."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import duckdb

from lake.errors import QueryError
from lake.metrics import load_contracts, macro_statements
from lake.schemas import TABLES, TableSpec
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table

_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.RELATION}
_CREATE = duckdb.StatementType.CREATE
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?(\s*\(\s*(analyze|format)\b[^()]*\))?\s", re.IGNORECASE)

#: Functions that a SELECT may call and that do more than read: they write files, change the session, run another
#: statement that stands in a text, or take an address in memory; the last two lines are of extensions that DuckDB loads
#: by itself.
EFFECTS = frozenset({
    "write_blob", "copy_dir", "enable_logging", "disable_logging", "truncate_duckdb_logs", "write_log",
    "enable_profiling", "disable_profiling", "checkpoint", "force_checkpoint", "delta_set_transaction_version",
    "query", "json_execute_serialized_sql", "arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_map_function",
    "start_ui", "start_ui_server", "stop_ui_server", "load_aws_credentials", "dbgen", "dsdgen",
    "postgres_attach", "postgres_execute", "mysql_execute", "sqlite_attach",
})  # fmt: skip
#: A call of one of them, wherever it stands: whether it is in a text or a remark is for DuckDB alone to say.
_CALLS = re.compile(
    rf"\b({'|'.join(sorted(EFFECTS))})\b(?=(?:[^\x21-\x7e]|\"|/\*.*\*/|--[^\r\n]*[\r\n])*\()", re.IGNORECASE | re.DOTALL
)

#: What lists tables, or reads some that the query does not name.
_OF_ALL_TABLES = re.compile(
    r"\b(information_schema|(duckdb|pg|pragma|sqlite)_\w+|show|metric\w*|query_table)\b|\bdesc(ribe)?\s*([);]|$)"
)
_ONE_AT_A_TIME = "send one query at a time; the lake is changed by `sillage land` and `sillage build` only"
_PIVOT_NAMED = "send one query at a time; here a PIVOT has to name its values: on powertrain in ('BEV', 'ICE')"
_NAMED = re.compile(r'\b(?:raw|core|kpi|ops)"?\s*\.\s*"?(\w+)')


def table_specs() -> dict[str, TableSpec]:
    """Every table of the lake: the registry, and one per KPI contract."""
    return TABLES | {table.spec.name: table.spec for table in load_contracts().tables}


def connect(lake: Lake, settings: Settings, query: str | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB session with one view per table, and ``metric(name)`` and ``metric_values`` over the KPI tables.

    A table that nothing was written to yet is there, empty.

    Args:
        lake: the lake.
        settings: memory of the session.
        query: what it is for, if that is known: tables that cannot be part of its result are left out, and their logs
            are not read.
    """
    con = duckdb.connect(config={"memory_limit": settings.query_memory})
    lake.prepare_duckdb(con)
    for layer in ("raw", "core", "kpi", "ops"):
        con.execute(f"create schema {layer}")
    specs = table_specs()
    wanted = specs.keys() if query is None else tables_for(query)
    for name in wanted:
        table = Table(lake, specs[name])
        if table.exists():
            con.execute(f"create view {name} as select * from delta_scan('{table.place.url}')")
        else:
            con.register("no_rows", table.spec.schema.create_empty().to_arrow())
            con.execute(f"create table {name} as select * from no_rows")
            con.unregister("no_rows")
    if len(wanted) == len(specs):
        for statement in macro_statements():
            con.execute(statement)
    con.execute("set lock_configuration = true")
    return con


def tables_for(query: str) -> Collection[str]:
    """The tables without which a query could come out otherwise: those whose names are among its words.

    All of them where it names none, one that is not there (DuckDB then says which it may have meant), or what lists
    tables or reads them on its own. Words of remarks and texts count too: one table too many does no harm.
    """
    text = query.lower()
    words = set(re.findall(r"\w+", text))
    specs = table_specs()
    named = {name for name in specs if name.partition(".")[2] in words}
    unknown = set(_NAMED.findall(text)) - {name.partition(".")[2] for name in specs}
    return specs.keys() if not named or unknown or _OF_ALL_TABLES.search(text) else named


def read_query(con: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation:
    """The result of one query that only reads.

    Raises:
        QueryError: not exactly one statement, a statement or a function that could change something, or SQL that
            DuckDB refuses.
    """
    try:
        statements = con.extract_statements(text)
        # DuckDB splits a PIVOT whose values are not named: types of the values are made first, by no words of the text.
        single = bool(statements) and all(one.type == _CREATE and not one.query for one in statements[:-1])
        sound = single and _reads(con, statements[-1])
    except duckdb.Error as error:
        raise _refused(error) from None
    if not sound:
        raise QueryError(
            "The query is not a single read",
            found=f"{len(statements)} statements" if len(statements) != 1 else statements[0].type.name.lower(),
            expected="one SELECT (or WITH … SELECT, PIVOT, DESCRIBE, EXPLAIN)",
            action=_PIVOT_NAMED if re.search(r"\bpivot\b", text, re.IGNORECASE) else _ONE_AT_A_TIME,
        )
    if calls := sorted({name.lower() for name in _CALLS.findall(text)}):
        raise QueryError(
            "The query is not a single read",
            found=f"it calls {', '.join(calls)}, which does more than read",
            action="leave that out; `sillage sql … --output FILE` writes a result to a file",
        )
    try:
        return con.sql(text)
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
