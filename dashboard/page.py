"""A page is a declaration: a name and rows of cards. Its one callback, its exports and its states are here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from dash import ClientsideFunction, Dash, Input, Output, html, no_update, set_props

from dashboard.cards.card import Address, Card, Filling, Place
from dashboard.draw.markup import attrs
from dashboard.draw.palette import palette
from dashboard.draw.parts import provisional_key, state
from dashboard.draw.sheets import Sheet
from dashboard.view import wording
from dashboard.view.address import View, parse
from dashboard.view.faults import log_fault, typed
from dashboard.view.published import Answers, Published, Reading
from dashboard.view.reader import ENGLISH, Reader, asking
from dashboard.view.texts import Text
from lake.errors import QueryError
from metrics import Contracts, Evaluation


class Row:
    """Cards beside each other; a page that is too narrow puts them below each other.

    Args:
        cards: from left to right.
        columns: so many in one line.
    """

    def __init__(self, *cards: Card, columns: int = 2) -> None:
        self.cards, self.columns = cards, columns


@dataclass(frozen=True)
class Page:
    """One page. The first card is what it is about: a slice that has no value in it is empty. One that asks for no
    figures of the slice stands whatever the slice holds.

    Attributes:
        name: in links to exports, and the name of its icon.
        title: in the navigation and the header.
        rows: cards, top to bottom; a card that is no row has a line of its own.
        is_start: it is what the server shows where no page is named.
    """

    name: str
    title: Text
    rows: tuple[Row | Card, ...]
    is_start: bool = False

    @property
    def path(self) -> str:
        """Where it is."""
        return "/" if self.is_start else f"/{self.name}"

    @property
    def cards(self) -> tuple[Card, ...]:
        """All cards, in reading order."""
        return tuple(self._each_card())

    def _each_card(self) -> Iterator[Card]:
        for row in self.rows:
            yield from row.cards if isinstance(row, Row) else (row,)

    def card(self, name: str) -> Card | None:
        """A card by its name."""
        return next((card for card in self.cards if card.name == name), None)

    def layout(self, contracts: Contracts, reader: Reader = ENGLISH) -> Any:
        """The page before it has figures: skeletons where they will be."""
        rows = []
        for row in self.rows:
            if isinstance(row, Row):
                places = [card.frame(contracts, reader).layout(self.name) for card in row.cards]
                rows.append(html.Div(places, className=f"grid-{row.columns}"))
            else:
                rows.append(row.frame(contracts, reader).layout(self.name))
        return html.Div(
            [
                html.Div(id=f"{self.name}-notes"),
                html.Div(id=f"{self.name}-state"),
                html.P(id=f"{self.name}-late", className="late"),
                html.Div(rows),
                html.Div(id=f"{self.name}-foot"),
            ],
            id=f"{self.name}-body",
            className="body pending",
        )

    def register(self, app: Dash, published: Published) -> None:
        """Register the one callback of the page; the work is done off the event loop."""
        places = {card.name: card.frame(published.contracts, ENGLISH) for card in self.cards}
        outputs = {
            "notes": Output(f"{self.name}-notes", "children"),
            "state": Output(f"{self.name}-state", "children"),
            "late": Output(f"{self.name}-late", "children"),
            "foot": Output(f"{self.name}-foot", "children"),
            "class": Output(f"{self.name}-body", "className"),
            "cards": {name: dict(place.outputs(self.name)) for name, place in places.items()},
        }
        inputs = [Input("url", "search"), Input("scheme", "data"), Input("snapshot", "data")]
        in_browser: Any = app.clientside_callback
        for place in places.values():
            if figure := place.clickable(self.name):
                go = ClientsideFunction("sillage", "drill")
                in_browser(go, Output(figure, "clickData"), Input(figure, "clickData"), prevent_initial_call=True)

        @app.callback(output=outputs, inputs=inputs)
        @typed
        async def update(search: str | None, scheme: str | None, _snapshot: str | None) -> dict[str, Any]:
            values = await to_thread.run_sync(self.answer, published, search, scheme, asking(search))
            set_props("error", {"children": None})  # no output of this callback: that is in the layout before the page
            return values

    def answer(
        self, published: Published, search: str | None, scheme: str | None, reader: Reader = ENGLISH
    ) -> dict[str, Any]:
        """All values of the page for an address, a theme and a reader, as the callback returns them."""
        with published.reading(reader) as reading:
            if reading.catalogue is None:
                return self._values(published.contracts, [], None, None, None)
            view, notes = parse(search, reading.catalogue, [card.name for card in self.cards], reader)
            foot = _foot(reading, view, search)
            asked = tuple(question for card in self.cards for question in card.ask(view))
            if any(not values for _, values in view.chosen):
                missing = _no_data(view, reader.say(Text.EMPTY_FILTER))
                return self._values(published.contracts, notes, missing, None, foot)
            found = reading.ask(view, asked)
            first = found.first() if self.cards[0].ask(view) else None
            if first is not None and (missing := _without_data(reading, view, first)):
                return self._values(published.contracts, notes, missing, None, foot)
            notes += _coverage(view, first) if first is not None else []
            notes += [told] if (told := wording.unanswered(reader, view.chosen, reading.info)) else []
            late = provisional_key(wording.provisional(reader, reading.info, view.last))
            values = self._values(published.contracts, notes, None, late, foot)
            values["cards"] = {card.name: self._drawn(card, view, found, scheme) for card in self.cards}
            return values

    def sheet(self, reading: Reading, view: View, name: str) -> Sheet | None:
        """The rows behind one card, for its export; nothing else is worked out.

        Raises:
            QueryError: its figures are not split by something that the view filters by.
        """
        card = self.card(name)
        if card is None:
            return None
        found = reading.ask(view, card.ask(view))
        if lacking := _lacking(card, card.frame(reading.told, view.reader), view, found):
            raise QueryError("No export for this filter", found=wording.listing(view.reader, lacking))
        return card.sheet(view, found)

    def _drawn(self, card: Card, view: View, found: Answers, scheme: str | None) -> dict[str, Any]:
        """The values of one card. One that cannot be shown says why, and the others stand."""
        nothing, say = Sheet(card.name, "", (), (), (), (), found), view.reader.say
        place, address = card.frame(found.contracts, view.reader), Address(self.name, self.path)
        if lacking := _lacking(card, place, view, found):
            text = say(Text.NOT_SPLIT, names=wording.listing(view.reader, lacking))
            return place.values(Filling(content=state(say(Text.NOT_FOR_FILTER), text)), address, view, nothing)
        try:
            sheet = card.sheet(view, found)
            filling = card.draw(view, sheet, palette(scheme))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this card's alone
            text = say(Text.CARD_FAILED_WHY, number=log_fault(error))
            failed = Filling(content=state(say(Text.CARD_FAILED), text, kind="fault"))
            return place.values(failed, address, view, nothing)
        return place.values(filling, address, view, sheet)

    def _values(self, contracts: Contracts, notes: Sequence[str], missing: Any, late: Any, foot: Any) -> dict[str, Any]:
        """The values of all outputs, with the cards as they are."""
        return {
            "notes": _notes(notes),
            "state": missing,
            "late": late,
            "foot": foot,
            "class": "body without" if missing is not None else "body",
            "cards": {
                card.name: dict.fromkeys(card.frame(contracts, ENGLISH).outputs(self.name), no_update)
                for card in self.cards
            },
        }


def _lacking(card: Card, place: Place, view: View, found: Answers) -> tuple[str, ...]:
    """What the view filters by and the card's figures are not split by, so that it cannot be shown."""
    asked = card.ask(view)
    return () if place.stands_in_part and found.some(asked) else found.lacking(asked)


