"""The read-only DuckDB session over the lake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from lake.catalog import connect, tables_for
from lake.errors import QueryError
from lake.guard import read_query
from lake.tables import open_table
from metrics import macro_statements
from metrics.specs import table_specs
from sillage.query import time_limit
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
    with connect(lake, settings, specs=table_specs(), statements=macro_statements) as con:
        yield con


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session on an empty lake in a folder; nothing that a test sends may change it."""
    lake, settings = opened(tmp_path_factory.mktemp("empty"))
    with connect(lake, settings, specs=table_specs(), statements=macro_statements) as con:
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
    assert set(tables_for(query, table_specs())) == set(table_specs())


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
