"""Read, append, replace a part of, and follow the log of a Delta table.

What a table means is not known here; what it looks like comes from its ``TableSpec``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lake.commits import ConcurrentWriteError, commit_addition, commit_replacement, files_of, is_in
from lake.distinct import sorted_by
from lake.errors import LakeError
from lake.files import write_file
from lake.patience import patiently
from lake.places import Place
from lake.scanning import scan
from lake.schemas import TABLES, TableSpec
from lake.storage import Lake

_ARRIVAL = ("batch", "record")
_ATTEMPTS = 5


@dataclass(frozen=True)
class AppTransaction:
    """A Delta application transaction: what exactly-once hangs on.

    Attributes:
        app: who writes, as ``source/table``.
        number: the batch. A table takes each number once, and only in rising order.
    """

    app: str
    number: int


def open_table(lake: Lake, name: str) -> Table:
    """A table of the registry by its name, as ``core.trips``."""
    return Table(lake, TABLES[name])


@dataclass(frozen=True)
class Table:
    """One Delta table of a lake."""

    lake: Lake
    spec: TableSpec

    @property
    def place(self) -> Place:
        """The table's folder."""
        return self.lake.table_place(self.spec.name)

    @property
    def uri(self) -> str:
        """The table's folder, as people write it."""
        return self.place.plain

    def exists(self) -> bool:
        """Something was written to it."""
        return patiently(
            lambda: bool(DeltaTable.is_deltatable(self.place.url, storage_options=self.lake.object_store_options))
        )

    def now(self) -> DeltaTable | None:
        """A handle for reading the newest version, or ``None`` where nothing was written yet."""
        try:
            return self._at()
        except TableNotFoundError:
            return None

    def handle(self) -> DeltaTable:
        """A handle for writing. The table is made first if it is not there, and gains the columns it lacks."""
        return patiently(self._made)

    def _made(self) -> DeltaTable:
        handle = self.now()
        if handle is None:
            # Where another writer makes it at the same moment, its table is as good; to try again would make it anew.
            with suppress(CommitFailedError):
                DeltaTable.create(
                    self.place.url,
                    schema=self._empty().to_arrow().schema,
                    mode="ignore",
                    partition_by=list(self.spec.partition_by),
                    name=self.spec.name,
                    description=self.spec.description,
                    commit_properties=CommitProperties(max_commit_retries=0),
                    storage_options=self.lake.object_store_options,
                )
            handle = self._at()
        wanted = Schema.from_arrow(self._empty().to_arrow().schema).fields
        known = {column.name for column in handle.schema().fields}
        missing = [column for column in wanted if column.name not in known]
        if missing:
            try:
                handle.alter.add_columns(missing)
            except CommitFailedError:
                return self._made()  # another writer added them, or wrote something
        return handle

    def _at(self, version: int | None = None) -> DeltaTable:
        """A handle for reading."""
        options = self.lake.object_store_options
        return patiently(lambda: DeltaTable(self.place.url, version=version, storage_options=options))

    def version(self) -> int:
        """Newest version, -1 where nothing was written yet."""
        handle = self.now()
        return -1 if handle is None else int(handle.version())

    def scan(
        self,
        first: date | None = None,
        last: date | None = None,
        *,
        version: int | None = None,
        handle: DeltaTable | None = None,
        where: pl.Expr | None = None,
    ) -> pl.LazyFrame:
        """The rows of the days ``first`` to ``last``, both included; an empty frame where nothing was written.

        They are those of a version, of a handle, or of now. Columns of the contract that no file has yet are there,
        null.
        """
        if handle is None:
            handle = self.now() if version is None else self._at(version)
        if handle is None:
            return self.empty()
        day = self.spec.day_column
        within = []
        if first is not None and day:
            within.append(pl.col(day) >= first)
        if last is not None and day:
            within.append(pl.col(day) <= last)
        frame = scan(self.place, handle, self.lake.polars_options, within)
        known, wanted = frame.collect_schema(), self._empty().schema
        if missing := [pl.lit(None, dtype).alias(name) for name, dtype in wanted.items() if name not in known]:
            frame = frame.with_columns(missing)
        for condition in (*within, *([] if where is None else [where])):
            frame = frame.filter(condition)
        return frame

    def empty(self) -> pl.LazyFrame:
        """No rows, as of a table that nothing was written to."""
        return self._empty().lazy()

    def rows_by_day(self, handle: DeltaTable | None = None) -> dict[date, int]:
        """Rows of each day, from the log alone; as of a handle, or now."""
        day = self.spec.day_column
        handle = handle or self.now()
        if day is None or handle is None:
            return {}
        actions = files_of(handle)
        if actions.is_empty():
            return {}
        sums = actions.group_by(f"partition.{day}").agg(pl.col("num_records").sum()).sort(f"partition.{day}")
        return {_as_date(key): int(rows) for key, rows in sums.iter_rows()}

    def written_by_day(self, handle: DeltaTable | None = None) -> dict[date, datetime]:
        """When the newest file of each day was written, from the log alone; as of a handle, or now."""
        day = self.spec.day_column
        handle = handle or self.now()
        if day is None or handle is None:
            return {}
        actions = files_of(handle)
        if actions.is_empty():
            return {}
        written = pl.from_epoch("modification_time", time_unit="ms").dt.replace_time_zone("UTC").max()
        newest = actions.group_by(f"partition.{day}").agg(written)
        return {_as_date(key): at for key, at in newest.iter_rows()}

    def append(self, frame: pl.DataFrame, *, txn: AppTransaction | None = None) -> None:
        """Append rows in one commit. With ``txn`` a second append of the same number does nothing."""
        writer = Appender(self, txn)
        if not writer.done:
            writer.add(frame)
        writer.commit()

    def replace(
        self, frame: pl.DataFrame, column: str, values: Collection[Any], *, handle: DeltaTable | None = None
    ) -> None:
        """Put ``frame`` in the place of all rows whose partition ``column`` is one of ``values``, in one commit.

        Args:
            frame: the new rows, all of them within ``values``.
            column: a partition column.
            values: days or numbers.
            handle: taken before the inputs of ``frame`` were read; then nobody's newer result is overwritten.

        Raises:
            ConcurrentWriteError: another writer changed the same part since ``handle`` was taken.
        """
        literals = ", ".join(f"'{v}'" if isinstance(v, date) else str(v) for v in sorted(values))
        rows = self._conform(frame).sort([*self.spec.partition_by, *self.spec.sort_by])
        stray = rows.filter(~pl.col(column).is_in(list(values)))
        if stray.height:
            raise LakeError(
                f"Rows for {self.spec.name} lie outside the part that is replaced",
                found=f"{stray.height} rows, the first with {column} = {stray[0, column]}",
                expected=f"{column} in ({literals})",
            )
        wanted = {str(value) for value in values}
        self._put(handle or self.handle(), rows, lambda partition: partition[column] in wanted)

    def replace_days(self, frame: pl.DataFrame, days: Collection[date], *, handle: DeltaTable | None = None) -> None:
        """Put ``frame`` in the place of all rows of ``days``; see ``replace``."""
        self.replace(frame, self.spec.day_column or "date", days, handle=handle)

    def differing_days(self, frame: pl.DataFrame, days: Collection[date], *, handle: DeltaTable) -> list[date]:
        """Those of ``days`` whose rows in ``frame`` are not, to the last bit, the rows that the table has.

        Args:
            frame: rows of the table.
            days: days to look at; what ``frame`` has of others does not count.
            handle: as of which version.
        """
        day = self.spec.day_column or "date"
        order = [*self.spec.partition_by, *self.spec.sort_by]
        found = self._conform(frame).sort(order).partition_by(day, as_dict=True)
        committed = self.rows_by_day(handle)
        counts = {value: len(found[(value,)]) if (value,) in found else 0 for value in days}
        alike = [value for value, rows in counts.items() if rows and rows == committed.get(value, 0)]
        differing = {value for value, rows in counts.items() if rows != committed.get(value, 0)}
        if alike:
            there = self.scan(min(alike), max(alike), handle=handle, where=pl.col(day).is_in(alike))
            parts = there.collect().select(self._empty().columns).sort(order).partition_by(day, as_dict=True)
            differing |= {value for value in alike if not parts[(value,)].equals(found[(value,)])}
        return sorted(differing)

    def replace_all(self, frame: pl.DataFrame) -> None:
        """Put ``frame`` in the place of everything; for small tables that are worked out anew each time."""
        rows = self._conform(frame).sort([*self.spec.partition_by, *self.spec.sort_by])
        for attempt in range(_ATTEMPTS):
            try:
                self._put(self.handle(), rows, lambda _: True)
                return
            except ConcurrentWriteError:  # of two that were worked out at the same moment the later stays
                if attempt == _ATTEMPTS - 1:
                    raise

    def _put(self, handle: DeltaTable, rows: pl.DataFrame, concerns: Callable[[Mapping[str, Any]], bool]) -> None:
        """Put sorted rows in the place of the files whose partition values are of concern, in one commit."""
        keys = list(self.spec.partition_by)
        now = int(datetime.now(UTC).timestamp() * 1000)
        removes = [
            RemoveAction(file["path"], True, now, file["size_bytes"], {**partition})
            for file in files_of(handle).iter_rows(named=True)
            if concerns(partition := {key: str(file[f"partition.{key}"]) for key in keys})
        ]
        adds = [
            write_file(self.lake, self.place, dict(zip(keys, map(str, values), strict=True)), part)
            for values, part in _partitions(rows, keys).items()
            if part.height
        ]
        if adds or removes:
            commit_replacement(self.lake, self.spec.name, handle, [*adds, *removes], keys, concerns)

    def changed_days(self, since: int, handle: DeltaTable | None = None) -> dict[date, int]:
        """Days whose data changed after version ``since``, each with the last version that changed it.

        Commits that change no data (compaction) do not count. Where the log no longer reaches back to ``since``,
        every day counts as changed in the newest version. The newest is that of a handle, or of now.
        """
        day = self.spec.day_column
        handle = handle or self.now()
        if day is None or handle is None:
            return {}
        newest = int(handle.version())
        changed: dict[date, int] = {}
        for version in range(since + 1, newest + 1):
            log = self.lake.read_bytes(*self.spec.name.split("."), "_delta_log", f"{version:020}.json")
            if log is None:
                return dict.fromkeys(self.rows_by_day(handle), newest)
            for action in map(json.loads, log.splitlines()):
                file = action.get("add") or action.get("remove")
                if file and file.get("dataChange", True) and file.get("partitionValues"):
                    changed[date.fromisoformat(file["partitionValues"][day])] = version
        return changed

    def has(self, txn: AppTransaction) -> bool:
        """The application transaction was committed."""
        handle = self.now()
        return handle is not None and is_in(handle, Transaction(txn.app, txn.number))

    def _empty(self) -> pl.DataFrame:
        return _no_rows(self.spec.schema)

    def _conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Columns in the order and types of the contract; those of it that ``frame`` lacks are null."""
        schema = self._empty().schema
        stray = [c for c in frame.columns if c not in schema]
        if stray:
            raise LakeError(f"Columns that {self.spec.name} does not have", found=", ".join(stray))
        return frame.select(
            (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        )


class Appender:
    """One append to a table, written in parts and committed as one.

    Each part is sorted and written as Parquet files of its own right away, so memory is that of one part. Until
    ``commit`` no reader sees any of it; files of an append that never gets there are swept later (``lake.compaction``).
    """

    def __init__(self, table: Table, txn: AppTransaction | None = None) -> None:
        self.table, self.txn = table, txn
        self._actions: list[AddAction | RemoveAction] = []
        #: The transaction is in already: nothing is to be written.
        self.done = txn is not None and table.has(txn)

    def add(self, frame: pl.DataFrame) -> None:
        """Write one part. Columns that are null throughout are left out of its files."""
        spec = self.table.spec
        keys = list(spec.partition_by)
        order = [c for c in spec.sort_by if c in frame.columns and c not in _ARRIVAL]
        for values, part in _partitions(frame, keys).items():
            if part.height:
                # Rows come in the order of arrival, which a stable sort keeps among equals.
                rows = sorted_by(part, order)
                partition = dict(zip(keys, map(str, values), strict=True))
                self._actions.append(write_file(self.table.lake, self.table.place, partition, rows))

    def commit(self) -> None:
        """Make all parts visible at once. Nothing to commit, or a transaction that is already in, is no error."""
        if self.done or (not self._actions and self.txn is None):
            return
        transaction = Transaction(self.txn.app, self.txn.number) if self.txn else None
        # A handle anew: since the first part the access to the storage may have run out.
        commit_addition(self.table.handle, self._actions, self.table.spec.partition_by, transaction)
        self.done = True


@cache
def _no_rows(schema: type[dy.Schema]) -> pl.DataFrame:
    return schema.create_empty()


def _partitions(frame: pl.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], pl.DataFrame]:
    """The rows by the values of some columns, and without these; nothing is copied where all are alike."""
    if not keys or (frame.height and all((frame[key] == frame[0, key]).all() for key in keys)):
        return {tuple(frame[0, key] for key in keys): frame.drop(keys)}
    return frame.partition_by(keys, as_dict=True, include_key=False)


def _as_date(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def days_between(first: date, last: date) -> Iterable[date]:
    """The days from ``first`` to ``last``, both included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def bucket_of(buckets: int) -> pl.Expr:
    """The bucket of a vehicle: its id, which is a hash already, modulo the lake's number of buckets."""
    if buckets == 1:
        return pl.lit(0, pl.Int32)
    return (pl.col("vehicle_id").str.slice(0, 7).str.to_integer(base=16) % buckets).cast(pl.Int32)
