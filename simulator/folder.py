"""The folder of a simulation: its manifest, what is needed to take it up again, and the truth tables."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lake.errors import SillageError
from simulator.energy import State
from simulator.events import Events
from simulator.life import Carried
from simulator.mishaps import Modems
from simulator.outbox import Waiting
from simulator.told import KINDS

FORMAT = 3  # of the folder and of the fleet in it; a manifest of another format is not taken up


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
    dirt: str
    files: str
    format: int = FORMAT


@dataclass
class Cursor:
    """Where a partition's stream of events stands: the next SequenceNumber and Offset."""

    sequence: int = 0
    offset: int = 0


@dataclass
class Progress:
    """What one day hands to the next in one partition."""

    days: int
    cursor: Cursor
    carried: Carried
    waiting: Waiting


class Folder:
    """A folder that holds a simulation, or will."""

    def __init__(self, out: Path) -> None:
        self.inbox = out / "inbox" / "fleet"
        self.truth = out / "truth"
        self._manifest = self.truth / "manifest.json"

    def open(self, arguments: Arguments) -> None:
        """Says in the manifest what the folder holds, before anything else is written.

        Raises:
            SillageError: if it holds something else.
        """
        wanted = json.loads(json.dumps(asdict(arguments)))
        found = self._read()
        if found is None:
            if next((path for path in self.inbox.rglob("*") if path.is_file()), None) is not None:
                raise SillageError(
                    "The folder holds files that no simulation is known to have written", found=str(self.inbox),
                    expected="an empty folder, or one with truth/manifest.json", action="choose another folder",
                )  # fmt: skip
            self.truth.mkdir(parents=True, exist_ok=True)
            write_text(self._manifest, json.dumps({"arguments": wanted, "days": 0}, indent=2) + "\n")
            return
        other = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
        if other:
            raise SillageError(
                "The folder holds a simulation with other arguments",
                found=", ".join(f"{key}={found.get(key)}" for key in other),
                expected=", ".join(f"{key}={wanted.get(key)}" for key in other),
                action="repeat those arguments (only days may differ), choose another folder, or delete this one",
            )

    def close(self, arguments: Arguments, days: int, last_day: str) -> None:
        """Says in the manifest how far the simulation has come."""
        manifest = {"arguments": asdict(arguments), "days": days, "last_day": last_day}
        write_text(self._manifest, json.dumps(manifest, indent=2) + "\n")

    def part(self, number: int) -> Part:
        """Returns the folder of a partition."""
        return Part(self.truth / "parts" / f"{number:04d}")

    def _read(self) -> dict[str, Any] | None:
        if not self._manifest.exists():
            return None
        arguments: dict[str, Any] = json.loads(self._manifest.read_text())["arguments"]
        return arguments


class Part:
    """What a partition keeps. Its own manifest is written last; whatever a killed run left behind it is done again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._manifest = root / "manifest.json"

    @property
    def days(self) -> int:
        """Days that are final."""
        return int(json.loads(self._manifest.read_text())["days"]) if self._manifest.exists() else 0

    def kept(self, days: int) -> Path:
        """Returns the folder of what the day after ``days`` needs."""
        return self.root / f"after-{days:05d}"

    def resume(self) -> Progress | None:
        """Returns where the partition stands, ``None`` at its beginning. Truth of days not final is forgotten."""
        self.root.mkdir(parents=True, exist_ok=True)
        days = self.days
        for path in self.root.glob("*-?????-?????.parquet"):
            if int(path.stem[-5:]) > days:
                path.unlink()
        if days == 0:
            return None
        kept = self.kept(days)
        read = {path.stem: pl.read_parquet(path, glob=False) for path in kept.glob("*.parquet")}
        concerns = {name.removeprefix("concern-"): f for name, f in read.items() if name.startswith("concern-")}
        waiting = Waiting(
            counts=read["counts"].to_numpy().T.copy(),
            telemetry=Events.from_frames(read["telemetry"], read["telemetry_text"]),
            frames={kind: read[f"frame-{kind}"] for kind in KINDS if f"frame-{kind}" in read},
            carried=Events.from_frames(read["carried"], read["carried_text"]),
            modems=Modems.from_frame(read["modems"]),
        )
        cursor = Cursor(**json.loads(self._manifest.read_text())["cursor"])
        return Progress(days, cursor, Carried(State.from_frame(read["state"]), concerns), waiting)

    def commit(self, since: int, now: Progress, truth: dict[str, pl.DataFrame], notes: dict[str, pl.DataFrame]) -> None:
        """Makes the days from ``since`` to ``now.days`` final.

        Args:
            since: days that were final before.
            now: what the next day needs.
            truth: rows of the truth tables of these days.
            notes: further frames that only the last state is asked for.
        """
        kept = self.kept(now.days)
        kept.mkdir(parents=True, exist_ok=True)
        for name, frame in {**_frames(now), **notes}.items():
            frame.write_parquet(kept / f"{name}.parquet", compression="lz4", statistics=False)
        for table, frame in truth.items():
            frame.write_parquet(self.root / f"{table}-{since:05d}-{now.days:05d}.parquet", statistics=False)
        write_text(self._manifest, json.dumps({"days": now.days, "cursor": asdict(now.cursor)}) + "\n")
        for old in self.root.glob("after-*"):
            if old != kept:
                shutil.rmtree(old)


def _frames(now: Progress) -> dict[str, pl.DataFrame]:
    waiting = now.waiting
    frames = {f"concern-{name}": frame for name, frame in now.carried.concerns.items()}
    frames |= {f"frame-{kind}": frame for kind, frame in waiting.frames.items()}
    frames["telemetry"], frames["telemetry_text"] = waiting.telemetry.to_frames()
    frames["carried"], frames["carried_text"] = waiting.carried.to_frames()
    frames["counts"] = pl.DataFrame(waiting.counts.T, schema=list(KINDS))
    return frames | {"state": now.carried.state.to_frame(), "modems": waiting.modems.to_frame()}


def write_text(path: Path, text: str) -> None:
    """Writes a file so that nobody reads half of it."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text)
    temporary.replace(path)


def begun(out: Path) -> Arguments | None:
    """The arguments of the simulation that a folder holds, or ``None`` if it holds none."""
    manifest = out / "truth" / "manifest.json"
    if not manifest.exists():
        return None
    found = json.loads(manifest.read_text())["arguments"]
    if found.get("format") != FORMAT:
        raise SillageError(
            "The folder holds a simulation of another version", found=f"{manifest}: format {found.get('format')}",
            expected=f"format {FORMAT}", action="delete the folders inbox/fleet and truth there, and simulate again",
        )  # fmt: skip
    return Arguments(**{**found, "markets": tuple(found["markets"])})
