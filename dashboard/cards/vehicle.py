"""One vehicle by its pseudonym: what it is, what happened to it, its signals, its traction battery.

All of it is read from the lake for the vehicle that the address names, see ``dashboard.view.history``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from dash import dcc, html

from dashboard.cards.card import Filling, Frame
from dashboard.draw.lives import Mark, Series, capacity_band, lanes, stacked_signals
from dashboard.draw.markup import attrs
from dashboard.draw.palette import Palette
from dashboard.draw.parts import state
from dashboard.draw.sheets import Cell, Column, Sheet
from dashboard.view import wording
from dashboard.view.address import MOST_SIGNALS, View
from dashboard.view.history import LANES, READABLE, SUGGESTED, Happening, History
from dashboard.view.names import value_name
from dashboard.view.published import Answers, Question
from metrics import Contracts

_LANE_HEIGHT, _PANEL_HEIGHT = 34, 118
_BAD = frozenset({"failed", "expired", "unanswered", "rolled_back"})
_UNITS = {"percent": "%", "degC": "°C"}
_FACTS = (
    ("model", "Model"), ("model_year", "Model year"), ("powertrain", "Powertrain"), ("market", "Market"),
    ("software_version", "Software"), ("delivered_on", "Delivered"), ("odometer_km", "Odometer"),
    ("last_event_at", "Heard"),
)  # fmt: skip


class _OfOneVehicle:
    """What the cards share: none asks for figures, each needs a vehicle."""

    name: str
    title: str

    def ask(self, view: View) -> tuple[Question, ...]:
        """No figures."""
        return ()

    def _none(self, view: View, history: History | None) -> Any:
        """What stands where there is no vehicle to show."""
        if history is None:
            return state("No vehicle chosen", "Name one above.")
        return None

    def _sheet(self, columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], found: Answers) -> Sheet:
        return Sheet(self.name, self.title, tuple(columns), tuple(rows), (), (), found, is_text=True)


class About(_OfOneVehicle):
    """What the vehicle is and what it last said, with a field to name another."""

    name, title = "about", "Vehicle"

    def frame(self, contracts: Contracts) -> Frame:
        """Words."""
        return Frame(self.name, self.title, 70)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per fact."""
        known = found.history.described if found.history else None
        rows = [(label, _fact(name, (known or {}).get(name))) for name, label in _FACTS] if known else []
        return self._sheet((Column("What"), Column("It is")), rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The facts beside each other."""
        if not view.vehicle:
            text = "Choose one from Vehicles to act on now on Fleet health, or name it by its pseudonym."
            return Filling(content=html.Div([_chooser(""), state("No vehicle chosen", text)]))
        if not sheet.rows:
            text = "Nothing is known of a vehicle of this name by the last day of the period."
            return Filling(content=html.Div([_chooser(view.vehicle), state("No such vehicle", text)]))
        facts = [html.Div([html.Dt(str(label)), html.Dd(str(text))]) for label, text in sheet.rows]
        return Filling("one vehicle, by its pseudonym", content=html.Div([_chooser(view.vehicle), html.Dl(facts)]))


def _chooser(vehicle: str) -> Any:
    """A form that works without script: it asks for the page of another vehicle."""
    field = dcc.Input(
        id="vehicle-name", name="vehicle", value=vehicle, type="text", maxLength=32, placeholder="its pseudonym"
    )
    label = html.Label("Vehicle", htmlFor="vehicle-name", className="muted")
    button = html.Button("Show", type="submit", className="pill")
    return html.Form([label, field, button], action="/vehicle", method="get", className="chooser")


def _fact(name: str, value: Any) -> str:
    if value is None:
        return wording.DASH
    if name == "market":
        return value_name("market", value)
    if name == "odometer_km":
        return f"{value:,.0f} km"
    if name == "last_event_at":
        return wording.instant(value.astimezone(UTC))
    return wording.day(value) if name == "delivered_on" else str(value)


class Timeline(_OfOneVehicle):
    """What happened, a lane per kind."""

    name, title = "timeline", "What happened"

    def frame(self, contracts: Contracts) -> Frame:
        """A chart to zoom into."""
        words = f"Lanes over time: {', '.join(LANES.values())}."
        return Frame(self.name, self.title, 90 + _LANE_HEIGHT * len(LANES), words, is_zoomed=True)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per happening, in order."""
        told = found.history.happenings if found.history else ()
        rows = [
            (_instant(one.began_at), one.ended_at and _instant(one.ended_at), LANES[one.lane], _words(one))
            for one in told
        ]
        return self._sheet((Column("Began"), Column("Ended"), Column("What"), Column("Details")), rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The lanes that hold something."""
        history = sheet.found.history
        if history is None:
            return Filling(content=self._none(view, history))
        told, end = history.happenings, datetime.combine(history.last + timedelta(1), time(), UTC)
        held = [
            (name, [_mark(one, end) for one in told if one.lane == lane])
            for lane, name in LANES.items()
            if any(one.lane == lane for one in told)
        ]
        sub = f"{_period(history)} · UTC · a bar is as long as it lasted · drag to zoom, double click for all"
        if not held:
            return Filling(sub, content=state("Nothing happened", "Widen the period."))
        figure = lanes(held, history.first, history.last, theme)
        note = "A click on a name in the legend takes its lane away. Red: it went wrong, or a fault that lit the lamp."
        return Filling(sub, figure, note=note, height=90 + _LANE_HEIGHT * max(3, len(held)))


def _mark(one: Happening, end: datetime) -> Mark:
    open_ = one.lane in ("faults", "workshop")
    ended = one.ended_at or (end if open_ else one.began_at)
    spent = wording.span((ended - one.began_at).total_seconds()) if ended > one.began_at else ""
    until = "still open" if one.ended_at is None and open_ else spent
    head = " · ".join(filter(None, (f"{one.began_at:%-d %b %H:%M}", until)))
    bad = one.facts.get("outcome") in _BAD or bool(one.facts.get("interrupted") or one.facts.get("malfunction_lamp_on"))
    return Mark(one.began_at, ended, f"<b>{head}</b><br>{_words(one, '<br>')}", bad)


def _words(one: Happening, between: str = "; ") -> str:
    """The facts of a happening, each by its column's name in words."""
    return between.join(f"{name.replace('_', ' ')}: {_value(value)}" for name, value in one.facts.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value).replace("<", "(")  # a chart takes its hover text for markup


class Signals(_OfOneVehicle):
    """Signals that the reader chooses, each in a panel of its own."""

    name, title = "signals", "Signals"

    def frame(self, contracts: Contracts) -> Frame:
        """A chart to zoom into."""
        words = "Lines over time, a panel per signal."
        return Frame(self.name, self.title, 3 * _PANEL_HEIGHT, words, is_zoomed=True)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per point that is drawn."""
        told = found.history.readings if found.history else ()
        rows = [
            (_instant(at), one.signal.column, value)
            for one in told
            for at, value in zip(one.at, one.values, strict=True)
        ]
        return self._sheet((Column("At"), Column("Signal"), Column("Value")), rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The panels of signals that said something, and links that add or take away others."""
        history = sheet.found.history
        if history is None:
            return Filling(content=self._none(view, history))
        told = history.readings
        counts = ((one.read, len(one.at), one.implausible) for one in told)
        read, drawn, left = (sum(each) for each in zip(*counts, strict=True))
        sub = (
            f"{_period(history)} · {read:,} readings drawn as {drawn:,} points, the lowest and highest of each stretch"
        )
        out = f"{left:,} readings outside what the signal can be are left out." if left else ""
        shown = [
            Series(one.signal.label, _UNITS.get(one.signal.unit or "", one.signal.unit or ""), one.at, one.values)
            for one in told
            if one.values
        ]
        silent = [one.signal.label for one in told if not one.values]
        note = [out, f" Nothing was said of: {', '.join(silent)}." if silent else "", _chips(view)]
        if not shown:
            nothing = state("Nothing was said", "Choose other signals, or widen the period.")
            return Filling(sub, content=nothing, note=note)
        figure = stacked_signals(shown, history.first, history.last, theme)
        return Filling(sub, figure, note=note, height=48 + _PANEL_HEIGHT * len(shown))


def _chips(view: View) -> Any:
    """Every signal as a link that adds it or takes it away."""
    chosen = view.signals or SUGGESTED
    links = []
    for column, signal in READABLE.items():
        on = column in chosen
        others = tuple(name for name in chosen if name != column)
        if not on and len(chosen) >= MOST_SIGNALS:
            continue
        href = "/vehicle" + view.query(signals=others if on else (*chosen, column))
        links.append(
            html.A(signal.label, href=href, className="chip soft", **attrs({"aria-current": "true" if on else "false"}))
        )
    return html.Details([html.Summary("Choose signals"), html.Div(links, className="chips")], className="signals")


class Capacity(_OfOneVehicle):
    """What was found of the traction battery's usable capacity."""

    name, title = "capacity", "Usable capacity of the traction battery"

    def frame(self, contracts: Contracts) -> Frame:
        """A chart."""
        return Frame(self.name, self.title, 236, "Line with a band: usable capacity and its 95% interval, by day.")

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per estimate."""
        told = found.history.capacities if found.history else ()
        names = ("capacity_kwh", "capacity_low_kwh", "capacity_high_kwh", "capacity_new_kwh", "sessions")
        rows = [(one["date"], *(one[name] for name in names)) for one in told]
        kwh = (Column(label, "kWh") for label in ("Capacity", "Low", "High", "As new"))
        return self._sheet((Column("Day"), *kwh, Column("Charging sessions")), rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The line and its band."""
        history = sheet.found.history
        if history is None:
            return Filling(content=self._none(view, history))
        sub = f"kWh, 95% interval · {_period(history)}"
        told = history.capacities
        if not told:
            text = "No estimate in this period: it takes three charging sessions, of a vehicle with a plug."
            return Filling(sub, content=state("Not known", text))
        bands = [(one["capacity_kwh"], one["capacity_low_kwh"], one["capacity_high_kwh"]) for one in told]
        newest, as_new = told[-1], told[-1]["capacity_new_kwh"]
        figure = capacity_band([one["date"] for one in told], bands, as_new, (history.first, history.last), theme)
        share = f", {100 * newest['capacity_kwh'] / as_new:.1f}% of {as_new:.1f} as new" if as_new else ""
        low, high = newest["capacity_low_kwh"], newest["capacity_high_kwh"]
        now = f"{newest['capacity_kwh']:.1f} kWh ({low:.1f} to {high:.1f}){share}"
        return Filling(sub, figure, note=f"{now}, from {newest['sessions']} charging sessions.")


def _period(history: History) -> str:
    cut = "the newest days of the period, " if history.is_cut else ""
    return f"{cut}{wording.days(history.first, history.last)}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
