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

    def frame(self, contracts: Contracts) -> Frame:
        """Sentences, no chart."""
        for metric in self.metrics:
            contracts.metric(metric)
        return Frame(self.name, "What moved most", 236)

    def ask(self, view: View) -> tuple[Question, ...]:
        """All metrics, whole and by each dimension."""
        return (self._total, *self._segments.values())

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric: now and before."""
        totals = found.of(self._total)
        contracts = tuple(found.metric(name) for name in self.metrics)
        rows = []
        for contract in contracts:
            value = totals.one(contract.name)
            before = value.previous.value if value.previous else None
            change = wording.change(contract, value)
            rows.append((contract.label, contract.unit, cell(value), before, change.text if change else None))
        columns = (Column("Metric"), Column("Unit"), Column("Now"), Column("Before"), Column("Change"))
        values = tuple(totals.one(contract.name) for contract in contracts)
        return Sheet(self.name, "What moved most", columns, tuple(rows), contracts, values, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The sentences, or why there are none."""
        comparison = view.comparison
        if comparison is None:
            text = "Choose what to compare with in the filter bar to see what moved."
            return Filling(view.period, content=state("No comparison chosen", text))
        sub = f"largest changes, {view.period} against {wording.days(comparison.first, comparison.last)}"
        totals = sheet.found.of(self._total)
        segments = {split: sheet.found.of(question) for split, question in self._segments.items()}
        found = moves(sheet.found, largest(sheet.found, totals), segments)
        if found:
            return Filling(
                sub, content=html.Ul([_move(move, found[0].size, view) for move in found], className="moves")
            )
        before = totals.one(self.metrics[0]).previous
        text = (
            "No change is both beyond chance and larger than half a percent, or 0.15 points of a share."
            if before is not None and before.as_of is not None
            else "The period of comparison has no data. Choose a shorter period or another comparison."
        )
        return Filling(sub, content=state("Nothing to tell", text))


def _move(move: Move, largest_size: float, view: View) -> Any:
    width = {"width": f"{max(8.0, 100 * move.size / largest_size):.0f}%"}
    arrow = html.Span(move.change.arrow, className="arrow")
    title: list[Any] = [
        f"{move.contract.label} ",
        html.Span([arrow, move.change.text, tone(move.change)], className=move.change.tone),
        html.Span(f" to {move.value}", className="move-value"),
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
    named = {"aria-label": f"Look at what is behind {move.contract.label}"}
    link = html.A(
        "look there", href=view.query(chosen=tuple(chosen.items())), className="drill linked soft", **attrs(named)
    )
    return [" ", link]
