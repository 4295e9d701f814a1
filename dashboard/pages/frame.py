"""What all pages of figures share: the frame, the one callback, notes, and the state without data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anyio import to_thread
from dash import Dash, Input, Output, html

from dashboard import wording
from dashboard.filters import View, parse
from dashboard.pages import Page
from dashboard.palette import Palette, palette
from dashboard.parts import state
from dashboard.published import Published, Reading

Content = Callable[[Reading, View, Palette], Any]
_PRESENCE = "fleet_vehicles"


def frame(name: str, children: Any) -> Any:
    """The place of a page's figures, filled with skeletons."""
    return html.Div([html.Div(id=f"{name}-notes"), html.Div(children, id=f"{name}-body", className="body")])


def body_callback(app: Dash, published: Published, page: Page, cards: Sequence[str], content: Content) -> None:
    """Register the one callback of a page; the work is done off the event loop."""

    def fill(search: str | None, scheme: str | None) -> tuple[Any, Any]:
        with published.reading() as reading:
            if reading.catalogue is None:
                return None, None
            view, notes = parse(search, reading.catalogue, cards)
            body = _without_data(reading, view) or content(reading, view, palette(scheme))
            return _notes(notes), [*body, _foot(reading, view)]

    @app.callback(
        Output(f"{page.name}-notes", "children"),
        Output(f"{page.name}-body", "children"),
        Input("url", "search"),
        Input("scheme", "data"),
    )
    async def update(search: str | None, scheme: str | None) -> tuple[Any, Any]:
        return await to_thread.run_sync(fill, search, scheme)


def provisional_note(reading: Reading, view: View) -> str:
    """Why a period is provisional; empty if it is not."""
    first = reading.info.provisional_from
    if first is None or not reading.info.is_provisional(view.last):
        return ""
    return f"Provisional from {wording.day(first)}: late data is still expected."


def _without_data(reading: Reading, view: View) -> list[Any] | None:
    """The state of a slice that holds nothing: why, and what to do."""
    if reading.evaluate((_PRESENCE,), view).one(_PRESENCE).as_of is not None:
        return None
    assert reading.catalogue is not None
    first, last = reading.catalogue.first, reading.catalogue.last
    reset = html.A("Reset filters", href="?", className="pill soft")
    if view.last < first or view.first > last:
        text = f"{view.period} lies outside the published data, which runs from {wording.days(first, last)}."
    else:
        text = f"No vehicle was in the fleet in {view.period} for {view.scope}. Widen the period or the filters."
    return [state("No data in this slice", text, reset)]


def _notes(notes: Sequence[str]) -> Any:
    if not notes:
        return None
    return html.Ul([html.Li(note) for note in notes], className="notes", role="status")


def _foot(reading: Reading, view: View) -> Any:
    info = reading.info
    return html.P(
        f"Snapshot of {wording.instant(info.published_at)} · {info.version} · {view.period}, UTC days",
        className="foot",
        **{"data-first": view.first.isoformat(), "data-last": view.last.isoformat()},
    )
