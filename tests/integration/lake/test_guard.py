"""What a query of a person may do, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from lake.catalog import connect
from lake.errors import QueryError
from lake.guard import EFFECTS, READERS, read_query
from lake.storage import load_extension
from metrics import macro_statements
from metrics.specs import table_specs
from sillage.query import time_limit
from tests.integration.lakes import opened

Session = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session on an empty lake in a folder; nothing that a test sends may change it."""
    lake, settings = opened(tmp_path_factory.mktemp("empty"))
    with connect(lake, settings, specs=table_specs(), statements=macro_statements) as con:
        yield con


READS = [
    "select 1",
    "SELECT sum(distance_km) FROM core.trips;",
    "-- a remark\nwith t as (select * from core.trips) select count(*) from t -- another",
    "from core.trips",
    "table core.trips",
    "values (1), (2)",
    "describe core.trips",
    "summarize core.trips",
    "show tables",
    "explain select 1",
    "explain analyze select count(*) from core.trips",
    "explain (format json) select 1",
    "explain (select 1) union all select 2",
    "pivot core.vehicles on powertrain using count(*) group by market",
    "pivot core.vehicles on powertrain in ('BEV', 'ICE') using count(*) group by market;",
    "-- a remark\nwith t as (pivot core.vehicles on powertrain using count(*)) select * from t",
    "select checkpoint, query from (select 1 as checkpoint, 2 as query) where 'write_blob' <> 'copy_dir'",
    "select 'write_blob(1)' as \"write_blob(2)\" -- write_blob(3)",
    "with checkpoint(x) as (select 1) select checkpoint.x from checkpoint",
    "select ';' as a /* ; */;",
    "from range(3) r, generate_series(1, 2), unnest([1, 2])",
    "from metric('trips')",
    "select * from metric_values",
    "from query_table('core.trips')",
    "from (show tables)",
    "explain analyze select count(*) from range(3)",
    "explain /* why */ analyze select 1",
    "explain (analyze, format json) select 1",
    "explain pivot core.vehicles on powertrain in ('BEV', 'ICE') using count(*)",
    "with t as (from core.trips) select count(*) from t union all select list_transform([1], lambda x: x + 1)[1]",
    f"select {'(' * 500}1{')' * 500}",
    "select 'ü', 1 as \"é\"",
]


@pytest.mark.parametrize("query", READS)
def test_reads_are_run(folder: Session, query: str) -> None:
    assert read_query(folder, query).fetchall() is not None


