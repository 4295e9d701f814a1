"""Means per case, with the normal interval."""

from __future__ import annotations

from datetime import timedelta
from statistics import NormalDist, mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import MetricValue, Slice, evaluate
from tests.unit.metrics.platform import KINDS, MONDAY, database


def _asked(days: list[list[float]]) -> MetricValue:
    rows = [
        {"date": MONDAY + timedelta(n), "vehicles": 50, "trips": len(trips), "distance_km": sum(trips),
         "distance_km2": sum(x * x for x in trips)}
        for n, trips in enumerate(days)
    ]  # fmt: skip
    con = database(KINDS, fleet=rows)
    return evaluate(con, ["mean_trip"], Slice(MONDAY, MONDAY + timedelta(9)), contracts=KINDS).one("mean_trip")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 900).map(lambda n: n / 8), max_size=9), min_size=1, max_size=3))
def test_it_is_the_mean_over_all_cases_of_all_days(days: list[list[float]]) -> None:
    trips, value = [x for day in days for x in day], _asked(days)
    assert value.value == (pytest.approx(mean(trips)) if trips else None)
    if len(trips) < 2:
        assert (value.low, value.high) == (None, None)
        return
    half = NormalDist().inv_cdf(0.975) * stdev(trips) / len(trips) ** 0.5
    assert (value.low, value.high) == pytest.approx((mean(trips) - half, mean(trips) + half), abs=1e-5)


def test_the_published_interval() -> None:
    """NIST/SEMATECH e-Handbook, section 1.3.5.2, ZARR13.DAT: 195 cases of mean 9.261460 and deviation 0.02278881.

    Its interval is by Student, 9.258242 to 9.264679; the normal's is narrower by the ratio of the quantiles, 0.6%.
    """
    n, average, deviation = 195, 9.261460, 0.02278881
    spread = deviation * ((n - 1) / n) ** 0.5
    value = _asked([[average - spread] * 97 + [average + spread] * 97 + [average]])
    assert value.value == pytest.approx(average)
    assert value.low == pytest.approx(9.258242, abs=5e-5)
    assert value.high == pytest.approx(9.264679, abs=5e-5)
