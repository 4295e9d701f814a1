"""The pieces pages are made of: tiles, cards, bars in cells, sparklines, and what is shown instead of a figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import html

from dashboard.draw.markup import attrs
from dashboard.view import wording
from dashboard.view.address import FILTERS, View
from dashboard.view.names import value_name
from metrics import Metric, MetricValue

Component = Any
#: Characters of a name that a tile has room for; a longer one stands as it heads a column.
_TILE_NAME = 20


def glossary(contract: Metric) -> Component:
    """The mark beside a metric's name; pointing at it or tabbing to it says what the metric is."""
    words = f"{contract.definition} Unit: {contract.unit}. Owner: {contract.owner}."
    place = f"define-{contract.name}"
    named = {"aria-label": f"What is {contract.label}?", "aria-describedby": place}
    mark = html.Button(html.Span("i", className="glossary-mark"), type="button", className="glossary", **attrs(named))
    return dmc.Tooltip(
        [mark, html.Span(words, id=place, hidden=True)],
        label=words,
        multiline=True,
        w=280,
        withArrow=True,
        events={"hover": True, "focus": True, "touch": True},
        boxWrapperProps={"className": "glossary-box"},
    )


def export_menu(title: str, csv: str, workbook: str, is_drawn: bool) -> Component:
    """What a card can be taken away as: files from the server, and pictures that the page's script makes of its chart.

    Args:
        title: of the card.
        csv: id of the link to its CSV.
        workbook: id of the link to its workbook.
        is_drawn: it has a chart.
    """
    files = [
        html.A(name, id=id_, href="?", download="", **attrs({"aria-label": f"{name} of {title}"}))
        for name, id_ in (("CSV", csv), ("Excel", workbook))
    ]
    pictures = [
        html.Button(kind.upper(), type="button",
                    **attrs({"data-picture": kind, "aria-label": f"{kind.upper()} of the chart of {title}"}))
        for kind in ("png", "svg")
    ]  # fmt: skip
    head = html.Summary("Export", className="action", **attrs({"aria-label": f"Export {title}"}))
    return html.Details([head, html.Div([*files, *(pictures if is_drawn else [])])], className="export")


def sparkline(values: Sequence[float | None]) -> Component:
    """A small line with a dot on its last value, broken where there is none. Its figures are in the tables."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return html.Span(className="spark-none", **attrs({"aria-hidden": "true"}))
    low, high = min(known), max(known)
    span, step = (high - low) or 1.0, 92 / max(1, len(values) - 1)
    path, x, y = "", 0.0, 0.0
    for i, v in enumerate(values):
        if v is None:
            continue
        x, y = 4 + i * step, 3 + 18 * (1 - (v - low) / span) if high > low else 12.0
        path += f"{'L' if i and values[i - 1] is not None else 'M'}{x:.1f} {y:.1f}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 24" preserveAspectRatio="none">'
        '<g fill="none" stroke="#000" stroke-linejoin="round" stroke-linecap="round">'
        f'<path d="{path}" stroke-width="1.6" vector-effect="non-scaling-stroke"/>'
        f'<path d="M{x:.1f} {y:.1f}h.01" stroke-width="5" vector-effect="non-scaling-stroke"/></g></svg>'
    )
    mask = f'url("data:image/svg+xml,{quote(svg)}")'
    style = {"maskImage": mask, "WebkitMaskImage": mask}
    return html.Span(className="spark", style=style, **attrs({"aria-hidden": "true"}))


def bar(share: float | None) -> Component:
    """A bar in a cell; the figure stands beside it."""
    width = 0.0 if share is None else max(0.0, min(1.0, share)) * 100
    return html.Span(
        html.Span(style={"width": f"{width:.1f}%"}), className="cell-bar", **attrs({"aria-hidden": "true"})
    )


def change(contract: Metric, value: MetricValue, against: str, *, keyed: bool = False) -> Component:
    """The change with arrow, colour by direction and what it is compared with; ``keyed`` names a chart's grey line."""
    if not against:
        return html.Span("no comparison", className="muted")
    moved = wording.change(contract, value)
    if moved is None:
        return html.Span(wording.no_change(contract, value, against.removeprefix("vs ")), className="muted")
    figure = html.B([html.Span(moved.arrow, className="arrow"), moved.text, tone(moved)], className=moved.tone)
    key = html.Span(className="key-line", **attrs({"aria-hidden": "true"})) if keyed else None
    words = against.removeprefix("vs ") if keyed else against
    return html.Span([figure, " ", html.Span([key, words], className="against")])


def tone(moved: wording.Change) -> Component:
    """Whether a change is good news, in words for those who do not see its colour."""
    words = {"good": ", better", "bad": ", worse", "neutral": ""}[moved.tone]
    return html.Span(words, className="visually-hidden") if words else None


