"""Plotly figures over groups: bars with their intervals, a matrix of cells, steps of a funnel, curves.

As plain dicts, like ``dashboard.draw.charts``; every figure is drawn from a ``Sheet``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.draw.charts import FONT, Axis, Figure, base_layout, hover_text, value_axis
from dashboard.draw.palette import Palette

#: More names than this do not stand beside each other under upright bars.
_CROWDED = 24
#: Height of one line of a legend, in px.
_LEGEND_LINE = 19


@dataclass(frozen=True)
class Bar:
    """One group.

    Attributes:
        name: of the group.
        value: ``None`` where there is none.
        low: lower end of the interval, if there is one.
        high: upper end.
        hint: further words on hover.
        link: address that a click leads to; empty for none.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    hint: str = ""
    link: str = ""


def ranked_bars(bars: Sequence[Bar], axis: Axis, colors: Palette, reference: float | None = None) -> Figure:
    """Horizontal bars, the first on top, with whiskers for intervals, and a line for all together."""
    shown = list(reversed(bars))
    layout = _grouped(colors, margin_left=10)
    layout["xaxis"] = value_axis(axis, colors) | {"automargin": False, "side": "bottom"}
    layout["yaxis"] = _names(colors) | {"automargin": True}
    if reference is not None:
        layout["shapes"] = [_line("x", reference, colors)]
    return {"data": [_bars(shown, axis, colors, horizontal=True)], "layout": layout}


