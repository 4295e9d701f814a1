"""How figures are written."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dashboard.view import wording
from dashboard.view.reader import ENGLISH
from metrics import MetricValue, load_contracts

DISTANCE = load_contracts().metric("distance")
IDLE = load_contracts().metric("idle_ratio")
ACTIVE = load_contracts().metric("monthly_active_vehicles")
STICKINESS = load_contracts().metric("stickiness")


def plain(text: str) -> str:
    return text.replace(wording.SPACE, " ")


@pytest.mark.parametrize(
    ("contract", "value", "text"),
    [
        (DISTANCE, 412.345, "412 km"),
        (DISTANCE, 98_765.4, "98,800 km"),
        (DISTANCE, 2_534_000.0, "2.53 M km"),
        (DISTANCE, 25_340_000.0, "25.3 M km"),
        (DISTANCE, -1_234.0, "\N{MINUS SIGN}1,230 km"),
        (IDLE, 11.4321, "11.4%"),
        (ACTIVE, 412_806.0, "412,806 vehicles"),
        (STICKINESS, 68.41, "68.4%"),
        (DISTANCE, None, "\N{EN DASH}"),
    ],
)
def test_amounts(contract, value, text) -> None:  # type: ignore[no-untyped-def]
    assert plain(wording.amount(ENGLISH, contract, value)) == text


def moved(now: float, then: float, *, days: int = 28, before: int = 28) -> MetricValue:
    return MetricValue("m", value=now, days=days, previous=MetricValue("m", value=then, days=before))


def test_a_change_has_the_colour_of_its_direction() -> None:
    worse = wording.change(ENGLISH, IDLE, moved(12.0, 11.6))
    assert worse == wording.Change("▲", f"+0.4{wording.SPACE}pp", "bad")
    assert wording.change(ENGLISH, ACTIVE, moved(90, 100)) == wording.Change("▼", "\N{MINUS SIGN}10.0%", "bad")
    assert wording.change(ENGLISH, ACTIVE, moved(110, 100)) == wording.Change("▲", "+10.0%", "good")
    assert wording.change(ENGLISH, DISTANCE, moved(110, 100)) == wording.Change("▲", "+10.0%", "neutral")


def test_a_withheld_value_before_is_said() -> None:
    before = MetricValue("m", days=28, suppressed=True)
    text = wording.no_change(ENGLISH, ACTIVE, MetricValue("m", value=1.0, days=28, previous=before), "previous 28 d")
    assert text == "previous 28 d withheld: too few vehicles"


def test_a_change_that_rounds_to_nothing_is_none() -> None:
    change = wording.change(ENGLISH, IDLE, moved(11.61, 11.60))
    assert change is not None
    assert (change.arrow, change.tone) == (wording.UNCHANGED, "neutral")


def test_a_change_from_next_to_nothing_is_told_as_a_difference() -> None:
    change = wording.change(ENGLISH, DISTANCE, moved(140.0, 5.0))
    assert change is not None
    assert change.text == "+135"


def test_totals_over_unequal_days_are_not_compared() -> None:
    value = moved(280, 100, before=10)
    assert wording.change(ENGLISH, DISTANCE, value) is None
    assert wording.no_change(ENGLISH, DISTANCE, value, "previous 28 d") == "only 10 of 28 earlier days"
    assert wording.change(ENGLISH, IDLE, moved(12.0, 11.0, before=10)) is not None
    fewer = moved(100, 280, days=23, before=28)
    assert wording.change(ENGLISH, DISTANCE, fewer) is None
    assert wording.no_change(ENGLISH, DISTANCE, fewer, "previous 28 d") == "23 days with data, 28 before"


def test_days() -> None:
    assert wording.days(ENGLISH, date(2026, 2, 15), date(2026, 3, 14)) == "15 Feb \N{EN DASH} 14 Mar 2026"
    assert wording.days(ENGLISH, date(2025, 12, 15), date(2026, 1, 14)) == "15 Dec 2025 \N{EN DASH} 14 Jan 2026"
    assert wording.days(ENGLISH, date(2026, 3, 14), date(2026, 3, 14)) == "14 Mar 2026"


@pytest.mark.parametrize(
    ("span", "text"),
    [(timedelta(seconds=20), "just now"), (timedelta(minutes=6), "6 min ago"), (timedelta(days=3), "3 days ago")],
)
def test_ago(span: timedelta, text: str) -> None:
    assert wording.ago(ENGLISH, span) == text
