"""Usage: how much, how far, how long and how fast the fleet drives, day by day and by segment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from dash import Dash, html

from dashboard import charts, wording
from dashboard.charts import Axis, Line
from dashboard.filters import DIMENSIONS, View
from dashboard.names import value_name
from dashboard.pages import Page
from dashboard.pages.frame import body_callback, frame, provisional_note
from dashboard.palette import Palette
from dashboard.parts import bar, card, change, chart, glossary, skeleton, small_group, state
from dashboard.published import Published, Reading
from dashboard.sheets import Column, Sheet
from lake.metrics import MetricContract, MetricValue


@dataclass(frozen=True)
class Daily:
    """One card: a metric per day.

    Attributes:
        metric: its name.
        kind: totals are bars from zero, ratios are lines.
        each: what one point is, in the subtitle.
    """

    metric: str
    kind: Literal["bars", "line"]
    each: str


DAILY = (
    Daily("distance", "bars", "km per day"),
    Daily("trips", "bars", "trips per day"),
    Daily("driving_time", "bars", "hours in motion per day"),
    Daily("trip_length", "line", "km per trip, by day"),
    Daily("mean_speed", "line", "km/h in motion, by day"),
    Daily("idle_ratio", "line", "of time within trips, by day"),
    Daily("unlogged_distance", "bars", "km per day beyond trips"),
)
ACTIVES = ("daily_active_vehicles", "weekly_active_vehicles", "monthly_active_vehicles")
BREAKDOWN = (
    "monthly_active_vehicles",
    "distance_per_active_day",
    "trip_length",
    "mean_speed",
    "idle_ratio",
)
PANEL = "distance_per_active_day"
PANELS = 12
CARDS = ("actives", *(daily.metric for daily in DAILY), "breakdown", "panels")
_METRICS = tuple(daily.metric for daily in DAILY)
_CHART_HEIGHT = 168


def layout(**_query: str) -> Any:
    """The page's frame: skeletons of the size of what will stand there."""
    cards = [html.Div(skeleton(240), className="card") for _ in range(8)]
    return frame("usage", [html.Div(cards, className="grid-4")])


def content(reading: Reading, view: View, colors: Palette) -> Any:
    """The page's figures."""
    rows = sheets(reading, view)
    daily = [_daily(reading, view, item, rows[item.metric], colors) for item in DAILY]
    return [
        html.Div([_actives(reading, view, rows["actives"], colors), *daily], className="grid-4"),
        html.Div(
            [_breakdown(reading, view, rows["breakdown"]), _panels(reading, view, rows["panels"], colors)],
            className="grid-2",
        ),
    ]


def sheets(reading: Reading, view: View) -> dict[str, Sheet]:
    """The rows behind the cards."""
    late = reading.info.provisional_from
    found = reading.evaluate((*_METRICS, *ACTIVES), view, by=("date",), compare=True)
    result = {}
    for item in DAILY:
        contract, series = reading.metric(item.metric), found.series(item.metric)
        rows = tuple((v.period, v.value, _before(v)) for v in series)
        columns = (Column("Day"), Column.of(contract), Column.of(contract, f"{contract.label}, before"))
        if view.comparison is None:
            rows, columns = tuple(row[:2] for row in rows), columns[:2]  # type: ignore[misc]
        result[item.metric] = Sheet(item.metric, contract.label, columns, rows, (contract,), late)
    contracts = tuple(reading.metric(name) for name in ACTIVES)
    days = [v.period for v in found.series(ACTIVES[0])]
    actives = [[v.value for v in found.series(name)] for name in ACTIVES]
    result["actives"] = Sheet(
        "actives",
        "Active vehicles",
        (Column("Day"), *(Column.of(c) for c in contracts)),
        tuple(zip(days, *actives, strict=True)),
        contracts,
        late,
    )
    return result | {"breakdown": _breakdown_sheet(reading, view), "panels": _panels_sheet(reading, view)}


def _before(value: MetricValue) -> float | None:
    return value.previous.value if value.previous else None


def _headline(contract: MetricContract, value: MetricValue, view: View, *, keyed: bool = False) -> Any:
    if value.value is None:
        return html.P(small_group(contract) if value.suppressed else "no data in this period", className="muted")
    unit = wording.unit_of(contract)
    return html.P(
        [
            html.Span(
                [wording.digits(contract, value.value), html.Span(unit, className="unit")],
                className="headline-value",
            ),
            html.Span(change(contract, value, view.against, keyed=keyed), className="headline-change"),
        ],
        className="headline",
    )


