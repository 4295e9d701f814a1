"""Merging and sweeping files of a table: the same rows, in order, whoever else writes meanwhile."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from lake import compaction
from lake.commits import ConcurrentWriteError
from lake.compaction import Group, files_of, merge, reduce, small_files, sweep, sweep_leftovers
from lake.errors import LakeError
from lake.storage import Lake
from lake.tables import Appender, AppTransaction, Table, open_table
from tests.conftest import Azurite
from tests.integration.lake.test_tables import DAY, batch_row, later, trip
from tests.integration.lakes import opened


@pytest.fixture(params=["local", "azurite"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    azurite: Azurite | None = request.getfixturevalue("azurite") if request.param == "azurite" else None
    return opened(azurite.new_container() if azurite else tmp_path / "lake", azurite)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Lake:
    return opened(tmp_path / "lake")[0]


def fault(day: date, batch: int, record: int, vehicle: str, second: int, code: str | None = None) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(seconds=second)
    return {
        "vehicle_id": vehicle * 32, "event_at": at, "received_at": at, "source": "s", "batch": batch,
        "record": record, "sequence": None, "event_date": day, "code": code or "P0420", "status": "set",
    }  # fmt: skip


def append_faults(table: Table, batches: int, rows: int = 4, seed: int = 1) -> None:
    """Batches with vehicles and times in no order, each an append with its transaction; many rows have equal keys."""
    dice = random.Random(seed)
    for batch in range(batches):
        found = [fault(DAY, batch, n, dice.choice("abc"), dice.randrange(3)) for n in range(rows)]
        frame = pl.DataFrame(found).with_columns(pl.col("sequence").cast(pl.Int64))
        table.append(frame, txn=AppTransaction("s/raw.faults", batch))
    table.append(pl.DataFrame([fault(later(1), batches, 0, "a", 0)]), txn=AppTransaction("s/raw.faults", batches))


def planned(table: Table, rows: int = 1000, before: date | None = None) -> list[list[Group]]:
    handle = table.now()
    assert handle is not None
    return small_files(table, handle, most_files=2, rows=rows, before=before)


def files(table: Table) -> pl.DataFrame:
    handle = table.now()
    assert handle is not None
    return files_of(handle)


def in_order(table: Table) -> pl.DataFrame:
    frame = table.scan().collect()
    return frame.sort("source", "batch", "record")


def test_the_files_of_a_day_become_one_that_is_sorted_and_nothing_else_changes(lake: Lake) -> None:
    table = open_table(lake, "raw.faults")
    append_faults(table, 6)
    before, version, written = in_order(table), table.version(), table.written_by_day()
    (groups,) = planned(table)
    assert merge(table, groups)
    assert table.rows_by_day() == {DAY: 24, later(1): 1}
    assert files(table).height == 2
    assert_frame_equal(in_order(table), before)
    # As read from the one file, and not sorted by the reader.
    rows = table.scan(DAY, DAY).collect()
    assert_frame_equal(rows, rows.sort(*table.spec.sort_by, maintain_order=True))
    assert rows["vehicle_id"].n_unique() == 3
    # Nobody who follows the table has anything to do, and each batch is in.
    assert table.changed_days(version) == {}
    assert table.written_by_day() == written
    for batch in range(7):
        append_faults(table, batch)
    assert all(table.has(AppTransaction("s/raw.faults", batch)) for batch in range(7))
    assert_frame_equal(in_order(table), before)
    assert planned(table) == []


def test_batches_stay_in_after_the_log_was_shortened_to_a_checkpoint(lake: Lake) -> None:
    table = open_table(lake, "raw.faults")
    append_faults(table, 4)
    before = in_order(table)
    assert merge(table, planned(table)[0])
    table.handle().create_checkpoint()
    table.handle().cleanup_metadata()
    append_faults(table, 4)
    assert_frame_equal(in_order(table), before)


def test_recent_days_few_files_and_large_files_are_left_alone(folder: Lake) -> None:
    table = open_table(folder, "raw.faults")
    append_faults(table, 6, rows=4)
    assert planned(table, before=DAY) == []
    assert len(planned(table, before=later(1))) == 1
    assert planned(table, rows=4) == []  # none is small
    handle = table.now()
    assert handle is not None
    assert small_files(table, handle, most_files=6, rows=1000) == []


def test_merged_files_are_no_larger_than_asked_for_and_are_not_merged_anew(folder: Lake) -> None:
    table = open_table(folder, "raw.faults")
    append_faults(table, 7, rows=4)
    before = in_order(table)
    (groups,) = planned(table, rows=10)
    assert [group.rows for group in groups] == [8, 8, 8]
    assert merge(table, groups)
    assert sorted(files(table)["num_records"]) == [1, 4, 8, 8, 8]
    assert planned(table, rows=10) == []
    assert_frame_equal(in_order(table), before)


def test_a_table_without_days_is_merged_as_a_whole(lake: Lake) -> None:
    table = open_table(lake, "ops.batches")
    for number in range(4):
        table.append(batch_row(number), txn=AppTransaction("s/planned", number))
    assert merge(table, planned(table, before=date.min)[0])
    assert files(table).height == 1
    table.append(batch_row(3), txn=AppTransaction("s/planned", 3))
    assert table.scan().collect().sort("batch")["batch"].to_list() == [0, 1, 2, 3]


def several_trips(table: Table) -> None:
    for vehicle in "abcd":
        table.append(trip(DAY, 1.0, vehicle))


def kilometres(table: Table) -> list[float]:
    return table.scan().collect()["distance_km"].sort().to_list()


def test_what_was_replaced_between_planning_and_merging_does_not_come_back(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    several_trips(table)
    (groups,) = planned(table)
    table.replace_days(trip(DAY, 7.0), [DAY])
    assert not merge(table, groups)
    assert kilometres(table) == [7.0]


def racing(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Have something happen once, when a merge has its handle and has not committed."""
    waiting = [action]

    def look(handle: DeltaTable) -> pl.DataFrame:
        found = files_of(handle)
        if waiting:
            waiting.pop()()
        return found

    monkeypatch.setattr(compaction, "files_of", look)


