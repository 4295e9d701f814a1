"""``sillage serve`` in several processes: they answer, one that dies is replaced, and none outlives the first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep
from urllib.request import urlopen

import psutil
import pytest

from tests.integration.cli.conftest import Filled, Run


@pytest.fixture
def served(on_filled: Filled, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "sillage", "serve", "--port", "0", "--workers", "2"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "COLUMNS": "200"}
    ) as process:
        assert process.stderr is not None
        address = next(word for line in process.stderr for word in line.split() if word.startswith("http://"))
        try:
            yield process, address
        finally:
            process.terminate()


def test_one_that_dies_is_replaced_and_all_end_with_the_first(served: tuple[subprocess.Popen[str], str]) -> None:
    process, address = served
    assert _status(address) == 200
    _wait_for(lambda: len(_workers(process.pid)) == 2)
    killed, stays = _workers(process.pid)
    killed.kill()
    _wait_for(lambda: len(_workers(process.pid)) == 2 and killed not in _workers(process.pid))
    assert stays in _workers(process.pid)
    assert _status(address) == 200
    workers = _workers(process.pid)
    process.terminate()
    assert process.wait() in (0, -signal.SIGTERM)
    _wait_for(lambda: not any(_is_there(worker) for worker in workers))


def test_none_outlives_a_first_that_was_killed(served: tuple[subprocess.Popen[str], str]) -> None:
    process, address = served
    assert _status(address) == 200
    _wait_for(lambda: len(_workers(process.pid)) == 2)
    workers = _workers(process.pid)
    process.kill()
    _wait_for(lambda: not any(_is_there(worker) for worker in workers))


def test_a_number_of_workers_that_cannot_be_is_refused(run: Run) -> None:
    said = run("serve", "--workers", 0)
    assert said.code == 2
    assert "expected: 1 or more" in said.err


def _workers(supervisor: int) -> list[psutil.Process]:
    """Processes that answer; Python's own beside them does not."""
    return [child for child in psutil.Process(supervisor).children() if _answers(child)]


def _answers(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and any("spawn_main" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def _is_there(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _status(address: str) -> int:
    with urlopen(address, timeout=600) as answer:
        return int(answer.status)


def _wait_for(state: Callable[[], bool]) -> None:
    """Until it is so; a machine that is busy takes its time."""
    for _ in range(6000):
        if state():
            return
        sleep(0.1)
    raise AssertionError("it did not come to that within ten minutes")