def _people(value: MetricValue, view: View) -> str:
    return f"{view.scope}, n = {value.vehicles:,}" if value.vehicles else view.scope


def _actives(reading: Reading, view: View, sheet: Sheet, colors: Palette) -> Any:
    contracts = [reading.metric(name) for name in ACTIVES]
    total = reading.evaluate((*_METRICS, *ACTIVES), view, compare=True).one(ACTIVES[2])
    days: list[date] = [row[0] for row in sheet.rows if isinstance(row[0], date)]
    tones = (colors.accent, colors.accent_dim, colors.accent_soft)
    lines = [
        Line(c.label.removeprefix("Active vehicles, "), [row[i + 1] for row in sheet.rows], tone)  # type: ignore[misc]
        for i, (c, tone) in enumerate(zip(contracts, tones, strict=True))
    ]
    figure = charts.daily_lines(days, lines, Axis("", ",.0f"), colors, reading.info.provisional_from, legend=True)
    body = chart("usage-actives", figure, "Lines per day: vehicles active within 1, 7 and 28 days.", _CHART_HEIGHT)
    title = [sheet.title, " ", glossary(contracts[2])]
    return card(
        sheet, sheet.title, f"per day · {_people(total, view)}", body, view=view, page="usage",
        heading=title, figure=_headline(contracts[2], total, view),
    )  # fmt: skip


def _daily(reading: Reading, view: View, item: Daily, sheet: Sheet, colors: Palette) -> Any:
    contract = reading.metric(item.metric)
    total = reading.evaluate((*_METRICS, *ACTIVES), view, compare=True).one(item.metric)
    days: list[date] = [row[0] for row in sheet.rows if isinstance(row[0], date)]
    now = Line(contract.label, [row[1] for row in sheet.rows], colors.fill if item.kind == "bars" else colors.accent)  # type: ignore[misc]
    before = None
    if view.comparison is not None and any(row[2] is not None for row in sheet.rows):
        words = "last year" if view.compare == "year" else "period before"
        before = Line(words, [row[2] for row in sheet.rows], colors.reference, 1.4)  # type: ignore[misc]
    unit = wording.unit_of(contract)
    late = reading.info.provisional_from
    if item.kind == "bars":
        figure = charts.daily_bars(days, [now], Axis(unit), colors, late, before=before)
    else:
        axis = Axis(unit, from_zero=False)
        figure = charts.daily_lines(days, [*([before] if before else []), now], axis, colors, late)
    what = "Bars" if item.kind == "bars" else "Line"
    body = chart(f"usage-{item.metric}", figure, f"{what} per day: {contract.label}, {item.each}.", _CHART_HEIGHT)
    return card(
        sheet, contract.label, f"{item.each} · {_people(total, view)}", body, view=view, page="usage",
        heading=[contract.label, " ", glossary(contract)], figure=_headline(contract, total, view, keyed=before is not None),
    )  # fmt: skip


def _switch(reading: Reading, view: View) -> Any:
    """The choice of the dimension of the breakdown."""
    links = [
        html.A(
            reading.contracts.dimension(name).label,
            href=f"/usage{view.query(by=name)}",
            className="switch-link soft" + (" on" if name == view.by else ""),
            **({"aria-current": "true"} if name == view.by else {}),
        )
        for name in DIMENSIONS
    ]
    return html.Div(links, className="switch", role="group", **{"aria-label": "Break down by"})


def _groups(reading: Reading, view: View) -> list[tuple[str, ...]]:
    """The groups that may be shown, the largest first; model years in their own order."""
    sizes = reading.evaluate(BREAKDOWN, view, by=(view.by,), compare=True).series(BREAKDOWN[0])
    shown = [v for v in sizes if v.value is not None]
    if view.by == "model_year":
        return [v.group for v in shown]
    return [v.group for v in sorted(shown, key=lambda v: -(v.value or 0))]


def _breakdown_sheet(reading: Reading, view: View) -> Sheet:
    found = reading.evaluate(BREAKDOWN, view, by=(view.by,), compare=True)
    contracts = tuple(reading.metric(name) for name in BREAKDOWN)
    values = {(v.metric, v.group): v.value for v in found}
    rows = tuple(
        (value_name(view.by, g[0]), *(values.get((c.name, g)) for c in contracts)) for g in _groups(reading, view)
    )
    label = reading.contracts.dimension(view.by).label
    columns = (Column(label), *(Column.of(c) for c in contracts))
    return Sheet("breakdown", f"By {label.lower()}", columns, rows, contracts)


