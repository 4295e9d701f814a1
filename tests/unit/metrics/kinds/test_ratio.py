"""Shares and other ratios of sums."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrics import Slice, evaluate, wilson_interval
from tests.unit.metrics.platform import KINDS, MONDAY, database


@pytest.mark.parametrize(
    ("metric", "numerator", "trials"),
    [("heard_share", 130, 150), ("heard_now", 40, 100)],
    ids=["days add up, vehicles do not", "the newest day alone"],
)
def test_a_share_rests_on_the_vehicles_of_a_day(metric: str, numerator: int, trials: float) -> None:
    rows = [
        {"date": MONDAY, "vehicles": 200, "heard": 90},
        {"date": MONDAY + timedelta(1), "vehicles": 100, "heard": 40},
    ]
    con = database(KINDS, fleet=rows)
    value = evaluate(con, [metric], Slice(MONDAY, MONDAY + timedelta(1)), contracts=KINDS).one(metric)
    share = numerator / (300 if metric == "heard_share" else 100)
    assert value.value == pytest.approx(100 * share)
    assert (value.low, value.high) == pytest.approx(tuple(100 * e for e in wilson_interval(share * trials, trials)))


def test_a_ratio_of_other_things_has_no_interval_and_parts_have_names() -> None:
    con = database(KINDS, fleet=[{"date": MONDAY, "vehicles": 50, "distance_km": 700.0}])
    value = evaluate(con, ["km_per_vehicle"], Slice(MONDAY, MONDAY), contracts=KINDS).one("km_per_vehicle")
    assert (value.value, value.low, value.high) == (14, None, None)
    assert KINDS.metric("km_per_vehicle").labels == ("heard", "the fleet")
