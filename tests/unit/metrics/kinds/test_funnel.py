"""Funnels: each step of those old enough for it, immature cohorts marked and never counted as failures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from metrics import Slice, evaluate, macro_statements, wilson_interval
from tests.unit.metrics.platform import KINDS, MONDAY, database

AS_OF = MONDAY + timedelta(40)
#: Per cohort day, counted from Monday: reached delivered, consented, used.
COHORTS = {0: (100, 80, 40), 10: (50, 30, 20), 20: (60, 45, 5), 36: (30, 2, 0)}


def _rows() -> list[dict[str, Any]]:
    rows = []
    for day, counts in COHORTS.items():
        for step, reached in zip(("delivered", "consented", "used"), counts, strict=True):
            vehicles = reached if step == "delivered" else 0
            rows.append({"date": MONDAY + timedelta(day), "step": step, "reached": reached, "vehicles": vehicles})
    return rows


@pytest.fixture
def con() -> Any:
    return database(KINDS, steps=_rows())


def _ask(con: Any, by: tuple[str, ...] = (), **how: Any) -> Any:
    return evaluate(con, ["adopted"], Slice(MONDAY, AS_OF), by=by, as_of=AS_OF, contracts=KINDS, **how)


def test_without_a_split_it_is_the_last_step_of_the_first(con: Any) -> None:
    value = _ask(con).one("adopted")
    assert (value.numerator, value.denominator) == (60, 150)  # days 0 and 10 are thirty days old
    assert value.value == pytest.approx(40)
    assert (value.low, value.high) == pytest.approx(tuple(100 * end for end in wilson_interval(60, 150)))
    assert value.immature == 2
    assert value.vehicles == 240  # of all cohorts of the range, also those that are too young


def test_by_step_each_has_its_own_cohorts(con: Any) -> None:
    steps = {v.group[0]: v for v in _ask(con, ("step",))}
    assert list(steps) == ["delivered", "consented", "used"]
    assert {name: (v.numerator, v.denominator, v.immature) for name, v in steps.items()} == {
        "delivered": (240, 240, 0),
        "consented": (155, 210, 1),
        "used": (60, 150, 2),
    }


def test_of_the_step_before(con: Any) -> None:
    used = _ask(con, ("step",)).series("adopted", ("used",))[0]
    assert used.of_before is not None
    assert used.of_before.value == pytest.approx(100 * 60 / 110)  # of those of the same days who consented
    low, high = wilson_interval(60, 110)
    assert (used.of_before.low, used.of_before.high) == pytest.approx((100 * low, 100 * high))


def test_a_cohort_that_is_too_young_is_empty_and_not_low(con: Any) -> None:
    values = {v.period: v for v in _ask(con, ("date",))}
    young = values[MONDAY + timedelta(36)]
    assert (young.value, young.numerator, young.denominator, young.immature) == (None, None, None, 1)
    assert values[MONDAY].value == pytest.approx(40)


def test_it_grows_up_with_the_data(con: Any) -> None:
    later = evaluate(con, ["adopted"], Slice(MONDAY, AS_OF), as_of=MONDAY + timedelta(66), contracts=KINDS).one(
        "adopted"
    )
    assert (later.numerator, later.denominator, later.immature) == (65, 240, 0)


def test_a_step_that_nobody_reached_is_zero() -> None:
    rows = [{"date": MONDAY, "step": "delivered", "reached": 50, "vehicles": 50}]
    value = _ask(database(KINDS, steps=rows)).one("adopted")
    assert (value.value, value.numerator, value.denominator) == (0, 0, 50)


def test_steps_stand_in_their_place_among_dimensions(con: Any) -> None:
    found = _ask(con, ("step", "market", "month"), compare=Slice(MONDAY, AS_OF).before())
    assert found.by == ("step", "market")
    assert found.values[0].group == ("delivered", "FR")
    assert {v.period for v in found} == {MONDAY.replace(day=1), MONDAY.replace(day=1, month=4)}


def test_few_that_are_old_enough_are_too_few() -> None:
    """A hundred were delivered, three of them long enough ago: what became of these is theirs."""
    rows = [
        {"date": MONDAY + timedelta(day), "step": "delivered", "reached": n, "vehicles": n}
        for day, n in ((0, 3), (39, 97))
    ]
    con = database(KINDS, steps=rows)
    assert _ask(con).one("adopted").suppressed
    steps = {v.group[0]: v.suppressed for v in _ask(con, ("step",))}
    assert steps == {"delivered": False, "consented": True, "used": True}
    for statement in macro_statements(KINDS):
        con.execute(statement)
    sql = con.execute("select date, suppressed from metric('adopted') order by date").fetchall()
    assert sql == [(MONDAY, True), (MONDAY + timedelta(39), False)]
