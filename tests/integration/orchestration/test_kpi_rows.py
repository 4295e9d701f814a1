"""The rows that a publication is made of are those of the lake, and only days that changed are read again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.schemas import TableSpec
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table
from metrics import load_contracts
from orchestration import kpi_rows as module
from orchestration.kpi_rows import FOLDER, kpi_rows
from tests.integration.lakes import opened
from tests.unit.metrics.platform import MONDAY, frame

KPI = "deliveries"


@pytest.fixture
def place(tmp_path: Path) -> tuple[Lake, Settings]:
    return opened(tmp_path / "lake")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows that were read from the lake, a number for each time."""
    rows: list[int] = []
    put = module._put

    def counted(con: duckdb.DuckDBPyConnection, statement: str, lazy: pl.LazyFrame) -> None:
        rows.append(lazy.collect().height)
        put(con, statement, lazy)

    monkeypatch.setattr(module, "_put", counted)
    return rows


def test_days_that_changed_are_read_again_and_no_others(place: tuple[Lake, Settings], read: list[int]) -> None:
    lake, settings = place
    _write(lake, {MONDAY + timedelta(n): n + 1 for n in range(5)})
    _hold(lake, settings)
    assert read == [5]
    _hold(lake, settings)
    assert read == [5]
    _write(lake, {MONDAY: 9, MONDAY + timedelta(5): 6})
    _hold(lake, settings)
    assert read == [5, 2]


def test_a_day_that_is_empty_now_is_gone(place: tuple[Lake, Settings]) -> None:
    lake, settings = place
    _write(lake, {MONDAY: 1, MONDAY + timedelta(1): 2})
    _hold(lake, settings)
    table = Table(lake, _spec())
    table.replace_days(table.scan(MONDAY, MONDAY).collect().clear(), [MONDAY])
    _hold(lake, settings)


def test_a_table_that_was_made_anew_is_read_as_a_whole(place: tuple[Lake, Settings], read: list[int]) -> None:
    lake, settings = place
    _write(lake, {MONDAY: 1})
    _write(lake, {MONDAY: 2})
    _hold(lake, settings)
    shutil.rmtree(lake.table_place(f"kpi.{KPI}").plain)
    _hold(lake, settings)
    _write(lake, {MONDAY + timedelta(2): 3})
    _write(lake, {MONDAY + timedelta(2): 4})
    _hold(lake, settings)
    assert read == [1, 0, 1]


def test_a_run_that_failed_leaves_what_was_there(place: tuple[Lake, Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    lake, settings = place
    _write(lake, {MONDAY: 1})
    _hold(lake, settings)
    _write(lake, {MONDAY: 2})
    with monkeypatch.context() as patch:
        patch.setattr(module, "_put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            _hold(lake, settings)
    _hold(lake, settings)


def _not_a_database(file: Path) -> None:
    file.write_bytes(b"something else")


def _cut_in_half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize("spoil", [_not_a_database, _cut_in_half, Path.unlink])
def test_a_file_that_is_damaged_or_gone_is_made_anew(
    spoil: Callable[[Path], Any], place: tuple[Lake, Settings]
) -> None:
    lake, settings = place
    _write(lake, {MONDAY: 1})
    _hold(lake, settings)
    spoil(Path(lake.path(FOLDER, "kpi-rows.duckdb")))
    _hold(lake, settings)


def test_while_another_publication_has_the_file_the_lake_is_read(place: tuple[Lake, Settings]) -> None:
    lake, settings = place
    _write(lake, {MONDAY: 1})
    with kpi_rows(lake, settings, [_spec()]):
        _write(lake, {MONDAY: 2})
        _hold(lake, settings)


def _spec() -> TableSpec:
    return load_contracts().table(KPI).spec


def _write(lake: Lake, vehicles: dict[date, int]) -> None:
    rows = frame(KPI, [{"date": day, "vehicles": number} for day, number in vehicles.items()])
    Table(lake, _spec()).replace_days(rows, list(vehicles))


def _hold(lake: Lake, settings: Settings) -> None:
    """What is held is what the lake has."""
    spec = _spec()
    with kpi_rows(lake, settings, [spec]) as rows:
        source = rows[spec.name]
        held = source.pl() if isinstance(source, duckdb.DuckDBPyRelation) else source.lazy().collect()
    assert_frame_equal(held, Table(lake, spec).scan().collect(), check_row_order=False)
