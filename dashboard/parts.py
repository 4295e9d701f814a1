"""The pieces pages are made of: tiles, cards, bars in cells, sparklines, and what is shown instead of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import charts, wording
from dashboard.filters import View
from dashboard.sheets import Sheet
from lake.metrics import MetricContract, MetricValue

Component = Any


def glossary(contract: MetricContract) -> Component:
    """The mark beside a metric's name; pointing at it or tabbing to it says what the metric is."""
    words = f"{contract.definition} Unit: {contract.unit}. Owner: {contract.owner}."
    return dmc.Tooltip(
        html.Button("i", type="button", className="glossary", **{"aria-label": f"{contract.label}: {words}"}),
        label=words,
        multiline=True,
        w=280,
        withArrow=True,
        events={"hover": True, "focus": True, "touch": True},
        boxWrapperProps={"className": "glossary-box"},
    )


def sparkline(values: Sequence[float | None]) -> Component:
    """A small line with a dot on its last value. Decorative: its figures are in the tables."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return html.Span(className="spark-none", **{"aria-hidden": "true"})
    low, high = min(known), max(known)
    span, step = (high - low) or 1.0, 92 / max(1, len(values) - 1)
    points = [
        (4 + i * step, 3 + 18 * (1 - (v - low) / span) if high > low else 12.0)
        for i, v in enumerate(values)
        if v is not None
    ]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 24" preserveAspectRatio="none">'
        '<g fill="none" stroke="#000" stroke-linejoin="round" stroke-linecap="round">'
        f'<path d="{path}" stroke-width="1.6" vector-effect="non-scaling-stroke"/>'
        f'<path d="M{x:.1f} {y:.1f}h.01" stroke-width="5" vector-effect="non-scaling-stroke"/></g></svg>'
    )
    mask = f'url("data:image/svg+xml,{quote(svg)}")'
    style = {"maskImage": mask, "WebkitMaskImage": mask}
    return html.Span(className="spark", style=style, **{"aria-hidden": "true"})


def bar(share: float | None) -> Component:
    """A bar in a cell; the figure stands beside it."""
    width = 0.0 if share is None else max(0.0, min(1.0, share)) * 100
    return html.Span(html.Span(style={"width": f"{width:.1f}%"}), className="cell-bar", **{"aria-hidden": "true"})


def change(contract: MetricContract, value: MetricValue, against: str, *, keyed: bool = False) -> Component:
    """The change with arrow, colour by direction and what it is compared with; ``keyed`` names a chart's grey line."""
    if not against:
        return html.Span("no comparison", className="muted")
    moved = wording.change(contract, value)
    if moved is None:
        return html.Span(f"no figure {against.removeprefix('vs ')}", className="muted")
    figure = html.B([html.Span(moved.arrow, className="arrow"), moved.text], className=moved.tone)
    key = html.Span(className="key-line", **{"aria-hidden": "true"}) if keyed else None
    return html.Span([figure, " ", key, against])


def small_group(contract: MetricContract) -> str:
    """What stands where a figure is withheld."""
    return f"fewer than {contract.smallest_group} vehicles"


def tile(
    contract: MetricContract, value: MetricValue, trend: Sequence[float | None], against: str, provisional: str
) -> Component:
    """One metric: name, value, trend, change, interval, n of N.

    Args:
        contract: what it is.
        value: of the whole slice.
        trend: one value per day.
        against: the comparison in words.
        provisional: why the value is provisional; empty if it is not.
    """
    head = html.H2([contract.label, " ", glossary(contract)], className="tile-name")
    if value.value is None:
        reason = small_group(contract) if value.suppressed else "no data in this period"
        return html.Article(
            [head, html.P(reason, className="tile-none")], className="card tile", **{"data-metric": contract.name}
        )
    unit = wording.unit_of(contract)
    figure = html.P(
        [
            html.Span(wording.digits(contract, value.value), className="tile-digits"),
            html.Span(unit, className="tile-unit") if unit and unit != "vehicles" else None,
        ],
        className="tile-value",
    )
    badge = dmc.Tooltip(html.Span("provisional", className="badge", tabIndex=0), label=provisional, multiline=True, w=240)
    return html.Article(
        [
            head,
            html.Div([figure, sparkline(trend)], className="tile-row"),
            html.P(change(contract, value, against), className="tile-change"),
            html.P(wording.interval(contract, value), className="tile-interval"),
            html.Div(
                [
                    html.Span(value.population.text if value.population else "", className="tile-n"),
                    badge if provisional else None,
                ],
                className="tile-foot",
            ),
        ],
        className="card tile",
        **{"data-metric": contract.name, "data-value": repr(value.value)},
    )


def card(
    sheet: Sheet | None,
    title: str,
    subtitle: Any,
    body: Any,
    *,
    view: View | None = None,
    page: str = "",
    note: Any = None,
    heading: Any = None,
    figure: Any = None,
    className: str = "",
) -> Component:
    """A card: title, subtitle, Table and Export at the right, and its body or, when asked for, its table."""
    actions: list[Any] = []
    content = body
    if sheet is not None and view is not None:
        shown = sheet.card in view.tables
        if shown:
            content = sheet.table()
        words = "Chart" if shown else "Table"
        actions = [
            html.A(words, href=f"/{page}{view.toggled(sheet.card)}", className="action soft",
                   **{"aria-label": f"{words} of {title}"}),
            html.A("Export", href=f"/export/{page or 'overview'}/{sheet.card}.csv{view.query(tables=frozenset())}",
                   className="action", download=True, **{"aria-label": f"Export {title} as CSV"}),
        ]  # fmt: skip
    return html.Section(
        [
            html.Div(
                [
                    html.H2(heading or title, className="card-title"),
                    html.Div(actions, className="card-actions"),
                ],
                className="card-head",
            ),
            figure,
            html.P(subtitle, className="card-sub"),
            html.Div(content, className="card-body"),
            html.P(note, className="card-note") if note else None,
        ],
        className=f"card {className}",
    )


def chart(id_: str, figure: charts.Figure, label: str, height: int) -> Component:
    """A Plotly chart with its text alternative."""
    return html.Div(
        dcc.Graph(id=id_, figure=figure, config=charts.CONFIG, responsive=True, style={"height": height}),
        role="img",
        className="chart",
        style={"height": height},
        **{"aria-label": f"{label} The Table link of this card has the figures."},
    )


def state(title: str, text: Any, *actions: Any, kind: str = "empty") -> Component:
    """What is shown instead of figures: why, and what to do."""
    return html.Div(
        [html.H2(title), html.P(text), html.Div(list(actions), className="state-actions") if actions else None],
        className=f"state state-{kind}",
        role="status",
    )


def skeleton(height: int) -> Component:
    """The place of something that is on its way."""
    return html.Div(className="skeleton", style={"height": height}, **{"aria-hidden": "true"})
