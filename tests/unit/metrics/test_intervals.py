from __future__ import annotations

from math import exp, lgamma, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import poisson_interval, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (Wilson's score, no continuity correction).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_has_the_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.data())
def test_wilson_holds_the_share_within_0_and_1(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirrored = wilson_interval(trials - successes, trials)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high))


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 10), (11, 10)])
def test_wilson_refuses_what_is_no_proportion(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="is no proportion"):
        wilson_interval(successes, trials)


def _at_most(count: int, mean: float) -> float:
    return sum(exp(-mean + i * log(mean) - lgamma(i + 1)) for i in range(count + 1))


@pytest.mark.parametrize("events", [3, 5, 10, 50, 100])
def test_poisson_ends_leave_two_and_a_half_percent_on_each_side(events: int) -> None:
    low, high = poisson_interval(events)
    assert 1 - _at_most(events - 1, low) == pytest.approx(0.025, abs=0.0025)
    assert _at_most(events, high) == pytest.approx(0.025, abs=0.0003)


def test_poisson_of_few_events_errs_on_the_wide_side() -> None:
    assert poisson_interval(0) == pytest.approx((0, 3.668), abs=1e-3)
    low, high = poisson_interval(1)
    assert low < 0.0253
    assert high == pytest.approx(5.572, rel=0.002)


def test_poisson_refuses_a_negative_count() -> None:
    with pytest.raises(ValueError, match="-1 events"):
        poisson_interval(-1)
