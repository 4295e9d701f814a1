"""What is played: commands in processes of their own that are killed, starved of room, or failed by the storage."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.siege.places import Place

_FEED = Path(__file__).parents[2] / "feeds" / "fleet_lines.toml"
KEY = "the key of the siege, for no lake but its own"
#: A command that takes longer hangs.
_HANGS_S = 1800
#: The share of the files that is there from the beginning; the others come as time goes by.
_AT_FIRST = 0.1
#: Seconds that a command is taken to need before one has come to its end.
_FIRST_S = 4.0
#: Files that were written less than so long ago are left alone, and no pause of who writes one is as long.
_SETTLE_S = 5
_LONGEST_PAUSE_S = 1.0
#: Shares of the requests to a storage that are hit while it stutters.
FAULTS = (0.1, 0.3)
#: What a full disk leaves, in bytes.
_LEFT = (0, 8 << 10, 100 << 10, 1 << 20)
#: What tells that a command ended otherwise than it should.
_UNFORESEEN = ("Traceback", "unforeseen", "panicked at")


class Siege:
    """One siege of one lake.

    Args:
        place: where the lake is.
        staging: files that a fleet sends, all of them.
        inbox: folder that they are put into as time goes by, and from which they land.
        seed: decides what is played, and when.
        faults: shares of the requests to a storage that are hit while it stutters.

    Attributes:
        counts: attempts, by what was played and how it ended.
        unforeseen: what commands said that they never should.
    """

    def __init__(self, place: Place, staging: Path, inbox: Path, seed: int, faults: Sequence[float] = FAULTS) -> None:
        self.place, self._staging, self._inbox, self._faults = place, staging, inbox, faults
        self._chance = random.Random(seed)
        self._waiting = sorted(path for path in staging.rglob("*") if path.is_file())
        self._unfinished: list[Path] = []
        self._took: dict[str, float] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.unforeseen: list[str] = []
        self._acts: list[Callable[[], None]] = [self._kill, self._two, self._grow, self._change]
        if place.disk:
            self._acts.append(self._full)
        if place.storage:
            self._acts.append(self._stutter)

    def play(self, seconds: float) -> None:
        """Play for so long, and each act once at least; then let everything arrive and end in peace."""
        began, files = time.monotonic(), len(self._waiting)
        first = list(self._acts)
        self._chance.shuffle(first)
        while first or time.monotonic() < began + seconds:
            gone = (time.monotonic() - began) / seconds if seconds else 1.0
            gone = max(_AT_FIRST, min(gone, 1 - len(first) / (len(self._acts) + 1)))
            while len(self._waiting) > (1 - gone) * files:
                self._arrive()
            (first.pop() if first else self._chance.choice(self._acts))()
        while self._waiting:
            self._arrive()
        while self._unfinished:
            self._complete(self._unfinished.pop())
        for command in self._commands():
            self._note("in peace", *self._run(command))

    def _commands(self) -> list[list[str]]:
        return [["land", "--feed", str(_FEED), str(self._inbox)], ["build"], ["publish"]]

    def _kill(self) -> None:
        for command in self._commands():
            process = self._start(command)
            try:
                process.wait(self._moment(command))
                self._note("kill -9", process.returncode, self._said(process))
            except subprocess.TimeoutExpired:
                process.kill()
                self._note("kill -9", process.wait(), self._said(process))

    def _two(self) -> None:
        """Two of everything at once."""
        for command in self._commands():
            both = [self._start(command), self._start(command)]
            for process in both:
                said = self._said(process)
                self._note("two at once", process.wait(_HANGS_S), said)

    def _full(self) -> None:
        for command in self._commands():
            with self.place.full(self._chance.choice(_LEFT)):
                self._note("disk full", *self._run(command))

    def _stutter(self) -> None:
        share = self._chance.choice(self._faults)
        for command in self._commands():
            with self.place.stuttering(share):
                self._note(f"{share:.0%} faults", *self._run(command))

    def _grow(self) -> None:
        """A file lands, and is written on to afterwards."""
        if not self._waiting:
            return
        path = self._waiting.pop(0)
        content, target = path.read_bytes(), self._placed(path)
        target.write_bytes(content[: content.rfind(b"\n", 0, len(content) // 2) + 1])
        _came_to_rest(target)
        self._unfinished.append(path)
        self._note("file grows", *self._run(self._commands()[0]))
        self._complete(self._unfinished.pop())

    def _change(self) -> None:
        """A file is cut and written anew while it is landed, as one that is copied in place."""
        if not self._waiting:
            return
        path = self._waiting.pop(0)
        content, target = path.read_bytes(), self._placed(path)
        target.write_bytes(content)
        _came_to_rest(target)
        process = self._start(self._commands()[0])
        time.sleep(self._moment(self._commands()[0]))
        with target.open("r+b") as file:
            for _ in range(4):
                file.truncate(self._chance.randrange(len(content)))
                time.sleep(self._chance.uniform(0.0, _LONGEST_PAUSE_S))
                file.seek(0)
                file.write(content)
                file.flush()
                time.sleep(self._chance.uniform(0.0, _LONGEST_PAUSE_S))
        said = self._said(process)
        self._note("file changes", process.wait(_HANGS_S), said)
        _came_to_rest(target)

    def _arrive(self) -> None:
        if self._waiting:
            self._complete(self._waiting.pop(0))

    def _complete(self, path: Path) -> None:
        """The whole of a file is there."""
        target = self._placed(path)
        if target.exists():
            with target.open("ab") as file:
                file.write(path.read_bytes()[target.stat().st_size :])
        else:
            shutil.copyfile(path, target)
        _came_to_rest(target)

    def _placed(self, path: Path) -> Path:
        target = self._inbox / path.relative_to(self._staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        began = time.monotonic()
        process = self._start(command)
        said = self._said(process)
        self._took[command[0]] = time.monotonic() - began
        return process.wait(_HANGS_S), said

    def _moment(self, command: Sequence[str]) -> float:
        """Seconds after its start at which something happens to a command: any while it runs, as the last one did."""
        return self._chance.uniform(0.2, 1.0) * self._took.get(command[0], _FIRST_S)

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("SILLAGE_")}
        return subprocess.Popen(
            [sys.executable, "-m", "sillage", *command],
            env=known | {"SILLAGE_VEHICLE_KEY": KEY, "SILLAGE_INBOX_SETTLE_S": str(_SETTLE_S)} | self.place.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _said(self, process: subprocess.Popen[str]) -> str:
        """All that a process says until its end."""
        return process.communicate(timeout=_HANGS_S)[0]

    def _note(self, act: str, code: int, said: str) -> None:
        ended = {0: "done", 1: "failed, told", -9: "killed"}.get(code, f"exit code {code}")
        if any(words in said for words in _UNFORESEEN):
            ended = "unforeseen"
            self.unforeseen.append(f"{act}: {said[-600:]}")
        self.counts[act, ended] += 1


def _came_to_rest(path: Path) -> None:
    """As if it had been written some time ago."""
    then = time.time() - 2 * _SETTLE_S
    os.utime(path, (then, then))
