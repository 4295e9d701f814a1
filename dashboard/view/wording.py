"""How numbers, dates and spans of time are written. British order, UTC, thousands separated, a real minus sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from lake.snapshot import SnapshotInfo
from metrics import Metric, MetricValue
from metrics.protection import NOISE, SHARE
from metrics.suppression import MOST_SEVERAL

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"
UNCHANGED = "="
Tone = Literal["good", "bad", "neutral"]

_TIGHT_UNITS = {"%"}
_UNITLESS = {"", "1", "ratio"}
#: From ten times the value before on, a percentage of it tells nothing.
TELLING = 10.0


def day(value: date) -> str:
    """``14 Mar 2026``."""
    return f"{value.day} {value:%b %Y}"


def days(first: date, last: date) -> str:
    """First and last day; the year is said once where one is enough."""
    if first == last:
        return day(first)
    start = f"{first.day} {first:%b}" if first.year == last.year else day(first)
    return f"{start} {DASH} {day(last)}"


def instant(value: datetime) -> str:
    """``14 Mar 2026 23:59 UTC``."""
    return f"{day(value.date())} {value:%H:%M} UTC"


def ago(span: timedelta) -> str:
    """How long ago, in the largest unit that says it: ``6 min ago``, ``3 days ago``."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        count = seconds // size
        if count:
            plural = "s" if unit == "day" and count > 1 else ""
            return f"{count:,} {unit}{plural} ago"
    return "just now"


def span(seconds: float) -> str:
    """A length of time in the unit that says it: ``0.4 s``, ``12 s``, ``3.5 min``, ``7.2 h``, ``12 days``."""
    for size, unit, most in ((1, "s", 90), (60, "min", 90), (3600, "h", 48)):
        if seconds < most * size:
            return f"{_significant(seconds / size, 2)}{SPACE}{unit}"
    return f"{seconds / 86400:,.0f}{SPACE}days"


def size(count: float) -> str:
    """A number of bytes, in thousands of thousands: ``812 B``, ``1.24 MB``."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{_significant(count / limit)}{SPACE}{unit}"
    return f"{count:,.0f}{SPACE}B"


def signed(text: str) -> str:
    """A number's text with a sign that is always there and never a hyphen."""
    return MINUS + text[1:] if text.startswith("-") else "+" + text


def provisional(info: SnapshotInfo, last: date) -> str:
    """Why a period that ends with a day is provisional; empty if it is not."""
    first = info.provisional_from
    if first is None or not info.is_provisional(last):
        return ""
    newest = min(last, info.data_to or last)
    share = info.still_expected(newest)
    if share is None:
        return f"Provisional from {day(first)}: late data is still expected."
    return f"Provisional from {day(first)}: of the messages of {day(newest)}, {percent(share)} are still expected."


def protection(info: SnapshotInfo) -> str:
    """That figures have noise, and how much, behind other words; empty where they have none."""
    if info.protect == "none":
        return ""
    return (
        f" · To protect single vehicles counts are up to {NOISE} off, amounts up to {percent(SHARE)} of one vehicle's"
    )


def unanswered(chosen: Sequence[tuple[str, Sequence[str]]], info: SnapshotInfo) -> str:
    """Why all values are withheld, where the filters ask for what a protected platform does not tell; else empty."""
    several = sum(len(values) > 1 for _, values in chosen)
    if info.protect == "none" or several <= MOST_SEVERAL:
        return ""
    return "To protect single vehicles figures are shown where one filter at most holds several values."


def percent(share: float) -> str:
    """A share from 0 to 1 in percent: ``3%``, ``1.4%``."""
    return f"{100 * share:.2g}%" if share < 0.1 else f"{100 * share:.0f}%"


def plural(noun: str) -> str:
    """The plural of a dimension's label: ``Markets``; one that is plural already stays."""
    return noun if noun.endswith("s") else f"{noun}s"


def count(number: float, noun: str) -> str:
    """``1 day``, ``12 days``."""
    return f"{number:,.0f} {noun if number == 1 else plural(noun)}"


def adds_up(contract: Metric) -> bool:
    """The value of several days is the sum of the days' values."""
    return contract.is_total and contract.over_time == "sum"


def each_day(contract: Metric) -> str:
    """What one point of a daily chart is."""
    unit = unit_of(contract)
    return f"{unit} per day" if adds_up(contract) else f"{unit}, by day" if unit else "by day"


def without_common_start(labels: Sequence[str]) -> list[str]:
    """Labels of one legend without the words that all begin with: ``Active vehicles, 7 d`` becomes ``7 d``."""
    start = labels[0].partition(", ")[0] + ", "
    is_common = len(labels) > 1 and all(label.startswith(start) for label in labels)
    return [label.removeprefix(start) if is_common else label for label in labels]


def unit_of(contract: Metric) -> str:
    """The unit as it stands behind a number; nothing for a plain ratio."""
    return "" if contract.unit in _UNITLESS else contract.unit


def digits(contract: Metric, value: float) -> str:
    """The digits of a value as its contract writes them; millions are shortened to keep three figures readable."""
    size = abs(value)
    if contract.format.decimals in (None, 0):
        for limit, letter in ((1e9, "bn"), (1e6, "M")):
            if size >= limit:
                return f"{_significant(value / limit)}{SPACE}{letter}".replace("-", MINUS)
    return contract.format.text(value).replace("-", MINUS)


def amount(contract: Metric, value: float | None) -> str:
    """Digits and unit: ``12.4%``, ``1.24 M km``; a dash where there is none."""
    if value is None:
        return DASH
    unit = unit_of(contract)
    gap = "" if not unit or unit in _TIGHT_UNITS else SPACE
    return f"{digits(contract, value)}{gap}{unit}"


def interval(contract: Metric, value: MetricValue) -> str:
    """The 95% interval in words, or how the value came to be without one."""
    if value.low is None or value.high is None:
        return "counted, not estimated"
    text = contract.format.text
    return f"95% interval {text(value.low)} {DASH} {text(value.high)}"


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


def no_change(contract: Metric, value: MetricValue, against: str) -> str:
    """Why there is no change to show."""
    before = value.previous
    if before is not None and before.suppressed:
        return f"{against} withheld: too few vehicles"
    if before is not None and before.days and contract.window_days > 1:
        return f"{against} without a full window of {contract.window_days} days"
    if before is not None and before.days:
        only = f"only {before.days} of {value.days} earlier days"
        return only if before.days < value.days else f"{value.days} days with data, {before.days} before"
    return f"no data in {against}"


def change(contract: Metric, value: MetricValue) -> Change | None:
    """The change against the comparison: points for percentages, else percent of the value before.

    Where the value before was next to nothing, a percentage of it says nothing, and the difference stands itself.
    """
    if value.change is None or not is_comparable(contract, value):
        return None
    if contract.unit == "%":
        text = f"{value.change:+.1f}{SPACE}pp"
    elif value.relative_change is not None and abs(value.relative_change) < TELLING:
        text = f"{value.relative_change * 100:+.1f}%"
    else:
        text = signed(contract.format.text(value.change))
    if not any(c in "123456789" for c in text):
        return Change(UNCHANGED, "no change", "neutral")
    rising = value.change > 0
    tone: Tone = "neutral"
    if contract.direction != "none":
        tone = "good" if rising == (contract.direction == "up") else "bad"
    return Change("▲" if rising else "▼", text.replace("-", MINUS), tone)


def _significant(value: float, figures: int = 3) -> str:
    places = figures - len(f"{abs(value):.0f}".lstrip("0") or "0")
    return f"{value:,.{max(0, places)}f}"
