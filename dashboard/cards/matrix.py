"""Cohorts against their age: who is still there, by when they began or what they are. What is not over is empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from dashboard.cards.card import Filling, Frame, grown_up_in
from dashboard.draw.charts import Axis
from dashboard.draw.groups import heat
from dashboard.draw.palette import Palette
from dashboard.draw.parts import nothing, withheld
from dashboard.draw.sheets import Cell, Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import in_order, value_name
from dashboard.view.published import PERIODS, Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, Evaluation, MetricValue

_ROW_HEIGHT = 25
_MARGINS = 60
_PERIOD_NAMES = {"week": (Text.WEEK_FROM, Text.WEEK, Text.WEEKS), "month": (Text.MONTH_FROM, Text.MONTH, Text.MONTHS)}


class Matrix:
    """A metric of cohorts, one row per cohort and a column per age, under all of them together.

    Args:
        metric: its name.
        down: what the rows are: ``week`` or ``month`` in which they began, or a dimension.
        title: what the card shows.
        axis: of the metric's kind; what the columns are.
        back: days before the period in which cohorts belong to it, so that some are old enough for every age.
    """

    def __init__(self, metric: str, down: str, title: Text, axis: str = "age_weeks", back: int = 0) -> None:
        self.metric, self._down, self._title, self._axis, self._back = metric, down, title, axis, back
        self.name = f"{metric}-{down}".replace("_", "-")
        self._whole = Question((metric,), (axis,), back=back)
        self._parts = Question((metric,), (down, axis), back=back)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract = contracts.metric(self.metric)
        if contract.axis != self._axis:
            raise TypeError(f"{contract.name} has no {self._axis}")
        words = reader.say(Text.MATRIX_BY_AGE, label=contract.label)
        return Frame(self.name, reader.say(self._title), 260, reader, words, contract, is_wide=True)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Every age of all together, and of each row."""
        return self._whole, self._parts

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per cohort of which anything may be shown, after all together."""
        contract, whole, parts = found.metric(self.metric), found.of(self._whole), found.of(self._parts)
        ages = sorted({v.group[-1] for v in whole}, key=lambda age: in_order(self._axis, age))
        reader = view.reader
        by_row: dict[Cell, dict[str, MetricValue]] = {}
        for value in sorted(parts, key=self._order):
            by_row.setdefault(self._row(reader, value), {})[value.group[-1]] = value
        shown = {row: known for row, known in by_row.items() if any(v.value is not None for v in known.values())}
        rows = tuple(
            (row, _began(known.values()), *(cell(known.get(age)) for age in ages))
            for row, known in {reader.say(Text.ALL): {v.group[-1]: v for v in whole}, **shown}.items()
        )
        by_time = self._down in PERIODS
        down = reader.say(_PERIOD_NAMES[self._down][0]) if by_time else found.contracts.dimension(self._down).label
        weeks = (Column.of(reader, contract, reader.say(Text.WEEK_NUMBER, age=age)) for age in ages)
        columns = (Column(down), Column.said(reader, Text.BEGAN_COLUMN), *weeks)
        every = whole.values if by_time else tuple(replace(v, group=("", *v.group)) for v in whole)
        told = (*every, *parts)
        title = reader.say(self._title)
        return Sheet(self.name, title, columns, rows, (contract,), told, found, parts.by, back=self._back)

    def _row(self, reader: Reader, value: MetricValue) -> Cell:
        return value.period if value.period is not None else value_name(reader, self._down, value.group[0])

    def _order(self, value: MetricValue) -> tuple[date, tuple[bool, float, str]]:
        return value.period or date.min, in_order(self._down, value.group[0])

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The matrix, with its digits in it."""
        (contract,), parts = sheet.contracts, sheet.found.of(self._parts)
        reader = view.reader
        began = reader.say(Text.BEGAN, days=grown_up_in(view, self._back, sheet.found))
        sub = f"{wording.unit_of(reader, contract)} · {began} · {view.scope}"
        if not any(v.value is not None for v in sheet.values):
            return Filling(sub, content=nothing(reader, sheet.values, contract))
        names = [_head(reader, row[0], row[1]) for row in sheet.rows]
        cells = [[v if isinstance(v, float) else None for v in row[2:]] for row in sheet.rows]
        ages = sorted({v.group[-1] for v in sheet.found.of(self._whole)}, key=lambda age: in_order(self._axis, age))
        axis = Axis(wording.unit_of(reader, contract))
        figure = heat(ages, names, cells, axis, theme, reader.say(Text.WEEKS_SINCE))
        return Filling(
            sub, figure, note=self._left_out(reader, sheet, parts), height=_MARGINS + _ROW_HEIGHT * len(names)
        )

    def _left_out(self, reader: Reader, sheet: Sheet, parts: Evaluation) -> str | None:
        """How many rows are not shown, and why."""
        (contract,) = sheet.contracts
        if self._down in PERIODS:
            _, one, many = _PERIOD_NAMES[self._down]
            nouns = reader.say(one), reader.say(many)
        else:
            nouns = wording.nouns_of(sheet.found.contracts.dimension(self._down))
        hidden = {self._row(reader, v) for v in parts if v.suppressed}
        young = {self._row(reader, v) for v in parts} - hidden - {row[0] for row in sheet.rows}
        too_young = reader.say(Text.NO_AGE_OVER, groups=wording.count(reader, len(young), nouns)) if young else ""
        return " ".join(filter(None, (withheld(reader, len(hidden), nouns, contract), too_young))) or None


def _began(values: Iterable[MetricValue]) -> float | None:
    """How many began: the most that any age is told of."""
    return max((v.denominator for v in values if v.denominator is not None), default=None)


def _head(reader: Reader, row: Cell, began: Cell) -> str:
    name = wording.day_of_year(reader, row) if isinstance(row, date) else str(row)
    return f"{name} · {reader.number(began)}" if isinstance(began, float) else name
