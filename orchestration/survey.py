"""What the logs of the tables say, each opened once and taken as of that moment: versions, rows and changes of days."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from deltalake import DeltaTable
from numpy.typing import NDArray

from lake.commits import files_of
from lake.patience import patiently
from lake.storage import Lake
from lake.tables import Table, open_table
from metrics.specs import table_specs

#: Statements about vehicles, made by back offices: they may speak of any day, past or future.
REGISTRIES = ("raw.vehicles", "raw.subscriptions", "raw.consents")

#: Arrivals further behind the events than any clock is ahead are no arrivals: an archive may date its files 1980.
_CLOCKS_AHEAD = timedelta(days=7)

#: Longest silence of all vehicles that a registry, exported later, is taken to reach back over.
_NEAR = timedelta(days=28)

#: Logs that are opened at the same time.
_OPENED_AT_ONCE = 8


@dataclass(frozen=True)
class Extent:
    """How large a table is in one version.

    Attributes:
        rows: rows of its files.
        files: files that make it up.
        bytes: their size.
        version: the version.
    """

    rows: int
    files: int
    bytes: int
    version: int


class Survey:
    """A look at a lake. What is looked up is kept until it is told that a table has changed.

    A log is opened once, and what was added to it meanwhile is read where news is asked for: on a storage far away
    that is one request in the place of two for each commit.

    Several threads may share one, as long as none asks for a table that another is writing.
    """

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._handles: dict[str, DeltaTable | None] = {}
        #: Tables that have moved on since they were looked at.
        self._behind: set[str] = set()
        #: How each handle gets in: with the machine's identity, by a token that is renewed every hour.
        self._access: dict[str, dict[str, str]] = {}
        self._rows: dict[str, dict[date, int]] = {}
        self._sums: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def table(self, name: str) -> Table:
        """A table by its name, KPIs included."""
        return Table(self.lake, table_specs()[name])

    def open(self, names: Iterable[str]) -> None:
        """Open tables, all of them at nearly the same moment."""
        with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
            list(pool.map(self.handle, names))

    def handle(self, name: str) -> DeltaTable | None:
        """A table as of the moment at which it was first asked for, ``None`` where nothing was written by then."""
        if name in self._behind or name not in self._handles:
            self._handles[name] = self._brought_up_to_date(name)
            self._behind.discard(name)
        return self._handles[name]

    def newest(self, name: str) -> DeltaTable | None:
        """A table as of now. From here on all that is said of it is of this moment."""
        self._forget(name)
        return self.handle(name)

    def rows(self, name: str, first: date | None = None, last: date | None = None) -> pl.LazyFrame:
        """Days of a table as of that moment; see ``Table.scan``."""
        table, handle = self.table(name), self.handle(name)
        return table.empty() if handle is None else table.scan(first, last, handle=handle)

    def _brought_up_to_date(self, name: str) -> DeltaTable | None:
        known, access = self._handles.get(name), self.lake.object_store_options
        if known is None or access != self._access[name]:
            self._access[name] = access
            return self.table(name).now()
        patiently(known.update_incremental)
        return known

    def _forget(self, name: str) -> None:
        self._behind.add(name)
        self._rows.pop(name, None)
        self._sums.pop(name, None)

    def version(self, name: str) -> int:
        """Newest version of a table, -1 where nothing was written yet."""
        handle = self.handle(name)
        return -1 if handle is None else int(handle.version())

    def extent(self, name: str) -> Extent | None:
        """How large a table is, from its log; ``None`` where nothing was written."""
        handle = self.handle(name)
        if handle is None:
            return None
        files = files_of(handle)
        if files.is_empty():
            return Extent(0, 0, 0, int(handle.version()))
        rows, size = int(files["num_records"].sum()), int(files["size_bytes"].sum())
        return Extent(rows, files.height, size, int(handle.version()))

    def rows_by_day(self, name: str) -> Mapping[date, int]:
        """Rows of each day of a table."""
        if name not in self._rows:
            handle = self.handle(name)
            self._rows[name] = {} if handle is None else self.table(name).rows_by_day(handle)
        return self._rows[name]

    def changed_days(self, name: str, since: int) -> Mapping[date, int]:
        """Days of a table whose data changed after version ``since``, each with the last version that changed it."""
        handle = self.handle(name)
        return {} if handle is None else self.table(name).changed_days(since, handle)

    def rows_between(self, name: str, first: date | None, last: date | None) -> int:
        """Rows of the days from ``first`` to ``last``, both included; without an end where ``None``."""
        if name not in self._sums:
            counts = sorted(self.rows_by_day(name).items())
            days = np.array([day.toordinal() for day, _ in counts], dtype=np.int64)
            self._sums[name] = days, np.cumsum([0, *(rows for _, rows in counts)])
        days, sums = self._sums[name]
        low = 0 if first is None else int(np.searchsorted(days, first.toordinal()))
        high = len(days) if last is None else int(np.searchsorted(days, last.toordinal(), side="right"))
        return int(sums[high] - sums[low])

    @cached_property
    def runs(self) -> pl.DataFrame:
        """Of each table, input and day the newest version of the input that was computed; see ``ops.runs``.

        With ``rows`` and ``finished_at`` of the last time that this was written down.
        """
        return newest_runs(self.rows("ops.runs")).collect()

    def days_as_recorded(self, name: str) -> set[date]:
        """Days of a computed table that are as they were when it was last written down that they were computed.

        A run that was killed between the two leaves days that are not.
        """
        runs = self.runs.filter(pl.col("table") == name).drop_nulls("date").sort("finished_at")
        last = runs.group_by("date").agg(pl.col("rows", "finished_at").last())
        handle, there = self.handle(name), self.rows_by_day(name)
        written = {} if handle is None else self.table(name).written_by_day(handle)
        return {
            day
            for day, rows, at in last.iter_rows()
            if rows == there.get(day, 0) and (day not in written or written[day] <= at)
        }

    def told_from(self, name: str) -> Mapping[date, date]:
        """The days of a registry of vehicles on which it first speaks of one delivered before, each with the earliest.

        They reach back as far as the fleet was heard: what lies behind a silence of more than ``_NEAR`` is of another
        time, and a day with less than a thousandth of the rows of the fullest is one of wrong clocks.
        """
        rows: Counter[date] = Counter()
        for table in self._heard():
            rows.update(self.rows_by_day(table))
        least = max(rows.values(), default=0) / 1000
        heard = sorted(day for day, count in rows.items() if count >= least)
        found = {}
        for day, delivered in _first_told(_Moment(self.table(name), self.version(name), self.handle(name))).items():
            since = day
            for earlier in reversed(heard[: bisect_left(heard, day)]):
                if since - earlier > _NEAR:
                    break
                since = earlier
            if since < day:
                found[day] = max(since, delivered)
        return found

    def _heard(self) -> list[str]:
        return [name for name, spec in table_specs().items() if spec.layer == "raw" and name not in REGISTRIES]

    @cached_property
    def horizon(self) -> date:
        """The newest day that a table can have: the newest on which a vehicle was heard of, and that has begun.

        Some vehicle's clock is ahead: what it says of a day on which nothing has arrived yet waits for that day. Where
        no vehicle was heard of, it is the newest day of which a registry speaks.
        """
        for names in (self._heard(), REGISTRIES):
            days = [day for name in names for day in self.rows_by_day(name)]
            if days:
                return self._begun(max(days))
        return date.min

    def _begun(self, newest: date) -> date:
        """The day of the newest arrival where it is before ``newest``, unless it is so early that it means nothing."""
        batches = open_table(self.lake, "ops.batches").scan()
        arrival: datetime | None = batches.select(pl.col("newest_received_at").max()).collect().item()
        if arrival is None or arrival.date() <= newest - _CLOCKS_AHEAD:
            return newest
        return min(newest, arrival.date())

    def changed(self, name: str) -> None:
        """A table was written: what is known of it is to be looked up again."""
        self._forget(name)

    def recorded(self) -> None:
        """Something was written down in ``ops.runs``, which is to be read again."""
        self._forget("ops.runs")
        self.__dict__.pop("runs", None)


@dataclass(frozen=True)
class _Moment:
    """A version of a table, and the handle that reads it."""

    table: Table
    version: int
    handle: DeltaTable | None = field(compare=False)


@lru_cache(maxsize=8)
def _first_told(registry: _Moment) -> dict[date, date]:
    """Of each day on which a registry first speaks of vehicles that had been delivered: their earliest delivery."""
    if registry.handle is None:
        return {}
    told = registry.table.scan(handle=registry.handle)
    first = told.group_by("vehicle_id").agg(pl.col("event_date").min(), pl.col("delivered_on").min())
    late = first.filter(pl.col("delivered_on") < pl.col("event_date"))
    return dict(late.group_by("event_date").agg(pl.col("delivered_on").min()).collect().iter_rows())


def newest_runs(runs: pl.LazyFrame) -> pl.LazyFrame:
    """Of rows of ``ops.runs`` one per table, input and day: the newest version, and the rows that were counted last."""
    newest = [
        pl.col("input_version").max(),
        pl.col("rows").sort_by("finished_at").last(),
        pl.col("finished_at").max(),
    ]
    return runs.group_by("table", "input", "date").agg(newest)
