"""The view a page shows, as it stands in the address: period, comparison and filters.

The address is the only place where a view is kept: a copied link shows the same, and Back and Forward work.
Everything that comes in is checked against what is published; what cannot be used is left out and said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal
from urllib.parse import parse_qs, parse_qsl, urlencode

from dashboard.view import wording
from dashboard.view.names import in_order, some_of, value_name
from dashboard.view.reader import ENGLISH, LANGUAGES, UNIT_SYSTEMS, Reader
from dashboard.view.texts import Text
from metrics import Slice

PRESETS = (7, 28, 90)
DEFAULT_DAYS = 28
LONGEST_DAYS = 1100
YEAR_DAYS = 364
"""A year ago is 52 weeks ago: a Monday is compared with a Monday."""

Compare = Literal["previous", "year", "none"]
COMPARE: dict[str, Text] = {
    "previous": Text.PREVIOUS_PERIOD,
    "year": Text.LAST_YEAR,
    "none": Text.NO_COMPARISON,
}
DIMENSIONS = ("market", "model", "powertrain", "model_year", "software_version", "months_in_service")
LINKED = ("service",)
"""Dimensions that have no menu: a value in a table filters by it, on the pages that are about it."""
FILTERS = (*DIMENSIONS, *LINKED)
SWITCH = ("market", "model", "powertrain", "model_year")
"""Dimensions among which a reader chooses a breakdown."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SINGLE = ("days", "from", "to", "compare", "by", "vehicle", "lang", "units")
_LIST = (*FILTERS, "table", "signal")
#: Signals that one page draws at most.
MOST_SIGNALS = 8
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,60}")


@dataclass(frozen=True)
class Catalogue:
    """What can be chosen from the published data.

    Attributes:
        first: first UTC day with data.
        last: newest UTC day with data that is over; periods that are chosen by their length end with it.
        labels: dimension -> what its filter is headed with.
        values: dimension -> its values, sorted by name.
        newest: newest UTC day with data, over or not; ``last`` if nothing is said.
    """

    first: date
    last: date
    labels: Mapping[str, str]
    values: Mapping[str, tuple[str, ...]]
    newest: date | None = None


