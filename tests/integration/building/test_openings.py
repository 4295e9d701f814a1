"""What a survey says of a table is of one moment, and its log is opened once for all of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from lake.checks import load_checks
from lake.schemas.raw.registries import Vehicles
from lake.settings import get_settings
from lake.storage import Lake
from lake.tables import open_table
from orchestration.building import build
from orchestration.checks import run_checks
from orchestration.due import due_builds
from orchestration.survey import Survey
from tests.integration.building.test_horizon import DAY, arrive
from tests.integration.lakes import log_openings, opened
from tests.unit.core import registries
from tests.unit.core.frames import CAR, NOON


@pytest.fixture
def built(tmp_path: Path) -> Lake:
    """Telemetry of a vehicle of which a registry speaks after its delivery; all of it computed."""
    lake, settings = opened(tmp_path / "lake")
    arrive(lake, timedelta(), NOON + timedelta(days=1))
    told = {"h": (NOON - registries.MIDNIGHT).days * 24, "vehicle_id": CAR, "delivered_on": registries.FIRST}
    open_table(lake, "raw.vehicles").append(registries.raw(Vehicles, [told]))
    build(lake, settings)
    return lake


def more_than(times: int, names: list[str], lake: Lake) -> dict[str, int]:
    """The tables that are named more often. Of one that is not there it is looked up each time whether it is now."""
    return {name: n for name, n in Counter(names).items() if n > times and Survey(lake).version(name) >= 0}


def test_a_log_is_opened_once_to_find_that_nothing_is_due(built: Lake) -> None:
    with log_openings() as names:
        assert due_builds(built) == ()
    assert max(Counter(names).values()) == 1


def test_a_log_is_opened_once_to_find_what_is_due(built: Lake) -> None:
    arrive(built, timedelta(minutes=1), NOON + timedelta(days=1))
    with log_openings() as names:
        assert [due.first for due in due_builds(built)]
    assert max(Counter(names).values()) == 1


def test_all_that_a_survey_says_of_a_table_is_of_one_moment(built: Lake) -> None:
    survey, table = Survey(built), open_table(built, "raw.telemetry")
    version, rows = table.version(), table.rows_by_day()
    assert survey.version("raw.telemetry") == version
    arrive(built, timedelta(minutes=1), NOON + timedelta(days=1))
    assert table.changed_days(version) == {DAY: version + 1}
    assert survey.rows_by_day("raw.telemetry") == rows
    assert survey.changed_days("raw.telemetry", version) == {}
    survey.changed("raw.telemetry")
    assert survey.version("raw.telemetry") == version + 1
    assert survey.rows_by_day("raw.telemetry") == table.rows_by_day() != rows


def test_a_build_opens_each_log_twice_at_most_however_many_tables_read_it(built: Lake) -> None:
    arrive(built, timedelta(minutes=1), NOON + timedelta(days=1))
    with log_openings() as names:
        report = build(built, get_settings())
    assert sum(map(bool, report.days.values())) > 30
    # Once to look and to read, once to write; what was computed is written down for many tables together, and tidied.
    assert more_than(2, names, built) == {"core.latest": 3, "ops.runs": 3}


def test_checks_open_each_log_once(built: Lake) -> None:
    with log_openings() as names:
        results = {result.check: result.passed for result in run_checks(built, get_settings(), [DAY])}
    assert results["core.trips.rows_as_recorded"]
    assert results["kpi.driving.agrees_with_core"]
    # Once to read, and once for DuckDB where a rule of sql/checks reads it; what has landed is looked up once more.
    rules = {name for check in load_checks() for name in check.inputs}
    assert more_than(1, [name for name in names if name not in rules], built).keys() <= {"ops.check_results"}
    assert more_than(2, names, built).keys() <= {"ops.check_results", "ops.batches"}


def test_a_table_that_moves_on_is_brought_up_to_date_without_opening_it_again(built: Lake) -> None:
    survey, table = Survey(built), open_table(built, "raw.telemetry")
    assert survey.version("raw.telemetry") == table.version()
    arrive(built, timedelta(minutes=1), NOON + timedelta(days=1))
    with log_openings() as names:
        newest = survey.newest("raw.telemetry")
        assert survey.rows_by_day("raw.telemetry") == table.rows_by_day(newest)
    assert newest is not None
    assert names == []
    assert newest.version() == table.version()
    assert survey.newest("core.trips") is not None
    assert survey.newest("raw.faults") is None
