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
from dashboard.draw.sheets import Cell, Column, Sheet, plain
from dashboard.view import wording
from dashboard.view.address import MOST_SIGNALS, View
from dashboard.view.history import LANES, READABLE, SUGGESTED, Happening, History
from dashboard.view.names import fact_name, signal_name, value_name
from dashboard.view.published import Answers, Question
from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from metrics import Contracts
from metrics.miles import KM_PER_MILE

_LANE_HEIGHT, _PANEL_HEIGHT = 34, 118
_BAD = frozenset({"failed", "expired", "unanswered", "rolled_back"})
_UNITS = {"percent": "%", "degC": "°C"}
_FACTS = (
    ("model", Text.MODEL), ("model_year", Text.MODEL_YEAR), ("powertrain", Text.POWERTRAIN), ("market", Text.MARKET),
    ("software_version", Text.SOFTWARE), ("delivered_on", Text.DELIVERED), ("odometer_km", Text.ODOMETER),
    ("last_event_at", Text.HEARD),
)  # fmt: skip


class _OfOneVehicle:
    """What the cards share: none asks for figures, each needs a vehicle."""

    name: str
    title: Text

    def ask(self, view: View) -> tuple[Question, ...]:
        """No figures."""
        return ()

    def _none(self, view: View, history: History | None) -> Any:
        """What stands where there is no vehicle to show."""
        if history is None:
            return state(view.reader.say(Text.NO_VEHICLE_CHOSEN), view.reader.say(Text.NAME_ONE_ABOVE))
        return None

    def _sheet(self, view: View, columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], found: Answers) -> Sheet:
        return Sheet(self.name, view.reader.say(self.title), tuple(columns), tuple(rows), (), (), found, is_text=True)


class About(_OfOneVehicle):
    """What the vehicle is and what it last said, with a field to name another."""

    name, title = "about", Text.VEHICLE

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """Words."""
        return Frame(self.name, reader.say(self.title), 70, reader)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per fact."""
        known = found.history.described if found.history else None
        say, known = view.reader.say, known or {}
        rows = [(say(label), _fact(view.reader, name, known.get(name))) for name, label in _FACTS] if known else []
        columns = (Column.said(view.reader, Text.WHAT), Column.said(view.reader, Text.IT_IS))
        return self._sheet(view, columns, rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The facts beside each other."""
        say, chooser = view.reader.say, _chooser(view)
        if not view.vehicle:
            nothing = state(say(Text.NO_VEHICLE_CHOSEN), say(Text.CHOOSE_A_VEHICLE))
            return Filling(content=html.Div([chooser, nothing]))
        if not sheet.rows:
            nothing = state(say(Text.NO_SUCH_VEHICLE), say(Text.NOTHING_KNOWN))
            return Filling(content=html.Div([chooser, nothing]))
        facts = [html.Div([html.Dt(str(label)), html.Dd(str(text))]) for label, text in sheet.rows]
        return Filling(say(Text.BY_ITS_PSEUDONYM), content=html.Div([chooser, html.Dl(facts)]))


def _chooser(view: View) -> Any:
    """A form that works without script: it asks for the page of another vehicle."""
    field = dcc.Input(
        id="vehicle-name", name="vehicle", value=view.vehicle, type="text", maxLength=32,
        placeholder=view.reader.say(Text.ITS_PSEUDONYM),
    )  # fmt: skip
    label = html.Label(view.reader.say(Text.VEHICLE), htmlFor="vehicle-name", className="muted")
    button = html.Button(view.reader.say(Text.SHOW), type="submit", className="pill")
    kept = [dcc.Input(type="hidden", name=name, value=value) for name, value in view.reader.chosen]
    return html.Form([label, field, *kept, button], action="/vehicle", method="get", className="chooser")


def _fact(reader: Reader, name: str, value: Any) -> str:
    if value is None:
        return wording.DASH
    if name == "market":
        return value_name(reader, "market", value)
    if name == "odometer_km":
        factor = 1 / KM_PER_MILE if reader.units == "mi" else 1
        return f"{reader.number(value * factor)}{wording.SPACE}{reader.units}"
    if name == "last_event_at":
        return wording.instant(reader, value.astimezone(UTC))
    return wording.day(reader, value) if name == "delivered_on" else str(value)


