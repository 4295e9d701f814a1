"""Landing: files of a feed to raw rows and rejects, exactly once.

A batch is planned (``ops.batches``) before it is executed, each table takes it as one append that carries the
application transaction ``source/table``, and batches of a source are finished in their order. So a run that was
killed anywhere is finished by the next one, with the same rows. A batch of which a file changes while it is read is
abandoned before anything of it is committed, and the other files land in the next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import polars as pl

from lake.errors import FeedError
from lake.settings import Settings
from lake.storage import Lake
from orchestration.batch_run import BatchRun, Progress
from orchestration.batches import (
    Batch,
    NewFile,
    PlannedFile,
    abandon,
    first_unfinished,
    fruitless,
    plan,
    read_batches,
    settled,
)  # fmt: skip
from orchestration.contents import Content, Contents
from orchestration.growth import news
from orchestration.inbox import FileChangedError, FoundFile, at_rest, find_files
from transforms.sources.canonical import Bounds
from transforms.sources.coverage import Coverage
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader

_FUTURE = timedelta(days=1)


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
        unsettled: files that were written moments ago and are left for the next landing.
        changed: files that changed while they were read and are left for the next landing.
        grown: files of which only what is new has landed.
        anew: why all of a file has landed, by its path, though some of it had landed before.
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
    unsettled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)
    anew: dict[str, str] = field(default_factory=dict)
    never_found: list[str] = field(default_factory=list)


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
    """Land all files of a feed that have not landed yet, and of those that have grown what is new.

    Args:
        lake: where to.
        settings: sizes and the earliest day.
        profile: the feed.
        paths: files and folders; the feed's inbox where empty.
        progress: told about what is going on.
        settle: leave files alone that were written moments ago; the command and the inbox sensor do.
        again: files that have landed before land once more where nothing of them had become a row.

    Raises:
        FeedError: nothing to be found, or a file of an interrupted batch is gone after part of it had landed.
    """
    found = find_files(lake, profile, paths)
    landing = _Landing(lake, settings, profile, progress, again=again)
    if settle:
        found, written = at_rest(settings, found)
        landing.report.unsettled = list(map(landing.shown, (file.path for file in written)))
    return landing.run(found)


def bounds(settings: Settings, profile: FeedProfile, at: datetime) -> Bounds:
    """Events that a feed may bring, if it is read at a moment."""
    earliest = profile.earliest_day or settings.earliest_day
    return Bounds(datetime.combine(earliest, time(), UTC), at + _FUTURE)


def waiting_files(lake: Lake, profile: FeedProfile, found: Sequence[FoundFile]) -> list[FoundFile]:
    """Those of the files found that have not landed, as far as path, size and time of writing tell."""
    shown = FeedReader(profile, lake.vehicle_key, Bounds(datetime.min, datetime.max)).shown_path  # noqa: DTZ901 - paths only
    landed = read_batches(lake, profile.name).filter(pl.col("status") == "landed")
    known = set(landed.select("file", "size_bytes", "modified_at").iter_rows())
    return [file for file in found if (shown(file.path), file.size_bytes, file.modified_at) not in known]


class _Landing:
    """One landing of one feed."""

    def __init__(
        self, lake: Lake, settings: Settings, profile: FeedProfile, progress: Progress | None, *, again: bool
    ) -> None:
        self._lake, self._settings, self._profile = lake, settings, profile
        self._progress, self._again = progress, again
        self._reader = FeedReader(profile, lake.vehicle_key, bounds(settings, profile, datetime.now(UTC)))
        self._coverage = Coverage(profile)
        self.shown: Callable[[str], str] = self._reader.shown_path
        self.report = LandingReport(profile.name)
        #: Why all of a file is planned though it has landed before, by its fingerprint.
        self._anew: dict[str, str] = {}

    def run(self, found: Sequence[FoundFile]) -> LandingReport:
        """Finish what was interrupted, then plan and execute batches until nothing is new."""
        lake, profile, report = self._lake, self._profile, self.report
        contents = Contents(
            lake, profile, [(self.shown(file.path), file) for file in found], read_batches(lake, profile.name),
            trusting=not self._again,
        )  # fmt: skip
        landed: set[str] = set()
        while True:
            batches = read_batches(lake, profile.name)
            open_batch = first_unfinished(batches)
            if open_batch is not None:
                if self._execute(open_batch, contents):
                    landed.update(planned.fingerprint for planned in open_batch.files)
                continue
            known, vain = settled(batches), set[str]()
            if self._again:
                vain = fruitless(lake, profile, batches) - landed
            new = contents.other_than(known - vain)
            if not new:
                break
            number = max(batches["batch"].to_list(), default=-1) + 1
            plan(lake, self._settings, profile.name, number, self._news(contents, new, batches, vain))
        report.changed = contents.changed
        report.skipped = len(found) - len(landed & contents.fingerprints) - len(contents.changed)
        report.never_found = self._coverage.never_found()
        return report

    def _news(
        self, contents: Contents, new: Sequence[Content], batches: pl.DataFrame, vain: Collection[str]
    ) -> Iterator[NewFile]:
        """What is new in files, each looked at when it is asked for; one that changes meanwhile is left."""
        before = set(batches.filter(pl.col("status") == "landed")["file"])
        for content in new:
            if content.shown not in before:
                yield NewFile(content.file, content.shown, content.fingerprint)
                continue
            try:
                one = news(self._lake, self._reader, content, batches, vain)
            except (FileNotFoundError, FileChangedError):
                contents.leave([content])
                continue
            self._anew[one.fingerprint] = one.anew
            yield one

    def _execute(self, batch: Batch, contents: Contents) -> bool:
        """Finish a planned batch: True where it has landed, False where it was abandoned."""
        sources = {planned: contents.holding(planned) for planned in batch.files}
        there = {planned: content for planned, content in sources.items() if content is not None}
        if gone := [planned.file for planned in sources if planned not in there]:
            if not abandon(self._lake, batch):
                raise FeedError(
                    f"Batch {batch.number} of {self._profile.name} was interrupted, and a file of it is gone or has "
                    "changed",
                    found=", ".join(gone[:3]),
                    expected="the file as it was: a part of the batch may have landed already",
                    action="put the file back (or name its new place) and land again",
                )
            self.report.abandoned += gone
            return False
        at = bounds(self._settings, self._profile, batch.planned_at)
        run = BatchRun(self._lake, self._settings, self._profile, batch, at, self._coverage)
        try:
            counts = run.execute({planned: content.file for planned, content in there.items()}, self._progress)
        except Exception as error:
            changed = self._changed(there, error)
            if not changed or run.committing:
                raise
            return self._give_up(batch, contents, changed, error)
        if counts is None:
            return False
        run.close(counts)
        report = self.report
        report.batches.append(batch.number)
        report.files += len(batch.files)
        for planned, count in counts.items():
            report.records += count.records
            report.landed += count.landed
            report.rejected += count.rejected
            if planned.start_byte:
                report.grown.append(planned.file)
            elif anew := self._anew.get(planned.fingerprint):
                report.anew[planned.file] = anew
        return True

    def _changed(self, there: dict[PlannedFile, Content], error: Exception) -> list[Content]:
        """The files that are not what was to be read, whatever reading them failed with."""
        said = error.found if isinstance(error, FileChangedError) else None
        return [
            content
            for planned, content in there.items()
            if said in (planned.file, content.file.path)
            or not content.file.is_unchanged(self._lake, self._profile, planned.size_bytes, planned.fingerprint)
        ]

    def _give_up(self, batch: Batch, contents: Contents, changed: Collection[Content], error: Exception) -> bool:
        """Abandon a batch of which files changed while they were read; False, as nothing of it has landed by this run.

        Raises:
            FeedError: another run has decided to land it.
        """
        contents.leave(changed)
        if abandon(self._lake, batch):
            return False
        unfinished = first_unfinished(read_batches(self._lake, self._profile.name))
        if unfinished is None or unfinished.number != batch.number:
            return False
        raise FeedError(
            f"Batch {batch.number} of {self._profile.name} was interrupted, and a file of it changed while it was read",
            found=", ".join(content.shown for content in changed),
            expected="the file as it was, with or without more behind it: a part of the batch may have landed already",
            action="land again when nobody writes to it",
        ) from error
