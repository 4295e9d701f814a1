"""What KPI queries share: the vehicles of each day, the zones of markets, and how they get into a query."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from lake.errors import ContractError
from lake.schemas import TABLES
from metrics import SQL_FOLDER
from metrics.shared import with_shared
from simulator.world import CITIES
from tests.unit.kpi.rows import core_rows

FOLDER = SQL_FOLDER / "kpi" / "shared"
DAY = date(2026, 3, 28)
DIMENSIONS = ("market", "model", "model_year", "powertrain", "software_version", "months_in_service")


def _asked(sql: str, **given: list[dict[str, Any]]) -> pl.DataFrame:
    """A query over rows of core."""
    with duckdb.connect() as con:
        con.execute("create schema core")
        con.execute("set timezone = 'UTC'")
        for name, rows in given.items():
            con.register(name, core_rows(f"core.{name}", rows))
            con.execute(f"create view core.{name} as select * from {name}")
        return con.execute(with_shared(sql, FOLDER, "here")).pl()


def _days(vehicle_days: list[dict[str, Any]], vehicles: list[dict[str, Any]]) -> pl.DataFrame:
    return _asked("select * from shared.fleet_days order by vehicle_id", vehicle_days=vehicle_days, vehicles=vehicles)


def test_fleet_days_has_all_that_is_known_of_a_vehicle_and_its_day() -> None:
    known = {*TABLES["core.vehicle_days"].schema.column_names(), *TABLES["core.vehicles"].schema.column_names()}
    assert set(_days([], []).columns) == known


def test_fleet_days_is_a_row_for_each_vehicle_day_and_its_dimensions_are_never_null() -> None:
    nothing = dict.fromkeys(("market", "model", "model_year", "powertrain"))
    days = [{"date": DAY, "vehicle": "a", "software_version": "4.3.0"}, {"date": DAY, "vehicle": "b", **nothing}]
    # Of another day, and of a vehicle that was not in the fleet.
    vehicles = [{"date": DAY, "vehicle": "a", "months_in_service": 7, "automation_level": 2},
                {"date": date(2026, 3, 27), "vehicle": "b", "months_in_service": 7},
                {"date": DAY, "vehicle": "c", "months_in_service": 7}]  # fmt: skip
    found = _days(days, vehicles)
    assert found.select(DIMENSIONS).rows() == [("FR", "Corvid", "2025", "BEV", "4.3.0", "6-11"), ("unknown",) * 6]
    assert found["automation_level"].to_list() == [2, None]


@pytest.mark.parametrize(
    ("months", "said"),
    [(0, "0-2"), (2, "0-2"), (3, "3-5"), (5, "3-5"), (6, "6-11"), (11, "6-11"), (12, "12-23"), (23, "12-23"),
     (24, "24-35"), (35, "24-35"), (36, "36+"), (400, "36+"), (None, "unknown")],
)  # fmt: skip
def test_months_in_service_are_classes(months: int | None, said: str) -> None:
    vehicle = {"date": DAY, "vehicle": "a"}
    assert _days([vehicle], [vehicle | {"months_in_service": months}])["months_in_service"].to_list() == [said]


def test_each_market_has_one_zone_and_duckdb_knows_its_clock() -> None:
    moments = [datetime(2026, month, 28, 12, tzinfo=UTC) for month in range(1, 13)]
    times = ", ".join(f"timezone(zone, timestamptz '{moment:%Y-%m-%d %H:%M:%S}Z')" for moment in moments)
    found = _asked(f"select market, zone, [{times}] as local from shared.market_zones")
    assert found["market"].is_unique().all()
    for _, zone, local in found.iter_rows():
        assert local == [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments], zone
    zones = dict(found.select("market", "zone").iter_rows())
    simulated = {(city.market, city.zone) for city in CITIES}
    assert all(zones[market] in {zone for other, zone in simulated if other == market} for market, _ in simulated)


def _folder(path: Path, **queries: str) -> Path:
    for name, text in queries.items():
        (path / f"{name}.sql").write_text(text, encoding="utf-8")
    return path


def test_a_shared_query_is_written_into_those_that_read_it_once_and_before_them(tmp_path: Path) -> None:
    folder = _folder(tmp_path, one="-- One.\nselect 1 as n\n", two="select n + 1 as n from shared.one\n")
    plain = "-- Of shared.three nothing is read.\nselect n from core.other"
    assert with_shared(plain, folder, "here") == plain
    for sql in ("select one.n + two.n as n from shared.two as two cross join shared.one as one",
                "with sums as (\nselect one.n + two.n as n from shared.one as one cross join shared.two as two\n)\n"
                "select n from sums"):  # fmt: skip
        text = with_shared(f"-- A comment.\n{sql}", folder, "here")
        assert duckdb.sql(text).fetchall() == [(3,)]
        assert text.count("select 1 as n") == 1


def test_a_shared_query_that_is_missing_or_reads_itself_is_told(tmp_path: Path) -> None:
    folder = _folder(tmp_path, one="select 1 as n from shared.two", two="select 1 as n from shared.one")
    with pytest.raises(ContractError, match="here: inputs") as error:
        with_shared("select n from shared.three", folder, "here")
    assert "shared.three" in str(error.value)
    assert "one of one, two" in str(error.value)
    with pytest.raises(ContractError, match="one -> two -> one"):
        with_shared("select n from shared.one", folder, "here")
