"""Every metric by its contract: what it says, how it is worked out, who answers for it, and where it comes from."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from dash import dcc, html

from dashboard.cards.card import Filling, Frame
from dashboard.draw.markup import attrs
from dashboard.draw.palette import Palette
from dashboard.draw.sheets import Column, Sheet
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from metrics import Contracts, KpiTable, Metric

_DIRECTIONS = {"up": "more is better", "down": "less is better", "none": "neither is better"}
_OVER_TIME = {"sum": "days add up", "last": "as of the last day", "mean": "the average day"}
_COLUMNS = (
    "Metric", "Label", "Definition", "Unit", "Worked out as", "Kind", "Interval", "Direction", "Over days",
    "Smallest group", "Owner", "KPI table", "Split by", "Made of",
)  # fmt: skip


class Glossary:
    """All contracts, by family, with a search. It asks for no figures.

    Args:
        name: of the card.
        title: what it shows.
    """

    def __init__(self, name: str, title: str) -> None:
        self.name, self._title = name, title

    def frame(self, contracts: Contracts) -> Frame:
        """A list."""
        return Frame(self.name, self._title, 640)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Nothing."""
        return ()

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric, by family, table and name."""
        told = _in_order(found.contracts)
        rows = tuple(_row(metric, table) for table, metric in told)
        contracts = tuple(metric for _, metric in told)
        columns = tuple(map(Column, _COLUMNS))
        return Sheet(self.name, self._title, columns, rows, contracts, (), found, is_text=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The families below each other, each metric to be opened."""
        told = _in_order(sheet.found.contracts)
        search = html.Div(
            [
                html.Label("Search", htmlFor="glossary-search", className="muted"),
                dcc.Input(id="glossary-search", type="search", placeholder="name, word, owner or table"),
                html.Span(f"{len(told)} metrics", id="glossary-count", role="status", className="muted"),
            ],
            className="glossary-search",
        )
        families = [
            html.Section(
                [html.H3(family.capitalize()), *(_entry(metric, table) for table, metric in members)],
                className="family",
            )
            for family, members in groupby(told, key=lambda pair: pair[0].family)
        ]
        sub = (
            f"{len(told)} metrics of {len({table for table, _ in told})} tables, as select * from meta.metrics has them"
        )
        return Filling(sub, content=html.Div([search, *families]))


def _in_order(contracts: Contracts) -> list[tuple[KpiTable, Metric]]:
    tables = sorted(contracts.tables, key=lambda table: (table.family, table.table))
    return [(table, metric) for table in tables for metric in table.metrics]


def _row(metric: Metric, table: KpiTable) -> tuple[str | int, ...]:
    return (
        metric.name, metric.label, metric.definition, metric.unit, metric.formula, metric.kind, metric.interval_name,
        _DIRECTIONS[metric.direction], _OVER_TIME[metric.over_time], metric.smallest_group, metric.owner, table.table,
        ", ".join(table.dimension_names), ", ".join(table.inputs),
    )  # fmt: skip


def _entry(metric: Metric, table: KpiTable) -> Any:
    """One metric: its name, and when opened, its contract and where it comes from.

    Few components, with text in them: a browser is slow to set up thousands of them.
    """
    times = f" * {metric.scale:g}" if metric.scale != 1 else ""
    facts = (
        ("In SQL", f"metric('{metric.name}')"),
        ("Worked out as", f"{metric.formula}{times}"),
        ("Unit", metric.unit),
        ("Days", _OVER_TIME[metric.over_time]),
        ("Window", f"{metric.window_days} days" if metric.window_days > 1 else ""),
        ("Direction", _DIRECTIONS[metric.direction]),
        ("Interval", "none" if metric.interval_name == "none" else f"95%, {metric.interval_name}"),
        ("Withheld", f"fewer than {metric.smallest_group} vehicles"),
        ("Split by", ", ".join(dimension.label.lower() for dimension in table.dimensions)),
        ("Made of", " → ".join((", ".join(table.inputs), table.table, metric.name))),
    )
    words = " ".join((metric.label, metric.name, metric.definition, metric.owner, table.table, *table.inputs)).lower()
    return html.Details(
        [
            html.Summary(f"{metric.label} · {metric.owner}"),
            html.P(metric.definition),
            html.P("\n".join(f"{term}: {text}" for term, text in facts if text), className="facts"),
        ],
        id=f"metric-{metric.name}",
        className="entry",
        **attrs({"data-words": words}),
    )
