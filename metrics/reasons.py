"""Asks what ``metrics.why`` needs, one metric, whole and split by up to three dimensions, in two periods; and what
``metrics.ranks`` needs, one metric, whole and by group, as it is and at the mix of the whole slice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import combinations

import duckdb

from lake.errors import QueryError
from metrics.evaluation import evaluate_all
from metrics.kinds.standardised import Standardised
from metrics.loading import Contracts, load_contracts
from metrics.ranks import Ranked, ranked
from metrics.values import Question, Slice
from metrics.why import Why, explain

_TOGETHER = 3


def why(
    con: duckdb.DuckDBPyConnection,
    metric: str,
    now: Slice,
    before: Slice,
    *,
    by: Sequence[str] = (),
    as_of: date | None = None,
    contracts: Contracts | None = None,
) -> Why:
    """The reasons of a change between two periods.

    Args:
        con: connection or cursor with the KPI tables in its schema ``kpi``.
        metric: its name.
        now: the slice that is explained.
        before: what it is compared with; the same filters.
        by: dimensions in which reasons are sought; all of the metric's table that are not filtered to one value
            unless given.
        as_of: newest day that counts for cohorts too young; see ``evaluate_all``.
        contracts: the contracts; the shipped ones unless given.

    Raises:
        QueryError: a metric or dimension does not exist, or the metric is neither a total nor made of two parts.
    """
    contracts = contracts or load_contracts()
    contract = contracts.metric(metric)
    if not (contract.is_total or contract.has_parts):
        fitting = [m.name for m in contracts.metrics if m.table == contract.table and (m.is_total or m.has_parts)]
        raise QueryError(
            f"{metric} has no parts that a change could be split into",
            found=f"a metric of kind {contract.kind}",
            expected="a total, a ratio or a rate" + (f", as {', '.join(fitting[:4])}" if fitting else ""),
        )
    known = contracts.table(contract.table).dimension_names
    dimensions = tuple(by) or tuple(name for name in known if len(now.filters.get(name, ())) != 1)
    splits = [(), *(s for size in range(1, _TOGETHER + 1) for s in combinations(dimensions, size))]
    asked = [Question((metric,), now, split, before) for split in splits]
    whole, *found = evaluate_all(con, asked, as_of=as_of, contracts=contracts)
    return explain(contract, whole.one(metric), dict(zip(splits[1:], found, strict=True)), dimensions)


def ranking(
    con: duckdb.DuckDBPyConnection,
    metric: str,
    slice_: Slice,
    *,
    by: str,
    as_of: date | None = None,
    contracts: Contracts | None = None,
) -> tuple[Ranked, ...]:
    """The values of a dimension from the highest to the lowest, each with its place, and its gap to all.

    Args:
        con: connection or cursor with the KPI tables in its schema ``kpi``.
        metric: its name.
        slice_: days and filters.
        by: the dimension.
        as_of: newest day that counts for cohorts too young; see ``evaluate_all``.
        contracts: the contracts; the shipped ones unless given.

    Raises:
        QueryError: the metric or dimension does not exist.
    """
    contracts = contracts or load_contracts()
    mixed = at_mix_of(metric, by, contracts)
    groups = Question((metric, *((mixed.name,) if mixed else ())), slice_, (by,))
    whole, found = evaluate_all(con, [Question((metric,), slice_), groups], as_of=as_of, contracts=contracts)
    at_mix = {value.group: value for value in found.series(mixed.name)} if mixed else {}
    return ranked(whole.one(metric), found.series(metric), at_mix)


def at_mix_of(metric: str, by: str, contracts: Contracts) -> Standardised | None:
    """The metric that is another at the mix of the whole slice; ``None`` where there is none, or it is over ``by``."""
    table = contracts.table(contracts.metric(metric).table)
    fitting = (m for m in table.metrics if isinstance(m, Standardised) and m.base == metric and m.over != by)
    return next(fitting, None)
