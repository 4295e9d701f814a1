"""Pages are declarations: short, without functions, and one that is declared here works like the shipped ones."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import dashboard.pages
import metrics
from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay
from dashboard.cards.by_group import ByGroup
from dashboard.cards.card import Filling
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view.published import Published
from dashboard.view.texts import Text
from dashboard.web.routes import _export
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
MODULES = sorted(Path(dashboard.pages.__path__[0]).glob("[a-z]*.py"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Eight weeks of 100 vehicles in France and 50 in Japan, each driving 20 km a day."""
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    rows = []
    for back in range(56):
        for market, fleet in (("FR", 100), ("JP", 50)):
            year = "2025" if market == "FR" else "2024"
            key = {"market": market, "model": "Corvid", "model_year": year, "powertrain": "BEV"}
            parts = {"vehicles": fleet, "active_vehicles": fleet, "trips": 2 * fleet, "distance_km": 20.0 * fleet}
            times = {"driving_s": 9000.0, "idle_s": 1000.0}
            odometer = {"odometer_vehicles": 0, "odometer_gain_km": 0.0, "odometer_trip_km": 0.0}
            rows.append({"date": NOW.date() - timedelta(1 + back)} | key | parts | times | odometer)
    frames = {"kpi.driving": frame("driving", rows)}
    point_to(lake, write_figures(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


DECLARED = Page("declared", Text.OVERVIEW, (Tiles("distance"), Row(ByDay("trips"), ByGroup("distance", by="market"))))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_page_is_a_declaration(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 40
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def test_a_declared_page_shows_its_cards(published: Published) -> None:
    answer = DECLARED.answer(published, "?days=7", None)
    assert answer["class"] == "body"
    assert "21,000" in str(answer["cards"]["tiles"]["tiles"])
    figure = answer["cards"]["trips"]["figure"]
    assert (figure["data"][0]["type"], figure["data"][0]["y"]) == ("bar", [300.0] * 7)
    assert "France" in str(answer["cards"]["markets"]["content"])


def test_a_declared_page_exports_each_card_alone(published: Published) -> None:
    exported = _export(DECLARED, "trips", "days=7", published)
    assert exported.status_code == 200
    lines = [line for line in bytes(exported.body).decode().splitlines() if line.startswith("2026")]
    assert len(lines) == 7
    assert all(",trips,trips,300.0," in line for line in lines)
    assert _export(DECLARED, "nonsense", "days=7", published).status_code == 404


def test_a_declared_page_drills(published: Published) -> None:
    content = str(DECLARED.answer(published, "?days=7", None)["cards"]["markets"]["content"])
    assert "href='?days=7&market=FR'" in content
    narrowed = DECLARED.answer(published, "?days=7&market=FR", None)
    assert "14,000" in str(narrowed["cards"]["tiles"]["tiles"])
    assert "href='?days=7'" in str(narrowed["cards"]["markets"]["content"]), "a second click widens again"


def test_a_page_asks_once(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[tuple[tuple[str, ...], tuple[str, ...]]]] = []
    real = metrics.evaluate_all

    def counting(con, questions, **named):  # type: ignore[no-untyped-def]
        asked.append([(question.by, question.metrics) for question in questions])
        return real(con, questions, **named)

    monkeypatch.setattr(metrics, "evaluate_all", counting)
    DECLARED.answer(published, "?days=14", None)
    (questions,) = asked
    assert sorted(by for by, _ in questions) == [(), ("date",), ("date",), ("market",)]
    assert ((), ("distance", "trips")) in questions, "cards that split alike are asked together"


MIXED = Page("mixed", Text.OVERVIEW, (Tiles("distance"), Row(ByClass("trips_by_hour", "local_hour"), ByDay("trips"))))


def test_a_card_that_a_filter_does_not_fit_says_so_alone(published: Published) -> None:
    cards = MIXED.answer(published, "?model_year=2025", None)["cards"]
    assert "not split by model year" in str(cards["trips-by-hour-local-hour"]["content"])
    assert cards["trips"]["figure"]["data"]
    refused = _export(MIXED, "trips-by-hour-local-hour", "model_year=2025", published)
    assert (refused.status_code, b"model year" in refused.body) == (400, True)


class Broken(ByDay):
    """Fails where it is drawn."""

    def draw(self, *_: object) -> Filling:
        raise ZeroDivisionError("broken")


def test_a_card_that_fails_fails_alone(published: Published, caplog: pytest.LogCaptureFixture) -> None:
    page = Page("partly", Text.OVERVIEW, (Tiles("distance"), Row(Broken("trips"), ByDay("mean_speed"))))
    cards = page.answer(published, "", None)["cards"]
    assert "could not be worked out" in str(cards["trips"]["content"])
    assert cards["mean_speed"]["figure"]["data"]
    number = str(cards["trips"]["content"]).partition("Error ")[2][:8]
    assert number in caplog.text


def test_classes_stand_in_their_order_and_bars_lead_to_their_filter(published: Published) -> None:
    page = Page(
        "classes",
        Text.OVERVIEW,
        (Tiles("distance"), Row(ByClass("distance", "market"), ByClass("trips", "model_year"))),
    )
    cards = page.answer(published, "?days=7", None)["cards"]
    bars = cards["distance-market"]["figure"]["data"][0]
    assert (bars["y"], bars["x"]) == (["Japan", "France"], [7000.0, 14000.0]), "the largest on top"
    assert bars["customdata"][1][1] == "?days=7&market=FR"
    assert cards["trips-model-year"]["figure"]["data"][0]["x"] == ["2024", "2025"]
