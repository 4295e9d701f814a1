"""A period of which not every day has data: it is said, gaps stay gaps, and like is compared with like."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.draw.parts import sparkline
from dashboard.page import Page
from dashboard.pages import overview, usage
from dashboard.view.published import Published
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
DAYS = 48
HOLE = {date(2026, 3, day) for day in (3, 4, 5)}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """48 days of 100 vehicles, three of the newer 28 without data."""
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    active, driving = [], []
    for back in range(DAYS):
        day = NOW.date() - timedelta(1 + back)
        if day in HOLE:
            continue
        key = {"date": day, "market": "FR", "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
        sizes = {"vehicles": 100, "reporting_vehicles": 95, "active_1d": 50, "active_7d": 80, "active_28d": 90}
        active.append(key | sizes)
        parts = {"vehicles": 100, "active_vehicles": 50, "trips": 100, "distance_km": 1000.0}
        times = {"driving_s": 9000.0, "idle_s": 1000.0}
        odometer = {"odometer_vehicles": 50, "odometer_gain_km": 1010.0, "odometer_trip_km": 1000.0}
        driving.append(key | parts | times | odometer)
    frames = {"kpi.active_vehicles": frame("active_vehicles", active), "kpi.driving": frame("driving", driving)}
    point_to(lake, write_figures(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


def test_a_period_partly_outside_the_data_is_said_and_compared_over_equal_days(published: Published) -> None:
    answer = overview.PAGE.answer(published, "?from=2026-03-10&to=2026-04-30", None)
    assert "Data covers 5 of these 52 days, 10\N{EN DASH}14 Mar 2026." in str(answer["notes"])
    tiles = str(answer["cards"]["tiles"]["tiles"])
    assert r"vs previous 5 d" in tiles
    assert "52" not in tiles
    figure = usage.PAGE.answer(published, "?from=2026-03-10&to=2026-04-30", None)["cards"]["activity"]["figure"]
    assert figure["data"][0]["x"] == [f"2026-03-{day}" for day in range(10, 15)]


def test_days_that_are_missing_before_are_said(published: Published) -> None:
    notes = str(overview.PAGE.answer(published, "", None)["notes"])
    assert "Data covers 25 of these 28 days." in notes
    assert "Of the 28 days compared with, 20 have data." in notes
    assert overview.PAGE.answer(published, "?days=7&compare=none", None)["notes"] is None


@pytest.mark.parametrize(("page", "card"), [(usage.PAGE, "activity"), (usage.PAGE, "distance"), (usage.PAGE, "panels")])
def test_days_without_data_are_gaps(published: Published, page: Page, card: str) -> None:
    figure = page.answer(published, "?compare=none", None)["cards"][card]["figure"]
    for trace in figure["data"]:
        assert len(trace["x"]) == 28
        absent = {date.fromisoformat(x) for x, y in zip(trace["x"], trace["y"], strict=True) if y is None}
        assert absent == HOLE


def test_a_table_has_every_day_of_the_period(published: Published) -> None:
    content = str(usage.PAGE.answer(published, "?table=distance", None)["cards"]["distance"]["content"])
    assert content.count("Th(children=[") >= 28
    assert "4 Mar 2026" in content


def test_a_sparkline_is_broken_where_a_value_is_missing() -> None:
    assert str(sparkline([1.0, 2.0, None, 3.0, 4.0])).count("M") > str(sparkline([1.0, 2.0, 2.5, 3.0, 4.0])).count("M")
