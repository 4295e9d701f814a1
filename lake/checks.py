"""The data checks of ``sql/checks``: each query returns the rows that break its rule, so empty is good.

When they run, and what a failure holds up, is the orchestration's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlglot
from sqlglot import exp

from lake.errors import ContractError

#: Beside the package in a checkout and in an installation alike.
_FOLDER = Path(__file__).resolve().parents[1] / "sql" / "checks"


@dataclass(frozen=True)
class Check:
    """One rule on the data.

    Attributes:
        name: name of its file.
        rule: what holds, in words: the comment the file begins with.
        sql: the query for the rows that break it; reads any layer of the catalog.
        inputs: tables it reads, sorted.
        by_day: it takes ``$first_day`` and ``$last_day`` and looks at these days only.
    """

    name: str
    rule: str
    sql: str
    inputs: tuple[str, ...]
    by_day: bool

    def parameters(self, first: date, last: date) -> dict[str, date]:
        """What to bind for a range of days, both included; nothing if the check looks at everything."""
        return {"first_day": first, "last_day": last} if self.by_day else {}


def load_checks(folder: Path | None = None) -> tuple[Check, ...]:
    """Read every check of a folder, sorted by name; ``sql/checks`` unless given.

    Raises:
        ContractError: a file does not begin with a comment that says its rule.
    """
    return tuple(_load(path) for path in sorted((folder or _FOLDER).glob("*.sql")))


def _load(path: Path) -> Check:
    sql = path.read_text(encoding="utf-8")
    lines = sql.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    rule = " ".join(line.removeprefix("--").strip() for line in lines[:count])
    if not rule:
        raise ContractError(f"The check {path.name} does not say its rule", expected="a comment in its first line")
    query = sqlglot.parse_one(sql, read="duckdb")
    inputs = tuple(sorted({f"{table.db}.{table.name}" for table in query.find_all(exp.Table) if table.db}))
    return Check(path.stem, rule, sql, inputs, "$first_day" in sql)
