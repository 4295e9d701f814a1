"""Whatever a feed sends, core tables keep their contracts: nothing crashes, nothing is NaN, no amount is negative.

And a value that cannot be true is as good as none.
"""

from __future__ import annotations

import math
import warnings
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.schemas.core import Latest, Trips, VehicleDays, Vehicles
from lake.schemas.raw import AutomationEvents
from lake.signals import BY_COLUMN, SIGNALS
from tests.unit.core.charging_frames import charging_events
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from tests.unit.core.test_charging_window import LIVES, Life, frames
from transforms.core.automation import automation_segments
from transforms.core.charging import charging_sessions
from transforms.core.latest import latest
from transforms.core.trips import trips
from transforms.core.vehicle_days import vehicle_days

DAY = NOON.date()
NEXT = DAY + timedelta(days=1)
WRONG = st.sampled_from([float("nan"), float("inf"), -float("inf"), -1.0, 1e300, -1e300, 5e-324, -0.0])


def _values(kind: str, low: float | None, high: float | None) -> st.SearchStrategy[Any]:
    if kind == "bool":
        return st.booleans()
    if kind == "int":
        return st.integers(-(2**62), 2**62)
    assert low is not None
    assert high is not None
    return st.one_of(st.floats(low, high), st.sampled_from([low, high, 0.0]), WRONG)


MESSAGES = st.lists(
    st.builds(
        lambda keys, signals: keys | signals,
        st.fixed_dictionaries(
            {
                "vehicle_id": st.sampled_from([CAR, CAR, VAN]),
                "ms": st.one_of(st.integers(0, 60_000), st.integers(-80_000_000, 80_000_000)),
                "sequence": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 9)),
                "late": st.integers(-(10**9), 10**9),
            }
        ),
        st.fixed_dictionaries({}, optional={s.column: _values(s.kind, s.low, s.high) for s in SIGNALS}),
    ),
    max_size=25,
)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    given_rows = []
    for row in rows:
        at = NOON + timedelta(milliseconds=row["ms"])
        sent = {name: value for name, value in row.items() if name not in ("ms", "late")}
        given_rows.append(sent | {"event_at": at, "received_at": at + timedelta(seconds=row["late"])})
    return telemetry(given_rows)


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_wrong_signals_break_no_contract(rows: list[dict[str, Any]]) -> None:
    frame = _frame(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        driven = Trips.validate(trips(frame, DAY - timedelta(days=1), NEXT))
        days = VehicleDays.validate(vehicle_days(frame, driven, Vehicles.create_empty(), DAY - timedelta(days=1), NEXT))
        known = Latest.validate(latest(None, frame))
    for table in (driven, days, known):
        numbers = table.select(pl.col(pl.Float64))
        assert numbers.select(pl.all().is_finite().fill_null(value=True).all()).row(0) == (True,) * numbers.width
    assert (days["messages_expected"] >= days["messages"]).all()
    assert (days["messages"] + days["duplicates"] + days["conflicts"]).sum() <= len(frame)


def _without_wrong_values(frame: pl.DataFrame) -> pl.DataFrame:
    bounded = [signal for signal in SIGNALS if signal.low is not None]
    return frame.with_columns(
        pl.when(pl.col(s.column).is_between(s.low, s.high)).then(pl.col(s.column)).alias(s.column) for s in bounded
    )


def _tables(frame: pl.DataFrame, told: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every table that reads signals, but for what counts them."""
    first, last = frame["event_date"].min() or DAY, frame["event_date"].max() or DAY
    assert isinstance(first, date)
    assert isinstance(last, date)
    driven = trips(frame, first, last)
    return {
        "trips": driven,
        "vehicle_days": vehicle_days(frame, driven, Vehicles.create_empty(), first, last).drop("implausible"),
        "charging_sessions": charging_sessions(frame, told, first, last),
        "automation_segments": automation_segments(AutomationEvents.create_empty(), frame, first, last),
        "latest": latest(None, frame),
    }


def _assert_equal(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> None:
    for name, table in one.items():
        assert table.equals(other[name]), name


@settings(max_examples=50, deadline=None)
@given(MESSAGES)
def test_a_wrong_value_is_as_good_as_none(rows: list[dict[str, Any]]) -> None:
    frame, told = _frame(rows), charging_events([])
    _assert_equal(_tables(frame, told), _tables(_without_wrong_values(frame), told))


#: Signals on which the others lean.
LEADING = ("speed_kmh", "odometer_km", "soc_pct", "energy_charged_kwh", "battery_power_kw", "automation_level")


@settings(max_examples=20, deadline=None)
@given(LIVES, st.sets(st.sampled_from(LEADING), min_size=1), st.sampled_from([math.nan, 1e9, -1e9]), st.integers(1, 9))
def test_a_signal_that_is_often_wrong_is_as_good_as_none(
    life: Life, columns: set[str], wrong: float, often: int
) -> None:
    said, told = frames(life, (0, []))
    hit = pl.int_range(pl.len()) % often == 0
    damaged = said.with_columns(
        pl.col("speed_kmh").fill_null(0.0), pl.col("odometer_km").fill_null(5000.0)
    ).with_columns(
        pl.when(hit).then(pl.lit(wrong if BY_COLUMN[name].kind == "float" else 99)).otherwise(name).alias(name)
        for name in sorted(columns)
    )
    _assert_equal(_tables(damaged, told), _tables(_without_wrong_values(damaged), told))
