"""A sheet: the rows behind a card. Its chart, its table and its export all come from the same one."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from dash import html

from dashboard import wording
from dashboard.filters import COMPARE, View
from dashboard.markup import attrs
from lake.metrics import MetricContract

Cell = str | float | int | date | None


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


@dataclass(frozen=True)
class Column:
    """One column of a sheet.

    Attributes:
        label: heading, without the unit.
        unit: unit of its numbers.
        text: how a number is written in the table; exports keep all its digits.
    """

    label: str
    unit: str = ""
    text: Callable[[float], str] = _plain

    @classmethod
    def of(cls, contract: MetricContract, label: str | None = None) -> Column:
        """The column of a metric, written as its contract says."""
        return cls(label or contract.label, wording.unit_of(contract), contract.format.text)

    @property
    def heading(self) -> str:
        """Label and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True)
class Sheet:
    """The rows behind a card.

    Attributes:
        card: id of the card, as in links to its table and export.
        title: of the card.
        columns: first the one that names the row.
        rows: raw values; ``None`` is shown as suppressed or missing.
        contracts: metrics that the columns hold, for the definitions.
        provisional_from: first day for which late data is still expected.
    """

    card: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    contracts: tuple[MetricContract, ...]
    provisional_from: date | None = None

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
        late = isinstance(first, date) and self.provisional_from is not None and first >= self.provisional_from
        mark: list[Any] = [" ", html.Span("provisional", className="badge")] if late else []
        cells: list[Any] = [html.Th([name, *mark], scope="row")]
        for column, value in zip(self.columns[1:], others, strict=True):
            text = wording.DASH if value is None else value if isinstance(value, str) else column.text(float(value))  # type: ignore[arg-type]
            cells.append(html.Td(text.replace("-", wording.MINUS) if text[:1] == "-" else text))
        return cells

    def csv(self, view: View, published_at: datetime, data_to: date) -> str:
        """The rows as CSV, under comment lines that say what they are, of which vehicles, and as of when."""
        out = io.StringIO()
        for line in self._preamble(view, published_at, data_to):
            out.write(f"# {' '.join(line.split())}\r\n")
        writer = csv.writer(out)
        writer.writerow([_safe(c.heading) for c in self.columns])
        writer.writerows([["" if v is None else _safe(v) for v in row] for row in self.rows])
        return out.getvalue()

    def _preamble(self, view: View, published_at: datetime, data_to: date) -> list[str]:
        lines = [f"Sillage: {self.title}", f"Period: {view.first.isoformat()} to {view.last.isoformat()}, UTC days"]
        for name, values in view.chosen or (("vehicles", ("all",)),):
            lines.append(f"Filter: {name} = {', '.join(values)}")
        lines.append(f"Comparison: {COMPARE[view.compare]}")
        lines.append(
            f"As of: published {published_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}, data to {data_to.isoformat()}"
        )
        if self.provisional_from is not None:
            lines.append(f"Provisional: days from {self.provisional_from.isoformat()} on, late data is still expected")
        lines += [f"Definition: {c.label} ({c.unit}): {c.definition} Owner: {c.owner}" for c in self.contracts]
        least = max((c.smallest_group for c in self.contracts), default=10)
        lines.append(f"Empty cells: no data, or withheld because the group has fewer than {least} vehicles")
        return lines


def _safe(value: Cell) -> Cell:
    """Text that a spreadsheet would take for a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
