"""Direct standardisation against a computation by hand, and what it must do at the edges."""

from __future__ import annotations

from datetime import timedelta
from math import sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import Slice, evaluate
from metrics.intervals import Z95, poisson_interval, wilson_interval
from tests.unit.metrics.platform import KINDS, MONDAY, database

DAY = Slice(MONDAY, MONDAY)
#: market, model: vehicles, heard, events, km.
FLEET = {
    ("FR", "Corvid"): (800, 720, 8, 4000.0),
    ("FR", "Heron"): (200, 100, 9, 1000.0),
    ("DE", "Corvid"): (100, 95, 2, 500.0),
    ("DE", "Heron"): (900, 540, 54, 4500.0),
}


def _con(fleet: dict[tuple[str, str], tuple[int, int, int, float]] = FLEET, days: int = 1) -> Any:
    rows = [
        {
            "date": MONDAY + timedelta(day),
            "market": m,
            "model": k,
            "vehicles": n,
            "heard": h,
            "events": e,
            "distance_km": d,
        }
        for day in range(days)
        for (m, k), (n, h, e, d) in fleet.items()
    ]
    return database(KINDS, fleet=rows)


def _by_market(con: Any, metric: str, slice_: Slice = DAY) -> dict[str, Any]:
    return {v.group[0]: v for v in evaluate(con, [metric], slice_, by=("market",), contracts=KINDS)}


def test_a_share_at_the_mix_of_the_whole() -> None:
    """By hand: Corvid has 900 of 2,000 vehicles, Heron 1,100; France hears 90% and 50%, Germany 95% and 60%."""
    found = _by_market(_con(), "heard_at_mix")
    assert found["FR"].value == pytest.approx(100 * (0.45 * 0.90 + 0.55 * 0.50))
    assert found["DE"].value == pytest.approx(100 * (0.45 * 0.95 + 0.55 * 0.60))
    assert found["FR"].covered == pytest.approx(1)
    variance = 0.45**2 * 0.90 * 0.10 / 800 + 0.55**2 * 0.50 * 0.50 / 200
    half = 100 * Z95 * sqrt(variance)
    assert (found["FR"].low, found["FR"].high) == pytest.approx((68 - half, 68 + half))
    assert (found["FR"].numerator, found["FR"].denominator) == (None, 1000)


def test_a_rate_at_the_mix_of_the_whole() -> None:
    """By hand: Corvid drives 4,500 of 10,000 km; France has 2 and 9 events per 1,000 km."""
    found = _by_market(_con(), "events_at_mix")
    assert found["FR"].value == pytest.approx(0.45 * 2 + 0.55 * 9)
    assert found["DE"].value == pytest.approx(0.45 * 4 + 0.55 * 12)
    half = 1000 * Z95 * sqrt(0.45**2 * 8 / 4000**2 + 0.55**2 * 9 / 1000**2)
    assert (found["FR"].low, found["FR"].high) == pytest.approx((5.85 - half, 5.85 + half))


def test_the_whole_is_its_own_mix() -> None:
    for metric, base in (
        ("heard_at_mix", "heard_share"),
        ("events_at_mix", "event_rate"),
        ("km_at_mix", "km_per_vehicle"),
    ):
        values = evaluate(_con(), [metric, base], DAY, contracts=KINDS)
        assert values.one(metric).value == pytest.approx(values.one(base).value)


def test_what_has_no_interval_has_none_at_the_mix() -> None:
    value = _by_market(_con(), "km_at_mix")["FR"]
    assert (value.low, value.high) == (None, None)


def test_of_none_or_all_there_is_an_interval_too() -> None:
    """All strata are alike there: the share at the mix is the group's own, and as sure as it."""
    fleet = {key: (n, n if key[0] == "FR" else 0, 0, km) for key, (n, _, _, km) in FLEET.items()}
    for days in (1, 2):
        both = Slice(MONDAY, MONDAY + timedelta(days - 1))
        heard = _by_market(_con(fleet, days), "heard_at_mix", both)
        all_, none = (tuple(100 * end for end in wilson_interval(n, 1000)) for n in (1000, 0))
        assert (heard["FR"].value, heard["FR"].low, heard["FR"].high) == pytest.approx((100, *all_))
        assert (heard["DE"].value, heard["DE"].low, heard["DE"].high) == pytest.approx((0, *none))
        events = _by_market(_con(fleet, days), "events_at_mix", both)["FR"]
        high = 1000 * poisson_interval(0)[1] / (5000 * days)
        assert (events.value, events.low, events.high) == pytest.approx((0, 0, high))


def test_strata_that_a_group_lacks_are_left_out_and_told() -> None:
    found = _by_market(_con({k: v for k, v in FLEET.items() if k != ("FR", "Heron")}), "heard_at_mix")
    assert found["FR"].value == pytest.approx(90)
    assert found["FR"].covered == pytest.approx(900 / 1800)
    assert found["DE"].covered == 1


def test_split_by_the_dimension_itself_a_group_covers_its_own_share() -> None:
    found = {v.group[0]: v for v in evaluate(_con(), ["heard_at_mix"], DAY, by=("model",), contracts=KINDS)}
    assert found["Corvid"].value == pytest.approx(100 * 815 / 900)
    assert found["Corvid"].covered == pytest.approx(0.45)


def test_days_add_to_the_rate_and_not_to_the_certainty_of_a_share() -> None:
    one, two = _con(), _con(days=2)
    both = Slice(MONDAY, MONDAY + timedelta(1))
    a, b = _by_market(one, "heard_at_mix")["FR"], _by_market(two, "heard_at_mix", both)["FR"]
    assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high))
    a, b = _by_market(one, "events_at_mix")["FR"], _by_market(two, "events_at_mix", both)["FR"]
    assert b.high - b.value == pytest.approx((a.high - a.value) / sqrt(2))


def test_a_stock_is_that_of_the_newest_day() -> None:
    con = _con()
    con.execute(
        "insert into kpi.fleet by name select date + 1 as date, * exclude (date) replace (0 as heard) from kpi.fleet"
    )
    assert _by_market(con, "heard_now_at_mix", Slice(MONDAY, MONDAY + timedelta(1)))["FR"].value == 0


counts = st.tuples(st.integers(10, 500), st.integers(0, 10))
fleets = st.dictionaries(st.tuples(st.sampled_from("ABC"), st.sampled_from("xyz")), counts, min_size=1)


@settings(max_examples=50, deadline=None)
@given(fleets)
def test_restated_group_by_group(fleet: dict[tuple[str, str], tuple[int, int]]) -> None:
    con = _con({place: (n, n * tenths // 10, 0, 0.0) for place, (n, tenths) in fleet.items()})
    whole: dict[str, int] = {}
    for (_, model), (n, _) in fleet.items():
        whole[model] = whole.get(model, 0) + n
    found = _by_market(con, "heard_at_mix")
    for market in {m for m, _ in fleet}:
        mine = {model: fleet[m, model] for m, model in fleet if m == market}
        weight = sum(whole[model] for model in mine)
        rate = sum(whole[k] / weight * (n * tenths // 10) / n for k, (n, tenths) in mine.items())
        assert found[market].value == pytest.approx(100 * rate)
        assert found[market].covered == pytest.approx(weight / sum(whole.values()))
