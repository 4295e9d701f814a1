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

    def __init__(self, metric: str, title: str = "", back: int = 0) -> None:
        self.metric, self._title, self._back = metric, title, back
        self.name = metric.replace("_", "-")
        self._steps = Question((metric,), ("step",), back=back)

    def frame(self, contracts: Contracts) -> Frame:
        """A table with bars."""
        contract = contracts.metric(self.metric)
        steps_of(contract)
        return Frame(self.name, self._title or contract.label, _HEIGHT, contract=contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Every step."""
        return (self._steps,)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per step: who reached it of whom, the share with its interval, and that of the step before."""
        contract, reached = found.metric(self.metric), found.of(self._steps)
        names = {("step", step.name): step.label for step in steps_of(contract)}
        share = Column.of(contract, "Share of the first")
        columns = (
            Column("Step"), Column("Reached it"), Column("Of"), share,
            *(Column(f"{share.label}, {end}", share.unit, share.text) for end in ("low", "high")),
            Column("Of the step before", share.unit, share.text), Column("Days left out, not over yet"),
        )  # fmt: skip
        rows = tuple(
            (names["step", v.group[0]], v.numerator, v.denominator, cell(v), v.low, v.high, _of_before(v), v.immature)
            for v in reached
        )
        return Sheet(
            self.name, self._title or contract.label, columns, rows, (contract,), reached.values, found, reached.by,
            back=self._back, names=names,
        )  # fmt: skip

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The steps below each other."""
        (contract,), values = sheet.contracts, sheet.values
        sub = f"began {grown_up_in(view, self._back, sheet.found)} · {view.scope}"
        if not any(v.value is not None for v in values):
            return Filling(sub, content=self._none(view, sheet, contract))
        steps = {step.name: step for step in steps_of(contract)}
        rows = [_row(contract, steps[v.group[0]], v) for v in values]
        caption = html.Caption(sheet.title, className="visually-hidden")
        heads = ("Step", "Share", "Vehicles", "Of the first", "Of the step before")
        head = html.Tr([html.Th(name, scope="col", className=_class(i)) for i, name in enumerate(heads)])
        table = html.Table([caption, html.Thead(head), html.Tbody(rows)], className="ranking funnel")
        return Filling(sub, content=table, note=_unripe(steps, values))

    def _none(self, view: View, sheet: Sheet, contract: Metric) -> Any:
        """Why no step has a figure."""
        days = grown_up_in(view, self._back, sheet.found)
        if any(v.suppressed for v in sheet.values):
            text = f"In {days}, {small_group(contract)} began. A longer period or fewer filters hold more of them."
            return state("Withheld", text)
        if any(v.immature for v in sheet.values):
            return state(
                "Not over yet", f"No window that began in {days} has passed. Choose an earlier or longer period."
            )
        return state("Nobody began", f"In {days}, no vehicle of this slice began.")


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


def _row(contract: Metric, step: Step, value: MetricValue) -> Any:
    within = f" within {step.within_days} d" if step.within_days else ""
    name = html.Th([step.label, html.Span(within, className="muted")], scope="row")
    if value.value is None:
        return html.Tr([name, html.Td("not over yet", colSpan=4, className="muted")])
    before = _of_before(value)
    texts = (
        f"{value.numerator:,.0f}",
        wording.amount(contract, value.value),
        wording.amount(contract, before) if step.within_days and before is not None else "",
    )
    cells = [html.Td(text, className=_class(i + 2)) for i, text in enumerate(texts)]
    return html.Tr([name, html.Td(bar(value.value / contract.scale), className="wide"), *cells])


def _unripe(steps: dict[str, Step], values: tuple[MetricValue, ...]) -> str | None:
    """How much is not told of the last steps, because it is not over."""
    left = [(steps[v.group[0]].label, v.immature) for v in values if v.immature]
    if not left:
        return None
    days = ", ".join(f"{label}: {wording.count(days, 'day')}" for label, days in left)
    return f"Left out, because their window is not over: {days} of those on which vehicles began."
