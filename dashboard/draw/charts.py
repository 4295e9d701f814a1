"""Plotly figures as plain dicts: building them costs no validation, and the browser gets the same JSON.

Every figure is drawn from a ``Sheet``, the rows that its table and its export show.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from textwrap import wrap
from typing import Any

from dashboard.draw.palette import Palette
from dashboard.view.reader import Reader

Figure = dict[str, Any]

CONFIG: dict[str, Any] = {
    "displayModeBar": False,
    "displaylogo": False,
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
    "plotlyServerURL": "",
    "topojsonURL": "/assets/",
}
FONT = 'Inter, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif'
_DAY_MS = 86_400_000
#: Characters of a small panel's heading that fit beside the next on a phone.
_HEADING = 14


#: How days are written along an axis and on hover where the day stands first, and where the month does.
_DAYS = {"%-d %b": "%b %-d", "%a %-d %b %Y": "%a, %b %-d, %Y", "%-d %b %Y %H:%M": "%b %-d, %Y %H:%M",
         "%-d %b %H:%M": "%b %-d %H:%M"}  # fmt: skip
#: A percent sign that stands behind a number which Plotly writes.
_PERCENT = re.compile(r"(?<=\})%(?!\{)")


def config(reader: Reader) -> dict[str, Any]:
    """What all charts of a page are set up with: names of months and days are the reader's."""
    locale = reader.locale
    wide, short = locale.months["format"]["wide"], locale.months["format"]["abbreviated"]
    days, short_days = (locale.days["format"][width] for width in ("wide", "abbreviated"))
    sunday_first = (6, 0, 1, 2, 3, 4, 5)
    names = {
        "months": [wide[month] for month in range(1, 13)],
        "shortMonths": [short[month] for month in range(1, 13)],
        "days": [days[day] for day in sunday_first],
        "shortDays": [short_days[day] for day in sunday_first],
    }
    return CONFIG | {"locale": reader.language, "locales": {reader.language: {"dictionary": {}, "format": names}}}


def localised(figure: Figure, reader: Reader) -> Figure:
    """A figure with the reader's marks in its numbers, and the reader's order of day and month.

    Cards draw with those of English; this is the one place where figures differ by reader.
    """
    figure["layout"]["separators"] = "".join(reader.marks)
    if reader.before_percent:
        for trace in figure["data"]:
            if trace.get("hovertemplate"):
                trace["hovertemplate"] = _PERCENT.sub(f"{reader.before_percent}%", trace["hovertemplate"])
            if bar := trace.get("colorbar"):
                bar["ticksuffix"] = bar.get("ticksuffix", "").replace("%", f"{reader.before_percent}%")
        for axis in _axes(figure):
            axis["ticksuffix"] = axis.get("ticksuffix", "").replace("%", f"{reader.before_percent}%")
    if reader.month_first:
        for axis in _axes(figure):
            for key in {"tickformat", "hoverformat"} & axis.keys():
                axis[key] = _DAYS.get(axis[key], axis[key])
            for stop in axis.get("tickformatstops", ()):
                stop["value"] = _DAYS.get(stop["value"], stop["value"])
    return figure


def _axes(figure: Figure) -> list[Figure]:
    return [value for name, value in figure["layout"].items() if name.startswith(("xaxis", "yaxis"))]


@dataclass(frozen=True)
class Line:
    """One series of a daily chart.

    Attributes:
        name: in the legend and on hover.
        values: one per day; ``None`` leaves a gap.
        color: of the line or the bars.
        width: of a line, in px.
        dash: of a line, as Plotly names it.
        hatch: of bars, as Plotly names it; tells apart what has not colour enough to.
    """

    name: str
    values: Sequence[float | None]
    color: str
    width: float = 2.0
    dash: str = "solid"
    hatch: str = ""


@dataclass(frozen=True)
class Axis:
    """The vertical axis.

    Attributes:
        unit: written on the top tick.
        hover: d3 format of values on hover.
        from_zero: the axis starts at zero, as it must for bars.
        top: fixed upper end, as 100 for shares.
    """

    unit: str = ""
    hover: str = ",.3~g"
    from_zero: bool = True
    top: float | None = None