def _breakdown(reading: Reading, view: View, sheet: Sheet) -> Any:
    contracts = sheet.contracts
    tops = [
        max((row[i + 1] for row in sheet.rows if isinstance(row[i + 1], float)), default=1.0)  # type: ignore[type-var]
        for i in range(len(contracts))
    ]
    short = ("Active, 28 d", "km per active day", "km per trip", "km/h", "Idle, %")
    head = [html.Th(sheet.columns[0].label, scope="col")]
    head += [html.Th(text, scope="col", className="second" if i > 1 else "") for i, text in enumerate(short)]
    rows = []
    for row in sheet.rows[:PANELS]:
        cells: list[Any] = [html.Th(str(row[0]), scope="row")]
        for i, (contract, top) in enumerate(zip(contracts, tops, strict=True)):
            value = row[i + 1]
            text = contract.format.text(value) if isinstance(value, float) else wording.DASH
            share = value / top if isinstance(value, float) and isinstance(top, float) and top else None
            cells.append(html.Td([html.Span(text), bar(share)], className="barred" + (" second" if i > 1 else "")))
        rows.append(html.Tr(cells))
    table = html.Table(
        [html.Caption(sheet.title, className="visually-hidden"), html.Thead(html.Tr(head)), html.Tbody(rows)],
        className="ranking",
    )
    found = reading.evaluate(BREAKDOWN, view, by=(view.by,), compare=True).series(BREAKDOWN[0])
    withheld = sum(v.suppressed for v in found)
    notes = [f"The {PANELS} largest of {len(sheet.rows)}; the table has all."] if len(sheet.rows) > PANELS else []
    if withheld:
        least = contracts[0].smallest_group
        notes.append(f"{withheld} withheld: fewer than {least} vehicles, or needed to hide one that has.")
    body = table if rows else state("Nothing to show", f"Every group has {small_group(contracts[0])} in this slice.")
    subtitle = f"{view.period}, {view.scope}"
    return card(
        sheet, sheet.title, subtitle, body, view=view, page="usage", note=" ".join(notes), figure=_switch(reading, view)
    )  # fmt: skip


def _panels_sheet(reading: Reading, view: View) -> Sheet:
    contract = reading.metric(PANEL)
    found = reading.evaluate((PANEL,), view, by=("date", view.by))
    values = {(v.period, v.group): v.value for v in found}
    days = sorted({v.period for v in found if v.period is not None})
    groups = _groups(reading, view)[:PANELS]
    columns = (Column("Day"), *(Column.of(contract, value_name(view.by, g[0])) for g in groups))
    rows = tuple((day, *(values.get((day, g)) for g in groups)) for day in days)
    return Sheet("panels", contract.label, columns, rows, (contract,), reading.info.provisional_from)


def _panels(reading: Reading, view: View, sheet: Sheet, colors: Palette) -> Any:
    contract = sheet.contracts[0]
    whole = reading.evaluate((PANEL,), view, by=("date",))
    label = reading.contracts.dimension(view.by).label.lower()
    by_day = {v.period: v.value for v in whole}
    days: list[date] = [row[0] for row in sheet.rows if isinstance(row[0], date)]
    panels = [
        Line(column.label, [row[i + 1] for row in sheet.rows], colors.accent, 1.6)  # type: ignore[misc]
        for i, column in enumerate(sheet.columns[1:])
    ]
    reference = Line("all in the slice", [by_day.get(day) for day in days], colors.reference, 1.2)
    columns = 3 if len(panels) > 4 else 2
    figure = charts.small_multiples(days, panels, reference, Axis("km"), colors, columns)
    height = 26 + 112 * max(1, -(-len(panels) // columns))
    words = f"One line per {label}: {contract.label}, by day, against all in the slice."
    late = provisional_note(reading, view)
    body = chart("usage-panels", figure, words, height) if panels else state("Nothing to show", "No group may be shown.")
    subtitle = f"km per day by {label}; grey: {view.scope}"
    return card(
        sheet, contract.label, subtitle, body, view=view, page="usage", note=late,
        heading=[contract.label, " ", glossary(contract)],
    )  # fmt: skip


def register_callbacks(app: Dash, published: Published) -> None:
    """One callback: address and theme in, the whole body out."""
    body_callback(app, published, PAGE, CARDS, content)


PAGE = Page("usage", "/usage", "Usage", "usage", layout, register_callbacks, sheets)
