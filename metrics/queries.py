"""What the text of a KPI query says: the tables it reads, and whether it returns what its contract says.

Apart, because parsing SQL takes longer than all else that a question needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lake.errors import ContractError
from metrics.contract import InputReach, KpiTable

_DOC = "docs/metrics.md has the format"
_PARAMETERS = {"first_day", "last_day"}


def inputs_of(table: KpiTable) -> Mapping[str, InputReach]:
    """The tables that a query reads, sorted, each with the days that one day of the KPI needs.

    Raises:
        ContractError: the query is not one select of the contract's columns from core for a range of days.
    """
    path = Path(table.file)
    try:
        query = sqlglot.parse_one(table.sql, read="duckdb")
    except SqlglotError as error:
        raise ContractError(f"{path.name} is not one SQL query", found=str(error).splitlines()[0]) from None
    if not isinstance(query, exp.Select):
        raise _error(path, "query", query.key, "one select")
    if tuple(query.named_selects) != table.columns:
        expected = ", ".join(table.columns) + ", as the contract says"
        raise _error(path, "columns", ", ".join(query.named_selects), expected)
    parameters = {p.name for p in query.find_all(exp.Placeholder, exp.Parameter)}
    if parameters != _PARAMETERS:
        raise _error(path, "parameters", ", ".join(sorted(parameters)) or "none", "$first_day and $last_day")
    inputs = sorted({f"{t.db}.{t.name}" for t in query.find_all(exp.Table) if t.db})
    for name in inputs:
        if not name.startswith("core."):
            raise _error(path, "inputs", name, "tables of core")
    if not inputs:
        raise _error(path, "inputs", "none", "at least one table of core")
    for name in table.reaches:
        if name not in inputs:
            raise _error(path.with_suffix(".yml"), f"inputs.{name}", "a table that the query does not read",
                         "of these: " + ", ".join(inputs))  # fmt: skip
    return {name: table.reaches.get(name, InputReach()) for name in inputs}


def _error(path: Path, key: str, found: str, expected: str) -> ContractError:
    return ContractError(f"{path.parent.name}/{path.name}: {key}", found=found, expected=expected, action=_DOC)
