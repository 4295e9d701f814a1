"""The log of landing, ``ops.batches``: what is planned, what has landed, and what may land again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from lake.schemas import TABLES
from lake.schemas.ops import Batches
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Appender, AppTransaction, Table, open_table
from orchestration.inbox import FoundFile
from transforms.sources.profile import FeedProfile
from transforms.sources.section import WHOLE, Section


@dataclass(frozen=True)
class NewFile:
    """A file of which something is to land.

    Attributes:
        file: it.
        shown: its path as it may be stored.
        fingerprint: of all that it holds.
        section: what is new in it.
        anew: why all of it is, where some of it has landed before under the same path.
    """

    file: FoundFile
    shown: str
    fingerprint: str
    section: Section = WHOLE
    anew: str = ""


@dataclass(frozen=True)
class PlannedFile:
    """One file of a batch, as ``ops.batches`` has it."""

    number: int
    file: str
    fingerprint: str
    size_bytes: int
    modified_at: datetime
    start_byte: int = 0
    first_record: int = 0

    @property
    def section(self) -> Section:
        """What of it lands."""
        return Section(self.start_byte, self.size_bytes, self.first_record)

    @property
    def new_bytes(self) -> int:
        """How long that is."""
        return self.size_bytes - self.start_byte


@dataclass(frozen=True)
class Batch:
    """A planned batch."""

    source: str
    number: int
    planned_at: datetime
    files: tuple[PlannedFile, ...]


def read_batches(lake: Lake, source: str) -> pl.DataFrame:
    """All that the log says of a feed."""
    return open_table(lake, "ops.batches").scan(where=pl.col("source") == source).collect()


def settled(batches: pl.DataFrame) -> set[str]:
    """Fingerprints of all files but those that were only ever in abandoned batches."""
    abandoned = batches.filter(pl.col("status") == "abandoned")["batch"].unique()
    return set(batches.filter(~pl.col("batch").is_in(abandoned.implode()))["fingerprint"])


def first_unfinished(batches: pl.DataFrame) -> Batch | None:
    """The batch that the next run has to finish."""
    if batches.is_empty():
        return None
    finished = batches.filter(pl.col("status") != "planned")["batch"].unique()
    open_rows = batches.filter(~pl.col("batch").is_in(finished.implode())).sort("batch", "file_number")
    if open_rows.is_empty():
        return None
    rows = open_rows.filter(pl.col("batch") == open_rows[0, "batch"])
    names = ("file_number", "file", "fingerprint", "size_bytes", "modified_at", "start_byte", "first_record")
    files = tuple(PlannedFile(*row) for row in rows.select(*names[:5], pl.col(names[5:]).fill_null(0)).iter_rows())
    return Batch(rows[0, "source"], rows[0, "batch"], rows[0, "at"], files)


def plan(lake: Lake, settings: Settings, source: str, number: int, new: Iterable[NewFile]) -> None:
    """Write down the next batch. Where another run planned the same number first, its plan holds.

    So a plan may be made of what the log said before: if another run has landed something since, it has planned too.

    Args:
        lake: where to.
        settings: size of a batch.
        source: name of the feed.
        number: of the batch.
        new: files, of which as many are taken as make a batch.
    """
    rows: list[dict[str, object]] = []
    size = 0
    now = datetime.now(UTC)
    for one in new:
        file, section = one.file, one.section
        if rows and size + file.size_bytes - section.start > settings.batch_bytes:
            break
        size += file.size_bytes - section.start
        rows.append(
            {
                "source": source, "batch": number, "status": "planned", "at": now,
                "file": one.shown, "file_number": len(rows), "fingerprint": one.fingerprint,
                "size_bytes": file.size_bytes, "modified_at": file.modified_at,
                "start_byte": section.start, "first_record": section.first_record,
            }
        )  # fmt: skip
    if not rows:
        return
    frame = pl.DataFrame(rows, schema=Batches.create_empty().schema)
    open_table(lake, "ops.batches").append(frame, txn=AppTransaction(f"{source}/planned", number))


def claim(lake: Lake, batch: Batch) -> bool:
    """Before anything of a batch is committed: from here on no run can abandon it. False where one has already."""
    Appender(open_table(lake, "ops.batches"), _decision(batch)).commit()
    return not _is_abandoned(lake, batch)


def abandon(lake: Lake, batch: Batch) -> bool:
    """Give a batch up whose files are gone, so that what is left of it lands in another.

    Returns:
        False where a run has claimed it: some of it may be in the lake, and it must be finished.
    """
    rows = [
        {
            "source": batch.source, "batch": batch.number, "status": "abandoned", "at": datetime.now(UTC),
            "file": planned.file, "file_number": planned.number, "fingerprint": planned.fingerprint,
            "size_bytes": planned.size_bytes, "modified_at": planned.modified_at,
            "start_byte": planned.start_byte, "first_record": planned.first_record,
            "records": 0, "landed": 0, "rejected": 0,
        }
        for planned in batch.files
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=Batches.create_empty().schema)
    open_table(lake, "ops.batches").append(frame, txn=_decision(batch))
    return _is_abandoned(lake, batch)


def _decision(batch: Batch) -> AppTransaction:
    """Taken once: by those who will commit a batch, or by one who abandons it."""
    return AppTransaction(f"{batch.source}/decided", batch.number)


def _is_abandoned(lake: Lake, batch: Batch) -> bool:
    batches = read_batches(lake, batch.source)
    return batches.filter(pl.col("batch") == batch.number, pl.col("status") == "abandoned").height > 0


def fruitless(lake: Lake, profile: FeedProfile, batches: pl.DataFrame) -> set[str]:
    """Fingerprints of files of which nothing is in the lake, though their batches are finished: they may land again.

    A run that is still busy with one of these batches must not add to it any more. So every raw table first takes the
    number of the newest of them, with no rows; from then on what a table holds of them is final. A batch of which
    it holds something else than the log says (it was finished with another profile than it was begun with) is left
    alone.

    Args:
        lake: the lake.
        profile: the feed.
        batches: its log, in which all batches are finished.
    """
    source, newest = profile.name, max(batches["batch"], default=0)
    landed = batches.filter(pl.col("status") == "landed")
    nothing = landed.group_by("fingerprint").agg(pl.col("landed").sum()).filter(pl.col("landed") == 0)
    suspect = landed.join(nothing, on="fingerprint", how="semi")["batch"].unique()
    if suspect.is_empty():
        return set()
    counts = []
    for name in TABLES:
        table = open_table(lake, name)
        if name.removeprefix("raw.") in profile.by_kind or (name.startswith("raw.") and table.exists()):
            Appender(table, AppTransaction(f"{source}/{name}", newest)).commit()
            counts.append(_rows_by_batch(table, source, suspect))
    said = landed.group_by("batch").agg(pl.col("landed").sum().cast(pl.Int64).alias("rows"))
    there = pl.concat([pl.DataFrame(schema={"batch": pl.Int64, "rows": pl.Int64}), *counts]).group_by("batch").sum()
    both = said.join(there, on="batch", how="left", suffix="_there")
    wrong = both.filter(pl.col("rows") != pl.col("rows_there").fill_null(0), pl.col("batch").is_in(suspect.implode()))
    doubtful = landed.filter(pl.col("batch").is_in(wrong["batch"].implode()))
    return set(nothing["fingerprint"]) - set(doubtful["fingerprint"])


def _rows_by_batch(table: Table, source: str, batches: pl.Series) -> pl.DataFrame:
    mine = (pl.col("source") == source) & pl.col("batch").is_in(batches.implode())
    return table.scan(where=mine).group_by("batch").agg(pl.len().cast(pl.Int64).alias("rows")).collect()
