"""Groups against all together: what is mix goes at the mix of all, what is rate stays, chance is not told as news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.cards.ranking import Ranking
from dashboard.cards.tiles import Tiles
from dashboard.page import Page
from dashboard.view.address import default_view
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
CARD = Ranking("paying_share", "paying_share_at_mix", "market")
PAGE = Page("ranked", Text.OVERVIEW, (Tiles("paying_share"), CARD))
#: Market, model, vehicles, of these paying. France has more of the model that pays; Japan pays more with either.
FLEET = (
    ("FR", "Corvid", 900, 450), ("FR", "Petrel", 100, 10),
    ("DE", "Corvid", 100, 50), ("DE", "Petrel", 900, 90),
    ("JP", "Corvid", 500, 350), ("JP", "Petrel", 500, 150),
    ("MA", "Corvid", 12, 3), ("MA", "Petrel", 12, 3),
    ("TR", "Corvid", 4, 4),
)  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The fleet on one day."""
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    rows = [
        {"date": NOW.date() - timedelta(1), "market": market, "model": model, "vehicles": size}
        | {"unit_vehicles": size, "service_vehicles": size, "paying_vehicles": paying}
        for market, model, size, paying in FLEET
    ]
    point_to(
        lake,
        write_figures(
            target, {"kpi.connected": frame("connected", rows)}, version="1", provisional_days=0, published_at=NOW
        ),
    )
    return Published(lambda: Snapshot.open(settings))


@pytest.fixture(scope="module")
def card(published: Published) -> dict[str, Any]:
    return PAGE.answer(published, "", None)["cards"][CARD.name]  # type: ignore[no-any-return]


def test_a_gap_is_mix_and_rate(published: Published) -> None:
    with published.reading() as reading:
        assert reading.catalogue is not None
        sheet = PAGE.sheet(reading, default_view(reading.catalogue), CARD.name)
    assert sheet is not None
    rows = {row[0]: row for row in sheet.rows}
    assert list(rows)[:2] == ["Japan", "France"], "the highest first"
    gap, mix, rate = (float(part) for part in rows["France"][7:10])  # type: ignore[arg-type]
    assert gap == pytest.approx(mix + rate)
    assert mix > 10
    assert rate < 0, "France is above for its models alone: with those of all it is below"
    assert float(rows["Japan"][9]) > 10  # type: ignore[arg-type]
    assert [row[-2:] for row in sheet.rows] == [("1", "1 to 2"), ("2", "1 to 2"), ("3", "3")], "4 points of 1,000"


def test_who_differs_beyond_chance_is_said(card: dict[str, Any]) -> None:
    assert "above: Japan" in card["note"]
    assert "below: Germany" in card["note"], "with its own models and with those of all"
    assert card["note"].count("France") == 1, "in its place; above as it is, and below with the models of all"
    assert "Morocco" not in card["note"]
    assert "2 markets withheld" in card["note"]
    assert "at 95%: Japan 1 to 2, France 1 to 2, Germany 3; 1 of 3 are sure" in card["note"]


def test_dots_show_both_ways_around_all_together(card: dict[str, Any]) -> None:
    one, other = card["figure"]["data"]
    assert one["y"] == other["y"] == ["Japan", "France", "Germany"]
    assert one["x"][0] == pytest.approx(50)
    assert all(reach > 0 for reach in (*one["error_x"]["array"], *other["error_x"]["array"]))
    low, high = card["figure"]["layout"]["xaxis"]["range"]
    assert 0 < low < min(one["x"] + other["x"])
    assert max(one["x"] + other["x"]) < high < 100, "dots need no axis from nothing to all"
    at = card["figure"]["layout"]["shapes"][0]["x0"]
    assert min(one["x"]) < at < max(one["x"])


def test_both_ways_are_exported(published: Published) -> None:
    text = bytes(_export(PAGE, CARD.name, "", published).body).decode()
    assert text.count(",paying_share,") == text.count(",paying_share_at_mix,") == 5


def test_a_metric_that_is_not_the_same_at_a_mix_is_refused(published: Published) -> None:
    with pytest.raises(TypeError, match="adoption_at_mix is not paying_share at a mix"):
        Ranking("paying_share", "adoption_at_mix", "market").frame(published.contracts, ENGLISH)
