"""The tables of the Overview: the values of a dimension by size, with bars in cells and a trend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import html

from dashboard import wording
from dashboard.filters import View
from dashboard.names import value_name
from dashboard.pages.cards import Filling
from dashboard.parts import bar, small_group, sparkline, state
from dashboard.published import Question, Reading
from dashboard.sheets import WITHHELD, Column, Sheet, cell
from metrics import Evaluation, MetricValue

DIMENSIONS = {"markets": "market", "models": "model"}
METRICS = ("monthly_active_vehicles", "reporting_rate", "distance_per_active_day")
TREND = "weekly_active_vehicles"
ROWS = 12

Group = tuple[str, ...]


TRENDS = tuple(Question((TREND,), ("date", dimension)) for dimension in DIMENSIONS.values())


def sheet(reading: Reading, name: str, found: Evaluation) -> Sheet:
    """All rows that may be shown, the largest first; ``found`` holds ``METRICS`` by the table's dimension."""
    dimension = DIMENSIONS[name]
    contracts = [reading.metric(metric) for metric in METRICS]
    values = {(v.metric, v.group): v for v in found}
    shown = sorted((v for v in found.series(METRICS[0]) if v.value is not None), key=lambda v: -(v.value or 0.0))
    rows = tuple(
        (value_name(dimension, v.group[0]), *(cell(values.get((c.name, v.group))) for c in contracts)) for v in shown
    )
    label = reading.contracts.dimension(dimension).label
    columns = (Column(label), *(Column.of(contract) for contract in contracts))
    told = tuple(v for metric in METRICS for v in found.series(metric))
    return Sheet(name, f"{label}s", columns, rows, tuple(contracts), told, found.by)


def filling(reading: Reading, view: View, name: str, found: Evaluation) -> Filling:
    """The table as the page shows it; ``found`` holds ``METRICS`` by the table's dimension."""
    dimension = DIMENSIONS[name]
    trends = reading.answer(view, Question((TREND,), ("date", dimension)))
    active = reading.metric(METRICS[0])
    values = {(v.metric, v.group): v for v in found}
    sizes = found.series(METRICS[0])
    shown = sorted((v for v in sizes if v.value is not None), key=lambda v: -(v.value or 0.0))
    series = {(value.group, value.period): value.value for value in trends}
    farthest = max((v.value for v in found.series(METRICS[2]) if v.value is not None), default=1.0)
    rows = [
        _row(reading, dimension, v.group, values, [series.get((v.group, day)) for day in view.days], farthest)
        for v in shown[:ROWS]
    ]
    label = reading.contracts.dimension(dimension).label
    note = _withheld(len(shown), sum(v.suppressed for v in sizes), f"{label.lower()}s", active.smallest_group)
    body = (
        _table(label, rows, view.slice.days)
        if rows
        else state("Nothing to show", f"Every group has {small_group(active)} in this slice.")
    )
    return Filling(
        f"{view.scope} · active: drove within 28 d; reporting: of the fleet, average day", content=body, note=note
    )


def _table(label: str, rows: list[Any], days: int) -> Any:
    head = [
        html.Th(label, scope="col"),
        html.Th("Active, 28 d", scope="col"),
        html.Th("Reporting", scope="col", className="second"),
        html.Th("km per active day", scope="col", colSpan=2),
        html.Th(f"Weekly active, {days} d", scope="col", className="second"),
    ]
    caption = html.Caption(f"{label}s by size", className="visually-hidden")
    return html.Table([caption, html.Thead(html.Tr(head)), html.Tbody(rows)], className="ranking")


def _row(
    reading: Reading,
    dimension: str,
    group: Group,
    values: dict[tuple[str, Group], MetricValue],
    trend: list[float | None],
    farthest: float,
) -> Any:
    active, rate, distance = (values.get((name, group)) for name in METRICS)
    written = [reading.metric(name).format.text for name in METRICS]
    share = distance.value / farthest if distance and distance.value is not None and farthest else None
    return html.Tr(
        [
            html.Th(value_name(dimension, group[0]), scope="row"),
            html.Td(_text(active, written[0])),
            html.Td(_text(rate, written[1], "%"), className="second"),
            html.Td(bar(share), className="wide"),
            html.Td(_text(distance, written[2])),
            html.Td(sparkline(trend), className="second"),
        ]
    )


def _text(value: MetricValue | None, written: Callable[[float], str], unit: str = "") -> str:
    if value is None or value.value is None:
        return WITHHELD if value is not None and value.suppressed else wording.DASH
    return written(value.value) + unit


def _withheld(shown: int, withheld: int, names: str, least: int) -> str:
    parts = []
    if shown > ROWS:
        parts.append(f"The {ROWS} largest of {shown}; the table has all.")
    if withheld:
        noun = names if withheld > 1 else names.removesuffix("s")
        parts.append(
            f"{withheld} {noun} withheld: fewer than {least} vehicles, or needed to hide one that has. "
            "Totals include them."
        )
    return " ".join(parts)
