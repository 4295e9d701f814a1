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
from dashboard.view.names import some_of, value_name
from metrics import Slice

PRESETS = (7, 28, 90)
DEFAULT_DAYS = 28
LONGEST_DAYS = 1100
YEAR_DAYS = 364
"""A year ago is 52 weeks ago: a Monday is compared with a Monday."""

Compare = Literal["previous", "year", "none"]
COMPARE: dict[str, str] = {
    "previous": "previous period",
    "year": "same period last year",
    "none": "no comparison",
}
DIMENSIONS = ("market", "model", "powertrain", "model_year", "software_version", "months_in_service")
LINKED = ("service",)
"""Dimensions that have no menu: a value in a table filters by it, on the pages that are about it."""
FILTERS = (*DIMENSIONS, *LINKED)
SWITCH = ("market", "model", "powertrain", "model_year")
"""Dimensions among which a reader chooses a breakdown."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SINGLE = ("days", "from", "to", "compare", "by", "vehicle")
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
        return wording.days(self.first, self.last)

    @property
    def against(self) -> str:
        """``vs previous 28 d``; empty without a comparison."""
        length = (self.last - self.first).days + 1
        return {"previous": f"vs previous {length} d", "year": "vs last year", "none": ""}[self.compare]

    @property
    def scope(self) -> str:
        """Which vehicles, in words: ``all vehicles`` or ``France, Germany · BEV``."""
        return " · ".join(some_of(name, values) for name, values in self.chosen) or "all vehicles"

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
        return f"?{urlencode(pairs)}" if pairs else ""

    @property
    def own(self) -> tuple[tuple[str, str], ...]:
        """What of the address has no control and stays as it is when one is used, as name and value."""
        linked = {name: values for name, values in self.chosen if name in LINKED}
        default = View(self.first, self.last)
        alone = replace(default, chosen=tuple(linked.items()), by=self.by, tables=self.tables)
        return tuple(parse_qsl(replace(alone, vehicle=self.vehicle, signals=self.signals).query().lstrip("?")))

    def drilled(self, dimension: str, value: str) -> str:
        """The address of this value of a dimension alone; if that is what is shown, of all its values."""
        others = tuple((name, values) for name, values in self.chosen if name != dimension)
        if dict(self.chosen).get(dimension) == (value,):
            return self.query(chosen=others) or "?"
        return self.query(chosen=(*others, (dimension, (value,))))

    def toggled(self, card: str) -> str:
        """The address with the card's table shown if it is hidden, hidden if it is shown."""
        return self.query(tables=self.tables ^ {card})


def default_view(catalogue: Catalogue) -> View:
    """The last 28 days of all vehicles against the 28 days before."""
    return View(catalogue.last - timedelta(DEFAULT_DAYS - 1), catalogue.last)


def parse(search: str | None, catalogue: Catalogue, cards: Sequence[str] = ()) -> tuple[View, list[str]]:
    """Read a view from the query of an address.

    Args:
        search: as browsers give it, with or without the question mark.
        catalogue: what there is to choose from.
        cards: cards of the page that have a table.

    Returns:
        The view, without days that lie before or after all data, and one sentence for everything in the address that
        could not be used.
    """
    view, notes = _parse(search, catalogue, cards)
    return view.within(catalogue.first, catalogue.newest or catalogue.last), notes


def _parse(search: str | None, catalogue: Catalogue, cards: Sequence[str]) -> tuple[View, list[str]]:
    try:
        query = parse_qs((search or "").lstrip("?"), keep_blank_values=True, max_num_fields=300)
    except ValueError:
        return default_view(catalogue), ["The address holds too many filters; the page shows its default view."]
    notes = [f"“{_short(name)}” in the address is no filter." for name in query if name not in (*_SINGLE, *_LIST)]
    view = _period(default_view(catalogue), query, notes)
    chosen = tuple(
        (name, values)
        for name in FILTERS
        if name in query and (values := _values(name, query[name], catalogue, notes)) is not None
    )
    compare = _one_of("compare", query, tuple(COMPARE), "previous", notes)
    by = _one_of("by", query, SWITCH, "market", notes)
    tables = frozenset(query.get("table", ())) & frozenset(cards)
    found = replace(view, chosen=chosen, compare=compare, by=by, tables=tables)  # type: ignore[arg-type]
    return replace(found, vehicle=_vehicle(query, notes), signals=_signals(query, notes)), notes


def _vehicle(query: Mapping[str, Sequence[str]], notes: list[str]) -> str:
    text = query.get("vehicle", ("",))[-1].strip()
    if text and not _PSEUDONYM.fullmatch(text):
        notes.append(f"“{_short(text)}” is no vehicle: a vehicle is named by 32 digits and letters from a to f.")
        return ""
    return text


def _signals(query: Mapping[str, Sequence[str]], notes: list[str]) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(query.get("signal", ())))
    notes += [f"“{_short(name)}” is no signal and was left out." for name in given if not _COLUMN.fullmatch(name)]
    known = tuple(name for name in given if _COLUMN.fullmatch(name))
    if len(known) > MOST_SIGNALS:
        notes.append(f"At most {MOST_SIGNALS} signals are drawn; the others were left out.")
    return known[:MOST_SIGNALS]


def _period(view: View, query: Mapping[str, Sequence[str]], notes: list[str]) -> View:
    if "from" in query or "to" in query:
        first, last = _date(query, "from", notes), _date(query, "to", notes)
        if first is None or last is None:
            if not notes or "date" not in notes[-1]:
                notes.append("A period needs both “from” and “to”; the page shows the last 28 days.")
            return view
        if first > last or (last - first).days >= LONGEST_DAYS:
            notes.append(
                f"{wording.day(first)} to {wording.day(last)} is no period that can be shown; "
                "the page shows the last 28 days."
            )
            return view
        return replace(view, first=first, last=last, preset=None)
    if "days" not in query:
        return view
    text = query["days"][-1]
    if text not in {str(preset) for preset in PRESETS}:
        notes.append(f"“days={_short(text)}” is none of 7, 28 and 90; the page shows the last 28 days.")
        return view
    return replace(view, first=view.last - timedelta(int(text) - 1), preset=int(text))


def _date(query: Mapping[str, Sequence[str]], name: str, notes: list[str]) -> date | None:
    text = query.get(name, ("",))[-1]
    try:
        # As calendars write a day: Python knows other forms, too.
        value = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        if text:
            notes.append(f"“{name}={_short(text)}” is no date; the page shows the last 28 days.")
        return None
    return value if 1970 <= value.year <= 2200 else None


def _values(name: str, given: Sequence[str], catalogue: Catalogue, notes: list[str]) -> tuple[str, ...] | None:
    known = catalogue.values.get(name, ())
    label = catalogue.labels.get(name, name)
    for value in sorted(set(given) - set(known)):
        notes.append(f"{label} “{_short(value)}” is not in the published data and was left out.")
    chosen = tuple(value for value in known if value in given)
    return None if known and len(chosen) == len(known) else chosen


def _one_of(
    name: str, query: Mapping[str, Sequence[str]], allowed: Sequence[str], default: str, notes: list[str]
) -> str:
    text = query.get(name, (default,))[-1]
    if text in allowed:
        return text
    notes.append(f"“{name}={_short(text)}” is none of {', '.join(allowed)}; the page shows {default}.")
    return default


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def choices(catalogue: Catalogue, dimension: str) -> list[dict[str, str]]:
    """The values of a dimension as a control lists them."""
    return [{"value": v, "label": value_name(dimension, v)} for v in catalogue.values.get(dimension, ())]
