"""The metrics in SQL: the table macro ``metric(name)`` and the view ``metric_values``, made of the same cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from metrics.cells import ALL, Cells, Grain
from metrics.contract import KpiTable, Metric
from metrics.evaluation import newest_day
from metrics.kinds.keyed import Keyed
from metrics.kinds.plain import Plain
from metrics.loading import Contracts, load_contracts

_MACRO = (Path(__file__).parent / "metric.sql").read_text(encoding="utf-8")
_FIGURES = ("value", "numerator", "denominator")
#: One split: every day by itself.
_EACH_DAY = (
    "select 0 as split, 0 as grouping_set, 'date' as unit, "
    "date '0001-01-01' as first_day, date '9999-12-31' as last_day"
)


def macro_statements(contracts: Contracts | None = None, *, as_of: date | None = None) -> list[str]:
    """Statements that add ``metric(name, by := [])`` and ``metric_values`` to a database with the schema ``kpi``.

    Args:
        contracts: the contracts; the shipped ones unless given.
        as_of: newest day that counts for what is open or immature; the newest day of any KPI unless given.
    """
    contracts = contracts or load_contracts()
    newest = f"date '{as_of}'" if as_of else newest_day(contracts)
    names = [*(d.name for d in contracts.dimensions), *_axes(contracts)]
    asked = [select for table in contracts.tables for select in _one(table, contracts, newest)]
    macro = _MACRO.format(
        known=_texts(m.name for m in contracts.metrics),
        dimensions=_columns(names),
        dimension_names=_texts(names),
        body="\nunion all\n".join(asked),
    )
    every = [select for table in contracts.tables for select in _all(table, contracts, newest)]
    return [macro, "create or replace view metric_values as\n" + "\nunion all\n".join(every)]


def _axes(contracts: Contracts) -> list[str]:
    return sorted({metric.axis for metric in contracts.metrics if metric.axis})


def _one(table: KpiTable, contracts: Contracts, newest: str) -> Iterator[str]:
    """The selects over one table for the parameters ``name`` and ``by`` of the macro."""
    columns = {}
    for dimension in (d.name for d in contracts.dimensions):
        asked = f"list_contains(\"by\", '{dimension}')"
        split = f'kpi."{dimension}"' if dimension in table.dimension_names else _no_split(table.table, dimension)
        columns[dimension] = f"case when {asked} then {split} else '{ALL}' end"
    for metrics in _alike(table):
        names = _texts(m.name for m in metrics)
        cells = Cells(table, metrics, _grain(columns, f"where name in ({names})", newest))
        axes = {
            axis: f"case when list_contains(\"by\", '{axis}') then {_no_split(table.table, axis)} else '{ALL}' end"
            for axis in _axes(contracts)
        }
        where, axis = f"name in ({names})", metrics[0].axis
        if axis is not None:
            axes[axis] = f"coalesce(axis, '{ALL}')"
            where += f" and (coalesce(axis, '{ALL}') = '{ALL}') = (not list_contains(\"by\", '{axis}'))"
        elif isinstance(metrics[0], Keyed):
            where += f" and coalesce(axis, '{ALL}') = '{ALL}'"
        yield _select(cells, axes, f"where {where}")


def _all(table: KpiTable, contracts: Contracts, newest: str) -> Iterator[str]:
    """The selects over one table for all its metrics, split by all its dimensions, and by no axis."""
    columns = {
        d.name: f'kpi."{d.name}"' if d.name in table.dimension_names else f"'{ALL}'" for d in contracts.dimensions
    }
    axes = dict.fromkeys(_axes(contracts), f"'{ALL}'")
    for metrics in _alike(table):
        cells = Cells(table, metrics, _grain(columns, "", newest))
        names = f"cross join (select unnest([{_texts(m.name for m in metrics)}]) as name) as names"
        only = f"where coalesce(axis, '{ALL}') = '{ALL}'" if isinstance(metrics[0], Keyed) else ""
        yield _select(cells, axes, f"{names} {only}")


def _alike(table: KpiTable) -> Iterator[tuple[Metric, ...]]:
    """The metrics of a table that one select can tell: all the plain ones together, each keyed one by itself."""
    if plain := tuple(m for m in table.metrics if isinstance(m, Plain)):
        yield plain
    yield from ((m,) for m in table.metrics if isinstance(m, Keyed))


def _grain(columns: Mapping[str, str], where: str, newest: str) -> Grain:
    return Grain(tuple(columns), tuple(columns.values()), "0", (), where, _EACH_DAY, ("date",), newest)


def _no_split(table: str, name: str) -> str:
    return f"error('the metrics of {table} are not split by {name}')"


def _select(cells: Cells, axes: Mapping[str, str], rest: str) -> str:
    """The select over some cells: a row per metric, day and group."""
    said: dict[str, dict[str, str]] = {}
    for metric in cells.metrics:
        told = cells.measures(metric) if isinstance(metric, Keyed) else cells.figures(metric)  # type: ignore[arg-type]
        said[metric.name] = {name: told.get(name, "null") for name in _FIGURES}
        said[metric.name] |= {name: cells.people(metric)[name] for name in ("vehicles", "suppressed")}
    columns = ["name as metric", "period as date", *(f'"{name}"' for name in cells.grain.dimensions)]
    columns += [f'{sql} as "{axis}"' for axis, sql in axes.items()]
    for column in (*_FIGURES, "vehicles", "suppressed"):
        branches = " ".join(f"when '{name}' then {told[column]}" for name, told in said.items())
        columns.append(f"case name {branches} end as {column}")
    keyed = next((m for m in cells.metrics if isinstance(m, Keyed)), None)
    source = cells.measured(keyed) if keyed else "judged"
    return f"select * from ({cells.sql()} select {', '.join(columns)} from {source} {rest})"


def _columns(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _texts(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