def daily_lines(
    days: Sequence[date],
    lines: Sequence[Line],
    axis: Axis,
    colors: Palette,
    provisional_from: date | None = None,
    *,
    legend: bool = False,
) -> Figure:
    """Lines over days; the last one is drawn on top."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": _iso(days),
            "y": list(line.values),
            "name": line.name,
            "line": {"color": line.color, "width": line.width, "dash": line.dash},
            "connectgaps": False,
            "hovertemplate": hover_text(axis),
        }
        for line in lines
    ]
    return _daily(traces, days, axis, colors, provisional_from, legend=legend)


def daily_bars(
    days: Sequence[date],
    bars: Sequence[Line],
    axis: Axis,
    colors: Palette,
    provisional_from: date | None = None,
    *,
    before: Line | None = None,
) -> Figure:
    """Bars over days, stacked if there are several; the period before as a thin line over them."""
    traces: list[Figure] = [
        {
            "type": "bar",
            "x": _iso(days),
            "y": list(bar.values),
            "name": bar.name,
            "marker": {
                "color": bar.color,
                "line": {"width": 1 if len(bars) > 1 else 0, "color": colors.card},
                "pattern": {
                    "shape": bar.hatch,
                    "size": 5,
                    "solidity": 0.25,
                    "fgcolor": colors.card,
                    "bgcolor": bar.color,
                },
            },
            "hovertemplate": hover_text(axis),
        }
        for bar in bars
    ]
    if before is not None:
        traces += daily_lines(days, [before], axis, colors)["data"]
    figure = _daily(traces, days, axis, colors, provisional_from, legend=len(bars) > 1)
    figure["layout"] |= {"barmode": "stack", "bargap": 0.22 if len(days) <= 40 else 0.1}
    return figure


def small_multiples(
    days: Sequence[date], panels: Sequence[Line], reference: Line, axis: Axis, colors: Palette, columns: int
) -> Figure:
    """One small chart per value on the same scale, each against the whole slice."""
    rows = -(-len(panels) // columns)
    layout = base_layout(colors)
    traces: list[Figure] = []
    known = [v for p in (*panels, reference) for v in p.values if v is not None] or [0.0, 1.0]
    margin = 0.12 * (max(known) - min(known)) or 1.0
    for index, panel in enumerate(panels):
        suffix = "" if index == 0 else str(index + 1)
        row, column = divmod(index, columns)
        left, top = column / columns, 1 - row / rows
        domain_x = [left + 0.004, (column + 1) / columns - 0.02]
        domain_y = [top - 1 / rows + 0.24 / rows, top - 0.18 / rows]
        layout[f"xaxis{suffix}"] = _days_axis(days, colors) | {
            "domain": domain_x,
            "anchor": f"y{suffix}",
            "nticks": 2,
            "showticklabels": row == rows - 1 or index + columns >= len(panels),
        }
        layout[f"yaxis{suffix}"] = value_axis(axis, colors) | {
            "domain": domain_y,
            "anchor": f"x{suffix}",
            "range": [min(known) - margin, max(known) + margin],
            "zeroline": False,
            "nticks": 4,
            "showticklabels": column == 0,
        }
        layout["annotations"].append(
            {
                "text": "<br>".join(wrap(panel.name, _HEADING)),
                "xref": "paper",
                "yref": "paper",
                "x": domain_x[0],
                "y": domain_y[1],
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 11, "color": colors.text},
            }
        )
        for line in (reference, panel):
            traces += [
                trace | {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "showlegend": False}
                for trace in daily_lines(days, [line], axis, colors)["data"]
            ]
    layout["margin"] = {"l": 40, "r": 4, "t": 4, "b": 22}
    return {"data": traces, "layout": layout}


def _daily(
    traces: list[Figure],
    days: Sequence[date],
    axis: Axis,
    colors: Palette,
    provisional_from: date | None,
    *,
    legend: bool,
) -> Figure:
    layout = base_layout(colors)
    layout["xaxis"] = _days_axis(days, colors)
    layout["yaxis"] = value_axis(axis, colors)
    if all(not value for trace in traces for value in trace["y"]):
        layout["yaxis"]["range"] = [0, axis.top or 1]  # else zero stands in the middle, between fractions of nothing
    if all(abs(value or 0) < 1 for trace in traces for value in trace["y"]):
        layout["yaxis"]["tickformat"] = ""  # no thousandths as 700m
    layout["showlegend"] = legend
    layout["margin"]["b"] = 50 if legend else 24
    if provisional_from is not None and days and provisional_from <= days[-1]:
        layout["shapes"] = [_provisional(max(provisional_from, days[0]), days[-1], colors)]
    return {"data": traces, "layout": layout}


def base_layout(colors: Palette) -> Figure:
    """What all figures share."""
    return {
        "autosize": True,
        "margin": {"l": 44, "r": 10, "t": 10, "b": 24},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": colors.muted},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": colors.card,
            "bordercolor": colors.line,
            "font": {"family": FONT, "size": 12, "color": colors.text},
        },
        "dragmode": False,
        "showlegend": False,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "traceorder": "normal",
            "font": {"size": 12, "color": colors.muted},
            "itemsizing": "constant",
            "itemwidth": 30,
        },
        "annotations": [],
        "shapes": [],
        "separators": ".,",
        "uirevision": "view",
    }


def _days_axis(days: Sequence[date], colors: Palette) -> Figure:
    half = timedelta(hours=12)
    edges = [_at(days[0]) - half, _at(days[-1]) + half] if days else []
    return {
        "type": "date",
        "range": [edge.isoformat() for edge in edges],
        "tickformat": "%-d %b",
        "hoverformat": "%a %-d %b %Y",
        "nticks": 6,
        "minallowed": edges[0].isoformat() if edges else None,
        "showgrid": False,
        "showline": False,
        "ticks": "",
        "tickfont": {"size": 11, "color": colors.muted},
        "ticklabelstandoff": 4,
        "fixedrange": True,
        **({"tick0": days[0].isoformat(), "dtick": _DAY_MS} if 0 < len(days) <= 7 else {}),
    }


def value_axis(axis: Axis, colors: Palette) -> Figure:
    """The axis of values."""
    unit = axis.unit if axis.unit in ("", "%") else f" {axis.unit}"
    settings: Figure = {
        "rangemode": "tozero" if axis.from_zero else "normal",
        "gridcolor": colors.line,
        "gridwidth": 1,
        "zeroline": axis.from_zero,
        "zerolinecolor": colors.quiet,
        "zerolinewidth": 1,
        "nticks": 5,
        "tickformat": "~s" if axis.unit != "%" and axis.hover.startswith(",") else "",
        "ticksuffix": unit,
        "showticksuffix": "all" if unit == "%" else "none",
        "tickfont": {"size": 11, "color": colors.muted},
        "automargin": "left",
        "fixedrange": True,
        "ticks": "",
    }
    if axis.top is not None:
        settings |= {"range": [0, axis.top], "dtick": axis.top / 4}
    return settings


def _provisional(first: date, last: date, colors: Palette) -> Figure:
    half = timedelta(hours=12)
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": (_at(first) - half).isoformat(),
        "x1": (_at(last) + half).isoformat(),
        "y0": 0,
        "y1": 1,
        "layer": "above",
        "line": {"color": colors.attention, "width": 1, "dash": "dot"},
        "fillcolor": colors.attention_fill,
    }


def hover_text(axis: Axis, letter: str = "y") -> str:
    """A value on hover, with its unit; ``letter`` says along which axis it is measured."""
    gap = "" if axis.unit in ("", "%") else " "
    return f"%{{{letter}:{axis.hover}}}{gap}{axis.unit}"


def _at(day: date) -> Any:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 (a place on an axis, not an instant)


def _iso(days: Sequence[date]) -> list[str]:
    return [day.isoformat() for day in days]
