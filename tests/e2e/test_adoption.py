"""Adoption, Markets and Glossary in a real browser, on a made-up fleet with services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.pages import adoption, markets
from dashboard.view.published import Published
from lake.settings import Settings, get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.e2e.conftest import Visit
from tests.e2e.services import MARKETS, service_frames
from tests.e2e.serving import running
from tests.e2e.test_dashboard import settle, shown, values


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake in which the services are published."""
    folder: Path = tmp_path_factory.mktemp("services")
    settings, now = get_settings(lake=str(folder)), datetime.now(UTC)
    lake, target = Lake.open(settings), folder / "published"
    target.mkdir(parents=True, exist_ok=True)
    frames = service_frames((now - timedelta(1)).date(), 100)
    point_to(lake, write_figures(target, frames, version="1", provisional_days=2, published_at=now))
    return settings


@pytest.fixture(scope="module")
def published(settings: Settings) -> Published:
    return Published(lambda: Snapshot.open(settings))


@pytest.fixture(scope="module")
def address(settings: Settings, published: Published) -> Iterator[str]:
    with running(settings, published) as address:
        yield address


def known(published: Published, search: str, names: tuple[str, ...]) -> dict[str, float]:
    return {name: value for name, value in values(published, search, names).items() if value is not None}


def test_adoption_and_markets_show_what_the_contract_says(visit: Visit, address: str, published: Published) -> None:
    for declared in (adoption, markets):
        page = visit(f"{address}{declared.PAGE.path}", wait=".tile[data-value]")
        expected = known(published, "", declared.TILES)
        assert len(expected) > 2
        assert shown(page, ".tile[data-value]") == pytest.approx(expected)
        page.wait_for_selector(".js-plotly-plot .main-svg")
        assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_a_funnel_and_a_matrix_are_told_step_by_step(visit: Visit, address: str) -> None:
    page = visit(f"{address}/adoption", wait=".funnel tbody tr")
    steps = page.locator("#adoption-service-funnel-content tbody tr").all_inner_texts()
    assert len(steps) == 5
    assert "Consented within 14 d" in steps[1]
    assert "80.2%" in steps[1], "of those old enough for it; made-up vehicles are whole"
    assert "not over" in page.inner_text("#adoption-service-funnel-note")
    page.focus("#adoption-service-retention-service-table")
    page.keyboard.press("Enter")
    settle(page, "?table=service-retention-service")
    page.wait_for_selector("#adoption-service-retention-service-content tbody tr")
    rows = page.locator("#adoption-service-retention-service-content tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["All", "Navigation", "Remote control"]


def test_a_service_is_looked_at_alone_and_left_with_the_page(visit: Visit, address: str, published: Published) -> None:
    page = visit(f"{address}/adoption?market=FR", wait=".tile[data-value]")
    page.click("#adoption-services-content >> text=Navigation")
    settle(page, "?market=FR&service=navigation")
    search = "?market=FR&service=navigation"
    assert shown(page, ".tile[data-value]") == pytest.approx(known(published, search, adoption.TILES))
    assert "Navigation" in page.inner_text("#adoption-service-funnel-sub")
    assert page.is_visible("#filter-reset")
    page.click('text="7 d"')
    settle(page, "?days=7&market=FR&service=navigation")
    page.go_back()
    settle(page, "?market=FR&service=navigation")
    page.click('a[data-page="/markets"]')
    page.wait_for_selector("#markets-body .foot")
    assert page.url.endswith("/markets?market=FR"), "other pages are about all services"


@pytest.mark.parametrize("path", ["/adoption", "/markets", "/glossary"])
def test_a_phone_scrolls_only_downwards(visit: Visit, address: str, path: str) -> None:
    page = visit(f"{address}{path}", width=390, height=844)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_a_market_is_named_with_and_without_its_mix(visit: Visit, address: str) -> None:
    page = visit(f"{address}/markets?table=adoption-by-market", wait="#markets-adoption-by-market-content tbody tr")
    rows = page.locator("#markets-adoption-by-market-content tbody tr").all_inner_texts()
    assert len(rows) == len(MARKETS)
    assert {len(row.split("\t")) for row in rows} == {13}, "with its place, and those that it may have"


def test_the_glossary_is_searched(visit: Visit, address: str) -> None:
    page = visit(f"{address}/glossary", wait=".entry")
    every = page.locator(".entry").count()
    assert page.locator(".entry:visible").count() == every > 100
    page.fill("#glossary-search", "retention")
    page.wait_for_function("() => document.getElementById('glossary-count').textContent.startsWith('2 ')")
    assert page.locator(".entry:visible").count() == 2
    page.focus("#metric-service_retention summary")
    page.keyboard.press("Enter")
    assert "kpi.service_retention" in page.inner_text("#metric-service_retention .facts")
    page.fill("#glossary-search", "nothing has this word")
    page.wait_for_function("() => document.getElementById('glossary-count').textContent === '0 metrics'")
    assert page.locator(".family:visible").count() == 0
