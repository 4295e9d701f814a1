"""How numbers, dates and spans of time are written for a reader: by the locale, in UTC, with a real minus sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from babel.dates import format_date, format_interval, format_skeleton

from dashboard.view.reader import Reader
from dashboard.view.texts import Text
from lake.snapshot import SnapshotInfo
from metrics import Dimension, Metric, MetricValue
from metrics.protection import NOISE, SHARE
from metrics.suppression import MOST_SEVERAL

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"
UNCHANGED = "="
Tone = Literal["good", "bad", "neutral"]
#: What is counted, one and several of it.
Nouns = tuple[str, str]

_UNITLESS = {"", "1", "ratio"}
#: Units that stand in the metric's own name already.
NAMED = frozenset({"vehicles", "trips"})
#: From ten times the value before on, a percentage of it tells nothing.
TELLING = 10.0


@lru_cache(maxsize=4096)
def day(reader: Reader, value: date) -> str:
    """``14 Mar 2026``."""
    return format_date(value, "medium", locale=reader.locale)


@lru_cache(maxsize=4096)
def day_of_year(reader: Reader, value: date) -> str:
    """``14 Mar``."""
    return format_skeleton("MMMd", value, locale=reader.locale)


@lru_cache(maxsize=1024)
def days(reader: Reader, first: date, last: date) -> str:
    """First and last day; what they share is said once."""
    if first == last:
        return day(reader, first)
    text = format_interval(first, last, "yMMMd", locale=reader.locale)
    return text.replace(f"\N{THIN SPACE}{DASH}\N{THIN SPACE}", f" {DASH} ")


def instant(reader: Reader, value: datetime) -> str:
    """``14 Mar 2026 23:59 UTC``."""
    return f"{day(reader, value.date())} {value:%H:%M} UTC"


def moment(reader: Reader, value: datetime) -> str:
    """``14 Mar 23:59``."""
    return f"{day_of_year(reader, value.date())} {value:%H:%M}"


def ago(reader: Reader, span: timedelta) -> str:
    """How long ago, in the largest unit that says it: ``6 min ago``, ``3 days ago``."""
    seconds = max(0, int(span.total_seconds()))
    for size, text in ((86400, Text.DAYS_AGO), (3600, Text.HOURS_AGO), (60, Text.MINUTES_AGO)):
        if count := seconds // size:
            return reader.say(text, count)
    return reader.say(Text.JUST_NOW)


def age(reader: Reader, span: timedelta) -> str:
    """How old something is, in the largest unit that says it: ``6 min``, ``3 days``."""
    seconds = max(0, int(span.total_seconds()))
    if seconds >= 86400:
        return reader.say(Text.DAYS, seconds // 86400)
    if seconds >= 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min"


def span(reader: Reader, seconds: float) -> str:
    """A length of time in the unit that says it: ``0.4 s``, ``12 s``, ``3.5 min``, ``7.2 h``, ``12 days``."""
    for size, unit, most in ((1, "s", 90), (60, "min", 90), (3600, "h", 48)):
        if seconds < most * size:
            return f"{significant(reader, seconds / size, 2)}{SPACE}{unit}"
    return reader.say(Text.DAYS, round(seconds / 86400)).replace(" ", SPACE)


def size(reader: Reader, count: float) -> str:
    """A number of bytes, in thousands of thousands: ``812 B``, ``1.24 MB``."""
    for limit, unit in (
        (1e12, Text.MILLIONS_OF_MILLIONS_OF_BYTES),
        (1e9, Text.BILLIONS_OF_BYTES),
        (1e6, Text.MILLIONS_OF_BYTES),
        (1e3, Text.THOUSANDS_OF_BYTES),
    ):
        if count >= limit:
            return f"{significant(reader, count / limit)}{SPACE}{reader.say(unit)}"
    return f"{reader.number(count)}{SPACE}{reader.say(Text.BYTES)}"


def signed(text: str) -> str:
    """A number's text with a sign that is always there and never a hyphen."""
    return MINUS + text[1:] if text[:1] in ("-", MINUS) else "+" + text


def provisional(reader: Reader, info: SnapshotInfo, last: date) -> str:
    """Why a period that ends with a day is provisional; empty if it is not."""
    first = info.provisional_from
    if first is None or not info.is_provisional(last):
        return ""
    newest = min(last, info.data_to or last)
    share = info.still_expected(newest)
    if share is None:
        return reader.say(Text.PROVISIONAL_FROM, day=day(reader, first))
    told = {"day": day(reader, first), "newest": day(reader, newest), "share": percent(reader, share)}
    return reader.say(Text.PROVISIONAL_SHARE, **told)


def protection(reader: Reader, info: SnapshotInfo) -> str:
    """That figures have noise, and how much; empty where they have none."""
    if info.protect == "none":
        return ""
    return reader.say(Text.PROTECTION, noise=NOISE, share=percent(reader, SHARE))


def unanswered(reader: Reader, chosen: Sequence[tuple[str, Sequence[str]]], info: SnapshotInfo) -> str:
    """Why all values are withheld, where the filters ask for what a protected platform does not tell; else empty."""
    several = sum(len(values) > 1 for _, values in chosen)
    return "" if info.protect == "none" or several <= MOST_SEVERAL else reader.say(Text.UNANSWERED)


def percent(reader: Reader, share: float, places: int | None = None) -> str:
    """A share from 0 to 1 in percent: ``3%``, ``1.4%``; a small one with two figures, or with ``places`` decimals."""
    value = 100 * share
    if places is None:
        places = max(0, len(f"{value:.2g}".partition(".")[2])) if share < 0.1 else 0
    return f"{reader.number(value, places)}{reader.before_percent}%"


