"""Names of dimension values as people say them; the codes stay in links and SQL, and exports have both."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metrics.folding import OTHER

UNKNOWN = "unknown"
#: Values that are no group of their own; they stand behind the others.
LAST = (OTHER, UNKNOWN)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

_MARKETS = """
AE United Arab Emirates|AR Argentina|AT Austria|AU Australia|BE Belgium|BG Bulgaria|BR Brazil|CA Canada|CH Switzerland
CL Chile|CN China|CO Colombia|CZ Czechia|DE Germany|DK Denmark|DZ Algeria|EE Estonia|EG Egypt|ES Spain|FI Finland
FR France|GB United Kingdom|GR Greece|HK Hong Kong|HR Croatia|HU Hungary|ID Indonesia|IE Ireland|IL Israel|IN India
IS Iceland|IT Italy|JP Japan|KR South Korea|KZ Kazakhstan|LT Lithuania|LU Luxembourg|LV Latvia|MA Morocco|MX Mexico
MY Malaysia|NG Nigeria|NL Netherlands|NO Norway|NZ New Zealand|PE Peru|PH Philippines|PL Poland|PT Portugal|QA Qatar
RO Romania|RS Serbia|SA Saudi Arabia|SE Sweden|SG Singapore|SI Slovenia|SK Slovakia|TH Thailand|TN Tunisia|TR Turkey
TW Taiwan|UA Ukraine|US United States|UY Uruguay|VN Vietnam|ZA South Africa
"""
MARKETS = {entry[:2]: entry[3:].strip() for line in _MARKETS.strip().splitlines() for entry in line.split("|") if entry}


#: Dimensions whose values are words, written as names are in SQL.
_WORDS = frozenset({"service", "command", "channel", "initiator", "reason"})


def value_name(dimension: str, value: str) -> str:
    """What a reader calls a value: ``France`` for market ``FR``; a code without a name stands for itself."""
    if value in LAST:
        return value.capitalize()
    if dimension == "market":
        return MARKETS.get(value, value)
    return value.replace("_", " ").capitalize() if dimension in _WORDS else value


def some_of(dimension: str, values: Sequence[str], shown: int = 2) -> str:
    """A short list in words: ``France, Germany and 3 more``."""
    names = [value_name(dimension, value) for value in values]
    if len(names) <= shown:
        return ", ".join(names)
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"


#: Dimensions whose values have an order of their own, by number.
_ORDERED = frozenset({
    "model_year", "months_in_service", "automation_level", "engaged_level", "local_hour", "local_weekday",
    "ambient_temperature", "campaign_day", "age_weeks",
})  # fmt: skip


def is_ordered(dimension: str) -> bool:
    """The values of a dimension have an order of their own, as classes and hours do."""
    return dimension in _ORDERED


def in_order(dimension: str, value: str) -> tuple[bool, float, str]:
    """Sort key of a value: by the number it begins with where the dimension is ordered, else by its name."""
    if not is_ordered(dimension):
        return value in LAST, 0.0, value_name(dimension, value)
    found = _NUMBER.search(value)
    return value in LAST, float(found.group()) if found else float("inf"), value
