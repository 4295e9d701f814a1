"""Usage: how much, how far, how long and how fast the fleet drives, day by day and by segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dash import Dash, Output, html

from dashboard import charts, wording
from dashboard.charts import Axis, Line
from dashboard.filters import View
from dashboard.pages import Page, breakdown
from dashboard.pages.cards import Card, Filling
from dashboard.pages.frame import Body, Content, provisional_note
from dashboard.palette import Palette
from dashboard.parts import headline, provisional_key
from dashboard.published import Published, Question, Reading
from dashboard.sheets import Column, Sheet, by_day, cell, trend
from metrics import Evaluation, MetricValue, load_contracts


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
    Daily("idle_ratio", "line", "of trip time, by day"),
    Daily("unlogged_distance", "bars", "km per day beyond trips"),
)
ACTIVES = ("daily_active_vehicles", "weekly_active_vehicles", "monthly_active_vehicles")
_METRICS = (*(daily.metric for daily in DAILY), *ACTIVES)
_TOTALS = Question(_METRICS, compare=True)
_EACH_DAY = Question((*_METRICS, breakdown.PANEL), ("date",), compare=True)
_HEIGHT = 172


def _cards() -> tuple[Card, ...]:
    contracts = load_contracts()
    actives = Card(
        "actives",
        "Active vehicles",
        _HEIGHT,
        "Lines per day: vehicles active within 1, 7 and 28 days.",
        contracts.metric(ACTIVES[2]),
    )
    daily = []
    for item in DAILY:
        contract = contracts.metric(item.metric)
        words = f"{'Bars' if item.kind == 'bars' else 'Line'} per day: {contract.label}, {item.each}."
        daily.append(Card(item.metric, contract.label, _HEIGHT, words, contract))
    return (actives, *daily, *breakdown.cards())


_CARDS = _cards()


def layout(**_query: str) -> Any:
    """The page before it has figures."""
    frames = [card.frame("usage") for card in _CARDS]
    days, segments = frames[:-2], frames[-2:]
    late = html.P(id="usage-late", className="late")
    return BODY.frame([late, html.Div(days, className="grid-4"), html.Div(segments, className="grid-2")])


def sheets(reading: Reading, view: View) -> dict[str, Sheet]:
    """The rows behind the cards."""
    days = reading.answer(view, _EACH_DAY)
    late = reading.info.provisional_from
    found = {}
    for item in DAILY:
        contract = reading.metric(item.metric)
        columns = [Column("Day"), Column.of(contract)]
        if view.comparison is not None:
            columns.append(Column.of(contract, f"{contract.label}, {view.against.removeprefix('vs ')}"))
        values = by_day(days, item.metric, view.days)
        cells = [(day, cell(v), cell(v and v.previous)) for day, v in zip(view.days, values, strict=True)]
        rows = tuple(row[: len(columns)] for row in cells)
        told = days.series(item.metric)
        heads = tuple(columns)
        found[item.metric] = Sheet(item.metric, contract.label, heads, rows, (contract,), told, provisional_from=late)
    return found | {"actives": _actives_sheet(reading, view, days)} | breakdown.sheets(reading, view)


def _actives_sheet(reading: Reading, view: View, days: Evaluation) -> Sheet:
    contracts = tuple(reading.metric(name) for name in ACTIVES)
    columns = (Column("Day"), *(Column.of(contract) for contract in contracts))
    rows = tuple(zip(view.days, *(map(cell, by_day(days, name, view.days)) for name in ACTIVES), strict=True))
    told = tuple(value for name in ACTIVES for value in days.series(name))
    late = reading.info.provisional_from
    return Sheet("actives", "Active vehicles", columns, rows, contracts, told, provisional_from=late)


def questions(view: View) -> Sequence[Question]:
    """All that the page asks."""
    return (_EACH_DAY, _TOTALS, *breakdown.questions(view))


def fill(reading: Reading, view: View, rows: dict[str, Sheet], colors: Palette) -> Content:
    """The page's figures."""
    cards = {item.metric: _daily(reading, view, item, rows[item.metric], colors) for item in DAILY}
    cards["actives"] = _actives(reading, view, rows["actives"], colors)
    whole = trend(reading.answer(view, _EACH_DAY), breakdown.PANEL, view.days)
    cards |= breakdown.fillings(reading, view, rows, whole, colors)
    late = provisional_key(provisional_note(reading, view))
    return Content(cards, breakdown.switch_values(view) | {"late": late})


def _subtitle(each: str, value: MetricValue, view: View) -> str:
    return f"{each} · {view.scope}" + (f", n = {value.vehicles:,}" if value.vehicles else "")


def _actives(reading: Reading, view: View, sheet: Sheet, colors: Palette) -> Filling:
    total = reading.answer(view, _TOTALS).one(ACTIVES[2])
    styles = ((colors.accent_dim, "dot"), (colors.accent_dim, "solid"), (colors.accent, "solid"))
    lines = [
        Line(column.label.removeprefix("Active vehicles, "), sheet.numbers(i + 1), tone, dash=dash)
        for i, (column, (tone, dash)) in enumerate(zip(sheet.columns[1:], styles, strict=True))
    ]
    late = reading.info.provisional_from
    figure = charts.daily_lines(view.days, lines, Axis("", ",.0f"), colors, late, legend=True)
    head = headline(reading.metric(ACTIVES[2]), total, view.against)
    return Filling(_subtitle("within 28, 7 and 1 d", total, view), figure, head=head)


def _daily(reading: Reading, view: View, item: Daily, sheet: Sheet, colors: Palette) -> Filling:
    contract = reading.metric(item.metric)
    total = reading.answer(view, _TOTALS).one(item.metric)
    bars = item.kind == "bars"
    now = Line(contract.label, sheet.numbers(1), colors.fill if bars else colors.accent)
    before = None
    if view.comparison is not None and any(value is not None for value in sheet.numbers(2)):
        before = Line(view.against.removeprefix("vs "), sheet.numbers(2), colors.reference, 1.4)
    axis, late = Axis(wording.unit_of(contract), from_zero=bars), reading.info.provisional_from
    if bars:
        figure = charts.daily_bars(view.days, [now], axis, colors, late, before=before)
    else:
        figure = charts.daily_lines(view.days, [*([before] if before else []), now], axis, colors, late)
    head = headline(contract, total, view.against, keyed=before is not None)
    return Filling(_subtitle(item.each, total, view), figure, head=head)


def register_callbacks(app: Dash, published: Published) -> None:
    """One callback: address and theme in, all figures out."""
    BODY.register(app, published)


_EXTRA = breakdown.switch_outputs() | {"late": Output("usage-late", "children")}
BODY = Body("usage", "/usage", _CARDS, sheets, fill, questions, _TOTALS, _EXTRA)
PAGE = Page("usage", "/usage", "Usage", "usage", layout, register_callbacks, sheets)