@dataclass(frozen=True)
class View:
    """One view of one page.

    Attributes:
        first: first UTC day.
        last: last UTC day, included.
        preset: length of a period that ends with the newest day, or ``None`` for fixed days.
        compare: what it is compared with.
        chosen: (dimension, values let through), only dimensions that are narrowed; without a value, nothing passes.
        by: dimension of the breakdown.
        tables: cards that show their table instead of their chart.
        asked: first and last day in the address, where the published data holds only some of them.
        vehicle: pseudonym of the vehicle that is looked at; empty for none.
        signals: columns of the signals of it that are drawn; empty for some that say most.
        reader: for whom it is written.
    """

    first: date
    last: date
    preset: int | None = DEFAULT_DAYS
    compare: Compare = "previous"
    chosen: tuple[tuple[str, tuple[str, ...]], ...] = ()
    by: str = "market"
    tables: frozenset[str] = field(default_factory=frozenset)
    asked: tuple[date, date] | None = None
    vehicle: str = ""
    signals: tuple[str, ...] = ()
    reader: Reader = ENGLISH

    @property
    def slice(self) -> Slice:
        """What is evaluated."""
        return Slice(self.first, self.last, dict(self.chosen))

    @property
    def comparison(self) -> Slice | None:
        """What it is compared with."""
        if self.compare == "none":
            return None
        if self.compare == "previous":
            return self.slice.before()
        shift = timedelta(YEAR_DAYS)
        return Slice(self.first - shift, self.last - shift, dict(self.chosen))

    @property
    def days(self) -> tuple[date, ...]:
        """Every UTC day of the period, with data or without."""
        return tuple(self.first + timedelta(number) for number in range(self.slice.days))

    @property
    def in_address(self) -> tuple[date, date]:
        """First and last day as the address has them."""
        return self.asked or (self.first, self.last)

    def within(self, first: date, last: date) -> View:
        """The view without days that lie outside these; as it is if none lies inside."""
        start, end = max(self.first, first), min(self.last, last)
        if start > end or (start, end) == (self.first, self.last):
            return self
        return replace(self, first=start, last=end, asked=(self.first, self.last))

    def since(self, back: int) -> View:
        """The view with so many days more before its first."""
        return replace(self, first=self.first - timedelta(back)) if back else self

    @property
    def period(self) -> str:
        """First and last day in words."""
        return wording.days(self.reader, self.first, self.last)

    @property
    def before(self) -> str:
        """What it is compared with: ``previous 28 d``; empty without a comparison."""
        if self.compare == "none":
            return ""
        if self.compare == "year":
            return self.reader.say(Text.A_YEAR_BEFORE)
        return self.reader.say(Text.PREVIOUS_DAYS, (self.last - self.first).days + 1)

    @property
    def against(self) -> str:
        """``vs previous 28 d``; empty without a comparison."""
        return self.reader.say(Text.VERSUS, what=self.before) if self.before else ""

    @property
    def scope(self) -> str:
        """Which vehicles, in words: ``all vehicles`` or ``France, Germany · BEV``."""
        told = " · ".join(some_of(self.reader, name, values) for name, values in self.chosen)
        return told or self.reader.say(Text.ALL_VEHICLES)

    def query(self, **changes: object) -> str:
        """The address of this view with some attributes replaced: ``?days=90&market=FR``, empty for the default."""
        view = replace(self, **changes)  # type: ignore[arg-type]
        pairs: list[tuple[str, str]] = []
        if view.preset is None:
            first, last = view.in_address
            pairs += [("from", first.isoformat()), ("to", last.isoformat())]
        elif view.preset != DEFAULT_DAYS:
            pairs.append(("days", str(view.preset)))
        if view.compare != "previous":
            pairs.append(("compare", view.compare))
        pairs += [(name, value) for name, values in view.chosen for value in values]
        if view.by != "market":
            pairs.append(("by", view.by))
        pairs += [("table", card) for card in sorted(view.tables)]
        if view.vehicle:
            pairs.append(("vehicle", view.vehicle))
        pairs += [("signal", signal) for signal in view.signals]
        pairs += view.reader.chosen
        return f"?{urlencode(pairs)}" if pairs else ""

    @property
    def own(self) -> tuple[tuple[str, str], ...]:
        """What of the address has no control and stays as it is when one is used, as name and value."""
        linked = {name: values for name, values in self.chosen if name in LINKED}
        default = View(self.first, self.last, reader=self.reader)
        alone = replace(default, chosen=tuple(linked.items()), by=self.by, tables=self.tables)
        return tuple(parse_qsl(replace(alone, vehicle=self.vehicle, signals=self.signals).query().lstrip("?")))

    def drilled(self, dimension: str, value: str) -> str:
        """The address of this value of a dimension alone; if that is what is shown, of all its values."""
        others = tuple((name, values) for name, values in self.chosen if name != dimension)
        if dict(self.chosen).get(dimension) == (value,):
            return self.query(chosen=others) or "?"
        return self.query(chosen=(*others, (dimension, (value,))))

    @property
    def reset(self) -> str:
        """The address of the default view for the same reader."""
        return self.reader.query or "?"

    def toggled(self, card: str) -> str:
        """The address with the card's table shown if it is hidden, hidden if it is shown."""
        return self.query(tables=self.tables ^ {card})


def default_view(catalogue: Catalogue, reader: Reader = ENGLISH) -> View:
    """The last 28 days of all vehicles against the 28 days before."""
    return View(catalogue.last - timedelta(DEFAULT_DAYS - 1), catalogue.last, reader=reader)


def parse(
    search: str | None, catalogue: Catalogue, cards: Sequence[str] = (), reader: Reader = ENGLISH
) -> tuple[View, list[str]]:
    """Read a view from the query of an address.

    Args:
        search: as browsers give it, with or without the question mark.
        catalogue: what there is to choose from.
        cards: cards of the page that have a table.
        reader: for whom it is written.

    Returns:
        The view, without days that lie before or after all data, and one sentence for everything in the address that
        could not be used.
    """
    view, notes = _parse(search, catalogue, cards, reader)
    return view.within(catalogue.first, catalogue.newest or catalogue.last), notes