def test_what_is_replaced_while_a_merge_commits_does_not_come_back(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_table(lake, "core.trips")
    several_trips(table)
    (groups,) = planned(table)
    racing(monkeypatch, lambda: table.replace_days(trip(DAY, 7.0), [DAY]))
    assert not merge(table, groups)
    assert kilometres(table) == [7.0]


def test_what_is_appended_and_what_else_is_replaced_while_a_merge_commits_is_there(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = open_table(lake, "core.trips")
    several_trips(table)
    table.append(trip(later(1), 5.0))
    (groups,) = planned(table)

    def write() -> None:
        table.append(trip(DAY, 3.0, "e"), txn=AppTransaction("s", 1))
        table.replace_days(trip(later(1), 6.0), [later(1)])

    racing(monkeypatch, write)
    assert merge(table, groups)
    assert kilometres(table) == [1.0, 1.0, 1.0, 1.0, 3.0, 6.0]
    assert table.has(AppTransaction("s", 1))


def test_a_build_that_began_before_a_merge_is_told_to_begin_anew_and_an_append_goes_in(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    several_trips(table)
    begun = table.handle()
    appender = Appender(table, AppTransaction("s", 1))
    appender.add(trip(DAY, 3.0, "e"))
    assert merge(table, planned(table)[0])
    appender.commit()
    with pytest.raises(ConcurrentWriteError):
        table.replace_days(trip(DAY, 7.0), [DAY], handle=begun)
    assert kilometres(table) == [1.0, 1.0, 1.0, 1.0, 3.0]
    table.replace_days(trip(DAY, 7.0), [DAY])
    assert kilometres(table) == [7.0]


def test_readers_that_began_before_a_merge_and_its_sweeping_read_on(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    several_trips(table)
    begun = table.now()
    assert merge(table, planned(table)[0])
    handle = table.now()
    assert handle is not None
    assert sweep(table, handle, days=7, dry_run=False) == (0, 0)
    assert table.scan(handle=begun).collect().height == 4


def test_a_small_table_is_shortened_and_appends_meanwhile_stay(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_table(lake, "ops.batches")
    for number in range(5):
        table.append(batch_row(number % 2), txn=AppTransaction("s/planned", number))
    handle = table.now()
    assert handle is not None
    racing(monkeypatch, lambda: table.append(batch_row(9), txn=AppTransaction("s/planned", 9)))
    # All columns are there, those that no row has a value of included.
    assert reduce(table, handle, lambda rows: rows.unique(["batch", "records"])) == 3
    assert table.scan().collect()["batch"].sort().to_list() == [0, 1, 9]
    assert table.has(AppTransaction("s/planned", 9))
    handle = table.now()
    assert handle is not None
    version = table.version()
    assert reduce(table, handle, lambda rows: rows.unique("batch")) == 0
    assert table.version() == version


@pytest.mark.parametrize("shortens", [False, True])
def test_an_append_that_commits_while_files_are_merged_or_rows_dropped_goes_in(
    folder: Lake, monkeypatch: pytest.MonkeyPatch, shortens: bool
) -> None:
    table = open_table(folder, "ops.batches")
    for number in range(4):
        table.append(batch_row(number % 2))
    begun = table.handle()
    writer = Appender(table)
    writer.add(batch_row(9))
    if shortens:
        handle = table.now()
        assert handle is not None
        assert reduce(table, handle, lambda rows: rows.unique("batch")) == 2
    else:
        assert merge(table, planned(table)[0])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Table, "handle", lambda _: begun)
        writer.commit()
    assert table.scan().collect()["batch"].sort().to_list() == ([0, 1, 9] if shortens else [0, 0, 1, 1, 9])


def grow_old(table: Table, days: int) -> None:
    """Have the log say that files were removed so many days earlier than they were."""
    for version in range(table.version() + 1):
        place = (*table.spec.name.split("."), "_delta_log", f"{version:020}.json")
        actions = [json.loads(line) for line in (table.lake.read_bytes(*place) or b"").splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= days * 86_400_000
        table.lake.write_bytes("\n".join(map(json.dumps, actions)).encode(), *place)


def test_files_that_no_kept_version_reads_are_removed_and_their_bytes_counted(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    several_trips(table)
    bytes_before = int(files(table)["size_bytes"].sum())
    assert merge(table, planned(table)[0])
    grow_old(table, 6)
    handle = table.now()
    assert handle is not None
    assert sweep(table, handle, days=7, dry_run=False) == (0, 0)
    grow_old(table, 2)
    handle = table.now()
    assert handle is not None
    assert sweep(table, handle, days=7, dry_run=True) == (4, bytes_before)
    assert sweep(table, handle, days=7, dry_run=False) == (4, bytes_before)
    left = lake.filesystem.find(lake.path("core", "trips", f"date={DAY}"))
    assert len(left) == 1
    assert kilometres(table) == [1.0] * 4
    handle = table.now()
    assert handle is not None
    version = table.version()
    assert sweep(table, handle, days=7, dry_run=False) == (0, 0)
    assert table.version() == version


def test_old_files_of_appends_that_were_killed_are_removed_and_young_ones_may_yet_be_committed(folder: Lake) -> None:
    table = open_table(folder, "core.trips")
    several_trips(table)
    there = {Path(path) for path in folder.filesystem.find(folder.path("core", "trips"))}
    killed, under_way = Appender(table), Appender(table)
    killed.add(trip(DAY, 9.0, "x"))
    (orphan,) = {Path(path) for path in folder.filesystem.find(folder.path("core", "trips"))} - there
    os.utime(orphan, (time.time() - 8 * 86_400,) * 2)
    under_way.add(trip(DAY, 3.0, "e"))
    handle = table.now()
    assert handle is not None
    assert sweep(table, handle, days=7, dry_run=False)[0] == 1
    assert not orphan.exists()
    under_way.commit()
    assert kilometres(table) == [1.0, 1.0, 1.0, 1.0, 3.0]


def test_files_with_other_rows_than_the_log_says_are_not_merged(folder: Lake) -> None:
    table = open_table(folder, "core.trips")
    several_trips(table)
    (groups,) = planned(table)
    pl.DataFrame({"vehicle_id": ["a", "b"]}).write_parquet(f"{table.uri}/{groups[0].paths[0]}")
    version = table.version()
    with pytest.raises(LakeError, match="other rows"):
        merge(table, groups)
    assert table.version() == version


def test_unfinished_files_are_removed_when_they_are_old(tmp_path: Path) -> None:
    old, new, snapshot = (tmp_path / name for name in ("a.duckdb.tmp", "b.duckdb.tmp", "c.duckdb"))
    for path in (old, new, snapshot):
        path.write_bytes(b"abc")
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    new.touch()
    assert sweep_leftovers(str(tmp_path), older_than=timedelta(days=1), dry_run=True) == (1, 3)
    assert sweep_leftovers(str(tmp_path), older_than=timedelta(days=1), dry_run=False) == (1, 3)
    assert not old.exists()
    assert new.exists()
    assert snapshot.exists()
    assert sweep_leftovers(str(tmp_path / "none"), older_than=timedelta(0), dry_run=False) == (0, 0)
