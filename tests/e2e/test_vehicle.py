"""One vehicle in a real browser, from a lake beside its snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from lake.settings import Settings, get_settings
from lake.storage import Lake
from tests.e2e.conftest import Visit
from tests.e2e.fleet import kpi_frames
from tests.e2e.serving import publish_frames, running, yesterday
from tests.e2e.test_dashboard import settle
from tests.integration.lake.lives import ONE, write_lives


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("lives")
    write_lives(Lake.open(get_settings(lake=str(folder))), yesterday())
    listed = {"vehicle_id": [ONE], "market": ["FR"], "model": ["Corvid"], "reason": ["P0562"], "since": [yesterday()]}
    return publish_frames(
        folder, kpi_frames(yesterday(), 60, scale=0.3) | {"ops.vehicles_to_act_on": pl.DataFrame(listed)}
    )


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with running(settings) as address:
        yield address


def test_a_vehicle_is_reached_from_the_list_and_shows_its_life(visit: Visit, address: str) -> None:
    page = visit(f"{address}/vehicle")
    assert "No vehicle chosen" in page.inner_text("#vehicle-about-content")
    page.fill("#vehicle-name", ONE)
    page.click("#vehicle-about-content button")
    page.wait_for_selector("#vehicle-timeline-figure .bars path", state="attached")
    words = page.inner_text("#vehicle-about-content").replace("\N{NO-BREAK SPACE}", " ")
    assert "Corvid" in words
    assert "4,321 km" in words
    lanes = page.inner_text("#vehicle-timeline-figure")
    assert "Trips" in lanes
    assert "Charging" not in lanes, "a lane that holds nothing is not drawn"
    assert "drawn as" in page.inner_text("#vehicle-signals-sub")
    assert "92.0% of 50.0 as new" in page.inner_text("#vehicle-capacity-note")
    assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_signals_are_chosen_and_lanes_can_be_taken_away(visit: Visit, address: str) -> None:
    page = visit(f"{address}/vehicle?days=7&vehicle={ONE}")
    page.wait_for_selector("#vehicle-signals-figure .main-svg")
    page.click("#vehicle-signals-note summary")
    page.click("#vehicle-signals-note >> text='Speed over ground; negative in reverse'")
    settle(page, f"?days=7&vehicle={ONE}&signal=soc_pct&signal=lv_battery_voltage_v")
    page.wait_for_selector("#vehicle-timeline-figure .legend .traces")
    bars = page.locator("#vehicle-timeline-figure .trace.bars")
    before = bars.count()
    page.evaluate("() => window.scrollTo(0, 0)")  # out from under the bar of filters
    page.locator("#vehicle-timeline-figure .legendtoggle").first.click(force=True)
    page.wait_for_function(
        "count => document.querySelectorAll('#vehicle-timeline-figure .trace.bars').length < count", arg=before
    )


def test_its_table_has_the_freeze_frame_and_its_export_too(visit: Visit, address: str, tmp_path: Path) -> None:
    page = visit(f"{address}/vehicle?vehicle={ONE}&table=timeline")
    page.wait_for_selector("#vehicle-timeline-content tbody tr")
    assert "freeze soc pct: 41" in page.inner_text("#vehicle-timeline-content")
    page.wait_for_selector(f'#vehicle-timeline-export[href*="{ONE}"]', state="attached")
    page.click(".export:has(#vehicle-timeline-export) summary")
    with page.expect_download() as download:
        page.click("#vehicle-timeline-export")
    download.value.save_as(tmp_path / "life.csv")
    assert "freeze soc pct: 41" in (tmp_path / "life.csv").read_text(encoding="utf-8")


def test_the_vehicle_stays_behind_with_its_page(visit: Visit, address: str) -> None:
    page = visit(f"{address}/vehicle?days=7&vehicle={ONE}&signal=soc_pct")
    assert page.get_attribute('a[data-page="/usage"]', "href") == "/usage?days=7"
    page.click('text="28 d"')
    settle(page, f"?vehicle={ONE}&signal=soc_pct")


def test_what_is_no_vehicle_is_said(visit: Visit, address: str) -> None:
    page = visit(f"{address}/vehicle?vehicle=WVWZZZ1JZXW000001", wait=".notes")
    assert "is no vehicle" in page.inner_text(".notes")
    other = visit(f"{address}/vehicle?vehicle={'3' * 32}", width=390, height=844)
    assert "No such vehicle" in other.inner_text("#vehicle-about-content")
    assert other.evaluate("() => document.documentElement.scrollWidth") <= 390
