"""The dashboard's one way to figures: the published snapshot, read through the metric contract, with a small memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from dashboard.filters import DIMENSIONS, Catalogue, View
from dashboard.names import value_name
from lake.metrics import Contracts, Evaluation, MetricContract, dimension_values, evaluate, load_contracts
from lake.snapshot import NothingPublishedError, Snapshot, SnapshotInfo

_REMEMBERED = 256
_Key = tuple[object, ...]


class _Memory:
    """The newest evaluations, by snapshot and question."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, Evaluation] = OrderedDict()

    def get(self, key: _Key) -> Evaluation | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: _Key, value: Evaluation) -> None:
        with self._lock:
            self._entries[key] = value
            while len(self._entries) > _REMEMBERED:
                self._entries.popitem(last=False)


@dataclass(frozen=True)
class Reading:
    """One request's sight of one snapshot.

    Attributes:
        info: which snapshot.
        catalogue: what can be chosen; ``None`` if the snapshot holds no day.
        contracts: the metric contracts.
    """

    info: SnapshotInfo
    catalogue: Catalogue | None
    contracts: Contracts
    _cursor: duckdb.DuckDBPyConnection
    _memory: _Memory

    def metric(self, name: str) -> MetricContract:
        """The contract of a metric."""
        return self.contracts.metric(name)

    def evaluate(
        self, metrics: Sequence[str], view: View, *, by: tuple[str, ...] = (), compare: bool = False
    ) -> Evaluation:
        """``lake.metrics.evaluate`` on the view's slice, remembered per snapshot.

        Args:
            metrics: names.
            view: period, filters and comparison.
            by: dimensions, ``date``.
            compare: fill ``previous`` from the view's comparison.
        """
        against = view.compare if compare else "none"
        key = (self.info.file, tuple(metrics), view.first, view.last, view.chosen, by, against)
        known = self._memory.get(key)
        if known is None:
            comparison = view.comparison if compare else None
            known = evaluate(
                self._cursor, metrics, view.slice, by=by, compare=comparison, contracts=self.contracts
            )  # fmt: skip
            self._memory.put(key, known)
        return known


class Published:
    """Follows the published snapshot of a lake.

    Args:
        open_snapshot: opens the lake's current snapshot; raises ``NothingPublishedError`` while there is none.
        contracts: the metric contracts; the shipped ones unless given.
    """

    def __init__(self, open_snapshot: Callable[[], Snapshot], contracts: Contracts | None = None) -> None:
        self._open = open_snapshot
        self._contracts = contracts or load_contracts()
        self._lock = threading.Lock()
        self._memory = _Memory()
        self._snapshot: Snapshot | None = None
        self._catalogue: tuple[str, Catalogue | None] | None = None

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """The current snapshot for the length of one request.

        Raises:
            NothingPublishedError: nothing has been published yet.
            LakeError: the lake or the snapshot cannot be read.
        """
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self._open()
            else:
                self._snapshot.refresh()
            info, cursor = self._snapshot.info, self._snapshot.cursor()
        with cursor:
            yield Reading(info, self._catalogue_of(info, cursor), self._contracts, cursor, self._memory)

    def info(self) -> SnapshotInfo | None:
        """The current snapshot, or ``None`` while nothing has been published."""
        try:
            with self.reading() as reading:
                return reading.info
        except NothingPublishedError:
            return None

    def _catalogue_of(self, info: SnapshotInfo, cursor: duckdb.DuckDBPyConnection) -> Catalogue | None:
        known = self._catalogue
        if known is None or known[0] != info.file:
            known = (info.file, self._read_catalogue(info, cursor))
            self._catalogue = known
        return known[1]

    def _read_catalogue(self, info: SnapshotInfo, cursor: duckdb.DuckDBPyConnection) -> Catalogue | None:
        if info.data_from is None or info.data_to is None:
            return None
        labels = {name: self._contracts.dimension(name).label for name in DIMENSIONS}
        values = {name: dimension_values(cursor, name, contracts=self._contracts) for name in DIMENSIONS}
        named = {
            name: tuple(sorted(found, key=lambda value: (value == "unknown", value_name(name, value))))
            for name, found in values.items()
        }
        return Catalogue(info.data_from, info.data_to, labels, named)
