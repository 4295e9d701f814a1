"""What stands in place of a page: an address that is none, nothing published yet, a snapshot without data."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.draw.parts import state
from dashboard.view.reader import Reader
from dashboard.view.texts import Text


def layout(reader: Reader) -> Any:
    """An address that is no page."""
    return state(
        reader.say(Text.NO_PAGE),
        reader.say(Text.NO_PAGE_WHY),
        html.A(reader.say(Text.GO_TO_OVERVIEW), href=f"/{reader.query}", className="pill soft"),
        kind="missing",
    )


def nothing_published(reader: Reader) -> Any:
    """The lake has no published snapshot."""
    return state(reader.say(Text.NOTHING_PUBLISHED), _with_commands(reader.say(Text.NOTHING_PUBLISHED_WHY)))


def no_data(reader: Reader) -> Any:
    """A snapshot is published and holds no day."""
    return state(reader.say(Text.SNAPSHOT_EMPTY), _with_commands(reader.say(Text.SNAPSHOT_EMPTY_WHY)))


def _with_commands(sentence: str) -> list[Any]:
    """What stands between backquotes as something to type."""
    parts = sentence.split("`")
    return [html.Code(part) if place % 2 else part for place, part in enumerate(parts)]
