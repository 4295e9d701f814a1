"""Maintenance of a lake that lives: the same rows before and after, nothing due, nothing twice, whoever else writes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.storage import Lake
from lake.tables import Table, open_table
from metrics.specs import table_specs
from orchestration.batch_run import BatchRun
from orchestration.building import build
from orchestration.due import due_builds, unpublished
from orchestration.landing import land
from orchestration.maintenance import MaintenanceReport, maintain
from orchestration.publishing import publish
from orchestration.survey import Survey
from tests.conftest import Azurite
from tests.integration.building.test_changed import Place, day
from tests.integration.lakes import assert_same, content, opened
from tests.integration.shuttles import write_shuttles
from transforms.sources.profile import load_profile

DAYS = 2
#: All files of the feed are as old, so that it is the same whenever it is written.
ARRIVED = datetime(2025, 3, 10, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    return made(tmp_path)


def made(tmp_path: Path, azurite: Azurite | None = None) -> Place:
    feed = write_shuttles(tmp_path / "feed", days=DAYS, vehicles=3)
    return Place(*opened(azurite.new_container() if azurite else tmp_path / "lake", azurite), feed)


def land_in_pieces(place: Place, pieces: int = 10) -> int:
    """Each file of the feed in as many batches, in which vehicles come in turn: the days get many files each."""
    landed = 0
    for n in range(pieces):
        folder = place.feed.folder.parent / f"piece{n}"
        folder.mkdir(exist_ok=True)
        for file in place.feed.files:
            head, *lines = file.read_text().splitlines()
            piece = folder / f"{file.stem}-{n}.csv"
            piece.write_text("\n".join([head, *lines[n::pieces]]) + "\n")
            os.utime(piece, (ARRIVED.timestamp(),) * 2)
        landed += land(place.lake, place.settings, load_profile(place.feed.profile), [str(folder)]).landed
    return landed


def versions(lake: Lake) -> dict[str, int]:
    return {name: Table(lake, spec).version() for name, spec in table_specs().items()}


def table(report: MaintenanceReport, name: str) -> tuple[int, int]:
    return next((found.before, found.after) for found in report.tables if found.name == name)


def test_no_row_is_other_than_before_nothing_is_due_and_nothing_lands_twice(folder: Place) -> None:
    land_in_pieces(folder)
    folder.build()
    folder.build(day(0), day(DAYS))
    publish(folder.lake, folder.settings)
    before, runs = content(folder.lake), Survey(folder.lake).runs
    order = ["table", "input", "date"]

    planned = maintain(folder.lake, folder.settings, dry_run=True)
    seen: list[tuple[str, int, int]] = []
    report = maintain(folder.lake, folder.settings, progress=lambda *told: seen.append(told))

    assert table(report, "raw.telemetry") == table(planned, "raw.telemetry")
    assert table(report, "raw.telemetry")[0] >= 10 * DAYS
    assert table(report, "raw.telemetry")[1] <= DAYS + 8
    assert table(report, "ops.batches") == (20, 1)
    assert report.left == 0
    assert seen[-1][1] == seen[-1][2] == len(table_specs())
    # The rows are the same, to the last bit; what is computed from them anew is so, too.
    for name, frame in content(folder.lake).items():
        assert_frame_equal(frame, before[name])
    assert report.runs_dropped == planned.runs_dropped > 0
    assert_frame_equal(Survey(folder.lake).runs.sort(order), runs.sort(order))
    assert due_builds(folder.lake) == ()
    assert unpublished(folder.lake).days == ()
    assert not any(folder.build().days.values())
    again = folder.build(day(0), day(DAYS))
    assert not any(days for name, days in again.changed.items() if name != "core.latest")
    for name, frame in content(folder.lake).items():
        assert_frame_equal(frame, before[name])


def test_a_batch_that_was_killed_before_its_end_was_written_down_lands_once(
    folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_in_pieces(folder)
    split = folder.feed.files[-1]
    lines = split.read_text().splitlines()
    more = split.with_name("more.csv")
    more.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")

    def killed(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as until_then:
        until_then.setattr(BatchRun, "close", killed)
        with pytest.raises(InterruptedError):
            folder.land(more)
    raw = content(folder.lake)["raw.telemetry"]
    assert raw.height > folder.feed.rows
    maintain(folder.lake, folder.settings)
    open_table(folder.lake, "raw.telemetry").handle().create_checkpoint()
    folder.land(more)
    assert_frame_equal(content(folder.lake)["raw.telemetry"], raw)
    batches = open_table(folder.lake, "ops.batches").scan().collect()
    assert set(batches.filter(pl.col("batch") == pl.col("batch").max())["status"]) == {"planned", "landed"}


def test_a_dry_run_changes_nothing_and_a_second_maintenance_finds_nothing_to_do(folder: Place) -> None:
    land_in_pieces(folder)
    folder.build()
    folder.build(day(0), day(DAYS))
    files, before = set(folder.lake.filesystem.find(folder.lake.uri)), versions(folder.lake)
    assert maintain(folder.lake, folder.settings, dry_run=True).after < len(files)
    assert versions(folder.lake) == before
    assert set(folder.lake.filesystem.find(folder.lake.uri)) == files
    maintain(folder.lake, folder.settings)
    before = versions(folder.lake)
    report = maintain(folder.lake, folder.settings)
    assert (report.before, report.removed, report.runs_dropped) == (report.after, 0, 0)
    assert versions(folder.lake) == before


def test_a_lake_on_azure_has_the_same_rows_and_lands_nothing_twice(tmp_path: Path, azurite: Azurite) -> None:
    place = made(tmp_path, azurite)
    landed = land_in_pieces(place)
    before = content(place.lake)
    before_files, after_files = table(maintain(place.lake, place.settings), "raw.telemetry")
    assert before_files >= 10 * DAYS > after_files
    assert land_in_pieces(place) == 0
    found = content(place.lake)
    assert found["raw.telemetry"].height == landed
    for name, frame in found.items():
        assert_frame_equal(frame, before[name])


def test_a_lake_in_which_nothing_is_stays_so(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    assert maintain(lake, settings) == MaintenanceReport()
    assert set(versions(lake).values()) == {-1}


def test_days_that_may_still_be_written_to_are_left_alone(folder: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    land_in_pieces(folder)
    days = (datetime.now(UTC).date() - day(0)).days
    later = folder.settings.model_copy(update={"provisional_days": days - 1})
    assert table(maintain(folder.lake, later, dry_run=True), "raw.telemetry")[1] > 10 * (DAYS - 1)
    never = folder.settings.model_copy(update={"provisional_days": days + 1})
    report = maintain(folder.lake, never, dry_run=True)
    before, after = table(report, "raw.telemetry")
    assert before - after < 10  # only the evening before the first day, if any


def test_landing_building_and_maintenance_at_once_give_the_rows_of_one_after_the_other(folder: Place) -> None:
    failed: list[Exception] = []
    done = threading.Event()

    def repeat(action: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            try:
                while not done.is_set():
                    action()
            except Exception as error:  # noqa: BLE001 - it is looked at below
                failed.append(error)

        return work

    tidy = folder.settings.model_copy(update={"part_rows": 2000})
    threads = [
        threading.Thread(target=repeat(lambda: maintain(folder.lake, tidy))),
        threading.Thread(target=repeat(lambda: build(folder.lake, folder.settings))),
    ]
    for thread in threads:
        thread.start()
    landed = land_in_pieces(folder, 6)
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []
    folder.build()
    found = content(folder.lake)
    assert found["raw.telemetry"].height == landed == folder.feed.rows
    whole = Place(*opened(folder.feed.profile.parent / "whole"), folder.feed)
    land_in_pieces(whole, 6)
    whole.build()
    assert_same(found, content(whole.lake))


def test_files_of_killed_publications_are_removed(folder: Place) -> None:
    folder.land()
    folder.build()
    publish(folder.lake, folder.settings)
    old = Path(folder.lake.path("published", "snapshot-1.duckdb.tmp"))
    old.write_bytes(b"abc")
    os.utime(old, (time.time() - timedelta(days=2).total_seconds(),) * 2)
    report = maintain(folder.lake, folder.settings)
    assert (report.leftovers, report.freed) == (1, 3)
    assert not old.exists()
    assert list(old.parent.glob("snapshot-*.duckdb"))
