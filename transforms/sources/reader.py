"""One file of a feed to raw rows and rejects, block by block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from lake.errors import FeedError
from transforms.sources.blocks import LONGEST_RECORD, TOGETHER_BYTES, Block, line_blocks
from transforms.sources.bodies import Bodies, bodies
from transforms.sources.canonical import (
    FILE,
    ITEM,
    NO_REJECTS,
    OFFSET,
    ORIGINAL,
    REASON,
    ROW,
    WRITTEN,
    Bounds,
    Decoded,
    FileContext,
    canonical,
    rejected,
    with_clock,
    without_length,
)
from transforms.sources.compressed import without_ending
from transforms.sources.delimited import DelimitedReader
from transforms.sources.identity import KeyedIds
from transforms.sources.json_text import JsonReader
from transforms.sources.masking import mask_path
from transforms.sources.one_signal import widened
from transforms.sources.profile import FeedProfile, Kind
from transforms.sources.section import WHOLE, Section
from transforms.sources.times import instants

Task = Callable[[], Decoded]


@dataclass(frozen=True)
class SmallFile:
    """A file that is read with others.

    Attributes:
        open: gives a local path with its content for as long as it is needed.
        name: its path as it was found.
        modified_at: when it was last written.
        section: what of it is read.
    """

    open: Callable[[], AbstractContextManager[Path]]
    name: str
    modified_at: datetime
    section: Section = WHOLE


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
        vins = KeyedIds(vehicle_key, "vin")
        own = vins if profile.vehicle.identifier == "vin" else KeyedIds(vehicle_key, profile.name)
        self._ids = {"vehicle": own, "vin": vins, "account": KeyedIds(vehicle_key, f"{profile.name}/account")}
        self._json = JsonReader(profile) if profile.format != "csv" else None

    def shown_path(self, path: str) -> str:
        """A path as it may be stored: the vehicle that the profile reads from it, and VINs, are hashed."""
        key = self.profile.vehicle.path
        return mask_path(path, caught(key, path) if key else None, self._ids)

    def tasks(self, path: Path, name: str, modified_at: datetime, section: Section = WHOLE) -> Iterator[Task]:
        """The file as tasks, each of which decodes one block.

        They may run in parallel, unless ``sequential``; their results belong in this order.

        Raises:
            FeedError: the path does not say what the profile expects of it.
        """
        context = self.context(name, modified_at)
        if self.profile.format == "csv":
            reader = DelimitedReader(self.profile, path, section)
            ends = reader.record_ends
            for block in line_blocks(path, ends, start=reader.start, line_end=reader.line_end, section=section):
                yield partial(self._delimited, reader, block, context)
        else:
            for read in bodies(path, self.profile.format, self.profile.envelope, section):
                yield partial(self._read, read, context)

    def gather(self, files: Sequence[SmallFile]) -> Iterator[Decoded]:
        """Several small files, decoded together: what a block costs, however short it is, is paid once.

        Only for a feed that ``gathers``. The files of each block are told apart by its ``ends``.
        """
        waiting: list[Bodies] = []
        size = 0
        for number, file in enumerate(files):
            context = self.context(file.name, file.modified_at)
            of_file = (pl.lit(number, pl.UInt32).alias(FILE), pl.lit(file.modified_at.astimezone(UTC)).alias(WRITTEN))
            with file.open() as path:
                style: Literal["capture", "jsonl"] = "capture" if self.profile.format == "capture" else "jsonl"
                for read in bodies(path, style, self.profile.envelope, file.section):
                    found = read()
                    waiting.append(Bodies(found.frame.with_columns(of_file), found.keys))
                    size += int(found.frame[ORIGINAL].estimated_size())
            if waiting and (size >= TOGETHER_BYTES or number == len(files) - 1):
                keys = [found.keys for found in waiting]
                frame = pl.concat([found.frame for found in waiting]).with_row_index(ROW)
                known = None if None in keys else sum(filter(None, keys))
                yield self._objects(frame, context, known, files=len(files))
                waiting, size = [], 0

    @property
    def gathers(self) -> bool:
        """Nothing of a record depends on the path of its file, or on the record before."""
        by_path = self.profile.vehicle.path or self.profile.time.start_path
        return not self.sequential and not by_path

    @property
    def sequential(self) -> bool:
        """Blocks depend on the ones before: the place in a CSV file, a running clock."""
        return self.profile.format == "csv" or self.profile.time.cumulative

    def context(self, name: str, modified_at: datetime) -> FileContext:
        """What the path says; the ending of a compressed file is no part of it.

        Raises:
            FeedError: not what the profile expects of it.
        """
        key = self.profile.time
        vehicle, start = self.profile.vehicle.constant, key.start
        if self.profile.vehicle.path:
            vehicle = self._caught(self.profile.vehicle.path, name, "the vehicle")
        if key.start_path:
            text = self._caught(key.start_path, name, "the start time")
            start = instants(pl.Series([text]), key.start_format, key.zone, key.ambiguous)[0]
            if start is None:
                raise FeedError(
                    "The start time in the file's name cannot be read",
                    found=f"{text} in {self.shown_path(name)}",
                    expected=f"time.start_format {key.start_format}",
                    action="correct the format in the profile, or leave such files out with exclude",
                )
        return FileContext(self.shown_path(name), modified_at, vehicle, start)

    def _caught(self, pattern: str, path: str, what: str) -> str:
        found = caught(pattern, path)
        if not found:
            raise FeedError(
                f"The path does not say {what}",
                found=self.shown_path(path),
                expected=f"a path that matches {pattern}",
                action="correct the pattern in the profile, or leave such files out with exclude",
            )
        return found

    def _delimited(self, reader: DelimitedReader, block: Block, context: FileContext) -> Decoded:
        if block.damage:
            reader.pass_over()
            return self._damaged(block)
        cut = reader.cut(block)
        cells: dict[Kind | None, pl.DataFrame] = {None: cut.cells} if cut.cells.height else {}
        return self._decoded(cells, cut.broken, cut.records, context)

    def _read(self, read: Callable[[], Bodies], context: FileContext) -> Decoded:
        found = read()
        return self._objects(found.frame.with_row_index(ROW), context, found.keys)

    def _objects(self, frame: pl.DataFrame, context: FileContext, keys: int | None, files: int = 1) -> Decoded:
        """Texts to rows and rejects.

        Args:
            frame: that of ``Bodies``, with ``@row``, and with ``@file`` where it is of several.
            context: the file.
            keys: those of ``Bodies``.
            files: how many files are gathered.
        """
        assert self._json is not None
        taken, broken = frame.height, []
        if frame[REASON].null_count() < taken:
            broken.append(frame.filter(pl.col(REASON).is_not_null()))
            frame = frame.filter(pl.col(REASON).is_null())
        frame = frame.drop(REASON)
        too_long = frame[ORIGINAL].bin.size() > LONGEST_RECORD
        if too_long.any():
            broken.append(without_length(frame.filter(too_long)))
            frame = frame.filter(~too_long)
        cut = self._json.cut(frame, keys)
        if cut.broken.height:
            broken.append(cut.broken)
        lost = pl.concat(broken, how="diagonal_relaxed") if broken else None
        count = sum(cells.height for cells in cut.cells.values()) + (0 if lost is None else lost.height)
        cells = {kind: widened(part, self.profile) for kind, part in cut.cells.items()}
        if count != taken:
            cells, lost = _numbered(cells, lost)
        decoded = self._decoded(cells, lost, count, context)
        if files == 1:
            return decoded
        numbers = pl.concat([part[FILE] for part in (*cells.values(), *([] if lost is None else [lost]))])
        ends = np.cumsum(np.bincount(numbers.to_numpy(), minlength=files))
        return replace(decoded, ends=tuple(ends.tolist()))

    def _decoded(
        self, cells: Mapping[Kind | None, pl.DataFrame], broken: pl.DataFrame | None, count: int, context: FileContext
    ) -> Decoded:
        rows: dict[Kind, list[pl.DataFrame]] = {}
        rejects: list[pl.DataFrame] = []
        if self.profile.time.cumulative:
            cells = with_clock(cells, broken, self.profile, context)
        for known, part in cells.items():
            placed = part
            if self.profile.sequence == "record" and "@place" not in part.columns:
                placed = part.with_columns(pl.col(OFFSET).alias("@place"))
            good, bad = canonical(placed, self.profile, context, self._bounds, self._ids, known)
            for kind, frame in good.items():
                rows.setdefault(kind, []).append(frame)
            rejects += bad
        if broken is not None and broken.height:
            rejects.append(rejected(broken, pl.col(REASON), self.profile, self._ids))
        refused = pl.concat(rejects).sort("record") if rejects else NO_REJECTS
        if refused.height and self.profile.format != "capture":
            lines = [original.rstrip(b"\r\n") for original in refused["original"]]
            refused = refused.with_columns(pl.Series("original", lines, dtype=pl.Binary))
        return Decoded(count, {kind: _in_order(frames) for kind, frames in rows.items()}, refused)

    def _damaged(self, block: Block) -> Decoded:
        frame = pl.DataFrame({ROW: [0], OFFSET: [block.offset], ORIGINAL: [block.data]})
        return Decoded(1, rejects=rejected(frame, block.damage or "", self.profile, self._ids))


def caught(pattern: str, path: str) -> str:
    """What the first group of a pattern catches in a path, compressed or not; empty where it does not match.

    Capitals count only where that makes it match: loggers write ``X.CSV``.
    """
    text = without_ending(path)
    match = re.search(pattern, text) or re.search(pattern, text, re.IGNORECASE)
    return (match.group(1) or "") if match else ""


def _in_order(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Rows of one kind that were read in different ways, in the order of the records."""
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed").sort("record")


def _numbered(
    cells: Mapping[Kind | None, pl.DataFrame], broken: pl.DataFrame | None
) -> tuple[dict[Kind | None, pl.DataFrame], pl.DataFrame | None]:
    """Messages numbered anew, in their order, where arrays of them were taken apart."""
    parts = [*cells.values(), *([] if broken is None else [broken])]
    first = pl.lit(0, pl.UInt32).alias(ITEM)
    places = [
        part.select(ROW, pl.col(ITEM) if ITEM in part.columns else first, part=n, at=pl.int_range(pl.len()))
        for n, part in enumerate(parts)
    ]
    order = pl.concat(places).sort(ROW, ITEM).drop(ROW).with_row_index(ROW)
    numbered = [
        part.with_columns(order.filter(pl.col("part") == n).sort("at")[ROW].alias(ROW)).sort(ROW)
        for n, part in enumerate(parts)
    ]
    return dict(zip(cells, numbered, strict=False)), numbered[-1] if broken is not None else None
