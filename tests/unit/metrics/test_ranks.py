"""Places of groups: what they may be beyond chance, and gaps that are mix and rate."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import QueryError
from metrics import SQL_FOLDER, MetricValue, Slice, evaluate, macro_statements
from metrics.intervals import wilson_interval
from metrics.ranks import Ranked, frame_of, ranked, widening
from metrics.reasons import ranking
from tests.unit.metrics.platform import KINDS, MONDAY, database, only

DAY = Slice(MONDAY, MONDAY)
WHOLE = MetricValue("share", value=50.0)


def share(name: str, successes: int, trials: int = 1000) -> MetricValue:
    """A share with Wilson's interval."""
    low, high = wilson_interval(successes, trials)
    return MetricValue("share", (name,), value=successes / trials, low=low, high=high)


def places(*values: MetricValue) -> dict[str, tuple[int, int | None, int | None]]:
    return {r.value.group[0]: (r.rank, r.highest, r.lowest) for r in ranked(WHOLE, values, {})}


def test_groups_far_apart_have_one_place_each_and_near_ones_share() -> None:
    assert places(share("low", 100), share("high", 900), share("mid", 505), share("near", 500)) == {
        "high": (1, 1, 1), "mid": (2, 2, 3), "near": (3, 2, 3), "low": (4, 4, 4)
    }  # fmt: skip


def test_equal_values_share_a_place() -> None:
    assert places(share("a", 500), share("b", 500), share("c", 499)) == {"a": (1, 1, 3), "b": (1, 1, 3), "c": (3, 1, 3)}


def test_what_is_withheld_has_no_place_and_what_is_counted_no_doubt() -> None:
    withheld = MetricValue("share", ("x",), suppressed=True)
    counted = [MetricValue("trips", (name,), value=value) for name, value in (("a", 3.0), ("b", 9.0))]
    assert places(withheld, share("a", 500)) == {"a": (1, 1, 1)}
    assert places(withheld, *counted) == {"b": (1, None, None), "a": (2, None, None)}
    assert [r.places for r in ranked(WHOLE, counted, {})] == ["", ""]


def test_two_groups_are_told_apart_where_their_difference_is_beyond_chance() -> None:
    """By hand: 0.55 and 0.50 of 1,000 differ by 0.05, its lower limit is about 0.0064; of 500, it is about -0.0116."""
    assert places(share("a", 550), share("b", 500))["a"] == (1, 1, 1)
    assert places(share("a", 275, 500), share("b", 250, 500))["a"] == (1, 1, 2)
    assert widening(2) == pytest.approx(1)
    assert widening(20) == pytest.approx(3.6490 / 1.95996, rel=1e-3), "0.05 / 2 / 190"


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_a_place_lies_within_its_limits(successes: list[int]) -> None:
    for rank, highest, lowest in places(*(share(str(n), s, 200) for n, s in enumerate(successes))).values():
        assert highest is not None
        assert lowest is not None
        assert 1 <= highest <= rank <= lowest <= len(successes)


def test_all_places_of_a_list_hold_together() -> None:
    """True rates from 0.40 to 0.49 of 2,000 vehicles: at most one list in twenty has a place that is not true."""
    rng = np.random.default_rng(7)
    truth = [0.40 + 0.01 * n for n in range(10)]
    wrong = told = 0
    for _ in range(400):
        values = [share(str(n), int(rng.binomial(2000, rate)), 2000) for n, rate in enumerate(truth)]
        found = ranked(WHOLE, values, {})
        wrong += any(not (r.highest or 0) <= 10 - int(r.value.group[0]) <= (r.lowest or 0) for r in found)
        told += sum((r.highest, r.lowest) != (1, 10) for r in found)
    assert wrong <= 20
    assert told > 2000, "something is known of most places"


