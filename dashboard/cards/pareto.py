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
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
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

    def __init__(self, metric: str, by: str, named: str, title: Text) -> None:
        self.metric, self._by, self._named, self._title = metric, by, named, title
        self.name = f"{metric}-{by}-pareto".replace("_", "-")
        self._total = Question((metric,), compare=True)
        self._groups = Question((metric,), (by,), compare=True)
        # For the names alone. What is withheld of a value is judged among values, not among pairs of value and name.
        self._names = Question((metric,), (by, named))

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A table with bars."""
        contract = contracts.metric(self.metric)
        if not contract.is_total:
            raise TypeError(f"{contract.name} is no total")
        return Frame(self.name, reader.say(self._title), 380, reader, contract=contract)

    def ask(self, view: View) -> tuple[Question, ...]:
        """The whole, each value, and what it is called."""
        return self._total, self._groups, self._names

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per value that may be shown: what it is, how many, and the share of all up to it."""
        contract, groups = found.metric(self.metric), found.of(self._groups)
        whole = found.of(self._total).one(self.metric).value
        reader = view.reader
        names = {v.group[0]: value_name(reader, self._named, v.group[1]) for v in found.of(self._names)}
        shown = sorted((v for v in groups if v.value is not None), key=lambda v: -(v.value or 0.0))
        rows, sum_ = [], 0.0
        for v in shown:
            sum_ += v.value or 0.0
            share = 100 * sum_ / whole if whole else None
            (code,) = v.group
            rows.append((value_name(reader, self._by, code), names.get(code), cell(v), share, _change(v)))
        labels = [found.contracts.dimension(name).label for name in (self._by, self._named)]
        columns = (
            *map(Column, labels), Column.of(reader, contract), Column.said(reader, Text.SHARE_OF_ALL, "%"),
            Column.said(reader, Text.CHANGE),
        )  # fmt: skip
        told = (*shown, *(v for v in groups if v.value is None))
        called = {(self._by, code): name for code, name in names.items()}
        title = reader.say(self._title)
        return Sheet(self.name, title, columns, tuple(rows), (contract,), told, found, groups.by, names=called)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The largest as a table."""
        (contract,), values = sheet.contracts, sheet.values
        total = sheet.found.of(self._total).one(self.metric)
        reader = view.reader
        sub = f"{wording.amount(reader, contract, total.value)} · {view.period} · {view.scope}"
        if not sheet.rows:
            return Filling(sub, content=nothing(reader, (total, *values), contract))
        top = values[0].value or 1.0
        rows = [
            _row(reader, sheet, row, v, (v.value or 0.0) / top)
            for row, v in zip(sheet.rows[:_ROWS], values, strict=False)
        ]
        columns = (sheet.columns[0].label, sheet.columns[1].label, "", contract.short)
        heads = (*columns, reader.say(Text.UP_TO_HERE), reader.say(Text.CHANGE))
        head = html.Tr([html.Th(text, scope="col", className=_CLASSES[i]) for i, text in enumerate(heads)])
        caption = html.Caption(sheet.title, className="visually-hidden")
        table = html.Table([caption, html.Thead(head), html.Tbody(rows)], className="ranking pareto")
        hidden = sum(v.suppressed for v in values)
        notes = [reader.say(Text.LARGEST_OF, most=_ROWS, of=len(sheet.rows))] if len(sheet.rows) > _ROWS else []
        notes.append(withheld(reader, hidden, wording.nouns_of(sheet.found.contracts.dimension(self._by)), contract))
        return Filling(sub, content=table, note=" ".join(filter(None, notes)))


_CLASSES = ("", "left", "wide", "", "second", "second")


def _change(value: MetricValue) -> float | None:
    return None if value.previous is None or not value.previous.days else value.change


def _row(reader: Reader, sheet: Sheet, row: tuple[Any, ...], value: MetricValue, share: float) -> Any:
    (contract,) = sheet.contracts
    moved = wording.change(reader, contract, value) if value.previous is not None else None
    change: Any = wording.DASH
    if moved is not None:
        arrow = html.Span(moved.arrow, className="arrow")
        change = html.Span([arrow, moved.text, tone(reader, moved)], className=moved.tone)
    cells = (
        html.Th(row[0], scope="row"),
        html.Td(row[1], className="left"),
        html.Td(bar(share), className="wide"),
        html.Td(wording.digits(reader, contract, value.value or 0.0)),
        html.Td(wording.DASH if row[3] is None else wording.percent(reader, row[3] / 100, 0), className="second"),
        html.Td(change, className="second"),
    )
    return html.Tr(list(cells))
