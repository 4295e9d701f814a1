"""What is drawn says what there is, and nothing else: no axes around nothing, no heading that runs into the next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.tiles import Tiles
from dashboard.draw.charts import Axis, Line, daily_lines, small_multiples
from dashboard.draw.groups import Bar, Curve, Point, falling_points, ordered_bars
from dashboard.draw.palette import DARK, LIGHT
from dashboard.draw.parts import headline, tile
from dashboard.page import Page, Row
from dashboard.view.address import View
from dashboard.view.published import Published
from dashboard.view.texts import Text
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from metrics import MetricValue, load_contracts
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
DAYS = [NOW.date() - timedelta(back) for back in range(3, 0, -1)]

VIEW = View(date(2026, 3, 1), date(2026, 3, 14), compare="none")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A week of health of 100 vehicles in France and 4 in Morocco, where 12 were before; nothing is known of energy."""
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    days = [NOW.date() - timedelta(1 + back) for back in range(7)]
    health = [
        {"date": day, "market": market, "vehicles": fleet, "reporting_vehicles": fleet}
        | {"healthy_vehicles": fleet // 2, "attention_vehicles": fleet // 4, "act_now_vehicles": fleet // 4}
        for day in days
        for market, fleet in (("FR", 100), ("MA", 4))
    ]
    health.append({"date": days[-1] - timedelta(1), "market": "MA", "vehicles": 12})  # its name is published
    frames = {"kpi.vehicle_health": frame("vehicle_health", health)}
    point_to(lake, write_figures(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


STATES = ("healthy_share", "attention_share", "act_now_share")
PAGE = Page(
    "drawn",
    Text.OVERVIEW,
    (
        Tiles("healthy_share"),
        Row(
            DaysOf("states", Text.HEALTH, STATES, Text.SHARE, graded=True),
            ByDay("healthy_share"),
            ByDay("energy_gross"),
        ),
    ),
)


def drawn(published: Published, search: str, card: str, scheme: str = "light") -> dict[str, Any]:
    return PAGE.answer(published, search, scheme)["cards"][card]  # type: ignore[no-any-return]


def test_a_chart_of_nothing_is_words(published: Published) -> None:
    found = drawn(published, "?days=7", "energy_gross")
    assert "No data in this slice" in str(found["content"])
    assert found["box"] == {"display": "none"}


def test_a_chart_of_what_is_withheld_says_so(published: Published) -> None:
    for card in ("healthy_share", "states"):
        found = drawn(published, "?days=7&market=MA", card)
        assert "fewer than 10 vehicles" in str(found["content"]), card
        assert found["box"] == {"display": "none"}


@pytest.mark.parametrize(("scheme", "theme"), [("light", LIGHT), ("dark", DARK)])
def test_states_that_go_from_well_to_bad_have_those_colours(published: Published, scheme: str, theme: Any) -> None:
    bars = drawn(published, "?days=7", "states", scheme)["figure"]["data"]
    assert [bar["marker"]["color"] for bar in bars] == [theme.calm, theme.warning, theme.bad]
    assert bars[2]["marker"]["pattern"]["shape"], "not by colour alone"


def test_headings_of_small_panels_are_broken_before_they_meet() -> None:
    names = ("United Arab Emirates", "United Kingdom", "France")
    panels = [Line(name, [1.0, 2.0, 3.0], "#000000") for name in names]
    figure = small_multiples(DAYS, panels, panels[0], Axis(), LIGHT, 3)
    headings = [note["text"] for note in figure["layout"]["annotations"]]
    assert headings == ["United Arab<br>Emirates", "United Kingdom", "France"]


def test_zeros_stand_on_the_axis() -> None:
    zeros = daily_lines(DAYS, [Line("none", [0.0, 0.0, None], "#000000")], Axis(from_zero=False), LIGHT)
    assert zeros["layout"]["yaxis"]["range"] == [0, 1]
    some = daily_lines(DAYS, [Line("some", [0.0, 0.5, 0.2], "#000000")], Axis(from_zero=False), LIGHT)
    assert "range" not in some["layout"]["yaxis"]


def test_a_value_of_one_vehicle_is_marked() -> None:
    contract = load_contracts().metric("distance")
    for largest, marked in ((0.4, False), (0.6, True)):
        value = MetricValue("distance", value=1000.0, numerator=1000.0, largest=largest)
        for drawn_ in (tile(contract, value, [], VIEW, ""), headline(contract, value, VIEW)):
            assert ("one vehicle" in str(drawn_)) is marked


def test_many_classes_are_not_all_named_below_their_bars() -> None:
    few, many = ([Bar(str(number), 1.0) for number in range(count)] for count in (24, 60))
    assert "nticks" not in ordered_bars(few, Axis(), LIGHT)["layout"]["xaxis"], "hours of a day are"
    assert ordered_bars(many, Axis(), LIGHT)["layout"]["xaxis"]["nticks"] == 12


def test_a_legend_of_curves_has_a_line_each_and_room_for_all() -> None:
    curves = [Curve(f"a fault with quite a long name, {number}", [Point(0, 100)], "#000000") for number in range(4)]
    layout = falling_points(curves, Axis("%"), "days", LIGHT)["layout"]
    assert layout["legend"]["entrywidth"] == 1
    assert layout["margin"]["b"] > 4 * 18
