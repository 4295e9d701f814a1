"""Automated driving: how much, why it ended, and how quickly it was taken over, from rows that are added up by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.cards.by_metric import ByMetric
from dashboard.pages import automation
from dashboard.view.published import Published
from dashboard.view.reader import ENGLISH
from dashboard.view.texts import Text
from dashboard.web.routes import _export
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.unit.dashboard.automated import automated_frames

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    frames = automated_frames((NOW - timedelta(1)).date(), 56)
    point_to(lake, write_figures(target, frames, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


@pytest.fixture(scope="module")
def cards(published: Published) -> dict[str, Any]:
    return automation.PAGE.answer(published, "?days=7", None)["cards"]  # type: ignore[no-any-return]


def test_no_card_fails(cards: dict[str, Any]) -> None:
    for name, values in cards.items():
        words = str(values.get("content"))
        assert "could not be worked out" not in words, name
        assert "Not for this filter" not in words, name


def test_the_share_engaged_is_of_the_kilometres_of_who_has_it(cards: dict[str, Any]) -> None:
    bars = cards["engaged-share-model"]["figure"]["data"][0]
    by_model = dict(zip(bars["y"], bars["x"], strict=True))
    assert by_model == pytest.approx({"Corvid": 25.0}), "Kestrel is too few, and Heron hides it"
    assert "2 models withheld" in cards["engaged-share-model"]["note"]


def test_reasons_stand_by_their_rate_with_intervals(cards: dict[str, Any]) -> None:
    bars = cards["reasons"]["figure"]["data"][0]
    assert bars["y"][-1] == "Override", "the highest on top"
    rate = 1000 * (6 + 3 + 1) / (1000 + 1200 + 50)
    assert bars["x"][-1] == pytest.approx(rate)
    assert bars["error_x"]["arrayminus"][-1] > 0, "an interval of a count"
    assert bars["x"][0] == 0, "a reason that nobody gave is none"
    assert "per 1,000 km" in cards["reasons"]["sub"]


def test_how_engagements_end_is_told_by_reason(cards: dict[str, Any]) -> None:
    table = str(cards["endings"]["content"])
    assert "Driver override" in table, "reasons are words"
    assert "driver_override" not in table


def test_times_to_take_over_keep_their_order(cards: dict[str, Any]) -> None:
    bars = cards["takeover-times"]["figure"]["data"][0]
    assert bars["y"] == ["Takeover s, p95", "Takeover s, p90", "Takeover s, p50"], "the first on top"
    assert bars["x"] == pytest.approx([5.0] * 3, rel=0.02)


def test_metrics_of_several_units_are_refused(published: Published) -> None:
    with pytest.raises(TypeError, match="several units"):
        ByMetric("mixed", Text.METRIC, ("engaged_share", "disengagement_rate")).frame(published.contracts, ENGLISH)


def test_an_export_has_a_line_per_metric(published: Published) -> None:
    lines = bytes(_export(automation.PAGE, "reasons", "days=7", published).body).decode().splitlines()
    told = [line for line in lines if "disengagement_rate," in line and not line.startswith("#")]
    assert len(told) == len(automation.REASONS)
