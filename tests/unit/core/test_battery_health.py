"""Usable capacity from charging sessions: what it is, how sure, and that one bad session does not move it far."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import pi, sqrt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import BatteryHealth, ChargingSessions, Vehicles
from tests.unit.core.frames import CAR, VAN
from transforms.core.charging import HealthRules, battery_health

FIRST = date(2026, 3, 1)
DAYS = 12


def session(day: int, capacity: float, *, rise: float = 40.0, **more: Any) -> dict[str, Any]:
    """A session that ends on a day (counted from FIRST) and tells of a capacity."""
    ended = datetime(FIRST.year, FIRST.month, FIRST.day, 6, tzinfo=UTC) + timedelta(days=day)
    started = ended - timedelta(hours=8)
    return {
        "date": started.date(), "vehicle_id": CAR, "started_at": started, "ended_at": ended, "method": "signals",
        "energy_stored_kwh": capacity * rise / 100, "energy_stored_method": "counter", "soc_start_pct": 100.0 - rise,
        "soc_end_pct": 100.0, "interruptions": 0, "interrupted": False,
    } | more  # fmt: skip


def rows_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    empty = ChargingSessions.create_empty()
    if not rows:
        return empty
    return pl.concat([empty, pl.DataFrame(rows, schema_overrides=dict(empty.schema))], how="diagonal")


def registry(capacity: float | None = 60.0) -> pl.DataFrame:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    rows = [{"date": day, "vehicle_id": name, "battery_capacity_kwh": capacity} for day in days for name in (CAR, VAN)]
    empty = Vehicles.create_empty()
    return pl.concat([empty, pl.DataFrame(rows, schema_overrides=dict(empty.schema))], how="diagonal")


def health(rows: list[dict[str, Any]], rules: HealthRules | None = None, new: float | None = 60.0) -> pl.DataFrame:
    last = FIRST + timedelta(days=DAYS - 1)
    return BatteryHealth.validate(battery_health(rows_of(rows), registry(new), FIRST, last, rules))


def newest(rows: list[dict[str, Any]], rules: HealthRules | None = None, new: float | None = 60.0) -> dict[str, Any]:
    return health(rows, rules, new).row(-1, named=True)


def test_the_middle_session_tells() -> None:
    found = newest([session(day, capacity) for day, capacity in enumerate([54.0, 50.0, 55.0])])
    assert (found["capacity_kwh"], found["capacity_new_kwh"], found["sessions"]) == (54, 60, 3)
    assert found["soh_pct"] == pytest.approx(90)
    assert found["date"] == FIRST + timedelta(days=2)
    assert found["newest_session_at"] == datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert found["method"] == "counter"


def test_there_is_a_row_for_each_day_on_which_a_session_speaks() -> None:
    days = [-5, -4, 0, 1, 1, 5]
    assert health([session(day, 54.0) for day in days])["date"].to_list() == [
        FIRST + timedelta(days=day) for day in (0, 1, 5)
    ]
    assert health([session(0, 54.0), session(1, 54.0)]).is_empty()


def test_only_sessions_of_the_window_speak() -> None:
    old = [session(-90, 40.0), session(-89, 41.0)]
    found = health([*old, session(-1, 54.0), session(0, 54.0), session(1, 54.0)])
    assert found["sessions"].to_list() == [3, 3]


@pytest.mark.parametrize(
    "silent",
    [
        {"rise": 19.9},
        {"energy_stored_kwh": None},
        {"energy_stored_kwh": 0.0},
        {"soc_start_pct": None},
        {"ended_at": None},
    ],
)
def test_what_does_not_speak(silent: dict[str, Any]) -> None:
    rows = [session(day, 54.0) for day in range(3)]
    assert health([*rows, session(4, 30.0, **silent)])["date"].max() == FIRST + timedelta(days=2)


def test_a_wider_rise_weighs_more_but_not_without_limit() -> None:
    rows = [session(0, 50.0, rise=20.0), session(0, 51.0, rise=20.0), session(0, 55.0, rise=30.0)]
    rows.append(session(0, 54.0, rise=60.0))
    # Weights 1, 1, 1.5, 1.5 in the order of capacity 50, 51, 54, 55: half of 5 is reached at 54.
    assert newest(rows)["capacity_kwh"] == 54


def test_the_interval() -> None:
    values = [50.0, 52.0, 54.0, 56.0, 58.0]
    found = newest([session(0, value) for value in values])
    half = 1.96 * sqrt(pi / 2) * 1.4826 * 2 / sqrt(5)
    assert found["capacity_kwh"] == 54
    assert found["capacity_high_kwh"] - 54 == pytest.approx(half)
    assert 54 - found["capacity_low_kwh"] == pytest.approx(half)
    assert found["soh_uncertainty_pct"] == pytest.approx(100 * half / 60)


def test_the_interval_is_never_narrower_than_the_resolution_of_soc() -> None:
    found = newest([session(0, 54.0) for _ in range(9)])
    assert found["capacity_high_kwh"] - 54 == pytest.approx(1.96 * 54 / sqrt(6) / 40)


def test_outliers_are_left_out_and_counted() -> None:
    rows = [session(0, 54.0 + number / 10) for number in range(9)]
    found = newest([*rows, session(1, 20.0), session(1, 70.0)])
    assert (found["sessions"], found["outliers"], found["capacity_kwh"]) == (9, 2, 54.4)
    # However alike the others are, what is within 3 % speaks.
    assert newest([*(session(0, 54.0) for _ in range(9)), session(1, 55.5)])["outliers"] == 0


def test_what_no_battery_of_the_kind_holds_is_left_out() -> None:
    rows = [session(0, 54.0), session(0, 54.5), session(0, 55.0)]
    found = newest([*rows, session(0, 54_000.0), session(0, 5.0)])
    assert (found["sessions"], found["outliers"]) == (3, 2)
    assert health([session(0, 54_000.0) for _ in range(9)]).is_empty()
    unknown = newest([session(0, 54_000.0) for _ in range(9)], new=None)
    assert (unknown["capacity_kwh"], unknown["soh_pct"], unknown["capacity_new_kwh"]) == (54_000, None, None)


def test_the_method() -> None:
    power = {"energy_stored_method": "power"}
    assert newest([session(0, 54.0, **power) for _ in range(3)])["method"] == "power"
    assert newest([session(0, 54.0), *(session(0, 54.0, **power) for _ in range(3))])["method"] == "mixed"


CAPACITIES = st.floats(13.0, 89.0)
SESSIONS = st.builds(session, st.integers(-3, 3), CAPACITIES, rise=st.floats(20.0, 95.0))


@settings(max_examples=300, deadline=None)
@given(st.lists(SESSIONS, min_size=3, max_size=20), CAPACITIES, st.floats(20.0, 95.0))
def test_one_session_more_leaves_the_estimate_among_the_others(
    others: list[dict[str, Any]], capacity: float, rise: float
) -> None:
    last = session(4, capacity, rise=rise)
    found = newest([*others, last])["capacity_kwh"]
    told = [100 * one["energy_stored_kwh"] / (100 - one["soc_start_pct"]) for one in others]
    assert min(told) - 1e-9 <= found <= max(told) + 1e-9


LIVES = st.lists(
    st.builds(
        session, st.integers(-95, DAYS - 1), CAPACITIES, rise=st.sampled_from([10.0, 20.0, 33.0, 80.0]),
        vehicle_id=st.sampled_from([CAR, VAN]),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(LIVES, st.sets(st.integers(1, DAYS - 1)), st.sampled_from([HealthRules(), HealthRules(window_days=4)]))
def test_any_split_of_the_history_gives_the_same_rows(
    rows: list[dict[str, Any]], inner: set[int], rules: HealthRules
) -> None:
    # A vehicle has one session at a time.
    whole = rows_of(rows).unique(["vehicle_id", "started_at"], keep="first", maintain_order=True)
    vehicles = registry()
    last = FIRST + timedelta(days=DAYS - 1)
    expected = BatteryHealth.validate(battery_health(whole, vehicles, FIRST, last, rules))
    for bounds in (range(DAYS + 1), [0, *sorted(inner), DAYS]):
        parts = []
        for start, stop in pairwise(bounds):
            low, high = FIRST + timedelta(days=start), FIRST + timedelta(days=stop - 1)
            seen = whole.filter(pl.col("date").is_between(low - rules.context, high))
            known = vehicles.filter(pl.col("date").is_between(low, high))
            parts.append(battery_health(seen.sample(fraction=1, shuffle=True, seed=start), known, low, high, rules))
        assert_frame_equal(pl.concat(parts), expected, check_exact=True)


@pytest.mark.parametrize(
    "wrong", [{"window_days": 0}, {"full_rise_pct": 40}, {"least_sessions": 2}, {"greatest_soh_pct": 200}]
)
def test_rules_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"battery|rise|sessions|soh"):
        HealthRules(**wrong)
