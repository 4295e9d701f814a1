"""What stands in place of a page: an address that is none, nothing published yet, a snapshot without data."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard.draw.parts import state


def layout() -> Any:
    """An address that is no page."""
    return state(
        "There is no page at this address",
        "The link may be mistyped, or belong to another version of Sillage.",
        html.A("Go to the overview", href="/", className="pill soft"),
        kind="missing",
    )


def nothing_published() -> Any:
    """The lake has no published snapshot."""
    return state(
        "Nothing has been published yet",
        [
            "Figures appear here once a snapshot of the KPIs is published. With data in the lake, run ",
            html.Code("sillage build"),
            " and ",
            html.Code("sillage publish"),
            "; for a simulated fleet, run ",
            html.Code("sillage demo"),
            ". This page looks again every 30 seconds.",
        ],
    )


def no_data() -> Any:
    """A snapshot is published and holds no day."""
    return state(
        "The published snapshot holds no data",
        [
            "No KPI table has a row yet. Land a feed with ",
            html.Code("sillage land"),
            ", then run ",
            html.Code("sillage build"),
            " and ",
            html.Code("sillage publish"),
            ".",
        ],
    )
