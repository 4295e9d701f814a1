"""The real commands in a process of their own that can be killed.

A server has the rooms imported already and forks a process for each run: the start of an interpreter, which takes
longer than the work, is paid once.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.forkserver import set_forkserver_preload
from pathlib import Path

import sillage

_ROOMS = [
    "sillage",
    "adlfs",
    "azure.storage.blob.aio",
    "lake.catalog",
    "orchestration.landing",
    "orchestration.building",
]
_context = multiprocessing.get_context("forkserver")

Commands = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        killed: by the kill, which it had not forestalled by ending.
        said: what it wrote to the terminal.
    """

    killed: bool
    said: str


def run(commands: Commands, environment: Mapping[str, str], log: Path, *, kill_after: float | None = None) -> Ended:
    """Run commands one after the other in one process.

    Args:
        commands: arguments of ``sillage``, each.
        environment: variables to set.
        log: file that the output goes to.
        kill_after: seconds after which the process is killed (SIGKILL), if it is still there.

    Raises:
        AssertionError: a command failed.
    """
    set_forkserver_preload(_ROOMS)
    process = _context.Process(target=_sillage, args=(commands, dict(environment), str(log)))
    process.start()
    process.join(kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
        return Ended(True, log.read_text())
    said = log.read_text()
    assert process.exitcode == 0, said
    return Ended(False, said)


def _sillage(commands: Commands, environment: dict[str, str], log: str) -> None:
    target = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(target, 1)
    os.dup2(target, 2)
    for name in [n for n in os.environ if n.startswith("SILLAGE_")]:
        del os.environ[name]
    os.environ |= environment
    for command in commands:
        sys.argv = ["sillage", *command, "--debug"]
        try:
            sillage.main()
        except (Exception, SystemExit):  # noqa: BLE001 - the test reads what it was
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    sys.stdout.flush()
    sys.stderr.flush()
