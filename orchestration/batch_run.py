"""One execution of one planned batch: its files are read, and what they hold is committed, table by table."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
import polars as pl

from lake.errors import LakeError
from lake.schemas.ops import Batches
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import AppTransaction, open_table
from orchestration.batches import Batch, PlannedFile, claim
from orchestration.inbox import FileChangedError, FoundFile
from orchestration.parts import Parts
from transforms.sources.blocks import TOGETHER_BYTES
from transforms.sources.canonical import Bounds, Decoded
from transforms.sources.coverage import Coverage
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader, SmallFile, Task

#: Each batch adds small files to ``ops.batches``, which every landing and every tick of the inbox reads.
_MOST_FILES = 100
#: A file up to this size is read by one worker as a whole.
_SMALL_FILE = 16 << 20

#: The files of a block; several where small ones are read together.
Planned = tuple[PlannedFile, ...]

#: Called with bytes done, bytes of the batch, records so far and the file that was read.
Progress = Callable[[int, int, int, str], None]


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


def _result(decoded: list[Decoded] | None, task: Task) -> list[Decoded]:
    return [task()] if decoded is None else decoded


class BatchRun:
    """One execution of one batch."""

    def __init__(
        self, lake: Lake, settings: Settings, profile: FeedProfile, batch: Batch, bounds: Bounds, coverage: Coverage
    ) -> None:
        self._lake, self._profile, self._batch, self._coverage = lake, profile, batch, coverage
        #: From here on no run can abandon the batch.
        self.committing = False
        self._reader = FeedReader(profile, lake.vehicle_key, bounds)
        self._parts = Parts(lake, settings, profile.name, batch.number, batch.planned_at.date())

    def execute(
        self, files: dict[PlannedFile, FoundFile], progress: Progress | None
    ) -> dict[PlannedFile, FileCount] | None:
        """Read all files and commit what they hold.

        Returns:
            The counts of each. None where another run, which did not find the files, has abandoned the batch
            meanwhile: nothing of it is in the lake then.

        Raises:
            FileChangedError: a file was not the same all the time. This run has committed nothing of the batch.
        """
        counts = {planned: FileCount() for planned in files}
        total = sum(planned.new_bytes for planned in files)
        seen: set[PlannedFile] = set()
        done = records = 0
        with self._parts:
            for planned, decoded in self._decoded(files):
                done += sum(file.new_bytes for file in set(planned) - seen)
                seen.update(planned)
                self._take(decoded, records, planned, counts)
                records += decoded.records
                if progress:
                    progress(done, total, records, planned[-1].file)
            self.committing = True
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
                    "start_byte": planned.start_byte, "first_record": planned.first_record,
                    "records": count.records, "landed": count.landed, "rejected": count.rejected,
                    "newest_event_at": count.newest_event_at, "newest_received_at": count.newest_received_at,
                }
            )  # fmt: skip
        frame = pl.DataFrame(rows, schema=Batches.create_empty().schema)
        txn = AppTransaction(f"{self._profile.name}/landed", self._batch.number)
        batches = open_table(self._lake, "ops.batches")
        batches.append(frame, txn=txn)
        batches.compact(_MOST_FILES)

    def _decoded(self, files: dict[PlannedFile, FoundFile]) -> Iterator[tuple[Planned, Decoded]]:
        """All blocks of all files in their order, decoded in parallel, a few ahead at most.

        Raises:
            FileChangedError: behind the last block of a file: it was not the same all the time.
        """
        workers = max(2, os.cpu_count() or 2)
        ahead: deque[tuple[Planned, Future[list[Decoded]]]] = deque()
        reading: Planned = ()
        unsure = dict(files)

        def take() -> Iterator[tuple[Planned, Decoded]]:
            planned, future = ahead.popleft()
            yield from ((planned, decoded) for decoded in future.result())
            for file in set(planned).difference(reading, *(later for later, _ in ahead)):
                self._refuse_changed(file, unsure.pop(file))

        with ThreadPoolExecutor(workers) as pool:
            for planned, task in self._tasks(files, workers):
                reading = planned
                ahead.append((planned, pool.submit(task)))
                if len(ahead) > workers + 1:
                    yield from take()
            while ahead:
                yield from take()
        for file, found in unsure.items():
            self._refuse_changed(file, found)

    def _refuse_changed(self, planned: PlannedFile, file: FoundFile) -> None:
        """What was read is what was planned. A remote file was downloaded, and looked at, before it was read."""
        if not file.remote and not file.is_unchanged(
            self._lake, self._profile, planned.size_bytes, planned.fingerprint
        ):
            raise FileChangedError("A file changed while it was read", found=planned.file)

    def _tasks(
        self, files: dict[PlannedFile, FoundFile], workers: int
    ) -> Iterator[tuple[Planned, Callable[[], list[Decoded]]]]:
        """Small files are read together, download included; a large one is a task for each of its blocks."""
        total = sum(planned.new_bytes for planned in files)
        enough = min(TOGETHER_BYTES, total // (4 * workers))
        group: dict[PlannedFile, FoundFile] = {}
        gathered = 0
        for planned, file in files.items():
            small = planned.new_bytes <= _SMALL_FILE
            if group and (gathered >= enough or not small):
                yield tuple(group), partial(self._together, group)
                group, gathered = {}, 0
            if small and self._reader.gathers:
                group[planned] = file
                gathered += planned.new_bytes
            elif small:
                yield (planned,), partial(self._whole, planned, file)
            else:
                with file.local(self._lake) as path:
                    for task in self._reader.tasks(path, file.path, planned.modified_at, planned.section):
                        decoded = [task()] if self._reader.sequential else None
                        yield (planned,), partial(_result, decoded, task)
        if group:
            yield tuple(group), partial(self._together, group)

    def _together(self, group: dict[PlannedFile, FoundFile]) -> list[Decoded]:
        return list(
            self._reader.gather(
                [
                    SmallFile(partial(file.local, self._lake), file.path, planned.modified_at, planned.section)
                    for planned, file in group.items()
                ]
            )
        )

    def _whole(self, planned: PlannedFile, file: FoundFile) -> list[Decoded]:
        with file.local(self._lake) as path:
            return [task() for task in self._reader.tasks(path, file.path, planned.modified_at, planned.section)]

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