class Timeline(_OfOneVehicle):
    """What happened, a lane per kind."""

    name, title = "timeline", Text.WHAT_HAPPENED

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart to zoom into."""
        words = reader.say(Text.LANES_OF, names=", ".join(map(reader.say, LANES.values())))
        height = 90 + _LANE_HEIGHT * len(LANES)
        return Frame(self.name, reader.say(self.title), height, reader, words, is_zoomed=True)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per happening, in order."""
        told = found.history.happenings if found.history else ()
        rows = [
            (
                _instant(one.began_at), one.ended_at and _instant(one.ended_at), view.reader.say(LANES[one.lane]),
                _words(view.reader, one),
            )
            for one in told
        ]  # fmt: skip
        heads = (Text.BEGAN_COLUMN, Text.ENDED, Text.WHAT, Text.DETAILS)
        return self._sheet(view, [Column.said(view.reader, head) for head in heads], rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The lanes that hold something."""
        history = sheet.found.history
        if history is None:
            return Filling(content=self._none(view, history))
        reader = view.reader
        told, end = history.happenings, datetime.combine(history.last + timedelta(1), time(), UTC)
        held = [
            (reader.say(name), [_mark(reader, one, end) for one in told if one.lane == lane])
            for lane, name in LANES.items()
            if any(one.lane == lane for one in told)
        ]
        sub = reader.say(Text.TIMELINE_SUB, period=_period(reader, history))
        if not held:
            return Filling(sub, content=state(reader.say(Text.NOTHING_HAPPENED), reader.say(Text.WIDEN_PERIOD)))
        figure = lanes(held, history.first, history.last, theme)
        return Filling(sub, figure, note=reader.say(Text.LEGEND_HINT), height=90 + _LANE_HEIGHT * max(3, len(held)))


def _mark(reader: Reader, one: Happening, end: datetime) -> Mark:
    open_ = one.lane in ("faults", "workshop")
    ended = one.ended_at or (end if open_ else one.began_at)
    spent = wording.span(reader, (ended - one.began_at).total_seconds()) if ended > one.began_at else ""
    until = reader.say(Text.OPEN_STILL) if one.ended_at is None and open_ else spent
    head = " · ".join(filter(None, (wording.moment(reader, one.began_at), until)))
    bad = one.facts.get("outcome") in _BAD or bool(one.facts.get("interrupted") or one.facts.get("malfunction_lamp_on"))
    return Mark(one.began_at, ended, f"<b>{head}</b><br>{_words(reader, one, '<br>')}", bad)


def _words(reader: Reader, one: Happening, between: str = "; ") -> str:
    """The facts of a happening, each by its column's name in words."""
    return between.join(
        reader.say(Text.FACT, term=fact_name(reader, name), text=_value(reader, value))
        for name, value in one.facts.items()
    )


def _value(reader: Reader, value: Any) -> str:
    if isinstance(value, bool):
        return reader.say(Text.YES if value else Text.NO)
    if isinstance(value, float):
        return plain(reader, value)
    return str(value).replace("<", "(")  # a chart takes its hover text for markup


class Signals(_OfOneVehicle):
    """Signals that the reader chooses, each in a panel of its own."""

    name, title = "signals", Text.SIGNALS

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart to zoom into."""
        words, height = reader.say(Text.SIGNALS_CHART), 3 * _PANEL_HEIGHT
        return Frame(self.name, reader.say(self.title), height, reader, words, is_zoomed=True)

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per point that is drawn."""
        told = found.history.readings if found.history else ()
        rows = [
            (_instant(at), one.signal.column, value)
            for one in told
            for at, value in zip(one.at, one.values, strict=True)
        ]
        heads = (Text.AT, Text.SIGNAL, Text.VALUE)
        return self._sheet(view, [Column.said(view.reader, head) for head in heads], rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The panels of signals that said something, and links that add or take away others."""
        history = sheet.found.history
        if history is None:
            return Filling(content=self._none(view, history))
        told = history.readings
        counts = ((one.read, len(one.at), one.implausible) for one in told)
        read, drawn, left = (sum(each) for each in zip(*counts, strict=True))
        reader = view.reader
        sub = reader.say(Text.READINGS_DRAWN, period=_period(reader, history), read=read, drawn=drawn)
        out = reader.say(Text.READINGS_LEFT_OUT, left) if left else ""
        shown = [
            Series(
                signal_name(reader, one.signal),
                _UNITS.get(one.signal.unit or "", one.signal.unit or ""),
                one.at,
                one.values,
            )
            for one in told
            if one.values
        ]
        silent = [signal_name(reader, one.signal) for one in told if not one.values]
        nobody = f" {reader.say(Text.NOTHING_SAID_OF, names=', '.join(silent))}" if silent else ""
        note = [out, nobody, _chips(view)]
        if not shown:
            nothing = state(reader.say(Text.NOTHING_WAS_SAID), reader.say(Text.OTHER_SIGNALS))
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
            html.A(
                signal_name(view.reader, signal),
                href=href,
                className="chip soft",
                **attrs({"aria-current": "true" if on else "false"}),
            )
        )
    return html.Details(
        [html.Summary(view.reader.say(Text.CHOOSE_SIGNALS)), html.Div(links, className="chips")], className="signals"
    )


class Capacity(_OfOneVehicle):
    """What was found of the traction battery's usable capacity."""

    name, title = "capacity", Text.USABLE_CAPACITY

    def frame(self, contracts: Contracts, reader: Reader) -> Frame:
        """A chart."""
        return Frame(self.name, reader.say(self.title), 236, reader, reader.say(Text.CAPACITY_CHART))

    def sheet(self, view: View, found: Answers) -> Sheet:
        """One row per estimate."""
        told = found.history.capacities if found.history else ()
        names = ("capacity_kwh", "capacity_low_kwh", "capacity_high_kwh", "capacity_new_kwh", "sessions")
        rows = [(one["date"], *(one[name] for name in names)) for one in told]
        say = view.reader
        kwh = (Column.said(say, head, "kWh") for head in (Text.CAPACITY, Text.LOW, Text.HIGH, Text.AS_NEW))
        columns = (Column.said(say, Text.DAY), *kwh, Column.said(say, Text.CHARGING_SESSIONS))
        return self._sheet(view, columns, rows, found)

    def draw(self, view: View, sheet: Sheet, theme: Palette) -> Filling:
        """The line and its band."""
        history = sheet.found.history
        if history is None:
            return Filling(content=self._none(view, history))
        reader = view.reader
        sub = reader.say(Text.CAPACITY_SUB, period=_period(reader, history))
        told = history.capacities
        if not told:
            return Filling(sub, content=state(reader.say(Text.NOT_KNOWN), reader.say(Text.NO_ESTIMATE)))
        bands = [(one["capacity_kwh"], one["capacity_low_kwh"], one["capacity_high_kwh"]) for one in told]
        newest, as_new = told[-1], told[-1]["capacity_new_kwh"]
        days, period = [one["date"] for one in told], (history.first, history.last)
        figure = capacity_band(reader, days, bands, as_new, period, theme)
        names = {"value": "capacity_kwh", "low": "capacity_low_kwh", "high": "capacity_high_kwh"}
        amounts = {place: reader.number(newest[name], 1) for place, name in names.items()}
        if as_new:
            amounts |= {"share": wording.percent(reader, newest["capacity_kwh"] / as_new, 1)}
            amounts |= {"new": reader.number(as_new, 1)}
        text = Text.CAPACITY_NOW_OF_NEW if as_new else Text.CAPACITY_NOW
        return Filling(sub, figure, note=reader.say(text, newest["sessions"], **amounts))


def _period(reader: Reader, history: History) -> str:
    days = wording.days(reader, history.first, history.last)
    return reader.say(Text.NEWEST_DAYS, days=days) if history.is_cut else days


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