WRITES = [
    "create table mine as select 1",
    "create or replace view core.trips as select 1",
    "create macro core.f() as 1",
    "create secret s (type azure, connection_string 'x')",
    "insert into core.trips select * from core.trips",
    "update core.trips set distance_km = 0",
    "delete from core.trips",
    "drop table core.trips",
    "drop schema core cascade",
    "alter table core.trips add column x int",
    "truncate core.trips",
    "copy (select 1) to '{file}'",
    "copy core.trips to '{file}' (format parquet)",
    "export database '{file}'",
    "import database '{file}'",
    "attach '{file}' as other",
    "detach memory",
    "use core",
    "set threads = 1",
    "reset threads",
    "pragma threads = 1",
    "call pragma_version()",
    "install json",
    "load json",
    "begin",
    "commit",
    "checkpoint",
    "vacuum",
    "prepare p as select 1",
    "execute p",
    "explain analyze copy (select 1) to '{file}'",
    "EXPLAIN  ANALYZE\ncreate table mine as select 1",
    "explain copy (select 1) to '{file}'",
    "/* a remark */ explain analyze copy (select 1) to '{file}'",
    "explain (format json) copy (select 1) to '{file}'",
    "explain analyze drop schema core cascade",
    "explain analyze insert into core.trips select * from core.trips",
    "create table mine as pivot core.trips on vehicle_id",
    "create table mine as select 1; pivot core.trips on vehicle_id",
    "pivot core.trips on vehicle_id; select 1",
    "explain analyze pivot core.trips on vehicle_id",
    "select write_blob('{file}', 'x'::blob)",
    "select core.write_blob('{file}', 'x'::blob)",
    "SELECT 1 WHERE \"Write_Blob\" /* a ( remark */ -- and (\n ('{file}', 'x'::blob)",
    "select\u00a0write_blob\u2003('{file}', 'x'::blob)",
    "with t as (select write_blob('{file}', 'x'::blob) as done) select * from t",
    "select list_transform(['{file}'], lambda f: write_blob(f, 'x'::blob))",
    "explain analyze select write_blob('{file}', 'x'::blob)",
    "describe select write_blob('{file}', 'x'::blob)",
    "pivot (select write_blob('{file}', 'x'::blob) as done) on done",
    "from query('select write_' || 'blob(''{file}'', ''x''::blob)')",
    "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "from copy_dir('/etc', '{file}')",
    "from enable_logging('QueryLog', storage = 'file', storage_config = {{'path': '{file}'}})",
    "from disable_logging()",
    "from truncate_duckdb_logs()",
    "from enable_profiling('json', save_location = '{file}')",
    "from checkpoint()",
    "from force_checkpoint()",
    "from delta_scan('{file}')",
    "from delta_scan('http://127.0.0.1:1/t')",
    "select * from core.trips where exists (from delta_scan('{file}'))",
    "from read_duckdb('{file}')",
    "from main.\"Enable_Logging\"(storage = 'file')",
    "with t as materialized (from checkpoint()) from t",
    "select (select count(*) from lateral (from copy_dir('/etc', '{file}')))",
    "select 1 order by write_blob('{file}', 'x'::blob)",
    "select 1 limit (select write_blob('{file}', 'x'::blob))",
    "select sum(1) over (order by write_blob('{file}', 'x'::blob))",
    "select * from core.trips at (version => write_blob('{file}', 'x'::blob))",
    "show (select write_blob('{file}', 'x'::blob))",
    "explain (format json) select write_blob('{file}', 'x'::blob)",
    "explain analyze from copy_dir('/etc', '{file}')",
    "pivot (from copy_dir('/etc', '{file}')) on file",
    "pivot (select \"write_blob\" /* ( */ ('{file}', 'x'::blob) as done) on done",
    "pivot (select write_blob\u2003('{file}', 'x'::blob) as done) on done",
    "pivot (select\u00a0write_blob('{file}', 'x'::blob) as done) on done",
    "with t as (pivot (from checkpoint()) on success) from t",
    "select write_log('x')",
]


@pytest.mark.parametrize("query", WRITES)
def test_whatever_is_not_a_read_is_refused_and_leaves_nothing(folder: Session, query: str, tmp_path: Path) -> None:
    target = tmp_path / "leak"
    with pytest.raises(QueryError):
        read_query(folder, query.format(file=target)).fetchall()
    assert not target.exists()
    names = "select table_schema || '.' || table_name from information_schema.tables"
    tables = {name for (name,) in read_query(folder, names).fetchall()}
    assert tables >= set(table_specs())
    assert "main.mine" not in tables


#: Functions whose names speak of more than they do.
HARMLESS = {"current_query", "current_query_id", "set_bit", "pg_conf_load_time"}


def test_every_function_that_by_its_name_does_more_than_read_is_refused(folder: Session) -> None:
    for extension in ("avro", "azure"):
        load_extension(folder, extension)
    does = "write|copy|exec|query|checkpoint|enable|disable|truncate|delete|remove|set|load|attach|install"
    there = read_query(
        folder,
        "select distinct function_name from duckdb_functions() where function_type in ('scalar', 'macro')"
        f" and regexp_matches(function_name, '^({does})(_|$)|_({does})(_|$)')",
    )
    names = {name for (name,) in there.fetchall()}
    assert names - HARMLESS <= EFFECTS
    assert "write_blob" in names


