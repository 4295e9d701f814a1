"""Automated driving in a real browser, on a made-up fleet that drives with automation."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.pages import automation
from dashboard.view.published import Published
from lake.settings import Settings
from lake.snapshot import Snapshot
from tests.e2e.conftest import Visit
from tests.e2e.serving import publish_frames, running, yesterday
from tests.e2e.test_dashboard import settle, shown, values
from tests.unit.dashboard.automated import automated_frames


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return publish_frames(tmp_path_factory.mktemp("automated"), automated_frames(yesterday(), 60))


@pytest.fixture(scope="module")
def published(settings: Settings) -> Published:
    return Published(lambda: Snapshot.open(settings))


@pytest.fixture(scope="module")
def address(settings: Settings, published: Published) -> Iterator[str]:
    with running(settings, published) as address:
        yield address


def test_it_shows_what_the_contract_says(visit: Visit, published: Published) -> None:
    page = visit("/automation", wait=".tile[data-value]")
    expected = {name: v for name, v in values(published, "", automation.TILES).items() if v is not None}
    assert len(expected) > 4
    assert shown(page, ".tile[data-value]") == pytest.approx(expected)
    page.wait_for_selector("#automation-reasons-figure .bars path", state="attached")
    assert "Driver override" in page.inner_text("#automation-endings-content")
    assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_a_bar_filters(visit: Visit) -> None:
    page = visit("/automation", wait="#automation-engaged-share-model-figure .bars path")
    page.locator("#automation-engaged-share-model-figure .bars path").first.click(force=True)
    settle(page, "?model=Corvid")


def test_reasons_are_exported_with_their_definitions(visit: Visit, tmp_path: Path) -> None:
    page = visit("/automation?days=7", wait=".tile[data-value]")
    page.wait_for_selector('#automation-reasons-export[href*="days=7"]', state="attached")
    page.click(".export:has(#automation-reasons-export) summary")
    with page.expect_download() as download:
        page.click("#automation-reasons-export")
    download.value.save_as(tmp_path / "reasons.csv")
    text = (tmp_path / "reasons.csv").read_text(encoding="utf-8")
    assert "# Definition: Disengagements - weather" in text
    lines = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    assert sorted(line["metric"] for line in lines) == sorted(automation.REASONS)


def test_a_phone_scrolls_only_downwards(visit: Visit) -> None:
    page = visit("/automation", width=390, height=844)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
