"""Whatever a feed sends, core tables keep their contracts: nothing crashes, nothing is NaN, no amount is negative."""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.schemas.core import Latest, Trips, VehicleDays, Vehicles
from lake.signals import SIGNALS
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
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


@settings(max_examples=150, deadline=None)
@given(MESSAGES)
def test_wrong_signals_break_no_contract(rows: list[dict[str, Any]]) -> None:
    given_rows = []
    for row in rows:
        at = NOON + timedelta(milliseconds=row["ms"])
        sent = {name: value for name, value in row.items() if name not in ("ms", "late")}
        given_rows.append(sent | {"event_at": at, "received_at": at + timedelta(seconds=row["late"])})
    frame = telemetry(given_rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        driven = Trips.validate(trips(frame, DAY - timedelta(days=1), NEXT))
        days = VehicleDays.validate(vehicle_days(frame, driven, Vehicles.create_empty(), DAY - timedelta(days=1), NEXT))
        known = Latest.validate(latest(None, frame))
    for table in (driven, days, known):
        numbers = table.select(pl.col(pl.Float64))
        assert numbers.select(pl.all().is_finite().fill_null(value=True).all()).row(0) == (True,) * numbers.width
    assert (days["messages_expected"] >= days["messages"]).all()
    assert (days["messages"] + days["duplicates"]).sum() == len(frame)
