"""A lake that is young: what looks back over 28 days is compared only where these days are there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.view import wording
from dashboard.view.address import default_view
from dashboard.view.published import Published, Question, Reading
from dashboard.view.reader import ENGLISH
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)


@pytest.fixture(params=[40, 55, 56])
def reading(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reading]:
    """So many days of 100 vehicles of which ever more have driven within 28 days, as the days of the lake fill up."""
    days: int = request.param
    active = []
    for number in range(days):
        seen = min(90, 3 * (number + 1))
        key = {"market": "FR", "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
        sizes = {"vehicles": 100, "reporting_vehicles": 95, "active_1d": 30, "active_7d": 40, "active_28d": seen}
        active.append({"date": NOW.date() - timedelta(days - number)} | key | sizes)
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake, folder = Lake.open(settings), tmp_path / "lake" / "published"
    folder.mkdir()
    frames = {"kpi.active_vehicles": frame("active_vehicles", active)}
    point_to(lake, write_figures(folder, frames, version="1", provisional_days=0, published_at=NOW))
    with Published(lambda: Snapshot.open(settings)).reading() as reading:
        yield reading


def test_growth_that_is_only_a_window_filling_up_is_not_told(reading: Reading) -> None:
    assert reading.catalogue is not None
    view = default_view(reading.catalogue)
    question = Question(("weekly_active_vehicles", "monthly_active_vehicles"), compare=True)
    answer = reading.ask(view, (question,)).of(question)
    weekly, monthly = answer.one("weekly_active_vehicles"), answer.one("monthly_active_vehicles")
    assert weekly.change == 0
    full = (reading.catalogue.last - reading.catalogue.first).days + 1 >= 56
    assert (monthly.change is not None) == full
    if not full:
        contract = reading.metric("monthly_active_vehicles")
        assert wording.change(ENGLISH, contract, monthly) is None
        assert (
            wording.no_change(ENGLISH, contract, monthly, "previous 28 d")
            == "previous 28 d without a full window of 28 days"
        )
