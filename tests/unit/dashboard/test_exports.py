"""An export or a page never answers with more vehicles than were asked for."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from dashboard.draw.sheets import Column, Sheet
from dashboard.draw.workbook import workbook
from dashboard.page import Page
from dashboard.pages import overview, usage
from dashboard.view import wording
from dashboard.view.address import default_view
from dashboard.view.published import Answers, Published
from dashboard.view.reader import ENGLISH
from dashboard.web.routes import _export
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from metrics import MetricValue
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder: Path = tmp_path_factory.mktemp("lake")
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir()
    active, driving = [], []
    for back in range(28):
        for market, fleet in (("FR", 100), ("JP", 100), ("MA", 4), ("TR", 8)):
            day = NOW.date() - timedelta(1 + back)
            key = {"date": day, "market": market, "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
            small = fleet < 100
            sizes = {"reporting_vehicles": 95, "active_1d": 50, "active_7d": 80, "active_28d": 90}
            active.append(key | {"vehicles": fleet} | (dict.fromkeys(sizes, fleet) if small else sizes))
            drove = fleet if small else 50
            # Twenty are in the fleet of this table, so that the markets have their names.
            parts = {"vehicles": 20 if small else fleet, "active_vehicles": drove, "trips": 100, "distance_km": 1000.0}
            times = {"driving_s": 9000.0, "idle_s": 1000.0}
            odometer = {"odometer_vehicles": drove, "odometer_gain_km": 1010.0, "odometer_trip_km": 1000.0}
            driving.append(key | parts | times | odometer)
    frames = {"kpi.active_vehicles": frame("active_vehicles", active), "kpi.driving": frame("driving", driving)}
    point_to(lake, write_figures(target, frames, version="1", provisional_days=2, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


@pytest.mark.parametrize(
    "query",
    [
        "market=XX",
        "market=fr",
        "markets=FR",
        "from=x",
        "from=20260301",
        "from=2026-W10-7",
        "market=FR&market=XX",
        "by=nope",
    ],
)
def test_an_export_of_an_address_that_cannot_be_used_is_refused(published: Published, query: str) -> None:
    answer = _export(overview.PAGE, "markets", query, published)
    assert answer.status_code == 400
    assert answer.body.startswith(b"No export:\n")


def test_an_export_of_a_known_market_is_given(published: Published) -> None:
    answer = _export(overview.PAGE, "markets", "market=FR&table=markets", published)
    assert answer.status_code == 200
    assert b"# Filter: market = FR" in answer.body


@pytest.mark.parametrize("query", ["?market=XX", "?market=fr", "?market=XX&powertrain=BEV"])
def test_a_page_with_a_filter_of_which_nothing_is_left_shows_no_figures(published: Published, query: str) -> None:
    answer = overview.PAGE.answer(published, query, None)
    assert answer["class"] == "body without"
    assert "A filter holds no value of the published data." in str(answer["state"])
    assert overview.PAGE.answer(published, "?market=FR", None)["class"] == "body"


def test_every_page_says_that_days_are_provisional(published: Published) -> None:
    words = "Provisional from 13 Mar 2026: late data is still expected."
    for page in (overview.PAGE, usage.PAGE):
        assert words in str(page.answer(published, "", None)["late"])
        assert page.answer(published, "?from=2026-03-01&to=2026-03-12", None)["late"] is None


def test_pages_and_exports_say_what_is_still_expected(published: Published) -> None:
    with published.reading() as reading:
        info = replace(reading.info, expected=((date(2026, 3, 13), 0.012), (date(2026, 3, 14), 0.034)))
        assert reading.catalogue is not None
        contracts, view = (reading.metric("distance"),), default_view(reading.catalogue)
        by_day = tuple(MetricValue("distance", (), date(2026, 3, day), value=1.0) for day in (12, 13, 14))
        found = Answers(info, reading.contracts, {})
        text = Sheet("card", "Card", (Column("Day"),), (), contracts, by_day, found).csv(view)
    assert "# Still expected, of the messages of a day: 1.2% of 2026-03-13, 3.4% of 2026-03-14" in text
    assert [float(line["still_expected_pct"]) for line in lines(text)] == pytest.approx([0, 1.2, 3.4])
    words = "Provisional from 13 Mar 2026: of the messages of 14 Mar 2026, 3.4% are still expected."
    assert wording.provisional(ENGLISH, info, date(2026, 3, 14)) == words
    assert "13 Mar 2026, 1.2% are" in wording.provisional(ENGLISH, info, date(2026, 3, 13))
    assert "14 Mar 2026, 3.4% are" in wording.provisional(ENGLISH, info, date(2026, 3, 20)), (
        "days that are not over say nothing"
    )
    assert wording.percent(ENGLISH, 0.0004) == "0.04%"
    assert wording.percent(ENGLISH, 0.304) == "30%"
    assert wording.percent(ENGLISH, 1.0) == "100%"


def test_nothing_in_an_export_is_a_formula(published: Published) -> None:
    groups = ("=A1", "@n", "+1", "-1", "\tx", "\rx")
    values = tuple(MetricValue("distance", (group,), value=1.0) for group in groups)
    with published.reading() as reading:
        assert reading.catalogue is not None
        contracts = (reading.metric("distance"),)
        found = Answers(reading.info, reading.contracts, {})
        sheet = Sheet("card", "Card", (Column("Model"),), (), contracts, values, found, ("model",))
        text = sheet.csv(default_view(reading.catalogue))
    cells = {cell for row in csv.reader(StringIO(text, newline="")) for cell in row}
    assert {f"'{group}" for group in groups} <= cells
    assert not cells & set(groups)


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in StringIO(text) if not line.startswith("#")))


def export(published: Published, card: str, query: str = "", page: Page = overview.PAGE) -> list[dict[str, str]]:
    answer = _export(page, card, query, published)
    assert answer.status_code == 200
    return lines(bytes(answer.body).decode())


def test_an_export_holds_codes_names_intervals_and_n_of_n(published: Published) -> None:
    found = export(published, "markets", "compare=none")
    (line,) = [x for x in found if x["market"] == "FR" and x["metric"] == "reporting_rate"]
    assert (line["market_name"], line["unit"], line["withheld"], line["provisional"]) == (
        "France",
        "%",
        "false",
        "true",
    )
    assert float(line["low"]) < float(line["value"]) == 95 < float(line["high"])
    assert (float(line["counted"]), float(line["of"]), line["of_what"]) == (95, 100, "in the fleet")
    assert "change" not in line


def test_what_is_withheld_has_a_line_that_says_so(published: Published) -> None:
    found = [x for x in export(published, "markets") if x["metric"] == "monthly_active_vehicles"]
    assert {x["market"]: (x["value"], x["withheld"]) for x in found} == {
        "FR": ("90.0", "false"),
        "JP": ("90.0", "false"),
        "MA": ("", "true"),
        "TR": ("", "true"),
    }


def sheets(
    published: Published, card: str, query: str = "", page: Page = overview.PAGE
) -> dict[str, list[list[object]]]:
    answer = _export(page, card, query, published, "xlsx")
    assert answer.status_code == 200
    book = load_workbook(BytesIO(bytes(answer.body)))
    return {name: [[cell.value for cell in row] for row in book[name].iter_rows()] for name in book.sheetnames}


@pytest.mark.parametrize(
    ("page", "card", "query"), [(overview.PAGE, "markets", ""), (usage.PAGE, "distance", "days=7")]
)
def test_a_workbook_tells_what_the_csv_does(published: Published, page: Page, card: str, query: str) -> None:
    found = sheets(published, card, query, page)
    assert list(found) == ["values", "definition", "filters", "as-of"]
    heads, *rows = found["values"]
    told = [dict(zip(heads, map(as_text, row), strict=True)) for row in rows]
    assert told == export(published, card, query, page)
    assert [row[0] for row in found["definition"]][1:] == list(dict.fromkeys(line["metric"] for line in told))
    filters = dict(row for row in found["filters"][1:] if row[0] != "Filter")
    assert filters["Period"] == ("2026-03-08 to 2026-03-14" if query else "2026-02-15 to 2026-03-14") + ", UTC days"
    assert found["filters"][-2] == ["Filter", "vehicles = all"]
    as_of = dict(found["as-of"][1:])
    assert as_of["As of"] == "published 2026-03-15T06:00:00Z, data to 2026-03-14"
    assert str(as_of["Withheld"]).startswith("fewer than 10 vehicles")


def as_text(value: object) -> str:
    """A cell as the CSV has it: what Python reads from a workbook are numbers, days and truth."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, (int, float)):
        return str(float(value))
    return "" if value is None else str(value)


