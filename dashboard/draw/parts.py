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
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Metric, MetricValue

Component = Any
#: Characters of a name that a tile has room for; a longer one stands as it heads a column.
_TILE_NAME = 20


def glossary(reader: Reader, contract: Metric) -> Component:
    """The mark beside a metric's name; pointing at it or tabbing to it says what the metric is."""
    unit = reader.unit(contract.unit)
    words = reader.say(Text.DEFINITION, definition=contract.definition, unit=unit, owner=contract.owner)
    place = f"define-{contract.name}"
    named = {"aria-label": reader.say(Text.WHAT_IS, label=contract.label), "aria-describedby": place}
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


def export_menu(reader: Reader, title: str, csv: str, workbook: str, is_drawn: bool) -> Component:
    """What a card can be taken away as: files from the server, and pictures that the page's script makes of its chart.

    Args:
        reader: who reads.
        title: of the card.
        csv: id of the link to its CSV.
        workbook: id of the link to its workbook.
        is_drawn: it has a chart.
    """

    def named(text: Text, kind: str) -> dict[str, str]:
        return {"aria-label": reader.say(text, kind=kind, title=title)}

    files = [
        html.A(name, id=id_, href="?", download="", **attrs(named(Text.FILE_OF, name)))
        for name, id_ in (("CSV", csv), ("Excel", workbook))
    ]
    pictures = [
        html.Button(
            kind.upper(), type="button", **attrs({"data-picture": kind, **named(Text.PICTURE_OF, kind.upper())})
        )
        for kind in ("png", "svg")
    ]
    head = html.Summary(reader.say(Text.EXPORT), className="action",
                        **attrs({"aria-label": reader.say(Text.EXPORT_OF, title=title)}))  # fmt: skip
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


def change(contract: Metric, value: MetricValue, view: View, *, keyed: bool = False) -> Component:
    """The change with arrow, colour by direction and what it is compared with; ``keyed`` names a chart's grey line."""
    reader = view.reader
    if not view.before:
        return html.Span(reader.say(Text.NO_COMPARISON), className="muted")
    moved = wording.change(reader, contract, value)
    if moved is None:
        return html.Span(wording.no_change(reader, contract, value, view.before), className="muted")
    figure = html.B([html.Span(moved.arrow, className="arrow"), moved.text, tone(reader, moved)], className=moved.tone)
    key = html.Span(className="key-line", **attrs({"aria-hidden": "true"})) if keyed else None
    words = view.before if keyed else view.against
    return html.Span([figure, " ", html.Span([key, words], className="against")])


def tone(reader: Reader, moved: wording.Change) -> Component:
    """Whether a change is good news, in words for those who do not see its colour."""
    if moved.tone == "neutral":
        return None
    return html.Span(reader.say(Text.BETTER if moved.tone == "good" else Text.WORSE), className="visually-hidden")


def small_group(reader: Reader, contract: Metric) -> str:
    """What stands where a figure is withheld."""
    return reader.say(Text.SMALL_GROUP, contract.smallest_group)


def withheld(reader: Reader, count: int, nouns: wording.Nouns, contract: Metric) -> str:
    """How many groups are not shown, and why; nothing if all are."""
    if not count:
        return ""
    groups, few = wording.count(reader, count, nouns), small_group(reader, contract)
    return reader.say(Text.GROUPS_WITHHELD, groups=groups, few=few)


def dominated(reader: Reader, value: MetricValue) -> Component:
    """The mark of a value that is mostly one vehicle's."""
    if not value.dominated:
        return None
    return dmc.Tooltip(
        html.Span(reader.say(Text.ONE_VEHICLE), className="badge", tabIndex=0),
        label=reader.say(Text.ONE_VEHICLE_WHY),
        multiline=True,
        w=240,
    )


