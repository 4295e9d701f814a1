"""Writing a snapshot, following the newest one, and what page code cannot do with it."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from lake.errors import LakeError, SillageError
from lake.settings import get_settings
from lake.snapshot import PUBLISHED, Snapshot, SnapshotInfo, current, point_to, snapshot_file
from lake.storage import Lake
from metrics import Slice, evaluate
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import MONDAY, frame

AT = datetime(2026, 3, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def lake() -> Lake:
    return Lake.open(get_settings())


def _publish(lake: Lake, at: datetime = AT, days: int = 3, vehicles: int = 50) -> SnapshotInfo:
    rows = [
        {"date": MONDAY + timedelta(d), "market": m, "vehicles": vehicles, "active_7d": 20}
        for d in reversed(range(days))
        for m in ("FR", "DE")
    ]
    folder = Path(lake.path(PUBLISHED))
    folder.mkdir(exist_ok=True)
    tables = {
        "kpi.active_vehicles": frame("active_vehicles", rows),
        "kpi.driving": frame("driving", [{"date": MONDAY, "vehicles": vehicles}]).lazy(),
        "ops.freshness": pl.DataFrame({"source": ["fleet"], "checked_at": [at]}),
    }
    info = write_figures(folder, tables, version="core 7", provisional_days=2, published_at=at)
    point_to(lake, info)
    return info


def test_what_is_in_a_snapshot(lake: Lake) -> None:
    info = _publish(lake)
    last = MONDAY + timedelta(2)
    assert info == SnapshotInfo(snapshot_file(AT), AT, MONDAY, last, last - timedelta(1), "core 7", last)
    assert info.file == "snapshot-20260305T060708000009Z.duckdb"
    assert current(lake) == info
    snapshot = Snapshot.open(get_settings())
    assert snapshot.info == info
    with snapshot.cursor() as cursor:
        days = [row[0] for row in cursor.execute("select date from kpi.active_vehicles").fetchall()]
        assert days == sorted(days)
        assert cursor.execute("select version, published_at = $at from meta.snapshot", {"at": AT}).fetchone() == (
            "core 7",
            True,
        )
        contract = cursor.execute("select contract ->> 'numerator' from meta.metrics where name = 'trips'").fetchone()
        assert contract == ("sum(trips)",)
        assert cursor.execute("select source from ops.freshness").fetchall() == [("fleet",)]
        assert cursor.execute("select value from metric('weekly_active_vehicles')").fetchall() == [(40.0,)] * 3
        assert cursor.execute("select count(*) from metric_values where metric = 'trips'").fetchone() == (1,)
        value = evaluate(cursor, ["weekly_active_vehicles"], Slice(MONDAY, last)).one("weekly_active_vehicles")
        assert value.value == 40
    assert list(Path(lake.path(PUBLISHED)).glob("*.tmp*")) == []


def test_provisional_days() -> None:
    info = SnapshotInfo("f", AT, MONDAY, MONDAY, MONDAY, "v")
    assert info.is_provisional(MONDAY)
    assert not info.is_provisional(MONDAY - timedelta(1))
    assert not SnapshotInfo("f", AT, None, None, None, "v").is_provisional(MONDAY)


def test_data_end_with_the_newest_day_that_is_over(lake: Lake, tmp_path: Path) -> None:
    first = _publish(lake, datetime(2026, 3, 2, 9, tzinfo=UTC), days=1)
    assert (first.data_to, first.newest_day) == (MONDAY, MONDAY)
    with Snapshot.open(get_settings()).cursor() as cursor:
        assert cursor.execute("select data_to, newest_day from meta.snapshot").fetchone() == (MONDAY, MONDAY)
    info = _publish(lake, days=5)
    assert (info.data_to, info.provisional_from) == (date(2026, 3, 4), date(2026, 3, 3))
    assert info.newest_day == date(2026, 3, 6)


def _with(tmp_path: Path, shares: dict[int, float], days: int = 5, **how: Any) -> SnapshotInfo:
    """A snapshot of days from Monday on, published on the Thursday, with what is still expected of some of them."""
    rows = [{"date": MONDAY + timedelta(n), "vehicles": 9} for n in range(days)]
    expected = {MONDAY + timedelta(n): share for n, share in shares.items()}
    tables = {"kpi.driving": frame("driving", rows)}
    how |= {"version": "v", "provisional_days": 2, "published_at": AT, "expected": expected}
    return write_figures(tmp_path / "x.duckdb", tables, **how)


def test_days_are_provisional_by_what_is_still_expected(tmp_path: Path) -> None:
    tuesday, wednesday = MONDAY + timedelta(1), MONDAY + timedelta(2)
    info = _with(tmp_path, {-1: 0.5, 0: 0.0099, 1: 0.011, 2: 0.03, 3: 0.4})
    assert (info.provisional_from, info.data_to) == (tuesday, wednesday)
    assert info.expected == ((tuesday, 0.011), (wednesday, 0.03))
    assert [info.still_expected(MONDAY + timedelta(n)) for n in range(4)] == [0.0, 0.011, 0.03, None]
    assert SnapshotInfo.from_json(info.to_json()) == info
    with duckdb.connect(tmp_path / "x.duckdb", read_only=True) as con:
        assert con.execute("select provisional_from from meta.snapshot").fetchone() == (tuesday,)
    assert _with(tmp_path, {0: 0.0099, 1: 0.011, 2: 0.03}, provisional_pct=2).provisional_from == wednesday


def test_a_day_that_is_not_over_is_provisional_also_where_nothing_is_late(tmp_path: Path) -> None:
    info = _with(tmp_path, {0: 0.0, 1: 0.0, 2: 0.001})
    assert (info.provisional_from, info.expected) == (MONDAY + timedelta(3), ())
    assert _with(tmp_path, {0: 0.0, 1: 0.0, 2: 0.001}, days=3).provisional_from is None


def test_while_nothing_is_known_the_newest_days_are_provisional(tmp_path: Path) -> None:
    info = _with(tmp_path, {})
    assert (info.provisional_from, info.expected) == (MONDAY + timedelta(1), ())
    assert info.still_expected(MONDAY + timedelta(2)) is None
    older = json.loads(info.to_json())
    del older["expected"]
    assert SnapshotInfo.from_json(json.dumps(older)) == info, "of a snapshot that says nothing of it"


@pytest.mark.parametrize(("heard", "told"), [(-2, -2), (0, 0), (20, 0)])
def test_the_newest_event_is_not_in_the_future(tmp_path: Path, heard: int, told: int) -> None:
    newest = AT + timedelta(hours=heard)
    info = write_figures(
        tmp_path / "x.duckdb", {}, version="v", provisional_days=2, published_at=AT, newest_event_at=newest
    )
    assert info.newest_event_at == AT + timedelta(hours=told)
    assert SnapshotInfo.from_json(info.to_json()) == info


def test_no_data_and_no_tables_is_a_snapshot_too(tmp_path: Path) -> None:
    info = write_figures(tmp_path / "empty.duckdb", {}, version="v", provisional_days=2)
    assert (info.data_from, info.data_to, info.provisional_from) == (None, None, None)
    assert SnapshotInfo.from_json(info.to_json()) == info
    with duckdb.connect(tmp_path / "empty.duckdb", read_only=True) as con:
        assert con.execute("select count(*) from metric('trips')").fetchone() == (0,)


def test_relations_can_be_published(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.register("rows", frame("driving", [{"date": MONDAY, "trips": 3}]))
        write_figures(tmp_path / "x.duckdb", {"kpi.driving": con.table("rows")}, version="v", provisional_days=0)
    with duckdb.connect(tmp_path / "x.duckdb", read_only=True) as con:
        assert con.execute("select trips from kpi.driving").fetchall() == [(3,)]


def test_a_table_of_an_older_contract_is_refused(tmp_path: Path) -> None:
    old = frame("driving", []).drop("idle_s")
    with pytest.raises(LakeError, match=r"(?s)kpi.driving.*also idle_s.*sillage build"):
        write_figures(tmp_path / "x.duckdb", {"kpi.driving": old}, version="v", provisional_days=2)
    assert not (tmp_path / "x.duckdb").exists()


def test_nothing_published_says_what_to_do(lake: Lake) -> None:
    assert current(lake) is None
    with pytest.raises(SillageError, match=r"(?s)Nothing has been published yet.*sillage build.*sillage publish"):
        Snapshot.open(get_settings())


@pytest.mark.parametrize("text", ["", "{}", '{"layout": 1, "file": "x"}', '{"layout": 99}'])
def test_a_damaged_pointer_is_an_error_to_read(lake: Lake, text: str) -> None:
    lake.write_bytes(text.encode(), PUBLISHED, "current.json")
    with pytest.raises(LakeError, match=r"sillage publish|upgrade"):
        Snapshot.open(get_settings())
    info = _publish(lake)
    assert current(lake) == info


def test_a_missing_file_is_an_error_to_read(lake: Lake) -> None:
    info = _publish(lake)
    Path(lake.path(PUBLISHED, info.file)).unlink()
    with pytest.raises(LakeError, match="cannot be opened"):
        Snapshot.open(get_settings())


def test_following_a_newer_snapshot_leaves_running_cursors_alone(lake: Lake) -> None:
    first = _publish(lake)
    snapshot = Snapshot.open(get_settings())
    assert not snapshot.refresh()
    running = snapshot.cursor()
    running.execute("select date from kpi.active_vehicles")
    second = _publish(lake, AT + timedelta(hours=1), days=5)
    assert snapshot.refresh()
    assert not snapshot.refresh()
    assert snapshot.info == second
    Path(lake.path(PUBLISHED, first.file)).unlink()
    assert len(running.fetchall()) == 6
    assert running.execute("select count(*) from kpi.active_vehicles").fetchone() == (6,)
    with snapshot.cursor() as cursor:
        assert cursor.execute("select count(*) from kpi.active_vehicles").fetchone() == (10,)


def test_threads_share_a_snapshot_while_it_moves_on(lake: Lake) -> None:
    _publish(lake)
    snapshot = Snapshot.open(get_settings())
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                snapshot.refresh()
                with snapshot.cursor() as cursor:
                    value = evaluate(cursor, ["fleet_vehicles"], Slice(MONDAY, date(2026, 4, 1))).one("fleet_vehicles")
                    assert value.value in (100, 102, 104, 106)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 4):
        _publish(lake, AT + timedelta(hours=number), vehicles=50 + number)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    snapshot.refresh()
    assert snapshot.info.published_at == AT + timedelta(hours=3)


@pytest.mark.parametrize(
    "query",
    [
        "create table kpi.x as select 1",
        "delete from kpi.driving",
        "select * from read_csv('/etc/hostname')",
        "select * from glob('/*')",
        "copy kpi.driving to '/tmp/out.csv'",
        "attach '/tmp/other.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "set memory_limit = '1GB'",
    ],
)
def test_page_code_can_only_read_the_snapshot(lake: Lake, query: str) -> None:
    _publish(lake)
    with Snapshot.open(get_settings()).cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(query)


def test_a_remote_lake_is_read_from_a_cached_copy(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path taken on Azure, with the local file system in the place of the remote one."""
    monkeypatch.setattr(Lake, "is_local", False)
    monkeypatch.setattr(Lake, "write_bytes", lambda self, content, *parts: Path(self.path(*parts)).write_bytes(content))
    monkeypatch.setattr("lake.snapshot._REMOTE_CHECK_S", 0.0)
    object.__setattr__(lake, "filesystem", __import__("fsspec").filesystem("file"))
    first = _publish(lake)
    cache = tmp_path / "cache"
    snapshot = Snapshot(lake, cache, keep=1)
    second = _publish(lake, AT + timedelta(hours=1))
    running: Any = snapshot.cursor()
    assert snapshot.refresh()
    assert not snapshot.refresh()
    assert [p.name for p in cache.iterdir()] == [second.file]
    assert first.file != second.file
    assert running.execute("select count(*) from kpi.active_vehicles").fetchone() == (6,)


def test_of_two_publications_the_one_that_began_later_stays(tmp_path: Path) -> None:
    lake = Lake.open(get_settings(lake=str(tmp_path / "lake")))
    folder = tmp_path / "lake" / "published"
    folder.mkdir()
    began = [datetime(2026, 3, 15, hour, tzinfo=UTC) for hour in (6, 7)]
    older, newer = (write_figures(folder, {}, version="1", provisional_days=0, published_at=at) for at in began)
    point_to(lake, newer)
    point_to(lake, older)
    assert current(lake) == newer