def test_text_in_a_workbook_is_no_formula_and_no_link(published: Published) -> None:
    groups = ("=A1", "{=A1}", "@n", "https://example.org", "007")
    with published.reading() as reading:
        assert reading.catalogue is not None
        found = Answers(reading.info, reading.contracts, {})
        rows = tuple((group,) for group in groups)
        sheet = Sheet("card", "Card", (Column("Model"),), rows, (), (), found, is_text=True)
        written = [workbook(sheet, default_view(reading.catalogue)) for _ in range(2)]
    values = load_workbook(BytesIO(written[0]))["values"]
    assert [(cell.value, cell.data_type, cell.hyperlink) for (cell,) in values.iter_rows(min_row=2)] == [
        (group, "s", None) for group in groups
    ]
    assert written[0] == written[1]


def test_other_endings_are_no_exports(published: Published) -> None:
    assert _export(overview.PAGE, "markets", "", published, "html").status_code == 404


def test_changes_are_numbers_in_the_unit_of_their_value(published: Published) -> None:
    found = {x["metric"]: x for x in export(published, "changes", "days=7")}
    assert float(found["distance"]["change"]) == 0
    assert float(found["distance"]["before"]) == float(found["distance"]["value"]) > 0
    text = bytes(_export(overview.PAGE, "changes", "days=7", published).body).decode()
    assert "# Comparison: previous period, 2026-03-01 to 2026-03-07;" in text
    assert all(x["change"] == "" for x in export(published, "changes", "days=28")), "nothing before"


def test_an_export_by_day_and_value_can_be_joined(published: Published) -> None:
    found = export(published, "panels", "days=7&by=market", usage.PAGE)
    assert {(x["date"], x["market"]) for x in found} >= {("2026-03-14", "FR"), ("2026-03-08", "JP")}
    assert {x["provisional"] for x in found if x["date"] == "2026-03-14"} == {"true"}
    assert {x["provisional"] for x in found if x["date"] == "2026-03-12"} == {"false"}


def test_an_export_of_days_without_data_says_which_it_holds(published: Published) -> None:
    text = bytes(_export(usage.PAGE, "activity", "from=2026-03-10&to=2026-04-30", published).body).decode()
    assert "# Period: 2026-03-10 to 2026-03-14, UTC days" in text
    assert "# Asked for: 2026-03-10 to 2026-04-30; not all has data" in text
