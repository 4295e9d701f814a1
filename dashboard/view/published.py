"""The dashboard's one way to figures: the published snapshot, read through the metric contract, with a small memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import duckdb

import metrics
from dashboard.view.address import FILTERS, Catalogue, View
from dashboard.view.history import History, Lives, no_lake
from dashboard.view.names import in_order
from dashboard.view.reader import ENGLISH, Reader
from lake.errors import LakeError
from lake.snapshot import NothingPublishedError, Snapshot, SnapshotInfo
from metrics import Contracts, Evaluation, Metric, MetricValue, dimension_values, load_contracts
from metrics.languages import in_language
from metrics.miles import contracts_in_miles, in_miles

_REMEMBERED = 256
PERIODS = ("date", "week", "month")
_Key = tuple[object, ...]
Row = Mapping[str, Any]


class _Memory:
    """The newest evaluations, by snapshot and question, and the rows of the newest snapshot's own tables."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, Evaluation] = OrderedDict()
        self._tables: dict[tuple[str, str], Sequence[Row]] = {}

    def rows(self, file: str, table: str) -> Sequence[Row] | None:
        return self._tables.get((file, table))

    def keep_rows(self, file: str, table: str, rows: Sequence[Row]) -> None:
        with self._lock:
            others = {key: known for key, known in self._tables.items() if key[0] == file}
            self._tables = others | {(file, table): rows}

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
    """What a page asks of a view.

    Attributes:
        metrics: their names.
        by: dimensions, a unit of time and the axis of the metrics' kind that they are split by.
        compare: with the view's comparison.
        back: so many days before the period belong to it, as cohorts that have grown up in it. Not compared.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    compare: bool = False
    back: int = 0


@dataclass(frozen=True)
class Answers:
    """The answers to all questions of a page's cards, and what is known of the snapshot they come from.

    Attributes:
        info: which snapshot.
        contracts: the metric contracts, in the reader's language and units.
        history: the vehicle that the view is about; ``None`` where it is about none.
    """

    info: SnapshotInfo
    contracts: Contracts
    _found: Mapping[Question, Evaluation]
    _lacking: Mapping[Question, tuple[str, ...]] = field(default_factory=dict)
    _rows: Callable[[str], Sequence[Row]] = field(default=lambda _table: ())
    history: History | None = None

    def of(self, question: Question) -> Evaluation:
        """The answer to one question that was asked."""
        return self._found[question]

    def first(self) -> Evaluation | None:
        """The answer to the first question that could be answered."""
        return next(iter(self._found.values()), None)

    def some(self, questions: Collection[Question]) -> bool:
        """Some of the questions could be answered."""
        return any(question in self._found for question in questions)

    def lacking(self, questions: Collection[Question]) -> tuple[str, ...]:
        """Labels of the dimensions that the view filters by and some metric asked is not split by."""
        names = dict.fromkeys(name for question in questions for name in self._lacking.get(question, ()))
        return tuple(self.contracts.dimension(name).label.lower() for name in names)

    def metric(self, name: str) -> Metric:
        """The contract of a metric."""
        return self.contracts.metric(name)

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a table of ``ops``, as it was when the snapshot was published; none where it lacks the table."""
        return self._rows(table)


