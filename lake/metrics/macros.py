"""The metrics in SQL: the table macro ``metric(name)`` and the view ``metric_values``, made from the contracts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lake.metrics.contract import KpiTable, MetricContract
from lake.metrics.evaluation import smaller_siblings
from lake.metrics.expressions import expression_sql
from lake.metrics.loading import Contracts, load_contracts

_FOLDER = Path(__file__).parent
_ALL = "all"


def macro_statements(contracts: Contracts | None = None) -> list[str]:
    """Statements that add ``metric(name, by := [])`` and ``metric_values`` to a database with the schema ``kpi``.

    Args:
        contracts: the contracts; the shipped ones unless given.
    """
    contracts = contracts or load_contracts()
    dimensions = [d.name for d in contracts.dimensions]
    body = (_FOLDER / "metric.sql").read_text(encoding="utf-8").format(
        known=", ".join(f"'{m.name}'" for m in contracts.metrics),
        dimensions=", ".join(f'"{name}"' for name in dimensions),
        dimension_names=", ".join(f"'{name}'" for name in dimensions),
        cells="\n    union all\n    ".join(_cells(t, dimensions) for t in contracts.tables),
        before=", ".join(smaller_siblings("vehicles", dimensions, d, "date") + f" as before_{d}" for d in dimensions),
        disclosing=" or ".join(f"(before_{d} > 0 and before_{d} < smallest_group)" for d in dimensions),
    )  # fmt: skip
    each = " union all by name ".join(
        f"select * from metric('{m.name}', \"by\" := {_list(t)})" for t in contracts.tables for m in t.metrics
    )
    return [
        f'create or replace macro metric(name, "by" := []::varchar[]) as table\n{body}',
        f"create or replace view metric_values as {each}",
    ]


def _list(table: KpiTable) -> str:
    return "[" + ", ".join(f"'{name}'" for name in table.dimension_names) + "]"


def _cells(table: KpiTable, dimensions: list[str]) -> str:
    """The select over one table: a row per day and group of the metric asked for, not yet suppressed."""
    groups = []
    for name in dimensions:
        asked = f'"{name}"'
        if name not in table.dimension_names:
            asked = f"error('the metrics of {table.table} are not split by {name}')"
        groups.append(f"case when list_contains(\"by\", '{name}') then {asked} else '{_ALL}' end as \"{name}\"")
    columns = [
        "name as metric",
        "date",
        *groups,
        "cast(sum(vehicles) as bigint) as vehicles",
        _choice(table, lambda m: expression_sql(m.numerator), "numerator"),
        _choice(table, lambda m: expression_sql(m.denominator) if m.denominator else "null", "denominator"),
        _choice(table, lambda m: f"cast({m.scale!r} as double)", "scale"),
        _choice(table, lambda m: str(m.smallest_group), "smallest_group"),
        _choice(table, lambda m: str(m.denominator is not None).lower(), "is_ratio"),
    ]
    names = ", ".join(f"'{m.name}'" for m in table.metrics)
    return f"select {', '.join(columns)} from {table.table} where name in ({names}) group by all"


def _choice(table: KpiTable, sql: Callable[[MetricContract], str], column: str) -> str:
    """One column that differs by metric; the name is a constant, so only its own branch is worked out."""
    branches = " ".join(f"when '{m.name}' then {sql(m)}" for m in table.metrics)
    return f"case name {branches} end as {column}"
