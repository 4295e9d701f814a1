"""The lower half of Usage: the same metrics by the values of one dimension, in a table and as small multiples."""

from __future__ import annotations

from typing import Any

from dash import Output, html

from dashboard import charts, wording
from dashboard.charts import Axis, Line
from dashboard.filters import DIMENSIONS, View
from dashboard.markup import attrs
from dashboard.names import value_name
from dashboard.pages.cards import Card, Filling
from dashboard.pages.frame import provisional_note
from dashboard.palette import Palette
from dashboard.parts import bar, small_group, state
from dashboard.published import Question, Reading
from dashboard.sheets import Cell, Column, Sheet, cell
from metrics import Metric, load_contracts

METRICS = (
    "monthly_active_vehicles",
    "distance_per_active_day",
    "trip_length",
    "mean_speed",
    "idle_ratio",
)
_HEADS = ("Active, 28 d", "km per active day", "km per trip", "km/h", "Idle, %")
PANEL = "distance_per_active_day"
ROWS = 12
_ROW_HEIGHT = 106


def cards() -> tuple[Card, Card]:
    """The two cards."""
    contracts = load_contracts()
    panel = contracts.metric(PANEL)
    links = [
        html.A(contracts.dimension(name).label, id=f"usage-by-{name}", href="?", className="switch-link soft")
        for name in DIMENSIONS
    ]
    switch = html.Div(links, className="switch", role="group", **attrs({"aria-label": "Break down by"}))
    words = f"Small multiples: {panel.label}, by day, one panel per value, each against all in the slice."
    return (
        Card("breakdown", "Breakdown", 430, head=switch),
        Card("panels", panel.label, 430, words, panel),
    )


def switch_outputs() -> dict[str, Output]:
    """The links that choose the dimension: where they lead, and which one is on."""
    outputs = {f"{name}.href": Output(f"usage-by-{name}", "href") for name in DIMENSIONS}
    return outputs | {f"{name}.on": Output(f"usage-by-{name}", "aria-current") for name in DIMENSIONS}


def switch_values(view: View) -> dict[str, Any]:
    """The values of ``switch_outputs``."""
    links = {f"{name}.href": f"/usage{view.query(by=name)}" for name in DIMENSIONS}
    return links | {f"{name}.on": str(name == view.by).lower() for name in DIMENSIONS}


def questions(view: View) -> tuple[Question, Question]:
    """What the two cards ask of a view."""
    return Question(METRICS, (view.by,)), Question((PANEL,), ("date", view.by))


def sheets(reading: Reading, view: View) -> dict[str, Sheet]:
    """The rows behind the two cards."""
    segments, days = reading.answers(view, *questions(view))
    groups = _groups(reading, view)
    contracts = tuple(reading.metric(name) for name in METRICS)
    values = {(v.metric, v.group): v for v in segments}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (value_name(view.by, group[0]), *(cell(values.get((c.name, group))) for c in contracts)) for group in groups
    )
    label = reading.contracts.dimension(view.by).label
    columns = (Column(label), *(Column.of(contract) for contract in contracts))
    table = Sheet("breakdown", f"Breakdown by {label.lower()}", columns, rows, contracts, segments.values, segments.by)
    panel = reading.metric(PANEL)
    known = {(v.period, v.group): v for v in days}
    columns = (Column("Day"), *(Column.of(panel, value_name(view.by, group[0])) for group in groups))
    rows = tuple((day, *(cell(known.get((day, group))) for group in groups)) for day in view.days)
    late = reading.info.provisional_from
    panels = Sheet("panels", panel.label, columns, rows, (panel,), days.values, days.by, late)
    return {"breakdown": table, "panels": panels}


def fillings(
    reading: Reading, view: View, rows: dict[str, Sheet], whole: list[float | None], colors: Palette
) -> dict[str, Filling]:
    """What fills the two cards.

    Args:
        reading: the snapshot.
        view: what is looked at.
        rows: the sheets.
        whole: the panels' metric of the whole slice, by day.
        colors: of the theme.
    """
    return {
        "breakdown": _table(reading, view, rows["breakdown"]),
        "panels": _panels(reading, view, rows["panels"], whole, colors),
    }


def _groups(reading: Reading, view: View) -> list[tuple[str, ...]]:
    """The groups that may be shown, the largest first; model years in their own order."""
    sizes = reading.answer(view, questions(view)[0]).series(METRICS[0])
    shown = [v for v in sizes if v.value is not None]
    if view.by == "model_year":
        return [v.group for v in shown]
    return [v.group for v in sorted(shown, key=lambda v: -(v.value or 0.0))]


def _table(reading: Reading, view: View, sheet: Sheet) -> Filling:
    least = sheet.contracts[0].smallest_group
    tops = [max((v for v in sheet.numbers(i + 1) if v is not None), default=0.0) for i in range(len(sheet.contracts))]
    head = [html.Th(sheet.columns[0].label, scope="col")]
    head += [html.Th(text, scope="col", className="second" if i > 1 else "") for i, text in enumerate(_HEADS)]
    rows = [
        html.Tr(
            [
                html.Th(str(row[0]), scope="row"),
                *(_cell(c, row[i + 1], tops[i], "second" if i > 1 else "") for i, c in enumerate(sheet.contracts)),
            ]
        )
        for row in sheet.rows[:ROWS]
    ]
    caption = html.Caption(sheet.title, className="visually-hidden")
    table = html.Table([caption, html.Thead(html.Tr(head)), html.Tbody(rows)], className="ranking")
    withheld = sum(v.suppressed for v in reading.answer(view, questions(view)[0]).series(METRICS[0]))
    notes = [f"The {ROWS} largest of {len(sheet.rows)}; the table has all."] if len(sheet.rows) > ROWS else []
    if withheld:
        notes.append(f"{withheld} withheld: fewer than {least} vehicles, or needed to hide one that has.")
    nothing = state("Nothing to show", f"Every group has {small_group(sheet.contracts[0])} in this slice.")
    return Filling(f"{view.period} · {view.scope}", content=table if rows else nothing, note=" ".join(notes))


def _cell(contract: Metric, value: Cell, top: float, kind: str) -> Any:
    if not isinstance(value, float):
        return html.Td(value if isinstance(value, str) else wording.DASH, className=kind)
    return html.Td(
        [html.Span(contract.format.text(value)), bar(value / top if top else None)], className=f"barred {kind}"
    )


def _panels(reading: Reading, view: View, sheet: Sheet, whole: list[float | None], colors: Palette) -> Filling:
    panels = [
        Line(column.label, sheet.numbers(i + 1), colors.accent, 1.6) for i, column in enumerate(sheet.columns[1:])
    ][:ROWS]
    label = reading.contracts.dimension(view.by).label.lower()
    sub = f"km per day by {label} · grey: {view.scope}"
    if not panels:
        return Filling(sub, content=state("Nothing to show", "No group of this slice may be shown."))
    across = 3 if len(panels) > 4 else 2
    reference = Line("all in the slice", whole, colors.reference, 1.2)
    figure = charts.small_multiples(view.days, panels, reference, Axis("km"), colors, across)
    height = 30 + _ROW_HEIGHT * -(-len(panels) // across)
    return Filling(sub, figure, note=provisional_note(reading, view), height=height)