def small_group(contract: Metric) -> str:
    """What stands where a figure is withheld."""
    return f"fewer than {contract.smallest_group} vehicles"


def withheld(count: int, noun: str, contract: Metric) -> str:
    """How many groups are not shown, and why; nothing if all are."""
    if not count:
        return ""
    return f"{wording.count(count, noun)} withheld: {small_group(contract)}, or needed to hide one that has."


def dominated(value: MetricValue) -> Component:
    """The mark of a value that is mostly one vehicle's."""
    if not value.dominated:
        return None
    return dmc.Tooltip(
        html.Span("one vehicle", className="badge", tabIndex=0),
        label="More than half of a sum behind this figure is one vehicle's on one day, as after a replaced odometer.",
        multiline=True,
        w=240,
    )


def tile(
    contract: Metric, value: MetricValue, trend: Sequence[float | None], against: str, provisional: str
) -> Component:
    """One metric: name, value, trend, change, interval, n of N.

    Args:
        contract: what it is.
        value: of the whole slice.
        trend: one value per day.
        against: the comparison in words.
        provisional: why the value is provisional; empty if it is not.
    """
    if value.value is None:
        return tile_without(contract, small_group(contract) if value.suppressed else "no data in this period")
    unit = wording.unit_of(contract)
    figure = html.P(
        [
            html.Span(wording.digits(contract, value.value), className="tile-digits"),
            html.Span(unit, className="tile-unit") if unit and unit != "vehicles" else None,
        ],
        className="tile-value",
    )
    badge = dmc.Tooltip(
        html.Span("provisional", className="badge", tabIndex=0), label=provisional, multiline=True, w=240
    )
    return html.Article(
        [
            _tile_head(contract),
            html.Div([figure, sparkline(trend)], className="tile-row"),
            html.P(change(contract, value, against), className="tile-change"),
            html.P(wording.interval(contract, value), className="tile-interval"),
            html.Div(
                [
                    html.Span(value.population.text if value.population else "", className="tile-n"),
                    dominated(value),
                    badge if provisional else None,
                ],
                className="tile-foot",
            ),
        ],
        className="card tile",
        **attrs({"data-metric": contract.name, "data-value": repr(value.value)}),
    )


def tile_without(contract: Metric, reason: str) -> Component:
    """The tile of a metric without a value, and why it has none."""
    return html.Article(
        [_tile_head(contract), html.P(reason, className="tile-none")],
        className="card tile",
        **attrs({"data-metric": contract.name}),
    )


def _tile_head(contract: Metric) -> Component:
    name = contract.label if len(contract.label) <= _TILE_NAME else contract.short
    return html.Div([html.H2(name, className="tile-name", title=contract.label), glossary(contract)], className="named")


def headline(contract: Metric, value: MetricValue, against: str, *, keyed: bool = False) -> Component:
    """The value of a chart card and its change; ``keyed`` names the chart's grey line."""
    if value.value is None:
        reason = small_group(contract) if value.suppressed else "no data in this period"
        return html.P(reason, className="headline muted")
    unit = "" if contract.unit in ("vehicles", "trips") else wording.unit_of(contract)
    figure: list[Any] = [wording.digits(contract, value.value), html.Span(unit, className="unit")]
    return html.P(
        [
            html.Span(figure, className="headline-value"),
            html.Span(change(contract, value, against, keyed=keyed), className="headline-change"),
            dominated(value),
        ],
        className="headline",
        **attrs({"data-metric": contract.name, "data-value": repr(value.value)}),
    )


def drill(view: View, dimension: str, value: str) -> Component:
    """The name of a value as a link that filters by it, or takes the filter off; plain where it cannot be filtered."""
    name = value_name(dimension, value)
    if dimension not in FILTERS:
        return name
    return html.A(name, href=view.drilled(dimension, value), className="drill soft")


def provisional_key(note: str) -> Component:
    """Why days are provisional, behind the mark that they have in charts; nothing if none is."""
    return [html.Span(className="key-provisional", **attrs({"aria-hidden": "true"})), note] if note else None


def nothing(values: Iterable[MetricValue], contract: Metric) -> Component:
    """What stands in a card without a figure: all is withheld, or there is no data."""
    if any(value.suppressed for value in values):
        return state("Withheld", f"This slice has {small_group(contract)} to tell of. Widen the period or the filters.")
    return state("Nothing to show", "No data in this slice. Widen the period or the filters.")


def state(title: str, text: Any, *actions: Any, kind: str = "empty") -> Component:
    """What is shown instead of figures: why, and what to do."""
    return html.Div(
        [html.H2(title), html.P(text), html.Div(list(actions), className="state-actions") if actions else None],
        className=f"state state-{kind}",
        role="status",
    )
