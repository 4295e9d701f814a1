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
    label: str
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
        title: str,
        table: str,
        fields: tuple[Field, ...],
        empty: str,
        *,
        sub: str = "",
        well: str = "",
        most: int = 12,
        link: str = "",
        filtered: bool = False,
    ) -> None:
        self.name, self._title, self._table, self._fields = name, title, table, fields
        self._empty, self._sub, self._well, self._most = empty, sub, well, most
        self._link, self._filtered = link, filtered

    def frame(self, contracts: Contracts) -> Frame:
        """A table."""
        return Frame(self.name, self._title, 300)

    def ask(self, view: View) -> tuple[Question, ...]:
        """No figures."""
        return ()

    def sheet(self, view: View, found: Answers) -> Sheet:
        """The rows, with days and instants as ISO 8601 writes them."""
        rows = tuple(tuple(_plain(row.get(f.name), f.how) for f in self._fields) for row in self._rows(view, found))
        columns = tuple(Column(field.label, _UNITS.get(field.how, "")) for field in self._fields)
        return Sheet(self.name, self._title, columns, rows, (), (), found, is_text=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The first rows."""
        rows, at = self._rows(view, sheet.found), sheet.found.info.published_at
        scope = view.scope if self._filtered else "all vehicles"
        sub = " · ".join(filter(None, (self._sub, f"as of {wording.instant(at)}, {scope}")))
        link = self._linked(sheet.found)
        if not rows:
            return Filling(sub, content=state("Nothing to list", self._empty), note=link)
        of = len(rows)
        if self._well:
            rows = [row for row in rows if _has_problem(row, self._fields)]
            if not rows:
                return Filling(sub, content=html.P(self._well.format(n=f"{of:,}"), className="well"), note=link)
        first, *others = self._fields
        heads = [html.Th(first.label, scope="col")]
        head = html.Tr([*heads, *(html.Th(f.label, scope="col", className=_class(f)) for f in others)])
        body = [_row(self._fields, row, at) for row in rows[: self._most]]
        caption = html.Caption(self._title, className="visually-hidden")
        table = html.Table([caption, html.Thead(head), html.Tbody(body)], className="ranking listing")
        shown = min(self._most, len(rows))
        first_ones = f"{shown} of {of:,} are listed" if self._well else f"The first {shown} of {of:,}"
        more = f"{first_ones}; the table has all." if shown < of else ""
        return Filling(sub, content=table, note=[part for part in (more, " ", link) if part] or None)

    def _rows(self, view: View, found: Answers) -> Sequence[Row]:
        """The rows that the filters let through, of what the rows are split by."""
        rows = found.rows(self._table)
        if not self._filtered:
            return rows
        return [row for row in rows if all(row.get(name, values[0]) in values for name, values in view.chosen)]

    def _linked(self, found: Answers) -> Any:
        address = next((row["url"] for row in found.rows("ops.links") if row["name"] == self._link), None)
        if address is None:
            return None
        return html.A(f"Open {self._link}", href=address, className="drill linked", rel="noreferrer", target="_blank")


def _row(fields: Sequence[Field], row: Row, at: datetime) -> Any:
    first, *others = fields
    cells = [html.Th(_shown(row, first, at), scope="row")]
    return html.Tr([*cells, *(html.Td(_shown(row, field, at), className=_class(field)) for field in others)])


def _has_problem(row: Row, fields: Sequence[Field]) -> bool:
    """Some value of the row is one to look at."""
    return any(
        (field.how == "problems" and row.get(field.name)) or (field.how == "holds" and row.get(field.name) is False)
        for field in fields
    )


def _class(field: Field) -> str:
    return " ".join(filter(None, ("left" if field.how in _ON_THE_LEFT else "", "" if field.on_a_phone else "second")))


def _plain(value: Any, how: How) -> Cell:
    """A value as the table and the export have it."""
    if how == "holds" and value is not None:
        return "holds" if value else "broken"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, date):
        return value.isoformat()
    return value  # type: ignore[no-any-return]


def _problems(value: int, _at: datetime) -> Any:
    return html.B(f"{value:,}", className="bad") if value else "0"


def _age(value: datetime, at: datetime) -> Any:
    words = wording.ago(at - value).removesuffix(" ago")
    return html.B(f"{words}, late", className="attention") if at - value > _OLD else words


def _holds(value: bool, _at: datetime) -> Any:
    return "holds" if value else html.B("broken", className="bad")


def _vehicle(value: str, _at: datetime) -> Any:
    named = {"aria-label": f"Vehicle {value}"}
    return html.A(f"{value[:8]}…", href=f"/vehicle?vehicle={value}", className="drill linked soft", **attrs(named))


_WAYS: dict[How, Callable[[Any, datetime], Any]] = {
    "text": lambda value, _: str(value),
    "count": lambda value, _: f"{value:,}",
    "problems": _problems,
    "bytes": lambda value, _: wording.size(value),
    "span": lambda value, _: wording.span(value),
    "day": lambda value, _: wording.day(value),
    "instant": lambda value, _: wording.instant(value.astimezone(UTC)),
    "age": _age,
    "holds": _holds,
    "market": lambda value, _: value_name("market", value),
    "vehicle": _vehicle,
}


def _shown(row: Row, field: Field, at: datetime) -> Any:
    """A value as people read it."""
    value = row.get(field.name)
    return wording.DASH if value is None else _WAYS[field.how](value, at)
