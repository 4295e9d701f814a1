"""The metrics in SQL: the table macro ``metric(name)`` and the view ``metric_values``, made from the contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from metrics.contract import KpiTable, Metric
from metrics.evaluation import expression_sql, smaller_siblings
from metrics.loading import Contracts, load_contracts

_FOLDER = Path(__file__).parent
_MACRO = (_FOLDER / "metric.sql").read_text(encoding="utf-8")
_BODY = (_FOLDER / "metric_values.sql").read_text(encoding="utf-8")
_ALL = "all"


def macro_statements(contracts: Contracts | None = None) -> list[str]:
    """Statements that add ``metric(name, by := [])`` and ``metric_values`` to a database with the schema ``kpi``.

    Args:
        contracts: the contracts; the shipped ones unless given.
    """
    contracts = contracts or load_contracts()
    dimensions = [d.name for d in contracts.dimensions]
    macro = _MACRO.format(
        known=_texts(m.name for m in contracts.metrics),
        dimensions=_columns(dimensions),
        dimension_names=_texts(dimensions),
        body=_body([_cells_of_one(t, dimensions) for t in contracts.tables], dimensions),
    )
    body = _body([_cells_of_all(t, dimensions) for t in contracts.tables], dimensions)
    return [macro, f"create or replace view metric_values as\n{body}"]


def _body(cells: list[str], dimensions: list[str]) -> str:
    before = {
        f"before_{size}_{d}": smaller_siblings(size, dimensions, d, "metric, date")
        for size in ("vehicles", "rests_on")
        for d in dimensions
    }
    return _BODY.format(
        cells="\n    union all\n    ".join(cells),
        dimensions=_columns(dimensions),
        before=", ".join(f"{sql} as {name}" for name, sql in before.items()),
        disclosing=" or ".join(f"({size} > 0 and {size} < smallest_group)" for size in ("rests_on", *before)),
    )


def _cells_of_one(table: KpiTable, dimensions: list[str]) -> str:
    """The select over one table for the parameters ``name`` and ``by`` of the macro."""
    groups = []
    for dimension in dimensions:
        asked = f'"{dimension}"'
        if dimension not in table.dimension_names:
            asked = f"error('the metrics of {table.table} are not split by {dimension}')"
        groups.append(
            f"case when list_contains(\"by\", '{dimension}') then {asked} else '{_ALL}' end as \"{dimension}\""
        )
    names = _texts(m.name for m in table.metrics)
    return f"select {_cell_columns(table, groups)} from {table.table} where name in ({names}) group by all"


def _cells_of_all(table: KpiTable, dimensions: list[str]) -> str:
    """The select over one table for all its metrics, split by all its dimensions."""
    groups = [f'"{d}"' if d in table.dimension_names else f"'{_ALL}' as \"{d}\"" for d in dimensions]
    names = f"(select unnest([{_texts(m.name for m in table.metrics)}]) as name)"
    keys = _columns(["name", "date", *table.dimension_names])
    return f"select {_cell_columns(table, groups)} from {table.table} cross join {names} group by {keys}"


def _cell_columns(table: KpiTable, groups: list[str]) -> str:
    columns = [
        "name as metric",
        "date",
        *groups,
        "cast(sum(vehicles) as bigint) as vehicles",
        _choice(table, lambda m: f'cast(sum("{m.rests_on}") as bigint)', "rests_on"),
        _choice(table, lambda m: expression_sql(m.sums["numerator"]), "numerator"),  # type: ignore[attr-defined]
        _choice(table, lambda m: _denominator(m.sums), "denominator"),  # type: ignore[attr-defined]
        _choice(table, lambda m: f"cast({m.scale!r} as double)", "scale"),
        _choice(table, lambda m: str(m.smallest_group), "smallest_group"),
        _choice(table, lambda m: str(m.has_parts).lower(), "is_ratio"),
    ]
    return ", ".join(columns)


def _denominator(sums: Mapping[str, str]) -> str:
    return expression_sql(sums["denominator"]) if "denominator" in sums else "null"


def _choice(table: KpiTable, sql: Callable[[Metric], str], column: str) -> str:
    """One column that differs by metric."""
    branches = " ".join(f"when '{m.name}' then {sql(m)}" for m in table.metrics)
    return f"case name {branches} end as {column}"


def _columns(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _texts(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