def _no_data(view: View, text: str) -> Any:
    say = view.reader.say
    reset = html.A(say(Text.RESET_FILTERS), href=view.reset, className="pill soft")
    return state(say(Text.NO_DATA_IN_SLICE), text, reset)


def _without_data(reading: Reading, view: View, found: Evaluation) -> Any:
    """The state of a slice that holds nothing: why, and what to do; ``None`` if it holds something."""
    if any(value.as_of is not None for value in found):
        return None
    assert reading.catalogue is not None
    first, last = reading.catalogue.first, reading.catalogue.last
    if view.last < first or view.first > last:
        days = wording.days(view.reader, first, last)
        return _no_data(view, view.reader.say(Text.OUTSIDE_DATA, period=view.period, days=days))
    return _no_data(view, view.reader.say(Text.NO_VEHICLE_IN_FLEET, period=view.period, scope=view.scope))


def _coverage(view: View, found: Evaluation) -> list[str]:
    """What of the days asked for has no data, and what of those it is compared with."""
    first, last = view.in_address
    asked, held = (last - first).days + 1, max(value.days for value in found)
    before = max((value.previous.days for value in found if value.previous), default=0)
    notes = []
    if held < asked:
        text = Text.DATA_COVERS_PERIOD if view.asked else Text.DATA_COVERS
        notes.append(view.reader.say(text, held=held, asked=asked, period=view.period))
    if 0 < before < view.slice.days:
        notes.append(view.reader.say(Text.COMPARED_DAYS, days=view.slice.days, before=before))
    return notes


def _notes(notes: Sequence[str]) -> Any:
    if not notes:
        return None
    return html.Ul([html.Li(note) for note in notes], className="notes", role="status")


def _foot(reading: Reading, view: View, search: str | None) -> Any:
    """Which snapshot and days the figures are of, and, for scripts, the address that they answer."""
    info = reading.info
    published = wording.instant(view.reader, info.published_at)
    words = view.reader.say(Text.FOOT, instant=published, period=view.period)
    return html.P(
        " · ".join(filter(None, (words, wording.protection(view.reader, info)))),
        className="foot",
        title=info.version,
        **attrs(
            {"data-first": view.first.isoformat(), "data-last": view.last.isoformat(), "data-search": search or ""}
        ),
    )