def listing(reader: Reader, names: Sequence[str]) -> str:
    """Names in a row: ``market, model and powertrain``."""
    if len(names) < 2:
        return "".join(names)
    return reader.say(Text.AND, first=", ".join(names[:-1]), last=names[-1])


def nouns_of(dimension: Dimension) -> Nouns:
    """One value of a dimension and several: ``market`` and ``markets``."""
    return dimension.label.lower(), dimension.many.lower()


def count(reader: Reader, number: int, nouns: Nouns) -> str:
    """``1 market``, ``12 markets``."""
    return reader.say(Text.COUNT_OF, number, noun=nouns[0], nouns=nouns[1])


def adds_up(contract: Metric) -> bool:
    """The value of several days is the sum of the days' values."""
    return contract.is_total and contract.over_time == "sum"


def each_day(reader: Reader, contract: Metric) -> str:
    """What one point of a daily chart is."""
    unit = unit_of(reader, contract)
    if not unit:
        return reader.say(Text.BY_DAY)
    return reader.say(Text.PER_DAY if adds_up(contract) else Text.UNIT_BY_DAY, unit=unit)


def without_common_start(labels: Sequence[str]) -> list[str]:
    """Labels of one legend without the words that all begin with: ``Active vehicles, 7 d`` becomes ``7 d``."""
    start = labels[0].partition(", ")[0] + ", "
    is_common = len(labels) > 1 and all(label.startswith(start) for label in labels)
    return [label.removeprefix(start) if is_common else label for label in labels]


def unit_of(reader: Reader, contract: Metric) -> str:
    """The unit as it stands behind a number; nothing for a plain ratio."""
    return "" if contract.unit in _UNITLESS else reader.unit(contract.unit)


def unit_of_difference(reader: Reader, contract: Metric) -> str:
    """The unit of the difference of two values: points for percentages."""
    return reader.say(Text.POINTS) if contract.unit == "%" else unit_of(reader, contract)


def written(reader: Reader, contract: Metric, value: float) -> str:
    """All digits that the contract writes of a value."""
    number, places = contract.format.rounded(value)
    return reader.number(number, places).replace("-", MINUS)


def digits(reader: Reader, contract: Metric, value: float) -> str:
    """The digits of a value as its contract writes them; millions are shortened to keep three figures readable."""
    size = abs(value)
    if contract.format.decimals in (None, 0):
        for limit, text in ((1e9, Text.BILLIONS), (1e6, Text.MILLIONS)):
            if size >= limit:
                return f"{significant(reader, value / limit)}{SPACE}{reader.say(text)}".replace("-", MINUS)
    return written(reader, contract, value)


def amount(reader: Reader, contract: Metric, value: float | None) -> str:
    """Digits and unit: ``12.4%``, ``1.24 M km``; a dash where there is none."""
    if value is None:
        return DASH
    unit = unit_of(reader, contract)
    gap = "" if not unit else reader.before_percent if unit == "%" else SPACE
    return f"{digits(reader, contract, value)}{gap}{unit}"


def interval(reader: Reader, contract: Metric, value: MetricValue) -> str:
    """The 95% interval in words, or how the value came to be without one."""
    if value.low is None or value.high is None:
        return reader.say(Text.NOT_ESTIMATED)
    low, high = (written(reader, contract, end) for end in (value.low, value.high))
    return reader.say(Text.INTERVAL, low=low, high=high)


@dataclass(frozen=True)
class Change:
    """A difference as it is shown: arrow, text and whether it is good news."""

    arrow: str
    text: str
    tone: Tone


def is_comparable(contract: Metric, value: MetricValue) -> bool:
    """Totals and means are compared only over the same number of days with data; ratios and stocks always."""
    if value.previous is None:
        return False
    return contract.over_time == "last" or not contract.is_total or value.previous.days == value.days


def no_change(reader: Reader, contract: Metric, value: MetricValue, against: str) -> str:
    """Why there is no change to show."""
    before = value.previous
    if before is not None and before.suppressed:
        return reader.say(Text.COMPARISON_WITHHELD, against=against)
    if before is not None and before.days and contract.window_days > 1:
        return reader.say(Text.NO_FULL_WINDOW, against=against, days=contract.window_days)
    if before is not None and before.days:
        text = Text.ONLY_EARLIER_DAYS if before.days < value.days else Text.OTHER_DAYS
        return reader.say(text, before=before.days, days=value.days)
    return reader.say(Text.NO_DATA_IN, against=against)


def change(reader: Reader, contract: Metric, value: MetricValue) -> Change | None:
    """The change against the comparison: points for percentages, else percent of the value before.

    Where the value before was next to nothing, a percentage of it says nothing, and the difference stands itself.
    """
    if value.change is None or not is_comparable(contract, value):
        return None
    if contract.unit == "%":
        text = f"{reader.number(value.change, 1)}{SPACE}{reader.say(Text.POINTS)}"
    elif value.relative_change is not None and abs(value.relative_change) < TELLING:
        text = percent(reader, value.relative_change, 1)
    else:
        text = written(reader, contract, value.change)
    if not any(c in "123456789" for c in text):
        return Change(UNCHANGED, reader.say(Text.NO_CHANGE), "neutral")
    rising = value.change > 0
    tone: Tone = "neutral"
    if contract.direction != "none":
        tone = "good" if rising == (contract.direction == "up") else "bad"
    return Change("▲" if rising else "▼", signed(text), tone)


def significant(reader: Reader, value: float, figures: int = 3) -> str:
    """A number with so many figures."""
    places = figures - len(f"{abs(value):.0f}".lstrip("0") or "0")
    return reader.number(value, max(0, places))
