"""What a batch brings, table by table: gathered into parts, written while more is read, committed at the end."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from types import TracebackType

import polars as pl

from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Appender, AppTransaction, bucket_of, open_table

#: Rows that wait to be written take about this much memory at most, whatever they hold.
_PART_BYTES = 512 << 20
#: At the end, when nothing is decoded any more.
_TABLES_AT_ONCE = 4


class Parts:
    """The appends of one batch. A context: on leaving it, nothing is being written any more.

    Args:
        lake: where to.
        settings: size of a part.
        source: name of the feed.
        batch: number of the batch.
        planned_on: day on which it was planned; rejects are kept by it.
    """

    def __init__(self, lake: Lake, settings: Settings, source: str, batch: int, planned_on: date) -> None:
        self._lake, self._settings = lake, settings
        self._source, self._batch, self._planned_on = source, batch, planned_on
        self._appenders: dict[str, Appender] = {}
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._waiting_rows: Counter[str] = Counter()
        self._waiting_bytes: Counter[str] = Counter()
        self._written: Future[None] | None = None

    def __enter__(self) -> Parts:
        self._writer = ThreadPoolExecutor(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.shutdown()

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Rows for a table; with enough of them a part is written."""
        self._waiting.setdefault(name, []).append(rows)
        self._waiting_rows[name] += rows.height
        self._waiting_bytes[name] += int(rows.estimated_size())
        if self._waiting_rows[name] >= self._settings.part_rows or self._waiting_bytes[name] >= _PART_BYTES:
            self._flush(name)

    def commit(self) -> None:
        """Write what waits, then make each table's rows visible at once. Tables go side by side."""
        self._await_writer()
        with ThreadPoolExecutor(_TABLES_AT_ONCE) as pool:
            list(pool.map(self._write, self._waiting, self._waiting.values()))
            list(pool.map(Appender.commit, self._appenders.values()))

    def _flush(self, name: str) -> None:
        """Have what waits for a table written as one part, when the part before is there."""
        waiting = self._waiting.pop(name)
        self._waiting_rows[name] = self._waiting_bytes[name] = 0
        self._await_writer()
        self._written = self._writer.submit(self._write, name, waiting)

    def _await_writer(self) -> None:
        """Until the part that is being written is there; its failure is raised here."""
        if self._written is not None:
            self._written.result()
            self._written = None

    def _write(self, name: str, waiting: list[pl.DataFrame]) -> None:
        if name not in self._appenders:
            self._appenders[name] = Appender(open_table(self._lake, name), self._txn(name))
        if self._appenders[name].done:
            return
        rows = pl.concat(waiting, how="diagonal_relaxed").with_columns(
            pl.lit(self._source).alias("source"), pl.lit(self._batch, pl.Int64).alias("batch")
        )
        if name == "ops.rejects":
            rows = rows.with_columns(pl.lit(self._planned_on).alias("date"))
        else:
            rows = rows.with_columns(pl.col("event_at").dt.date().alias("event_date"))
        if name == "raw.telemetry":
            rows = rows.with_columns(bucket_of(self._lake.buckets).alias("bucket"))
        self._appenders[name].add(rows)

    def _txn(self, table: str) -> AppTransaction:
        return AppTransaction(f"{self._source}/{table}", self._batch)
