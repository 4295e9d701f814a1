"""Trying a profile: files are read as landing reads them, and nothing is written."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from lake.errors import FeedError
from lake.settings import Settings
from orchestration.inbox import FoundFile, named_files
from orchestration.landing import bounds
from transforms.sources.canonical import Decoded
from transforms.sources.coverage import Coverage
from transforms.sources.profile import FeedProfile, Kind
from transforms.sources.reader import FeedReader

#: So many rows of each kind are shown.
SHOWN_ROWS = 3
#: Of so many rows of a block it is looked up which fields no column reads.
_LOOKED_INTO = 1000
#: What was found is not the reason.
_FOUND = re.compile(r": found (?:nothing|'.*?')(?=; |$)", re.DOTALL)


@dataclass
class Reason:
    """Records that would be rejected for the same.

    Attributes:
        why: without what was found.
        records: how many.
        example: the first, as ops.rejects would say it.
        place: its file, and where it starts.
        original: its bytes.
    """

    why: str
    example: str
    place: str
    original: bytes
    records: int = 0


@dataclass
class Trial:
    """What would land.

    Attributes:
        files: that were read.
        records: in them; ``landed`` plus ``rejected``.
        landed: records that would become raw rows.
        rejected: records that would be rejected.
        reasons: why, by their words.
        rows: the first rows of each kind. The hashes in them are not those of any lake.
        never_found: columns of the profile that no file had a field for.
        not_read: fields that no column reads; they would land in ``extras``.
    """

    files: int = 0
    records: int = 0
    landed: int = 0
    rejected: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict)
    rows: dict[Kind, pl.DataFrame] = field(default_factory=dict)
    never_found: list[str] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)


#: Called with bytes done, bytes in all, and records so far.
Progress = Callable[[int, int, int], None]


def attempt(
    settings: Settings, profile: FeedProfile, paths: Sequence[str], *, progress: Progress | None = None
) -> Trial:
    """Read files as landing would, and write nothing. No lake is needed.

    Args:
        settings: the earliest day.
        profile: the feed.
        paths: files and folders.
        progress: told about what is going on.

    Raises:
        FeedError: no file is named, or one does not exist; the path does not say what the profile expects of it.
    """
    if not paths:
        raise FeedError("There is nothing to try", found="no file", expected="the files to try the profile on")
    files = named_files(profile, paths)
    reader = FeedReader(profile, secrets.token_bytes(32), bounds(settings, profile, datetime.now(UTC)))
    trial, coverage = Trial(files=len(files)), Coverage(profile)
    total = sum(file.size_bytes for file in files)
    done = 0
    unread: dict[str, None] = {}
    for file in files:
        for decoded in _decoded(reader, file):
            trial.records += decoded.records
            coverage.take(decoded.rows)
            for kind, rows in decoded.rows.items():
                trial.landed += rows.height
                _keep(trial, kind, rows)
                unread |= _unread(rows)
            _count(trial, decoded.rejects, reader.shown_path(file.path))
            if progress:
                progress(done, total, trial.records)
        done += file.size_bytes
    trial.never_found, trial.not_read = coverage.never_found(), list(unread)
    return trial


def _decoded(reader: FeedReader, file: FoundFile) -> Iterator[Decoded]:
    for task in reader.tasks(Path(file.path), file.path, file.modified_at):
        yield task()


def _keep(trial: Trial, kind: Kind, rows: pl.DataFrame) -> None:
    """The first rows of a kind."""
    before = trial.rows.get(kind, rows.clear())
    if before.height < SHOWN_ROWS:
        trial.rows[kind] = pl.concat([before, rows], how="diagonal_relaxed").head(SHOWN_ROWS)


def _unread(rows: pl.DataFrame) -> dict[str, None]:
    """Names of the fields that are in ``extras``."""
    extras = rows["extras"].drop_nulls().head(_LOOKED_INTO)
    return {name: None for text in extras for name in json.loads(text)}


def _count(trial: Trial, rejects: pl.DataFrame, path: str) -> None:
    """Rejects by their reason, the first of each as its example."""
    trial.rejected += rejects.height
    for reason, records, offset, original in (
        rejects.group_by("reason", maintain_order=True).agg(pl.len(), pl.col("offset", "original").first()).iter_rows()
    ):
        why = _FOUND.sub("", reason)
        known = trial.reasons.setdefault(why, Reason(why, reason, f"{path} at {offset}", original))
        known.records += records
