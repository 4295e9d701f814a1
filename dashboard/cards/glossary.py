"""Every metric by its contract: what it says, how it is worked out, who answers for it, and where it comes from."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from dash import dcc, html

from dashboard.cards.card import Filling, Frame
from dashboard.draw.markup import attrs
from dashboard.draw.palette import Palette
from dashboard.draw.parts import small_group
from dashboard.draw.sheets import Column, Sheet
from dashboard.view.address import View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, KpiTable, Metric

_DIRECTIONS = {"up": Text.MORE_IS_BETTER, "down": Text.LESS_IS_BETTER, "none": Text.NEITHER_IS_BETTER}
_OVER_TIME = {"sum": Text.DAYS_ADD_UP, "last": Text.AS_OF_LAST_DAY, "mean": Text.AVERAGE_DAY}
_COLUMNS = (
    Text.METRIC, Text.LABEL, Text.DEFINITION_COLUMN, Text.UNIT, Text.WORKED_OUT_AS, Text.KIND, Text.INTERVAL_COLUMN,
    Text.DIRECTION, Text.OVER_DAYS, Text.SMALLEST_GROUP, Text.OWNER, Text.KPI_TABLE, Text.SPLIT_BY, Text.MADE_OF,
)  # fmt: skip
_FAMILIES = {
    "adoption": Text.FAMILY_ADOPTION,
    "automation": Text.FAMILY_AUTOMATION,
    "charging": Text.FAMILY_CHARGING,
    "data": Text.FAMILY_DATA,
    "diagnostic": Text.FAMILY_DIAGNOSTIC,
    "market": Text.FAMILY_MARKET,
    "software": Text.FAMILY_SOFTWARE,
    "usage": Text.FAMILY_USAGE,
}


class Glossary:
    """All contracts, by family, with a search. It asks for no figures.

    Args:
        name: of the card.
        title: what it shows.
    """

    def __init__(self, name: str, title: Text) -> None:
        self.name, self._title = name, title

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A list."""
        return Frame(self.name, reader.say(self._title), 640, reader)

    def ask(self, view: View) -> tuple[Question, ...]:
        """Nothing."""
        return ()

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per metric, by family, table and name."""
        told = _in_order(found.contracts)
        rows = tuple(_row(view.reader, metric, table) for table, metric in told)
        contracts = tuple(metric for _, metric in told)
        columns = tuple(Column.said(view.reader, head) for head in _COLUMNS)
        return Sheet(self.name, view.reader.say(self._title), columns, rows, contracts, (), found, is_text=True)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The families below each other, each metric to be opened."""
        told, say = _in_order(sheet.found.contracts), view.reader.say
        search = html.Div(
            [
                html.Label(say(Text.SEARCH), htmlFor="glossary-search", className="muted"),
                dcc.Input(id="glossary-search", type="search", placeholder=say(Text.SEARCH_FOR)),
                html.Span(say(Text.METRICS, len(told)), id="glossary-count", role="status", className="muted"),
            ],
            className="glossary-search",
        )
        families = [
            html.Section(
                [
                    html.H3(_family(view.reader, family)),
                    *(_entry(view.reader, metric, table) for table, metric in members),
                ],
                className="family",
            )
            for family, members in groupby(told, key=lambda pair: pair[0].family)
        ]
        sub = say(Text.METRICS_OF_TABLES, metrics=len(told), tables=len({table for table, _ in told}))
        return Filling(sub, content=html.Div([search, *families]))


def _in_order(contracts: Contracts) -> list[tuple[KpiTable, Metric]]:
    tables = sorted(contracts.tables, key=lambda table: (table.family, table.table))
    return [(table, metric) for table in tables for metric in table.metrics]


def _family(reader: Reader, family: str) -> str:
    return reader.say(_FAMILIES[family]) if family in _FAMILIES else family.capitalize()


def _row(reader: Reader, metric: Metric, table: KpiTable) -> tuple[str | int, ...]:
    return (
        metric.name, metric.label, metric.definition, reader.unit(metric.unit), metric.formula, metric.kind,
        metric.interval_name, reader.say(_DIRECTIONS[metric.direction]), reader.say(_OVER_TIME[metric.over_time]),
        metric.smallest_group, metric.owner, table.table, ", ".join(table.dimension_names), ", ".join(table.inputs),
    )  # fmt: skip


def _entry(reader: Reader, metric: Metric, table: KpiTable) -> Any:
    """One metric: its name, and when opened, its contract and where it comes from.

    Few components, with text in them: a browser is slow to set up thousands of them.
    """
    times, say = f" * {metric.scale:g}" if metric.scale != 1 else "", reader.say
    has_interval = metric.interval_name != "none"
    facts = (
        (Text.IN_SQL, f"metric('{metric.name}')"),
        (Text.WORKED_OUT_AS, f"{metric.formula}{times}"),
        (Text.UNIT, reader.unit(metric.unit)),
        (Text.DAYS_TERM, say(_OVER_TIME[metric.over_time])),
        (Text.WINDOW, say(Text.DAYS, metric.window_days) if metric.window_days > 1 else ""),
        (Text.DIRECTION, say(_DIRECTIONS[metric.direction])),
        (Text.INTERVAL_COLUMN, say(Text.INTERVAL_BY, name=metric.interval_name) if has_interval else say(Text.NONE)),
        (Text.WITHHELD, small_group(reader, metric)),
        (Text.SPLIT_BY, ", ".join(dimension.label.lower() for dimension in table.dimensions)),
        (Text.MADE_OF, " → ".join((", ".join(table.inputs), table.table, metric.name))),
    )
    words = " ".join((metric.label, metric.name, metric.definition, metric.owner, table.table, *table.inputs)).lower()
    return html.Details(
        [
            html.Summary(f"{metric.label} · {metric.owner}"),
            html.P(metric.definition),
            html.P(
                "\n".join(say(Text.FACT, term=say(term), text=text) for term, text in facts if text), className="facts"
            ),
        ],
        id=f"metric-{metric.name}",
        className="entry",
        **attrs({"data-words": words}),
    )
