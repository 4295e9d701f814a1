"""The values of one dimension, the largest first: a table with bars in its cells, and a trend."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.cards.card import Filling, Frame
from dashboard.draw.palette import Palette
from dashboard.draw.parts import bar, drill, small_group, sparkline, state, withheld
from dashboard.draw.sheets import WITHHELD, Cell, Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import SWITCH, View
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, Metric, MetricValue

_ROWS = 12
#: The first columns stay on a phone.
_ON_A_PHONE = 2
_IN_ORDER = ("model_year", "months_in_service", "automation_level")


class ByGroup:
    """Metrics by the values of a dimension.

    Args:
        metrics: their names; groups stand in the order of the first.
        by: the dimension; chosen by the reader unless given.
        trend: metric whose days stand beside, as a line.
        name: of the card; the dimension's unless given.
        title: what it shows; the dimension's label in the plural unless given.
    """

    def __init__(self, *metrics: str, by: str = "", trend: str = "", name: str = "", title: Text | None = None) -> None:
        self.metrics, self._by, self._trend, self._title = metrics, by, trend, title
        self.name = name or (f"{by}s" if by else "breakdown")

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A table; with a switch where the reader chooses."""
        if self._by:
            title = reader.say(self._title) if self._title else contracts.dimension(self._by).many
            return Frame(self.name, title, 380, reader)
        switch = tuple((name, contracts.dimension(name).label) for name in SWITCH)
        return Frame(self.name, reader.say(self._title or Text.BREAKDOWN), 430, reader, switch=switch)

    def _questions(self, view: View) -> tuple[Question, Question]:
        by = self._by or view.by
        return Question(self.metrics, (by,), compare=True), Question((self._trend,), ("date", by))

    def ask(self, view: View) -> tuple[Question, ...]:
        """Every group, and its days."""
        groups, days = self._questions(view)
        return (groups, days) if self._trend else (groups,)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per group that may be shown."""
        by, reader = self._by or view.by, view.reader
        groups = found.of(self._questions(view)[0])
        contracts = tuple(found.metric(name) for name in self.metrics)
        values = {(v.metric, v.group): v for v in groups}
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (value_name(reader, by, g[0]), *(cell(values.get((c.name, g))) for c in contracts))
            for g in _shown(by, groups.series(self.metrics[0]))
        )
        dimension = found.contracts.dimension(by)
        columns = (Column(dimension.label), *(Column.of(reader, contract) for contract in contracts))
        whole = dimension.many if self._by else reader.say(Text.BREAKDOWN_BY, label=dimension.label.lower())
        title = reader.say(self._title) if self._title else whole
        return Sheet(self.name, title, columns, rows, contracts, groups.values, found, groups.by)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The largest groups as a table."""
        by, first = self._by or view.by, sheet.contracts[0]
        sizes = sheet.found.of(self._questions(view)[0]).series(first.name)
        groups = _shown(by, sizes)
        tops = [
            max((abs(v) for v in sheet.numbers(i + 1) if v is not None), default=0.0)
            for i in range(len(sheet.contracts))
        ]
        trends = self._trends(view, sheet.found)
        rows = [
            self._row(sheet, row, tops, trends.get(group, {}), view, group[0])
            for row, group in zip(sheet.rows[:_ROWS], groups, strict=False)
        ]
        reader, nouns = view.reader, wording.nouns_of(sheet.found.contracts.dimension(by))
        hidden = sum(v.suppressed for v in sizes)
        note = " ".join(_notes(reader, len(sheet.rows), hidden, nouns, first))
        if not rows:
            few = small_group(reader, first)
            text = reader.say(Text.EVERY_GROUP_SMALL, few=few) if hidden else reader.say(Text.NO_GROUP_HAS_DATA)
            nothing = state(reader.say(Text.NOTHING_TO_SHOW), text)
            return Filling(f"{view.period} · {view.scope}", content=nothing, note=note)
        return Filling(f"{view.period} · {view.scope}", content=self._table(sheet, rows, view), note=note)

    def _trends(self, view: View, found: Answers) -> dict[tuple[str, ...], dict[Any, float | None]]:
        if not self._trend:
            return {}
        series: dict[tuple[str, ...], dict[Any, float | None]] = {}
        for value in found.of(self._questions(view)[1]):
            series.setdefault(value.group, {})[value.period] = value.value
        return series

    def _table(self, sheet: Sheet, rows: list[Any], view: View) -> Any:
        heads = [html.Th(sheet.columns[0].label, scope="col")]
        heads += [
            html.Th(contract.short, scope="col", className=_class(i), title=contract.label)
            for i, contract in enumerate(sheet.contracts)
        ]
        if self._trend:
            label = sheet.found.metric(self._trend).short
            words = view.reader.say(Text.SHORT_DAYS, view.slice.days, label=label)
            heads.append(html.Th(words, scope="col", className="second"))
        caption = html.Caption(sheet.title, className="visually-hidden")
        return html.Table([caption, html.Thead(html.Tr(heads)), html.Tbody(rows)], className="ranking")

    def _row(
        self,
        sheet: Sheet,
        row: tuple[Cell, ...],
        tops: list[float],
        trend: dict[Any, float | None],
        view: View,
        code: str,
    ) -> Any:
        cells = [_cell(view.reader, c, row[i + 1], tops[i], _class(i)) for i, c in enumerate(sheet.contracts)]
        if self._trend:
            cells.append(html.Td(sparkline([trend.get(day) for day in view.days]), className="second"))
        return html.Tr([html.Th(drill(view, self._by or view.by, code), scope="row"), *cells])


def _class(column: int) -> str:
    return "" if column < _ON_A_PHONE else "second"


def _shown(by: str, sizes: tuple[MetricValue, ...]) -> list[tuple[str, ...]]:
    """The groups that may be shown, the largest first; those with an order of their own in that."""
    shown = [v for v in sizes if v.value is not None]
    if by in _IN_ORDER:
        return [v.group for v in shown]
    return [v.group for v in sorted(shown, key=lambda v: -(v.value or 0.0))]


def _notes(reader: Reader, shown: int, hidden: int, nouns: wording.Nouns, contract: Metric) -> list[str]:
    notes = [reader.say(Text.LARGEST_OF, most=_ROWS, of=shown)] if shown > _ROWS else []
    if hidden:
        notes += [withheld(reader, hidden, nouns, contract), reader.say(Text.TOTALS_INCLUDE_THEM)]
    return notes


def _cell(reader: Reader, contract: Metric, value: Cell, top: float, kind: str) -> Any:
    if not isinstance(value, float):
        text = reader.say(Text.WITHHELD_CELL) if value == WITHHELD else wording.DASH
        return html.Td(text, className=kind)
    share = abs(value) / top if top else None
    return html.Td([html.Span(wording.digits(reader, contract, value)), bar(share)], className=f"barred {kind}".strip())
