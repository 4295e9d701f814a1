"""What the files of a landing hold, by their fingerprints, and which of them are no longer what they were."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from lake.storage import Lake
from orchestration.batches import PlannedFile
from orchestration.inbox import FileChangedError, FoundFile, reopen
from transforms.sources.growth import why_not_in_parts
from transforms.sources.profile import FeedProfile


@dataclass(frozen=True)
class Content:
    """What a file held when it was found.

    Attributes:
        file: the file.
        shown: its path as it may be stored.
        marks: its fingerprint, and those of its beginnings that have landed, by their sizes.
    """

    file: FoundFile
    shown: str
    marks: Mapping[int, str]

    @property
    def fingerprint(self) -> str:
        """That of all of it."""
        return self.marks[self.file.size_bytes]


class Contents:
    """The files of a landing. One that changes is left for the next.

    Args:
        lake: the lake.
        profile: the feed.
        found: files, each behind its path as it may be stored.
        batches: the log of the feed.
        trusting: a file that has landed, and has the size and the time of writing of then, is not read again.
    """

    def __init__(
        self,
        lake: Lake,
        profile: FeedProfile,
        found: Sequence[tuple[str, FoundFile]],
        batches: pl.DataFrame,
        *,
        trusting: bool,
    ) -> None:
        self._lake, self._profile = lake, profile
        #: Paths of files that changed, or went away, while they were read.
        self.changed: list[str] = []
        self._by_mark: dict[str, Content] = {}
        known = _landed(batches) if trusting else {}
        sizes = _sizes(batches)
        with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
            contents = pool.map(lambda one: self._content(one[0], one[1], known, sizes), found)
            for (shown, _), content in zip(found, contents, strict=True):
                if content is None:
                    self.changed.append(shown)
                    continue
                other = self._by_mark.get(content.fingerprint)
                # Of two copies the one counts that has grown: most of it is there already.
                if other is None or (len(other.marks) == 1 and len(content.marks) > 1):
                    self._by_mark[content.fingerprint] = content

    def other_than(self, known: Collection[str]) -> list[Content]:
        """The contents whose fingerprints are not among those that are known."""
        return [content for mark, content in self._by_mark.items() if mark not in known]

    @property
    def fingerprints(self) -> set[str]:
        """Those of all files."""
        return set(self._by_mark)

    def holding(self, planned: PlannedFile) -> Content | None:
        """Where a file can be read as it was when it was planned; it may have grown since. ``None`` where nowhere."""
        whole = self._by_mark.get(planned.fingerprint)
        if whole is not None:
            return whole
        for content in self._by_mark.values():
            if content.marks.get(planned.size_bytes) == planned.fingerprint and self._continues(content):
                return content
        file = reopen(self._lake, planned.file)
        if file is None or file.size_bytes < planned.size_bytes:
            return None
        try:
            content = Content(file, planned.file, file.fingerprints(self._lake, self._profile, [planned.size_bytes]))
        except FileNotFoundError:
            return None
        same = content.marks[planned.size_bytes] == planned.fingerprint
        return content if same and (file.size_bytes == planned.size_bytes or self._continues(content)) else None

    def leave(self, contents: Collection[Content]) -> None:
        """Leave files that have changed for the next landing."""
        for content in contents:
            self.changed.append(content.shown)
            if self._by_mark.get(content.fingerprint) is content:
                del self._by_mark[content.fingerprint]

    def _continues(self, content: Content) -> bool:
        """A beginning of it can be read by itself."""
        try:
            with content.file.local(self._lake) as path:
                return why_not_in_parts(self._profile, path) is None
        except (FileNotFoundError, FileChangedError):
            return False

    def _content(
        self, shown: str, file: FoundFile, known: Mapping[tuple[object, ...], str], sizes: Mapping[str, list[int]]
    ) -> Content | None:
        """What a file holds; ``None`` where it changes meanwhile."""
        mark = known.get((shown, file.size_bytes, file.modified_at))
        if mark is not None:
            return Content(file, shown, {file.size_bytes: mark})
        try:
            marks = file.fingerprints(self._lake, self._profile, sizes.get(shown, ()))
        except FileNotFoundError:
            return None
        if not file.remote:  # a remote one is looked at when it has been downloaded
            now = reopen(self._lake, file.path)
            if now is None or (now.size_bytes, now.version) != (file.size_bytes, file.version):
                return None
        return Content(file, shown, marks)


def _landed(batches: pl.DataFrame) -> dict[tuple[object, ...], str]:
    rows = batches.filter(pl.col("status") == "landed").select("file", "size_bytes", "modified_at", "fingerprint")
    return {(file, size, at): mark for file, size, at, mark in rows.iter_rows()}


def _sizes(batches: pl.DataFrame) -> dict[str, list[int]]:
    """Sizes that files had when they were planned, by their paths."""
    rows = batches.filter(pl.col("size_bytes") > 0).group_by("file").agg(pl.col("size_bytes").unique())
    return dict(rows.iter_rows())
