"""One file of a feed to raw rows and rejects, block by block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import polars as pl

from lake.errors import FeedError
from transforms.sources import capture
from transforms.sources.blocks import Block, line_blocks, records
from transforms.sources.canonical import (
    NO_REJECTS,
    OFFSET,
    ORIGINAL,
    ROW,
    Bounds,
    Decoded,
    FileContext,
    canonical,
    rejected,
)
from transforms.sources.delimited import DelimitedReader
from transforms.sources.identity import VehicleIds, mask_vins
from transforms.sources.json_text import JsonReader
from transforms.sources.profile import FeedProfile

Task = Callable[[], Decoded]


class FeedReader:
    """Reads the files of one feed.

    Args:
        profile: how.
        vehicle_key: secret key of the lake's vehicle hash.
        bounds: events outside are rejected.
    """

    def __init__(self, profile: FeedProfile, vehicle_key: bytes, bounds: Bounds) -> None:
        self.profile = profile
        self._bounds = bounds
        vins = VehicleIds(vehicle_key, "vin")
        own = vins if profile.vehicle.identifier == "vin" else VehicleIds(vehicle_key, profile.name)
        self._ids = {"vehicle": own, "vin": vins}
        self._json = JsonReader(profile) if profile.format != "csv" else None

    def shown_path(self, path: str) -> str:
        """A path as it may be stored: VINs in it are hashed."""
        return mask_vins(path.encode("utf-8", "replace"), self._ids["vin"]).decode("utf-8", "replace")

    def tasks(self, path: Path, name: str, modified_at: datetime) -> Iterator[Task]:
        """The file as tasks, each of which decodes one block.

        They may run in parallel, unless ``sequential``; their results belong in this order.

        Raises:
            FeedError: the path does not say what the profile expects of it.
        """
        context = self.context(name, modified_at)
        if self.profile.format == "capture":
            for number, (frame, damage) in enumerate(capture.events(path)):
                yield partial(self._events, frame, number, damage, context)
        elif self.profile.format == "csv":
            reader = DelimitedReader(self.profile)
            for block in line_blocks(path, quote=self.profile.csv.quote):
                yield partial(self._delimited, reader, block, context)
        else:
            for block in line_blocks(path):
                yield partial(self._lines, block, context)

    @property
    def sequential(self) -> bool:
        """Blocks depend on the ones before: the header of a CSV file, a running clock."""
        return self.profile.format == "csv"

    def context(self, name: str, modified_at: datetime) -> FileContext:
        """What the path says."""
        vehicle, start = self.profile.vehicle.constant, self.profile.time.start
        if self.profile.vehicle.path:
            vehicle = _caught(self.profile.vehicle.path, name, "the vehicle")
        if self.profile.time.start_path:
            text = _caught(self.profile.time.start_path, name, "the start time")
            try:
                start = datetime.strptime(text, self.profile.time.start_format)
            except ValueError:
                raise FeedError(
                    "The start time in the file's name cannot be read",
                    found=text,
                    expected=f"time.start_format {self.profile.time.start_format}",
                ) from None
            start = start if start.tzinfo else start.replace(tzinfo=UTC)
        return FileContext(self.shown_path(name), modified_at, vehicle, start)

    def _delimited(self, reader: DelimitedReader, block: Block, context: FileContext) -> Decoded:
        if block.damage:
            return self._damaged(block)
        cut = reader.cut(block)
        return self._decoded(cut.cells, cut.broken, cut.records, context)

    def _lines(self, block: Block, context: FileContext) -> Decoded:
        if block.damage:
            return self._damaged(block)
        starts, array = records(block.data)
        original = pl.Series(ORIGINAL, pl.from_arrow(array), dtype=pl.Binary)
        frame = pl.DataFrame({OFFSET: starts + block.offset, ORIGINAL: original, "@text": capture.texts(original)})
        blank = frame["@text"].str.len_bytes() <= 2
        if blank.any():
            frame = frame.filter((frame["@text"].str.strip_chars() != "").fill_null(True))
        return self._objects(frame.with_row_index(ROW), context)

    def _events(self, frame: pl.DataFrame, number: int, damage: str | None, context: FileContext) -> Decoded:
        first = number * frame.height if damage is None else -1
        cells = frame.select(
            pl.col("Body").fill_null(b"").alias(ORIGINAL),
            pl.col("EnqueuedTimeUtc").alias("@arrived"),
            capture.texts(frame["Body"]).alias("@text"),
            (pl.col("SequenceNumber").fill_null(pl.int_range(pl.len()) + max(first, 0))).alias(OFFSET),
        ).with_row_index(ROW)
        if damage is not None:
            return Decoded(1, rejects=rejected(cells, damage, self._ids["vin"]))
        return self._objects(cells, context)

    def _objects(self, frame: pl.DataFrame, context: FileContext) -> Decoded:
        assert self._json is not None
        if frame.is_empty():
            return Decoded(0)
        cells, broken = self._json.cut(frame)
        count = cells.height + broken.height
        if count != frame.height:
            # Arrays were taken apart: number the messages anew, in their order.
            both = pl.concat([cells.with_columns(pl.lit(None, pl.String).alias("@reason")), broken], how="diagonal_relaxed")
            both = both.sort(ROW, maintain_order=True).drop(ROW).with_row_index(ROW)
            is_broken = both["@reason"].is_not_null()
            cells, broken = both.filter(~is_broken).drop("@reason"), both.filter(is_broken)
        return self._decoded(cells, broken, count, context)

    def _decoded(self, cells: pl.DataFrame, broken: pl.DataFrame, count: int, context: FileContext) -> Decoded:
        if self.profile.sequence == "record" and "@place" not in cells.columns:
            cells = cells.with_columns(pl.col(OFFSET).alias("@place"))
        rows, rejects = canonical(cells, self.profile, context, self._bounds, self._ids)
        if broken.height:
            rejects.append(rejected(broken, pl.col("@reason"), self._ids["vin"]))
        return Decoded(count, rows, pl.concat(rejects) if rejects else NO_REJECTS)

    def _damaged(self, block: Block) -> Decoded:
        frame = pl.DataFrame({ROW: [0], OFFSET: [block.offset], ORIGINAL: [block.data]})
        return Decoded(1, rejects=rejected(frame, block.damage or "", self._ids["vin"]))


def _caught(pattern: str, path: str, what: str) -> str:
    match = re.search(pattern, path)
    if match is None or match.group(1) is None:
        raise FeedError(
            f"The path does not say {what}",
            found=path,
            expected=f"a path that matches {pattern}",
            action="correct the pattern in the profile, or leave such files out with exclude",
        )
    return match.group(1)
