"""An export or a page never answers with more vehicles than were asked for."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from dashboard.filters import default_view
from dashboard.pages import overview
from dashboard.published import Published
from dashboard.routes import _export
from dashboard.sheets import Column, Sheet
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to, write_snapshot
from lake.storage import Lake

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    active, driving = [], []
    for back in range(28):
        for market in ("FR", "JP"):
            day = NOW.date() - timedelta(1 + back)
            key = {"date": day, "market": market, "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
            sizes = {"reporting_vehicles": 95, "active_1d": 50, "active_7d": 80, "active_28d": 90}
            active.append(key | {"vehicles": 100} | sizes)
            parts = {"vehicles": 100, "active_vehicles": 50, "trips": 100, "distance_km": 1000.0}
            times = {"driving_s": 9000.0, "idle_s": 1000.0}
            odometer = {"odometer_vehicles": 50, "odometer_gain_km": 1010.0, "odometer_trip_km": 1000.0}
            driving.append(key | parts | times | odometer)
    frames = {"kpi.active_vehicles": pl.DataFrame(active), "kpi.driving": pl.DataFrame(driving)}
    point_to(lake, write_snapshot(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


@pytest.mark.parametrize(
    "query",
    [
        "market=XX",
        "market=fr",
        "markets=FR",
        "from=x",
        "from=20260301",
        "from=2026-W10-7",
        "market=FR&market=XX",
        "by=nope",
    ],
)
def test_an_export_of_an_address_that_cannot_be_used_is_refused(published: Published, query: str) -> None:
    answer = _export(overview.PAGE, "markets", query, published)
    assert answer.status_code == 400
    assert answer.body.startswith(b"No export:\n")


def test_an_export_of_a_known_market_is_given(published: Published) -> None:
    answer = _export(overview.PAGE, "markets", "market=FR&table=markets", published)
    assert answer.status_code == 200
    assert b"# Filter: market = FR" in answer.body


@pytest.mark.parametrize("query", ["?market=XX", "?market=fr", "?market=XX&powertrain=BEV"])
def test_a_page_with_a_filter_of_which_nothing_is_left_shows_no_figures(published: Published, query: str) -> None:
    answer = overview.BODY.answer(published, query, None)
    assert answer["class"] == "body without"
    assert "A filter holds no value of the published data." in str(answer["state"])
    assert overview.BODY.answer(published, "?market=FR", None)["class"] == "body"


def test_nothing_in_an_export_is_a_formula(published: Published) -> None:
    sheet = Sheet("card", "Card", (Column("=A1"), Column("@n")), (("=B1", 1.0), ("\rx", 2.0)), ())
    with published.reading() as reading:
        assert reading.catalogue is not None
        text = sheet.csv(default_view(reading.catalogue), NOW, NOW.date())
    cells = [cell for row in csv.reader(StringIO(text, newline="")) for cell in row]
    assert {"'=A1", "'@n", "'=B1", "'\rx"} <= set(cells)
