"""Tables that stand ready in the snapshot: for people on the page, exact in the export, silent where all is well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dashboard.cards.listings import CHECKS, DAYS, FEEDS, REJECTS, SNAPSHOTS
from dashboard.page import Page
from dashboard.pages import operations
from dashboard.view.published import Published
from dashboard.view.texts import Text
from dashboard.web.routes import _export
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
PAGE = Page("told", Text.OVERVIEW, (FEEDS, REJECTS, CHECKS, DAYS, SNAPSHOTS))


def publish(folder: Path, *, failing: int = 0, behind: int = 0, bare: bool = False) -> Published:
    """A snapshot with one feed that is fresh and one that is not, and 14 reasons."""
    settings = get_settings(lake=str(folder / "lake"))
    lake, target = Lake.open(settings), folder / "lake" / "published"
    target.mkdir(exist_ok=True)
    feed = {"landed_at": NOW, "batches": 3, "records": 1234567, "lags_of": 1000, "lag_p50_s": 0.42, "lag_p95_s": 95.0}
    feeds = [
        feed | {"source": "buses", "newest_received_at": NOW - timedelta(hours=2), "rejected": 0},
        feed | {"source": "vans", "newest_received_at": NOW - timedelta(days=3), "rejected": 12},
    ]
    reason = {"source": "vans", "records": 1, "last": date(2026, 3, 14), "batch": 2, "record": 5}
    check = {"table": "core.trips", "at": NOW}
    checks = [check | {"check": "check_0", "passed": not failing, "failing_rows": failing}]
    checks += [check | {"check": f"check_{n}", "passed": True, "failing_rows": 0} for n in (1, 2)]
    days = {"table": "core.trips", "first": date(2026, 1, 1), "last": date(2026, 3, 14), "days": 73, "stale": 0}
    tables: dict[str, pl.DataFrame] = {
        "ops.feeds": pl.DataFrame(feeds),
        "ops.rejects_by_reason": pl.DataFrame([reason | {"reason": f"=reason {n}"} for n in range(14)]),
        "ops.checks": pl.DataFrame(checks),
        "ops.table_days": pl.DataFrame([days | {"missing": behind}]),
        "ops.snapshots": pl.DataFrame(schema={"file": pl.String}),
        "ops.links": pl.DataFrame({"name": ["Dagster"], "url": ["https://dagster.example/"]}),
    }
    row = {"date": NOW.date() - timedelta(1), "vehicles": 100}
    told = {"kpi.driving": frame("driving", [row])} | ({} if bare else tables)
    point_to(lake, write_figures(target, told, version="1", provisional_days=0, published_at=NOW))
    return Published(lambda: Snapshot.open(settings))


def drawn(published: Published, card: str, page: Page = PAGE, search: str = "") -> dict[str, Any]:
    return page.answer(published, search, None)["cards"][card]  # type: ignore[no-any-return]


def test_feeds_are_written_for_people(tmp_path: Path) -> None:
    feeds = drawn(publish(tmp_path), "feeds")
    words = str(feeds["content"])
    for text in ("1,234,567", "0.4\\xa0s", "1.6\\xa0min", "2 h", "3 days, late"):
        assert text in words, text
    assert words.count("attention") == 1, "only the feed that is late"
    assert "as of 15 Mar 2026 06:00 UTC" in feeds["sub"]
    assert "https://dagster.example/" in str(feeds["note"])


def test_an_export_is_exact_and_speaks_of_no_filter(tmp_path: Path) -> None:
    text = bytes(_export(PAGE, "feeds", "days=7", publish(tmp_path)).body).decode()
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert head == ["# Sillage: Feeds", "# As of: published 2026-03-15T06:00:00Z"]
    assert "buses,,2026-03-15T04:00:00Z,2026-03-15T06:00:00Z,0.42,95.0,,3,1234567,0" in text


def test_more_rows_than_are_drawn_are_in_the_table_and_no_formula_in_the_export(tmp_path: Path) -> None:
    published = publish(tmp_path)
    assert "The first 12 of 14" in str(drawn(published, "rejects")["note"])
    assert str(drawn(published, "rejects", search="?table=rejects")["content"]).count("=reason") == 14
    assert bytes(_export(PAGE, "rejects", "", published).body).decode().count("'=reason") == 14


def test_where_all_is_well_one_sentence_says_so(tmp_path: Path) -> None:
    published = publish(tmp_path)
    assert "All 3 checks hold." in str(drawn(published, "checks")["content"])
    assert "No day is missing or behind in any of 1 tables." in str(drawn(published, "days")["content"])


def test_what_is_not_well_is_listed_alone(tmp_path: Path) -> None:
    published = publish(tmp_path, failing=7, behind=2)
    checks = str(drawn(published, "checks")["content"])
    assert "check_0" in checks
    assert "check_1" not in checks
    assert "broken" in checks
    assert "core.trips" in str(drawn(published, "days")["content"])


def test_a_table_without_rows_says_so_and_so_does_a_snapshot_without_the_table(tmp_path: Path) -> None:
    assert "This is the first that is kept." in str(drawn(publish(tmp_path), "snapshots")["content"])
    for name, values in PAGE.answer(publish(tmp_path / "bare", bare=True), "", None)["cards"].items():
        assert "Nothing to list" in str(values["content"]), name


def test_a_newer_snapshot_has_its_own_rows(tmp_path: Path) -> None:
    published = publish(tmp_path)
    assert "All 3 checks hold." in str(drawn(published, "checks")["content"])
    settings = get_settings(lake=str(tmp_path / "lake"))
    later = NOW + timedelta(minutes=1)
    target = tmp_path / "lake" / "published"
    failing = {"check": ["new"], "table": ["core.trips"], "at": [later], "failing_rows": [1], "passed": [False]}
    frames = {
        "kpi.driving": frame("driving", [{"date": NOW.date() - timedelta(1), "vehicles": 100}]),
        "ops.checks": pl.DataFrame(failing),
    }
    info = write_figures(target, frames, version="2", provisional_days=0, published_at=later)
    point_to(Lake.open(settings), info)
    assert "broken" in str(drawn(published, "checks")["content"])


def test_the_page_is_about_the_lake_and_stands_where_the_slice_holds_nothing(tmp_path: Path) -> None:
    published = publish(tmp_path, behind=1)
    for search in ("", "?from=2019-01-01&to=2019-01-31"):
        answer = operations.PAGE.answer(published, search, None)
        assert answer["class"] == "body", search
        assert "buses" in str(answer["cards"]["feeds"]["content"])
        assert "core.trips" in str(answer["cards"]["days"]["content"])
        assert "No batch was planned yet" in str(answer["cards"]["batches"]["content"])
        assert not [n for n, card in answer["cards"].items() if "could not be worked out" in str(card.get("content"))]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "dagster", "http://"])
def test_only_a_web_address_is_linked(address: str) -> None:
    from lake.errors import SettingsError  # noqa: PLC0415

    with pytest.raises(SettingsError, match="DAGSTER_URL"):
        get_settings(dagster_url=address)
