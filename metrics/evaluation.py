"""The value of metrics over a slice: one query per KPI table, on any DuckDB connection that has the schema ``kpi``.

Names of tables, columns and dimensions come from the contracts, so no text of a caller gets into the SQL; values of
filters are bound parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from lake.errors import QueryError
from metrics.contract import KpiTable, Metric, OverTime
from metrics.expressions import parts_of, sum_sql
from metrics.loading import Contracts, load_contracts
from metrics.values import Cell, Counted, Evaluation, MetricValue, Slice

_TEMPLATE = (Path(__file__).parent / "evaluate.sql").read_text(encoding="utf-8")
_PERIODS = {"date": "date", "week": "cast(date_trunc('week', date) as date)"}
_WHOLE = "cast($first_day as date)"


def evaluate(
    con: duckdb.DuckDBPyConnection,
    metrics: Sequence[str],
    slice_: Slice,
    *,
    by: tuple[str, ...] = (),
    compare: Slice | None = None,
    contracts: Contracts | None = None,
) -> Evaluation:
    """Work out metrics over a slice.

    Args:
        con: connection or cursor with the KPI tables in its schema ``kpi``.
        metrics: names; they may lie in different tables.
        slice_: days and filters.
        by: dimensions to split by, and at most one of ``date`` and ``week`` (from Monday).
        compare: slice to set against; fills ``previous``. Periods are matched by their distance from the first day.
        contracts: the contracts; the shipped ones unless given.

    Returns:
        By metric in the order asked, then by period, then by group. Without ``by``, exactly one value per metric,
        even if there is no data.

    Raises:
        QueryError: a metric or dimension does not exist, or a metric's table does not have the dimension.
    """
    contracts = contracts or load_contracts()
    asked = [contracts.metric(name) for name in dict.fromkeys(metrics)]
    split = tuple(name for name in dict.fromkeys(by) if name not in _PERIODS)
    units = [name for name in dict.fromkeys(by) if name in _PERIODS]
    if len(units) > 1:
        raise QueryError("A metric is split by date or by week", found="both")
    unit = units[0] if units else None
    by_table: dict[str, list[Metric]] = {}
    for metric in asked:
        by_table.setdefault(metric.table, []).append(metric)
    values: dict[str, list[MetricValue]] = {}
    for name, members in by_table.items():
        values |= _values(con, contracts.table(name), members, slice_, split=split, unit=unit)
    if compare is not None:
        before = evaluate(con, metrics, compare, by=by, contracts=contracts)
        values = _with_previous(values, before, slice_.first - compare.first, unit)
    return Evaluation(split, tuple(v for m in asked for v in values[m.name]))


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


def _values(
    con: duckdb.DuckDBPyConnection,
    table: KpiTable,
    metrics: list[Metric],
    slice_: Slice,
    *,
    split: tuple[str, ...],
    unit: str | None,
) -> dict[str, list[MetricValue]]:
    filters = {name: tuple(dict.fromkeys(values)) for name, values in sorted(slice_.filters.items()) if values}
    _check_dimensions(table, metrics, (*split, *filters))
    sizes = tuple((name, len(values)) for name, values in filters.items())
    sql = _query(table, tuple(metrics), split, unit, sizes)
    parameters: dict[str, Any] = {"first_day": slice_.first, "last_day": slice_.last}
    for name, chosen in filters.items():
        parameters |= {f"{name}_{i}": value for i, value in enumerate(chosen)}
    found = con.execute(sql, parameters)
    at = {column[0]: place for place, column in enumerate(found.description)}
    rows = found.fetchall()
    values = {
        metric.name: [_value(metric, number, row, at, split, unit) for row in rows]
        for number, metric in enumerate(metrics)
    }
    if not split and unit is None and not rows:
        return {metric.name: [MetricValue(metric.name)] for metric in metrics}
    return values


def _check_dimensions(table: KpiTable, metrics: list[Metric], names: Sequence[str]) -> None:
    for name in names:
        if name not in table.dimension_names:
            raise QueryError(
                f"{metrics[0].name} is not split by {name!r}",
                found=name,
                expected=", ".join(("date", "week", *table.dimension_names)),
            )


@lru_cache(maxsize=512)
def _query(
    table: KpiTable,
    metrics: tuple[Metric, ...],
    split: tuple[str, ...],
    unit: str | None,
    filters: tuple[tuple[str, int], ...],
) -> str:
    columns = []
    counts = sorted({"vehicles", *(metric.rests_on for metric in metrics)})
    parts, sizes = set(counts), {}
    for part in counts:
        sizes[f"most_{part}"] = f'max("{part}")'
        sizes[f"newest_{part}"] = f'coalesce(sum("{part}") filter (where date = as_of), 0)'
    for number, metric in enumerate(metrics):
        for letter, (text, over_time) in zip("ndsco", _expressions(metric), strict=True):
            parts |= set(parts_of(text)) if text else set()
            sql = expression_sql(text, over_time == "last") if text else "null"
            columns.append(f"{sql} as {letter}{number}")
    conditions = [
        f'and "{name}" in ({", ".join(f"${name}_{i}" for i in range(size))})' for name, size in filters
    ]  # fmt: skip
    return _TEMPLATE.format(
        period=_PERIODS[unit] if unit else _WHOLE,
        dimensions="".join(f'"{name}", ' for name in split),
        part_sums=", ".join(f'sum("{name}") as "{name}"' for name in sorted(parts)),
        table=table.table,
        filters=" ".join(conditions),
        sizes="".join(f"{sql} as {size}, " for size, sql in sizes.items()),
        expressions=",\n        ".join(columns),
        before="".join(
            f", {smaller_siblings(size, split, name, 'period')} as before_{size}_{name}"
            for size in sizes
            for name in split
        ),
        order="".join(f', "{name}"' for name in split),
    )


def smaller_siblings(size: str, dimensions: Sequence[str], along: str, period: str) -> str:
    """SQL window for suppression: vehicles in all smaller groups that differ from this one in one dimension only.

    Args:
        size: column of a group's vehicles.
        dimensions: dimensions of the groups.
        along: the one in which the groups differ.
        period: column that tells periods apart.
    """
    fixed = ", ".join([period, *(f'"{name}"' for name in dimensions if name != along)])
    frame = "rows between unbounded preceding and 1 preceding"
    return f'coalesce(sum({size}) over (partition by {fixed} order by {size}, "{along}" {frame}), 0)'


def expression_sql(text: str, newest_day_only: bool = False) -> str:
    """A checked expression as SQL that is a double and never null where there are rows.

    Args:
        text: the expression.
        newest_day_only: sum only the rows whose ``date`` is ``as_of``.
    """
    only = " filter (where date = as_of)" if newest_day_only else ""
    return f"cast({sum_sql(text, lambda part: f'coalesce(sum({part}){only}, 0)')} as double)"


def _expressions(metric: Metric) -> list[tuple[str | None, OverTime]]:
    """Numerator, denominator, squares, counted and of, each with the way it combines over days."""
    population = metric.population
    way = population.over_time or metric.over_time
    sums = metric.sums  # type: ignore[attr-defined]
    return [
        *((sums.get(name), metric.over_time) for name in ("numerator", "denominator", "squares")),
        (population.counted, way),
        (population.of, way),
    ]


def _value(
    metric: Metric,
    number: int,
    row: tuple[Any, ...],
    at: Mapping[str, int],
    split: tuple[str, ...],
    unit: str | None,
) -> MetricValue:
    """One row of the query as a value; ``at`` is where the columns of ``evaluate.sql`` are."""
    period: date = row[0]
    group: tuple[str, ...] = row[1 : 1 + len(split)]
    as_of, days = row[at["as_of"]], row[at["days"]]
    numerator, denominator, squares, counted, of = (row[at[f"{letter}{number}"]] for letter in "ndsco")
    value = MetricValue(metric.name, group, period if unit else None, as_of, days)
    kind = "newest" if metric.over_time == "last" else "most"
    vehicles = int(row[at[f"{kind}_vehicles"]])
    if vehicles < metric.smallest_group or _is_disclosing(metric, row, at, split, kind):
        return replace(value, vehicles=None, suppressed=True)
    if metric.over_time == "mean":
        numerator, denominator, squares = (None if n is None else n / days for n in (numerator, denominator, squares))
    if (metric.population.over_time or metric.over_time) == "mean":
        counted, of = counted / days, of / days
    low, high = metric.bounds(Cell(days, numerator, denominator, squares))
    whole = denominator if metric.has_parts else 1.0
    return replace(
        value,
        value=metric.scale * numerator / whole if whole else None,
        numerator=numerator,
        denominator=denominator,
        low=low,
        high=high,
        vehicles=vehicles,
        population=Counted(counted, of, metric.population.label),
    )


def _is_disclosing(
    metric: Metric, row: tuple[Any, ...], at: Mapping[str, int], split: tuple[str, ...], kind: str
) -> bool:
    """Whether the value rests on too few vehicles, or the withheld groups beside it would. None is not too few."""
    sizes = [row[at[f"{kind}_{metric.rests_on}"]]]
    for part in {"vehicles", metric.rests_on}:
        sizes += [row[at[f"before_{kind}_{part}_{name}"]] for name in split]
    return any(0 < size < metric.smallest_group for size in sizes)


def _with_previous(
    values: dict[str, list[MetricValue]], before: Evaluation, distance: timedelta, unit: str | None
) -> dict[str, list[MetricValue]]:
    if unit == "week":
        distance = timedelta(weeks=round(distance.days / 7))
    known = {(v.metric, v.group, v.period and v.period + distance): v for v in before}
    return {
        name: [replace(v, previous=known.get((v.metric, v.group, v.period))) for v in members]
        for name, members in values.items()
    }
