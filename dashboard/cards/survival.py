"""How long cases stay open: the share that still is after some days, and the day by which half are over.

A curve through what the contracts tell of it. Between two points nothing is claimed but that it does not rise.
"""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame, grown_up_in
from dashboard.draw.charts import Axis
from dashboard.draw.groups import Curve, Point, falling_points
from dashboard.draw.palette import Palette
from dashboard.draw.parts import nothing, withheld
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, Metric
from metrics.kinds.survival import Survival as SurvivalMetric

_HEIGHT = 330


class Survival:
    """The points of survival curves: of all, and of the values of a dimension that have most cases.

    Args:
        name: of the card.
        title: what it shows.
        open_after: metrics of the share still open after so many days, by these days.
        median: metric of the days until half are over.
        by: the dimension.
        most: how many of its values are drawn.
        back: days before the period in which cases belong to it, so that some are followed long enough.
    """

    def __init__(
        self, name: str, title: Text, open_after: tuple[str, ...], median: str, by: str, most: int = 3, back: int = 0
    ) -> None:
        self.name, self._title, self._by, self._most, self._back = name, title, by, most, back
        self._after, self._median = open_after, median
        self.metrics = (*open_after, median)
        self._whole = Question(self.metrics, back=back)
        self._groups = Question(self.metrics, (by,), back=back)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract = contracts.metric(self._median)
        days = ", ".join(str(after_days(contracts.metric(name))) for name in self._after)
        words = reader.say(Text.CURVES_OF, days=days)
        return Frame(self.name, reader.say(self._title), _HEIGHT, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """All together, and each value."""
        return self._whole, self._groups

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per value, with most cases first, under all together."""
        whole, groups = found.of(self._whole), found.of(self._groups)
        contracts = tuple(found.metric(name) for name in self.metrics)
        known = {(v.metric, v.group): v for v in groups}
        sizes = sorted(groups.series(self._median), key=lambda v: -(v.denominator or 0.0))
        reader = view.reader
        told = [(reader.say(Text.ALL), [whole.one(name) for name in self.metrics])]
        told += [
            (value_name(reader, self._by, v.group[0]), [known[name, v.group] for name in self.metrics])
            for v in sizes
            if not v.suppressed
        ]
        rows = tuple(
            (name, values[-1].denominator, *(part for v in values for part in (cell(v), v.low, v.high)))
            for name, values in told
        )
        label = found.contracts.dimension(self._by).label
        cases = Column.said(reader, Text.CASES)
        columns = (Column(label), cases, *(column for c in contracts for column in _columns(reader, c)))
        title, by = reader.say(self._title), groups.by
        return Sheet(self.name, title, columns, rows, contracts, groups.values, found, by, back=self._back)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The points."""
        whole, median = sheet.found.of(self._whole), sheet.found.metric(self._median)
        reader = view.reader
        began = reader.say(Text.BEGAN, days=grown_up_in(view, self._back, sheet.found))
        sub = f"{reader.say(Text.STILL_OPEN)} · {began} · {view.scope}"
        if not any(v.value is not None for v in whole):
            return Filling(sub, content=nothing(reader, whole, median))
        curves = [
            Curve(str(row[0]), self._points(sheet, i), theme.series[i])
            for i, row in enumerate(sheet.rows[: 1 + self._most])
        ]
        half = whole.one(self._median)
        amount = wording.amount(reader, median, half.value)
        notes = [reader.say(Text.HALF_OVER, amount=amount)] if half.value is not None else []
        notes.append(reader.say(Text.WHISKERS))
        hidden = sum(v.suppressed for v in sheet.found.of(self._groups).series(self._median))
        notes.append(withheld(reader, hidden, wording.nouns_of(sheet.found.contracts.dimension(self._by)), median))
        figure = falling_points(curves, Axis("%", ".3~g", top=100), reader.say(Text.DAYS_SINCE), theme)
        return Filling(sub, figure, note=" ".join(filter(None, notes)))

    def _points(self, sheet: Sheet, row: int) -> list[Point]:
        """The known points of one row: all are open on the first day, then the shares, and where half are over."""
        points = [Point(0, 100)]
        for place, contract in enumerate(sheet.contracts):
            value, low, high = (sheet.numbers(2 + 3 * place + i)[row] for i in range(3))
            if value is not None and contract.name == self._median:
                points.append(Point(value, 50, low, high, across=True))
            elif value is not None:
                points.append(Point(after_days(contract), value, low, high))
        return sorted(points, key=lambda point: (point.x, -point.y))


def after_days(contract: Metric) -> int:
    """After how many days a metric tells the share still open.

    Raises:
        TypeError: it tells something else.
    """
    if not isinstance(contract, SurvivalMetric) or contract.after_days is None:
        raise TypeError(f"{contract.name} is no share still open after some days")
    return contract.after_days


def _columns(reader: Reader, contract: Metric) -> tuple[Column, ...]:
    """Value, low and high."""
    column = Column.of(reader, contract, contract.short)
    return column, *column.ends(reader)