def ordered_bars(bars: Sequence[Bar], axis: Axis, colors: Palette, reference: float | None = None) -> Figure:
    """Upright bars in the order given, for classes that have one."""
    layout = _grouped(colors, margin_left=44)
    layout["yaxis"] = value_axis(axis, colors)
    layout["xaxis"] = _names(colors)
    if len(bars) > _CROWDED:
        layout["xaxis"] |= {"nticks": _CROWDED // 2, "tickangle": 0}
    if reference is not None:
        layout["shapes"] = [_line("y", reference, colors)]
    return {"data": [_bars(bars, axis, colors, horizontal=False)], "layout": layout}


def compared_dots(
    pairs: tuple[Sequence[Bar], Sequence[Bar]],
    names: tuple[str, str],
    axis: Axis,
    colors: Palette,
    reference: float | None = None,
) -> Figure:
    """Two dots with whiskers per group, the first group on top, and a line for all together.

    Args:
        pairs: the same groups in the same order, in two ways; the first is the fuller dot.
        names: of the two ways.
        axis: of the values, which need not start at zero: dots say where they are, not how long.
        colors: of the theme.
        reference: the value of all together.
    """
    layout = _grouped(colors, margin_left=10)
    layout["xaxis"] = value_axis(axis, colors) | {"range": _around(pairs, reference, axis), "automargin": False}
    layout["xaxis"] |= {"zeroline": False}
    layout["yaxis"] = _names(colors) | {"automargin": True, "autorange": "reversed"}
    layout |= {"scattermode": "group", "scattergap": 0.45, "showlegend": True}
    layout["margin"] |= {"b": 54}
    if reference is not None:
        layout["shapes"] = [_line("x", reference, colors)]
    looks = (
        {"color": colors.accent, "symbol": "circle", "size": 9},
        {"color": colors.series[1], "symbol": "diamond-open", "size": 8},
    )
    traces = []
    for bars, name, look in zip(pairs, names, looks, strict=True):
        traces.append({
            "type": "scatter",
            "mode": "markers",
            "orientation": "h",
            "x": [bar.value for bar in bars],
            "y": [bar.name for bar in bars],
            "name": name,
            "marker": look,
            "error_x": _whiskers(bars, str(look["color"])),
            "hovertemplate": f"%{{y}}, {name}: {hover_text(axis, 'x')}<extra></extra>",
        })  # fmt: skip
    return {"data": traces, "layout": layout}


def heat(
    across: Sequence[str],
    down: Sequence[str],
    cells: Sequence[Sequence[float | None]],
    axis: Axis,
    colors: Palette,
    written: str = "",
) -> Figure:
    """A matrix of cells in one hue; the first row on top. A cell without a value stays empty.

    Args:
        across: heads of the columns.
        down: heads of the rows.
        cells: row by row.
        axis: of the values.
        colors: of the theme.
        written: what the columns are, where the digits stand in the cells; else a scale says what a colour means.
    """
    layout = _grouped(colors, margin_left=10)
    layout["hovermode"] = "closest"
    layout["xaxis"] = _names(colors) | {"side": "bottom", "type": "category"}
    layout["yaxis"] = _names(colors) | {"automargin": True, "autorange": "reversed", "type": "category"}
    unit = f" {axis.unit}" if axis.unit not in ("", "%") else axis.unit
    trace = {
        "type": "heatmap",
        "x": list(across),
        "y": list(down),
        "z": [list(row) for row in cells],
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "colorscale": [[0, colors.heat_low], [1, colors.heat_high]],
        "zmin": 0 if axis.from_zero else None,
        "zmax": axis.top,
        "colorbar": {
            "thickness": 8,
            "outlinewidth": 0,
            "ticksuffix": axis.unit if axis.unit == "%" else "",
            "tickfont": {"size": 11, "color": colors.muted},
            "nticks": 4,
        },
        "hovertemplate": f"%{{y}}, %{{x}}: %{{z:{axis.hover}}}{unit}<extra></extra>",
    }
    if written:
        # No fuller than the digits can be read on.
        trace |= {"showscale": False, "colorscale": [[0, colors.heat_low], [1, colors.accent_soft]]}
        trace |= {"texttemplate": "%{z:.0f}", "textfont": {"size": 11, "family": FONT, "color": colors.text}}
        layout["xaxis"] |= {"side": "top", "title": _title(written, colors)}
        layout["margin"] |= {"t": 46, "b": 6}
    return {"data": [trace], "layout": layout}


@dataclass(frozen=True)
class Tile:
    """One place of a map of tiles.

    Attributes:
        code: written on it.
        name: on hover.
        column: from west to east.
        row: from north to south.
        value: ``None`` where it is withheld.
        link: address that a click leads to.
    """

    code: str
    name: str
    column: int
    row: int
    value: float | None
    link: str


def tiled(tiles: Sequence[Tile], axis: Axis, colors: Palette) -> Figure:
    """Tiles in one hue where they lie; one whose value is withheld is empty and has its code."""
    layout = _grouped(colors, margin_left=6)
    layout["hovermode"] = "closest"
    known = [tile for tile in tiles if tile.value is not None]
    columns, rows = (range(max((getattr(t, name) for t in tiles), default=0) + 1) for name in ("column", "row"))
    plain = {"visible": False, "fixedrange": True}
    layout |= {
        "xaxis": plain | {"range": [-0.5, columns[-1] + 0.5]},
        "yaxis": plain | {"range": [rows[-1] + 0.5, -0.5]},
    }
    unit = f" {axis.unit}" if axis.unit not in ("", "%") else axis.unit

    def matrix(some: Sequence[Tile], of: Callable[[Tile], Any], nothing: str | None = None) -> list[list[Any]]:
        at = {(tile.column, tile.row): of(tile) for tile in some}
        return [[at.get((column, row), nothing) for column in columns] for row in rows]

    shared: Figure = {"type": "heatmap", "xgap": 2, "ygap": 2, "hoverongaps": False}
    shared |= {"texttemplate": "%{text}", "textfont": {"size": 10.5, "family": FONT, "color": colors.text}}
    hidden = [tile for tile in tiles if tile.value is None]
    traces = [
        shared
        | {
            "z": matrix(hidden, lambda _: 0), "text": matrix(hidden, lambda t: t.code, ""), "showscale": False,
            "colorscale": [[0, colors.line], [1, colors.line]], "hoverinfo": "skip", "hovertemplate": None,
        },
        shared
        | {
            "z": matrix(known, lambda t: t.value), "text": matrix(known, lambda t: t.code, ""),
            "customdata": matrix(known, lambda t: [t.name, t.link]),
            "colorscale": [[0, colors.heat_low], [1, colors.accent_soft]],
            "colorbar": {
                "thickness": 8, "outlinewidth": 0, "nticks": 4, "ticksuffix": axis.unit if axis.unit == "%" else "",
                "tickfont": {"size": 11, "color": colors.muted},
            },
            "hovertemplate": f"%{{customdata[0]}}: %{{z:{axis.hover}}}{unit}<extra></extra>",
        },
    ]  # fmt: skip
    return {"data": traces if hidden else traces[1:], "layout": layout}


@dataclass(frozen=True)
class Point:
    """One known point of a curve that falls, with its interval in one direction.

    Attributes:
        x: where it is.
        y: how high.
        low: lower end of the interval, if there is one.
        high: upper end.
        across: the interval is one of ``x``.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    across: bool = False

    def reach(self, *, across: bool, up: bool) -> float:
        """How far the interval reaches from the point in one direction; 0 where it does not."""
        end, at = (self.high if up else self.low), (self.x if self.across else self.y)
        return abs(end - at) if end is not None and across == self.across else 0.0


@dataclass(frozen=True)
class Curve:
    """The known points of one curve.

    Attributes:
        name: in the legend and on hover.
        points: from left to right.
        color: of points and line.
    """

    name: str
    points: Sequence[Point]
    color: str


def falling_points(curves: Sequence[Curve], axis: Axis, across: str, colors: Palette) -> Figure:
    """Points with whiskers; what joins them leads the eye and is no figure. The first curve is drawn on top.

    Args:
        curves: the one that is most of all first.
        axis: of the heights.
        across: what the horizontal axis is.
        colors: of the theme.
    """
    layout = _grouped(colors, margin_left=44)
    layout["yaxis"] = value_axis(axis, colors)
    layout["xaxis"] = {
        "title": _title(across, colors),
        "showgrid": False,
        "zeroline": False,
        "rangemode": "tozero",
        "tickfont": {"size": 11, "color": colors.muted},
        "fixedrange": True,
    }
    layout["showlegend"] = len(curves) > 1
    # A line each: names of faults are long, and a phone is narrow.
    layout["legend"] |= {"traceorder": "reversed", "entrywidthmode": "fraction", "entrywidth": 1}
    layout["margin"] |= {"t": 14, "b": 48 + _LEGEND_LINE * len(curves) if len(curves) > 1 else 40}
    return {"data": [_curve(c, axis, 2.2 if c is curves[0] else 1.4) for c in reversed(curves)], "layout": layout}


def _curve(curve: Curve, axis: Axis, width: float) -> Figure:
    points = curve.points
    trace: Figure = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [point.x for point in points],
        "y": [point.y for point in points],
        "name": curve.name,
        "line": {"color": curve.color, "width": width, "dash": "dot"},
        "marker": {"color": curve.color, "size": 7},
        "hovertemplate": f"{curve.name}<br>%{{x:.3~g}} d: {hover_text(axis)}<extra></extra>",
    }
    for letter in "xy":
        ends = {
            side: [point.reach(across=letter == "x", up=side == "array") for point in points]
            for side in ("array", "arrayminus")
        }
        whisker = {"type": "data", "symmetric": False, "color": curve.color, "thickness": 1.2, "width": 3}
        trace[f"error_{letter}"] = whisker | ends
    return trace


def _bars(bars: Sequence[Bar], axis: Axis, colors: Palette, *, horizontal: bool) -> Figure:
    names, values = [bar.name for bar in bars], [bar.value for bar in bars]
    named, measured = ("y", "x") if horizontal else ("x", "y")
    trace: Figure = {
        "type": "bar",
        "orientation": "h" if horizontal else "v",
        "x": values if horizontal else names,
        "y": names if horizontal else values,
        "marker": {"color": colors.fill},
        "customdata": [[bar.hint, bar.link] for bar in bars],
        "hovertemplate": f"%{{{named}}}: {hover_text(axis, measured)}%{{customdata[0]}}<extra></extra>",
    }
    if any(bar.low is not None for bar in bars):
        trace["error_x" if horizontal else "error_y"] = _whiskers(bars, colors.muted)
    return trace


def _around(pairs: Iterable[Sequence[Bar]], reference: float | None, axis: Axis) -> list[float] | None:
    """From a little before the lowest to a little after the highest, within what a share can be."""
    every = [end for bars in pairs for bar in bars for end in (bar.value, bar.low, bar.high)]
    known = [end for end in (*every, reference) if end is not None]
    if not known:
        return None
    margin = 0.06 * (max(known) - min(known)) or 1.0
    low, high = max(0.0, min(known) - margin), max(known) + margin
    return [low, min(high, 102.0) if axis.unit == "%" else high]


def _whiskers(bars: Sequence[Bar], color: str) -> Figure:
    return {
        "type": "data",
        "symmetric": False,
        "array": [_above(bar) for bar in bars],
        "arrayminus": [_below(bar) for bar in bars],
        "color": color,
        "thickness": 1.2,
        "width": 3,
    }


def _above(bar: Bar) -> float:
    return bar.high - bar.value if bar.high is not None and bar.value is not None else 0.0


def _below(bar: Bar) -> float:
    return bar.value - bar.low if bar.low is not None and bar.value is not None else 0.0


def _grouped(colors: Palette, *, margin_left: int) -> Figure:
    layout = base_layout(colors)
    layout["hovermode"] = "closest"
    layout["bargap"] = 0.28
    layout["margin"] = {"l": margin_left, "r": 14, "t": 6, "b": 26}
    return layout


def _names(colors: Palette) -> dict[str, Any]:
    return {
        "type": "category",
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"size": 11.5, "color": colors.text},
        "fixedrange": True,
        "ticklabelstandoff": 6,
    }


def _title(text: str, colors: Palette) -> Figure:
    return {"text": text, "font": {"size": 11, "color": colors.muted}, "standoff": 6}


def _line(axis: str, at: float, colors: Palette) -> Figure:
    other = "y" if axis == "x" else "x"
    place = {f"{axis}0": at, f"{axis}1": at, f"{other}0": 0, f"{other}1": 1, f"{axis}ref": axis}
    line = {"color": colors.reference, "width": 1.4, "dash": "dot"}
    return {"type": "line", f"{other}ref": "paper", **place, "line": line, "layer": "above"}
