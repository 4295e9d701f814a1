"""What is taken away from a card is what ``sillage metric`` says: each file is read and compared."""

from __future__ import annotations

import csv
import re
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook

from lake.settings import Settings
from tests.e2e.asking import metric
from tests.e2e.conftest import Visit

SVG = "{http://www.w3.org/2000/svg}"
VIEW = "?days=7&market=FR&compare=none"
ASKED = ("distance", "--grain", "day", "--last", "7", "--where", "market=FR")


def take(page, card: str, kind: str, target: Path) -> Path:  # type: ignore[no-untyped-def]
    """Open the menu of a card by keys, and take a file from it by them."""
    menu = page.locator(".export", has=page.locator(f"#{card}-export"))
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    entry = menu.get_by_role("button" if kind in ("PNG", "SVG") else "link", name=re.compile(rf"^{kind} of "))
    entry.wait_for()
    for _ in range(5):
        page.keyboard.press("Tab")
        if entry.evaluate("entry => entry === document.activeElement"):
            break
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = target / download.value.suggested_filename
    download.value.save_as(path)
    menu.locator("summary[aria-label]").wait_for()
    return path


@pytest.fixture
def usage(visit: Visit):  # type: ignore[no-untyped-def]
    page = visit(f"/usage{VIEW}", wait=".headline[data-value]")
    page.wait_for_selector('#usage-distance-export[href*="market=FR"]', state="attached")
    page.wait_for_selector("#usage-distance-figure .bars path", state="attached")
    return page


@pytest.fixture(scope="module")
def told(settings: Settings) -> dict[str, float]:
    """Kilometres by day."""
    return {line["period"]: float(line["value"]) for line in metric(settings, *ASKED)}


def test_csv_and_workbook_are_what_the_command_says(usage, told: dict[str, float], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text = take(usage, "usage-distance", "CSV", tmp_path).read_text(encoding="utf-8")
    lines = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    assert {line["date"]: float(line["value"]) for line in lines} == pytest.approx(told)
    path = take(usage, "usage-distance", "Excel", tmp_path)
    assert path.name == f"sillage-usage-distance-{min(told)}-{max(told)}.xlsx"
    book = load_workbook(path)
    assert book.sheetnames == ["values", "definition", "filters", "as-of"]
    heads, *rows = book["values"].iter_rows(values_only=True)
    found = [dict(zip(heads, row, strict=True)) for row in rows]
    assert {row["date"].date().isoformat(): row["value"] for row in found} == pytest.approx(told)
    assert ("Filter", "market = FR") in list(book["filters"].iter_rows(values_only=True))
    assert book["definition"]["A2"].value == "distance"
    assert str(book["as-of"]["B2"].value).startswith("published ")
    assert usage.traffic.complaints == []


def test_a_picture_is_the_chart_with_what_it_is_of(usage, told: dict[str, float], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = take(usage, "usage-distance", "SVG", tmp_path)
    assert path.name == f"sillage-usage-distance-{min(told)}-{max(told)}.svg"
    root = ElementTree.parse(path).getroot()
    words = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    for wanted in ("Distance", "France", "Snapshot of", "UTC days"):
        assert wanted in words
    (title,) = (text for text in root.iter(f"{SVG}text") if text.get("class") == "gtitle")
    assert float(title.get("y", "0")) >= 20, "its first line is not cut"
    heights = [height(point) for point in root.iter(f"{SVG}path") if re.match(r"M[\d.,-]+V", point.get("d", ""))]
    most = max(told.values())
    drawn = [one / max(heights) for one in heights]
    assert drawn == pytest.approx([told[day] / most for day in sorted(told)], abs=0.01)


def height(bar: ElementTree.Element) -> float:
    """Of a bar, in px: its path goes down from where it begins."""
    start, end = re.match(r"M[\d.-]+,([\d.-]+)V([\d.-]+)", bar.get("d", "")).groups()  # type: ignore[union-attr]
    return abs(float(end) - float(start))


def test_a_picture_of_points_is_twice_as_fine_and_not_empty(usage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    data = take(usage, "usage-distance", "PNG", tmp_path).read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    width, _ = struct.unpack(">II", data[16:24])
    assert width >= 2 * 640
    pixels = zlib.decompress(b"".join(chunks(data, b"IDAT")))
    assert len(set(pixels)) > 50, "it is drawn, not blank"


def chunks(data: bytes, kind: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == kind:
            found.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return found


def test_the_menu_is_left_by_escape_and_closes_for_another(usage) -> None:  # type: ignore[no-untyped-def]
    menus = usage.locator(".export")
    menus.nth(0).locator("summary").click()
    menus.nth(1).locator("summary").click()
    assert usage.locator(".export[open]").count() == 1
    usage.keyboard.press("Escape")
    assert usage.locator(".export[open]").count() == 0
    assert usage.evaluate("() => document.activeElement.tagName") == "SUMMARY"


def test_no_picture_is_offered_of_a_table(visit: Visit) -> None:
    page = visit("/usage?days=7&table=distance", wait="#usage-distance-content tbody tr")
    menu = page.locator(".export", has=page.locator("#usage-distance-export"))
    menu.locator("summary").click()
    menu.get_by_role("link", name="CSV of Distance").wait_for()
    page.wait_for_function("() => [...document.querySelectorAll('.export[open] [data-picture]')].every(b => b.hidden)")
