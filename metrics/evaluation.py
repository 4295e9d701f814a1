"""The value of metrics over slices: one query per KPI table, on any DuckDB connection that has the schema ``kpi``.

Names of tables, columns and dimensions come from the contracts, so no text of a caller gets into the SQL; values of
filters are bound parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import duckdb

from lake.errors import QueryError
from metrics.cells import FIGURES, Cells
from metrics.contract import KpiTable, Metric
from metrics.grain import ALL, UNITS, Grain
from metrics.kinds.plain import Plain
from metrics.loading import Contracts, load_contracts
from metrics.values import Cell, Counted, Evaluation, MetricValue, Question, Slice

Filters = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Split:
    """One way to cut one range of days.

    Attributes:
        dimensions: in the order of the table's contract.
        unit: of time; ``""`` for the whole range.
        first: first day.
        last: last day.
    """

    dimensions: tuple[str, ...]
    unit: str
    first: date
    last: date


@dataclass(frozen=True)
class _Asked:
    """A question, understood.

    Attributes:
        metrics: in the order asked, each once.
        slice: days and filters.
        compare: what it is set against.
        by: dimensions and axis, in the order asked.
        unit: of time; ``""`` for the whole range.
    """

    metrics: tuple[Metric, ...]
    slice: Slice
    compare: Slice | None
    by: tuple[str, ...]
    unit: str

    @property
    def filters(self) -> Filters:
        """Dimensions that are narrowed, with the values let through."""
        return tuple((n, tuple(dict.fromkeys(values))) for n, values in sorted(self.slice.filters.items()) if values)

    def splits(self, table: KpiTable) -> tuple[_Split, ...]:
        """Its split of a table, and that of what it is compared with."""
        dimensions = tuple(name for name in table.dimension_names if name in self.by)
        slices = (self.slice,) if self.compare is None else (self.slice, self.compare)
        return tuple(_Split(dimensions, self.unit, one.first, one.last) for one in slices)


def evaluate(
    con: duckdb.DuckDBPyConnection,
    metrics: Sequence[str],
    slice_: Slice,
    *,
    by: tuple[str, ...] = (),
    compare: Slice | None = None,
    as_of: date | None = None,
    contracts: Contracts | None = None,
) -> Evaluation:
    """Work out metrics over a slice: ``evaluate_all`` of one question.

    Args:
        con: connection or cursor with the KPI tables in its schema ``kpi``.
        metrics: names; they may lie in different tables.
        slice_: days and filters.
        by: see ``Question``.
        compare: slice to set against; fills ``previous``. Periods are matched by their distance from the first day.
        as_of: see ``evaluate_all``.
        contracts: the contracts; the shipped ones unless given.

    Raises:
        QueryError: a metric or dimension does not exist, or a metric's table does not have the dimension.
    """
    question = Question(tuple(metrics), slice_, by, compare)
    return evaluate_all(con, [question], as_of=as_of, contracts=contracts)[0]


def evaluate_all(
    con: duckdb.DuckDBPyConnection,
    questions: Sequence[Question],
    *,
    as_of: date | None = None,
    contracts: Contracts | None = None,
) -> list[Evaluation]:
    """Answer questions, with one query per KPI table for all those of the same filters.

    Args:
        con: connection or cursor with the KPI tables in its schema ``kpi``.
        questions: what is asked.
        as_of: newest day that counts for what is open or immature: cases that have not ended, cohorts too young. The
            newest day of any KPI unless given; of a snapshot it is ``data_to``. It does not depend on the slice: what
            is known today of the cases of a month long past is told.
        contracts: the contracts; the shipped ones unless given.

    Returns:
        In the order asked. Each by metric in the order asked, then by period, then by group. Without ``by``, exactly
        one value per metric, even if there is no data.

    Raises:
        QueryError: a metric or dimension does not exist, or a metric's table does not have the dimension.
    """
    contracts = contracts or load_contracts()
    asked = [_understood(question, contracts) for question in questions]
    work: dict[tuple[KpiTable, Filters], dict[_Split, dict[Metric, None]]] = {}
    for one in asked:
        for metric in one.metrics:
            table = contracts.table(metric.table)
            for split in one.splits(table):
                work.setdefault((table, one.filters), {}).setdefault(split, {})[metric] = None
    cells = {
        (table.table, filters): _fetch(con, contracts, table, filters, {s: tuple(m) for s, m in splits.items()}, as_of)
        for (table, filters), splits in work.items()
    }
    return [_answer(one, contracts, cells) for one in asked]


def dimension_values(
    con: duckdb.DuckDBPyConnection, dimension: str, *, contracts: Contracts | None = None
) -> tuple[str, ...]:
    """Every value that a dimension has in any KPI table, sorted; for the choices of a filter.

    Raises:
        QueryError: there is no such dimension.
    """
    contracts = contracts or load_contracts()
    column = contracts.dimension(dimension).name
    tables = [t.table for t in contracts.tables if column in t.dimension_names]
    found = {row[0] for table in tables for row in con.execute(f'select distinct "{column}" from {table}').fetchall()}
    return tuple(sorted(found))


def newest_day(contracts: Contracts) -> str:
    """SQL of the newest day of any KPI."""
    days = " union all ".join(f"select max(date) as date from {table.table}" for table in contracts.tables)
    return f"(select max(date) from ({days}))"


def _understood(question: Question, contracts: Contracts) -> _Asked:
    metrics = tuple(contracts.metric(name) for name in dict.fromkeys(question.metrics))
    by = tuple(name for name in dict.fromkeys(question.by) if name not in UNITS)
    units = [name for name in dict.fromkeys(question.by) if name in UNITS]
    if len(units) > 1:
        raise QueryError("A metric is split by date or by week or by month", found=" and ".join(units))
    asked = _Asked(metrics, question.slice, question.compare, by, units[0] if units else "")
    if question.compare is not None and _narrowed(question.compare) != _narrowed(question.slice):
        raise QueryError("A slice is compared with one of the same filters", found=str(question.compare.filters))
    for metric in metrics:
        table = contracts.table(metric.table)
        axes = () if metric.axis is None else (metric.axis,)
        for name in (*by, *(name for name, _ in asked.filters)):
            if name not in (*table.dimension_names, *(axes if name in by else ())):
                expected = ", ".join((*UNITS, *table.dimension_names, *axes))
                raise QueryError(f"{metric.name} is not split by {name!r}", found=name, expected=expected)
    return asked


def _narrowed(slice_: Slice) -> dict[str, set[str]]:
    return {name: set(values) for name, values in slice_.filters.items() if values}


@dataclass(frozen=True)
class _Query:
    """A query of one table, and where it says what.

    Attributes:
        sql: its text.
        places: by metric the columns of ``FIGURES``, then of ``_PEOPLE``; ``None`` where there is none.
    """

    sql: str
    places: Mapping[str, tuple[str | None, ...]]


class _Table:
    """The rows that a query gave."""

    def __init__(
        self, query: _Query, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], splits: Sequence[_Split]
    ) -> None:
        self.at = {name: place for place, name in enumerate(columns)}
        self._places = query.places
        self._splits = {split: number for number, split in enumerate(splits)}
        self._rows: dict[tuple[str | None, int], list[tuple[Any, ...]]] = {}
        for row in rows:
            self._rows.setdefault((row[0], row[1]), []).append(row)

    def rows(self, metric: Metric, split: _Split) -> list[tuple[Any, ...]]:
        """The rows that tell of a metric in a split: a keyed one has its own, the plain ones share theirs."""
        return self._rows.get((None if isinstance(metric, Plain) else metric.name, self._splits[split]), [])

    def places(self, metric: Metric) -> list[int | None]:
        """Where in these rows the figures of a metric are, then whom it speaks for."""
        return [None if name is None else self.at[name] for name in self._places[metric.name]]


def _fetch(
    con: duckdb.DuckDBPyConnection,
    contracts: Contracts,
    table: KpiTable,
    filters: Filters,
    splits: Mapping[_Split, tuple[Metric, ...]],
    as_of: date | None,
) -> _Table:
    ranges = list(dict.fromkeys((split.first, split.last) for split in splits))
    cut = tuple((s.dimensions, s.unit, ranges.index((s.first, s.last)), metrics) for s, metrics in splits.items())
    sizes = tuple((name, len(values)) for name, values in filters)
    query = _query(table, cut, sizes, "$as_of" if as_of else newest_day(contracts))
    parameters: dict[str, Any] = {}
    for number, (first, last) in enumerate(ranges):
        parameters |= {f"first_{number}": first, f"last_{number}": last}
    for name, chosen in filters:
        parameters |= {f"{name}_{i}": value for i, value in enumerate(chosen)}
    if as_of and "$as_of" in query.sql:
        parameters["as_of"] = as_of
    found = con.execute(query.sql, parameters)
    return _Table(query, [column[0] for column in found.description], found.fetchall(), list(splits))


_Cut = tuple[tuple[tuple[str, ...], str, int, tuple[Metric, ...]], ...]


@lru_cache(maxsize=512)
def _query(table: KpiTable, cut: _Cut, filters: tuple[tuple[str, int], ...], newest: str) -> _Query:
    """The query of a table.

    Args:
        table: the table.
        cut: per split its dimensions, unit, number of its range of days, and metrics.
        filters: dimensions that are narrowed, each with how many values it lets through.
        newest: SQL of the newest day that counts.
    """
    metrics = tuple(dict.fromkeys(metric for *_, members in cut for metric in members))
    cells = Cells(table, metrics, _grain(table, cut, filters, newest))
    keys = "split, period, " + cells.grain.names
    places: dict[str, tuple[str | None, ...]] = {}
    selects = []
    if cells.plain:
        columns: dict[str, str] = {}  # what several metrics say alike stands once
        for metric in cells.plain:
            told = cells.figures(metric) | cells.people(metric)
            for sql in told.values():
                columns.setdefault(sql, f"c{len(columns)}")
            places[metric.name] = tuple(columns.get(told.get(name, "")) for name in (*FIGURES, *_PEOPLE))
        selects.append(
            f"select cast(null as varchar) as metric, {keys} newest, days, "
            f"{', '.join(f'{sql} as {name}' for sql, name in columns.items())} from judged "
            f"where split in ({_of_splits(cut, cells.plain)})"
        )
    for keyed in cells.keyed:
        told = cells.measures(keyed) | cells.people(keyed)
        places[keyed.name] = (*FIGURES, *_PEOPLE)
        selects.append(
            f"select '{keyed.name}' as metric, {keys} newest, days, axis, cast(position as integer) as position, "
            f"{', '.join(f'{sql} as {name}' for name, sql in told.items())} from {cells.measured(keyed)} "
            f"where split in ({_of_splits(cut, (keyed,))})"
        )
    return _Query(cells.sql() + " union all by name ".join(selects), places)


def _of_splits(cut: _Cut, metrics: Sequence[Metric]) -> str:
    """Numbers of the splits that ask for some of these metrics."""
    wanted = set(metrics)
    return ", ".join(str(number) for number, (*_, members) in enumerate(cut) if wanted & set(members))


def _grain(table: KpiTable, cut: _Cut, filters: tuple[tuple[str, int], ...], newest: str) -> Grain:
    dimensions = tuple(name for name in table.dimension_names if any(name in names for names, *_ in cut))
    sets = tuple(dict.fromkeys(names for names, *_ in cut))
    units = tuple(dict.fromkeys(unit for _, unit, *_ in cut))
    columns = {name: f'kpi."{name}"' for name in dimensions}
    splits = []
    for number, (names, unit, days, _) in enumerate(cut):
        # One bit for each dimension that the set does not have, as grouping_id says it.
        bits = sum(2**place for place, name in enumerate(reversed(dimensions)) if name not in names)
        splits.append(f"({number}, {bits}, '{unit}', cast($first_{days} as date), cast($last_{days} as date))")
    ranges = " or ".join(f"date between $first_{n} and $last_{n}" for n in sorted({days for _, _, days, _ in cut}))
    return Grain(
        dimensions,
        tuple(f"coalesce({column}, '{ALL}')" for column in columns.values()),
        f"grouping_id({', '.join(columns.values())})" if columns else "0",
        tuple(tuple(columns[name] for name in names) for names in sets),
        f"where ({ranges})",
        f"select * from (values {', '.join(splits)}) as asked (split, grouping_set, unit, first_day, last_day)",
        units,
        newest,
        filters=tuple((name, tuple(f"${name}_{i}" for i in range(size))) for name, size in filters),
    )


def _answer(asked: _Asked, contracts: Contracts, cells: Mapping[tuple[str, Filters], _Table]) -> Evaluation:
    values: list[MetricValue] = []
    for metric in asked.metrics:
        table = contracts.table(metric.table)
        found = cells[table.table, asked.filters]
        now, *before = asked.splits(table)
        told = list(_values(metric, asked, found, now))
        if before and asked.compare is not None:
            known = _by_place(_values(metric, asked, found, before[0]), asked.compare.first, asked.unit)
            places = _by_place(told, asked.slice.first, asked.unit)
            told = [replace(value, previous=known.get(place)) for place, value in places.items()]
        values += told
    protected = any(contracts.table(metric.table).protected for metric in asked.metrics)
    return Evaluation(asked.by, tuple(values), protected)


def _by_place(
    values: Iterator[MetricValue] | Sequence[MetricValue], first: date, unit: str
) -> dict[tuple[tuple[str, ...], int], MetricValue]:
    """Values by their group and the number of their period, counted from the first of the slice."""
    return {(v.group, _number(v.period, first, unit)): v for v in values}


def _number(period: date | None, first: date, unit: str) -> int:
    if period is None:
        return 0
    if unit == "month":
        return (period.year - first.year) * 12 + period.month - first.month
    if unit == "week":
        return (period - (first - timedelta(first.weekday()))).days // 7
    return (period - first).days


def _values(metric: Metric, asked: _Asked, found: _Table, split: _Split) -> Iterator[MetricValue]:
    """The values of a metric in a split, by period and group."""
    at, axis = found.at, metric.axis if metric.axis in asked.by else None
    rows = found.rows(metric, split)
    if not isinstance(metric, Plain):
        rows = [row for row in rows if (row[at["axis"]] in (None, ALL)) == (axis is None)]
    groups = [at["axis"] if name == axis else at[name] for name in asked.by] if rows else []
    order = [at["position"] if name == axis else at[name] for name in asked.by] if rows else []
    period, newest, days, figures = at["period"], at["newest"], at["days"], found.places(metric)
    for row in sorted(rows, key=lambda row: (row[period], *[row[place] for place in order])):
        group = tuple([row[place] for place in groups])
        told = [None if place is None else row[place] for place in figures]
        yield _value(metric, group, row[period] if asked.unit else None, row[newest], row[days], told)
    if not rows and not asked.by and not asked.unit:
        yield MetricValue(metric.name)


_PEOPLE = ("vehicles", "counted", "of", "suppressed")


def _value(
    metric: Metric, group: tuple[str, ...], period: date | None, as_of: date, days: int, told: Sequence[Any]
) -> MetricValue:
    """A value of ``FIGURES`` and ``_PEOPLE``."""
    value, numerator, denominator, squares, low, high, variance, covered, immature, before, largest, *people = told
    vehicles, counted, of, suppressed = people
    if suppressed:
        return MetricValue(metric.name, group, period, as_of, days, vehicles=None, suppressed=True)
    ends = (None, None) if low is None or high is None else (low, high)
    cell = Cell(days, numerator, denominator, squares, value, ends, variance, before)
    low, high = metric.bounds(cell)
    population = Counted(counted, of, metric.population.label)
    return MetricValue(
        metric.name, group, period, as_of, days, value, numerator, denominator, low, high, vehicles, False, population,
        int(immature or 0), covered, metric.of_before(cell), largest,
    )  # fmt: skip
