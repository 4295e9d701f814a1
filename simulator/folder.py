"""The folder of a simulation: its manifest, what is needed to take it up again, and the truth tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from lake.errors import SillageError
from simulator.energy import State
from simulator.events import Events, telemetry
from simulator.life import LONGEST_LAG_MS, Partition
from simulator.world import day_ms

FORMAT = 1  # of the folder; a manifest of another format is not taken up


@dataclass(frozen=True)
class Arguments:
    """What decides the bytes. The number of days does not: a longer run begins with the same files."""

    vehicles: int
    first_day: str
    seed: int
    markets: tuple[str, ...]
    cadence_s: int
    partitions: int
    window_s: int
    codec: str
    format: int = FORMAT


@dataclass
class Cursor:
    """Where a partition's stream of events stands: the next SequenceNumber and Offset."""

    sequence: int = 0
    offset: int = 0


@dataclass
class Progress:
    """What one day hands to the next: one element per partition in each list."""

    days: int
    cursors: list[Cursor]
    states: list[State]
    carried: list[Events]


class Folder:
    """A folder that holds a simulation, or will.

    The manifest is written last for each day; whatever a killed run left behind it is written again, byte for byte.
    """

    def __init__(self, out: Path, arguments: Arguments) -> None:
        self.inbox = out / "inbox" / "fleet"
        self._truth = out / "truth"
        self._parts = self._truth / "parts"
        self._manifest = self._truth / "manifest.json"
        self._arguments = json.loads(json.dumps(asdict(arguments)))
        self._found = self._read_manifest()

    def _read_manifest(self) -> dict[str, Any]:
        if not self._manifest.exists():
            if next(self.inbox.rglob("*.avro"), None) is not None and not self._parts.exists():
                raise SillageError(
                    "The folder holds files that no simulation is known to have written", found=str(self.inbox),
                    expected="an empty folder, or one with truth/manifest.json", action="choose another folder",
                )  # fmt: skip
            return {}
        found: dict[str, Any] = json.loads(self._manifest.read_text())
        other = {k: v for k, v in found["arguments"].items() if self._arguments.get(k) != v}
        if other or found["arguments"].keys() != self._arguments.keys():
            raise SillageError(
                "The folder holds a simulation with other arguments",
                found=", ".join(f"{k}={v}" for k, v in other.items()),
                expected=", ".join(f"{k}={self._arguments.get(k)}" for k in other),
                action="repeat those arguments (only days may differ), choose another folder, or delete this one",
            )
        return found

    def resume(self, parts: Sequence[Partition]) -> Progress:
        """Returns where the simulation stands: at its beginning, or behind the last day of the manifest."""
        days = int(self._found.get("days", 0))
        if days == 0:
            states = [part.initial_state() for part in parts]
            return Progress(0, [Cursor() for _ in parts], states, [telemetry(0) for _ in parts])
        kept = self._kept(days)
        return Progress(
            days,
            [Cursor(**cursor) for cursor in self._found["cursors"]],
            [State.from_frame(pl.read_parquet(kept / f"state-{p}.parquet")) for p in range(len(parts))],
            [Events.from_frame(pl.read_parquet(kept / f"carried-{p}.parquet")) for p in range(len(parts))],
        )

    def _kept(self, days: int) -> Path:
        return self._parts / f"after-{days:05d}"

    def commit(self, day: date, progress: Progress, trips: pl.DataFrame, messages: pl.DataFrame) -> None:
        """Makes a day final: its truth, what the next day needs, then the manifest."""
        kept = self._kept(progress.days)
        kept.mkdir(parents=True, exist_ok=True)
        for p, (state, carried) in enumerate(zip(progress.states, progress.carried, strict=True)):
            state.to_frame().write_parquet(kept / f"state-{p}.parquet")
            carried.to_frame().write_parquet(kept / f"carried-{p}.parquet")
        trips.write_parquet(self._parts / f"trips-{day}.parquet")
        messages.write_parquet(self._parts / f"messages-{day}.parquet")
        cursors = [asdict(cursor) for cursor in progress.cursors]
        manifest = {"arguments": self._arguments, "days": progress.days, "last_day": str(day), "cursors": cursors}
        temporary = self._manifest.with_suffix(".part")
        temporary.write_text(json.dumps(manifest, indent=2) + "\n")
        temporary.replace(self._manifest)
        for old in self._parts.glob("after-*"):
            if old != kept:
                shutil.rmtree(old)

    def publish_truth(self, parts: Sequence[Partition], first_day: date, days: int) -> None:
        """Joins the days' truth into one file per table."""
        end_ms = day_ms(first_day + timedelta(days=days))
        self._write("vehicles", pl.concat([part.fleet.registry for part in parts]).sort("vin"))
        trips = pl.scan_parquet(self._parts / "trips-*.parquet").sort("vin", "started_at").collect()
        arrived = pl.col("ended_at").dt.epoch("ms") + LONGEST_LAG_MS < end_ms
        self._write("trips", trips.with_columns(arrived.alias("complete")))
        messages = pl.scan_parquet(self._parts / "messages-*.parquet").group_by("vin", "date", "kind")
        self._write("messages", messages.agg(pl.col("messages").sum()).sort("vin", "date", "kind").collect())

    def _write(self, table: str, frame: pl.DataFrame) -> None:
        temporary = self._truth / f".{table}.part"
        frame.write_parquet(temporary)
        temporary.replace(self._truth / f"{table}.parquet")


def begun(out: Path) -> Arguments | None:
    """The arguments of the simulation that a folder holds, or ``None`` if it holds none."""
    manifest = out / "truth" / "manifest.json"
    if not manifest.exists():
        return None
    found = json.loads(manifest.read_text())["arguments"]
    return Arguments(**{**found, "markets": tuple(found["markets"])})
