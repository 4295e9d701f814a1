"""The data dictionary, from the contracts: every table, every column, every metric. ``make dictionary`` writes it."""

from __future__ import annotations

import polars as pl

from lake.schemas import TABLES, TableSpec
from lake.signals import BY_COLUMN
from metrics import KpiTable, load_contracts

_HEAD = """# Data dictionary

Made from the contracts in `lake/schemas`, `lake/signals.py` and `sql/kpi` by `make dictionary`.

Times are UTC with microseconds and end in `_at`; days are UTC days. Types are those of Delta Lake.
"""
_TYPES = {
    pl.String: "string", pl.Int64: "long", pl.Int32: "integer", pl.Float64: "double", pl.Boolean: "boolean",
    pl.Date: "date", pl.Datetime: "timestamp", pl.Binary: "binary",
}  # fmt: skip


def dictionary() -> str:
    """The whole page, as Markdown."""
    contracts = load_contracts()
    parts = [_HEAD]
    parts += [_table(spec) for spec in TABLES.values()]
    parts += [_table(table.spec) + _metrics(table) for table in contracts.tables]
    return "\n".join(parts)


def _table(spec: TableSpec) -> str:
    lines = [f"## {spec.name}", "", spec.description, ""]
    if spec.partition_by:
        lines += [f"Partitioned by {', '.join(f'`{c}`' for c in spec.partition_by)}.", ""]
    lines += ["| column | type | null | meaning | privacy |", "|---|---|---|---|---|"]
    dtypes = spec.schema.create_empty().schema
    for name, column in spec.schema.columns().items():
        signal = BY_COLUMN.get(name)
        lines.append(
            f"| `{name}` | {_TYPES[type(dtypes[name])]} | {'yes' if column.nullable else 'no'} "
            f"| {_cell(column.description)} | {signal.privacy.value if signal else ''} |"
        )
    return "\n".join([*lines, ""])


def _metrics(table: KpiTable) -> str:
    lines = [
        "",
        f"Metrics of {table.table}:",
        "",
        "| metric | kind | unit | definition | worked out as |",
        "|---|---|---|---|---|",
    ]
    for metric in table.metrics:
        definition = " ".join(metric.definition.split())
        lines.append(
            f"| `{metric.name}` {metric.label} | {metric.kind} | {metric.unit} | {definition} | `{metric.formula}` |"
        )
    return "\n".join([*lines, ""])


def _cell(text: str | None) -> str:
    return (text or "").replace("|", r"\|")


if __name__ == "__main__":
    print(dictionary(), end="")
