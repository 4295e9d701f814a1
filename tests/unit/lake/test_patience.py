"""Which errors of storage pass, how often a step is tried, and how what does not pass is told."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable

import duckdb
import polars as pl
import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from dataframely.exc import SchemaError
from deltalake.exceptions import CommitFailedError, DeltaError

from lake import patience
from lake.errors import FeedError, LakeError, SettingsError
from lake.patience import StorageError, Trouble, explained, patiently, plain, symptom_of

#: As object_store tells it, with the codes that only a terminal understands.
CUT = (
    "Kernel error -> Generic MicrosoftAzure error\n          \x1b[31m↳\x1b[0m Error performing GET "
    "http://127.0.0.1:43465/devstoreaccount1/lake404/part-503.json in 403.5ms - HTTP error\n           "
    "\x1b[31m↳\x1b[0m request or response body error\n            "
    "\x1b[31m↳\x1b[0m end of file before message length reached"
)


def _answer(status: int) -> HttpResponseError:
    error = HttpResponseError("Operation returned an invalid status")
    error.status_code = status
    return error


PASSING = {
    "an answer cut in half": OSError(CUT),
    "a list cut in half": DeltaError("Generic error: Error getting list response body: HTTP error"),
    "a request that was reset": OSError("error sending request: connection reset by peer"),
    "503 to Rust": OSError("Server returned error response: 503 Service Unavailable"),
    "500 to Polars": pl.exceptions.ComputeError("Server returned non-2xx status code: 500 Internal Server Error"),
    "500 to the SDK": _answer(500),
    "too many requests": _answer(429),
    "a reset to the SDK": ServiceRequestError("Connection reset by peer"),
    "a time-out": TimeoutError("timed out"),
    "a reset to DuckDB": duckdb.IOException("AzureBlobStorageFileSystem could not open file: connection was closed"),
    "a network drive": OSError(errno.ESTALE, "Stale file handle"),
    "nobody there": ServiceRequestError("Cannot connect to host x:443 [Connection refused]"),
}
LASTING = {
    "a setting": SettingsError("No vehicle key"),
    "a feed": FeedError("There is no such feed", found="503"),
    "the lake": LakeError("There is no lake yet"),
    "a wrong key": _answer(403),
    "nobody signed in": ClientAuthenticationError("401 Unauthorized"),
    "no such blob": ResourceNotFoundError("BlobNotFound"),
    "no such file": FileNotFoundError(errno.ENOENT, "No such file"),
    "a full disk": OSError(errno.ENOSPC, "No space left on device"),
    "a full disk, by Rust": pl.exceptions.ComputeError("parquet: No space left on device (os error 28)"),
    "a right": PermissionError(errno.EACCES, "Permission denied"),
    "another writer": CommitFailedError("Commit failed: a concurrent transaction deleted the same data"),
    "a contract": SchemaError("column `500` is missing"),
    "a defect": ValueError("connection reset"),
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.0)


def failing(error: Exception, times: int) -> tuple[Callable[[], str], list[int]]:
    """A step that fails so many times, and the attempts so far."""
    attempts: list[int] = []

    def step() -> str:
        attempts.append(len(attempts))
        if len(attempts) <= times:
            raise error
        return "done"

    return step, attempts


@pytest.mark.parametrize("what", PASSING)
def test_what_passes_is_tried_again_and_told(what: str, caplog: pytest.LogCaptureFixture) -> None:
    step, attempts = failing(PASSING[what], 2)
    with caplog.at_level(logging.WARNING, "sillage"):
        assert patiently(step) == "done"
    assert len(attempts) == 3
    assert ["3 of 6" in record.message for record in caplog.records] == [False, True]


@pytest.mark.parametrize("what", LASTING)
def test_what_does_not_pass_is_raised_as_it_is_and_at_once(what: str) -> None:
    step, attempts = failing(LASTING[what], 1)
    with pytest.raises(type(LASTING[what])) as caught:
        patiently(step)
    assert caught.value is LASTING[what]
    assert len(attempts) == 1


def test_after_the_last_attempt_one_line_says_so_and_no_step_around_tries_again() -> None:
    step, attempts = failing(OSError(CUT), 100)
    with pytest.raises(StorageError) as caught:
        patiently(lambda: patiently(step))
    assert len(attempts) == patience.ATTEMPTS
    for text in (caught.value.title, caught.value.found, caught.value.action):
        assert len(text) < 200
        assert "\x1b" not in text
        assert "\n" not in text
    assert "run the command again" in caught.value.action


def test_where_no_connection_comes_about_no_attempt_begins_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "UNREACHABLE_S", -1.0)
    step, attempts = failing(PASSING["nobody there"], 100)
    with pytest.raises(StorageError, match="cannot be reached"):
        patiently(step)
    assert len(attempts) == 1


def test_an_interrupt_ends_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 3600.0)
    monkeypatch.setattr(patience, "LONGEST_WAIT_S", 3600.0)
    attempts: list[int] = []

    def step() -> None:
        attempts.append(1)
        patience.give_up()  # as the handler of the signal does while this waits
        raise OSError(CUT)

    try:
        with pytest.raises(StorageError):
            patiently(step)
    finally:
        patience._given_up.clear()
    assert len(attempts) == 1

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        patiently(interrupted)


def test_a_full_disk_is_told_with_the_folder_that_has_least_left(tmp_path: object) -> None:
    told = explained(OSError(errno.ENOSPC, "No space left on device"), {"the lake": str(tmp_path)})
    assert told is not None
    assert told.title == "No space is left"
    assert told.found.endswith(f"for the lake: {tmp_path}")
    symptom = symptom_of(duckdb.IOException("failed to offload data block: max_temp_directory_size exceeded"))
    assert symptom is not None
    assert symptom.trouble is Trouble.FULL


def test_plain_text_has_no_codes_and_an_end() -> None:
    assert plain("a\n  \x1b[31m↳\x1b[0m b") == "a b"
    assert len(plain("x" * 500)) == 200
