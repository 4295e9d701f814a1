"""The export of a card as a workbook: its values, what they are, of which days and vehicles, and as of when."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

import xlsxwriter

from dashboard.draw.sheets import Cell, Sheet, heads_of
from dashboard.view.address import View

_OPTIONS = {"in_memory": True, "default_date_format": "yyyy-mm-dd"}
_WIDEST = 60  # characters
_DEFINITION = (
    "metric", "label", "unit", "definition", "worked_out_as", "scale", "interval", "direction", "smallest_group",
    "owner",
)  # fmt: skip


def workbook(sheet: Sheet, view: View, *, in_miles: bool = False) -> bytes:
    """The lines of a sheet's CSV as a workbook (xlsx) of four sheets: values, definition, filters and as-of.

    The same sheet and view give the same bytes: the file bears the time of the publication, not its own.

    Args:
        sheet: the card's.
        view: period, filters and comparison; values are by the kilometre.
        in_miles: the page that it comes from shows miles, so that the difference is said.
    """
    out, info = io.BytesIO(), sheet.found.info
    book = xlsxwriter.Workbook(out, _OPTIONS)
    book.set_properties({"title": sheet.title, "created": info.published_at.astimezone(UTC).replace(tzinfo=None)})
    lines = sheet.lines(view)
    heads = heads_of(lines)
    _fill(book, "values", heads, [[line.get(name) for name in heads] for line in lines])
    told = [
        (c.name, c.label, c.unit, c.definition, c.formula, c.scale, c.interval_name, c.direction, c.smallest_group,
         c.owner)
        for c in sheet.contracts
    ]  # fmt: skip
    _fill(book, "definition", _DEFINITION, told)
    _fill(book, "filters", ("what", "is"), [("Card", sheet.title), *map(_pair, sheet.slice_of(view))])
    told_of = [*sheet.as_of(view, in_miles=in_miles), *([sheet.withheld(view)] if sheet.values else [])]
    of_which = [("Snapshot", info.file), ("Of", info.version)]
    _fill(book, "as-of", ("what", "is"), [*map(_pair, told_of), *of_which])
    book.close()
    return out.getvalue()


def _pair(line: str) -> tuple[str, str]:
    """What a line tells of, and what."""
    name, _, text = line.partition(":")
    return name.strip(), text.strip()


def _fill(book: Any, name: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Add a sheet of rows under its heads, which stay in sight and can be filtered by.

    Text is text, whatever it begins with: no formula, no link.
    """
    page = book.add_worksheet(name)
    page.write_row(0, 0, heads, book.add_format({"bold": True, "bottom": 1}))
    page.freeze_panes(1, 0)
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if isinstance(value, str):
                page.write_string(number, place, value)
            elif value is not None:
                page.write(number, place, value)
    for place, head in enumerate(heads):
        longest = max((_width(row[place]) for row in rows), default=0)
        page.set_column(place, place, min(_WIDEST, max(len(head), longest) + 2))
    if rows:
        page.autofilter(0, 0, len(rows), len(heads) - 1)


def _width(value: Cell) -> int:
    """Characters that a value takes."""
    if isinstance(value, float):
        return 12
    return 10 if isinstance(value, date) else len(str("" if value is None else value))
