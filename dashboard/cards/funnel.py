"""Who got how far: the steps of a funnel, each within its window, as shares of the first and of the step before."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.cards.card import Filling, Frame, grown_up_in
from dashboard.draw.palette import Palette
from dashboard.draw.parts import bar, small_group, state
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, Metric, MetricValue
from metrics.kinds.funnel import Funnel as FunnelMetric
from metrics.kinds.funnel import Step

_HEIGHT = 236


class Funnel:
    """The steps of a funnel, for those who began in the period or some days before it.

    Args:
        metric: its name.
        title: what the card shows; the metric's label unless given.
        back: days before the period in which cohorts belong to it, so that some are old enough for every step.
    """

    def __init__(self, metric: str, title: Text | None = None, back: int = 0) -> None:
        self.metric, self._title, self._back = metric, title, back
        self.name = metric.replace("_", "-")
        self._steps = Question((metric,), ("step",), back=back)

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A table with bars."""
        contract = contracts.metric(self.metric)
        steps_of(contract)
        title = reader.say(self._title) if self._title else contract.label
        return Frame(self.name, title, _HEIGHT, reader, contract=contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Every step."""
        return (self._steps,)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per step: who reached it of whom, the share with its interval, and that of the step before."""
        reader = view.reader
        contract, reached = found.metric(self.metric), found.of(self._steps)
        names = {("step", step.name): step.label for step in steps_of(contract)}
        share = Column.of(reader, contract, reader.say(Text.SHARE_OF_FIRST))
        columns = (
            *(Column.said(reader, head) for head in (Text.STEP, Text.REACHED, Text.OF)), share, *share.ends(reader),
            Column.of(reader, contract, reader.say(Text.OF_STEP_BEFORE)), Column.said(reader, Text.DAYS_LEFT_OUT),
        )  # fmt: skip
        rows = tuple(
            (names["step", v.group[0]], v.numerator, v.denominator, cell(v), v.low, v.high, _of_before(v), v.immature)
            for v in reached
        )
        title = reader.say(self._title) if self._title else contract.label
        return Sheet(
            self.name, title, columns, rows, (contract,), reached.values, found, reached.by,
            back=self._back, names=names,
        )  # fmt: skip

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The steps below each other."""
        (contract,), values = sheet.contracts, sheet.values
        reader = view.reader
        began = reader.say(Text.BEGAN, days=grown_up_in(view, self._back, sheet.found))
        sub = f"{began} · {view.scope}"
        if not any(v.value is not None for v in values):
            return Filling(sub, content=self._none(view, sheet, contract))
        steps = {step.name: step for step in steps_of(contract)}
        rows = [_row(reader, contract, steps[v.group[0]], v) for v in values]
        caption = html.Caption(sheet.title, className="visually-hidden")
        heads = (Text.STEP, Text.SHARE, Text.VEHICLES, Text.OF_THE_FIRST, Text.OF_STEP_BEFORE)
        head = html.Tr([html.Th(reader.say(name), scope="col", className=_class(i)) for i, name in enumerate(heads)])
        table = html.Table([caption, html.Thead(head), html.Tbody(rows)], className="ranking funnel")
        return Filling(sub, content=table, note=_unripe(reader, steps, values))

    def _none(self, view: View, sheet: Sheet, contract: Metric) -> Any:
        """Why no step has a figure."""
        days, say = grown_up_in(view, self._back, sheet.found), view.reader.say
        if any(v.suppressed for v in sheet.values):
            few = small_group(view.reader, contract)
            return state(say(Text.WITHHELD), say(Text.BEGAN_WITHHELD, days=days, few=few))
        if any(v.immature for v in sheet.values):
            return state(say(Text.NOT_OVER_YET), say(Text.NO_WINDOW_PASSED, days=days))
        return state(say(Text.NOBODY_BEGAN), say(Text.NO_VEHICLE_BEGAN, days=days))


def steps_of(contract: Metric) -> tuple[Step, ...]:
    """The steps of a funnel.

    Raises:
        TypeError: the metric is none.
    """
    if not isinstance(contract, FunnelMetric):
        raise TypeError(f"{contract.name} is no funnel")
    return contract.steps


def _of_before(value: MetricValue) -> float | None:
    return value.of_before.value if value.of_before else None


def _class(column: int) -> str:
    return "wide" if column == 1 else "second" if column == 4 else ""


def _row(reader: Reader, contract: Metric, step: Step, value: MetricValue) -> Any:
    within = f" {reader.say(Text.WITHIN, step.within_days)}" if step.within_days else ""
    name = html.Th([step.label, html.Span(within, className="muted")], scope="row")
    if value.value is None:
        return html.Tr([name, html.Td(reader.say(Text.NOT_OVER), colSpan=4, className="muted")])
    before = _of_before(value)
    texts = (
        reader.number(value.numerator or 0),
        wording.amount(reader, contract, value.value),
        wording.amount(reader, contract, before) if step.within_days and before is not None else "",
    )
    cells = [html.Td(text, className=_class(i + 2)) for i, text in enumerate(texts)]
    return html.Tr([name, html.Td(bar(value.value / contract.scale), className="wide"), *cells])


def _unripe(reader: Reader, steps: dict[str, Step], values: tuple[MetricValue, ...]) -> str | None:
    """How much is not told of the last steps, because it is not over."""
    left = [(steps[v.group[0]].label, v.immature) for v in values if v.immature]
    if not left:
        return None
    days = ", ".join(reader.say(Text.FACT, term=label, text=reader.say(Text.DAYS, days)) for label, days in left)
    return reader.say(Text.LEFT_OUT, days=days)
