"""Inputs of the measurements, made anew for each run."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from lake.signals import BY_COLUMN
from simulator import simulate

#: The fifteen fields of a message: vehicle, time, sequence and these.
FIELDS = (
    "speed_kmh", "odometer_km", "latitude_deg", "longitude_deg", "altitude_m", "heading_deg", "soc_pct",
    "battery_voltage_v", "battery_current_a", "ambient_temperature_c", "lv_battery_voltage_v", "ignition_on",
)  # fmt: skip

#: What a feed may call them: as the columns, or by their VSS paths, which makes messages nearly twice as long.
NAMES = {"columns": {name: name for name in FIELDS}, "vss": {name: BY_COLUMN[name].vss for name in FIELDS}}


def json_profile(names: str) -> dict[str, object]:
    """The profile of the JSON lines, fields named in one of the ways of ``NAMES``."""
    return {
        "name": "bench", "format": "jsonl", "kind": "telemetry", "files": "*.jsonl", "sequence": "sequence",
        "vehicle": {"field": "vehicleId", "identifier": "vin"}, "time": {"field": "timestamp"}, "columns": NAMES[names],
    }  # fmt: skip


def json_lines(folder: Path, rows: int, names: str, vehicles: int = 2_000) -> None:
    """Messages of a fleet in the order of their arrival, as JSON lines of fifteen fields."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    vins = np.array([f"VF1BENCH{number:09d}" for number in range(vehicles)])
    start = 1_767_225_600_000
    for part, begin in enumerate(range(0, rows, 500_000)):
        number = np.arange(begin, min(begin + 500_000, rows))
        at = pl.Series(start + number // vehicles * 10_000 + rng.integers(0, 999, len(number))).cast(pl.Datetime("ms"))
        values = {
            field: np.round(rng.random(len(number)) * 80, 2) if name != "ignition_on" else number % 7 > 0
            for name, field in NAMES[names].items()
        }
        frame = pl.DataFrame(
            {
                "vehicleId": vins[number % vehicles],
                "timestamp": at.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
                "sequence": number // vehicles,
                **values,
            }
        )
        frame.write_ndjson(folder / f"part-{part:03}.jsonl")


def capture_files(folder: Path, vehicles: int, days: int) -> None:
    """Event Hubs Capture files of a simulated fleet."""
    simulate(folder, vehicles=vehicles, days=days, first_day=date(2026, 3, 2), partitions=2, codec="null")
