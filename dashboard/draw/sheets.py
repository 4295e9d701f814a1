"""A sheet: the rows behind a card. Its chart, its table and its export all come from the same one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any

from dash import html

from dashboard.draw.markup import attrs
from dashboard.view import wording
from dashboard.view.address import COMPARE, View
from dashboard.view.names import value_name
from dashboard.view.published import Answers
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


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes:
        label: heading, without the unit.
        unit: unit of its numbers.
        text: how a number is written.
    """

    label: str
    unit: str = ""
    text: Callable[[float], str] = _plain

    @classmethod
    def of(cls, contract: Metric, label: str | None = None) -> Column:
        """The column of a metric, written as its contract says."""
        return cls(label or contract.label, wording.unit_of(contract), contract.format.text)

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

    def table(self) -> html.Div:
        """The rows as an accessible table that scrolls within its card."""
        head = html.Tr([html.Th(c.heading, scope="col") for c in self.columns])
        body = [html.Tr(self._cells(row)) for row in self.rows]
        return html.Div(
            html.Table([html.Caption(self.title), html.Thead(head), html.Tbody(body)], className="sheet"),
            className="sheet-scroll",
            tabIndex=0,
            role="region",
            **attrs({"aria-label": f"{self.title}, table"}),
        )

    def _cells(self, row: Sequence[Cell]) -> list[Any]:
        first, *others = row
        name = wording.day(first) if isinstance(first, date) else str(first)
        late = self.is_daily and isinstance(first, date) and self.found.info.is_provisional(first)
        mark: list[Any] = [" ", html.Span("provisional", className="badge")] if late else []
        cells: list[Any] = [html.Th([name, *mark], scope="row")]
        for column, value in zip(self.columns[1:], others, strict=True):
            text = wording.DASH if value is None else value if isinstance(value, str) else column.text(float(value))  # type: ignore[arg-type]
            cells.append(html.Td(text.replace("-", wording.MINUS) if text[:1] == "-" else text))
        return cells

    def lines(self, view: View) -> list[dict[str, Cell]]:
        """One line per value, as an export tells them; of a sheet that is words, one per row.

        Groups have their code and their name; what is withheld has a line that says so, what has no data has none.
        """
        if self.is_text:
            heads = [column.label for column in self.columns]
            return [dict(zip(heads, row, strict=True)) for row in self.rows]
        return [self._line(value, view, self.found.info) for value in self.values]

    def csv(self, view: View) -> str:
        """The lines as CSV, under comment lines that say what they are, of which vehicles, and as of when."""
        out = io.StringIO()
        for line in self._preamble(view):
            out.write(f"# {' '.join(line.split())}\r\n")
        lines = [{name: _safe(given) for name, given in line.items()} for line in self.lines(view)]
        writer = csv.DictWriter(out, heads_of(lines))
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()

    def _line(self, value: MetricValue, view: View, info: SnapshotInfo) -> dict[str, Cell]:
        contract = next(c for c in self.contracts if c.name == value.metric)
        line: dict[str, Cell] = {} if value.period is None else {"date": value.period}
        for name, code in zip(self.by, value.group, strict=True):
            line |= {name: code, f"{name}_name": self.names.get((name, code)) or value_name(name, code)}
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
        return line

    def _preamble(self, view: View) -> list[str]:
        told = [("Sillage", self.title), *self.slice_of(view), *self.as_of()]
        lines = [f"{name}: {text}" for name, text in told]
        if self.is_text and not self.contracts:
            return lines
        lines += [f"Definition: {c.label} ({c.unit}): {c.definition} Owner: {c.owner}" for c in self.contracts]
        return [*lines, "{}: {}".format(*self.withheld())]

    def slice_of(self, view: View) -> list[tuple[str, str]]:
        """Which days and vehicles the lines are of, by name; nothing of what no view chooses."""
        if self.is_text and not self.contracts:
            return []
        lines = [("Period", f"{view.first.isoformat()} to {view.last.isoformat()}, UTC days")]
        if self.back:
            lines.append(("Of what began from", f"{view.since(self.back).first.isoformat()} on, in the same way"))
        if view.asked is not None:
            asked = f"{view.asked[0].isoformat()} to {view.asked[1].isoformat()}"
            lines.append(("Asked for", f"{asked}; not all has data"))
        chosen = view.chosen or (("vehicles", ("all",)),)
        lines += [("Filter", f"{name} = {', '.join(values)}") for name, values in chosen]
        against = view.comparison
        days = f", {against.first.isoformat()} to {against.last.isoformat()}" if against else ""
        return [*lines, ("Comparison", f"{COMPARE[view.compare]}{days}; a change is in the unit of its value")]

    def as_of(self) -> list[tuple[str, str]]:
        """When the figures were published, up to when they go, and what is still expected, by name."""
        info = self.found.info
        published = f"published {info.published_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        if self.is_text and not self.contracts:
            return [("As of", published)]
        lines = [("As of", f"{published}, data to {info.data_to.isoformat()}" if info.data_to else published)]
        if info.provisional_from is not None:
            first = info.provisional_from.isoformat()
            lines.append(("Provisional", f"days from {first} on, late data is still expected"))
            told = ", ".join(f"{wording.percent(share)} of {day.isoformat()}" for day, share in info.expected)
            lines += [("Still expected, of the messages of a day", told)] if told else []
        return lines

    def withheld(self) -> tuple[str, str]:
        """What has no value, and why, by name."""
        least = max((c.smallest_group for c in self.contracts), default=10)
        return "Withheld", f"fewer than {least} vehicles, or needed to hide a group that has; others without data"


def heads_of(lines: Sequence[Mapping[str, Cell]]) -> list[str]:
    """The columns of lines: those of the longest."""
    return max((list(line) for line in lines), key=len, default=["metric"])


def _safe(value: Cell) -> Cell:
    """Truth in small letters, and text that a spreadsheet would take for a formula quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
