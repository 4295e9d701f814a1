"""Plotly figures of one vehicle's life on one time axis: lanes of what happened, signals, capacity with its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from dashboard.draw.charts import Axis, Figure, base_layout, hover_text, value_axis
from dashboard.draw.palette import Palette
from dashboard.view.reader import Reader
from dashboard.view.texts import DASH, Text

#: Nothing is drawn shorter than this share of the axis, so that a moment can be seen.
_LEAST = 1 / 400
_PANEL_GAP = 0.22


@dataclass(frozen=True)
class Mark:
    """Something on a lane.

    Attributes:
        began_at: UTC.
        ended_at: UTC; the beginning for a moment.
        words: on hover.
        is_bad: it went wrong.
    """

    began_at: datetime
    ended_at: datetime
    words: str
    is_bad: bool = False


@dataclass(frozen=True)
class Series:
    """One signal.

    Attributes:
        name: above its panel.
        unit: of its values.
        at: when, in order.
        values: then.
    """

    name: str
    unit: str
    at: Sequence[datetime]
    values: Sequence[float]


def lanes(marks: Sequence[tuple[str, Sequence[Mark]]], first: date, last: date, colors: Palette) -> Figure:
    """Bars as long as what they stand for lasted, a lane each, the first on top; the legend takes lanes away."""
    start, end = _edges(first, last)
    least = (end - start) * _LEAST
    layout = base_layout(colors)
    layout |= {"hovermode": "closest", "barmode": "overlay", "bargap": 0.45, "showlegend": True, "dragmode": "zoom"}
    layout["margin"] = {"l": 10, "r": 10, "t": 6, "b": 62}
    layout["xaxis"] = _time_axis(start, end, colors)
    layout["yaxis"] = {
        "type": "category", "categoryorder": "array", "categoryarray": [name for name, _ in reversed(marks)],
        "tickfont": {"size": 12, "color": colors.text}, "gridcolor": colors.line, "automargin": True,
        "fixedrange": True, "ticks": "", "ticklabelstandoff": 6,
    }  # fmt: skip
    traces = []
    for place, (name, told) in enumerate(marks):
        color = colors.series[place % len(colors.series)]
        begins = [max(mark.began_at, start) for mark in told]
        lasts = [
            max(min(mark.ended_at, end) - began, least) / timedelta(milliseconds=1)
            for mark, began in zip(told, begins, strict=True)
        ]
        traces.append({
            "type": "bar", "orientation": "h", "name": name, "y": [name] * len(told), "x": lasts,
            "base": [_iso(at) for at in begins], "customdata": [mark.words for mark in told],
            "marker": {"color": [colors.bad if mark.is_bad else color for mark in told], "line": {"width": 0}},
            "hovertemplate": "%{customdata}<extra></extra>",
        })  # fmt: skip
    return {"data": traces, "layout": layout}


def stacked_signals(series: Sequence[Series], first: date, last: date, colors: Palette) -> Figure:
    """A panel per signal below each other over the same time, each with a scale of its own."""
    start, end = _edges(first, last)
    layout = base_layout(colors)
    layout |= {"hovermode": "x", "dragmode": "zoom"}
    layout["margin"] = {"l": 52, "r": 10, "t": 22, "b": 26}
    traces = []
    for place, one in enumerate(series):
        suffix = "" if place == 0 else str(place + 1)
        top = 1 - place / len(series)
        domain = [top - (1 - _PANEL_GAP) / len(series), top]
        layout[f"yaxis{suffix}"] = value_axis(Axis(one.unit, from_zero=False), colors) | {
            "domain": domain, "nticks": 4, "zeroline": False, "tickformat": "", "showticksuffix": "none",
        }  # fmt: skip
        layout["annotations"].append({
            "text": ", ".join(filter(None, (one.name, one.unit))), "xref": "paper", "yref": "paper", "x": 0, "y": top,
            "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": 11.5, "color": colors.text},
        })  # fmt: skip
        traces.append({
            "type": "scatter", "mode": "lines", "name": one.name, "x": [_iso(at) for at in one.at],
            "y": list(one.values), "xaxis": "x", "yaxis": f"y{suffix}",
            "line": {"color": colors.series[place % len(colors.series)], "width": 1.2},
            "hovertemplate": f"%{{y:.4~g}} {one.unit}<extra>{one.name}</extra>",
        })  # fmt: skip
    anchor = "y" if len(series) < 2 else f"y{len(series)}"
    layout["xaxis"] = _time_axis(start, end, colors) | {"anchor": anchor}
    return {"data": traces, "layout": layout}


def capacity_band(
    reader: Reader,
    days: Sequence[date],
    bands: Sequence[tuple[float, float, float]],
    as_new: float | None,
    period: tuple[date, date],
    colors: Palette,
) -> Figure:
    """A value with its interval over days, and what it was as new as a dotted line.

    Args:
        reader: for whom.
        days: of the estimates.
        bands: of each the value, its lower and its upper end, kWh.
        as_new: kWh; ``None`` where it is not known.
        period: first and last day.
        colors: of the theme.
    """
    start, end = _edges(*period)
    layout, at = base_layout(colors), [day.isoformat() for day in days]
    layout["xaxis"] = _time_axis(start, end, colors) | {"fixedrange": True}
    axis = Axis("kWh", from_zero=False)
    layout["yaxis"] = value_axis(axis, colors) | {"zeroline": False}
    value, low, high = ([band[place] for band in bands] for place in range(3))
    plain = {"type": "scatter", "x": at, "hoverinfo": "skip", "line": {"width": 0}, "mode": "lines"}
    traces: list[Figure] = [
        plain | {"y": high},
        plain | {"y": low, "fill": "tonexty", "fillcolor": colors.attention_fill},
        {
            "type": "scatter", "mode": "lines+markers", "x": at, "y": value,
            "name": reader.say(Text.USABLE_CAPACITY_HOVER),
            "line": {"color": colors.accent, "width": 2}, "marker": {"size": 6},
            "customdata": [[a, b] for a, b in zip(low, high, strict=True)],
            "hovertemplate": f"{hover_text(axis)} (%{{customdata[0]:.1f}} {DASH} %{{customdata[1]:.1f}})"
            "<extra></extra>",
        },
    ]  # fmt: skip
    if as_new is not None:
        layout["shapes"] = [{
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": as_new, "y1": as_new,
            "line": {"color": colors.reference, "width": 1.4, "dash": "dot"},
        }]  # fmt: skip
        known = [*low, *high, as_new]
        margin = 0.08 * (max(known) - min(known)) or 1.0
        layout["yaxis"]["range"] = [min(known) - margin, max(known) + margin]
    return {"data": traces, "layout": layout}


def _time_axis(start: datetime, end: datetime, colors: Palette) -> Figure:
    return {
        "type": "date", "range": [_iso(start), _iso(end)], "minallowed": _iso(start), "maxallowed": _iso(end),
        "hoverformat": "%-d %b %Y %H:%M", "nticks": 8, "showgrid": False, "ticks": "",
        "tickfont": {"size": 11, "color": colors.muted},
        "tickformatstops": [
            {"dtickrange": [None, 86_399_999], "value": "%-d %b %H:%M"},
            {"dtickrange": [86_400_000, None], "value": "%-d %b"},
        ],
    }  # fmt: skip


def _edges(first: date, last: date) -> tuple[datetime, datetime]:
    """The first moment of a day and the last of another; aware, since what happens is."""
    return datetime.combine(first, time(), UTC), datetime.combine(last + timedelta(1), time(), UTC)


def _iso(at: datetime) -> str:
    """As Plotly reads it: without a zone, for all of them are UTC."""
    return at.replace(tzinfo=None).isoformat()
