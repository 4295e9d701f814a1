"""The rows of a table that stands ready in the snapshot, as of its publication: no figures of vehicles, no filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from dash import html

from dashboard.cards.card import Filling, Frame
from dashboard.draw.markup import attrs
from dashboard.draw.palette import Palette
from dashboard.draw.parts import state
from dashboard.draw.sheets import Cell, Column, Sheet
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question, Row
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts

How = Literal["text", "count", "problems", "bytes", "span", "day", "instant", "age", "holds", "market", "vehicle"]
_ON_THE_LEFT = ("text", "holds", "market")
_UNITS = {"bytes": "B", "span": "s"}
#: An age from which on it is a matter of attention: a day was missed.
_OLD = timedelta(hours=36)


@dataclass(frozen=True)
class Field:
    """One column.

    Attributes:
        name: of the column in the snapshot's table.
        label: heading.
        how: how its values are written. Of ``problems`` any is bad; an ``age`` is as of the publication.
        on_a_phone: it is there on a phone, too.
    """

    name: str
    label: Text
    how: How = "text"
    on_a_phone: bool = False


class Listing:
    """The rows of a table, in their order.

    Args:
        name: of the card.
        title: what it shows.
        table: ``ops.name`` in the snapshot.
        fields: its columns, the first names the row.
        empty: what is said where it has no row.
        sub: subtitle.
        well: what is said where no row has a problem, with ``{n}`` for their number; then only those that have one are
            drawn. Without it all are.
        most: rows that are drawn; the table has all.
        filtered: its rows have dimensions, and the page's filters choose among them.
        link: name of an address in ``ops.links`` that stands below, where it is set.
    """

    def __init__(
        self,
        name: str,
        title: Text,
        table: str,
        fields: tuple[Field, ...],
        empty: Text,
        *,
        sub: Text | None = None,
        well: Text | None = None,
        most: int = 12,
        link: str = "",
        filtered: bool = False,
    ) -> None:
        self.name, self._title, self._table, self._fields = name, title, table, fields
        self._empty, self._sub, self._well, self._most = empty, sub, well, most
        self._link, self._filtered = link, filtered

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A table."""
        return Frame(self.name, reader.say(self._title), 300, reader)

    def ask(self, view: View) -> tuple[Question, ...]:
        """No figures."""
        return ()

    def sheet(self, view: View, found: Answers) -> Sheet:
        """The rows, with days and instants as ISO 8601 writes them."""
        rows = tuple(
            tuple(_plain(view.reader, row.get(f.name), f.how) for f in self._fields) for row in self._rows(view, found)
        )
        columns = tuple(Column.said(view.reader, field.label, _UNITS.get(field.how, "")) for field in self._fields)
        return Sheet(self.name, view.reader.say(self._title), columns, rows, (), (), found, is_text=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The first rows."""
        rows, at = self._rows(view, sheet.found), sheet.found.info.published_at
        reader = view.reader
        scope = view.scope if self._filtered else reader.say(Text.ALL_VEHICLES)
        as_of = reader.say(Text.AS_OF, instant=wording.instant(reader, at), scope=scope)
        sub = " · ".join((reader.say(self._sub), as_of)) if self._sub else as_of
        link = self._linked(reader, sheet.found)
        if not rows:
            nothing = state(reader.say(Text.NOTHING_TO_LIST), reader.say(self._empty))
            return Filling(sub, content=nothing, note=link)
        of = len(rows)
        if self._well:
            rows = [row for row in rows if _has_problem(row, self._fields)]
            if not rows:
                return Filling(sub, content=html.P(reader.say(self._well, of), className="well"), note=link)
        first, *others = self._fields
        heads = [html.Th(reader.say(first.label), scope="col")]
        head = html.Tr([*heads, *(html.Th(reader.say(f.label), scope="col", className=_class(f)) for f in others)])
        body = [_row(view, self._fields, row, at) for row in rows[: self._most]]
        caption = html.Caption(sheet.title, className="visually-hidden")
        table = html.Table([caption, html.Thead(head), html.Tbody(body)], className="ranking listing")
        shown = min(self._most, len(rows))
        text = Text.LISTED_OF if self._well else Text.FIRST_LISTED
        more = reader.say(text, shown=shown, of=of) if shown < of else ""
        return Filling(sub, content=table, note=[part for part in (more, " ", link) if part] or None)

    def _rows(self, view: View, found: Answers) -> Sequence[Row]:
        """The rows that the filters let through, of what the rows are split by."""
        rows = found.rows(self._table)
        if not self._filtered:
            return rows
        return [row for row in rows if all(row.get(name, values[0]) in values for name, values in view.chosen)]

    def _linked(self, reader: Reader, found: Answers) -> Any:
        address = next((row["url"] for row in found.rows("ops.links") if row["name"] == self._link), None)
        if address is None:
            return None
        words = reader.say(Text.OPEN_LINK, name=self._link)
        return html.A(words, href=address, className="drill linked", rel="noreferrer", target="_blank")


def _row(view: View, fields: Sequence[Field], row: Row, at: datetime) -> Any:
    first, *others = fields
    cells = [html.Th(_shown(view, row, first, at), scope="row")]
    return html.Tr([*cells, *(html.Td(_shown(view, row, field, at), className=_class(field)) for field in others)])


def _has_problem(row: Row, fields: Sequence[Field]) -> bool:
    """Some value of the row is one to look at."""
    return any(
        (field.how == "problems" and row.get(field.name)) or (field.how == "holds" and row.get(field.name) is False)
        for field in fields
    )


def _class(field: Field) -> str:
    return " ".join(filter(None, ("left" if field.how in _ON_THE_LEFT else "", "" if field.on_a_phone else "second")))


def _plain(reader: Reader, value: Any, how: How) -> Cell:
    """A value as the table and the export have it."""
    if how == "holds" and value is not None:
        return reader.say(Text.HOLDS if value else Text.BROKEN)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    return value  # type: ignore[no-any-return]


def _problems(view: View, value: int, _at: datetime) -> Any:
    return html.B(view.reader.number(value), className="bad") if value else "0"


def _age(view: View, value: datetime, at: datetime) -> Any:
    words = wording.age(view.reader, at - value)
    if at - value <= _OLD:
        return words
    return html.B(view.reader.say(Text.LATE, age=words), className="attention")


def _holds(view: View, value: bool, _at: datetime) -> Any:
    say = view.reader.say
    return say(Text.HOLDS) if value else html.B(say(Text.BROKEN), className="bad")


def _vehicle(view: View, value: str, _at: datetime) -> Any:
    named = {"aria-label": view.reader.say(Text.VEHICLE_NAMED, name=value)}
    href = "/vehicle" + View(view.first, view.last, reader=view.reader).query(vehicle=value)
    return html.A(f"{value[:8]}…", href=href, className="drill linked soft", **attrs(named))


_WAYS: dict[How, Callable[[View, Any, datetime], Any]] = {
    "text": lambda _view, value, _at: str(value),
    "count": lambda view, value, _: view.reader.number(value),
    "problems": _problems,
    "bytes": lambda view, value, _: wording.size(view.reader, value),
    "span": lambda view, value, _: wording.span(view.reader, value),
    "day": lambda view, value, _: wording.day(view.reader, value),
    "instant": lambda view, value, _: wording.instant(view.reader, value.astimezone(UTC)),
    "age": _age,
    "holds": _holds,
    "market": lambda view, value, _: value_name(view.reader, "market", value),
    "vehicle": _vehicle,
}


def _shown(view: View, row: Row, field: Field, at: datetime) -> Any:
    """A value as people read it."""
    value = row.get(field.name)
    return wording.DASH if value is None else _WAYS[field.how](view, value, at)
