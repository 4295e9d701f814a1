"""Quantiles from the histogram: within 1% of the exact ones on what is hardest for it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import ceil, comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import MetricValue, Slice, evaluate
from metrics.kinds.quantile import GROWTH, LOWEST, bucket_of
from tests.unit.metrics.platform import KINDS, MONDAY, database

SIZE = 4001
RANDOM = np.random.default_rng(7)
ADVERSARIAL = {
    "uniform": RANDOM.uniform(0, 1000, SIZE),
    "lognormal, twelve orders of magnitude": RANDOM.lognormal(0, 7, SIZE),
    "two peaks far apart": np.concatenate([RANDOM.normal(1e-3, 1e-5, SIZE // 2), RANDOM.normal(1e6, 1e3, SIZE // 2)]),
    "heavy tail": RANDOM.pareto(0.3, SIZE) + 1,
    "one value": np.full(SIZE, 86.4),
    "powers of the growth": GROWTH ** RANDOM.integers(-300, 300, SIZE),
    "just above powers of the growth": GROWTH ** RANDOM.integers(-300, 300, SIZE) * (1 + 1e-12),
    "mostly zero": np.where(RANDOM.random(SIZE) < 0.6, 0.0, RANDOM.exponential(30, SIZE)),
    "few cases": np.array([3.0, 1.0, 2.0]),
    "one case": np.array([0.25]),
}


def _asked(values: np.ndarray, metric: str, days: int = 1) -> MetricValue:
    rows = []
    for day in range(days):
        date = MONDAY + timedelta(day)
        rows.append({"date": date, "log_bucket": 0, "vehicles": 50})
        for bucket, cases in Counter(map(bucket_of, values[day::days])).items():
            rows.append({"date": date, "log_bucket": bucket, "model": "x", "cases": cases})
    con = database(KINDS, latencies=rows)
    return evaluate(con, [metric], Slice(MONDAY, MONDAY + timedelta(days)), contracts=KINDS).one(metric)


@pytest.mark.parametrize("metric", ["latency_p50", "latency_p90"])
@pytest.mark.parametrize("values", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_within_one_percent_of_the_exact_quantile(values: np.ndarray, metric: str) -> None:
    contract = KINDS.metric(metric)
    found = _asked(values, metric, days=3 if len(values) > 3 else 1)
    exact = float(np.sort(values)[ceil(contract.quantile * len(values) - 1e-9) - 1])
    assert found.value == pytest.approx(contract.scale * exact, rel=0.01, abs=0)
    assert found.denominator == len(values)
    assert found.numerator is None


def test_the_newest_day_alone_where_the_contract_says_so() -> None:
    rows = [
        {"date": MONDAY, "log_bucket": bucket_of(1000), "vehicles": 50, "cases": 90},
        {"date": MONDAY + timedelta(1), "log_bucket": bucket_of(10), "vehicles": 50, "cases": 5},
    ]
    con = database(KINDS, latencies=rows)
    values = evaluate(con, ["latency_p50", "latency_p95"], Slice(MONDAY, MONDAY + timedelta(1)), contracts=KINDS)
    assert values.one("latency_p50").value == pytest.approx(1000, rel=0.01)
    assert values.one("latency_p95").value == pytest.approx(10, rel=0.01)


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-12, 1e12))
def test_a_bucket_is_read_back_within_one_percent(value: float) -> None:
    bucket = bucket_of(value)
    middle = 2 * GROWTH**bucket / (1 + GROWTH)
    assert abs(middle - value) <= 0.01 * value


def test_what_has_no_logarithm_is_read_as_zero() -> None:
    assert bucket_of(0) == bucket_of(-3) == LOWEST
    assert _asked(np.zeros(9), "latency_p50").value == 0


def test_the_interval_is_of_order_statistics() -> None:
    """Conover 1999, section 3.2: of 16 cases the median has the ranks 8 -/+ 1.96 * 2 = 4.08 and 11.92: 5 and 12."""
    values = 100.0 * np.arange(1, 17)
    found = _asked(values, "latency_p50")
    assert (found.low, found.value, found.high) == tuple(pytest.approx(x, rel=0.01) for x in (500, 800, 1200))
    inside = sum(comb(16, k) for k in range(5, 12)) / 2**16  # the quantile lies between the 5th and the 12th
    assert inside == pytest.approx(0.95, abs=0.03)


def test_without_cases_enough_there_is_no_interval() -> None:
    found = _asked(np.array([1.0, 2.0, 3.0]), "latency_p90")
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


def test_a_group_without_cases_has_no_value() -> None:
    con = database(KINDS, latencies=[{"date": MONDAY, "vehicles": 50}])
    found = evaluate(con, ["latency_p50"], Slice(MONDAY, MONDAY), contracts=KINDS).one("latency_p50")
    assert (found.value, found.suppressed, found.vehicles) == (None, False, 50)
