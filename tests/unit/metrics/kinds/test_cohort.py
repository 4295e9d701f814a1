"""Retention: a cell is empty until its age is over for every vehicle of the cohort."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import Slice, evaluate, wilson_interval
from tests.unit.metrics.platform import KINDS, MONDAY, database

WEEK = timedelta(7)


def _rows(began: dict[int, int], kept: dict[tuple[int, int], int]) -> list[dict[str, Any]]:
    """Cohort days counted from Monday with their sizes, and (day, age) with who was still there."""
    rows = []
    for day, size in began.items():
        for age in {0, *(a for d, a in kept if d == day)}:
            first = {"size": size, "vehicles": size} if age == 0 else {}
            rows.append(
                {"date": MONDAY + timedelta(day), "age_weeks": age, "retained": kept.get((day, age), 0)} | first
            )
    return rows


def _ask(rows: list[dict[str, Any]], as_of: date, by: tuple[str, ...] = ()) -> Any:
    con = database(KINDS, retention=rows)
    return evaluate(con, ["retained_week_4"], Slice(MONDAY, as_of), by=by, as_of=as_of, contracts=KINDS)


ROWS = _rows({0: 40, 3: 20, 7: 30}, {(0, 0): 40, (0, 4): 10, (3, 4): 8, (7, 4): 30, (0, 1): 20, (3, 1): 5, (7, 1): 15})


def test_the_value_is_that_of_its_age() -> None:
    value = _ask(ROWS, MONDAY + timedelta(100)).one("retained_week_4")
    assert (value.numerator, value.denominator, value.immature) == (48, 90, 0)
    assert value.value == pytest.approx(100 * 48 / 90)
    assert (value.low, value.high) == pytest.approx(tuple(100 * end for end in wilson_interval(48, 90)))


def test_the_matrix_of_cohort_weeks_and_ages() -> None:
    as_of = MONDAY + timedelta(3 + 34)  # the last day on which a vehicle of Thursday is in its fourth week
    cells = {(v.period, v.group[0]): v for v in _ask(ROWS, as_of, ("week", "age_weeks"))}
    assert cells[MONDAY, "1"].value == pytest.approx(100 * 25 / 60)
    assert cells[MONDAY, "4"].value == pytest.approx(100 * 18 / 60)
    assert cells[MONDAY + WEEK, "1"].value == pytest.approx(50)
    late = cells[MONDAY + WEEK, "4"]
    assert (late.value, late.numerator, late.denominator, late.immature) == (None, None, None, 1)
    assert [group for _, group in cells] == ["0", "1", "4"] * 2


def test_a_week_is_empty_until_its_last_day_is_old_enough() -> None:
    for days, shown in ((3 + 33, False), (3 + 34, True)):
        cells = {(v.period, v.group[0]): v.value for v in _ask(ROWS, MONDAY + timedelta(days), ("week", "age_weeks"))}
        assert (cells[MONDAY, "4"] is not None) == shown


def test_over_a_range_the_days_that_are_old_enough_are_taken_together() -> None:
    value = _ask(ROWS, MONDAY + timedelta(3 + 33)).one("retained_week_4")
    assert (value.numerator, value.denominator, value.immature) == (10, 40, 2)


def test_ages_are_sorted_as_numbers() -> None:
    rows = _rows({0: 50}, dict.fromkeys([(0, age) for age in (0, 2, 10, 9)], 20))
    assert [v.group[0] for v in _ask(rows, MONDAY + timedelta(200), ("age_weeks",))] == ["0", "2", "4", "9", "10"]


cells = st.dictionaries(st.tuples(st.integers(0, 27), st.integers(0, 6)), st.integers(0, 30), max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 27), st.integers(30, 60), min_size=1), cells, st.integers(0, 80))
def test_restated_a_vehicle_at_a_time(began: dict[int, int], kept: dict[tuple[int, int], int], today: int) -> None:
    kept = {place: n for place, n in kept.items() if place[0] in began}
    as_of = MONDAY + timedelta(max(today, *began))
    found = {v.group[0]: v for v in _ask(_rows(began, kept), as_of, ("age_weeks",))}
    for age in {0, 4, *(a for _, a in kept)}:
        old = [day for day in began if MONDAY + timedelta(day + 7 * (age + 1) - 1) <= as_of]
        value = found[str(age)]
        assert value.denominator == (sum(began[day] for day in old) or None)
        assert value.numerator == (sum(kept.get((day, age), 0) for day in old) if old else None)
        assert value.immature == len(began) - len(old)


def test_few_that_are_old_enough_are_too_few() -> None:
    rows = _rows({0: 9, 35: 40}, {(0, 4): 5})
    assert _ask(rows, MONDAY + timedelta(40)).one("retained_week_4").suppressed
    assert not _ask(_rows({0: 10, 35: 40}, {(0, 4): 5}), MONDAY + timedelta(40)).one("retained_week_4").suppressed
