"""A sheet: the rows behind a card. Its chart, its table and its export all come from the same one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from typing import Any

from dash import html

from dashboard.draw.markup import attrs
from dashboard.view import wording
from dashboard.view.address import COMPARE, View
from dashboard.view.names import value_name
from dashboard.view.published import Answers
from dashboard.view.reader import ENGLISH, Reader
from dashboard.view.texts import Text
from lake.snapshot import SnapshotInfo
from metrics import Evaluation, Metric, MetricValue

Cell = str | float | int | bool | date | None
WITHHELD = "withheld"


def cell(value: MetricValue | None) -> Cell:
    """What stands in a cell for a value: its number, that it is withheld, or nothing where there is no data."""
    if value is None:
        return None
    return WITHHELD if value.suppressed else value.value


def by_day(found: Evaluation, metric: str, days: Sequence[date]) -> list[MetricValue | None]:
    """The values of a metric that is split by ``date`` alone, one per day; ``None`` where a day has no data."""
    known = {value.period: value for value in found.series(metric)}
    return [known.get(day) for day in days]


def trend(found: Evaluation, metric: str, days: Sequence[date]) -> list[float | None]:
    """The same as numbers."""
    return [None if value is None else value.value for value in by_day(found, metric, days)]


def plain(reader: Reader, value: float) -> str:
    """A number of which no contract says how it is written."""
    if abs(value) >= 1000:
        return reader.number(value)
    return reader.number(value, len(f"{value:.4g}".partition(".")[2]) if "e" not in f"{value:.4g}" else 6)


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes:
        label: heading, without the unit.
        unit: unit of its numbers.
        contract: metric that says how a number is written; else four figures are.
        name: heading in exports, which is English: programs read it.
    """

    label: str
    unit: str = ""
    contract: Metric | None = None
    name: str = ""

    @classmethod
    def of(cls, reader: Reader, contract: Metric, label: str | None = None) -> Column:
        """The column of a metric, written as its contract says."""
        return cls(label or contract.label, wording.unit_of(reader, contract), contract)

    @classmethod
    def said(cls, reader: Reader, text: Text, unit: str = "") -> Column:
        """A column that is headed by a word."""
        return cls(reader.say(text), unit, None, ENGLISH.say(text))

    def ends(self, reader: Reader) -> tuple[Column, Column]:
        """The columns of the interval beside it."""
        low, high = (
            replace(self, label=reader.say(Text.LABEL_END, label=self.label, end=reader.say(end)))
            for end in (Text.LOW_END, Text.HIGH_END)
        )
        return low, high

    def text(self, reader: Reader, value: float) -> str:
        """A number as the reader writes it."""
        text = plain(reader, value) if self.contract is None else wording.written(reader, self.contract, value)
        return text.replace("-", wording.MINUS) if text[:1] == "-" else text

    @property
    def heading(self) -> str:
        """Label and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True)
class Sheet:
    """The rows behind a card, as its chart and its table show them, and their values, as its export tells them.

    Attributes:
        card: id of the card, as in links to its table and export.
        title: of the card.
        columns: first the one that names the row.
        rows: raw values; ``None`` where there is no data.
        contracts: metrics that the columns hold, for the definitions.
        values: the values in the rows, with their comparison if there is one.
        found: the answers they come from.
        by: dimensions of their groups.
        is_daily: the rows are days.
        is_text: the rows are words, no values: the export tells the rows.
        back: so many days before the view's first belong to the rows.
        names: by dimension and code, what a reader calls a value, where that is not the dimension's own way.
    """

    card: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    contracts: tuple[Metric, ...]
    values: tuple[MetricValue, ...]
    found: Answers
    by: tuple[str, ...] = ()
    is_daily: bool = False
    is_text: bool = False
    back: int = 0
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def numbers(self, column: int) -> list[float | None]:
        """A column of numbers, as a chart takes it."""
        values = (row[column] for row in self.rows)
        return [float(value) if isinstance(value, (int, float)) else None for value in values]

    def table(self, reader: Reader) -> html.Div:
        """The rows as an accessible table that scrolls within its card."""
        head = html.Tr([html.Th(c.heading, scope="col") for c in self.columns])
        body = [html.Tr(self._cells(row, reader)) for row in self.rows]
        return html.Div(
            html.Table([html.Caption(self.title), html.Thead(head), html.Tbody(body)], className="sheet"),
            className="sheet-scroll",
            tabIndex=0,
            role="region",
            **attrs({"aria-label": reader.say(Text.TABLE_OF, title=self.title)}),
        )

    def _cells(self, row: Sequence[Cell], reader: Reader) -> list[Any]:
        first, *others = row
        name = wording.day(reader, first) if isinstance(first, date) else str(first)
        late = self.is_daily and isinstance(first, date) and self.found.info.is_provisional(first)
        mark: list[Any] = [" ", html.Span(reader.say(Text.PROVISIONAL), className="badge")] if late else []
        cells: list[Any] = [html.Th([name, *mark], scope="row")]
        for column, value in zip(self.columns[1:], others, strict=True):
            cells.append(html.Td(_written(reader, column, value)))
        return cells

    def csv(self, view: View, *, in_miles: bool = False) -> str:
        """One line per value as CSV, under comment lines that say what they are, of which vehicles, and as of when.

        Groups have their code and their name; what is withheld has a line that says so, what has no data has none.

        Args:
            view: period, filters and comparison; values are by the kilometre.
            in_miles: the page that it comes from shows miles, so that the difference is said.
        """
        out = io.StringIO()
        info = self.found.info
        units = [view.reader.say(Text.EXPORT_IN_KM)] if in_miles and not self.is_text else []
        for line in (*self._preamble(view, info), *units):
            out.write(f"# {' '.join(line.split())}\r\n")
        heads = [column.name or column.label for column in self.columns]
        lines = [
            {name: _safe(given) for name, given in zip(heads, row, strict=True)} for row in self.rows if self.is_text
        ] or [self._line(value, view, info) for value in self.values]
        writer = csv.DictWriter(out, max(map(list, lines), key=len) if lines else ["metric"])
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()

    def _line(self, value: MetricValue, view: View, info: SnapshotInfo) -> dict[str, Cell]:
        contract = next(c for c in self.contracts if c.name == value.metric)
        line: dict[str, Cell] = {} if value.period is None else {"date": value.period}
        for name, code in zip(self.by, value.group, strict=True):
            line |= {name: code, f"{name}_name": self.names.get((name, code)) or value_name(view.reader, name, code)}
        line |= {"metric": value.metric, "unit": contract.unit, "value": value.value}
        line |= {"low": value.low, "high": value.high}
        people = value.population
        if people is None:
            line |= dict.fromkeys(("counted", "of", "of_what"))
        else:
            line |= {"counted": people.counted, "of": people.of, "of_what": people.label}
        if view.comparison is not None:
            before = value.previous.value if value.previous else None
            line |= {"before": before, "change": value.change if wording.is_comparable(contract, value) else None}
        day = value.period or view.last
        share = info.still_expected(min(day, info.data_to or day))
        line |= {"withheld": value.suppressed, "dominated": value.dominated, "provisional": info.is_provisional(day)}
        line |= {"still_expected_pct": None if share is None else 100 * share}
        return {name: _safe(given) for name, given in line.items()}

    def _preamble(self, view: View, info: SnapshotInfo) -> list[str]:
        reader, say = view.reader, view.reader.say
        title = say(Text.EXPORT_TITLE, title=self.title)
        published = f"{info.published_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        as_of = say(Text.EXPORT_AS_OF, instant=published)
        if self.is_text and not self.contracts:
            return [title, as_of]
        lines = [title, say(Text.EXPORT_PERIOD, **_iso(view.first, view.last))]
        if self.back:
            lines.append(say(Text.EXPORT_SINCE, first=view.since(self.back).first.isoformat()))
        if view.asked is not None:
            lines.append(say(Text.EXPORT_ASKED, **_iso(*view.asked)))
        lines += [say(Text.EXPORT_FILTER, name=name, values=", ".join(values)) for name, values in view.chosen]
        lines += [] if view.chosen else [say(Text.EXPORT_NO_FILTER)]
        against, what = view.comparison, say(COMPARE[view.compare])
        compared = {"what": what, **_iso(against.first, against.last)} if against else {"what": what}
        lines.append(say(Text.EXPORT_COMPARISON if against else Text.EXPORT_NO_COMPARISON, **compared))
        if info.data_to:
            as_of = say(Text.EXPORT_AS_OF_DATA, instant=published, day=info.data_to.isoformat())
        lines.append(as_of)
        if info.provisional_from is not None:
            lines.append(say(Text.EXPORT_PROVISIONAL, first=info.provisional_from.isoformat()))
            told = ", ".join(
                say(Text.EXPORT_SHARE_OF_DAY, share=wording.percent(reader, share), day=day.isoformat())
                for day, share in info.expected
            )
            lines += [say(Text.EXPORT_EXPECTED, told=told)] if told else []
        noise = wording.protection(reader, info)
        lines += [say(Text.EXPORT_PROTECTION, told=noise)] if noise else []
        lines += [
            say(Text.EXPORT_DEFINITION, label=c.label, unit=c.unit, definition=c.definition, owner=c.owner)
            for c in self.contracts
        ]
        least = max((c.smallest_group for c in self.contracts), default=10)
        lines.append(say(Text.EXPORT_WITHHELD, least=least))
        return lines


def _iso(first: date, last: date) -> dict[str, str]:
    return {"first": first.isoformat(), "last": last.isoformat()}


def _written(reader: Reader, column: Column, value: Cell) -> str:
    """What stands in a cell of the table."""
    if value is None:
        return wording.DASH
    if value == WITHHELD:
        return reader.say(Text.WITHHELD_CELL)
    if isinstance(value, date):
        return wording.day(reader, value)
    return value if isinstance(value, str) else column.text(reader, float(value))


def _safe(value: Cell) -> Cell:
    """Truth in small letters, and text that a spreadsheet would take for a formula quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
