"""The simulation: a fleet's days into a folder, so that a run can be taken up again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO

from lake.errors import SillageError
from simulator import pace
from simulator.dirt import dirt_named
from simulator.folder import Arguments, Folder
from simulator.lineup import MODELS
from simulator.truth import publish
from simulator.work import Done, work
from simulator.world import MARKET_WEIGHTS, day_ms

VEHICLES_OF_PARTITION = 2_500  # more are not put into one partition unless asked for: it is held in memory
_WORTH_A_PROCESS = 3_000  # vehicle-days below which starting another process takes longer than it saves


@dataclass(frozen=True)
class SimulationReport:
    """What a run added to the folder.

    Attributes:
        messages: messages written, of all kinds, copies included.
        trips: trips begun in the days added.
        vehicles: vehicles of the fleet, those not yet delivered included.
        files: files written.
        bytes: their size.
        seconds: time it took.
        days: days added; 0 if all were there.
    """

    messages: int
    trips: int
    vehicles: int
    files: int
    bytes: int
    seconds: float
    days: int


def make_arguments(
    *,
    vehicles: int,
    first_day: date,
    seed: int = 1,
    markets: tuple[str, ...] | list[str] | None = None,
    cadence_s: int = 10,
    partitions: int | None = None,
    window_s: int = 6 * 3600,
    codec: str = "null",
    dirt: str = "none",
    files: str = "capture",
) -> Arguments:
    """Returns what decides the bytes of a simulation: see :func:`simulate`.

    Raises:
        SillageError: if an argument is out of range.
    """
    chosen = tuple(sorted(set(markets))) if markets else tuple(sorted(MARKET_WEIGHTS))
    parts = partitions or max(4, -(-vehicles // VEHICLES_OF_PARTITION))
    arguments = Arguments(
        vehicles, first_day.isoformat(), seed, chosen, cadence_s, parts, window_s, codec, dirt, files
    )  # fmt: skip
    _check(arguments)
    return arguments


def simulate(
    out: Path,
    *,
    vehicles: int,
    days: int,
    first_day: date,
    seed: int = 1,
    markets: tuple[str, ...] | list[str] | None = None,
    cadence_s: int = 10,
    partitions: int | None = None,
    window_s: int = 6 * 3600,
    codec: str = "null",
    dirt: str = "none",
    files: str = "capture",
    processes: int | None = None,
    progress: Callable[[date, int], None] | None = None,
) -> SimulationReport:
    """Simulates a fleet and writes what its vehicles send, and the truth about it.

    Writes ``out/inbox/fleet/<namespace>/<event hub>/<partition>/YYYY/MM/DD/HH/MM/SS.avro`` (Event Hubs Capture) and
    ``out/truth/<table>.parquet``. The same arguments give the same bytes. Days that are already there are skipped, more
    ``days`` are added behind them, and no file is ever seen half written.

    Args:
        out: folder; made if missing.
        vehicles: size of the fleet, those delivered during the first half year included.
        days: UTC days from ``first_day`` on.
        first_day: first UTC day, after the newest model of the line-up is on sale.
        seed: names the fleet and its life.
        markets: ISO 3166-1 alpha-2 codes; all twelve if None.
        cadence_s: seconds between messages while driving.
        partitions: partitions of the event hub; by default 4, or as many as keep each below 2,500 vehicles. One
            partition's day is held in memory by each process.
        window_s: length of a capture window. Capture itself cuts at 900 s at the latest; the default gives files as
            they are kept after merging.
        codec: ``null``, or ``deflate`` for files of a seventh of the size.
        dirt: what goes wrong, see ``dirt.dirt_named``.
        files: ``capture``, or ``jsonl`` for lines of JSON.
        processes: how many work at the same time; by default as many as there are processors, if it is worth it.
        progress: called after each day with the day and the messages written so far.

    Returns:
        What this run added.

    Raises:
        SillageError: if an argument is out of range, or the folder holds a simulation with other arguments.
    """
    began = time.perf_counter()
    arguments = make_arguments(
        vehicles=vehicles, first_day=first_day, seed=seed, markets=markets, cadence_s=cadence_s, partitions=partitions,
        window_s=window_s, codec=codec, dirt=dirt, files=files,
    )  # fmt: skip
    _bounded("days", days, 1, 3660)
    folder, parts = Folder(Path(out)), arguments.partitions
    folder.open(arguments)
    begun = min(folder.part(number).days for number in range(parts))
    total = Done(days=begun)
    if begun < days:
        workers = processes or _processes(vehicles * (days - begun), parts)
        for done in _share(Path(out), arguments, days, workers):
            total.add(done)
            if done.days > total.days:
                total.days = done.days
                if progress:
                    progress(first_day + timedelta(days=done.days - 1), total.messages)
    finish(folder, arguments)
    seconds = time.perf_counter() - began
    added = total.days - begun
    return SimulationReport(total.messages, total.trips, vehicles, total.files, total.bytes, seconds, added)


def finish(folder: Folder, arguments: Arguments) -> None:
    """Publishes the truth of the days that all partitions have lived."""
    parts = [folder.part(number) for number in range(arguments.partitions)]
    days = min(part.days for part in parts)
    if days:
        first = date.fromisoformat(arguments.first_day)
        publish(folder.truth, [part.root for part in parts], day_ms(first + timedelta(days=days)))
        folder.close(arguments, days, str(first + timedelta(days=days - 1)))


def _processes(vehicle_days: int, partitions: int) -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(available, partitions, vehicle_days // _WORTH_A_PROCESS))


def _share(out: Path, arguments: Arguments, days: int, workers: int) -> Iterator[Done]:
    """Shares the partitions out to processes; yields what was done, in steps, with the days that all have passed."""
    if workers == 1:
        yield from work(out, arguments, list(range(arguments.partitions)), days)
        return
    orders = [
        {"out": str(out.resolve()), "arguments": asdict(arguments), "days": days,
         "numbers": list(range(worker, arguments.partitions, workers))}
        for worker in range(workers)
    ]  # fmt: skip
    folder = Folder(out)
    passed = [
        min(folder.part(k).days for k in range(worker, arguments.partitions, workers)) for worker in range(workers)
    ]
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(order)) for order in orders]
        while waiting := [k for k in range(workers) if passed[k] < days]:
            slowest = min(waiting, key=lambda k: passed[k])
            done = next(processes[slowest])
            passed[slowest] = done.days
            done.days = min(passed)
            yield done


@contextmanager
def _process(order: dict[str, object]) -> Iterator[Iterator[Done]]:
    """Starts a process for an order; yields what it says it has done, and ends it if it still runs."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "POLARS_MAX_THREADS": "1"}
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-c", "from simulator.work import main; main()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True, env=environment,
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(json.dumps(order) + "\n")
            yield _said_by(process, complaints)
        finally:
            process.terminate()


