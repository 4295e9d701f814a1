"""Storage has bad moments: which of its errors pass, how a step is tried again, and how what does not pass is told.

One policy for all: commands, assets of Dagster and the pages. A step may be tried again where doing it twice is doing
it once: reading, listing, writing a file under its own name, computing a day, a commit that knows itself again.

Three layers keep to it. The clients of the engines repeat single requests (``…_options``). What they
give up on is repeated here, step by step, in seconds. Dagster repeats a whole op, in the order of minutes
(``orchestration.retries``).
"""

from __future__ import annotations

import errno
import logging
import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from lake.errors import LakeError, SillageError

T = TypeVar("T")

#: A step is done so many times at most.
ATTEMPTS = 6
#: Seconds before the second attempt; twice as long before each further one, up to the longest. Chance makes it shorter.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
#: Where no connection comes about, no attempt begins after so many seconds.
UNREACHABLE_S = 15.0
#: Seconds before a client repeats a request, at first and at most.
REQUEST_WAIT_S, LONGEST_REQUEST_WAIT_S = 0.1, 3.0
#: Seconds that a connection may take to come about, and an answer to come.
CONNECT_S, ANSWER_S = 5, 30

_log = logging.getLogger("sillage.storage")
_given_up = threading.Event()


class Trouble(Enum):
    """What is wrong with the storage."""

    STUTTERS = "passes by itself"
    UNREACHABLE = "no connection comes about"
    FULL = "no space is left"
    DENIED = "the credential does not do, or a right is missing"


class StorageError(LakeError):
    """The storage failed, and trying again has not helped, or would not."""


@dataclass(frozen=True)
class Symptom:
    """What an error says of the storage.

    Attributes:
        trouble: of what kind it is.
        words: a few words for it, as ``503`` or ``connection reset``.
    """

    trouble: Trouble
    words: str

    @property
    def passes(self) -> bool:
        """Another attempt may find it gone."""
        return self.trouble in (Trouble.STUTTERS, Trouble.UNREACHABLE)


def patiently(step: Callable[[], T]) -> T:
    """Do a step that may be done twice, again and again while the storage stutters. Each time is told to the log.

    Raises:
        StorageError: it has not passed. A step around this one does not try it again.
    """
    began = time.monotonic()
    wait = FIRST_WAIT_S
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return step()
        except Exception as error:
            symptom = symptom_of(error)
            if symptom is None or not symptom.passes:
                raise
            late = symptom.trouble is Trouble.UNREACHABLE and time.monotonic() - began > UNREACHABLE_S
            if attempt == ATTEMPTS or late or _given_up.is_set():
                raise _explained(error, symptom) from error
            pause = random.uniform(wait / 2, wait)
            again = f"trying again in {pause:.1f} s, {attempt + 1} of {ATTEMPTS}"
            _log.warning("Storage stuttered (%s), %s", symptom.words, again)
        _given_up.wait(pause)
        wait = min(2 * wait, LONGEST_WAIT_S)
    raise AssertionError("unreachable")


def give_up() -> None:
    """Nothing is tried again from now on, and nobody waits any longer: the process is to end."""
    _given_up.set()


def is_given_up() -> bool:
    """The process is to end; told to loops that wait, as an exception is lost where Python is cleaning up."""
    return _given_up.is_set()


def symptom_of(error: BaseException) -> Symptom | None:
    """What an error says of the storage; ``None`` where it is about something else, or about what is not there."""
    for one in _chain(error):
        if isinstance(one, SillageError):
            return None
        if isinstance(one, OSError) and one.errno in _BY_NUMBER:
            return Symptom(_BY_NUMBER[one.errno], plain(one.strerror or str(one)))
        if _is_of_storage(one):
            text = _DETAILS.sub(" ", f"{type(one).__name__} {getattr(one, 'status_code', None) or ''} {one}")
            for trouble, words in _BY_WORDS:
                if found := words.search(text):
                    return Symptom(trouble, _WHITE.sub(" ", found[0]).strip().lower())
    return None


def explained(error: BaseException, places: Mapping[str, str] | None = None) -> StorageError | None:
    """An error of the storage as its reader is to see it: a line each, nothing that only a terminal understands.

    Args:
        error: what an engine has raised.
        places: folders that may be full, by what they are.

    Returns:
        ``None`` where the error is not about the storage.
    """
    symptom = symptom_of(error)
    return None if symptom is None else _explained(error, symptom, places or {})


def plain(text: str, most: int = 200) -> str:
    """A text of an engine in one line, without terminal codes, of so many characters at most."""
    line = _WHITE.sub(" ", _TERMINAL.sub("", text).replace("↳", " ")).strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def delta_rs_options() -> dict[str, str]:
    """How often delta-rs repeats a request."""
    return {
        "max_retries": "6",
        "connect_timeout": f"{CONNECT_S}s",
        "timeout": f"{ANSWER_S}s",
        "retry_timeout": "15s",
        "backoff_config.init_backoff": f"{REQUEST_WAIT_S * 1000:.0f}ms",
        "backoff_config.max_backoff": f"{LONGEST_REQUEST_WAIT_S * 1000:.0f}ms",
    }


