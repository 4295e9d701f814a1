"""What KPI queries share: ``sql/kpi/shared/<name>.sql``, which a query reads as ``shared.<name>``.

A shared query is written into the text of each that reads it, as a common table expression: the text of a KPI table is
all that is needed to work it out, on DuckDB and on Spark alike, and what it reads of core is found in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

from lake.errors import ContractError

SHARED = "shared"

_NAMED = re.compile(rf"\b{SHARED}\.([a-z_][a-z0-9_]*)")
_COMMENTS = re.compile(r"--[^\n]*")
_BEGINS = re.compile(r"^(with\s+|select\b)", re.MULTILINE)


def with_shared(sql: str, folder: Path, place: str) -> str:
    """A query with the shared queries that it reads, each once and after those that it reads itself.

    Args:
        sql: a query that begins with ``with`` or ``select`` at the start of a line.
        folder: where the shared queries are.
        place: of the query, for messages.

    Raises:
        ContractError: there is no shared query of a name, or one reads itself.
    """
    found: dict[str, str] = {}
    _gather(sql, folder, place, (), found)
    if not found:
        return sql
    expressions = ",\n\n".join(f"{_local(name)} as (\n{indent(text, '    ')}\n)" for name, text in found.items())

    def first(match: re.Match[str]) -> str:
        return f"with {expressions},\n\n" if match[1].startswith("with") else f"with {expressions}\n\n{match[1]}"

    return _BEGINS.sub(first, _renamed(sql), count=1)


def _gather(sql: str, folder: Path, place: str, above: tuple[str, ...], found: dict[str, str]) -> None:
    for name in dict.fromkeys(_NAMED.findall(_COMMENTS.sub("", sql))):
        path = folder / f"{name}.sql"
        if name in above:
            raise _error(place, " -> ".join([*above, name]), "shared queries that do not go round in a circle")
        if not path.exists():
            raise _error(place, f"{SHARED}.{name}", "one of " + ", ".join(sorted(p.stem for p in folder.glob("*.sql"))))
        text = path.read_text(encoding="utf-8").strip()
        _gather(text, folder, f"{SHARED}/{path.name}", (*above, name), found)
        found[name] = _renamed(text)


def _renamed(sql: str) -> str:
    return _NAMED.sub(lambda match: _local(match[1]), sql)


def _local(name: str) -> str:
    return f"{SHARED}_{name}"


def _error(place: str, found: str, expected: str) -> ContractError:
    return ContractError(f"{place}: inputs", found=found, expected=expected, action="docs/metrics.md has the format")
