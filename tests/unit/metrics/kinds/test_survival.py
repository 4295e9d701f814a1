"""Survival against lifelines on random data with censoring, and against published values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import isinf, log
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times

from metrics import Contracts, Evaluation, Slice, evaluate
from metrics.intervals import Z95
from tests.unit.metrics.platform import KINDS, MONDAY, database

AS_OF = MONDAY + timedelta(60)
#: Remission of leukaemia under 6-MP, weeks; + is censored. E. J. Freireich et al., Blood 21 (1963).
TOLD = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
FREIREICH = [(int(text.rstrip("+")), not text.endswith("+")) for text in TOLD.split()]
#: Kaplan-Meier and standard errors by Greenwood: D. G. Kleinbaum, M. Klein, "Survival Analysis", 3rd edition (2012),
#: chapter 2; J. P. Klein, M. L. Moeschberger, "Survival Analysis", 2nd edition (2003), table 4.1.
PUBLISHED = {6: (0.857, 0.076), 7: (0.807, 0.087), 10: (0.753, 0.096), 13: (0.690, 0.107), 16: (0.627, 0.114),
             22: (0.538, 0.128), 23: (0.448, 0.135)}  # fmt: skip

Cases = list[tuple[int, bool]]


def _asked(cases: Cases, contracts: Contracts = KINDS) -> Evaluation:
    """Cases as (days, ended): one that is still open began so many days before as-of."""
    counts = Counter(
        (MONDAY, days) if ended else (AS_OF - timedelta(days), -1) for days, ended in cases
    )  # fmt: skip
    rows: list[dict[str, Any]] = [{"date": AS_OF, "duration_days": 0, "vehicles": 50}]
    rows += [{"date": d, "duration_days": days, "vehicles": 20, "episodes": n} for (d, days), n in counts.items()]
    con = database(KINDS, episodes=rows)
    names = ["time_to_clear", "open_after_7"]
    return evaluate(con, names, Slice(MONDAY, AS_OF), as_of=AS_OF, contracts=contracts)


def _fitted(cases: Cases) -> KaplanMeierFitter:
    return KaplanMeierFitter().fit([days for days, _ in cases], [ended for _, ended in cases])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=40))
def test_as_lifelines_has_it(cases: Cases) -> None:
    fitted = _fitted(cases)
    curve = fitted.survival_function_["KM_estimate"]
    assume(not any(abs(s - 0.5) < 1e-6 and s != 0.5 for s in curve))
    found = _asked(cases)
    median, share = found.one("time_to_clear"), found.one("open_after_7")
    expected = fitted.median_survival_time_
    assert median.value == (None if isinf(expected) else expected)
    assert median.denominator == share.denominator == len(cases)
    if max(days for days, _ in cases) >= 7 or curve.iloc[-1] == 0:
        assert share.value == pytest.approx(100 * fitted.predict(7), abs=1e-7)
    else:
        assert share.value is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_intervals_as_lifelines_has_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    days = np.minimum(random.exponential(9, 60).astype(int), 59)
    cases = list(zip(days.tolist(), (random.random(60) < 0.7).tolist(), strict=True))
    fitted, found = _fitted(cases), _asked(cases)
    bounds = fitted.confidence_interval_survival_function_
    at_seven = bounds[bounds.index <= 7].iloc[-1]
    share, median = found.one("open_after_7"), found.one("time_to_clear")
    assert (share.low, share.high) == pytest.approx((100 * at_seven.iloc[0], 100 * at_seven.iloc[1]), abs=1e-7)
    low, high = median_survival_times(bounds).iloc[0]
    expected = (None, None) if isinf(low) or isinf(high) else (low, high)
    assert (median.low, median.high) == expected


@pytest.mark.parametrize("week", PUBLISHED)
def test_the_published_curve_and_greenwood(week: int) -> None:
    share, error = PUBLISHED[week]
    found = _asked(FREIREICH, contracts=_open_after(week))
    assert found.one("time_to_clear").value == 23
    value = found.one("open_after_7")
    assert value.value is not None
    assert value.low is not None
    assert value.value / 100 == pytest.approx(share, abs=6e-4)
    # The interval is the estimate to the power exp(-/+ 1.96 error / (estimate ln estimate)).
    read_back = log(log(value.low / 100) / log(value.value / 100)) / Z95 * -log(value.value / 100) * value.value / 100
    assert read_back == pytest.approx(error, abs=6e-4)


def _open_after(days: int) -> Contracts:
    """The contracts with another number of days."""
    table = KINDS.table("episodes")
    asked = [m.model_copy(update={"after_days": days}) if m.name == "open_after_7" else m for m in table.metrics]
    return replace(KINDS, tables=(table.model_copy(update={"metrics": tuple(asked)}),))


def test_a_case_that_is_open_ages_with_the_data_and_not_with_its_row() -> None:
    rows = [{"date": MONDAY, "duration_days": -1, "vehicles": 20, "episodes": 9},
            {"date": MONDAY, "duration_days": 3, "episodes": 3}]  # fmt: skip
    con = database(KINDS, episodes=rows)
    asked = {"slice_": Slice(MONDAY, MONDAY), "contracts": KINDS}
    early = evaluate(con, ["open_after_7"], as_of=MONDAY + timedelta(6), **asked).one("open_after_7")
    later = evaluate(con, ["open_after_7"], as_of=MONDAY + timedelta(7), **asked).one("open_after_7")
    assert early.value is None  # nobody has been followed for seven days
    assert later.value == pytest.approx(75)


def test_cases_of_days_to_come_do_not_count() -> None:
    rows = [{"date": MONDAY, "duration_days": 3, "vehicles": 20, "episodes": 3},
            {"date": MONDAY + timedelta(9), "duration_days": -1, "vehicles": 20, "episodes": 100}]  # fmt: skip
    con = database(KINDS, episodes=rows)
    span = Slice(MONDAY, MONDAY + timedelta(20))
    value = evaluate(con, ["time_to_clear"], span, as_of=MONDAY + timedelta(5), contracts=KINDS).one("time_to_clear")
    assert (value.value, value.denominator) == (3, 3)


def test_where_most_stay_open_there_is_no_median() -> None:
    value = _asked([(1, True), (50, False), (50, False)]).one("time_to_clear")
    assert (value.value, value.low, value.high) == (None, None, None)