def polars_options() -> dict[str, Any]:
    """The same for Polars, in its own words."""
    return {
        "max_retries": 6,
        "connect_timeout": f"{CONNECT_S}s",
        "timeout": f"{ANSWER_S}s",
        "retry_timeout_ms": 15_000,
        "retry_init_backoff_ms": round(REQUEST_WAIT_S * 1000),
        "retry_max_backoff_ms": round(LONGEST_REQUEST_WAIT_S * 1000),
    }


def sdk_options() -> dict[str, Any]:
    """How often Azure's own client repeats a request: three times, after ever longer waits."""
    return {
        "retry_total": 3,
        "initial_backoff": REQUEST_WAIT_S,
        "increment_base": LONGEST_REQUEST_WAIT_S**0.5,
        "random_jitter_range": REQUEST_WAIT_S,
        "connection_timeout": CONNECT_S,
        "read_timeout": ANSWER_S,
    }


def _explained(error: BaseException, symptom: Symptom, places: Mapping[str, str] | None = None) -> StorageError:
    title, action = _TOLD[symptom.trouble]
    found = _full(places or {}) if symptom.trouble is Trouble.FULL else ""
    return StorageError(title, found=found or f"{symptom.words}: {plain(str(error), 150)}", action=action)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on."""
    for _ in range(8):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_of_storage(error: BaseException) -> bool:
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _ENGINES


def _full(places: Mapping[str, str]) -> str:
    """Which of some folders has the least space left."""
    free = {}
    for what, folder in places.items():
        try:
            free[what] = shutil.disk_usage(folder).free
        except OSError:
            continue
    if not free:
        return ""
    fullest = min(free, key=free.__getitem__)
    return f"{free[fullest] / 1e6:,.1f} MB are left for {fullest}: {plain(places[fullest], 100)}"


#: Packages that raise errors of storage; delta-rs's errors are of ``_internal``.
_ENGINES = {"deltalake", "_internal", "polars", "azure", "aiohttp", "duckdb", "_duckdb", "fsspec", "adlfs", "asyncio"}

_BY_NUMBER = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), Trouble.FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), Trouble.DENIED),
    **dict.fromkeys((errno.EIO, errno.ESTALE, errno.EAGAIN, errno.ETIMEDOUT, errno.EREMOTEIO), Trouble.STUTTERS),
    **dict.fromkeys((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED), Trouble.STUTTERS),
    **dict.fromkeys((errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH), Trouble.UNREACHABLE),
}

#: Addresses and durations hold numbers that look like a status.
_DETAILS = re.compile(r"https?://\S+|az://\S+|\bin [\d.]+ ?[mµn]?s\b|\x1b\[[0-9;]*m")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WHITE = re.compile(r"\s+")

#: In this order: a full disk or a refusal may be told as a failed request.
_BY_WORDS = tuple(
    (trouble, re.compile(words, re.IGNORECASE))
    for trouble, words in (
        (Trouble.FULL, r"no space left on device|os error (28|122)\b|disk quota exceeded|max_temp_directory_size"),
        (
            Trouble.DENIED,
            r"\b40[13]\b|Authentication ?Failed|Authorization(PermissionMismatch|Failure)|ClientAuthenticationError"
            r"|permission denied|read-only file system|CredentialUnavailable",
        ),
        (
            Trouble.UNREACHABLE,
            r"connection refused|cannot connect|connect error|error trying to connect|could not connect"
            r"|name or service not known|failed to resolve|could not resolve|dns error|network is unreachable"
            r"|no route to host",
        ),
        (
            Trouble.STUTTERS,
            r"\b(408|429|500|502|503|504)\b|internal server error|service unavailable|server ?busy|bad gateway"
            r"|time[d-]? ?out|connection (was )?(reset|closed|aborted|lost)|server disconnected|broken pipe"
            r"|end of file before|unexpected (eof|end of file)|incomplete ?(message|read)|not completed"
            r"|error sending request|error (reading|decoding) a? ?body|response body",
        ),
    )
)

_TOLD = {
    Trouble.STUTTERS: (
        "The storage failed again and again",
        "run the command again in some minutes: what was committed stays, and it goes on from there",
    ),
    Trouble.UNREACHABLE: (
        "The storage cannot be reached",
        "check the network and SILLAGE_LAKE (`sillage doctor` tries each step), then run the command again",
    ),
    Trouble.FULL: (
        "No space is left",
        "make room there and run the command again: what was committed stays, and it goes on from there",
    ),
    Trouble.DENIED: (
        "The storage refuses access",
        "check the rights there and the credential (`sillage doctor` tries each step)",
    ),
}
