"""Overview: how the fleet is used, what moved, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import Dash, Output, html

from dashboard import charts, wording
from dashboard.charts import Axis, Line
from dashboard.filters import View
from dashboard.markup import attrs
from dashboard.moved import METRICS, Move, largest, moves
from dashboard.pages import Page, rankings
from dashboard.pages.cards import Card, Filling
from dashboard.pages.frame import Body, Content, provisional_note
from dashboard.palette import Palette
from dashboard.parts import provisional_key, state, tile, tone
from dashboard.published import Published, Question, Reading
from dashboard.sheets import Column, Sheet, by_day, cell, trend
from metrics import Evaluation

TILES = (
    "monthly_active_vehicles",
    "weekly_active_vehicles",
    "reporting_rate",
    "stickiness",
    "distance",
    "idle_ratio",
)
STATES = ("active_share", "stationary_share", "silent_share")
_TOTALS = Question(tuple(dict.fromkeys((*TILES, *METRICS))), compare=True)
_EACH_DAY = Question((*TILES, *STATES), ("date",))
_SEGMENTS = {
    dimension: Question(tuple(dict.fromkeys((*rankings.METRICS, *METRICS))), (dimension,), compare=True)
    for dimension in rankings.DIMENSIONS.values()
}

_CHANGES = Card("changes", "What moved most", 236)
_ACTIVITY = Card(
    "activity",
    "Fleet by activity",
    236,
    "Bars per day: share of vehicles that drove, that reported standing still, and that were silent.",
)
_RANKINGS = tuple(Card(name, name.capitalize(), 380) for name in rankings.DIMENSIONS)


def layout(**_query: str) -> Any:
    """The page before it has figures."""
    cards = [card.frame("overview") for card in (_CHANGES, _ACTIVITY, *_RANKINGS)]
    return BODY.frame([html.Div(id="overview-tiles", className="tiles"), html.Div(cards, className="grid-2")])


def sheets(reading: Reading, view: View) -> dict[str, Sheet]:
    """The rows behind the cards."""
    segments = _segments(reading, view)
    tables = {name: rankings.sheet(reading, name, segments[by]) for name, by in rankings.DIMENSIONS.items()}
    return {"changes": _changes_sheet(reading, view), "activity": _activity_sheet(reading, view), **tables}


def _segments(reading: Reading, view: View) -> dict[str, Evaluation]:
    """By dimension: what the tables show and what moved most."""
    return dict(zip(_SEGMENTS, reading.answers(view, *_SEGMENTS.values()), strict=True))


def questions(_view: View) -> Sequence[Question]:
    """All that the page asks."""
    return (_TOTALS, _EACH_DAY, *_SEGMENTS.values(), *rankings.TRENDS)


def _changes_sheet(reading: Reading, view: View) -> Sheet:
    totals = reading.answer(view, _TOTALS)
    contracts = tuple(reading.metric(name) for name in METRICS)
    rows = []
    for contract in contracts:
        value = totals.one(contract.name)
        before = value.previous.value if value.previous else None
        moved = wording.change(contract, value)
        rows.append((contract.label, contract.unit, cell(value), before, moved.text if moved else None))
    columns = (Column("Metric"), Column("Unit"), Column("Now"), Column("Before"), Column("Change"))
    values = tuple(totals.one(contract.name) for contract in contracts)
    return Sheet("changes", "What moved most", columns, tuple(rows), contracts, values)


def _activity_sheet(reading: Reading, view: View) -> Sheet:
    shares = reading.answer(view, _EACH_DAY)
    contracts = tuple(reading.metric(name) for name in STATES)
    columns = [map(cell, by_day(shares, name, view.days)) for name in STATES]
    heads = (Column("Day"), *(Column.of(contract) for contract in contracts))
    rows = tuple(zip(view.days, *columns, strict=True))
    values = tuple(value for name in STATES for value in shares.series(name))
    late = reading.info.provisional_from
    return Sheet("activity", "Fleet by activity", heads, rows, contracts, values, provisional_from=late)


def fill(reading: Reading, view: View, rows: dict[str, Sheet], colors: Palette) -> Content:
    """The page's figures."""
    totals, daily = reading.answers(view, _TOTALS, _EACH_DAY)
    late = provisional_note(reading, view)
    tiles = [
        tile(reading.metric(name), totals.one(name), trend(daily, name, view.days), view.against, late)
        for name in TILES
    ]
    segments = _segments(reading, view)
    cards = {name: rankings.filling(reading, view, name, segments[by]) for name, by in rankings.DIMENSIONS.items()}
    cards |= {"changes": _changes(reading, view), "activity": _activity(reading, view, rows["activity"], colors)}
    return Content(cards, {"tiles": tiles})


def _changes(reading: Reading, view: View) -> Filling:
    comparison = view.comparison
    if comparison is None:
        text = "Choose what to compare with in the filter bar to see what moved."
        return Filling(view.period, content=state("No comparison chosen", text))
    sub = f"largest changes, {view.period} against {wording.days(comparison.first, comparison.last)}"
    totals = reading.answer(view, _TOTALS)
    found = moves(reading, largest(reading, totals), _segments(reading, view))
    if found:
        return Filling(sub, content=html.Ul([_move(move, found[0].size) for move in found], className="moves"))
    before = totals.one(METRICS[0]).previous
    text = (
        "No change is both beyond chance and larger than half a percent, or 0.15 points of a share."
        if before is not None and before.as_of is not None
        else "The period of comparison has no data. Choose a shorter period or another comparison."
    )
    return Filling(sub, content=state("Nothing to tell", text))


def _move(move: Move, largest: float) -> Any:
    width = {"width": f"{max(8.0, 100 * move.size / largest):.0f}%"}
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
            html.Div([html.H3(title), html.P(move.reason)]),
        ]
    )


def _activity(reading: Reading, view: View, sheet: Sheet, colors: Palette) -> Filling:
    styles = ((colors.fill, ""), (colors.accent_soft, ""), (colors.quiet, "/"))
    bars = [
        Line(column.label, sheet.numbers(i + 1), tone, hatch=hatch)
        for i, (column, (tone, hatch)) in enumerate(zip(sheet.columns[1:], styles, strict=True))
    ]
    figure = charts.daily_bars(view.days, bars, Axis("%", ".3~g", top=100), colors, reading.info.provisional_from)
    fleet = reading.answer(view, _TOTALS).one(TILES[0])
    size = f"n = {fleet.vehicles:,}" if fleet.vehicles else "n withheld"
    late = provisional_note(reading, view)
    return Filling(f"share of vehicles per day, {view.scope} · {size}", figure, note=provisional_key(late))


def register_callbacks(app: Dash, published: Published) -> None:
    """One callback: address and theme in, all figures out."""
    BODY.register(app, published)


BODY = Body(
    "overview",
    "/",
    (_CHANGES, _ACTIVITY, *_RANKINGS),
    sheets,
    fill,
    questions,
    _TOTALS,
    {"tiles": Output("overview-tiles", "children")},
)
PAGE = Page("overview", "/", "Overview", "overview", layout, register_callbacks, sheets)
