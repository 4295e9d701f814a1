"""Which few make up most: the values of one dimension by a total, largest first, with their share of all added up."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.cards.card import Filling, Frame
from dashboard.draw.palette import Palette
from dashboard.draw.parts import bar, nothing, tone, withheld
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import View
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question
from metrics import Contracts, MetricValue

_ROWS = 12


class Pareto:
    """A total by a dimension, and what each value of it is called.

    Args:
        metric: a total; its segments add up.
        by: the dimension.
        named: a dimension that says in words what a value of the first is.
        title: what the card shows.
    """

    def __init__(self, metric: str, by: str, named: str, title: str) -> None:
        self.metric, self._by, self._named, self._title = metric, by, named, title
        self.name = f"{metric}-{by}-pareto".replace("_", "-")
        self._total = Question((metric,), compare=True)
        self._groups = Question((metric,), (by,), compare=True)
        # For the names alone. What is withheld of a value is judged among values, not among pairs of value and name.
        self._names = Question((metric,), (by, named))

    def frame(self, contracts: Contracts) -> Frame:
        """A table with bars."""
        contract = contracts.metric(self.metric)
        if not contract.is_total:
            raise TypeError(f"{contract.name} is no total")
        return Frame(self.name, self._title, 380, contract=contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, each value, and what it is called."""
        return self._total, self._groups, self._names

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per value that may be shown: what it is, how many, and the share of all up to it."""
        contract, groups = found.metric(self.metric), found.of(self._groups)
        whole = found.of(self._total).one(self.metric).value
        names = {v.group[0]: value_name(self._named, v.group[1]) for v in found.of(self._names)}
        shown = sorted((v for v in groups if v.value is not None), key=lambda v: -(v.value or 0.0))
        rows, sum_ = [], 0.0
        for v in shown:
            sum_ += v.value or 0.0
            share = 100 * sum_ / whole if whole else None
            (code,) = v.group
            rows.append((value_name(self._by, code), names.get(code), cell(v), share, _change(v)))
        labels = [found.contracts.dimension(name).label for name in (self._by, self._named)]
        columns = (
            *map(Column, labels), Column.of(contract), Column("Share of all, added up", "%"), Column("Change")
        )  # fmt: skip
        told = (*shown, *(v for v in groups if v.value is None))
        called = {(self._by, code): name for code, name in names.items()}
        return Sheet(self.name, self._title, columns, tuple(rows), (contract,), told, found, groups.by, names=called)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The largest as a table."""
        (contract,), values = sheet.contracts, sheet.values
        total = sheet.found.of(self._total).one(self.metric)
        sub = f"{wording.amount(contract, total.value)} · {view.period} · {view.scope}"
        if not sheet.rows:
            return Filling(sub, content=nothing((total, *values), contract))
        top = values[0].value or 1.0
        rows = [_row(sheet, row, v, (v.value or 0.0) / top) for row, v in zip(sheet.rows[:_ROWS], values, strict=False)]
        heads = (sheet.columns[0].label, sheet.columns[1].label, "", contract.short, "Of all, up to here", "Change")
        head = html.Tr([html.Th(text, scope="col", className=_CLASSES[i]) for i, text in enumerate(heads)])
        caption = html.Caption(sheet.title, className="visually-hidden")
        table = html.Table([caption, html.Thead(head), html.Tbody(rows)], className="ranking pareto")
        hidden = sum(v.suppressed for v in values)
        notes = [f"The {_ROWS} largest of {len(sheet.rows)}; the table has all."] if len(sheet.rows) > _ROWS else []
        notes.append(withheld(hidden, sheet.columns[0].label.lower(), contract))
        return Filling(sub, content=table, note=" ".join(filter(None, notes)))


_CLASSES = ("", "left", "wide", "", "second", "second")


def _change(value: MetricValue) -> float | None:
    return None if value.previous is None or not value.previous.days else value.change


def _row(sheet: Sheet, row: tuple[Any, ...], value: MetricValue, share: float) -> Any:
    (contract,) = sheet.contracts
    moved = wording.change(contract, value) if value.previous is not None else None
    change: Any = wording.DASH
    if moved is not None:
        arrow = html.Span(moved.arrow, className="arrow")
        change = html.Span([arrow, moved.text, tone(moved)], className=moved.tone)
    cells = (
        html.Th(row[0], scope="row"),
        html.Td(row[1], className="left"),
        html.Td(bar(share), className="wide"),
        html.Td(wording.digits(contract, value.value or 0.0)),
        html.Td(wording.DASH if row[3] is None else f"{row[3]:.0f}%", className="second"),
        html.Td(change, className="second"),
    )
    return html.Tr(list(cells))
