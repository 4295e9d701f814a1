"""Overview: the map has a place for every market, tiles stand each for itself, and a reason leads where it points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.cards.tile_map import PLACES, TileMap
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.pages import overview
from dashboard.view.names import value_name
from dashboard.view.published import Published
from dashboard.view.reader import ENGLISH
from dashboard.view.texts import Text
from dashboard.web.routes import _export
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """56 days; in the newer 28, Corvid in Japan has four times as many faults as before, all others as many."""
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    active, faults, commands = [], [], []
    for back in range(56):
        for market, size in (("FR", 3000), ("JP", 3000), ("DE", 40), ("MA", 4)):
            for model in ("Corvid", "Heron"):
                at = {"date": NOW.date() - timedelta(1 + back), "market": market, "model": model}
                month = size * (9 if market == "FR" else 8) // 10
                active.append(at | {"vehicles": size, "reporting_vehicles": size, "active_28d": month})
                many = 4 if (market, model) == ("JP", "Corvid") and back < 28 else 1
                told = {"vehicles": size, "active_28d_vehicles": size, "episodes_28d": many * size // 20}
                faults.append(at | told)
        sent = {"date": NOW.date() - timedelta(1 + back), "vehicles": 100, "commands": 100, "succeeded_commands": 95}
        commands.append(sent)
    tables = {"active_vehicles": active, "faults": faults, "commands": commands}
    frames = {f"kpi.{name}": frame(name, rows) for name, rows in tables.items()}
    point_to(lake, write_figures(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


def cards(published: Published, search: str = "", page: Page = overview.PAGE) -> dict[str, Any]:
    return page.answer(published, search, None)["cards"]  # type: ignore[no-any-return]


def test_every_market_that_has_a_name_has_a_place_of_its_own() -> None:
    assert all(value_name(ENGLISH, "market", code) != code for code in PLACES)
    assert len(set(PLACES.values())) == len(PLACES)


def test_the_map_colours_what_may_be_shown_and_leads_to_it(published: Published) -> None:
    page = Page("mapped", Text.OVERVIEW, (Tiles("monthly_active_vehicles"), Row(TileMap("active_rate_28d"))))
    found = cards(published, "", page)["active-rate-28d-map"]
    hidden, shown = found["figure"]["data"]
    column, row = PLACES["FR"]
    assert shown["z"][row][column] == pytest.approx(90.0)
    assert shown["customdata"][row][column] == ["France", "?market=FR"]
    # Morocco is among the others, who are few; Germany, the smallest besides, is withheld for them.
    column, row = PLACES["DE"]
    assert shown["z"][row][column] is None
    assert hidden["text"][row][column] == "DE"
    assert "MA" not in str(hidden["text"])
    assert all(isinstance(code, str) for trace in (hidden, shown) for line in trace["text"] for code in line)
    assert "2 markets withheld" in found["note"], "Morocco is too few, and Germany hides it"
    text = bytes(_export(page, "active-rate-28d-map", "", published).body).decode()
    assert "JP,Japan,active_rate_28d,%,80.0" in text


def test_a_tile_that_a_filter_does_not_fit_says_so_and_the_others_stand(published: Published) -> None:
    tiles = {
        tile.to_plotly_json()["props"]["data-metric"]: str(tile)
        for tile in cards(published, "?model=Corvid")["tiles"]["tiles"]
    }
    assert "not split by model" in tiles["command_success_share"]
    assert "tile-value" in tiles["fault_incidence"]
    assert (
        "tile-value"
        in {t.to_plotly_json()["props"]["data-metric"]: str(t) for t in cards(published)["tiles"]["tiles"]}[
            "command_success_share"
        ]
    )
    text = bytes(_export(overview.PAGE, "tiles", "model=Corvid", published).body).decode()
    assert "fault_incidence," in text
    assert "command_success_share," not in text


def test_a_reason_is_mix_and_rate_and_leads_to_its_segment(published: Published) -> None:
    words = str(cards(published)["changes"]["content"])
    assert "Corvid in Japan explains" in words
    assert "mix of" in words
    assert "href='?market=JP&model=Corvid'" in words
