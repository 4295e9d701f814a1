"""Where reading goes on in a file that has grown since it was read.

What a file held at its end may have been the beginning of a record only. So reading goes on where the record begins
that is the first not to be the same any more.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from transforms.sources.blocks import record_start
from transforms.sources.compressed import compression
from transforms.sources.delimited import DelimitedReader
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader
from transforms.sources.section import Section


def why_not_in_parts(profile: FeedProfile, path: Path) -> str | None:
    """Why no part of a file can be read by itself; ``None`` where one can."""
    if profile.format == "capture":
        return "Capture files are read as a whole"
    if compression(path):
        return "compressed files are read as a whole"
    if profile.time.cumulative:
        return "its times count from record to record"
    return None


def section_behind(
    reader: FeedReader, path: Path, name: str, modified_at: datetime, before: Section, records: int, size: int
) -> Section | str:
    """What is new in a file behind a section of it that was read; or why all of it is.

    Args:
        reader: of the feed.
        path: the file, which begins with the same bytes as then.
        name: its path as it was found.
        modified_at: when it was last written.
        before: the section that was read last, with its end.
        records: how many were read of that.
        size: of the file now.
    """
    if why := why_not_in_parts(reader.profile, path):
        return why
    assert before.end is not None
    record_ends, line_end, top = None, b"\n", 0
    if reader.profile.format == "csv":
        then, now = (DelimitedReader(reader.profile, path, Section(end=end)) for end in (before.end, size))
        if then.header != now.header:
            return "its header was not whole"
        record_ends, line_end, top = now.record_ends, now.line_end, now.start
    look = Section(max(before.start, top), size)
    end = _behind_line_end(path, before.end, line_end)
    start = record_start(path, end, record_ends, line_end=line_end, section=look)
    if start >= before.end:
        return Section(before.end, size, before.first_record + records)
    again = sum(task().records for task in reader.tasks(path, name, modified_at, Section(start, before.end)))
    return Section(start, size, before.first_record + records - again)


def _behind_line_end(path: Path, at: int, line_end: bytes) -> int:
    """A byte, or the one behind the line end that a text up to there lacked."""
    with path.open("rb") as stream:
        stream.seek(max(0, at - 1))
        last = stream.read(min(at, 1))
        follows = stream.read(2)
    if last == line_end:
        return at
    lacking = next((end for end in (line_end, b"\r" + line_end) if follows.startswith(end)), b"")
    return at + len(lacking)
