"""Reads bytes as a file of a feed, and shows what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from transforms.sources.canonical import Bounds, Decoded
from transforms.sources.identity import KeyedIds
from transforms.sources.profile import FeedProfile, parse_profile
from transforms.sources.reader import FeedReader
from transforms.sources.section import WHOLE, Section

KEY = b"a key for tests, 32 bytes long.."
BOUNDS = Bounds(datetime(2000, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
WRITTEN = datetime(2024, 6, 1, 12, tzinfo=UTC)
VIN = "YV2E4C3A5VB180691"

#: A feed of one kind with a vehicle, a time and a speed. Tests say where theirs differs.
FEED: dict[str, Any] = {
    "name": "feed",
    "format": "csv",
    "kind": "telemetry",
    "vehicle": {"field": "vehicle"},
    "time": {"field": "at"},
    "columns": {"speed_kmh": "speed"},
}


def profile(**changes: Any) -> FeedProfile:
    """``FEED`` with other tables in place of its own; None takes one away."""
    content = {key: value for key, value in (FEED | changes).items() if value is not None}
    return parse_profile(content, "feed.toml")


@dataclass
class Read:
    """What became of a file."""

    records: int = 0
    blocks: int = 0
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    rejects: pl.DataFrame = field(default_factory=lambda: Decoded(0).rejects)

    def column(self, name: str, kind: str = "telemetry") -> list[Any]:
        """A column of the rows that land."""
        return self.rows[kind][name].to_list() if kind in self.rows else []

    @property
    def reasons(self) -> list[str]:
        return self.rejects["reason"].to_list()

    @property
    def originals(self) -> list[bytes]:
        """The bytes of rejects, with what stands for the vehicle ``a`` taken back."""
        mask = f"vehicle_id:{vehicle_id('a')}".encode()
        texts = (original.replace(b'"' + mask + b'"', b'"a"') for original in self.rejects["original"])
        return [text.replace(mask, b"a") for text in texts]

    @property
    def landed(self) -> int:
        return sum(frame.height for frame in self.rows.values())

    def places(self) -> list[int]:
        """Numbers of all records, landed and rejected."""
        frames = [*self.rows.values(), self.rejects]
        return sorted(number for frame in frames for number in frame["record"].to_list())


def read_file(
    path: Path, feed: FeedProfile, name: str | None = None, bounds: Bounds = BOUNDS, section: Section = WHOLE
) -> Read:
    """Read a file, or a section of it, its records numbered through as landing does."""
    reader = FeedReader(feed, KEY, bounds)
    out = Read()
    for task in reader.tasks(path, name or path.name, WRITTEN, section):
        decoded = task()
        first = pl.col("record") + out.records
        for kind, rows in decoded.rows.items():
            before = [out.rows[kind]] if kind in out.rows else []
            out.rows[kind] = pl.concat([*before, rows.with_columns(first)], how="diagonal_relaxed")
        out.rejects = pl.concat([out.rejects, decoded.rejects.with_columns(first)])
        out.records += decoded.records
        out.blocks += 1
    return out


def read(data: bytes | str, feed: FeedProfile, folder: Path, name: str = "file") -> Read:
    """Read bytes (or UTF-8 text) as a file."""
    path = folder / Path(name).name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_file(path, feed, name)


def vehicle_id(identifier: str, namespace: str = "feed") -> str:
    """The hash of an identifier."""
    return KeyedIds(KEY, namespace).of(identifier)


def masked(vin: str = VIN) -> str:
    """What stands for a VIN in texts."""
    return f"vin:{vehicle_id(vin, 'vin')}"
