"""What all pages of figures share: the frame, the one callback, notes, and the state without data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from dash import Dash, Input, Output, html, no_update, set_props

from dashboard import wording
from dashboard.filters import View, parse
from dashboard.markup import attrs
from dashboard.pages.cards import Card, Filling
from dashboard.palette import Palette, palette
from dashboard.parts import state
from dashboard.published import Published, Question, Reading
from dashboard.sheets import Sheet
from metrics import Evaluation

Sheets = Callable[[Reading, View], dict[str, Sheet]]


@dataclass(frozen=True)
class Content:
    """What fills a page.

    Attributes:
        cards: by the name of the card.
        extra: values of the page's own outputs.
    """

    cards: dict[str, Filling]
    extra: dict[str, Any]


@dataclass(frozen=True)
class Body:
    """How a page of figures is filled.

    Attributes:
        name: of the page.
        path: of the page.
        cards: its cards.
        sheets: the rows behind them.
        fill: makes its figures.
        questions: all that the page asks of a view; they are answered together.
        presence: one of them; a slice that has no value in it is empty.
        extra: the page's own outputs, by name.
    """

    name: str
    path: str
    cards: Sequence[Card]
    sheets: Sheets
    fill: Callable[[Reading, View, dict[str, Sheet], Palette], Content]
    questions: Callable[[View], Sequence[Question]]
    presence: Question
    extra: dict[str, Output]

    def frame(self, children: Any) -> Any:
        """The place of the page's figures, skeletons until they are there."""
        return html.Div(
            [
                html.Div(id=f"{self.name}-notes"),
                html.Div(id=f"{self.name}-state"),
                html.Div(children),
                html.Div(id=f"{self.name}-foot"),
            ],
            id=f"{self.name}-body",
            className="body pending",
        )

    def register(self, app: Dash, published: Published) -> None:
        """Register the one callback of the page; the work is done off the event loop."""
        outputs = {
            "notes": Output(f"{self.name}-notes", "children"),
            "state": Output(f"{self.name}-state", "children"),
            "foot": Output(f"{self.name}-foot", "children"),
            "class": Output(f"{self.name}-body", "className"),
            "extra": self.extra,
            "cards": {card.name: card.outputs(self.name) for card in self.cards},
        }

        inputs = [Input("url", "search"), Input("scheme", "data"), Input("snapshot", "data")]

        @app.callback(output=outputs, inputs=inputs)
        async def update(search: str | None, scheme: str | None, _snapshot: str | None) -> dict[str, Any]:
            values = await to_thread.run_sync(self.answer, published, search, scheme)
            set_props("error", {"children": None})  # no output of this callback: that is in the layout before the page
            return values

    def answer(self, published: Published, search: str | None, scheme: str | None) -> dict[str, Any]:
        """All values of the page for an address and a theme, as the callback returns them."""
        with published.reading() as reading:
            if reading.catalogue is None:
                return self._values([], None, None)
            view, notes = parse(search, reading.catalogue, [card.name for card in self.cards])
            reading.answers(view, *self.questions(view))
            if missing := _without_data(reading, view, self.presence):
                return self._values(notes, missing, _foot(reading, view))
            notes += _coverage(view, reading.answer(view, self.presence))
            sheets = self.sheets(reading, view)
            content = self.fill(reading, view, sheets, palette(scheme))
            values = self._values(notes, None, _foot(reading, view))
            values["extra"] = content.extra
            values["cards"] = {
                card.name: content.cards[card.name].values(card, self.name, self.path, view, sheets[card.name])
                for card in self.cards
            }
            return values

    def _values(self, notes: Sequence[str], missing: Any, foot: Any) -> dict[str, Any]:
        """The values of all outputs, with the cards as they are."""
        return {
            "notes": _notes(notes),
            "state": missing,
            "foot": foot,
            "class": "body without" if missing is not None else "body",
            "extra": dict.fromkeys(self.extra, no_update),
            "cards": {card.name: dict.fromkeys(card.outputs(self.name), no_update) for card in self.cards},
        }


def provisional_note(reading: Reading, view: View) -> str:
    """Why a period is provisional; empty if it is not."""
    first = reading.info.provisional_from
    if first is None or not reading.info.is_provisional(view.last):
        return ""
    return f"Provisional from {wording.day(first)}: late data is still expected."


def _without_data(reading: Reading, view: View, question: Question) -> Any:
    """The state of a slice that holds nothing: why, and what to do; ``None`` if it holds something."""
    reset = html.A("Reset filters", href="?", className="pill soft")
    if any(not values for _, values in view.chosen):
        return state("No data in this slice", "A filter holds no value of the published data.", reset)
    if any(value.as_of is not None for value in reading.answer(view, question)):
        return None
    assert reading.catalogue is not None
    first, last = reading.catalogue.first, reading.catalogue.last
    if view.last < first or view.first > last:
        text = f"{view.period} lies outside the published data, which runs from {wording.days(first, last)}."
    else:
        text = f"No vehicle was in the fleet in {view.period} for {view.scope}. Widen the period or the filters."
    return state("No data in this slice", text, reset)


def _coverage(view: View, found: Evaluation) -> list[str]:
    """What of the days asked for has no data, and what of those it is compared with."""
    first, last = view.in_address
    asked, held = (last - first).days + 1, max(value.days for value in found)
    before = max((value.previous.days for value in found if value.previous), default=0)
    notes = []
    if held < asked:
        where = f", {view.period}" if view.asked else ""
        notes.append(f"Data covers {held:,} of these {asked:,} days{where}.")
    if 0 < before < view.slice.days:
        notes.append(f"Of the {view.slice.days:,} days compared with, {before:,} have data.")
    return notes


def _notes(notes: Sequence[str]) -> Any:
    if not notes:
        return None
    return html.Ul([html.Li(note) for note in notes], className="notes", role="status")


def _foot(reading: Reading, view: View) -> Any:
    info = reading.info
    return html.P(
        f"Snapshot of {wording.instant(info.published_at)} · {view.period}, UTC days",
        className="foot",
        title=info.version,
        **attrs({"data-first": view.first.isoformat(), "data-last": view.last.isoformat()}),
    )
