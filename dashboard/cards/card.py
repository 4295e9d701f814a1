"""What a card is, its frame, which stays while its figures change, and what is put into it.

Only properties are updated, so a chart is redrawn in place and the keyboard focus stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dash import Output, dcc, html, no_update

from dashboard.draw import charts
from dashboard.draw.markup import attrs
from dashboard.draw.palette import Palette
from dashboard.draw.parts import export_menu, glossary
from dashboard.draw.sheets import Sheet
from dashboard.view import wording
from dashboard.view.address import LINKED, View
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts, Metric, MetricValue


class Card(Protocol):
    """One kind of card. It knows beforehand what it asks, so that a page can ask for all of its cards at once."""

    @property
    def name(self) -> str:
        """In links and ids, unique on a page."""
        ...

    def frame(self, contracts: Contracts, reader: Reader) -> Place:
        """Its place on the page, before there are figures; the contracts are in the reader's language."""
        ...

    def ask(self, view: View) -> tuple[Question, ...]:
        """All that it needs."""
        ...

    def sheet(self, view: View, found: Answers) -> Sheet:
        """The rows that its chart, its table and its export are made of."""
        ...

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """Its figures."""
        ...


class Place(Protocol):
    """Where a card stands on a page, and how what was drawn gets there."""

    @property
    def stands_in_part(self) -> bool:
        """It shows what it can where some of its figures are not split by what the view filters by."""
        ...

    def layout(self, page: str) -> Any:
        """The place before there are figures."""
        ...

    def outputs(self, page: str) -> Mapping[str, Output]:
        """What the callback of the page fills, by slot."""
        ...

    def clickable(self, page: str) -> str:
        """Id of its chart, whose bars may lead to addresses; empty where there is none."""
        ...

    def values(self, filling: Filling, page: Address, view: View, sheet: Sheet) -> dict[str, Any]:
        """The values of ``outputs``."""
        ...


def grown_up_in(view: View, back: int, found: Answers) -> str:
    """The days of a view with those before it that belong to it, as far as there are data, in words."""
    first = view.since(back).first
    return wording.days(view.reader, max(first, found.info.data_from or first), view.last)


def sample(view: View, value: MetricValue) -> str:
    """``n = 4,422``: vehicles in the slice; empty where they are withheld, or count for one of their services only."""
    told = value.vehicles and not any(name in LINKED for name, _ in view.chosen)
    return view.reader.say(Text.SAMPLE, value.vehicles) if told else ""


@dataclass(frozen=True)
class Address:
    """Name and path of a page, for the links of its cards."""

    name: str
    path: str


@dataclass(frozen=True)
class Filling:
    """What is put into a card.

    Attributes:
        sub: subtitle: slice, unit, n.
        figure: its chart.
        content: its body where it has no chart, or instead of one.
        head: the value and its change.
        note: below the body.
        height: of the chart, where it is not the frame's own.
    """

    sub: Any = None
    figure: charts.Figure | None = None
    content: Any = None
    head: Any = None
    note: Any = None
    height: int | None = None


