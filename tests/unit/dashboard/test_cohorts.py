"""Cards of cohorts and of cases: what is not over is not lost, what is small is withheld, and both are said."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from dashboard.cards.funnel import Funnel
from dashboard.cards.matrix import Matrix
from dashboard.cards.pareto import Pareto
from dashboard.cards.survival import Survival
from dashboard.cards.tiles import Tiles
from dashboard.page import Page, Row
from dashboard.view import wording
from dashboard.view.address import default_view, parse
from dashboard.view.published import Published
from dashboard.view.reader import ENGLISH
from dashboard.view.texts import Text
from dashboard.web.routes import _export
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from metrics import Slice, evaluate
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
NEWEST = NOW.date() - timedelta(1)
NAME = "No answer from telematics unit"
OPEN = ("faults_open_after_7d", "faults_open_after_30d")
PAGE = Page(
    "cohorts",
    Text.OVERVIEW,
    (
        Tiles("deliveries"),
        Row(
            Funnel("service_funnel", back=91),
            Matrix("service_retention", "week", Text.RETENTION_BY_WEEK, back=91),
            Matrix("service_retention", "service", Text.RETENTION_BY_SERVICE, back=91),
            Survival("time-to-clear", Text.HOW_LONG_OPEN, OPEN, "time_to_clear_p50", "code_name", most=1, back=56),
            Pareto("faults_by_code", "code", "code_name", Text.WHICH_FAULTS),
        ),
    ),
)


def _funnel(day: date, market: str, size: int) -> list[dict[str, Any]]:
    """Of so many delivered, four fifths consent, three are activated, two use it, one does in week 4."""
    steps = ("eligible", "consented", "activated", "used", "used_in_week_4")
    rows = []
    for place, step in enumerate(steps):
        first = {"vehicles": size, "eligible_vehicles": size} if place == 0 else {}
        reached = {"reached_vehicles": size * (5 - place) // 5}
        rows.append({"date": day, "market": market, "service": "navigation", "step": step} | first | reached)
    return rows


def _retention(day: date, service: str, size: int) -> list[dict[str, Any]]:
    """A tenth leaves in each week that is over."""
    first = {"vehicles": size, "began_vehicles": size}
    ages = range(min(13, ((NEWEST - day).days + 1) // 7))
    return [
        {"date": day, "service": service, "age_weeks": age, "retained_vehicles": size * (10 - min(age, 9)) // 10}
        | (first if age == 0 else {})
        for age in ages
    ] or [{"date": day, "service": service, "age_weeks": 0, "retained_vehicles": 0} | first]


def _faults(code: str, name: str, back: int, **ended: int) -> list[dict[str, Any]]:
    """Faults of one code set so many days ago, by the days after which they were cleared; ``open`` are not."""
    named = {"date": NEWEST - timedelta(back), "code": code, "code_name": name, "vehicles": sum(ended.values())}
    return [
        named | {"duration_days": -1 if days == "open" else int(days[1:]), "episodes": count}
        | ({} if place == 0 else {"vehicles": 0})
        for place, (days, count) in enumerate(ended.items())
    ]  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Deliveries 80, 40 and 5 days ago, activations 3, 10 and 50 days ago, and faults of two codes and a rare one."""
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    frames = {
        "kpi.deliveries": frame(
            "deliveries",
            [
                {"date": NEWEST - timedelta(back), "market": market, "vehicles": 100}
                for back in range(100)
                for market in ("FR", "JP", "MA")
            ],
        ),
        "kpi.service_funnel": frame(
            "service_funnel",
            [row for back in (80, 40, 5) for row in _funnel(NEWEST - timedelta(back), "FR", 100)]
            + _funnel(NEWEST - timedelta(5), "JP", 50)
            + _funnel(NEWEST - timedelta(80), "MA", 5),
        ),
        "kpi.service_retention": frame(
            "service_retention",
            [row for back in (3, 10, 50) for row in _retention(NEWEST - timedelta(back), "navigation", 60)]
            + _retention(NEWEST - timedelta(29), "media", 40)
            + _retention(NEWEST - timedelta(29), "remote_control", 4),
        ),
        "kpi.fault_codes": frame(
            "fault_codes",
            _faults("U0198", "No answer from telematics unit", 20, d1=40, d5=20, d10=20, open=20)
            + _faults("P0300", "Misfires in several cylinders", 20, d1=30, open=20)
            + _faults("B1000", "Rare", 20, d1=3),
        ),
    }
    point_to(lake, write_figures(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


def card(published: Published, name: str, search: str = "", scheme: str = "light") -> dict[str, Any]:
    return PAGE.answer(published, search, scheme)["cards"][name]  # type: ignore[no-any-return]


def lines(published: Published, name: str, query: str = "") -> list[dict[str, str]]:
    answer = _export(PAGE, name, query, published)
    assert answer.status_code == 200
    text = bytes(answer.body).decode()
    return list(csv.DictReader(line for line in StringIO(text) if not line.startswith("#")))


def test_a_funnel_leaves_out_what_is_not_over_and_says_so(published: Published) -> None:
    found = card(published, "service-funnel", "?market=FR")
    words = str(found["content"])
    for step in ("Delivered with it", "Consented", "Activated", "Used", "Used in week 4"):
        assert step in words
    told = {
        x["step"]: (float(x["value"]), float(x["counted"])) for x in lines(published, "service-funnel", "market=FR")
    }
    assert told["eligible"][0] == 100
    assert told["consented"][0] == 80, "of the 200 delivered at least 14 days ago, not of all 300"
    assert told["used_in_week_4"][0] == 20, "of the 100 delivered at least 63 days ago"
    assert "Used in week 4: 2 days" in found["note"]
    assert "Consented: 1 day" in found["note"]


def test_a_funnel_tells_those_who_began_before_the_period(published: Published) -> None:
    found = card(published, "service-funnel", "?market=FR&days=7")
    assert f"began {wording.days(ENGLISH, date(2025, 12, 7), NEWEST)}" in found["sub"]
    whole = card(published, "service-funnel", "?market=FR")
    assert f"began {wording.days(ENGLISH, date(2025, 12, 5), NEWEST)}" in whole["sub"], (
        "no further back than there are data"
    )
    text = bytes(_export(PAGE, "service-funnel", "market=FR&days=7", published).body).decode()
    assert "# Of what began from: 2025-12-07 on" in text


def test_a_funnel_of_which_nothing_is_over_says_that(published: Published) -> None:
    assert "not over yet" in str(card(published, "service-funnel", "?market=JP")["content"])


def test_a_withheld_funnel_says_why_and_of_which_days(published: Published) -> None:
    words = str(card(published, "service-funnel", "?market=MA")["content"])
    assert "Withheld" in words
    assert "fewer than 10 vehicles began" in words


def test_a_matrix_leaves_cells_empty_that_are_not_over(published: Published) -> None:
    figure = card(published, "service-retention-week")["figure"]["data"][0]
    rows = dict(zip(figure["y"], figure["z"], strict=True))
    assert next(iter(rows)).startswith("All · ")
    old = next(cells for name, cells in rows.items() if name.startswith("19 Jan"))
    assert old == [100, 90, 80, 70, 60, 50, 40]
    young = next(cells for name, cells in rows.items() if name.startswith("2 Mar"))
    assert young == [100, *[None] * 6], "not over, and so not 0"


def test_a_matrix_says_what_it_withholds_and_what_is_too_young(published: Published) -> None:
    by_week, by_service = (card(published, f"service-retention-{down}") for down in ("week", "service"))
    assert "1 week no age is over yet" in by_week["note"]
    assert "2 services withheld: fewer than 10 vehicles, or needed to hide one that has." in by_service["note"]
    assert [name.partition(" · ")[0] for name in by_service["figure"]["data"][0]["y"]] == ["All", "Navigation"]


def test_a_matrix_exports_all_together_and_each_cohort(published: Published) -> None:
    found = lines(published, "service-retention-service")
    together = {x["age_weeks"]: x["value"] for x in found if x["service"] == ""}
    alone = {x["age_weeks"]: x["value"] for x in found if x["service"] == "navigation"}
    assert float(together["0"]) > 0
    assert float(alone["1"]) == 90
    assert {x["service_name"] for x in found} == {"", "Media", "Navigation", "Other"}
    assert all(x["withheld"] == "true" for x in found if x["service"] == "remote_control")
    assert {x["date"] for x in lines(published, "service-retention-week")} >= {"", "2026-01-19", "2026-03-02"}


def test_a_service_is_looked_at_alone_and_left_again(published: Published) -> None:
    with published.reading() as reading:
        assert reading.catalogue is not None
        view, notes = parse("?service=navigation&market=FR", reading.catalogue)
        assert (view.scope, notes) == ("France · Navigation", [])
        assert view.query() == "?market=FR&service=navigation"
        assert view.drilled("service", "navigation") == "?market=FR"
        assert parse("?service=nonsense", reading.catalogue)[1], "one that nobody has is said"
    found = card(published, "service-retention-week", "?service=navigation")
    assert found["sub"].endswith("Navigation")
    began = {name.partition(" · ")[2] for name in found["figure"]["data"][0]["y"]}
    assert began == {"120", "60"}, "of this service alone, and without those whose first week is not over"
    words = str(PAGE.answer(published, "?service=navigation", None)["cards"]["tiles"]["tiles"])
    assert "not split by service" in words


def test_survival_shows_the_points_that_the_contracts_tell(published: Published) -> None:
    found = card(published, "time-to-clear")
    curves = {trace["name"]: trace for trace in found["figure"]["data"]}
    assert set(curves) == {"All", NAME}, "the value with most cases beside all"
    with published.reading() as reading:
        one = Slice(NEWEST - timedelta(27 + 56), NEWEST)
        expected = evaluate(reading._cursor, (*OPEN, "time_to_clear_p50"), one, by=("code_name",), as_of=NEWEST)
    code = {v.metric: v for v in expected if v.group == (NAME,)}
    points = dict(zip(curves[NAME]["x"], curves[NAME]["y"], strict=True))
    assert points == {0: 100, code["time_to_clear_p50"].value: 50, 7: pytest.approx(code[OPEN[0]].value)}
    assert code[OPEN[1]].value is None, "nobody has been followed for 30 days: no point, and not 0"
    whiskers = curves[NAME]["error_y"]
    at = curves[NAME]["x"].index(7)
    assert whiskers["array"][at] == pytest.approx(code[OPEN[0]].high - code[OPEN[0]].value)
    assert whiskers["arrayminus"][at] == pytest.approx(code[OPEN[0]].value - code[OPEN[0]].low)
    assert "2 faults withheld" in found["note"]


def test_a_pareto_adds_up_to_the_whole_with_what_is_withheld(published: Published) -> None:
    with published.reading() as reading:
        assert reading.catalogue is not None
        sheet = PAGE.sheet(reading, default_view(reading.catalogue), "faults-by-code-code-pareto")
    assert sheet is not None
    assert [row[:3] for row in sheet.rows] == [("U0198", "No answer from telematics unit", 100.0)], (
        "one hides the rare one"
    )
    assert sheet.rows[0][3] == pytest.approx(100 * 100 / 153)
    assert "2 trouble codes withheld" in card(published, "faults-by-code-code-pareto")["note"]
    found = {x["code"]: x for x in lines(published, "faults-by-code-code-pareto")}
    assert {code: x["withheld"] for code, x in found.items()} == {"U0198": "false", "P0300": "true", "other": "true"}
    assert found["U0198"]["code_name"] == "No answer from telematics unit"


@pytest.mark.parametrize(
    "wrong",
    [Funnel("adoption"), Matrix("adoption", "week", Text.WEEK), Pareto("adoption", "service", "service", Text.WEEK)],
)
def test_a_card_refuses_a_metric_that_it_cannot_draw(published: Published, wrong: Any) -> None:
    with pytest.raises(TypeError, match="adoption"):
        wrong.frame(published.contracts, ENGLISH)