def _parse(search: str | None, catalogue: Catalogue, cards: Sequence[str], reader: Reader) -> tuple[View, list[str]]:
    try:
        query = parse_qs((search or "").lstrip("?"), keep_blank_values=True, max_num_fields=300)
    except ValueError:
        return default_view(catalogue, reader), [reader.say(Text.TOO_MANY_FILTERS)]
    notes = _Notes(reader)
    for name in query:
        if name not in (*_SINGLE, *_LIST):
            notes.add(Text.NO_FILTER, name=name)
    view = _period(default_view(catalogue, reader), query, notes)
    chosen = tuple(
        (name, values)
        for name in FILTERS
        if name in query and (values := _values(name, query[name], catalogue, notes)) is not None
    )
    compare = _one_of("compare", query, tuple(COMPARE), "previous", notes)
    by = _one_of("by", query, SWITCH, "market", notes)
    _one_of("lang", query, tuple(LANGUAGES), reader.language, notes)
    _one_of("units", query, UNIT_SYSTEMS, reader.units, notes)
    tables = frozenset(query.get("table", ())) & frozenset(cards)
    found = replace(view, chosen=chosen, compare=compare, by=by, tables=tables)  # type: ignore[arg-type]
    return replace(found, vehicle=_vehicle(query, notes), signals=_signals(query, notes)), notes.told


class _Notes:
    """A sentence for everything in an address that could not be used; what it quotes is cut short."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.told = reader, list[str]()

    def add(self, text: Text, /, **places: str | int) -> None:
        short = {name: _short(value) if isinstance(value, str) else value for name, value in places.items()}
        self.told.append(self.reader.say(text, None, **short))


def _vehicle(query: Mapping[str, Sequence[str]], notes: _Notes) -> str:
    text = query.get("vehicle", ("",))[-1].strip()
    if text and not _PSEUDONYM.fullmatch(text):
        notes.add(Text.NO_VEHICLE_NAME, name=text)
        return ""
    return text


def _signals(query: Mapping[str, Sequence[str]], notes: _Notes) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(query.get("signal", ())))
    for name in given:
        if not _COLUMN.fullmatch(name):
            notes.add(Text.NO_SIGNAL, name=name)
    known = tuple(name for name in given if _COLUMN.fullmatch(name))
    if len(known) > MOST_SIGNALS:
        notes.add(Text.TOO_MANY_SIGNALS, most=MOST_SIGNALS)
    return known[:MOST_SIGNALS]


def _period(view: View, query: Mapping[str, Sequence[str]], notes: _Notes) -> View:
    if "from" in query or "to" in query:
        known = len(notes.told)
        first, last = _date(query, "from", notes), _date(query, "to", notes)
        if first is None or last is None:
            if len(notes.told) == known:
                notes.add(Text.BOTH_DAYS_NEEDED)
            return view
        if first > last or (last - first).days >= LONGEST_DAYS:
            notes.add(Text.NO_PERIOD, first=wording.day(notes.reader, first), last=wording.day(notes.reader, last))
            return view
        return replace(view, first=first, last=last, preset=None)
    if "days" not in query:
        return view
    text = query["days"][-1]
    if text not in {str(preset) for preset in PRESETS}:
        notes.add(Text.NO_PRESET, text=text)
        return view
    return replace(view, first=view.last - timedelta(int(text) - 1), preset=int(text))


def _date(query: Mapping[str, Sequence[str]], name: str, notes: _Notes) -> date | None:
    text = query.get(name, ("",))[-1]
    try:
        # As calendars write a day: Python knows other forms, too.
        value = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        if text:
            notes.add(Text.NO_DATE, name=name, text=text)
        return None
    return value if 1970 <= value.year <= 2200 else None


def _values(name: str, given: Sequence[str], catalogue: Catalogue, notes: _Notes) -> tuple[str, ...] | None:
    known = catalogue.values.get(name, ())
    label = catalogue.labels.get(name, name)
    for value in sorted(set(given) - set(known)):
        notes.add(Text.NOT_PUBLISHED, label=label, value=value)
    chosen = tuple(value for value in known if value in given)
    return None if known and len(chosen) == len(known) else chosen


def _one_of(name: str, query: Mapping[str, Sequence[str]], allowed: Sequence[str], default: str, notes: _Notes) -> str:
    text = query.get(name, (default,))[-1]
    if text in allowed:
        return text
    notes.add(Text.NONE_OF, name=name, text=text, allowed=", ".join(allowed), default=default)
    return default


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def choices(catalogue: Catalogue, dimension: str, reader: Reader) -> list[dict[str, str]]:
    """The values of a dimension as a control lists them."""
    known = sorted(catalogue.values.get(dimension, ()), key=lambda value: in_order(dimension, value, reader))
    return [{"value": v, "label": value_name(reader, dimension, v)} for v in known]