def tile(
    contract: Metric, value: MetricValue, trend: Sequence[float | None], view: View, provisional: str
) -> Component:
    """One metric: name, value, trend, change, interval, n of N.

    Args:
        contract: what it is.
        value: of the whole slice.
        trend: one value per day.
        view: the comparison, and for whom it is written.
        provisional: why the value is provisional; empty if it is not.
    """
    reader = view.reader
    if value.value is None:
        return tile_without(reader, contract, _reason(reader, contract, value))
    unit = wording.unit_of(reader, contract)
    figure = html.P(
        [
            html.Span(wording.digits(reader, contract, value.value), className="tile-digits"),
            html.Span(unit, className="tile-unit") if unit and contract.unit != "vehicles" else None,
        ],
        className="tile-value",
    )
    badge = dmc.Tooltip(
        html.Span(reader.say(Text.PROVISIONAL), className="badge", tabIndex=0),
        label=provisional,
        multiline=True,
        w=240,
    )
    people = value.population
    counted = (
        reader.say(Text.N_OF_N, counted=people.counted, of=people.of, whom=contract.population.label) if people else ""
    )
    return html.Article(
        [
            _tile_head(reader, contract),
            html.Div([figure, sparkline(trend)], className="tile-row"),
            html.P(change(contract, value, view), className="tile-change"),
            html.P(wording.interval(reader, contract, value), className="tile-interval"),
            html.Div(
                [
                    html.Span(counted, className="tile-n"),
                    dominated(reader, value),
                    badge if provisional else None,
                ],
                className="tile-foot",
            ),
        ],
        className="card tile",
        **attrs({"data-metric": contract.name, "data-value": repr(value.value)}),
    )


def tile_without(reader: Reader, contract: Metric, reason: str) -> Component:
    """The tile of a metric without a value, and why it has none."""
    return html.Article(
        [_tile_head(reader, contract), html.P(reason, className="tile-none")],
        className="card tile",
        **attrs({"data-metric": contract.name}),
    )


def _reason(reader: Reader, contract: Metric, value: MetricValue) -> str:
    """Why there is no figure."""
    return small_group(reader, contract) if value.suppressed else reader.say(Text.NO_DATA_IN_PERIOD)


def _tile_head(reader: Reader, contract: Metric) -> Component:
    name = contract.label if len(contract.label) <= _TILE_NAME else contract.short
    head = html.H2(name, className="tile-name", title=contract.label)
    return html.Div([head, glossary(reader, contract)], className="named")


def headline(contract: Metric, value: MetricValue, view: View, *, keyed: bool = False) -> Component:
    """The value of a chart card and its change; ``keyed`` names the chart's grey line."""
    if value.value is None:
        return html.P(_reason(view.reader, contract, value), className="headline muted")
    unit = "" if contract.unit in wording.NAMED else wording.unit_of(view.reader, contract)
    figure: list[Any] = [wording.digits(view.reader, contract, value.value), html.Span(unit, className="unit")]
    return html.P(
        [
            html.Span(figure, className="headline-value"),
            html.Span(change(contract, value, view, keyed=keyed), className="headline-change"),
            dominated(view.reader, value),
        ],
        className="headline",
        **attrs({"data-metric": contract.name, "data-value": repr(value.value)}),
    )


def drill(view: View, dimension: str, value: str) -> Component:
    """The name of a value as a link that filters by it, or takes the filter off; plain where it cannot be filtered."""
    name = value_name(view.reader, dimension, value)
    if dimension not in FILTERS:
        return name
    return html.A(name, href=view.drilled(dimension, value), className="drill soft")


def provisional_key(note: str) -> Component:
    """Why days are provisional, behind the mark that they have in charts; nothing if none is."""
    return [html.Span(className="key-provisional", **attrs({"aria-hidden": "true"})), note] if note else None


def nothing(reader: Reader, values: Iterable[MetricValue], contract: Metric) -> Component:
    """What stands in a card without a figure: all is withheld, or there is no data."""
    if any(value.suppressed for value in values):
        few = small_group(reader, contract)
        return state(reader.say(Text.WITHHELD), reader.say(Text.SLICE_WITHHELD, few=few))
    return state(reader.say(Text.NOTHING_TO_SHOW), reader.say(Text.NO_DATA_WIDEN))


def state(title: str, text: Any, *actions: Any, kind: str = "empty") -> Component:
    """What is shown instead of figures: why, and what to do."""
    return html.Div(
        [html.H2(title), html.P(text), html.Div(list(actions), className="state-actions") if actions else None],
        className=f"state state-{kind}",
        role="status",
    )