@dataclass(frozen=True)
class Reading:
    """One request's sight of one snapshot.

    Attributes:
        info: which snapshot.
        catalogue: what can be chosen; ``None`` if the snapshot holds no day.
        contracts: the metric contracts that figures are worked out by.
        told: the same in the reader's language and units.
    """

    info: SnapshotInfo
    catalogue: Catalogue | None
    contracts: Contracts
    told: Contracts
    _cursor: duckdb.DuckDBPyConnection
    _memory: _Memory
    _lives: Lives

    def metric(self, name: str) -> Metric:
        """The contract of a metric."""
        return self.contracts.metric(name)

    def ask(self, view: View, questions: Collection[Question]) -> Answers:
        """Answer all questions of a page at once; those that split alike are one.

        Args:
            view: period, filters and comparison.
            questions: what its cards need.
        """
        lacking = {question: missing for question in questions if (missing := self._lacking(view, question))}
        together: dict[tuple[tuple[str, ...], bool, int], tuple[str, ...]] = {}
        for question in (q for q in questions if q not in lacking):
            key = (question.by, question.compare, question.back)
            together[key] = tuple(dict.fromkeys((*together.get(key, ()), *question.metrics)))
        merged = [Question(metrics, *how) for how, metrics in together.items()]
        found = {(q.by, q.compare, q.back): e for q, e in zip(merged, self._answers(view, merged), strict=True)}
        if view.reader.units == "mi":
            found = {key: in_miles(answer, self.contracts) for key, answer in found.items()}
        own = {q: _of(found[q.by, q.compare, q.back], q.metrics) for q in questions if q not in lacking}
        return Answers(self.info, self.told, own, lacking, self._rows, self._lives.of(view))

    def _rows(self, table: str) -> Sequence[Row]:
        """The rows of a table of ``ops``, in their order; none where the snapshot lacks it."""
        known = self._memory.rows(self.info.file, table)
        if known is None:
            schema, _, name = table.partition(".")
            with self._cursor.cursor() as cursor:
                there = "select 1 from duckdb_tables() where schema_name = ? and table_name = ?"
                found = cursor.execute(there, [schema, name]).fetchone()
                known = cursor.execute(f'from "{schema}"."{name}"').pl().to_dicts() if found else []
            self._memory.keep_rows(self.info.file, table, known)
        return known

    def _lacking(self, view: View, question: Question) -> tuple[str, ...]:
        """Dimensions that the view filters by, or the question splits by, and some table of the question lacks."""
        contracts = [self.metric(name) for name in question.metrics]
        axes = {contract.axis for contract in contracts}
        split = [name for name in question.by if name not in PERIODS and name not in axes]
        wanted = dict.fromkeys([*(name for name, _ in view.chosen), *split])
        known = [self.contracts.table(contract.table).dimension_names for contract in contracts]
        return tuple(name for name in wanted if not all(name in names for names in known))

    def _answers(self, view: View, questions: Sequence[Question]) -> list[Evaluation]:
        """The answers to several questions; those not yet known are one query per KPI table."""
        known = {question: self._memory.get(self._key(view, question)) for question in questions}
        open_ = [question for question, answer in known.items() if answer is None]
        asked = [
            metrics.Question(q.metrics, view.since(q.back).slice, q.by, view.comparison if q.compare else None)
            for q in open_
        ]
        with self._cursor.cursor() as cursor:
            found = metrics.evaluate_all(cursor, asked, as_of=self.info.data_to, contracts=self.contracts)
        for question, answer in zip(open_, found, strict=True):
            fair = replace(answer, values=tuple(map(self._without_partial_windows, answer)))
            self._memory.put(self._key(view, question), fair)
            known[question] = fair
        return [answer for answer in known.values() if answer is not None]

    def _key(self, view: View, question: Question) -> _Key:
        against = view.compare if question.compare else "none"
        asked = (question.metrics, question.by, question.back, against)
        return (self.info.file, *asked, view.first, view.last, view.chosen)

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


def _of(found: Evaluation, metrics: tuple[str, ...]) -> Evaluation:
    """What an evaluation says of some of its metrics."""
    return Evaluation(found.by, tuple(value for name in metrics for value in found.series(name)))


def _told(contracts: Contracts, reader: Reader) -> Contracts:
    told = in_language(contracts, reader.language)
    return contracts_in_miles(told) if reader.units == "mi" else told


class Published:
    """Follows the published snapshot of a lake.

    Args:
        open_snapshot: opens the lake's current snapshot; raises ``NothingPublishedError`` while there is none.
        contracts: the metric contracts; the shipped ones unless given.
        lives: reads single vehicles from the lake; without it there is none to look at.
    """

    def __init__(
        self,
        open_snapshot: Callable[[], Snapshot],
        contracts: Contracts | None = None,
        lives: Lives | None = None,
    ) -> None:
        self._open, self._lives = open_snapshot, lives or Lives(no_lake)
        self.contracts = contracts or load_contracts()
        self._lock = threading.Lock()
        self._memory = _Memory()
        self._snapshot: Snapshot | None = None
        self._catalogue: tuple[str, Catalogue | None] | None = None

    def told(self, reader: Reader) -> Contracts:
        """The metric contracts in a reader's language and units."""
        return _told(self.contracts, reader)

    @contextmanager
    def reading(self, reader: Reader = ENGLISH) -> Iterator[Reading]:
        """The current snapshot for the length of one request.

        Args:
            reader: for whom it is read; figures are remembered for all.

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
            contracts, catalogue = self.contracts.as_published(info.protect), self._catalogue_of(info, cursor)
            told = _told(contracts, reader)
            if catalogue is not None:
                catalogue = replace(catalogue, labels={name: told.dimension(name).label for name in FILTERS})
            yield Reading(info, catalogue, contracts, told, cursor, self._memory, self._lives)

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

    def _refuse_what_lacks_tables(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Figures of tables that a snapshot does not have would fail one by one, and nobody would know why."""
        there = "select schema_name || '.' || table_name from duckdb_tables()"
        found = {name for (name,) in cursor.execute(there).fetchall()}
        if missing := [table.table for table in self.contracts.tables if table.table not in found]:
            raise LakeError(
                "The snapshot was published by an older Sillage",
                found=f"without {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""),
                action="run `sillage build`, then `sillage publish`",
            )

    def _read_catalogue(self, info: SnapshotInfo, cursor: duckdb.DuckDBPyConnection) -> Catalogue | None:
        self._refuse_what_lacks_tables(cursor)
        if info.data_from is None or info.data_to is None:
            return None
        labels = {name: self.contracts.dimension(name).label for name in FILTERS}
        values = {name: dimension_values(cursor, name, contracts=self.contracts) for name in FILTERS}
        named = {
            name: tuple(sorted(found, key=lambda value, name=name: in_order(name, value)))  # type: ignore[misc]
            for name, found in values.items()
        }
        return Catalogue(info.data_from, info.data_to, labels, named, info.newest_day)