#: market, model: vehicles, heard. France has the model that is heard; Germany hears more of either.
FLEET = {
    ("FR", "Corvid"): (900, 810), ("FR", "Heron"): (100, 30), ("DE", "Corvid"): (200, 190), ("DE", "Heron"): (800, 320),
    ("JP", "Corvid"): (500, 450), ("MA", "Corvid"): (4, 2),
}  # fmt: skip


def _ranking(metric: str = "heard_share", by: str = "market") -> dict[str, Ranked]:
    rows = [{"date": MONDAY, "market": m, "model": k, "vehicles": n, "heard": h} for (m, k), (n, h) in FLEET.items()]
    con = database(KINDS, fleet=rows)
    return {r.value.group[0]: r for r in ranking(con, metric, DAY, by=by, contracts=KINDS)}


def test_a_gap_is_mix_and_rate_and_nothing_else() -> None:
    """By hand: 1,802 of 2,504 are heard; Corvid has 1,604 of them. France hears 90 and 30 %, Germany 95 and 40 %."""
    found, whole = _ranking(), 100 * 1802 / 2504
    weight = 1604 / 2504
    for market, rates in (("FR", (90, 30)), ("DE", (95, 40))):
        one = found[market]
        assert one.gap == pytest.approx(one.value.value - whole)  # type: ignore[operator]
        assert one.rate == pytest.approx(weight * rates[0] + (1 - weight) * rates[1] - whole)
    assert all(r.mix + r.rate == pytest.approx(r.gap, abs=1e-12) for r in found.values())  # type: ignore[operator]
    assert found["FR"].gap > 0 > found["FR"].rate, "above for its models alone"  # type: ignore[operator]
    assert found["DE"].gap < 0 < found["DE"].rate  # type: ignore[operator]
    assert "MA" not in found, "withheld"


def test_in_sql_places_are_the_same() -> None:
    contracts = only("connected")
    rates = {"FR": 812, "DE": 640, "JP": 655, "US": 640, "IT": 990, "ES": 0, "SE": 1000, "MA": 5}
    rows = [
        {"date": MONDAY + timedelta(day), "market": market, "vehicles": 6 if market == "MA" else 1000 + day}
        | {"unit_vehicles": 6 if market == "MA" else 1000 + day, "connected_vehicles": heard}
        for market, heard in rates.items()
        for day in range(2)
    ]
    con = database(contracts, connected=rows)
    for statement in macro_statements(contracts):
        con.execute(statement)
    sql = con.execute((SQL_FOLDER / "examples" / "markets_ranked_by_connected_rate.sql").read_text()).fetchall()
    slice_ = Slice(MONDAY, MONDAY + timedelta(1))
    found = ranking(con, "connected_rate", slice_, by="market", contracts=contracts)
    assert [(m, pytest.approx(v), *p) for m, v, *p in sql] == [
        (r.value.group[0], r.value.value, r.rank, r.highest, r.lowest) for r in found
    ]
    assert len({r.places for r in found}) > 3


def test_what_has_no_other_at_the_mix_has_a_gap_alone() -> None:
    assert {(r.mix, r.rate) for r in _ranking(by="model").values()} == {(None, None)}, "the mix is of models"
    assert {(r.mix, r.rate) for r in _ranking("heard_now").values()} != {(None, None)}
    with pytest.raises(QueryError, match="No such metric"):
        _ranking("hear_share")


def test_an_export_has_all_of_it() -> None:
    found = tuple(_ranking().values())
    frame = frame_of(found, "market")
    assert frame.columns[:4] == ["rank", "highest", "lowest", "market"]
    assert frame["gap"].to_list() == pytest.approx((frame["mix"] + frame["rate"]).to_list())
    con = database(KINDS, fleet=[{"date": MONDAY, "market": "FR", "model": "Corvid", "vehicles": 50, "heard": 9}])
    value = evaluate(con, ["heard_share"], DAY, by=("market",), contracts=KINDS).series("heard_share", ("FR",))[0]
    assert frame_of(ranked(value, [value], {}), "market")["mix"].to_list() == [None]
