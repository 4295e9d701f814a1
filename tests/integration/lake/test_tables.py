"""Delta tables: exactly-once appends, replaced days, the log, and a schema that grows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import dataframely as dy
import polars as pl
import pytest

from lake.commits import ConcurrentWriteError
from lake.errors import LakeError
from lake.schemas import TABLES, TableSpec
from lake.storage import Lake
from lake.tables import Appender, AppTransaction, Table, open_table
from tests.conftest import Azurite
from tests.integration.lakes import opened

DAY = date(2025, 3, 1)


#: Below these Polars is given the list of files: with days as Hive columns, and without.
AWKWARD = ["two words", "date=2024-01-01"]


@pytest.fixture(params=["local", *AWKWARD, "azurite"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    azurite: Azurite | None = request.getfixturevalue("azurite") if request.param == "azurite" else None
    return opened(azurite.new_container() if azurite else tmp_path / request.param / "lake", azurite)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Lake:
    """A lake in a folder, for what does not depend on where a lake is."""
    return opened(tmp_path / "lake")[0]


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def trip(day: date, km: float = 1.0, vehicle: str = "a") -> pl.DataFrame:
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    row = {
        "date": day, "vehicle_id": vehicle * 32, "started_at": at, "ended_at": at + timedelta(hours=1),
        "duration_s": 3600.0, "distance_km": km, "distance_method": "speed", "interpolated_km": 0.0, "doubted": False,
        "driving_s": 3600.0, "idle_s": 0.0, "messages": 2,
    }  # fmt: skip
    return pl.DataFrame(row)


def batch_row(number: int) -> pl.DataFrame:
    at = datetime(2025, 3, 1, tzinfo=UTC)
    row = {
        "source": "s", "batch": number, "status": "planned", "at": at, "file": "f", "file_number": 0,
        "fingerprint": "0", "size_bytes": 1, "modified_at": at, "records": None,
    }  # fmt: skip
    schema = open_table_schema("ops.batches")
    return pl.DataFrame({name: [row.get(name)] for name in schema}, schema=schema)


def open_table_schema(name: str) -> dict[str, pl.DataType]:
    return dict(TABLES[name].schema.create_empty().schema)


def kilometres(table: Table, *, version: int | None = None) -> dict[date, float]:
    found = table.scan(version=version).select("date", "distance_km").sort("date").collect()
    return dict(found.iter_rows())


# appends


def test_a_table_that_nothing_was_written_to_is_empty_and_is_not_made_by_reading(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    assert not table.exists()
    assert table.version() == -1
    assert table.scan(DAY, DAY).collect().schema == open_table_schema("core.trips")
    assert table.rows_by_day() == {}
    assert table.changed_days(-1) == {}
    assert not table.has(AppTransaction("s/x", 0))
    assert not table.exists()


def test_an_application_transaction_is_appended_once(lake: Lake) -> None:
    table = open_table(lake, "ops.batches")
    for number in (0, 0, 1, 1, 0):
        table.append(batch_row(number), txn=AppTransaction("s/planned", number))
    assert table.scan().sort("batch").collect()["batch"].to_list() == [0, 1]
    table.append(batch_row(0), txn=AppTransaction("another/planned", 0))
    assert table.scan().collect().height == 3


def test_two_handles_that_race_append_a_transaction_once(lake: Lake) -> None:
    table = open_table(lake, "ops.batches")
    writers = [Appender(table, AppTransaction("s/planned", 7)) for _ in range(2)]
    assert not any(writer.done for writer in writers)
    for writer in writers:
        writer.add(batch_row(7))
    for writer in writers:
        writer.commit()
    assert table.scan().collect().height == 1


def test_threads_that_make_a_table_and_append_at_once_lose_nothing_and_repeat_nothing(lake: Lake) -> None:
    writers = 6
    barrier = Barrier(writers)

    def write(number: int) -> None:
        barrier.wait()
        table = open_table(lake, "ops.batches")
        table.append(batch_row(0), txn=AppTransaction("shared", 0))
        table.append(batch_row(number + 1), txn=AppTransaction(f"own {number}", number))

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    found = open_table(lake, "ops.batches").scan().sort("batch").collect()["batch"].to_list()
    assert found == list(range(writers + 1))


def test_a_table_that_threads_make_at_once_is_made_once(folder: Lake) -> None:
    writers = 6
    for name in ("core.trips", "core.vehicle_days", "core.latest", "ops.batches", "ops.runs", "raw.telemetry"):
        barrier = Barrier(writers)

        def make(_: int, name: str = name, barrier: Barrier = barrier) -> int:
            barrier.wait()
            return open_table(folder, name).handle().version()

        with ThreadPoolExecutor(writers) as pool:
            assert list(pool.map(make, range(writers))) == [0] * writers
        assert open_table(folder, name).version() == 0, name


def test_an_append_of_several_parts_is_seen_only_when_it_is_committed(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    writer = Appender(table, AppTransaction("s/core.trips", 0))
    writer.add(trip(DAY))
    writer.add(pl.concat([trip(DAY, 2.0, "b"), trip(later(1), 3.0)]))
    assert table.scan().collect().height == 0
    writer.commit()
    assert table.rows_by_day() == {DAY: 2, later(1): 1}
    assert kilometres(table)[later(1)] == 3.0
    assert table.scan(later(1)).collect()["distance_odometer_km"].to_list() == [None]


# replaced days


def test_replaced_days_hold_the_new_rows_and_other_days_are_left(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    table.replace_days(pl.concat([trip(DAY), trip(later(1)), trip(later(2))]), [DAY, later(1), later(2)])
    table.replace_days(trip(later(1), 5.0), [DAY, later(1)])
    assert kilometres(table) == {later(1): 5.0, later(2): 1.0}
    assert table.rows_by_day() == {later(1): 1, later(2): 1}
    table.replace_days(trip(DAY).clear(), [later(1)])
    assert kilometres(table) == {later(2): 1.0}
    assert table.scan(later(2), later(5)).collect().height == 1
    assert table.scan(None, later(1)).collect().height == 0


def test_rows_outside_the_days_that_are_replaced_are_refused(folder: Lake) -> None:
    table = open_table(folder, "core.trips")
    with pytest.raises(LakeError, match="lie outside"):
        table.replace_days(trip(later(1)), [DAY])
    assert table.rows_by_day() == {}
    with pytest.raises(LakeError, match="does not have"):
        table.replace_days(trip(DAY).with_columns(surprise=1), [DAY])


@pytest.mark.parametrize("there", [True, False], ids=["a day that is there", "a new day"])
def test_a_stale_handle_does_not_overwrite_a_newer_day(lake: Lake, there: bool) -> None:
    table = open_table(lake, "core.trips")
    if there:
        table.replace_days(trip(DAY, 1.0), [DAY])
    stale = table.handle()
    table.replace_days(trip(DAY, 2.0), [DAY])
    with pytest.raises(ConcurrentWriteError, match=r"core\.trips"):
        table.replace_days(trip(DAY, 3.0), [DAY], handle=stale)
    assert kilometres(table) == {DAY: 2.0}


def test_a_day_that_became_empty_is_not_overwritten_with_a_stale_handle(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    table.replace_days(trip(DAY, 1.0), [DAY])
    stale = table.handle()
    table.replace_days(trip(DAY).clear(), [DAY])
    with pytest.raises(ConcurrentWriteError):
        table.replace_days(trip(DAY, 3.0), [DAY], handle=stale)
    assert kilometres(table) == {}


def test_writers_of_different_days_do_not_disturb_each_other(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    table.replace_days(pl.concat([trip(DAY), trip(later(1))]), [DAY, later(1)])
    stale = table.handle()
    table.replace_days(trip(DAY, 2.0), [DAY])
    table.replace_days(trip(later(1), 3.0), [later(1)], handle=stale)
    assert kilometres(table) == {DAY: 2.0, later(1): 3.0}


def test_replace_all_leaves_only_the_new_rows(folder: Lake) -> None:
    table = open_table(folder, "core.trips")
    table.replace_days(pl.concat([trip(DAY), trip(later(1))]), [DAY, later(1)])
    table.replace_all(trip(later(4), 9.0))
    assert kilometres(table) == {later(4): 9.0}


# the log


def test_changed_days_are_those_of_the_commits_since(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    table.replace_days(pl.concat([trip(DAY), trip(later(1))]), [DAY, later(1)])
    first = table.version()
    assert table.changed_days(-1) == {DAY: first, later(1): first}
    assert table.changed_days(first) == {}
    table.append(trip(later(1), 2.0, "b"))
    table.append(trip(later(3)))
    assert table.changed_days(first) == {later(1): first + 1, later(3): first + 2}
    assert table.changed_days(first + 1) == {later(3): first + 2}
    table.replace_days(trip(DAY).clear(), [DAY])
    assert table.changed_days(first + 2) == {DAY: first + 3}


def test_compaction_changes_no_day(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    for vehicle in "abc":
        table.append(trip(DAY, 1.0, vehicle))
    before = table.version()
    assert table.handle().optimize.compact()["numFilesRemoved"] == 3
    assert table.version() > before
    assert table.changed_days(before) == {}
    assert table.rows_by_day() == {DAY: 3}
    table.append(trip(later(1)))
    assert table.changed_days(before) == {later(1): table.version()}


def test_where_the_log_is_gone_every_day_counts_as_changed(lake: Lake) -> None:
    table = open_table(lake, "core.trips")
    for number in range(3):
        table.append(trip(later(number)))
    table.handle().create_checkpoint()
    newest = table.version()
    lake.filesystem.rm_file(lake.path("core", "trips", "_delta_log", f"{1:020}.json"))
    assert table.changed_days(0) == {later(number): newest for number in range(3)}
    assert table.changed_days(newest - 1) == {later(2): newest}


# a schema that grows


class Wider(dy.Schema):
    """One reading."""

    date = dy.Date(nullable=False)
    value = dy.Float64(nullable=False)
    note = dy.String(nullable=True)


class Narrow(dy.Schema):
    """One reading, before notes were taken."""

    date = dy.Date(nullable=False)
    value = dy.Float64(nullable=False)


NARROW = TableSpec("core.readings", Narrow, ("date",), ("value",), "One reading.")


def test_a_table_gains_the_columns_that_its_contract_gained(lake: Lake) -> None:
    narrow, wide = Table(lake, NARROW), Table(lake, replace(NARROW, schema=Wider))
    narrow.append(pl.DataFrame({"date": DAY, "value": 1.0}))
    old = narrow.version()
    # Reading alone writes nothing.
    assert wide.scan().collect().row(0) == (DAY, 1.0, None)
    assert wide.scan(version=old).collect().columns == ["date", "value", "note"]
    assert wide.version() == old
    wide.append(pl.DataFrame({"date": later(1), "value": 2.0, "note": "new"}))
    found = wide.scan().sort("date").collect()
    assert found["note"].to_list() == [None, "new"]
    assert wide.changed_days(old) == {later(1): wide.version()}
    # A writer of the older version goes on.
    narrow.append(pl.DataFrame({"date": later(2), "value": 3.0}))
    assert wide.scan().collect().height == 3
    wide.replace_days(pl.DataFrame({"date": DAY, "value": 4.0, "note": "again"}), [DAY])
    assert wide.scan(DAY, DAY).collect()["note"].to_list() == ["again"]