def _said_by(process: subprocess.Popen[str], complaints: IO[str]) -> Iterator[Done]:
    assert process.stdout is not None
    for line in process.stdout:
        yield Done(**json.loads(line))
    process.wait()
    complaints.seek(0)
    raise SillageError(
        "A process of the simulation ended before its work was done",
        found=(complaints.read().strip().splitlines() or ["nothing said"])[-1],
    )


def stream(
    out: Path,
    arguments: Arguments,
    *,
    speedup: float = 1.0,
    progress: Callable[[datetime, int], None] | None = None,
) -> SimulationReport:
    """Goes on with a simulation at the pace of a clock until it is interrupted: see :func:`pace.stream`.

    Args:
        out: folder; made if missing.
        arguments: from :func:`make_arguments`.
        speedup: simulated seconds per second.
        progress: called after each window with its end and the messages written so far.

    Raises:
        SillageError: if the folder holds a simulation with other arguments.
    """
    began, folder, done = time.perf_counter(), Folder(Path(out)), Done()
    _bounded("speedup", speedup, 0.01, 100_000)
    folder.open(arguments)
    with suppress(KeyboardInterrupt):
        pace.stream(
            Path(out), arguments, done, speedup=speedup, progress=progress, publish=lambda: finish(folder, arguments)
        )
    seconds = time.perf_counter() - began
    return SimulationReport(done.messages, done.trips, arguments.vehicles, done.files, done.bytes, seconds, done.days)


def _bounded(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SillageError(f"{name} is out of range", found=str(value), expected=f"{low} to {high}")


def _check(arguments: Arguments) -> None:
    unknown = sorted(set(arguments.markets) - set(MARKET_WEIGHTS))
    if unknown:
        raise SillageError(
            "A market is not known to the simulator",
            found=", ".join(unknown), expected=", ".join(MARKET_WEIGHTS), action="leave it out",
        )  # fmt: skip
    bounds = {
        "vehicles": (arguments.vehicles, 1, 1_000_000), "seed": (arguments.seed, 0, 2**63),
        "cadence_s": (arguments.cadence_s, 1, 60), "partitions": (arguments.partitions, 1, 1024),
        "window_s": (arguments.window_s, 60, 86_400),
    }  # fmt: skip
    for name, (value, low, high) in bounds.items():
        _bounded(name, value, low, high)
    if 86_400 % arguments.window_s:
        raise SillageError(
            "window_s does not divide a day", found=str(arguments.window_s), expected="900, 3600, 21600, ..."
        )
    if arguments.codec not in ("null", "deflate"):
        raise SillageError("The codec is not known", found=arguments.codec, expected="null or deflate")
    if arguments.files not in ("capture", "jsonl"):
        raise SillageError("The format is not known", found=arguments.files, expected="capture or jsonl")
    launched = max(model.launched_on for model in MODELS)
    if date.fromisoformat(arguments.first_day) <= launched:
        raise SillageError(
            "The simulation begins before all models are on sale", found=f"first day {arguments.first_day}",
            expected=f"a day after {launched}",
        )  # fmt: skip
    dirt_named(arguments.dirt)
