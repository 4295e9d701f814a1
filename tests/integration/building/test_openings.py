"""What a survey says of a table is of one moment, and its log is opened once for all of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from lake.schemas.raw.registries import Vehicles
from lake.storage import Lake
from lake.tables import open_table
from orchestration.building import build
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
