"""Landing: files of a feed to raw rows and rejects, exactly once.

A batch is planned (``ops.batches``) before it is executed, each table takes it as one append that carries the
application transaction ``source/table``, and batches of a source are finished in their order. So a run that was
killed anywhere is finished by the next one, with the same rows.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial

import numpy as np
import polars as pl

from lake.compaction import tidy
from lake.errors import FeedError, LakeError
from lake.schemas.ops import Batches
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import AppTransaction, open_table
from orchestration.batches import (
    Batch,
    PlannedFile,
    abandon,
    claim,
    first_unfinished,
    fruitless,
    plan,
    read_batches,
    settled,
)  # fmt: skip
from orchestration.inbox import FoundFile, find_files, reopen
from orchestration.parts import Parts
from transforms.sources.blocks import TOGETHER_BYTES
from transforms.sources.canonical import Bounds, Decoded
from transforms.sources.coverage import Coverage
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader, SmallFile, Task

#: Each batch adds small files to ``ops.batches``, which every landing and every tick of the inbox reads.
_MOST_FILES = 100
_FUTURE = timedelta(days=1)
#: A file up to this size is read by one worker as a whole.
_SMALL_FILE = 16 << 20


@dataclass
class FileCount:
    """What became of the records of one file."""

    records: int = 0
    landed: int = 0
    rejected: int = 0
    newest_event_at: datetime | None = None
    newest_received_at: datetime | None = None

    def add(self, landed: int, event_at: datetime | None, received_at: datetime | None) -> None:
        """Count rows that land, the newest of them with these times."""
        self.landed += landed
        self.newest_event_at = max(filter(None, (self.newest_event_at, event_at)), default=None)
        self.newest_received_at = max(filter(None, (self.newest_received_at, received_at)), default=None)


@dataclass
class LandingReport:
    """What a landing did.

    Attributes:
        source: name of the feed.
        batches: numbers of the batches that were finished.
        files: files in them.
        skipped: files that had landed before.
        records: records read; ``landed`` plus ``rejected``.
        landed: records that became raw rows.
        rejected: records that went to ``ops.rejects``.
        abandoned: files of an interrupted batch that are gone, and of which nothing had landed.
        never_found: columns of the profile that no file had a field for.
    """

    source: str
    batches: list[int] = field(default_factory=list)
    files: int = 0
    skipped: int = 0
    records: int = 0
    landed: int = 0
    rejected: int = 0
    abandoned: list[str] = field(default_factory=list)
    never_found: list[str] = field(default_factory=list)


#: The files of a block; several where small ones are read together.
Planned = tuple[PlannedFile, ...]

#: Called with bytes done, bytes of the batch, records so far and the file that was read.
Progress = Callable[[int, int, int, str], None]


def land(
    lake: Lake,
    settings: Settings,
    profile: FeedProfile,
    paths: Sequence[str] = (),
    *,
    progress: Progress | None = None,
    settle: bool = False,
    again: bool = False,
) -> LandingReport:
    """Land all files of a feed that have not landed yet.

    Args:
        lake: where to.
        settings: sizes and the earliest day.
        profile: the feed.
        paths: files and folders; the feed's inbox where empty.
        progress: told about what is going on.
        settle: leave files alone that were written moments ago; the inbox sensor does.
        again: files that have landed before land once more where nothing of them had become a row.

    Raises:
        FeedError: nothing to be found, or a file of an interrupted batch is gone after part of it had landed.
    """
    found = find_files(lake, profile, paths)
    if settle:
        limit = datetime.now(UTC) - timedelta(seconds=settings.inbox_settle_s)
        found = [file for file in found if file.modified_at <= limit]
    report = LandingReport(profile.name)
    sized = _with_fingerprints(lake, profile, found)
    coverage, shown = Coverage(profile), _shown(lake, profile)
    landed: set[str] = set()
    while True:
        batches = read_batches(lake, profile.name)
        open_batch = first_unfinished(batches)
        if open_batch is None:
            known = settled(batches)
            if again:
                known -= fruitless(lake, profile, batches) - landed
            new = {mark: (file, shown(file.path)) for mark, file in sized.items() if mark not in known}
            if not new:
                break
            number = max(batches["batch"].to_list(), default=-1) + 1
            plan(lake, settings, profile.name, number, new)
            continue
        if _execute(lake, settings, profile, open_batch, sized, report, progress, coverage):
            landed.update(planned.fingerprint for planned in open_batch.files)
    report.skipped = len(found) - len(landed & sized.keys())
    report.never_found = coverage.never_found()
    return report


def bounds(settings: Settings, profile: FeedProfile, at: datetime) -> Bounds:
    """Events that a feed may bring, if it is read at a moment."""
    earliest = profile.earliest_day or settings.earliest_day
    return Bounds(datetime.combine(earliest, time(), UTC), at + _FUTURE)


def _shown(lake: Lake, profile: FeedProfile) -> Callable[[str], str]:
    """Makes of a path what may be stored of it."""
    return FeedReader(profile, lake.vehicle_key, Bounds(datetime.min, datetime.max)).shown_path  # noqa: DTZ901


def waiting_files(lake: Lake, profile: FeedProfile, found: Sequence[FoundFile]) -> list[FoundFile]:
    """Those of the files found that have not landed, as far as path, size and time of writing tell."""
    shown = _shown(lake, profile)
    landed = read_batches(lake, profile.name).filter(pl.col("status") == "landed")
    known = set(landed.select("file", "size_bytes", "modified_at").iter_rows())
    return [file for file in found if (shown(file.path), file.size_bytes, file.modified_at) not in known]


def _with_fingerprints(lake: Lake, profile: FeedProfile, found: list[FoundFile]) -> dict[str, FoundFile]:
    """The files by their fingerprint; one that is as it was when it was planned is not read again for it."""
    shown = _shown(lake, profile)
    batches = read_batches(lake, profile.name)
    known = {
        (row["file"], row["size_bytes"], row["modified_at"]): row["fingerprint"]
        for row in batches.filter(pl.col("status") == "planned").iter_rows(named=True)
    }

    def mark(file: FoundFile) -> str:
        key = (shown(file.path), file.size_bytes, file.modified_at)
        return known.get(key) or file.fingerprint(lake, profile)

    out: dict[str, FoundFile] = {}
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        for file, fingerprint in zip(found, pool.map(mark, found), strict=True):
            out.setdefault(fingerprint, file)
    return out


def _execute(
    lake: Lake,
    settings: Settings,
    profile: FeedProfile,
    batch: Batch,
    sized: dict[str, FoundFile],
    report: LandingReport,
    progress: Progress | None,
    coverage: Coverage,
) -> bool:
    """Finish a planned batch: True where it has landed, False where it was abandoned."""
    files = {planned: sized.get(planned.fingerprint) or _unchanged(lake, profile, planned) for planned in batch.files}
    gone = [planned.file for planned, file in files.items() if file is None]
    if gone:
        if not abandon(lake, batch):
            raise FeedError(
                f"Batch {batch.number} of {profile.name} was interrupted, and a file of it is gone or has changed",
                found=", ".join(gone[:3]),
                expected="the file as it was: a part of the batch may have landed already",
                action="put the file back (or name its new place) and land again",
            )
        report.abandoned += gone
        return False
    run = _BatchRun(lake, settings, profile, batch, coverage)
    counts = run.execute({planned: file for planned, file in files.items() if file is not None}, progress)
    if counts is None:
        return False
    run.close(counts)
    report.batches.append(batch.number)
    report.files += len(batch.files)
    for count in counts.values():
        report.records += count.records
        report.landed += count.landed
        report.rejected += count.rejected
    return True


def _unchanged(lake: Lake, profile: FeedProfile, planned: PlannedFile) -> FoundFile | None:
    file = reopen(lake, planned.file)
    return file if file is not None and file.fingerprint(lake, profile) == planned.fingerprint else None


def _result(decoded: list[Decoded] | None, task: Task) -> list[Decoded]:
    return [task()] if decoded is None else decoded


class _BatchRun:
    """One execution of one batch."""

    def __init__(self, lake: Lake, settings: Settings, profile: FeedProfile, batch: Batch, coverage: Coverage) -> None:
        self._lake, self._profile, self._batch, self._coverage = lake, profile, batch, coverage
        self._reader = FeedReader(profile, lake.vehicle_key, bounds(settings, profile, batch.planned_at))
        self._parts = Parts(lake, settings, profile.name, batch.number, batch.planned_at.date())

    def execute(
        self, files: dict[PlannedFile, FoundFile], progress: Progress | None
    ) -> dict[PlannedFile, FileCount] | None:
        """Read all files and commit what they hold.

        Returns:
            The counts of each. None where another run, which did not find the files, has abandoned the batch
            meanwhile: nothing of it is in the lake then.
        """
        counts = {planned: FileCount() for planned in files}
        total = sum(planned.size_bytes for planned in files)
        seen: set[PlannedFile] = set()
        done = records = 0
        with self._parts:
            for planned, decoded in self._decoded(files):
                done += sum(file.size_bytes for file in set(planned) - seen)
                seen.update(planned)
                self._take(decoded, records, planned, counts)
                records += decoded.records
                if progress:
                    progress(done, total, records, planned[-1].file)
            if not claim(self._lake, self._batch):
                return None
            self._parts.commit()
        if progress:
            progress(total, total, records, "")
        return counts

    def close(self, counts: dict[PlannedFile, FileCount]) -> None:
        """Write down that the batch has landed, and that every record is accounted for.

        Raises:
            LakeError: records in are not landed plus rejected.
        """
        now = datetime.now(UTC)
        rows = []
        for planned in self._batch.files:
            count = counts[planned]
            if count.records != count.landed + count.rejected:
                raise LakeError(
                    f"Records of {planned.file} are unaccounted for",
                    found=f"{count.landed} landed and {count.rejected} rejected",
                    expected=f"{count.records} in all",
                    action="please report this with the file: it is a defect of Sillage",
                )
            rows.append(
                {
                    "source": self._profile.name, "batch": self._batch.number, "status": "landed", "at": now,
                    "file": planned.file, "file_number": planned.number, "fingerprint": planned.fingerprint,
                    "size_bytes": planned.size_bytes, "modified_at": planned.modified_at,
                    "records": count.records, "landed": count.landed, "rejected": count.rejected,
                    "newest_event_at": count.newest_event_at, "newest_received_at": count.newest_received_at,
                }
            )  # fmt: skip
        frame = pl.DataFrame(rows, schema=Batches.create_empty().schema)
        txn = AppTransaction(f"{self._profile.name}/landed", self._batch.number)
        batches = open_table(self._lake, "ops.batches")
        batches.append(frame, txn=txn)
        tidy(batches, _MOST_FILES)

    def _decoded(self, files: dict[PlannedFile, FoundFile]) -> Iterator[tuple[Planned, Decoded]]:
        """All blocks of all files in their order, decoded in parallel, a few ahead at most."""
        workers = max(2, os.cpu_count() or 2)
        ahead: deque[tuple[Planned, Future[list[Decoded]]]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for planned, task in self._tasks(files, workers):
                ahead.append((planned, pool.submit(task)))
                if len(ahead) > workers + 1:
                    first, future = ahead.popleft()
                    yield from ((first, decoded) for decoded in future.result())
            for first, future in ahead:
                yield from ((first, decoded) for decoded in future.result())

    def _tasks(
        self, files: dict[PlannedFile, FoundFile], workers: int
    ) -> Iterator[tuple[Planned, Callable[[], list[Decoded]]]]:
        """Small files are read together, download included; a large one is a task for each of its blocks."""
        total = sum(planned.size_bytes for planned in files)
        enough = min(TOGETHER_BYTES, total // (4 * workers))
        group: dict[PlannedFile, FoundFile] = {}
        gathered = 0
        for planned, file in files.items():
            small = planned.size_bytes <= _SMALL_FILE
            if group and (gathered >= enough or not small):
                yield tuple(group), partial(self._together, group)
                group, gathered = {}, 0
            if small and self._reader.gathers:
                group[planned] = file
                gathered += planned.size_bytes
            elif small:
                yield (planned,), partial(self._whole, planned, file)
            else:
                with file.local(self._lake) as path:
                    for task in self._reader.tasks(path, file.path, planned.modified_at):
                        decoded = [task()] if self._reader.sequential else None
                        yield (planned,), partial(_result, decoded, task)
        if group:
            yield tuple(group), partial(self._together, group)

    def _together(self, group: dict[PlannedFile, FoundFile]) -> list[Decoded]:
        return list(
            self._reader.gather(
                [SmallFile(partial(f.local, self._lake), f.path, planned.modified_at) for planned, f in group.items()]
            )
        )

    def _whole(self, planned: PlannedFile, file: FoundFile) -> list[Decoded]:
        with file.local(self._lake) as path:
            return [task() for task in self._reader.tasks(path, file.path, planned.modified_at)]

    def _take(self, decoded: Decoded, first: int, planned: Planned, counts: dict[PlannedFile, FileCount]) -> None:
        """Count what a block holds for each of its files, and hand it on."""
        ends = np.array(decoded.ends or (decoded.records,))
        for file, records in zip(planned, np.diff(ends, prepend=0).tolist(), strict=True):
            counts[file].records += records

        def of_file(rows: pl.DataFrame) -> pl.Series:
            return pl.Series("file", np.searchsorted(ends, rows["record"].to_numpy(), side="right"))

        self._coverage.take(decoded.rows)
        found = (pl.len(), pl.col("event_at").max(), pl.col("received_at").max())
        for kind, rows in decoded.rows.items():
            if len(planned) == 1:
                counts[planned[0]].add(*rows.select(found).row(0))
            else:
                for place, *of_place in rows.group_by(of_file(rows)).agg(found).iter_rows():
                    counts[planned[place]].add(*of_place)
            self._parts.add(f"raw.{kind}", rows.with_columns(pl.col("record") + first))
        if decoded.rejects.height:
            places = of_file(decoded.rejects)
            for place, records in places.value_counts().iter_rows():
                counts[planned[place]].rejected += records
            names = pl.Series([file.file for file in planned])
            rejects = decoded.rejects.with_columns(pl.col("record") + first, names.gather(places).alias("file"))
            self._parts.add("ops.rejects", rejects)
