"""What a counter gains is of one trip: the trips of a vehicle together never have more of it than it gained."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.frames import NOON, telemetry
from transforms.core.trips import trips

DAY = NOON.date()


def driven(speeds: list[float], step: int, every: int, off: set[int]) -> tuple[list[dict[str, Any]], float]:
    """Messages of a vehicle and what its odometer gains; it says so in each ``every``-th. With ``off``: ignition off.

    Its counter of fuel gains a litre in ten kilometres.
    """
    rows: list[dict[str, Any]] = []
    km = 1000.0
    for number, kmh in enumerate(speeds):
        km += (speeds[number - 1] + kmh) / 2 * step / 3600 if number else 0.0
        row: dict[str, Any] = {"s": number * step, "speed_kmh": kmh}
        if number % every == 0:
            row |= {"odometer_km": km, "fuel_used_l": km / 10}
        rows.append(row | ({"ignition_on": False} if number in off else {}))
    return rows, km - 1000.0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.0, 30.0, 72.0]), st.integers(1, 40)), min_size=1, max_size=8),
    st.sampled_from([1, 5, 10, 30]),
    st.integers(1, 40),
    st.sets(st.integers(0, 200)),
)
def test_trips_have_no_more_than_the_counters_gained(
    stretches: list[tuple[float, int]], step: int, every: int, off: set[int]
) -> None:
    rows, gain = driven([kmh for kmh, length in stretches for _ in range(length)], step, every, off)
    found = trips(telemetry(rows), DAY, DAY)
    assert found["distance_km"].sum() <= gain + 1e-6
    assert found["fuel_used_l"].sum() <= gain / 10 + 1e-6


def test_a_reading_within_the_trip_before_does_not_count_for_the_next() -> None:
    # 72 km/h for ten minutes, 40 s at rest, and again; the odometer speaks every 250 s, the last time at the end.
    drive = [0.0, *[72.0] * 59, 0.0]
    rows, gain = driven([*drive, *[0.0] * 3, *drive[:-1], 72.0, 0.0], 10, 25, {len(drive) - 1})
    first, second = trips(telemetry(rows), DAY, DAY).rows(named=True)
    assert (first["distance_method"], second["distance_method"]) == ("speed", "speed")
    assert first["distance_km"] + second["distance_km"] == pytest.approx(gain, rel=1e-9)


def test_a_drive_that_is_divided_has_its_distance_once() -> None:
    midnight = NOON - timedelta(hours=13)
    rows = [
        {"event_at": midnight + timedelta(seconds=s + 5), "speed_kmh": 90.0}
        | ({"odometer_km": 5000 + s / 40} if s % 290 == 0 or s == 30 * 3600 else {})
        for s in range(0, 30 * 3600 + 1, 10)
    ]
    found = trips(telemetry(rows), DAY, DAY + timedelta(days=1))
    assert len(found) == 2
    assert found["distance_km"].sum() == pytest.approx(2700, rel=1e-9)
