"""Partitions at work: each lives its days, writes its files and keeps what it needs to go on, by itself.

Partitions know nothing of each other, so that several processes can share them, each running :func:`main`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from simulator import capture, lines
from simulator.concerns import concerns
from simulator.dirt import What, dirt_named
from simulator.encoding import Encoder
from simulator.events import Events
from simulator.fleet import make_fleet
from simulator.folder import Arguments, Cursor, Folder, Progress
from simulator.life import Partition
from simulator.outbox import Outbox, Waiting
from simulator.truth import TALLY, UNDER_WAY
from simulator.world import day_ms

COMMIT_EVERY_S = 4.0  # a killed run repeats at most this much work


@dataclass
class Done:
    """What was added.

    Attributes:
        days: simulated.
        messages: written.
        trips: begun.
        files: written.
        bytes: their size.
    """

    days: int = 0
    messages: int = 0
    trips: int = 0
    files: int = 0
    bytes: int = 0

    def add(self, other: Done) -> None:
        """Adds what was done elsewhere; days pass for all at once."""
        for name in ("messages", "trips", "files", "bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Line:
    """One partition at work.

    Args:
        out: folder of the simulation.
        arguments: of the simulation.
        number: of the partition.
    """

    def __init__(self, out: Path, arguments: Arguments, number: int) -> None:
        folder, first = Folder(out), date.fromisoformat(arguments.first_day)
        fleet = make_fleet(
            arguments.seed, arguments.vehicles, number, arguments.partitions, first, arguments.markets
        )  # fmt: skip
        self._first, self._arguments, self._number = first, arguments, number
        self._partition = Partition(
            arguments.seed, number, fleet, first, arguments.cadence_s,
            concerns(arguments.seed, number, fleet, first),
        )  # fmt: skip
        self._outbox = Outbox(
            arguments.seed, number, fleet.vin_texts, dirt_named(arguments.dirt),
            stated_ms=1 if arguments.files == "jsonl" else 1000,
        )  # fmt: skip
        self._inbox, self._part = folder.inbox, folder.part(number)
        self._encoder = Encoder(fleet.vin)
        self._now = self._part.resume() or Progress(
            0, Cursor(), self._partition.begin(), Waiting.nothing(len(fleet))
        )  # fmt: skip
        self._committed, self._committed_at = self._now.days, time.monotonic()
        self._truth: dict[str, list[pl.DataFrame]] = {}

    @property
    def days(self) -> int:
        """Days lived so far, not all of them final."""
        return self._now.days

    def live(self) -> tuple[Events, int]:
        """Lives the next day; returns what arrives on it, in order, and the trips begun."""
        now, day = self._now, self._first + timedelta(days=self._now.days)
        lived = self._partition.live(day, now.carried)
        arrived, tally = self._outbox.post(day_ms(day), lived.telemetry, lived.frames, now.waiting)
        vin = self._partition.fleet.vin_texts.gather(tally["vehicle"])
        truth = {**lived.truth, TALLY: tally.select(vin, pl.all().exclude("vehicle"))}
        if now.days == 0:
            truth["vehicles"] = self._partition.fleet.registry
        for table, rows in truth.items():
            self._truth.setdefault(table, []).append(rows)
        now.days += 1
        return arrived, lived.truth["trips"].height

    def write(self, window_ms: int, events: Events) -> int:
        """Writes the file of a window, which must follow the last one written; returns its size in bytes."""
        settings, cursor = self._arguments, self._now.cursor
        path = self._path(window_ms)
        if settings.files == "jsonl":
            return lines.write_file(path, events, self._encoder, codec=settings.codec)
        size, cursor.offset = capture.write_file(
            path, events, self._encoder, cursor.sequence, cursor.offset, codec=settings.codec
        )
        cursor.sequence += len(events)
        return size

    def has(self, window_ms: int) -> bool:
        """Whether the file of a window is there."""
        return self._path(window_ms).exists()

    def _path(self, window_ms: int) -> Path:
        path = capture.file_path(self._inbox, self._number, window_ms)
        return path.with_suffix(lines.ENDINGS[self._arguments.codec]) if self._arguments.files == "jsonl" else path

    def windows(self, arrived: Events) -> Iterator[tuple[int, Events]]:
        """Yields the windows that messages fall into: when each begins, and its messages."""
        for window_ms, rows in capture.windows(arrived["arrival_ms"], self._arguments.window_s):
            yield window_ms, arrived.take(rows)

    def commit(self, *, always: bool = True) -> None:
        """Makes the days lived and written so far final; unless ``always``, only if that has not been done lately."""
        if self._committed == self._now.days:
            return
        if always or time.monotonic() - self._committed_at >= COMMIT_EVERY_S:
            truth = {table: pl.concat(rows, how="diagonal_relaxed") for table, rows in self._truth.items()}
            self._part.commit(self._committed, self._now, truth, {UNDER_WAY: self._under_way()})
            self._committed, self._committed_at, self._truth = self._now.days, time.monotonic(), {}

    def _under_way(self) -> pl.DataFrame:
        """Returns since when a vehicle's messages are under way, for those that have any."""
        carried = self._now.waiting.carried
        original = np.flatnonzero(carried["dirt"] & What.DUPLICATE == 0)
        vin = self._partition.fleet.vin_texts.gather(carried["vehicle"][original])
        frame = pl.DataFrame([vin, pl.Series("since_ms", carried["event_ms"][original])])
        return frame.group_by("vin").agg(pl.col("since_ms").min()).sort("vin")


def work(out: Path, arguments: Arguments, numbers: list[int], days: int) -> Iterator[Done]:
    """Brings partitions to ``days`` days, all of them day by day; yields what was done after each day of all.

    Args:
        out: folder of the simulation, opened.
        arguments: of the simulation.
        numbers: of the partitions.
        days: how many days there shall be.
    """
    at_work = [Line(out, arguments, number) for number in numbers]
    for day in range(min(line.days for line in at_work), days):
        done = Done(days=day + 1)
        for line in at_work:
            if line.days > day:
                continue
            arrived, trips = line.live()
            sizes = [line.write(window_ms, events) for window_ms, events in line.windows(arrived)]
            done.add(Done(0, len(arrived), trips, len(sizes), sum(sizes)))
            line.commit(always=line.days == days)
        yield done


def main() -> None:
    """Works on the partitions that a line of JSON on standard input names; says on standard output what was done."""
    order = json.loads(sys.stdin.readline())
    arguments = Arguments(**{**order["arguments"], "markets": tuple(order["arguments"]["markets"])})
    for done in work(Path(order["out"]), arguments, order["numbers"], order["days"]):
        print(json.dumps(done.__dict__), flush=True)


if __name__ == "__main__":
    main()
