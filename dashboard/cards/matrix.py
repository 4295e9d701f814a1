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
from metrics import Contracts, Evaluation, MetricValue

_ROW_HEIGHT = 25
_MARGINS = 60
_ACROSS = "weeks since · beside the name: how many began"


class Matrix:
    """A metric of cohorts, one row per cohort and a column per age, under all of them together.

    Args:
        metric: its name.
        down: what the rows are: ``week`` or ``month`` in which they began, or a dimension.
        title: what the card shows.
        axis: of the metric's kind; what the columns are.
        back: days before the period in which cohorts belong to it, so that some are old enough for every age.
    """

    def __init__(self, metric: str, down: str, title: str, axis: str = "age_weeks", back: int = 0) -> None:
        self.metric, self._down, self._title, self._axis, self._back = metric, down, title, axis, back
        self.name = f"{metric}-{down}".replace("_", "-")
        self._whole = Question((metric,), (axis,), back=back)
        self._parts = Question((metric,), (down, axis), back=back)

    def frame(self, contracts: Contracts) -> Frame:
        """A chart."""
        contract = contracts.metric(self.metric)
        if contract.axis != self._axis:
            raise TypeError(f"{contract.name} has no {self._axis}")
        words = f"Matrix: {contract.label}, by age; a fuller colour is more, and what is not over is empty."
        return Frame(self.name, self._title, 260, words, contract, is_wide=True)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Every age of all together, and of each row."""
        return self._whole, self._parts

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per cohort of which anything may be shown, after all together."""
        contract, whole, parts = found.metric(self.metric), found.of(self._whole), found.of(self._parts)
        ages = sorted({v.group[-1] for v in whole}, key=lambda age: in_order(self._axis, age))
        by_row: dict[Cell, dict[str, MetricValue]] = {}
        for value in sorted(parts, key=self._order):
            by_row.setdefault(self._row(value), {})[value.group[-1]] = value
        shown = {row: known for row, known in by_row.items() if any(v.value is not None for v in known.values())}
        rows = tuple(
            (row, _began(known.values()), *(cell(known.get(age)) for age in ages))
            for row, known in {"All": {v.group[-1]: v for v in whole}, **shown}.items()
        )
        by_time = self._down in PERIODS
        down = f"{self._down.capitalize()} from" if by_time else found.contracts.dimension(self._down).label
        columns = (Column(down), Column("Began"), *(Column.of(contract, f"Week {age}") for age in ages))
        every = whole.values if by_time else tuple(replace(v, group=("", *v.group)) for v in whole)
        told = (*every, *parts)
        return Sheet(self.name, self._title, columns, rows, (contract,), told, found, parts.by, back=self._back)

    def _row(self, value: MetricValue) -> Cell:
        return value.period if value.period is not None else value_name(self._down, value.group[0])

    def _order(self, value: MetricValue) -> tuple[date, tuple[bool, float, str]]:
        return value.period or date.min, in_order(self._down, value.group[0])

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The matrix, with its digits in it."""
        (contract,), parts = sheet.contracts, sheet.found.of(self._parts)
        sub = f"{wording.unit_of(contract)} · began {grown_up_in(view, self._back, sheet.found)} · {view.scope}"
        if not any(v.value is not None for v in sheet.values):
            return Filling(sub, content=nothing(sheet.values, contract))
        names = [_head(row[0], row[1]) for row in sheet.rows]
        cells = [[v if isinstance(v, float) else None for v in row[2:]] for row in sheet.rows]
        ages = [column.label.removeprefix("Week ") for column in sheet.columns[2:]]
        figure = heat(ages, names, cells, Axis(wording.unit_of(contract)), theme, _ACROSS)
        return Filling(sub, figure, note=self._left_out(sheet, parts), height=_MARGINS + _ROW_HEIGHT * len(names))

    def _left_out(self, sheet: Sheet, parts: Evaluation) -> str | None:
        """How many rows are not shown, and why."""
        (contract,) = sheet.contracts
        noun = self._down if self._down in PERIODS else sheet.columns[0].label.lower()
        hidden = {self._row(v) for v in parts if v.suppressed}
        young = {self._row(v) for v in parts} - hidden - {row[0] for row in sheet.rows}
        too_young = f"Of {wording.count(len(young), noun)} no age is over yet." if young else ""
        return " ".join(filter(None, (withheld(len(hidden), noun, contract), too_young))) or None


def _began(values: Iterable[MetricValue]) -> float | None:
    """How many began: the most that any age is told of."""
    return max((v.denominator for v in values if v.denominator is not None), default=None)


def _head(row: Cell, began: Cell) -> str:
    name = f"{row.day} {row:%b}" if isinstance(row, date) else str(row)
    return f"{name} · {began:,.0f}" if isinstance(began, float) else name
