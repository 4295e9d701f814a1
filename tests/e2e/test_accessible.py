"""axe-core finds nothing on any page: WCAG 2.2 AA, light and dark, on a desk and on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard.pages import PAGES
from tests.e2e.conftest import Visit
from tests.integration.lake.lives import ONE

#: WCAG 2.2 A and AA, with what its earlier editions ask.
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
#: What says most of a page.
SEARCH = {"vehicle": f"?vehicle={ONE}"}


def complaints(page) -> list[str]:  # type: ignore[no-untyped-def]
    """What axe finds, a line for each kind and one for each place of it."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']} ({rule['help']}): {node['target']} {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("page_name", [page.name for page in PAGES])
def test_axe_finds_nothing(visit: Visit, whole_address: str, page_name: str) -> None:
    declared = next(page for page in PAGES if page.name == page_name)
    page = visit(f"{whole_address}{declared.path}{SEARCH.get(page_name, '')}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_selector(f'html[data-mantine-color-scheme="{scheme}"]')
        page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        page.wait_for_selector('#page[aria-busy="false"]')
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert complaints(page) == [], (scheme, width)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_axe_finds_what_is_wrong(visit: Visit, whole_address: str) -> None:
    page = visit(f"{whole_address}/glossary")
    page.evaluate("() => document.getElementById('glossary-search').previousElementSibling?.remove()")
    page.evaluate("() => document.querySelectorAll('label').forEach(label => label.remove())")
    page.evaluate("() => document.getElementById('glossary-search').removeAttribute('placeholder')")
    assert any(line.startswith("label ") for line in complaints(page))