def test_what_may_stand_in_from_is_there(folder: Session) -> None:
    there = folder.execute("select distinct function_name from duckdb_functions() where function_type like 'table%'")
    names = {name for (name,) in there.fetchall()}
    assert names >= READERS
    assert names - READERS >= {"delta_scan", "copy_dir", "enable_logging", "checkpoint", "query", "read_duckdb"}


@pytest.mark.parametrize("query", ["select 1; select 2", "select 1; drop table core.trips", "", "  -- nothing"])
def test_anything_but_one_statement_is_refused(folder: Session, query: str) -> None:
    with pytest.raises(QueryError, match="not a single read") as refused:
        read_query(folder, query)
    assert "statements" in refused.value.found


@pytest.mark.parametrize(
    ("query", "said"),
    [("selec 1", "syntax error"), ("select * from core.tripz", "tripz"), ("select nosuch from core.trips", "nosuch")],
)
def test_sql_that_is_wrong_is_said_in_words_of_duckdb(folder: Session, query: str, said: str) -> None:
    with pytest.raises(QueryError, match="DuckDB refused") as refused:
        read_query(folder, query).fetchall()
    assert said in refused.value.found
    assert "information_schema.tables" in refused.value.action


def test_what_fails_while_it_runs_is_refused_in_the_same_words(folder: Session) -> None:
    with pytest.raises(QueryError, match="DuckDB refused"), time_limit(folder, 60):
        read_query(folder, "select error('no') from range(3)").fetchall()


@pytest.mark.parametrize(
    "query",
    [
        "import database '{folder}'",
        "/* a */ import database '{folder}'",
        "select 1; import database '{folder}'",
        "with t as (select 1) from t; import database '{folder}'",
        "explain import database '{folder}'",
    ],
)
def test_a_file_that_duckdb_reads_while_it_parses_is_not_read(folder: Session, query: str, tmp_path: Path) -> None:
    """IMPORT is replaced by the statements of two files before anybody sees what type it has."""
    (tmp_path / "load.sql").write_text("", encoding="utf-8")
    (tmp_path / "mine").mkdir()
    target = tmp_path / "leak"
    (tmp_path / "schema.sql").write_text(f"select * from copy_dir('{tmp_path / 'mine'}', '{target}')", encoding="utf-8")
    with pytest.raises(QueryError, match=r"not a single read|syntax error"):
        read_query(folder, query.format(folder=tmp_path)).fetchall()
    assert not target.exists()


def test_a_pragma_is_refused_though_duckdb_calls_some_a_select(folder: Session) -> None:
    for query in ("pragma database_list", "pragma show_tables", "pragma table_info('core.trips')"):
        with pytest.raises(QueryError, match="not a single read") as found:
            read_query(folder, query)
        assert found.value.found == "pragma"


def test_files_of_the_analyst_are_read(folder: Session, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("a,b\n1,2\n", encoding="utf-8")
    for query in (f"from '{own}'", f"from read_csv('{own}')", f"from query_table('{own}')"):
        assert read_query(folder, query).fetchall() == [(1, 2)]
    assert read_query(folder, f"select content from read_text('{own}')").fetchall() == [("a,b\n1,2\n",)]


@pytest.mark.parametrize(
    "query",
    ["from 'https://127.0.0.1:1/x.csv'", "from 's3://bucket/x.csv'", "from read_xlsx('x')", "from dbgen(sf = 1)"],
)
def test_no_extension_is_fetched(folder: Session, query: str) -> None:
    with pytest.raises(QueryError, match="DuckDB refused") as found:
        read_query(folder, query).fetchall()
    assert "not fetched" in found.value.action
    assert "INSTALL" not in str(found.value)


text = "a variable of this module"


@pytest.mark.parametrize("name", ["text", "READERS", "con", "EFFECTS"])
def test_variables_of_python_are_no_tables(folder: Session, name: str) -> None:
    with pytest.raises(QueryError) as found:
        read_query(folder, f"from {name}").fetchall()
    assert "does not exist" in found.value.found
