"""The metrics in SQL: the table macro ``metric(name)`` and the view ``metric_values``, made of the same cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from metrics.cells import Cells
from metrics.contract import KpiTable
from metrics.evaluation import newest_day
from metrics.grain import ALL, Grain
from metrics.kinds.keyed import Keyed
from metrics.loading import Contracts, load_contracts
from metrics.values import DOMINATES

_MACRO = (Path(__file__).parent / "metric.sql").read_text(encoding="utf-8")
_FIGURES = ("value", "numerator", "denominator", "vehicles", "suppressed", "dominated")
_SAID = ", ".join(_FIGURES)
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
    columns = [*(d.name for d in contracts.dimensions), *_axes(contracts)]
    macro = _MACRO.format(
        known=_texts(m.name for m in contracts.metrics),
        dimensions=_columns(columns),
        dimension_names=_texts(columns),
        unsplit="\n        ".join(text for table in contracts.tables for text in _unsplit(table)),
        body="\nunion all\n".join(_one(table, columns, newest) for table in contracts.tables),
    )
    every = "\nunion all\n".join(_all(table, columns, newest) for table in contracts.tables)
    return [macro, f"create or replace view metric_values as\n{every}"]


def _axes(contracts: Contracts) -> list[str]:
    return sorted({metric.axis for metric in contracts.metrics if metric.axis})


def _unsplit(table: KpiTable) -> Iterator[str]:
    """Branches of a case: that metrics of a table are asked by what they are not split by."""
    for axis in dict.fromkeys(m.axis for m in table.metrics):
        names = _texts(m.name for m in table.metrics if m.axis == axis)
        strange = f'list_filter("by", x -> x not in ({_texts([*table.dimension_names, *filter(None, [axis])])}))'
        said = f"error('the metrics of {table.table} are not split by ' || {strange}[1])"
        yield f"when name in ({names}) and len({strange}) > 0 then {said}"


def _one(table: KpiTable, columns: Sequence[str], newest: str) -> str:
    """The select over one table for the parameters ``name`` and ``by`` of the macro."""
    split = {
        name: f"case when list_contains(\"by\", '{name}') then kpi.\"{name}\" else '{ALL}' end"
        for name in table.dimension_names
    }
    where = f"where name in ({_texts(m.name for m in table.metrics)})"
    cells = Cells(table, table.metrics, _grain(split, where, newest), with_people=False)
    selects = [_keyed(cells, metric, columns, asked=True) for metric in cells.keyed]
    if cells.plain:
        plain = _plain(cells, columns)
        selects.insert(0, f"{plain} where name in ({_texts(m.name for m in cells.plain)}))")
    return f"select * from ({cells.sql()} {' union all '.join(selects)})"


def _all(table: KpiTable, columns: Sequence[str], newest: str) -> str:
    """The select over one table for all its metrics, split by all its dimensions, and by no axis."""
    split = {name: f'kpi."{name}"' for name in table.dimension_names}
    cells = Cells(table, table.metrics, _grain(split, "", newest), with_people=False)
    selects = [_keyed(cells, metric, columns, asked=False) for metric in cells.keyed]
    if cells.plain:
        names = f"(select unnest([{_texts(m.name for m in cells.plain)}]) as name)"
        selects.insert(0, f"{_plain(cells, columns)} cross join {names})")
    return f"select * from ({cells.sql()} {' union all '.join(selects)})"


def _grain(columns: Mapping[str, str], where: str, newest: str) -> Grain:
    split = (tuple(columns), tuple(columns.values()), "0", ())
    return Grain(*split, where, _EACH_DAY, ("date",), newest, is_daily=True)


def _plain(cells: Cells, columns: Sequence[str]) -> str:
    """The select of plain metrics from ``judged``, left open: a row per metric, day and group."""
    sums = {m.name: cells.sums(m) for m in cells.plain}
    withheld = _choice({m.name: cells.is_withheld(m) for m in cells.plain})
    shown = {
        "numerator": _choice({name: one["numerator"] for name, one in sums.items()}),
        "denominator": _choice({name: one.get("denominator", "null") for name, one in sums.items()}),
        "vehicles": _choice({m.name: cells.vehicles(m) for m in cells.plain}),
    }
    dominated = _choice({m.name: f"coalesce({cells.largest(m)} > {DOMINATES}, false)" for m in cells.plain})
    told = ", ".join(f"case when not suppressed then {sql} end as {name}" for name, sql in shown.items())
    value = _choice({m.name: cells.value(m, "numerator", "denominator") for m in cells.plain})
    inner = (
        f"select *, name as metric, period as date, {withheld} as suppressed, {told}, {value} as value, "
        f"not suppressed and {dominated} as dominated from judged"
    )
    return f"select metric, date, {_split(cells, columns)}, {_SAID} from ({inner}"


def _keyed(cells: Cells, metric: Keyed, columns: Sequence[str], *, asked: bool) -> str:
    """The select of a keyed metric: of the macro's name and axis where ``asked``, else of the metric and no axis."""
    told = {name: sql for name, sql in cells.measures(metric).items() if name in _FIGURES}
    told["vehicles"] = f"case when not {cells.is_withheld(metric)} then {cells.vehicles(metric)} end"
    told["suppressed"] = cells.is_withheld(metric)
    told["dominated"] = "false"
    split = _split(cells, columns, metric.axis if asked else None)
    by_axis = f"list_contains(\"by\", '{metric.axis}')" if asked and metric.axis else "false"
    only = f"name = '{metric.name}' and " if asked else ""
    said = ", ".join(f"{told[name]} as {name}" for name in _FIGURES)
    return (
        f"select '{metric.name}' as metric, period as date, {split}, {said} "
        f"from {cells.measured(metric)} where {only}(coalesce(axis, '{ALL}') <> '{ALL}') = {by_axis}"
    )


def _split(cells: Cells, columns: Sequence[str], axis: str | None = None) -> str:
    """Dimensions and axes of all tables: what cells are not split by is ``all``."""
    own = {name: f'"{name}"' for name in cells.grain.dimensions} | ({axis: f"coalesce(axis, '{ALL}')"} if axis else {})
    whole = f"'{ALL}'"
    return ", ".join(f'{own.get(name, whole)} as "{name}"' for name in columns)


def _choice(told: Mapping[str, str]) -> str:
    """A column that differs by metric; what several metrics say alike stands once."""
    names: dict[str, list[str]] = {}
    for name, sql in told.items():
        names.setdefault(sql, []).append(name)
    return f"case {' '.join(f'when name in ({_texts(alike)}) then {sql}' for sql, alike in names.items())} end"


def _columns(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _texts(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
