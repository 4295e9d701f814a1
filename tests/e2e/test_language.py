"""The dashboard in French, in a real browser: on every page, by the browser's languages and by the control."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dashboard.pages import PAGES
from metrics import load_contracts
from tests.unit.dashboard.test_reader import english_words

if TYPE_CHECKING:
    from tests.e2e.conftest import Visit

#: Every text that is read or read out, each by itself.
TEXTS = """() => {
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest("script, style")) { found.add(walk.currentNode.textContent.trim()); }
  }
  for (const name of ["aria-label", "title", "placeholder"]) {
    document.querySelectorAll("[" + name + "]").forEach(one => found.add(one.getAttribute(name).trim()));
  }
  return [...found];
}"""
ENGLISH_WORDS = english_words(load_contracts())


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_every_page_is_french(visit: Visit, width: int, scheme: str) -> None:
    page = visit("/?lang=fr", width=width, color_scheme=scheme)
    for one in PAGES:
        page.goto(re.sub(r"/(\?.*)?$", one.path, page.evaluate("location.origin") + "/") + "?lang=fr")
        page.wait_for_selector(".foot")
        page.wait_for_selector('#page[aria-busy="false"]')
        told = set(page.evaluate(TEXTS))
        assert told & ENGLISH_WORDS == set(), one.name
        assert page.evaluate("document.documentElement.lang").startswith("fr")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, one.name
    assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_figures_days_and_charts_are_written_in_french(visit: Visit) -> None:
    page = visit("/usage?lang=fr")
    page.wait_for_selector("#usage-distance-figure .xtick text")
    assert re.search(r"\d,\d", page.inner_text("#usage-distance-head"))
    assert re.search(r"Instantané du \d{1,2} (\w{3,4}\.|\w{3,4}) \d{4}", page.inner_text(".foot"))
    ticks = page.eval_on_selector_all("#usage-distance-figure .xtick text", "all => all.map(one => one.textContent)")
    months = ("janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc")
    assert ticks
    assert all(any(month in tick for month in months) for tick in ticks), ticks


def test_the_calendar_is_french(visit: Visit) -> None:
    page = visit("/?lang=fr")
    page.click("#filter-range")
    heads = page.locator(".mantine-DatePickerInput-calendarHeaderLevel").all_inner_texts()
    assert heads
    months = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    assert all(re.fullmatch(rf"({months}) \d{{4}}", head.lower()) for head in heads), heads


def test_the_browser_says_the_language(visit: Visit) -> None:
    page = visit("/", locale="fr-FR")
    assert page.inner_text("#title") == "Synthèse"
    assert page.title() == "Synthèse · Sillage"
    assert "lang=" not in page.url


def test_the_control_changes_language_and_units_and_keeps_the_view(visit: Visit) -> None:
    page = visit("/usage?days=7")
    page.click('[data-menu="settings"]')
    page.click('[data-setting="lang"][data-value="fr"]')
    page.wait_for_function("document.documentElement.lang.startsWith('fr')")
    page.wait_for_selector(".foot")
    assert "days=7" in page.url
    page.click('[data-menu="settings"]')
    page.click('[data-setting="units"][data-value="mi"]')
    page.wait_for_function("location.search.includes('units=mi')")
    page.wait_for_selector(".foot")
    assert "mi" in page.inner_text("#usage-distance-head")
    page.click('a[data-page="/charging"]')
    page.wait_for_function("document.title.startsWith('Recharge')")
    assert "lang=fr" in page.url
    page.go_back()
    page.wait_for_function("document.title.startsWith('Usages')")


def test_the_glossary_is_searched_in_french(visit: Visit) -> None:
    page = visit("/glossary?lang=fr", wait=".entry")
    page.fill("#glossary-search", "abonnements payés")
    page.wait_for_function("() => document.getElementById('glossary-count').textContent.endsWith('indicateurs')")
    page.fill("#glossary-search", "rien ne dit ce mot")
    page.wait_for_function("() => document.getElementById('glossary-count').textContent === '0 indicateur'")
