"""The frame of a card, which stays while its figures change, and what a page puts into it.

Only properties are updated, so a chart is redrawn in place and the keyboard focus stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dash import Output, dcc, html, no_update

from dashboard import charts
from dashboard.filters import View
from dashboard.markup import attrs
from dashboard.parts import glossary
from dashboard.sheets import Sheet
from metrics import Metric


@dataclass(frozen=True)
class Card:
    """The frame of a card.

    Attributes:
        name: in links and ids; the name of its sheet.
        title: what it shows.
        height: of its chart, or of its skeleton, in px.
        alternative: text alternative of its chart; empty for a card without one.
        contract: metric whose definition stands behind the glossary mark of the title.
        head: fixed content below the title, as a switch.
    """

    name: str
    title: str
    height: int
    alternative: str = ""
    contract: Metric | None = None
    head: Any = None

    def slot(self, page: str, name: str) -> str:
        """Id of one of its places."""
        return f"{page}-{self.name}-{name}"

    def frame(self, page: str) -> Any:
        """The card before it has figures."""
        mark = glossary(self.contract) if self.contract else None
        actions = [
            html.A("Table", id=self.slot(page, "table"), href="?", className="action soft",
                   **attrs({"aria-label": f"Table or chart of {self.title}"})),
            html.A("Export", id=self.slot(page, "export"), href="?", className="action", download="",
                   **attrs({"aria-label": f"Export {self.title} as CSV"})),
        ]  # fmt: skip
        body = [html.Div(id=self.slot(page, "content"), className="content", style={"--height": f"{self.height}px"})]
        if self.alternative:
            body.insert(0, self._figure(page))
        return html.Section(
            [
                html.Div(
                    [
                        html.Div([html.H2(self.title, className="card-title"), mark], className="named"),
                        html.Div(actions, className="card-actions"),
                    ],
                    className="card-head",
                ),
                self.head,
                html.Div(id=self.slot(page, "head"), className="card-head-slot"),
                html.P(id=self.slot(page, "sub"), className="card-sub"),
                html.Div(body, className="card-body"),
                html.P(id=self.slot(page, "note"), className="card-note"),
            ],
            className="card",
        )

    def _figure(self, page: str) -> Any:
        graph = dcc.Graph(
            id=self.slot(page, "figure"),
            figure={"data": [], "layout": {"width": 10, "height": 10, "paper_bgcolor": "rgba(0,0,0,0)"}},
            config=charts.CONFIG,  # type: ignore[arg-type]
            responsive=True,
            style={"height": "100%"},
        )
        return html.Div(
            graph,
            id=self.slot(page, "figure-box"),
            className="figure-box",
            role="img",
            style={"height": self.height},
            **attrs({"aria-label": f"{self.alternative} The Table link of this card shows the figures."}),
        )

    def outputs(self, page: str) -> dict[str, Output]:
        """What a callback of the page fills, by place."""
        found = {name: Output(self.slot(page, name), "children") for name in ("head", "sub", "note", "content")}
        found["words"] = Output(self.slot(page, "table"), "children")
        found["table"] = Output(self.slot(page, "table"), "href")
        found["export"] = Output(self.slot(page, "export"), "href")
        if self.alternative:
            found["figure"] = Output(self.slot(page, "figure"), "figure")
            found["box"] = Output(self.slot(page, "figure-box"), "style")
        return found


@dataclass(frozen=True)
class Filling:
    """What a page puts into a card.

    Attributes:
        sub: subtitle: slice, unit, n.
        figure: its chart.
        content: its body where it has no chart, or instead of one.
        head: the value and its change.
        note: below the body.
        height: of the chart, where it is not the card's own.
    """

    sub: Any
    figure: charts.Figure | None = None
    content: Any = None
    head: Any = None
    note: Any = None
    height: int | None = None

    def values(self, card: Card, page: str, path: str, view: View, sheet: Sheet) -> dict[str, Any]:
        """The values of ``Card.outputs``; the table stands in for the body where the view says so."""
        shown = card.name in view.tables
        found: dict[str, Any] = {
            "head": self.head,
            "sub": self.sub,
            "note": self.note,
            "content": sheet.table() if shown else self.content,
            "words": "Chart" if shown and card.alternative else "Summary" if shown else "Table",
            "table": path + view.toggled(card.name),
            "export": f"/export/{page}/{card.name}.csv{view.query(tables=frozenset())}",
        }
        if card.alternative:
            visible = self.figure is not None and not shown
            found["figure"] = self.figure if visible else no_update
            found["box"] = {"height": self.height or card.height} if visible else {"display": "none"}
        return found
