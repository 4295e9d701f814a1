"""The published snapshot: one immutable DuckDB file with all that the dashboard reads, and how readers follow it.

A lake's folder ``published`` holds the files and ``current.json``, which names the one to read. Reading the lake and
deciding when to publish is the orchestration's.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from lake.engine import open_duckdb
from lake.errors import LakeError, SillageError
from lake.patience import patiently
from lake.places import database_at
from lake.schemas import TableSpec
from lake.settings import Settings
from lake.storage import Lake

PUBLISHED = "published"
CURRENT = "current.json"
_LAYOUT = 1
_THREADS = 2
_REMOTE_CHECK_S = 15.0

Source = pl.DataFrame | pl.LazyFrame | duckdb.DuckDBPyRelation


class NothingPublishedError(SillageError):
    """There is no snapshot to read yet."""


@dataclass(frozen=True)
class SnapshotInfo:
    """What a snapshot is.

    Attributes:
        file: name of its file.
        published_at: when it was written, UTC.
        data_from: oldest day of any KPI; ``None`` if there is none.
        data_to: newest day of any KPI that was over when it was published, or the first there is; ``None`` if there is
            none.
        provisional_from: this day and later may still change with late data; ``None`` if no day may.
        version: which state of the lake it was made from.
        newest_day: newest day of any KPI, over or not; ``None`` if there is none.
        newest_event_at: newest event that has landed, UTC, and not later than ``published_at`` however far ahead a
            vehicle's clock is; ``None`` if that is not known.
        expected: provisional days up to ``data_to``, each with the share of its messages that is still to come, from 0
            to 1; empty where that is not known.
        protect: ``cells`` where its rows have keys and what is told of them has noise; else ``none``.
    """

    file: str
    published_at: datetime
    data_from: date | None
    data_to: date | None
    provisional_from: date | None
    version: str
    newest_day: date | None = None
    newest_event_at: datetime | None = None
    expected: tuple[tuple[date, float], ...] = ()
    protect: str = "none"

    def is_provisional(self, last: date) -> bool:
        """Whether a range that ends with this day holds days that may still change."""
        return self.provisional_from is not None and last >= self.provisional_from

    def still_expected(self, day: date) -> float | None:
        """Share of a day's messages that is still to come: 0 of one that is not provisional, ``None`` if unknown."""
        return dict(self.expected).get(day) if self.is_provisional(day) else 0.0

    def to_json(self) -> str:
        """As it stands in ``current.json``."""
        fields = {name: _text(value) for name, value in vars(self).items()}
        fields["expected"] = {day.isoformat(): share for day, share in self.expected}
        return json.dumps({"layout": _LAYOUT, **fields}, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> SnapshotInfo:
        """The reverse of ``to_json``.

        Raises:
            LakeError: this is not the description of a snapshot that this version reads.
        """
        try:
            fields = json.loads(text)
            if fields["layout"] > _LAYOUT:
                raise LakeError(
                    "The snapshot was published by a newer Sillage",
                    found=f"layout {fields['layout']}",
                    expected=f"{_LAYOUT} or older",
                    action="upgrade Sillage, or publish again with this one",
                )
            days = {k: _day(fields[k]) for k in ("data_from", "data_to", "provisional_from")}
            newest = fields.get("newest_event_at")
            return cls(
                fields["file"],
                datetime.fromisoformat(fields["published_at"]),
                **days,
                version=fields["version"],
                newest_day=_day(fields.get("newest_day")) or days["data_to"],
                newest_event_at=newest and datetime.fromisoformat(newest),
                expected=tuple((date.fromisoformat(day), share) for day, share in fields.get("expected", {}).items()),
                protect=fields.get("protect", "none"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise LakeError(
                f"{PUBLISHED}/{CURRENT} is damaged", found=f"{type(error).__name__}: {error}",
                action="publish again: sillage publish",
            ) from None  # fmt: skip


def snapshot_file(published_at: datetime) -> str:
    """Name of the file of a snapshot: ``snapshot-20260314T061502123456Z.duckdb``; names sort by time."""
    return f"snapshot-{published_at.astimezone(UTC):%Y%m%dT%H%M%S%f}Z.duckdb"


def published_at_of(file: str) -> datetime | None:
    """When the snapshot of a file was published; ``None`` where its name is none of ``snapshot_file``."""
    try:
        return datetime.strptime(file, "snapshot-%Y%m%dT%H%M%S%fZ.duckdb").replace(tzinfo=UTC)
    except ValueError:
        return None


def _no_statements(_data_to: date | None) -> Sequence[str]:
    return ()


def _as_they_are(_con: duckdb.DuckDBPyConnection) -> None:
    return None


def write_snapshot(
    path: Path,
    tables: Mapping[str, Source],
    *,
    version: str,
    provisional_days: int,
    published_at: datetime | None = None,
    newest_event_at: datetime | None = None,
    expected: Mapping[date, float] | None = None,
    provisional_pct: float = 1.0,
    protect: str = "none",
    kpis: Sequence[TableSpec] = (),
    prepare: Callable[[duckdb.DuckDBPyConnection], object] = _as_they_are,
    statements: Callable[[date | None], Sequence[str]] = _no_statements,
) -> SnapshotInfo:
    """Write a snapshot file; nobody sees it before ``point_to``.

    Args:
        path: file to write, or an existing folder in which ``snapshot_file`` names it. Written beside and renamed.
        tables: ``schema.table`` to its rows. KPI tables are sorted by day and dimensions; one that is missing is
            written empty. A relation must come from a connection that stays open.
        version: which state of the lake this is, in words.
        provisional_days: the newest days, up to this many, are provisional where ``expected`` says nothing.
        published_at: now, unless given.
        newest_event_at: newest event that has landed, if it is known.
        expected: share of each day's messages that is still to come, from 0 to 1; empty where that is not known.
        provisional_pct: a day of which more than this percentage is still to come is provisional, and so is all after.
        protect: whether ``prepare`` gives the rows keys, in the words of ``SnapshotInfo``.
        kpis: the KPI tables.
        prepare: what is done to the KPI tables once they are written.
        statements: what is defined over them, as ``metric(name)`` is, of the newest day that is over.

    Returns:
        What was written, with the days it covers.

    Raises:
        LakeError: a KPI table does not have the columns of its contract.
    """
    at = published_at or datetime.now(UTC)
    target = path / snapshot_file(at) if path.is_dir() else path
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".tmp")
    temporary.unlink(missing_ok=True)
    try:
        with database_at(temporary) as written, closing(open_duckdb(written)) as con:
            con.execute("set timezone = 'UTC'")
            con.execute("begin")  # each table by itself would wait for the disk
            for schema in ("kpi", "meta", "ops"):
                con.execute(f"create schema {schema}")
            _write_kpis(con, tables, kpis)
            prepare(con)
            for name, source in tables.items():
                if not name.startswith("kpi."):
                    _write_table(con, name, source, "")
            first, newest = _days(con, kpis)
            last = newest and first and min(newest, max(first, at.astimezone(UTC).date() - timedelta(1)))
            if expected:
                late = [day for day, share in expected.items() if 100 * share > provisional_pct]
                provisional = _provisional_from(late, first, last, newest)
            else:
                provisional = last - timedelta(provisional_days - 1) if last and provisional_days else None
            event = newest_event_at and min(newest_event_at, at)
            to_come = ((day, share) for day, share in sorted((expected or {}).items()))
            kept = tuple((d, s) for d, s in to_come if provisional and last and provisional <= d <= last)
            info = SnapshotInfo(target.name, at, first, last, provisional, version, newest, event, kept, protect)
            _write_meta(con, info)
            for statement in statements(last):
                con.execute(statement)
            con.execute("commit")
        temporary.replace(target)
    finally:
        for left in (temporary, temporary.with_name(f"{temporary.name}.wal")):  # of one that was not finished
            left.unlink(missing_ok=True)
    return info


def point_to(lake: Lake, info: SnapshotInfo) -> SnapshotInfo:
    """Make a snapshot, whose file already lies in the lake's ``published`` folder, the one that readers take.

    Unless one that began later is there already: of two publications at once, the newer counts.

    Returns:
        The one that readers take.
    """
    known = None
    with suppress(LakeError):  # what cannot be read is put in order by publishing
        known = current(lake)
    if known is not None and known.published_at > info.published_at:
        return known
    lake.write_bytes(info.to_json().encode(), PUBLISHED, CURRENT)
    return info


def current(lake: Lake) -> SnapshotInfo | None:
    """The snapshot that readers take, or ``None`` if nothing has been published."""
    content = lake.read_bytes(PUBLISHED, CURRENT)
    return None if content is None else SnapshotInfo.from_json(content)


class Snapshot:
    """A reader of the published snapshot that moves on to a newer one when ``refresh`` is called.

    Safe to share between threads: each request takes its own cursor, and a cursor keeps the snapshot it was taken from.
    """

    def __init__(self, lake: Lake, cache: Path, keep: int = 2) -> None:
        """Open the current snapshot of a lake.

        Args:
            lake: the lake.
            cache: folder for copies of the files of a lake that is not local.
            keep: copies that are kept there.

        Raises:
            NothingPublishedError: nothing has been published yet.
        """
        self._lake, self._cache, self._keep = lake, cache.resolve(), max(1, keep)
        self._lock = threading.Lock()
        self._checked, self._seen = time.monotonic(), self._stamp()
        self._info = self._wanted()
        self._con = _connect(self._local_file(self._info))

    @classmethod
    def open(cls, settings: Settings) -> Snapshot:
        """Open the current snapshot of the settings' lake.

        Raises:
            NothingPublishedError: nothing has been published yet.
            LakeError: there is no lake, or it cannot be reached.
        """
        return cls(Lake.open(settings, create=False), settings.cache, settings.keep_snapshots)

    @property
    def info(self) -> SnapshotInfo:
        """What is being read."""
        return self._info

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor for one request, to be closed by it: ``with snapshot.cursor() as cursor: ...``."""
        with self._lock:
            return self._con.cursor()

    def refresh(self) -> bool:
        """Move on to a newer snapshot if there is one. Cheap: a file's time, or on Azure one read every 15 s.

        Returns:
            Whether it moved.
        """
        if not self._lake.is_local and time.monotonic() - self._checked < _REMOTE_CHECK_S:
            return False
        with self._lock:
            stamp = self._stamp()
            if self._lake.is_local and stamp == self._seen:
                return False
            self._checked = time.monotonic()
            wanted = self._wanted()
            if wanted.file != self._info.file:
                self._con = _connect(self._local_file(wanted))  # cursors of the old one keep it alive
            moved = wanted != self._info
            self._info, self._seen = wanted, stamp
            return moved

    def close(self) -> None:
        """Close the snapshot; cursors that are still open stay usable."""
        self._con.close()

    def _stamp(self) -> tuple[int, int] | None:
        if not self._lake.is_local:
            return None
        try:
            status = Path(self._lake.path(PUBLISHED, CURRENT)).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino

    def _wanted(self) -> SnapshotInfo:
        info = current(self._lake)
        if info is None:
            raise NothingPublishedError(
                "Nothing has been published yet",
                found=f"no {PUBLISHED}/{CURRENT} in {self._lake.uri}",
                action="run `sillage build` and `sillage publish`, or `sillage demo` for a simulated fleet",
            )
        return info

    def _local_file(self, info: SnapshotInfo) -> Path:
        """The snapshot's file on this machine; fetched first if the lake is elsewhere."""
        remote = self._lake.path(PUBLISHED, info.file)
        if self._lake.is_local:
            return Path(remote)
        self._cache.mkdir(parents=True, exist_ok=True)
        target = self._cache / info.file
        if not target.exists():
            temporary = self._cache / f".{info.file}.{os.getpid()}-{threading.get_ident()}.tmp"
            try:
                patiently(lambda: self._lake.filesystem.get_file(remote, str(temporary)))
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
        for old in sorted(self._cache.glob("snapshot-*.duckdb"))[: -self._keep]:
            if old != target:
                old.unlink(missing_ok=True)
        return target


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a snapshot for reading only, with no way out of it.

    Raises:
        LakeError: the file is not there or is not a snapshot.
    """
    try:
        con = open_duckdb(path, read_only=True, config={"threads": _THREADS})
    except duckdb.Error as error:
        raise LakeError(
            "The published snapshot cannot be opened",
            found=f"{path.name}: {str(error).splitlines()[0]}",
            action="publish again: sillage publish",
        ) from error
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def _write_kpis(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Source], kpis: Sequence[TableSpec]) -> None:
    for spec in kpis:
        source = tables.get(spec.name)
        if source is None:
            source = spec.schema.create_empty()
        names = spec.schema.column_names()
        columns = ", ".join(f'"{name}"' for name in names)
        found = source.collect_schema().names() if isinstance(source, pl.LazyFrame) else source.columns
        if missing := [name for name in names if name not in found]:
            raise LakeError(
                f"{spec.name} does not have the columns of its contract",
                found=", ".join(found),
                expected="also " + ", ".join(missing),
                action="build it again: sillage build",
            )
        _write_table(con, spec.name, source, f"order by date, {columns}", columns)


def _days(con: duckdb.DuckDBPyConnection, kpis: Sequence[TableSpec]) -> tuple[date | None, date | None]:
    """Oldest and newest day of any KPI."""
    if not kpis:
        return None, None
    days = " union all ".join(f"select date from {spec.name}" for spec in kpis)
    first, newest = con.execute(f"select min(date), max(date) from ({days})").fetchall()[0]
    return first, newest


def _provisional_from(late: Sequence[date], first: date | None, last: date | None, newest: date | None) -> date | None:
    """The first day of which too much is still to come; a day that is not over always is one."""
    if first is None or last is None or newest is None:
        return None
    not_over = last + timedelta(1) if newest > last else None
    return min((day for day in late if first <= day <= last), default=not_over)


def _write_table(con: duckdb.DuckDBPyConnection, name: str, source: Source, order: str, columns: str = "*") -> None:
    schema, _, table = name.partition(".")
    con.execute(f'create schema if not exists "{schema}"')
    rows = source.to_arrow_reader() if isinstance(source, duckdb.DuckDBPyRelation) else source.lazy().collect()
    con.register("_rows", rows)
    con.execute(f'create table "{schema}"."{table}" as select {columns} from _rows {order}')
    con.unregister("_rows")


def _write_meta(con: duckdb.DuckDBPyConnection, info: SnapshotInfo) -> None:
    snapshot = pl.DataFrame(
        [{name: value for name, value in vars(info).items() if name != "expected"}],
        schema={
            "file": pl.String,
            "published_at": pl.Datetime("us", "UTC"),
            "data_from": pl.Date,
            "data_to": pl.Date,
            "provisional_from": pl.Date,
            "version": pl.String,
            "newest_day": pl.Date,
            "newest_event_at": pl.Datetime("us", "UTC"),
            "protect": pl.String,
        },
    )
    _write_table(con, "meta.snapshot", snapshot, "")


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
