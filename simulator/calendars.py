"""When people do not work: weekends, public holidays of the twelve markets, and the weeks in which they travel.

Public holidays are those with most effect on traffic, not every one. Lunar ones are listed for 2024 to 2030; other
years go without.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import IntEnum
from functools import cache

#: (month, day) of holidays that fall on the same day every year.
_FIXED: dict[str, tuple[tuple[int, int], ...]] = {
    "CN": ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3), (10, 4), (10, 5), (10, 6), (10, 7)),
    "JP": ((1, 1), (1, 2), (1, 3), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)),
    "FR": ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)),
    "DE": ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)),
    "ES": ((1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)),
    "GB": ((1, 1), (12, 25), (12, 26)),
    "BR": ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)),
    "IN": ((1, 26), (5, 1), (8, 15), (10, 2), (12, 25)),
    "MX": ((1, 1), (5, 1), (9, 16), (12, 25)),
    "US": ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)),
    "MA": ((1, 1), (1, 11), (5, 1), (7, 30), (8, 14), (8, 20), (11, 6), (11, 18)),
    "TR": ((1, 1), (4, 23), (5, 1), (5, 19), (7, 15), (8, 30), (10, 29)),
}

#: Days after Easter Sunday.
_EASTER: dict[str, tuple[int, ...]] = {
    "FR": (1, 39, 50), "DE": (-2, 1, 39, 50), "ES": (-3, -2), "GB": (-2, 1), "BR": (-48, -47, -2, 60), "MX": (-3, -2),
}  # fmt: skip

#: (month, weekday with Monday 0, which one; -1 is the last).
_WEEKDAYS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "GB": ((5, 0, 1), (5, 0, -1), (8, 0, -1)),
    "US": ((1, 0, 3), (2, 0, 3), (5, 0, -1), (9, 0, 1), (11, 3, 4)),
    "MX": ((2, 0, 1), (3, 0, 3), (11, 0, 3)),
    "JP": ((1, 0, 2), (7, 0, 3), (9, 0, 3), (10, 0, 2)),
}

#: First day and number of days of festivals that follow the moon.
_LUNAR_NEW_YEAR = ("2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-03")
_DIVALI = ("2024-11-01", "2025-10-20", "2026-11-08", "2027-10-29", "2028-10-17", "2029-11-05", "2030-10-26")
_FITR = ("2024-04-10", "2025-03-30", "2026-03-20", "2027-03-09", "2028-02-26", "2029-02-14", "2030-02-04")
_ADHA = ("2024-06-16", "2025-06-06", "2026-05-27", "2027-05-16", "2028-05-05", "2029-04-24", "2030-04-13")
_MOON: dict[str, tuple[tuple[tuple[str, ...], int], ...]] = {
    "CN": ((_LUNAR_NEW_YEAR, 7),),
    "IN": ((_DIVALI, 2),),
    "MA": ((_FITR, 2), (_ADHA, 2)),
    "TR": ((_FITR, 3), (_ADHA, 4)),
}

#: (first, last) day of the weeks in which many take leave, as (month, day).
_TRAVEL: dict[str, tuple[tuple[tuple[int, int], tuple[int, int]], ...]] = {
    "CN": (((7, 10), (8, 25)),),
    "JP": (((4, 29), (5, 6)), ((8, 10), (8, 17)), ((12, 28), (12, 31))),
    "FR": (((7, 10), (8, 25)), ((12, 20), (12, 31)), ((2, 14), (3, 1))),
    "DE": (((7, 1), (8, 31)), ((12, 22), (12, 31))),
    "ES": (((7, 15), (8, 31)), ((12, 23), (12, 31))),
    "GB": (((7, 22), (8, 31)), ((12, 21), (12, 31))),
    "BR": (((12, 20), (12, 31)), ((1, 2), (1, 31)), ((7, 5), (7, 25))),
    "IN": (((5, 1), (6, 10)),),
    "MX": (((7, 15), (8, 20)), ((12, 20), (12, 31))),
    "US": (((6, 20), (8, 20)), ((12, 22), (12, 31))),
    "MA": (((7, 20), (8, 31)),),
    "TR": (((7, 1), (8, 31)),),
}  # fmt: skip


class DayKind(IntEnum):
    """What a day is to most people of a market."""

    WORKING = 0
    WEEKEND = 1
    HOLIDAY = 2


@cache
def day_kind(market: str, day: date) -> DayKind:
    """Returns what a local day is in a market (ISO 3166-1 alpha-2): a holiday on a weekend is a holiday."""
    if _is_holiday(market, day):
        return DayKind.HOLIDAY
    return DayKind.WEEKEND if day.weekday() >= 5 else DayKind.WORKING


@cache
def travels(market: str, day: date) -> bool:
    """Returns whether a local day lies in weeks in which many take leave."""
    return any(first <= (day.month, day.day) <= last for first, last in _TRAVEL.get(market, ()))


def easter(year: int) -> date:
    """Returns Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, rest = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, rest + 1)


def _is_holiday(market: str, day: date) -> bool:
    if (day.month, day.day) in _FIXED.get(market, ()):
        return True
    if (day - easter(day.year)).days in _EASTER.get(market, ()):
        return True
    if any(_is_nth(day, *rule) for rule in _WEEKDAYS.get(market, ())):
        return True
    return any(
        0 <= (day - date.fromisoformat(begin)).days < length
        for begins, length in _MOON.get(market, ())
        for begin in begins
    )


def _is_nth(day: date, month: int, weekday: int, which: int) -> bool:
    if (day.month, day.weekday()) != (month, weekday):
        return False
    if which < 0:
        return (day + timedelta(days=7)).month != month
    return (day.day - 1) // 7 + 1 == which