@dataclass(frozen=True)
class Frame:
    """The frame of a card with a title, actions and a body.

    Attributes:
        name: of the card.
        title: what it shows.
        height: of its chart, or of its skeleton, in px.
        reader: for whom.
        alternative: text alternative of its chart; empty for a card without one.
        contract: metric whose definition stands behind the glossary mark of the title.
        switch: dimensions, with their labels, among which the card's breakdown is chosen.
        is_wide: its chart scrolls sideways where the card is narrower than it can be drawn.
        is_zoomed: a stretch of its chart can be drawn larger; a double click shows all of it again.
    """

    name: str
    title: str
    height: int
    reader: Reader
    alternative: str = ""
    contract: Metric | None = None
    switch: tuple[tuple[str, str], ...] = ()
    is_wide: bool = False
    is_zoomed: bool = False

    @property
    def stands_in_part(self) -> bool:
        """A card is about one thing: it is shown whole or not at all."""
        return False

    def slot(self, page: str, name: str) -> str:
        """Id of one of its places."""
        return f"{page}-{self.name}-{name}"

    def layout(self, page: str) -> Any:
        """The card before it has figures."""
        say = self.reader.say
        mark = glossary(self.reader, self.contract) if self.contract else None
        actions = [
            html.A(say(Text.TABLE), id=self.slot(page, "table"), href="?", className="action soft",
                   **attrs({"aria-label": say(Text.TABLE_OR_CHART_OF, title=self.title)})),
            export_menu(
                self.reader, self.title, self.slot(page, "export"), self.slot(page, "workbook"), bool(self.alternative)
            ),
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
                self._switch(page),
                html.Div(id=self.slot(page, "head"), className="card-head-slot"),
                html.P(id=self.slot(page, "sub"), className="card-sub"),
                html.Div(body, className="card-body"),
                html.P(id=self.slot(page, "note"), className="card-note"),
            ],
            className="card",
        )

    def _switch(self, page: str) -> Any:
        if not self.switch:
            return None
        links = [
            html.A(label, id=self.slot(page, f"by-{name}"), href="?", className="switch-link soft")
            for name, label in self.switch
        ]
        named = {"aria-label": self.reader.say(Text.BREAK_DOWN_BY)}
        return html.Div(links, className="switch", role="group", **attrs(named))

    def _figure(self, page: str) -> Any:
        graph = dcc.Graph(
            id=self.slot(page, "figure"),
            figure={"data": [], "layout": {"width": 10, "height": 10, "paper_bgcolor": "rgba(0,0,0,0)"}},
            config=charts.config(self.reader) | ({"doubleClick": "reset"} if self.is_zoomed else {}),  # type: ignore[arg-type]
            responsive=True,
            style={"height": "100%"},
        )
        named: dict[str, Any] = {"tabIndex": 0} if self.is_wide else {}  # what scrolls is scrolled by keys, too
        return html.Div(
            graph,
            id=self.slot(page, "figure-box"),
            className="figure-box wide" if self.is_wide else "figure-box",
            role="img",
            style={"height": self.height},
            **named,
            **attrs({"aria-label": self.reader.say(Text.FIGURES_IN_TABLE, words=self.alternative)}),
        )

    def outputs(self, page: str) -> dict[str, Output]:
        """What a callback of the page fills, by slot."""
        found = {name: Output(self.slot(page, name), "children") for name in ("head", "sub", "note", "content")}
        found["words"] = Output(self.slot(page, "table"), "children")
        found["table"] = Output(self.slot(page, "table"), "href")
        found["export"] = Output(self.slot(page, "export"), "href")
        found["workbook"] = Output(self.slot(page, "workbook"), "href")
        if self.alternative:
            found["figure"] = Output(self.slot(page, "figure"), "figure")
            found["box"] = Output(self.slot(page, "figure-box"), "style")
        for name, _ in self.switch:
            found[f"by-{name}"] = Output(self.slot(page, f"by-{name}"), "href")
            found[f"on-{name}"] = Output(self.slot(page, f"by-{name}"), "aria-current")
        return found

    def clickable(self, page: str) -> str:
        """Id of its chart; empty where there is none."""
        return self.slot(page, "figure") if self.alternative else ""

    def values(self, filling: Filling, page: Address, view: View, sheet: Sheet) -> dict[str, Any]:
        """The values of ``outputs``; the table stands in for the body where the view says so."""
        shown, say = self.name in view.tables, view.reader.say
        file, query = f"/export/{page.name}/{self.name}", view.query(tables=frozenset())
        found: dict[str, Any] = {
            "head": filling.head,
            "sub": filling.sub,
            "note": filling.note,
            "content": sheet.table(view.reader) if shown else filling.content,
            "words": say(Text.TABLE if not shown else Text.CHART if self.alternative else Text.SUMMARY),
            "table": page.path + view.toggled(self.name),
            "export": f"{file}.csv{query}",
            "workbook": f"{file}.xlsx{query}",
        }
        if self.alternative:
            visible = filling.figure is not None and not shown
            found["figure"] = charts.localised(filling.figure, view.reader) if filling.figure and visible else no_update
            found["box"] = {"height": filling.height or self.height} if visible else {"display": "none"}
        for name, _ in self.switch:
            found[f"by-{name}"] = page.path + view.query(by=name)
            found[f"on-{name}"] = str(name == view.by).lower()
        return found
