"""How DuckDB is opened, everywhere: it takes nothing from the network, and nothing that was not handed to it by name.

What is read with it, and what a query of a person may do, is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

#: Extensions come out of wheels and are loaded by name; a variable of Python is a table only where it is registered.
CLOSED: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


def open_duckdb(
    path: str | Path = ":memory:", *, read_only: bool = False, config: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection that fetches no extension and does not look for tables among the variables of Python.

    Args:
        path: database file; without one it is in memory.
        read_only: open the file for reading only.
        config: further settings of DuckDB.
    """
    return duckdb.connect(path, read_only=read_only, config=CLOSED | dict(config or {}))
