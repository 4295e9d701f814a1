"""Operations in a real browser, on a lake with two batches of which one never landed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.view.published import Published
from lake.settings import Settings, get_settings
from lake.snapshot import Snapshot
from lake.storage import Lake
from tests.e2e.conftest import Visit
from tests.e2e.fleet import kpi_frames
from tests.e2e.serving import publish_frames, running, yesterday


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A fleet's figures, beside them what a lake tells in which nothing was landed yet, and one refusal."""
    import polars as pl  # noqa: PLC0415

    from orchestration.operations import operations  # noqa: PLC0415
    from orchestration.publishing import refresh_freshness  # noqa: PLC0415

    folder: Path = tmp_path_factory.mktemp("run")
    lake = Lake.open(get_settings(lake=str(folder)))
    told = operations(lake, get_settings(lake=str(folder)), refresh_freshness(lake))
    refused = {"source": "buses", "reason": "speed_kmh", "records": 3, "last": yesterday(), "batch": 0, "record": 9}
    told["ops.rejects_by_reason"] = pl.DataFrame([refused], schema=told["ops.rejects_by_reason"].schema)
    return publish_frames(folder, kpi_frames(yesterday(), 60, scale=0.3) | told)


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with running(settings, Published(lambda: Snapshot.open(settings))) as address:
        yield address


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_tells_how_the_lake_is_run(visit: Visit, address: str, width: int, scheme: str) -> None:
    page = visit(f"{address}/operations", width=width, color_scheme=scheme)
    page.wait_for_selector("#operations-rejects-content tbody tr")
    assert "speed_kmh" in page.inner_text("#operations-rejects-content")
    assert "No feed has landed anything yet" in page.inner_text("#operations-feeds-content")
    assert "No check has run" in page.inner_text("#operations-checks-content")
    assert "ops.freshness" in page.inner_text("#operations-tables-content")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.traffic.complaints == []  # type: ignore[attr-defined]


def test_its_export_is_a_file_of_the_rows(visit: Visit, address: str, tmp_path: Path) -> None:
    page = visit(f"{address}/operations")
    page.wait_for_selector('#operations-rejects-export[href*="/export/operations/rejects.csv"]', state="attached")
    page.click(".export:has(#operations-rejects-export) summary")
    with page.expect_download() as download:
        page.click("#operations-rejects-export")
    download.value.save_as(tmp_path / "rejects.csv")
    text = (tmp_path / "rejects.csv").read_text(encoding="utf-8")
    assert f"buses,speed_kmh,3,{yesterday().isoformat()},0,9" in text
