"""Overview: how the fleet is used, what moved, and where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import Dash, html

from dashboard import charts, wording
from dashboard.charts import Axis, Line
from dashboard.filters import View
from dashboard.moved import METRICS, Move, moves
from dashboard.names import value_name
from dashboard.pages import Page
from dashboard.pages.frame import body_callback, frame, provisional_note
from dashboard.palette import Palette
from dashboard.parts import bar, card, chart, skeleton, small_group, sparkline, state, tile
from dashboard.published import Reading
from dashboard.sheets import Column, Sheet
from lake.metrics import Evaluation, MetricValue

TILES = (
    "monthly_active_vehicles",
    "weekly_active_vehicles",
    "reporting_rate",
    "stickiness",
    "distance",
    "idle_ratio",
)
STATES = ("active_share", "stationary_share", "silent_share")
TABLE = ("monthly_active_vehicles", "reporting_rate", "distance_per_active_day")
TREND = "daily_active_vehicles"
ROWS = 12
RANKINGS = {"markets": "market", "models": "model", "powertrains": "powertrain"}
CARDS = ("changes", "activity", *RANKINGS)
_CHART_HEIGHT = 232


def layout(**_query: str) -> Any:
    """The page's frame: skeletons of the size of what will stand there."""
    tiles = [html.Div(skeleton(112), className="card tile") for _ in TILES]
    cards = [html.Div(skeleton(height), className="card") for height in (280, 280, 380, 380)]
    return frame("overview", [html.Div(tiles, className="tiles"), html.Div(cards, className="grid-2")])


def content(reading: Reading, view: View, colors: Palette) -> Any:
    """The page's figures."""
    totals = reading.evaluate(TILES, view, compare=True)
    daily = reading.evaluate((*TILES, *STATES), view, by=("date",))
    late = provisional_note(reading, view)
    tiles = [
        tile(reading.metric(name), totals.one(name), [v.value for v in daily.series(name)], view.against, late)
        for name in TILES
    ]
    rows = sheets(reading, view)
    return [
        html.Div(tiles, className="tiles"),
        html.Div(
            [
                _changes(reading, view, rows["changes"]),
                _activity(reading, view, rows["activity"], colors),
                _ranking(reading, view, rows["markets"], "market"),
                html.Div(
                    [
                        _ranking(reading, view, rows["models"], "model"),
                        _ranking(reading, view, rows["powertrains"], "powertrain"),
                    ],
                    className="stack",
                ),
            ],
            className="grid-2",
        ),
    ]


def sheets(reading: Reading, view: View) -> dict[str, Sheet]:
    """The rows behind the cards."""
    late = reading.info.provisional_from
    shares = reading.evaluate((*TILES, *STATES), view, by=("date",))
    days = [v.period for v in shares.series(STATES[0])]
    states = [reading.metric(name) for name in STATES]
    columns = [[v.value for v in shares.series(name)] for name in STATES]
    activity = Sheet(
        "activity",
        "Fleet by activity",
        (Column("Day"), *(Column.of(c) for c in states)),
        tuple(zip(days, *columns, strict=True)),
        tuple(states),
        late,
    )
    rankings = {name: _ranking_sheet(reading, view, dimension, name) for name, dimension in RANKINGS.items()}
    return {"changes": _changes_sheet(reading, view), "activity": activity, **rankings}


def _changes_sheet(reading: Reading, view: View) -> Sheet:
    totals = reading.evaluate(METRICS, view, compare=True)
    contracts = tuple(reading.metric(name) for name in METRICS)
    rows = []
    for contract in contracts:
        value = totals.one(contract.name)
        before = value.previous.value if value.previous else None
        moved = wording.change(contract, value)
        rows.append((contract.label, contract.unit, value.value, before, moved.text if moved else None))
    text = lambda value: f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"  # noqa: E731
    columns = (Column("Metric"), Column("Unit"), Column("Now", text=text), Column("Before", text=text), Column("Change"))
    return Sheet("changes", "What moved most", columns, tuple(rows), contracts)


def _changes(reading: Reading, view: View, sheet: Sheet) -> Any:
    title = "What moved most"
    if view.comparison is None:
        body = state("No comparison chosen", "Choose what to compare with in the filter bar to see what moved.")
        return card(sheet, title, view.period, body, view=view)
    found = moves(reading, view)
    subtitle = f"largest changes, {view.period} against {wording.days(view.comparison.first, view.comparison.last)}"
    if not found:
        known = reading.evaluate(METRICS, view, compare=True).one(METRICS[0]).previous
        text = (
            "No change is larger than half a percent and its interval."
            if known is not None and known.value is not None
            else "There is no data in the period of comparison. Choose a shorter period or another comparison."
        )
        return card(sheet, title, subtitle, state("Nothing to tell", text), view=view)
    largest = found[0].size
    return card(sheet, title, subtitle, html.Ul([_move(m, largest) for m in found], className="moves"), view=view)


def _move(move: Move, largest: float) -> Any:
    return html.Li(
        [
            html.Span(
                html.Span(style={"width": f"{max(8, 100 * move.size / largest):.0f}%"}, className=f"fill-{move.change.tone}"),
                className="move-bar",
                **{"aria-hidden": "true"},
            ),
            html.Div(
                [
                    html.H3(
                        [
                            f"{move.contract.label} ",
                            html.Span([html.Span(move.change.arrow, className="arrow"), move.change.text], className=move.change.tone),
                            html.Span(f" to {move.value}", className="move-value"),
                        ]
                    ),
                    html.P(move.reason),
                ]
            ),
        ]
    )  # fmt: skip


