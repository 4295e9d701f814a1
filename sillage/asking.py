"""A query in a process of its own, which is ended where it goes past its time or its memory.

DuckDB interrupts a query between two vectors and counts the memory that its operators ask for. One call of a function
(``lpad``, ``levenshtein``, ``range`` as a list) is neither interrupted nor counted: only the end of the process bounds
it. Light to import: the one who asks needs neither DuckDB nor the lake.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Literal

from lake import errors
from lake.bounds import BEYOND, GRACE_S, resident, too_long, too_much_memory
from lake.errors import QueryError, SillageError
from lake.export import Format
from lake.patience import is_given_up

Stage = Literal["running", "writing", "done", "refused", "failed"]

#: How often a running query is looked at, in seconds.
_LOOK_S = 0.02


@dataclass(frozen=True)
class Question:
    """A query and what is to become of its result.

    Attributes:
        text: the query.
        kind: format of the result.
        target: file that the result is written to.
        spill: folder for what does not fit into memory.
        width: columns of the terminal, for tables.
    """

    text: str
    kind: Format
    target: str
    spill: str
    width: int


class UnforeseenError(Exception):
    """The process of a query met an error that nobody foresaw; a note holds its traceback."""


def ask(question: Question) -> str:
    """Have a query answered in a process of its own, and wait for it.

    Returns:
        A note for the reader where not all rows are in the result, otherwise nothing.

    Raises:
        SillageError: as the process says; also where it had to be ended.
        OSError: a file, or the storage, could not be read or written.
        UnforeseenError: anything else.
    """
    job, job_in = os.pipe()
    told, channel = os.pipe()
    try:
        command = [sys.executable, "-P", "-m", "sillage.query", str(job), str(channel)]
        # In a session of its own, so that Ctrl+C comes here and nowhere else.
        process = subprocess.Popen(command, pass_fds=(job, channel), start_new_session=True)
    finally:
        os.close(job)
        os.close(channel)
    with os.fdopen(job_in, "wb", buffering=0) as asked, os.fdopen(told, "rb") as telling:
        try:
            _write(asked, question)
            return _followed(process, telling)
        finally:
            process.kill()
            process.wait()


def _write(asked: Any, question: Question) -> None:
    rest = memoryview((json.dumps(asdict(question)) + "\n").encode())
    try:
        while rest:
            rest = rest[asked.write(rest) :]
    except BrokenPipeError:  # it ended before it read the question, and how is told below
        pass


def _followed(process: subprocess.Popen[bytes], telling: BinaryIO) -> str:
    """What the process says in the end, unless it goes past its limits."""
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(telling, messages.put), daemon=True).start()
    watch: _Watch | None = None
    while True:
        try:
            message = messages.get(timeout=_LOOK_S)
        except queue.Empty:
            if is_given_up():
                raise KeyboardInterrupt from None
            if watch:
                watch.look()
            continue
        match message and message["stage"]:
            case "running":
                assert message
                watch = _Watch(process.pid, message["seconds"], message["bytes"], message["memory"])
            case "writing" if watch:
                watch.deadline = None
            case "done":
                assert message
                return str(message["note"])
            case _:
                raise _error(message, process.wait)


@dataclass
class _Watch:
    """The limits of a running query."""

    pid: int
    seconds: float
    bytes: int
    memory: str

    def __post_init__(self) -> None:
        self.deadline: float | None = time.monotonic() + self.seconds + GRACE_S
        self._most = (resident(self.pid) or 0) + int(self.bytes * BEYOND)

    def look(self) -> None:
        """Raise where a limit was passed."""
        if self.deadline and time.monotonic() > self.deadline:
            raise too_long(self.seconds)
        if (resident(self.pid) or 0) > self._most:
            raise too_much_memory(f"more than {self.memory}")


def _listen(telling: BinaryIO, put: Callable[[dict[str, Any] | None], None]) -> None:
    try:
        for line in telling:
            put(json.loads(line))
    except ValueError:  # cut off by its end
        pass
    put(None)


def _error(message: dict[str, Any] | None, wait: Callable[[], int]) -> Exception:
    """What a process said that could not answer, or that it said nothing."""
    if message is None:
        code = wait()
        return QueryError(
            "The process of the query ended before its answer",
            found=f"signal {-code}" if code < 0 else f"exit code {code}",
            action="if the machine was out of memory, ask for fewer days or columns, or lower SILLAGE_QUERY_MEMORY, so "
            "that the limit comes first",
        )
    if message["stage"] == "refused":
        kind: type[SillageError] = getattr(errors, message["kind"], SillageError)
        return kind(message["title"], **{name: message[name] for name in SillageError.FIELDS[1:]})
    error = OSError(message["said"]) if message["storage"] else UnforeseenError(message["said"])
    error.add_note(message["traceback"])
    return error
