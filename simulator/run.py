"""The simulation: day after day, partition after partition, into a folder, so that a run can be taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from lake.errors import SillageError
from simulator import capture
from simulator.encoding import Encoder
from simulator.events import Events, concat
from simulator.fleet import make_fleet
from simulator.folder import Arguments, Cursor, Folder
from simulator.life import Partition
from simulator.world import DAY_MS, MARKET_WEIGHTS, day_ms


@dataclass(frozen=True)
class SimulationReport:
    """What a run added to the folder.

    Attributes:
        messages: messages written, registry statements included.
        trips: trips begun in the days added.
        vehicles: vehicles of the fleet, those not yet delivered included.
        files: Capture files written.
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


def simulate(
    out: Path,
    *,
    vehicles: int,
    days: int,
    first_day: date,
    seed: int = 1,
    markets: tuple[str, ...] | list[str] | None = None,
    cadence_s: int = 10,
    partitions: int = 4,
    window_s: int = 6 * 3600,
    codec: str = "null",
    progress: Callable[[date, int], None] | None = None,
) -> SimulationReport:
    """Simulates a fleet and writes what its vehicles send, and the truth about it.

    Writes ``out/inbox/fleet/<namespace>/<event hub>/<partition>/YYYY/MM/DD/HH/MM/SS.avro`` (Event Hubs Capture) and
    ``out/truth/{vehicles,trips,messages}.parquet``. The same arguments give the same bytes. Days that are already there
    are skipped, more ``days`` are added behind them, and no file is ever seen half written.

    Args:
        out: folder; made if missing.
        vehicles: size of the fleet, those delivered during the first half year included.
        days: UTC days from ``first_day`` on.
        first_day: first UTC day.
        seed: names the fleet and its life.
        markets: ISO 3166-1 alpha-2 codes; all twelve if None.
        cadence_s: seconds between messages while driving.
        partitions: partitions of the event hub. One partition's day is held in memory: 0.6 GB for 2,500 vehicles.
        window_s: length of a capture window. Capture itself cuts at 900 s at the latest; the default gives files as
            they are kept after merging.
        codec: ``null``, or ``deflate`` for files of a seventh of the size.
        progress: called after each day with the day and the messages written so far.

    Returns:
        What this run added.

    Raises:
        SillageError: if an argument is out of range, or the folder holds a simulation with other arguments.
    """
    began = time.perf_counter()
    chosen = tuple(sorted(set(markets))) if markets else tuple(sorted(MARKET_WEIGHTS))
    arguments = Arguments(vehicles, first_day.isoformat(), seed, chosen, cadence_s, partitions, window_s, codec)
    _check(arguments, days)
    folder = Folder(Path(out), arguments)
    parts = [
        Partition(seed, p, make_fleet(seed, vehicles, p, partitions, first_day, chosen), first_day, cadence_s)
        for p in range(partitions)
    ]
    now = folder.resume(parts)
    begun, messages, trips, files, size = now.days, 0, 0, 0, 0
    for day in (first_day + timedelta(days=k) for k in range(begun, days)):
        truths, counts = [], []
        for p, part in enumerate(parts):
            lived = part.live(day, now.states[p])
            arrived, now.carried[p] = _arrivals(concat([now.carried[p], lived.events]), day_ms(day) + DAY_MS)
            written, bytes_written = _write(folder.inbox, part, arrived, now.cursors[p], arguments)
            messages, files, size = messages + len(arrived), files + written, size + bytes_written
            truths.append(lived.trips)
            counts.append(_counts(part, arrived))
        trips += sum(truth.height for truth in truths)
        now.days += 1
        folder.commit(day, now, pl.concat(truths), pl.concat(counts))
        if progress:
            progress(day, messages)
    folder.publish_truth(parts, first_day, now.days)
    seconds = time.perf_counter() - began
    return SimulationReport(messages, trips, vehicles, files, size, seconds, now.days - begun)


def _check(arguments: Arguments, days: int) -> None:
    unknown = sorted(set(arguments.markets) - set(MARKET_WEIGHTS))
    if unknown:
        raise SillageError(
            "A market is not known to the simulator",
            found=", ".join(unknown), expected=", ".join(MARKET_WEIGHTS), action="leave it out",
        )  # fmt: skip
    bounds = {
        "vehicles": (arguments.vehicles, 1, 1_000_000), "days": (days, 1, 3660), "seed": (arguments.seed, 0, 2**63),
        "cadence_s": (arguments.cadence_s, 1, 60), "partitions": (arguments.partitions, 1, 1024),
        "window_s": (arguments.window_s, 60, 86_400),
    }  # fmt: skip
    for name, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise SillageError(f"{name} is out of range", found=str(value), expected=f"{low} to {high}")
    if 86_400 % arguments.window_s:
        raise SillageError(
            "window_s does not divide a day", found=str(arguments.window_s), expected="900, 3600, 21600, ..."
        )
    if arguments.codec not in ("null", "deflate"):
        raise SillageError("The codec is not known", found=arguments.codec, expected="null or deflate")


def _arrivals(events: Events, end_ms: int) -> tuple[Events, Events]:
    """Splits messages into those that arrive before ``end_ms``, in the order of arrival, and the others."""
    events = events.take(np.lexsort((events["sequence"], events["vehicle"], events["arrival_ms"])))
    cut = int(np.searchsorted(events["arrival_ms"], end_ms))
    return events.take(slice(None, cut)), events.take(slice(cut, None))


def _write(inbox: Path, part: Partition, arrived: Events, cursor: Cursor, settings: Arguments) -> tuple[int, int]:
    """Writes a day's files of a partition; returns how many, and their bytes. The cursor moves behind them."""
    files = size = 0
    encoder = Encoder(part.fleet.vin)
    for window_ms, rows in capture.windows(arrived["arrival_ms"], settings.window_s):
        events = arrived.take(rows)
        path = capture.file_path(inbox, part.number, window_ms)
        written, cursor.offset = capture.write_file(
            path, events, encoder, cursor.sequence, cursor.offset, codec=settings.codec
        )
        cursor.sequence += len(events)
        files, size = files + 1, size + written
    return files, size


def _counts(part: Partition, arrived: Events) -> pl.DataFrame:
    """How many messages of each vehicle, day of its clock and kind have arrived."""
    day = (arrived["event_ms"] // DAY_MS).astype(np.int32)
    kind = pl.Series("kind", arrived["body"] >= 0).replace_strict({False: "telemetry", True: "vehicle"})
    counted = (
        pl.DataFrame({"vehicle": arrived["vehicle"], "date": pl.Series(day).cast(pl.Date), "kind": kind})
        .group_by("vehicle", "date", "kind", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("messages"))
    )
    vin = pl.Series("vin", part.fleet.vins, dtype=pl.String).gather(counted["vehicle"])
    return counted.select(vin, "date", "kind", "messages")
