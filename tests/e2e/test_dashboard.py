"""The pages in a real browser, against ``evaluate`` on the same snapshot."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.pages import overview, usage
from dashboard.view.address import View, parse
from dashboard.view.published import Published
from metrics import evaluate
from tests.e2e.conftest import Visit
from tests.e2e.serving import publish, running


def values(published: Published, search: str, metrics: tuple[str, ...]) -> dict[str, float | None]:
    """What the contract says the metrics are in the view of an address."""
    with published.reading() as reading:
        assert reading.catalogue is not None
        view, _ = parse(search, reading.catalogue)
        found = evaluate(reading._cursor, metrics, view.slice)
        return {name: found.one(name).value for name in metrics}


def shown(page, selector: str) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """The exact values behind the figures on a page."""
    pairs = page.eval_on_selector_all(selector, "all => all.map(e => [e.dataset.metric, parseFloat(e.dataset.value)])")
    return dict(pairs)


def settle(page, search: str) -> None:  # type: ignore[no-untyped-def]
    """Wait until the page shows the view of an address, and its controls do."""
    page.wait_for_url(lambda url: urlsplit(url).query == search.lstrip("?"))
    query = search if not search or search.startswith("?") else f"?{search}"
    page.wait_for_selector(f'.foot[data-search="{query}"]')
    page.wait_for_selector('#page[aria-busy="false"]')
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def keep_chart(page) -> None:  # type: ignore[no-untyped-def]
    """Keep hold of a chart that has been drawn: tiles have their figures before Plotly has come."""
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.evaluate("() => { window.chart = document.querySelector('.js-plotly-plot'); }")


@pytest.mark.parametrize("search", ["", "?days=90&market=FR&market=JP", "?days=7&powertrain=BEV&compare=none"])
def test_overview_shows_what_the_contract_says(visit: Visit, published: Published, search: str) -> None:
    page = visit(f"/{search}", wait=".tile[data-value]")
    expected = values(published, search, overview.TILES)
    assert shown(page, ".tile[data-value]") == pytest.approx(expected)
    assert page.inner_text("#title") == "Overview"


def test_usage_shows_what_the_contract_says(visit: Visit, published: Published) -> None:
    page = visit("/usage?days=90&model=Corvid", wait=".headline[data-value]")
    metrics = (*usage.DAILY, *usage.MORE, "monthly_active_vehicles")
    expected = {n: v for n, v in values(published, "?days=90&model=Corvid", metrics).items() if v is not None}
    assert shown(page, ".headline[data-value]") == pytest.approx(expected)


def test_figures_are_written_as_the_contract_writes_them(visit: Visit, published: Published) -> None:
    page = visit("/", wait=".tile[data-value]")
    active = values(published, "", ("monthly_active_vehicles",))["monthly_active_vehicles"]
    tile = page.inner_text('.tile[data-metric="monthly_active_vehicles"]')
    assert f"{active:,.0f}" in tile
    assert "in the fleet" in tile
    assert "provisional" in tile


def test_a_filter_changes_address_and_figures_and_back_restores(visit: Visit, published: Published) -> None:
    page = visit("/", wait=".tile[data-value]")
    before = shown(page, ".tile[data-value]")
    keep_chart(page)
    page.click('[data-menu="market"]')
    page.get_by_label("France").click()
    settle(page, "?market=FR")
    assert shown(page, ".tile[data-value]") == pytest.approx(values(published, "?market=FR", overview.TILES))
    page.keyboard.press("Escape")
    page.click('text="7 d"')
    settle(page, "?days=7&market=FR")
    assert "France" in page.inner_text('[data-menu="market"]')
    page.go_back()
    settle(page, "?market=FR")
    page.go_back()
    settle(page, "")
    assert shown(page, ".tile[data-value]") == before
    assert page.evaluate("() => window.chart.isConnected"), "charts stay in place"
    page.go_forward()
    settle(page, "?market=FR")


def test_dates_of_the_calendar_go_into_the_address(visit: Visit, published: Published) -> None:
    page = visit("/", wait=".tile[data-value]")
    page.click(".range button")
    days = page.locator(".mantine-DatePickerInput-day:not([data-disabled]):not([data-outside])")
    days.nth(2).click()
    days.nth(8).click()
    page.wait_for_url("**/?from=*&to=*")
    query = parse_qs(urlsplit(page.url).query)
    settle(page, urlsplit(page.url).query)
    assert query["from"] < query["to"]
    assert shown(page, ".tile[data-value]") == pytest.approx(
        values(published, f"?{urlsplit(page.url).query}", overview.TILES)
    )


def test_a_copied_link_shows_the_same_view(visit: Visit, browser, address: str) -> None:  # type: ignore[no-untyped-def]
    page = visit("/?days=7&market=FR&compare=none", wait=".tile[data-value]")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.click("[data-copy-link]")
    page.wait_for_selector("[data-copy-link][data-done]")
    link = page.evaluate("() => navigator.clipboard.readText()")
    query = parse_qs(urlsplit(link).query)
    assert "days" not in query, "a link names its days, so that it shows the same tomorrow"
    other = visit(link, wait=".tile[data-value]")
    assert shown(other, ".tile[data-value]") == shown(page, ".tile[data-value]")


def test_the_theme_persists_and_is_right_at_first_paint(visit: Visit, address: str) -> None:
    page = visit("/", color_scheme="light")
    scheme = "() => document.documentElement.getAttribute('data-mantine-color-scheme')"
    assert page.evaluate(scheme) == "light"
    page.click("[data-theme-toggle]")
    page.click("[data-theme-toggle]")
    assert page.evaluate(scheme) == "dark"
    page.wait_for_selector('#page[aria-busy="false"]')
    page.goto(f"{address}/usage", wait_until="commit")
    page.wait_for_selector("body", state="attached")
    assert page.evaluate(scheme) == "dark"
    page.wait_for_selector(".foot")
    assert page.evaluate(scheme) == "dark"
    fill = "() => getComputedStyle(document.querySelector('#usage-distance-figure .bars path')).fill"
    page.wait_for_selector("#usage-distance-figure .bars path", state="attached")
    assert page.evaluate(fill) == "rgb(63, 151, 157)"


def test_a_table_stands_for_every_chart(visit: Visit, published: Published) -> None:
    page = visit("/usage?days=7", wait=".headline[data-value]")
    page.focus("#usage-distance-table")
    page.keyboard.press("Enter")
    settle(page, "?days=7&table=distance")
    page.wait_for_selector("#usage-distance-content tbody tr")
    rows = page.locator("#usage-distance-content tbody tr")
    assert rows.count() == 7
    assert page.evaluate("() => document.activeElement.id") == "usage-distance-table", "the focus stays"
    assert page.inner_text("#usage-distance-table") == "Chart"


def test_an_export_carries_what_it_is(visit: Visit, tmp_path: Path) -> None:
    page = visit("/usage?market=FR", wait=".headline[data-value]")
    page.wait_for_selector('#usage-activity-export[href*="market=FR"]', state="attached")
    page.click(".export:has(#usage-activity-export) summary")
    with page.expect_download() as download:
        page.click("#usage-activity-export")
    target = tmp_path / "export.csv"
    download.value.save_as(target)
    text = target.read_text(encoding="utf-8")
    assert "# Filter: market = FR" in text
    assert "# As of: published" in text
    assert "# Definition: Active (%)" in text
    lines = [line for line in text.splitlines() if line.startswith("20")]
    assert len(lines) == len(usage.STATES) * View(*_dates(text)).slice.days


def _dates(text: str):  # type: ignore[no-untyped-def]
    from datetime import date  # noqa: PLC0415

    line = next(line for line in text.splitlines() if line.startswith("# Period: "))
    first, _, last = line.removeprefix("# Period: ").removesuffix(", UTC days").partition(" to ")
    return date.fromisoformat(first), date.fromisoformat(last)


@pytest.mark.parametrize("path", ["/", "/usage"])
def test_a_phone_scrolls_only_downwards(visit: Visit, path: str) -> None:
    page = visit(path, width=390, height=844)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert not page.is_visible("#filters")
    page.click('[data-fold="filters"]')
    assert page.is_visible("#filters")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert "28 d" in page.inner_text("#filter-summary")
    page.click("#burger")
    page.wait_for_selector('a[data-page="/usage"]')
    page.click("#burger")
    page.wait_for_selector('a[data-page="/usage"]', state="hidden")
    page.click("#burger")
    page.click('a[data-page="/usage"]')
    page.wait_for_selector("#usage-body .foot")
    assert page.inner_text("#title") == "Usage"


@pytest.mark.parametrize("path", ["/", "/usage"])
def test_no_request_leaves_the_machine(visit: Visit, address: str, path: str) -> None:
    page = visit(path, wait=".js-plotly-plot .main-svg")
    page.wait_for_load_state("networkidle")
    requests = [url for url in page.traffic.requests if not url.startswith(("data:", "blob:"))]  # type: ignore[attr-defined]
    assert len(requests) > 10
    assert [url for url in requests if not url.startswith(f"{address}/")] == []
    assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_everything_can_be_reached_by_keyboard(visit: Visit) -> None:
    page = visit("/", wait=".tile[data-value]")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "() => { const e = document.activeElement; const s = getComputedStyle(e);"
                " return [e.textContent || e.getAttribute('aria-label') || e.value || e.tagName,"
                " s.outlineStyle !== 'none' || ['INPUT', 'BODY'].includes(e.tagName)]; }"
            )
        )
    words = " | ".join(text for text, _ in seen)
    for wanted in ("Skip to the figures", "Usage", "Market all 12", "Table", "Export"):
        assert wanted in words
    assert [text for text, visible in seen if not visible] == [], "the focus can be seen"


def test_the_glossary_mark_says_the_definition(visit: Visit) -> None:
    page = visit("/", wait=".tile[data-value]")
    page.focus('.tile[data-metric="connected_rate"] .glossary')
    page.wait_for_selector(
        ".mantine-Tooltip-tooltip:has-text('Share of the vehicles delivered with a telematics unit')"
    )


def test_what_the_address_gets_wrong_is_said(visit: Visit, published: Published) -> None:
    page = visit("/?days=abc&market=XX&market=FR&colour=red&compare=%FF", wait=".notes")
    page.wait_for_selector(".tile[data-value]")
    said = page.inner_text(".notes")
    for words in ("days=abc", "XX", "colour", "compare"):
        assert words in said
    assert shown(page, ".tile[data-value]") == pytest.approx(values(published, "?market=FR", overview.TILES))
    settle(page, urlsplit(page.url).query)
    assert "days=abc" in page.url, "the address is left as it came, and so is the note"


def test_controls_show_what_the_figures_do(visit: Visit) -> None:
    """A period that is longer than can be shown is read once, by the server."""
    page = visit("/?from=2019-01-01&to=2026-01-01&market=FR", wait=".notes")
    page.wait_for_selector(".tile[data-value]")
    assert page.locator(".presets input:checked").input_value() == "28"
    assert "28 d" in (page.text_content("#filter-summary") or "")
    first, last = (page.get_attribute(".foot", f"data-{end}") or "" for end in ("first", "last"))
    assert (date.fromisoformat(last) - date.fromisoformat(first)).days == 27
    assert str(date.fromisoformat(last).year) in page.inner_text(".range button")
    page.click('text="7 d"')
    settle(page, "?days=7&market=FR")
    assert "France" in page.inner_text('[data-menu="market"]')


def test_a_slice_without_data_says_why(visit: Visit) -> None:
    page = visit("/?from=2019-01-01&to=2019-01-31", wait=".state h2")
    assert "No data in this slice" in page.inner_text(".state")
    assert "lies outside the published data" in page.inner_text(".state")
    assert not page.is_visible(".tiles")
    page.click("text=Reset filters")
    page.wait_for_selector(".tile[data-value]")


def test_a_small_group_is_withheld(visit: Visit, published: Published) -> None:
    search = "?market=US&model=Kestrel"
    assert values(published, search, ("distance",))["distance"] is None
    page = visit(f"/{search}", wait=".tile-none")
    assert page.locator(".tile-none").count() == len(overview.TILES)
    assert "fewer than 10 vehicles" in page.inner_text(".tiles")


def test_an_unknown_address_is_404(visit: Visit, address: str) -> None:
    page = visit("/nowhere", wait=".state")
    assert "There is no page at this address" in page.inner_text(".state")
    assert page.request.get(f"{address}/nowhere").status == 404
    assert page.request.get(f"{address}/docs").status == 404
    page.click("text=Go to the overview")
    page.wait_for_selector(".tile[data-value]")


def test_nothing_published_says_which_command(visit: Visit, tmp_path: Path) -> None:
    from lake.settings import get_settings  # noqa: PLC0415

    settings = get_settings(lake=str(tmp_path / "none"))
    with running(settings) as address:
        page = visit(f"{address}/", wait=".state")
        assert "Nothing has been published yet" in page.inner_text(".state")
        assert "sillage publish" in page.inner_text(".state")
        assert page.request.get(f"{address}/healthz").json()["status"] == "nothing"
        publish(tmp_path / "none", days=30, scale=0.3)
        page.reload()
        page.wait_for_selector(".tile[data-value]")


def test_a_snapshot_without_data_says_so(visit: Visit, tmp_path: Path) -> None:
    with running(publish(tmp_path / "empty", days=0)) as address:
        page = visit(f"{address}/usage", wait=".state")
        assert "holds no data" in page.inner_text(".state")


def test_a_failure_is_one_sentence_with_an_id(visit: Visit, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = publish(tmp_path / "broken", days=40, scale=0.3)
    with running(settings) as address:
        page = visit(f"{address}/", wait=".tile[data-value]")
        (tmp_path / "broken" / "published" / "current.json").write_text("{")
        page.click('text="7 d"')
        page.wait_for_selector(".fault")
        number = page.get_attribute(".fault", "data-error-id")
        assert number
        assert number in caplog.text
        assert page.is_visible(".tile[data-value]"), "the old figures stay"


def look_again(page) -> None:  # type: ignore[no-untyped-def]
    """What the page does by itself every 30 seconds."""
    page.evaluate("() => window.dash_clientside.set_props('tick', { n_intervals: Date.now() })")


def test_a_newer_snapshot_leaves_the_page_where_it_is(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "moving"
    with running(publish(folder, days=60, scale=0.3)) as address:
        page = visit(f"{address}/?days=7", wait=".tile[data-value]")
        before = shown(page, ".tile[data-value]")
        keep_chart(page)
        page.click('[data-menu="market"]')
        page.wait_for_function(
            "() => document.activeElement.closest('[role=dialog]')"
        )  # a menu takes the focus once open
        page.get_by_label("France").focus()
        publish(folder, days=61, scale=0.6, seed=8)
        look_again(page)
        page.wait_for_function(
            "before => parseFloat(document.querySelector('.tile[data-value]').dataset.value) !== before",
            arg=next(iter(before.values())),
        )
        page.wait_for_selector('#page[aria-busy="false"]')
        assert page.evaluate("() => window.chart.isConnected"), "charts stay in place"
        assert page.get_by_role("dialog").is_visible(), "an open menu stays open"
        assert page.evaluate("() => document.activeElement.value") == "FR", "the focus stays"
        page.keyboard.press("Space")
        settle(page, "?days=7&market=FR")


def test_values_of_a_newer_snapshot_can_be_chosen(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "growing"
    with running(publish(folder, days=60, scale=0.3, markets=("FR", "JP"))) as address:
        page = visit(f"{address}/", wait=".tile[data-value]")
        assert "all 2" in page.inner_text('[data-menu="market"]')
        publish(folder, days=60, scale=0.3, markets=("FR", "JP", "DE"))
        look_again(page)
        page.wait_for_selector('[data-menu="market"]:has-text("all 3")')
        page.click('[data-menu="market"]')
        page.get_by_label("Germany").click()
        settle(page, "?market=DE")


def test_a_fault_is_gone_once_there_are_figures_again(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "mended"
    with running(publish(folder, days=60, scale=0.3)) as address:
        page = visit(f"{address}/", wait=".tile[data-value]")
        (folder / "published" / "current.json").write_text("{")
        page.click('text="7 d"')
        page.wait_for_selector(".fault")
        (folder / "published" / "current.json").unlink()
        publish(folder, days=60, scale=0.6)
        look_again(page)
        page.wait_for_selector(".fault", state="detached")


def test_figures_come_without_a_reload_once_something_is_published(visit: Visit, tmp_path: Path) -> None:
    from lake.settings import get_settings  # noqa: PLC0415

    with running(get_settings(lake=str(tmp_path / "late"))) as address:
        page = visit(f"{address}/", wait=".state")
        publish(tmp_path / "late", days=30, scale=0.3)
        look_again(page)
        page.wait_for_selector(".tile[data-value]")


def test_filters_say_what_they_are_to_a_screen_reader(visit: Visit) -> None:
    page = visit("/?days=7", wait=".tile[data-value]")
    menu = page.get_by_role("button", name="Market all 12")
    assert menu.get_attribute("aria-haspopup") == "dialog"
    assert menu.get_attribute("aria-expanded") == "false"
    menu.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("group", name="Market").wait_for()
    assert menu.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert menu.get_attribute("aria-expanded") == "false"
    page.get_by_role("button", name="vs previous period").click()
    page.get_by_role("radiogroup", name="Compare with").wait_for()
    page.keyboard.press("Escape")
    days = page.inner_text(".range button")
    assert page.get_by_role("button", name=f"Days, {days}").count() == 1


def test_headings_are_names_and_definitions_are_descriptions(visit: Visit) -> None:
    page = visit("/usage", wait=".headline[data-value]")
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation").count() == 1
    assert page.get_by_role("heading", name="Distance", exact=True).count() == 1
    mark = page.get_by_role("button", name="What is Distance?")
    described = mark.get_attribute("aria-describedby")
    assert described is not None
    assert "Sum of the distances" in (page.text_content(f"#{described}") or "")
    box = mark.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24


def test_a_change_of_page_or_figures_is_told(visit: Visit) -> None:
    page = visit("/", wait=".tile[data-value]")
    page.click('a[data-page="/usage"]')
    page.wait_for_selector("#usage-body .foot")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.wait_for_function("() => document.getElementById('announce').textContent === 'Usage'")
    page.click('text="7 d"')
    page.wait_for_function("() => document.getElementById('announce').textContent === 'Figures updated'")


def test_good_and_bad_are_told_in_words(visit: Visit) -> None:
    page = visit("/", wait=".tile[data-value]")
    for tone, word in (("good", "better"), ("bad", "worse")):
        changes = page.locator(f".tile b.{tone}").all_inner_texts()
        assert all(text.endswith(word) for text in changes)
    assert page.locator(".tile b.good, .tile b.bad").count() > 0
