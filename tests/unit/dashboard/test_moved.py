"""What moved most: only what the parts can say, on a fleet whose change is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from dashboard import moved
from dashboard.filters import default_view, parse
from dashboard.published import Published, Question, Reading
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to, write_snapshot
from lake.storage import Lake

TODAY = datetime(2026, 3, 15, 6, tzinfo=UTC)


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    """56 days of 100 vehicles in France and 100 in Japan; in the newer 28, Japan drives half as much again."""
    active, driving = [], []
    for back in range(56):
        for market in ("FR", "JP"):
            day = TODAY.date() - timedelta(1 + back)
            key = {"date": day, "market": market, "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
            trips = 150 if market == "JP" and back < 28 else 100
            sizes = {"vehicles": 100, "reporting_vehicles": 95, "active_1d": 50, "active_7d": 80, "active_28d": 90}
            active.append(key | sizes)
            parts = {"vehicles": 100, "active_vehicles": 50, "trips": trips, "distance_km": trips * 10.0}
            times = {"driving_s": trips * 900.0, "idle_s": trips * 100.0}
            odometer = {"odometer_vehicles": 50, "odometer_gain_km": trips * 10.1, "odometer_trip_km": trips * 10.0}
            driving.append(key | parts | times | odometer)
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake, folder = Lake.open(settings), tmp_path / "lake" / "published"
    folder.mkdir()
    frames = {"kpi.active_vehicles": pl.DataFrame(active), "kpi.driving": pl.DataFrame(driving)}
    point_to(lake, write_snapshot(folder, frames, version="1", provisional_days=0, published_at=TODAY))
    with Published(lambda: Snapshot.open(settings)).reading() as reading:
        yield reading


def test_only_what_moved_is_told_and_the_segments_add_up(reading: Reading) -> None:
    assert reading.catalogue is not None
    view = default_view(reading.catalogue)
    totals = reading.answer(view, Question(moved.METRICS, compare=True))
    values = moved.largest(reading, totals)
    assert [value.metric for value in values] == ["distance", "trips"], "ratios did not move"
    by_market = reading.answer(view, Question(("distance", "trips"), ("market",), compare=True))
    distance, trips = moved.moves(reading, values, {"market": by_market})
    assert distance.change.text == "+25.0%"
    assert distance.reason == "Of +14,000 km: Japan +14,000."
    assert trips.reason == "Of +1,400 trips: Japan +1,400."


def test_without_a_period_before_nothing_is_told(reading: Reading) -> None:
    assert reading.catalogue is not None

    view, _ = parse("?days=90", reading.catalogue)
    totals = reading.answer(view, Question(moved.METRICS, compare=True))
    assert moved.largest(reading, totals) == []
