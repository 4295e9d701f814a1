"""The rows of the KPI tables in one file of this machine, kept up to date from the lake.

A KPI table has a file for each day, and opening thousands of them would be most of a publication. So what was read once
stays here, and only the days that changed since are read again. The file can be removed at any time: it is made anew.
What is done with the rows is the publication's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import duckdb
import polars as pl
from deltalake import DeltaTable

from lake.engine import open_duckdb
from lake.patience import patiently
from lake.schemas import TableSpec
from lake.settings import Settings
from lake.snapshot import Source
from lake.storage import Lake
from lake.tables import Table

#: Folder of a lake that holds it, where the lake is a folder.
FOLDER = "cache"
#: Of which version of a table the rows are, of which table of that name, and with which columns.
_FOLLOWED = (
    'create table if not exists followed ("table" varchar primary key, id varchar, columns varchar, version bigint)'
)


@contextmanager
def kpi_rows(lake: Lake, settings: Settings, specs: Collection[TableSpec]) -> Iterator[Mapping[str, Source]]:
    """The rows of KPI tables as they are now.

    Args:
        lake: the lake.
        settings: where copies are kept when the lake is not a folder.
        specs: the tables.

    Yields:
        The rows of each table by its name, to be read before the context ends. From the lake itself where the file
        cannot be used, as while another publication has it.
    """
    tables = {spec.name: Table(lake, spec) for spec in specs}
    con = _up_to_date(_file(lake, settings), tables.values())
    if con is None:
        yield {name: patiently(table.scan) for name, table in tables.items()}
        return
    with con:
        yield {name: con.table(name) for name in tables}


def _file(lake: Lake, settings: Settings) -> Path:
    if lake.is_local:
        return Path(lake.path(FOLDER, "kpi-rows.duckdb"))
    return settings.cache / f"kpi-rows-{sha256(lake.uri.encode()).hexdigest()[:16]}.duckdb"


def _up_to_date(file: Path, tables: Collection[Table]) -> duckdb.DuckDBPyConnection | None:
    """The file with the rows of now; where it is damaged, or of another DuckDB, it is made anew once.

    ``None`` where it cannot be used.
    """
    if "?" in str(file):  # DuckDB takes what follows for options
        return None
    for _ in range(2):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            con = open_duckdb(file)
        except OSError:
            return None
        except duckdb.Error as error:
            if "lock" in str(error):
                return None
            file.unlink(missing_ok=True)
            continue
        try:
            con.execute("set timezone = 'UTC'")
            con.execute("create schema if not exists kpi")
            con.execute(_FOLLOWED)
            for table in tables:
                patiently(partial(_follow, con, table))
            return con
        except duckdb.Error:
            con.close()
            file.unlink(missing_ok=True)
        except BaseException:
            con.close()
            raise
    return None


def _follow(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Bring the rows of one table up to date, in one transaction."""
    handle = table.now()
    shape = str(table.spec.schema.create_empty().schema)
    id_, version = ("", -1) if handle is None else (str(handle.metadata().id), int(handle.version()))
    known = con.execute('select id, columns, version from followed where "table" = ?', [table.spec.name]).fetchone()
    same = known is not None and known[:2] == (id_, shape) and known[2] <= version
    if same and known is not None and known[2] == version:
        return
    with _transaction(con):
        if same and known is not None:
            _replace_days(con, table, handle, table.changed_days(known[2], handle))
        else:
            _put(con, f"create or replace table {table.spec.name} as from changed", _scan(table, handle))
        con.execute("insert or replace into followed values (?, ?, ?, ?)", [table.spec.name, id_, shape, version])


def _replace_days(
    con: duckdb.DuckDBPyConnection, table: Table, handle: DeltaTable | None, days: Collection[object]
) -> None:
    if not days:
        return
    of_days = pl.col("date").is_in(list(days))
    con.execute(f"delete from {table.spec.name} where list_contains(?, date)", [list(days)])
    _put(con, f"insert into {table.spec.name} from changed", _scan(table, handle).filter(of_days))


def _scan(table: Table, handle: DeltaTable | None) -> pl.LazyFrame:
    return table.spec.schema.create_empty().lazy() if handle is None else table.scan(handle=handle)


def _put(con: duckdb.DuckDBPyConnection, statement: str, rows: pl.LazyFrame) -> None:
    con.register("changed", rows.collect())
    con.execute(statement)
    con.unregister("changed")


@contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")
