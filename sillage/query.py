"""One query over the lake, in a process of its own: ``python -m sillage.query``, which ``sillage.asking`` starts.

It is told the query on one pipe and tells on another how far it is; it ends when the first of them is closed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import duckdb

from lake.bounds import too_long
from lake.catalog import connect
from lake.errors import SillageError
from lake.export import frame_of, write_frame
from lake.guard import read_query, refused
from lake.settings import get_settings
from lake.storage import Lake
from metrics import macro_statements
from metrics.specs import table_specs
from sillage.asking import Question, Stage


def answer(question: Question, channel: TextIO) -> None:
    """Run a query and write its result, telling of each stage."""
    settings = get_settings()
    con = connect(
        Lake.open(settings, create=False),
        settings,
        question.text,
        specs=table_specs(),
        statements=macro_statements,
        spill=Path(question.spill),
    )
    memory = settings.query_memory
    _tell(channel, "running", seconds=settings.query_timeout_s, bytes=_in_bytes(con, memory), memory=memory)
    with time_limit(con, settings.query_timeout_s):
        frame = frame_of(read_query(con, question.text), question.kind)
    _tell(channel, "writing")
    note = write_frame(frame, question.kind, Path(question.target), width=question.width)
    _tell(channel, "done", note=note)


@contextmanager
def time_limit(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what runs on ``con`` after ``seconds``, where it can be interrupted: not within one call of a function.

    Raises:
        QueryError: the limit was reached, or DuckDB refused the query while it ran.
    """
    ended = threading.Event()
    reached = threading.Event()

    def watch() -> None:
        if not ended.wait(seconds):
            reached.set()
            # An interrupt that arrives between two statements is lost, so it is repeated.
            while not ended.wait(0.1):
                con.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except duckdb.Error as error:
        raise too_long(seconds) if reached.is_set() else refused(error) from None
    finally:
        ended.set()
        watcher.join()


def main(job: int, channel: int) -> None:
    """Answer the one question that comes in on the file descriptor ``job``; tell of it on ``channel``."""
    with os.fdopen(job, "rb") as asked, os.fdopen(channel, "w", encoding="utf-8") as told:
        question = Question(**json.loads(asked.readline()))
        threading.Thread(target=_end_with, args=(asked.fileno(),), daemon=True).start()
        try:
            answer(question, told)
        except SillageError as error:
            kind = type(error).__name__
            _tell(told, "refused", kind=kind, **{name: getattr(error, name) for name in error.FIELDS})
        except Exception as error:  # noqa: BLE001 - is told to the one who asked, with its traceback
            storage = isinstance(error, OSError) or type(error).__module__.startswith(("azure.", "deltalake."))
            said = f"{type(error).__name__}: {error}"
            _tell(told, "failed", said=said, storage=storage, traceback=traceback.format_exc())
        told.flush()
        os._exit(0)  # nothing of the session is worth the time of taking it down


def _tell(channel: TextIO, stage: Stage, **more: Any) -> None:
    channel.write(json.dumps({"stage": stage, **more}) + "\n")
    channel.flush()


def _end_with(pipe: int) -> None:
    """End when the one who asked has gone, whatever is running."""
    os.read(pipe, 1)
    os._exit(1)


def _in_bytes(con: duckdb.DuckDBPyConnection, size: str) -> int:
    """A size as DuckDB understands it: ``2GB``."""
    found = con.execute("select parse_formatted_bytes($1)", [size]).fetchall()
    return int(found[0][0])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
