"""Small multiples: one metric by day, a panel per value of a dimension, each against the whole slice."""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame
from dashboard.draw import charts
from dashboard.draw.charts import Axis, Line
from dashboard.draw.palette import Palette
from dashboard.draw.parts import state
from dashboard.draw.sheets import Column, Sheet, cell, trend
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts

_PANELS = 12
_ROW_HEIGHT = 106


class Panels:
    """One metric by day for each value of a dimension.

    Args:
        metric: its name.
        size: metric that says which groups are largest.
        by: the dimension; chosen by the reader unless given.
    """

    def __init__(self, metric: str, size: str, by: str = "") -> None:
        self.name, self.metric, self._size, self._by = "panels", metric, size, by
        self._whole = Question((metric,), ("date",))

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract = contracts.metric(self.metric)
        words = reader.say(Text.PANELS_OF, label=contract.label)
        return Frame(self.name, contract.label, 430, reader, words, contract)

    def _questions(self, view: View) -> tuple[Question, Question]:
        by = self._by or view.by
        return Question((self._size,), (by,), compare=True), Question((self.metric,), ("date", by))

    def ask(self, view: View) -> tuple[Question, ...]:
        """Sizes of the groups, their days, and the days of the whole slice."""
        return (*self._questions(view), self._whole)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per day, a column per group."""
        by, (sizes, days) = self._by or view.by, map(found.of, self._questions(view))
        known = [v for v in sizes if v.value is not None]
        groups = [v.group for v in sorted(known, key=lambda v: -(v.value or 0.0))]
        contract = found.metric(self.metric)
        values = {(v.period, v.group): v for v in days}
        reader = view.reader
        named = (Column.of(reader, contract, value_name(reader, by, group[0])) for group in groups)
        columns = (Column.said(reader, Text.DAY), *named)
        rows = tuple((day, *(cell(values.get((day, group))) for group in groups)) for day in view.days)
        return Sheet(self.name, contract.label, columns, rows, (contract,), days.values, found, days.by, is_daily=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The panels, the largest groups first."""
        (contract,), by = sheet.contracts, self._by or view.by
        panels = [
            Line(column.label, sheet.numbers(i + 1), theme.accent, 1.6) for i, column in enumerate(sheet.columns[1:])
        ][:_PANELS]
        label = sheet.found.contracts.dimension(by).label.lower()
        reader = view.reader
        sub = reader.say(Text.PANELS_SUB, unit=wording.unit_of(reader, contract), label=label, scope=view.scope)
        if not panels:
            return Filling(sub, content=state(reader.say(Text.NOTHING_TO_SHOW), reader.say(Text.NO_GROUP_SHOWN)))
        across = 3 if len(panels) > 4 else 2
        whole = trend(sheet.found.of(self._whole), self.metric, view.days)
        reference = Line(reader.say(Text.ALL_IN_SLICE), whole, theme.reference, 1.2)
        axis = Axis(wording.unit_of(reader, contract))
        figure = charts.small_multiples(view.days, panels, reference, axis, theme, across)
        return Filling(sub, figure, height=30 + _ROW_HEIGHT * -(-len(panels) // across))
