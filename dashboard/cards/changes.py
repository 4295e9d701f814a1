"""What moved most between two periods, in sentences. Which changes are told, and in which words, is ``moved``."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from dash import html

from dashboard.cards.card import Filling, Frame
from dashboard.cards.moved import Move, largest, moves
from dashboard.draw.markup import attrs
from dashboard.draw.palette import Palette
from dashboard.draw.parts import state, tone
from dashboard.draw.sheets import Column, Sheet, cell
from dashboard.view import wording
from dashboard.view.address import FILTERS, View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts


class Changes:
    """The largest changes beyond chance.

    Args:
        metrics: names of those that are looked at.
        by: dimensions in which the reason is sought, each and two together.
    """

    def __init__(self, *metrics: str, by: tuple[str, ...] = ("market", "model")) -> None:
        self.name, self.metrics = "changes", metrics
        self._total = Question(metrics, compare=True)
        splits = [split for size in (1, 2) for split in combinations(by, size)]
        self._segments = {split: Question(metrics, split, compare=True) for split in splits}

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """Sentences, no chart."""
        for metric in self.metrics:
            contracts.metric(metric)
        return Frame(self.name, reader.say(Text.WHAT_MOVED), 236, reader)

    def ask(self, view: View) -> tuple[Question, ...]:
        """All metrics, whole and by each dimension."""
        return (self._total, *self._segments.values())

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric: now and before."""
        totals = found.of(self._total)
        contracts = tuple(found.metric(name) for name in self.metrics)
        rows, reader = [], view.reader
        for contract in contracts:
            value = totals.one(contract.name)
            before = value.previous.value if value.previous else None
            change = wording.change(reader, contract, value)
            unit = reader.unit(contract.unit)
            rows.append((contract.label, unit, cell(value), before, change.text if change else None))
        heads = (Text.METRIC, Text.UNIT, Text.NOW, Text.BEFORE, Text.CHANGE)
        columns = tuple(Column.said(reader, head) for head in heads)
        values = tuple(totals.one(contract.name) for contract in contracts)
        return Sheet(self.name, reader.say(Text.WHAT_MOVED), columns, tuple(rows), contracts, values, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The sentences, or why there are none."""
        comparison, reader = view.comparison, view.reader
        if comparison is None:
            nothing = state(reader.say(Text.NO_COMPARISON_CHOSEN), reader.say(Text.CHOOSE_COMPARISON))
            return Filling(view.period, content=nothing)
        before_it = wording.days(reader, comparison.first, comparison.last)
        sub = reader.say(Text.LARGEST_CHANGES, period=view.period, before=before_it)
        totals = sheet.found.of(self._total)
        segments = {split: sheet.found.of(question) for split, question in self._segments.items()}
        found = moves(reader, sheet.found, largest(sheet.found, totals), segments)
        if found:
            return Filling(
                sub, content=html.Ul([_move(move, found[0].size, view) for move in found], className="moves")
            )
        before = totals.one(self.metrics[0]).previous
        is_known = before is not None and before.as_of is not None
        text = reader.say(Text.NO_CHANGE_TO_TELL if is_known else Text.NO_COMPARISON_DATA)
        return Filling(sub, content=state(reader.say(Text.NOTHING_TO_TELL), text))


def _move(move: Move, largest_size: float, view: View) -> Any:
    width = {"width": f"{max(8.0, 100 * move.size / largest_size):.0f}%"}
    arrow = html.Span(move.change.arrow, className="arrow")
    title: list[Any] = [
        f"{move.contract.label} ",
        html.Span([arrow, move.change.text, tone(view.reader, move.change)], className=move.change.tone),
        html.Span(f" {view.reader.say(Text.TO_VALUE, value=move.value)}", className="move-value"),
    ]
    return html.Li(
        [
            html.Span(
                html.Span(style=width, className=f"fill-{move.change.tone}"),
                className="move-bar",
                **attrs({"aria-hidden": "true"}),
            ),
            html.Div([html.H3(title), html.P([move.reason, *_link(move, view)])]),
        ]
    )


def _link(move: Move, view: View) -> list[Any]:
    """Sets the filters to what is behind a change."""
    chosen = dict(view.chosen) | {name: (value,) for name, value in move.where if name in FILTERS}
    if not move.where:
        return []
    say = view.reader.say
    named = {"aria-label": say(Text.LOOK_BEHIND, label=move.contract.label)}
    link = html.A(
        say(Text.LOOK_THERE),
        href=view.query(chosen=tuple(chosen.items())),
        className="drill linked soft",
        **attrs(named),
    )
    return [" ", link]
