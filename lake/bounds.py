"""What a query may take in time and memory, and how a person is told that it took more. Light to import."""

from __future__ import annotations

import os
from pathlib import Path

from lake.errors import QueryError

#: So long after its limit a query has to stop by itself, in seconds.
GRACE_S = 2.0
#: So many times its memory a query may hold: DuckDB does not count all of it.
BEYOND = 1.25


def too_long(seconds: float) -> QueryError:
    """The time of the settings was not enough."""
    return QueryError(
        "The query took too long",
        found=f"more than {seconds:g} s",
        action="ask for fewer days or columns, or raise SILLAGE_QUERY_TIMEOUT_S",
    )


def too_much_memory(found: str) -> QueryError:
    """The memory of the settings was not enough."""
    return QueryError(
        "The query needs too much memory",
        found=found,
        action="ask for fewer days or columns, or raise SILLAGE_QUERY_MEMORY",
    )


def resident(pid: int) -> int | None:
    """Bytes of memory that a process holds and that are no file's; ``None`` where there is no /proc to say so."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return None
