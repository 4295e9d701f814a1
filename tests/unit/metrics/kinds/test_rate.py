"""Events per exposure, with the interval of a Poisson count."""

from __future__ import annotations

from datetime import timedelta

import pytest

from metrics import MetricValue, Slice, evaluate
from tests.unit.metrics.platform import KINDS, MONDAY, database


def _asked(metric: str, *days: tuple[int, float]) -> MetricValue:
    rows = [
        {"date": MONDAY + timedelta(n), "vehicles": 50, "events": events, "distance_km": km}
        for n, (events, km) in enumerate(days)
    ]
    con = database(KINDS, fleet=rows)
    return evaluate(con, [metric], Slice(MONDAY, MONDAY + timedelta(9)), contracts=KINDS).one(metric)


@pytest.mark.parametrize(
    ("events", "low", "high"),
    # Exact 95% limits of a Poisson count: F. Garwood, Biometrika 28 (1936); K. Ulm, American Journal of Epidemiology
    # 131 (1990), table 1.
    [(5, 1.623, 11.668), (10, 4.795, 18.390), (20, 12.217, 30.888), (50, 37.111, 65.918), (100, 81.364, 121.627)],
)
def test_the_published_limits(events: int, low: float, high: float) -> None:
    value = _asked("event_rate", (events, 2000.0))
    assert value.value == pytest.approx(events / 2)
    assert (value.low, value.high) == (pytest.approx(low / 2, rel=0.009), pytest.approx(high / 2, rel=0.006))


def test_an_average_day_is_as_sure_as_all_its_days() -> None:
    total, day = (_asked(name, (4, 1000.0), (6, 3000.0)) for name in ("event_rate", "daily_event_rate"))
    assert (day.numerator, day.denominator) == (5, 2000)
    assert (day.value, day.low, day.high) == pytest.approx((total.value, total.low, total.high))


def test_no_events_and_no_exposure() -> None:
    none = _asked("event_rate", (0, 1000.0))
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(3.689, rel=0.006)
    still = _asked("event_rate", (0, 0.0))
    assert (still.value, still.low, still.high) == (None, None, None)
