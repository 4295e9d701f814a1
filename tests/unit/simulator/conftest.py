"""One small simulation that the tests of this folder read, and readers of what it wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pytest

from simulator import SimulationReport, simulate

ARGUMENTS: dict[str, Any] = {
    "vehicles": 40, "first_day": date(2026, 3, 27), "seed": 7, "partitions": 2, "window_s": 6 * 3600,
}  # fmt: skip
DAYS = 4  # over the change of clocks in Europe


@dataclass(frozen=True)
class Simulated:
    """A folder and what is in it."""

    folder: Path
    report: SimulationReport

    def truth(self, table: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "truth" / f"{table}.parquet")

    def records(self) -> list[dict[str, Any]]:
        return [record | {"path": path} for path in capture_files(self.folder) for record in read(path)]

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(record["Body"]) for record in self.records()]

    def telemetry(self) -> pl.DataFrame:
        rows = [body for body in self.bodies() if body["kind"] == "telemetry"]
        at = pl.col("ts").str.to_datetime(time_unit="us", time_zone="UTC")
        return pl.DataFrame(rows, infer_schema_length=None).with_columns(at).sort("vin", "seq")


def capture_files(folder: Path) -> list[Path]:
    """In the order of partition and time."""
    return sorted((folder / "inbox").rglob("*.avro"))


def read(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as stream:
        return list(fastavro.reader(stream))


def digests(folder: Path) -> dict[str, str]:
    """Of every Capture file and every truth table."""
    files = [*capture_files(folder), *sorted((folder / "truth").glob("*.parquet"))]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    folder = tmp_path_factory.mktemp("simulated")
    return Simulated(folder, simulate(folder, days=DAYS, **ARGUMENTS))


@pytest.fixture(scope="session")
def telemetry(simulated: Simulated) -> pl.DataFrame:
    return simulated.telemetry()
