"""Metrics day by day: bars for what adds up over days, lines for all else."""

from __future__ import annotations

from dashboard.cards.card import Filling, Frame, sample
from dashboard.draw import charts
from dashboard.draw.charts import Axis, Line
from dashboard.draw.palette import Palette
from dashboard.draw.parts import headline, nothing
from dashboard.draw.sheets import Column, Sheet, by_day, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts

_HEIGHT = 172
_TALL = 236


class ByDay:
    """One metric per day, with the period of comparison behind it.

    Args:
        metric: its name.
        each: what one point is, in the subtitle; unit and day unless given.
    """

    def __init__(self, metric: str, each: Text | None = None) -> None:
        self.name, self.metric, self._each = metric, metric, each
        self._total = Question((metric,), compare=True)
        self._each_day = Question((metric,), ("date",), compare=True)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        contract = contracts.metric(self.metric)
        text = Text.BARS_PER_DAY if wording.adds_up(contract) else Text.LINE_PER_DAY
        words = reader.say(text, labels=contract.label)
        return Frame(self.name, contract.label, _HEIGHT, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole period, and each day of it."""
        return self._total, self._each_day

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per day: now and, where there is a comparison, then."""
        contract, days = found.metric(self.metric), found.of(self._each_day)
        reader = view.reader
        columns = [Column.said(reader, Text.DAY), Column.of(reader, contract)]
        if view.comparison is not None:
            then = reader.say(Text.LABEL_AGAINST, label=contract.label, against=view.before)
            columns.append(Column.of(reader, contract, then))
        values = by_day(days, self.metric, view.days)
        cells = [(day, cell(v), cell(v and v.previous)) for day, v in zip(view.days, values, strict=True)]
        rows = tuple(row[: len(columns)] for row in cells)
        told = days.series(self.metric)
        return Sheet(self.name, contract.label, tuple(columns), rows, (contract,), told, found, is_daily=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """Bars or a line, and the value of the whole period above them."""
        (contract,) = sheet.contracts
        total = sheet.found.of(self._total).one(self.metric)
        reader = view.reader
        what = reader.say(self._each) if self._each else wording.each_day(reader, contract)
        each = f"{what} · {view.scope}"
        if all(value is None for value in sheet.numbers(1)):
            return Filling(each, content=nothing(reader, sheet.values, contract))
        bars = wording.adds_up(contract)
        now = Line(contract.label, sheet.numbers(1), theme.fill if bars else theme.accent)
        before = None
        if view.comparison is not None and any(value is not None for value in sheet.numbers(2)):
            before = Line(view.before, sheet.numbers(2), theme.reference, 1.4)
        axis, late = Axis(wording.unit_of(reader, contract), from_zero=bars), sheet.found.info.provisional_from
        if bars:
            figure = charts.daily_bars(view.days, [now], axis, theme, late, before=before)
        else:
            figure = charts.daily_lines(view.days, [*([before] if before else []), now], axis, theme, late)
        head = headline(contract, total, view, keyed=before is not None)
        size = sample(view, total)
        return Filling(", ".join(filter(None, (each, size))), figure, head=head)


class DaysOf:
    """Several metrics of one unit per day: lines, or shares of one whole as stacked bars.

    Args:
        name: of the card.
        title: what it shows.
        metrics: their names; the last is drawn on top, and is the one whose total stands above lines.
        sub: beginning of the subtitle.
        stacked: they are the parts of one whole.
        size: metric whose vehicles are n; the last unless given.
        graded: the same, and the parts go from well to bad and are coloured so.
    """

    def __init__(
        self,
        name: str,
        title: Text,
        metrics: tuple[str, ...],
        sub: Text,
        *,
        stacked: bool = False,
        size: str = "",
        graded: bool = False,
    ) -> None:
        self.name, self.title, self.metrics, self._sub, self._stacked = name, title, metrics, sub, stacked or graded
        self._graded = graded
        self._size = size or metrics[-1]
        self._total = Question((self._size,), compare=True)
        self._each_day = Question(metrics, ("date",))

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        labels = [contracts.metric(name).label for name in self.metrics]
        text = Text.BARS_PER_DAY if self._stacked else Text.LINES_PER_DAY
        words = reader.say(text, labels=", ".join(labels))
        contract = None if self._stacked else contracts.metric(self._size)
        height = _TALL if self._stacked else _HEIGHT
        return Frame(self.name, reader.say(self.title), height, reader, words, contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Each day, and the total that stands above."""
        return self._total, self._each_day

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per day, a column per metric."""
        days = found.of(self._each_day)
        contracts = tuple(found.metric(name) for name in self.metrics)
        columns = (Column.said(view.reader, Text.DAY), *(Column.of(view.reader, contract) for contract in contracts))
        rows = tuple(zip(view.days, *(map(cell, by_day(days, n, view.days)) for n in self.metrics), strict=True))
        told = tuple(value for name in self.metrics for value in days.series(name))
        title = view.reader.say(self.title)
        return Sheet(self.name, title, columns, rows, contracts, told, found, is_daily=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The chart."""
        reader = view.reader
        what = f"{reader.say(self._sub)} · {view.scope}"
        total, late = sheet.found.of(self._total).one(self._size), sheet.found.info.provisional_from
        if all(value is None for column in range(1, len(sheet.columns)) for value in sheet.numbers(column)):
            return Filling(what, content=nothing(reader, sheet.values, sheet.contracts[-1]))
        names = [contract.short if self._stacked else contract.label for contract in sheet.contracts]
        labels = wording.without_common_start(names)
        sub = ", ".join(filter(None, (what, sample(view, total))))
        if self._stacked:
            bars = self._bars(sheet, labels, theme)
            whole = Axis("%", ".3~g", top=100) if sheet.contracts[0].unit == "%" else Axis()
            figure = charts.daily_bars(view.days, bars, whole, theme, late)
            return Filling(sub, figure)
        first = "dot" if len(labels) > 1 else "solid"
        lines = [
            Line(label, sheet.numbers(i + 1), theme.line_color(i, len(labels)), dash="solid" if i else first)
            for i, label in enumerate(labels)
        ]
        unit = "" if sheet.contracts[0].unit in wording.NAMED else wording.unit_of(reader, sheet.contracts[0])
        axis = Axis(unit, ",.3~g")
        figure = charts.daily_lines(view.days, lines, axis, theme, late, legend=len(lines) > 1)
        head = headline(sheet.found.metric(self._size), total, view)
        return Filling(sub, figure, head=head)

    def _bars(self, sheet: Sheet, labels: list[str], theme: Palette) -> list[Line]:
        """The parts; the last is hatched, so that it is told by more than its colour."""
        last = len(labels) - 1
        plain = (*(theme.fill, theme.accent_soft, theme.calm)[:last], theme.quiet)
        colors = (theme.calm, theme.warning, theme.bad) if self._graded else plain
        return [
            Line(label, sheet.numbers(i + 1), colors[i], hatch="/" if i == last else "")
            for i, label in enumerate(labels)
        ]
