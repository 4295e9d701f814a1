"""A printed page: light, titled, with its slice and date, without navigation, no card across two pages."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pypdfium2
import pytest

from dashboard.pages import PAGES
from dashboard.view.reader import ENGLISH
from tests.e2e.conftest import Visit
from tests.integration.lake.lives import ONE

_MARKS = """() => document.querySelectorAll('.card:not(.tile)').forEach((card, i) => {
  card.insertAdjacentHTML('afterbegin', `<small class="mark">begins${i}x</small>`);
  card.insertAdjacentHTML('beforeend', `<small class="mark">ends${i}x</small>`);
})"""


def printed(page, path: Path) -> list[str]:  # type: ignore[no-untyped-def]
    """The words of each page of paper."""
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    with pypdfium2.PdfDocument(path) as document:
        return [sheet.get_textpage().get_text_range() for sheet in document]


@pytest.mark.parametrize(("name", "most"), [("overview", 3), ("usage", 5), ("health", 6)])
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_a_page_on_paper(  # type: ignore[no-untyped-def]
    visit: Visit, whole_address: str, name: str, most: int, width: int, scheme: str, tmp_path: Path
) -> None:
    declared = next(page for page in PAGES if page.name == name)
    page = visit(f"{whole_address}{declared.path}?market=FR", width=width, color_scheme=scheme)
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.wait_for_selector('#page[aria-busy="false"]')
    page.evaluate(_MARKS)
    sheets = printed(page, tmp_path / "page.pdf")
    assert len(sheets) <= most
    first, every = sheets[0], " ".join(sheets)
    for wanted in (ENGLISH.say(declared.title), "Data to", "France"):
        assert wanted in first
    assert re.search(r"Snapshot of .*UTC days\s*·\s*printed \d{4}-\d\d-\d\d \d\d:\d\d UTC", every)
    for unwanted in ("Copy link", "Export", "Glossary"):
        assert unwanted not in every
    marks = [re.findall(r"(begins|ends)(\d+)x", sheet) for sheet in sheets]
    begun = [{number for word, number in found if word == "begins"} for found in marks]
    ended = [{number for word, number in found if word == "ends"} for found in marks]
    assert begun == ended, "no card is cut"
    assert sum(map(len, begun)) == page.locator(".card:not(.tile)").count()
    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        picture = document[0].render(scale=1).to_numpy()
    assert picture[2, 2].tolist()[:3] == [255, 255, 255], "light, whatever the screen is"
    assert (picture.min(axis=2) > 200).mean() > 0.6


def test_charts_are_scaled_to_the_paper_and_back(visit: Visit, whole_address: str, tmp_path: Path) -> None:
    page = visit(f"{whole_address}/usage", wait="#usage-distance-figure .main-svg")
    sizes = [page.locator("#usage-distance-figure .main-svg").first.bounding_box() for _ in range(2)]
    printed(page, tmp_path / "page.pdf")
    page.wait_for_function("() => !document.querySelector('.main-svg[viewBox]')")
    sizes.append(page.locator("#usage-distance-figure .main-svg").first.bounding_box())
    assert all(one == other for one, other in pairwise(sizes))


def test_a_vehicle_on_paper_has_its_lanes(visit: Visit, whole_address: str, tmp_path: Path) -> None:
    page = visit(f"{whole_address}/vehicle?vehicle={ONE}", wait="#vehicle-timeline-figure .main-svg")
    words = " ".join(printed(page, tmp_path / "page.pdf"))
    assert "Trips" in words
    assert "Choose signals" not in words