def _activity(reading: Reading, view: View, sheet: Sheet, colors: Palette) -> Any:
    days: list[date] = [row[0] for row in sheet.rows if isinstance(row[0], date)]
    tones = (colors.fill, colors.accent_soft, colors.quiet)
    bars = [
        Line(column.label, [row[i + 1] for row in sheet.rows], tone)  # type: ignore[misc]
        for i, (column, tone) in enumerate(zip(sheet.columns[1:], tones, strict=True))
    ]
    axis = Axis("%", ".3~g", top=100)
    figure = charts.daily_bars(days, bars, axis, colors, reading.info.provisional_from)
    fleet = reading.evaluate(STATES, view, compare=False).one(STATES[0])
    size = f"n = {fleet.vehicles:,}" if fleet.vehicles else "n withheld"
    late = provisional_note(reading, view)
    subtitle = f"share of vehicles per day, {view.scope} · {size}"
    words = "Bars per day: share of vehicles that drove, reported standing still, or were silent."
    body = chart("overview-activity", figure, words, _CHART_HEIGHT)
    note = [html.Span(className="key-provisional"), late] if late else None
    return card(sheet, sheet.title, subtitle, body, view=view, note=note)


def _ranked(reading: Reading, view: View, dimension: str) -> tuple[Evaluation, list[tuple[str, ...]], int]:
    """The groups of a dimension by size, and how many are withheld."""
    found = reading.evaluate((*TABLE,), view, by=(dimension,))
    sizes = found.series(TABLE[0])
    shown = sorted((v for v in sizes if v.value is not None), key=lambda v: -(v.value or 0))
    return found, [v.group for v in shown], sum(v.suppressed for v in sizes)


def _ranking_sheet(reading: Reading, view: View, dimension: str, name: str) -> Sheet:
    found, groups, _ = _ranked(reading, view, dimension)
    contracts = [reading.metric(metric) for metric in TABLE]
    values = {(v.metric, v.group): v.value for v in found}
    rows = tuple((value_name(dimension, g[0]), *(values.get((c.name, g)) for c in contracts)) for g in groups)
    label = reading.contracts.dimension(dimension).label
    columns = (Column(label), *(Column.of(c) for c in contracts))
    return Sheet(name, f"{label}s", columns, rows, tuple(contracts))


def _ranking(reading: Reading, view: View, sheet: Sheet, dimension: str) -> Any:
    found, groups, withheld = _ranked(reading, view, dimension)
    trends = reading.evaluate((TREND,), view, by=("date", dimension))
    active, rate, distance = (reading.metric(name) for name in TABLE)
    values = {(v.metric, v.group): v for v in found}
    farthest = max((v.value for v in found.series(distance.name) if v.value is not None), default=1.0)
    rows = []
    for group in groups[:ROWS]:
        far = values.get((distance.name, group))
        rows.append(
            html.Tr(
                [
                    html.Th(value_name(dimension, group[0]), scope="row"),
                    html.Td(_figure(active.name, values, group, lambda v: active.format.text(v))),
                    html.Td(_figure(rate.name, values, group, lambda v: f"{rate.format.text(v)}%"), className="second"),
                    html.Td(bar(far.value / farthest if far and far.value is not None else None), className="wide"),
                    html.Td(_figure(distance.name, values, group, lambda v: distance.format.text(v))),
                    html.Td(sparkline(_trend(trends.series(TREND, group))), className="second"),
                ]
            )
        )
    days = (view.last - view.first).days + 1
    head = [(sheet.columns[0].label, ""), ("Active, 28 d", ""), ("Reporting", "second"), ("km per active day", "span"), (f"Daily active, {days} d", "second left")]
    cells = [html.Th(text, scope="col", className=kind, colSpan=2 if kind == "span" else None) for text, kind in head]
    table = html.Table(
        [html.Caption(sheet.title, className="visually-hidden"), html.Thead(html.Tr(cells)), html.Tbody(rows)],
        className="ranking",
    )
    body = table if rows else state("Nothing to show", f"Every group has {small_group(active)} in this slice.")
    subtitle = f"{view.scope} · active and trend: vehicles that drove; reporting: of the fleet on a day"
    return card(sheet, sheet.title, subtitle, body, view=view, note=_withheld(len(groups), withheld, sheet.title, active.smallest_group))


def _withheld(shown: int, withheld: int, title: str, least: int) -> str:
    parts = []
    if shown > ROWS:
        parts.append(f"The {ROWS} largest of {shown}; the table has all.")
    if withheld:
        noun = title.lower() if withheld > 1 else title.lower().removesuffix("s")
        parts.append(
            f"{withheld} {noun} withheld: fewer than {least} vehicles, or needed to hide one that has; totals include them."
        )
    return " ".join(parts)


def _trend(series: Sequence[MetricValue]) -> list[float | None]:
    return [v.value for v in series]


def _figure(metric: str, values: dict[Any, MetricValue], group: tuple[str, ...], text: Any) -> str:
    value = values.get((metric, group))
    return wording.DASH if value is None or value.value is None else text(value.value)


def register_callbacks(app: Dash, published: Any) -> None:
    """One callback: address and theme in, the whole body out."""
    body_callback(app, published, PAGE, CARDS, content)


PAGE = Page("overview", "/", "Overview", "overview", layout, register_callbacks, sheets)
