"""The dashboard's one way to figures: the published snapshot, read through the metric contract, with a small memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import duckdb

import metrics
from dashboard.filters import DIMENSIONS, Catalogue, View
from dashboard.names import value_name
from lake.snapshot import NothingPublishedError, Snapshot, SnapshotInfo
from metrics import Contracts, Evaluation, Metric, MetricValue, dimension_values, evaluate_all, load_contracts

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
class Question:
    """What a page asks of a view: metrics, split by dimensions and ``date``, with or without its comparison."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    compare: bool = False


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

    def metric(self, name: str) -> Metric:
        """The contract of a metric."""
        return self.contracts.metric(name)

    def answer(self, view: View, question: Question) -> Evaluation:
        """The answer to one question on the view's slice, remembered per snapshot.

        Args:
            view: period, filters and comparison.
            question: what is asked.
        """
        return self.answers(view, question)[0]

    def answers(self, view: View, *questions: Question) -> list[Evaluation]:
        """The answers to several questions; those not yet known are worked out with one query per KPI table."""
        found = {question: self._memory.get(self._key(view, question)) for question in questions}
        if unknown := [question for question, known in found.items() if known is None]:
            found |= zip(unknown, self._work_out(view, unknown), strict=True)
        return [known for known in map(found.get, questions) if known is not None]

    def _key(self, view: View, question: Question) -> _Key:
        against = view.compare if question.compare else "none"
        return (self.info.file, question.metrics, question.by, view.first, view.last, view.chosen, against)

    def _work_out(self, view: View, questions: Sequence[Question]) -> list[Evaluation]:
        slice_, against = view.slice, view.comparison
        asked = [metrics.Question(q.metrics, slice_, q.by, against if q.compare else None) for q in questions]
        found = evaluate_all(self._cursor, asked, as_of=self.info.data_to, contracts=self.contracts)
        whole = [replace(one, values=tuple(map(self._without_partial_windows, one))) for one in found]
        for question, evaluation in zip(questions, whole, strict=True):
            self._memory.put(self._key(view, question), evaluation)
        return whole

    def _without_partial_windows(self, value: MetricValue) -> MetricValue:
        """Without the value before where that looks back to days before the first: it would be of a shorter window."""
        before, contract = value.previous, self.contracts.metric(value.metric)
        if before is None or before.as_of is None or self.catalogue is None:
            return value
        counted = 1 if contract.over_time == "last" else before.days
        needed = before.as_of - timedelta(days=counted - 1 + contract.window_days - 1)
        if contract.window_days == 1 or needed >= self.catalogue.first:
            return value
        return replace(value, previous=replace(before, value=None, low=None, high=None))


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
        return Catalogue(info.data_from, info.data_to, labels, named, info.newest_day)
