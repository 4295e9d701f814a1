"""Names of dimension values as people say them; the codes stay in links and SQL, and exports have both.

Names of markets are Babel's, in the reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.view.reader import ENGLISH, Reader
from dashboard.view.texts import Text
from lake.signals import Signal
from metrics.folding import OTHER

UNKNOWN = "unknown"
#: Values that are no group of their own; they stand behind the others.
LAST = (OTHER, UNKNOWN)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

#: What people call a market that the standard names at length.
_SHORT = {"HK": Text.HONG_KONG}


#: Dimensions whose values are words, written as names are in SQL.
_WORDS = frozenset({"service", "command", "channel", "initiator", "reason"})


def value_name(reader: Reader, dimension: str, value: str) -> str:
    """What a reader calls a value: ``France`` for market ``FR``; a code without a name stands for itself."""
    if value in LAST:
        return reader.say(Text.OTHER if value == OTHER else Text.UNKNOWN)
    if dimension == "market":
        return reader.say(_SHORT[value]) if value in _SHORT else str(reader.locale.territories.get(value, value))
    if known := reader.value(dimension, value):
        return known
    return value.replace("_", " ").capitalize() if dimension in _WORDS else value


def some_of(reader: Reader, dimension: str, values: Sequence[str], shown: int = 2) -> str:
    """A short list in words: ``France, Germany and 3 more``."""
    names = [value_name(reader, dimension, value) for value in values]
    if len(names) <= shown:
        return ", ".join(names)
    return reader.say(Text.AND_MORE, len(names) - shown, names=", ".join(names[:shown]))


def fact_name(reader: Reader, column: str) -> str:
    """What a reader calls a column of what happened to a vehicle."""
    return reader.value("fact", column) or column.replace("_", " ")


def signal_name(reader: Reader, signal: Signal) -> str:
    """What a reader calls a signal of the catalogue."""
    return reader.value("signal", signal.column) or signal.label


#: Dimensions whose values have an order of their own, by number.
_ORDERED = frozenset({
    "model_year", "months_in_service", "automation_level", "engaged_level", "local_hour", "local_weekday",
    "ambient_temperature", "campaign_day", "age_weeks",
})  # fmt: skip


def is_ordered(dimension: str) -> bool:
    """The values of a dimension have an order of their own, as classes and hours do."""
    return dimension in _ORDERED


def in_order(dimension: str, value: str, reader: Reader = ENGLISH) -> tuple[bool, float, str]:
    """Sort key of a value: by the number it begins with where the dimension is ordered, else by its name."""
    if not is_ordered(dimension):
        return value in LAST, 0.0, value_name(reader, dimension, value)
    found = _NUMBER.search(value)
    return value in LAST, float(found.group()) if found else float("inf"), value
