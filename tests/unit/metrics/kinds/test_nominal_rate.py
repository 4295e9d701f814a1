"""Intervals hold what is true as often as they say: 95% of the time, over 40 seeds of 25 groups each.

Of 1,000 intervals at 95%, 50 miss, with a standard deviation of 7: fewer than 15 or more than 85 are five of these off.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import log
from typing import Any

import numpy as np
import pytest

from metrics import Slice, evaluate
from metrics.kinds.quantile import bucket_of
from tests.unit.metrics.platform import KINDS, MONDAY, database

SEEDS, GROUPS = 40, 25
LAST = MONDAY + timedelta(60)
Row = dict[str, Any]
Draw = Callable[[np.random.Generator], list[Row]]

RATE_PER_KM, SHARE, MEAN_KM, SPREAD, MEDIAN_S, OPEN_7 = 0.02, 0.3, 12.0, 4.0, 40.0, 0.4
OF_MODELS = (0.2, 0.5)


def _events(rng: np.random.Generator) -> list[Row]:
    km = 1500.0
    return [{"vehicles": 50, "heard": 50, "events": int(rng.poisson(RATE_PER_KM * km)), "distance_km": km}]


def _heard(rng: np.random.Generator) -> list[Row]:
    return [{"vehicles": 80, "heard": int(rng.binomial(80, SHARE))}]


def _trips(rng: np.random.Generator) -> list[Row]:
    km = rng.normal(MEAN_KM, SPREAD, 100)
    return [{"vehicles": 50, "heard": 50, "trips": 100, "distance_km": km.sum(), "distance_km2": (km**2).sum()}]


def _latencies(rng: np.random.Generator) -> list[Row]:
    seconds = MEDIAN_S * np.exp(rng.normal(0, 0.8, 200))
    buckets, counts = np.unique([bucket_of(s) for s in seconds], return_counts=True)
    rows: list[Row] = [{"log_bucket": int(b), "cases": int(n)} for b, n in zip(buckets, counts, strict=True)]
    return [rows[0] | {"vehicles": 50}, *rows[1:]]


def _episodes(rng: np.random.Generator) -> list[Row]:
    """Days until the end, so that ``OPEN_7`` are open after 7; a third is followed for four days only."""
    rows: list[Row] = []
    for cases, followed in ((100, 60), (50, 4)):
        days = np.floor(rng.exponential(-8 / log(OPEN_7), cases)).astype(int)
        known = np.where(days < followed, days, -1)
        each = zip(*np.unique(known, return_counts=True), strict=True)
        rows += [
            {"date": LAST - timedelta(followed), "duration_days": int(d), "episodes": int(n), "vehicles": 50 * (k == 0)}
            for k, (d, n) in enumerate(each)
        ]
    return rows


def _steps(rng: np.random.Generator) -> list[Row]:
    used = int(rng.binomial(90, SHARE))
    reached = {"delivered": 90, "consented": (90 + used) // 2, "used": used}
    return [{"step": step, "reached": n, "vehicles": 90 * (step == "delivered")} for step, n in reached.items()]


def _at_mix(rng: np.random.Generator) -> list[Row]:
    """Two models with shares of their own; whichever a group has more of, the whole has as many of both."""
    sizes = [60, 30] if rng.random() < 0.5 else [30, 60]
    return [
        {"model": model, "vehicles": n, "heard": int(rng.binomial(n, share))}
        for model, n, share in zip(("Corvid", "Heron"), sizes, OF_MODELS, strict=True)
    ]


def _retained(rng: np.random.Generator) -> list[Row]:
    there = int(rng.binomial(90, SHARE))
    return [{"age_weeks": 0, "size": 90, "vehicles": 90, "retained": 90}, {"age_weeks": 4, "retained": there}]


@pytest.mark.parametrize(
    ("metric", "draw", "truth"),
    [
        ("event_rate", _events, 1000 * RATE_PER_KM),
        ("heard_share", _heard, 100 * SHARE),
        ("mean_trip", _trips, MEAN_KM),
        ("latency_p50", _latencies, MEDIAN_S),
        ("open_after_7", _episodes, 100 * OPEN_7),
        ("heard_at_mix", _at_mix, 50 * sum(OF_MODELS)),
        ("adopted", _steps, 100 * SHARE),
        ("retained_week_4", _retained, 100 * SHARE),
    ],
)
def test_what_is_true_lies_within_at_the_nominal_rate(metric: str, draw: Draw, truth: float) -> None:
    rows: list[Row] = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        for group in range(GROUPS):
            rows += [{"date": MONDAY, "market": f"{seed}/{group}"} | row for row in draw(rng)]
    table = KINDS.metric(metric).table.removeprefix("kpi.")
    values = evaluate(
        database(KINDS, **{table: rows}), [metric], Slice(MONDAY, LAST), by=("market",), as_of=LAST,
        contracts=KINDS,
    )  # fmt: skip
    ends = [(v.low, v.high) for v in values]
    assert len(ends) == SEEDS * GROUPS
    missed = sum(not low <= truth <= high for low, high in ends if low is not None and high is not None)
    assert 15 <= missed <= 85, missed
