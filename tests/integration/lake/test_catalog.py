"""The read-only DuckDB session over the lake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from lake.catalog import EFFECTS, connect, read_query, table_specs, tables_for, time_limit
from lake.errors import QueryError
from lake.storage import load_extension
from lake.tables import open_table
from tests.conftest import Azurite
from tests.integration.lake.test_tables import DAY, trip
from tests.integration.lakes import log_openings, opened

Session = duckdb.DuckDBPyConnection


@pytest.fixture(params=["local", "azurite"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A lake in which only core.trips has been written."""
    azurite: Azurite | None = request.getfixturevalue("azurite") if request.param == "azurite" else None
    lake, settings = opened(azurite.new_container() if azurite else tmp_path / "it's a lake", azurite)
    open_table(lake, "core.trips").replace_days(trip(DAY, 12.5), [DAY])
    with connect(lake, settings) as con:
        yield con


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session on an empty lake in a folder; nothing that a test sends may change it."""
    lake, settings = opened(tmp_path_factory.mktemp("empty"))
    with connect(lake, settings) as con:
        yield con


def test_every_table_is_there_with_its_columns_even_where_nothing_was_written(session: Session) -> None:
    for name, spec in table_specs().items():
        found = read_query(session, f"select * from {name}").pl()
        assert set(found.columns) == set(spec.schema.column_names()), name
        assert found.height == (1 if name == "core.trips" else 0)


def test_columns_have_the_types_of_the_contract_before_and_after_the_first_row(session: Session) -> None:
    described = read_query(session, "describe core.trips").pl()
    types = dict(zip(described["column_name"], described["column_type"], strict=True))
    assert (types["date"], types["started_at"], types["distance_km"]) == ("DATE", "TIMESTAMP WITH TIME ZONE", "DOUBLE")
    described = read_query(session, "describe core.vehicle_days").pl()
    types = dict(zip(described["column_name"], described["column_type"], strict=True))
    assert (types["date"], types["first_event_at"], types["active"]) == ("DATE", "TIMESTAMP WITH TIME ZONE", "BOOLEAN")


def test_times_are_shown_in_utc_wherever_the_machine_is(session: Session) -> None:
    row = read_query(session, "select started_at::varchar, started_at from core.trips").fetchone()
    assert row is not None
    assert row[0] == "2025-03-01 08:00:00+00"
    assert row[1] == datetime(2025, 3, 1, 8, tzinfo=UTC)


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
]


@pytest.mark.parametrize("query", READS)
def test_reads_are_run(folder: Session, query: str) -> None:
    assert read_query(folder, query).fetchall() is not None


#: Functions whose names speak of more than they do.
READERS = {
    "delta_scan", "parquet_scan", "seq_scan", "query_table", "current_query", "current_query_id", "set_bit",
    "pg_conf_load_time",
}  # fmt: skip

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


def test_every_function_that_by_its_name_does_more_than_read_is_refused(folder: Session) -> None:
    for extension in ("avro", "azure"):
        load_extension(folder, extension)
    does = "write|copy|exec|query|checkpoint|enable|disable|truncate|delete|remove|set|load|attach|install|scan"
    there = read_query(
        folder,
        "select distinct function_name from duckdb_functions() where function_type <> 'pragma'"
        f" and regexp_matches(function_name, '^({does})(_|$)|_({does})(_|$)')",
    )
    names = {name for (name,) in there.fetchall()}
    assert names - READERS <= EFFECTS
    assert names >= {"write_blob", "copy_dir", "checkpoint", "enable_logging"}


def test_only_the_tables_that_a_query_names_are_opened(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    open_table(lake, "core.trips").replace_days(trip(DAY, 12.5), [DAY])
    query = 'select "Distance_KM" from "core"."TRIPS" -- not of vehicle_days'
    with log_openings() as names, connect(lake, settings, query) as con:
        assert read_query(con, query).fetchall() == [(12.5,)]
    assert sorted(names) == ["core.trips", "core.vehicle_days"]


@pytest.mark.parametrize(
    "query",
    [
        "select * from information_schema.tables, core.trips",
        "SHOW tables",
        "describe",
        "select * from (describe), core.trips",
        "from duckdb_views() where view_name = 'trips'",
        "select * from core.trips, metric('trips')",
        "from metric_values",
        "from query_table('core.' || 'trips')",
        "select * from core.trips join core.tripz using (vehicle_id)",
        "select 1",
    ],
)
def test_a_query_that_lists_tables_or_reads_some_by_another_name_has_them_all(query: str) -> None:
    assert set(tables_for(query)) == set(table_specs())


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


def test_the_settings_of_the_session_are_locked(folder: Session) -> None:
    with pytest.raises(duckdb.Error, match="locked"):
        folder.execute("set memory_limit = '100GB'")


ENDLESS = "select count(*) from range(100000000) a, range(100000000) b where hash(a.range) = hash(b.range) + 1"


def test_a_query_beyond_the_limit_is_stopped(folder: Session) -> None:
    with pytest.raises(QueryError, match="too long") as stopped, time_limit(folder, 0.2):
        read_query(folder, ENDLESS).fetchall()
    assert "SILLAGE_QUERY_TIMEOUT_S" in stopped.value.action
    with time_limit(folder, 3600):
        assert read_query(folder, "select 42").fetchall() == [(42,)]
