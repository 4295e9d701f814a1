"""Values of dimensions that too few vehicles have, folded into ``other`` in a database that is published.

Whoever can filter for the market of three vehicles can ask of these three in many ways; where the value is gone, nobody
can, and every reader of the snapshot agrees on it. What is folded: docs/metrics.md, section "Small groups".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb

from metrics.contract import KpiTable
from metrics.loading import Contracts, load_contracts

OTHER = "other"


def fold_small_values(
    con: duckdb.DuckDBPyConnection, contracts: Contracts | None = None
) -> Mapping[str, tuple[str, ...]]:
    """Fold the values of dimensions that have too few vehicles in every KPI table. Parts and sums stay as they are.

    Args:
        con: connection to a database whose schema ``kpi`` has the tables; they are changed.
        contracts: the contracts; the shipped ones unless given.

    Returns:
        The values that were folded, sorted, by dimension.
    """
    contracts = contracts or load_contracts()
    small = _small_values(con, contracts)
    for table in contracts.tables:
        folded = {name: small[name] for name in table.dimension_names if name in small}
        if folded:
            there = {name: f'list_contains(${name}, "{name}")' for name in folded}
            changes = ", ".join(f'"{name}" = if({sql}, \'{OTHER}\', "{name}")' for name, sql in there.items())
            values = {name: list(values) for name, values in folded.items()}
            con.execute(f"update {table.table} set {changes} where {' or '.join(there.values())}", values)
    return small


def _small_values(con: duckdb.DuckDBPyConnection, contracts: Contracts) -> Mapping[str, tuple[str, ...]]:
    sizes = [_sizes(table) for table in contracts.tables if any(_foldable(table))]
    if not sizes:
        return {}
    small = (
        f"select dimension, value from ({' union all '.join(sizes)}) where value <> '{OTHER}' "
        "group by dimension, value having bool_and(vehicles < least) order by all"
    )
    found: dict[str, tuple[str, ...]] = {}
    for dimension, value in con.execute(small).fetchall():
        found[dimension] = (*found.get(dimension, ()), value)
    return found


def _foldable(table: KpiTable) -> Iterator[str]:
    return (dimension.name for dimension in table.dimensions if not dimension.scale)


def _sizes(table: KpiTable) -> str:
    """SQL of how many vehicles each value of each dimension has, as suppression counts them, and how many it needs.

    That is on the largest day, or where no vehicle stands on two, on all days; where one vehicle may stand in several
    values of another dimension, in the largest of these.
    """
    names = list(_foldable(table))
    over = [f"over_{number}" for number, _ in enumerate(table.overlapping)]
    copies = "".join(f', "{name}" as {copy}' for name, copy in zip(table.overlapping, over, strict=True))
    apart = [*([] if table.cohorts else ["date"]), *over]
    sets = ", ".join(f"({', '.join([*apart, _quoted(name)])})" for name in names)
    which = " ".join(f"when grouping({_quoted(name)}) = 0 then '{name}'" for name in names)
    least = max((metric.smallest_group for metric in table.metrics), default=1)
    return (
        f"select dimension, value, max(vehicles) as vehicles, {least} as least from ("
        f"select case {which} end as dimension, coalesce({', '.join(map(_quoted, names))}) as value, "
        f"sum(vehicles) as vehicles from (select *{copies} from {table.table}) group by grouping sets ({sets})"
        ") group by dimension, value"
    )


def _quoted(name: str) -> str:
    return f'"{name}"'
