"""How fresh the figures are, in words: for the stamp in the header and for ``/healthz``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

from dash import html

from dashboard.draw.markup import attrs
from dashboard.view import wording
from dashboard.view.published import Published
from dashboard.view.reader import ENGLISH, Reader
from dashboard.view.texts import Text
from lake.errors import SillageError
from lake.snapshot import SnapshotInfo

_GAP = " · "
STALE_AFTER = timedelta(hours=36)
"""Data older than this is called stale: a day was missed."""


@dataclass(frozen=True)
class Status:
    """How fresh a snapshot is.

    Attributes:
        state: ``fresh``, ``stale``, ``empty`` (published without data), ``nothing`` (not published) or ``unreadable``.
        text: in words.
    """

    state: Literal["fresh", "stale", "empty", "nothing", "unreadable"]
    text: str

    @property
    def presence(self) -> str:
        """What pages are laid out by: ``figures``, or why there are none: ``empty``, ``nothing`` or ``unreadable``."""
        return "figures" if self.state in ("fresh", "stale") else self.state


def status_of(info: SnapshotInfo | None, now: datetime, reader: Reader = ENGLISH) -> Status:
    """Judge a snapshot at a moment (UTC)."""
    say = reader.say
    if info is None:
        return Status("nothing", say(Text.NOTHING_PUBLISHED_STAMP))
    published = say(Text.PUBLISHED_AGO, ago=wording.ago(reader, now - info.published_at))
    if info.data_to is None:
        return Status("empty", f"{say(Text.NO_DATA_STAMP)}{_GAP}{published}")
    end = info.newest_event_at or min(info.published_at, datetime.combine(info.data_to, time(23, 59), UTC))
    stamp = f"{say(Text.DATA_TO, instant=wording.instant(reader, end))}{_GAP}{published}"
    if now - end > STALE_AFTER:
        return Status("stale", f"{stamp}{_GAP}{say(Text.NO_NEWER_DATA, age=wording.age(reader, now - end))}")
    return Status("fresh", stamp)


def sight(published: Published, now: datetime, reader: Reader = ENGLISH) -> tuple[SnapshotInfo | None, Status]:
    """The current snapshot and how fresh it is; a lake that cannot be read is a status, not a failure."""
    try:
        info = published.info()
    except SillageError as error:
        return None, Status("unreadable", error.title)
    return info, status_of(info, now, reader)


def stamp(status: Status) -> Any:
    """The stamp in the header."""
    words: list[Any] = []
    for part in status.text.split(_GAP):
        words += [html.Span(_GAP, className="stamp-gap")] if words else []
        words.append(html.Span(part, className="stamp-part"))
    return html.Span(
        [html.Span(className=f"dot dot-{status.state}", **attrs({"aria-hidden": "true"})), html.Span(words)],
        className=f"stamp stamp-{status.state}",
    )


def health(info: SnapshotInfo | None, status: Status, now: datetime) -> dict[str, Any]:
    """The body of ``/healthz``."""
    body: dict[str, Any] = {"status": status.state, "text": status.text, "snapshot": None}
    if info is not None:
        body["snapshot"] = {
            "file": info.file,
            "version": info.version,
            "published_at": info.published_at.isoformat(),
            "age_s": int((now - info.published_at).total_seconds()),
            "data_from": info.data_from and info.data_from.isoformat(),
            "data_to": info.data_to and info.data_to.isoformat(),
        }
    return body
