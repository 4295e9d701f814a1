"""Values that cannot be true, by signal: as many as vehicle-days say, whatever the order and the copies."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import ImplausibleValues
from tests.unit.core.frames import CAR, NOON, VAN, fleet, telemetry
from transforms.core.implausible_values import implausible_values
from transforms.core.trips import trips
from transforms.core.vehicle_days import vehicle_days

DAY = NOON.date()


def found(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return ImplausibleValues.validate(implausible_values(frame, DAY, DAY)).drop("date").rows()


def test_each_signal_counts_for_itself() -> None:
    rows = [
        {"s": 0, "soc_pct": 180.0, "speed_kmh": 9_000.0},
        {"s": 1, "soc_pct": -4.0, "speed_kmh": 50.0},
        {"s": 2, "soc_pct": 50.0, "vehicle_id": VAN},
        {"s": 3, "soc_pct": math.nan, "vehicle_id": VAN},
    ]
    assert found(telemetry(rows)) == [(CAR, "soc_pct", 2), (CAR, "speed_kmh", 1), (VAN, "soc_pct", 1)]


def test_of_copies_the_first_counts() -> None:
    """Here the first is right and its copy is not, there both are wrong: one message, one value."""
    rows = [
        {"s": 0, "soc_pct": 50.0, "batch": 0}, {"s": 0, "soc_pct": 180.0, "batch": 1},
        {"s": 1, "soc_pct": 180.0, "batch": 0}, {"s": 1, "soc_pct": 180.0, "batch": 1},
    ]  # fmt: skip
    assert found(telemetry(rows)) == [(CAR, "soc_pct", 1)]


def test_nothing_wrong_gives_nothing() -> None:
    for frame in (telemetry([]), telemetry([{"s": 0, "soc_pct": 50.0}]), telemetry([{"s": 0}]).drop("soc_pct")):
        assert found(frame) == []


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(st.integers(-3, 3), st.integers(-100_000, 100_000)),
            "sequence": st.sampled_from([None, 1]),
            "batch": st.integers(0, 2),
            "soc_pct": st.sampled_from([None, 50.0, 180.0, math.nan]),
            "speed_kmh": st.sampled_from([None, 50.0, 9_000.0]),
        }
    ),
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(MESSAGES, st.integers(0, 2**16))
def test_they_add_up_to_those_of_vehicle_days_in_any_split_and_order(rows: list[dict[str, Any]], seed: int) -> None:
    frame = telemetry(rows)
    first, last = DAY - timedelta(days=2), DAY + timedelta(days=2)
    whole = ImplausibleValues.validate(implausible_values(frame, first, last))
    mixed = frame.sample(fraction=1, shuffle=True, seed=seed)
    days = [first + timedelta(days=n) for n in range(5)]
    pieces = [implausible_values(mixed.filter(pl.col("event_date") == day), day, day) for day in days]
    assert_frame_equal(pl.concat(pieces), whole)
    of_days = vehicle_days(frame, trips(frame, first, last), fleet([]), first, last)
    told = of_days.filter(pl.col("implausible") > 0).select("date", "vehicle_id", "implausible")
    added = whole.group_by("date", "vehicle_id").agg(pl.col("implausible").sum()).sort("date", "vehicle_id")
    assert_frame_equal(added, told)
