"""The bitmaps of the last 64 days are those of the rows of these days, whatever the window."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.schemas.core import Activity, VehicleDays
from tests.unit.core.registries import day, vehicle_id
from transforms.core.activity import DAYS, activity

_FLAGS = ("active", "reported", "registered")


def vehicle_days(rows: list[tuple[int, str, tuple[bool, bool, bool]]]) -> pl.DataFrame:
    """Rows of core.vehicle_days, as far as activity reads them: day, vehicle and flags."""
    schema = VehicleDays.create_empty().select("date", "vehicle_id", *_FLAGS).schema
    full = [[day(n), vehicle_id(vehicle), *flags] for n, vehicle, flags in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def found(frame: pl.DataFrame, first: date, last: date) -> list[dict[str, Any]]:
    return Activity.validate(activity(frame, first, last)).rows(named=True)


def test_bit_n_is_the_day_n_days_before() -> None:
    frame = vehicle_days(
        [(0, "a", (True, True, False)), (2, "a", (False, True, True)), (3, "a", (True, True, True))]
    )  # fmt: skip
    rows = found(frame, day(2), day(4))
    assert [(row["date"], row["active_days"], row["reported_days"], row["registered_days"]) for row in rows] == [
        (day(2), 0b100, 0b101, 0b001),
        (day(3), 0b1001, 0b1011, 0b011),
        (day(4), 0b10010, 0b10110, 0b110),
    ]


def test_the_oldest_day_is_the_sign_and_then_it_is_forgotten() -> None:
    frame = vehicle_days([(0, "a", (True, True, True))])
    (row,) = found(frame, day(63), day(70))
    assert row["date"] == day(63)
    assert row["active_days"] == row["reported_days"] == -(2**63)
    assert found(frame, day(64), day(64)) == []


def test_nothing_known_is_nothing() -> None:
    assert found(vehicle_days([]), day(0), day(3)) == []


_ROWS = st.dictionaries(
    st.tuples(st.integers(0, 140), st.sampled_from("abc")),
    st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(_ROWS, st.integers(0, 80), st.integers(1, 40))
def test_every_window_gives_what_the_definition_says(
    drawn: dict[tuple[int, str], tuple[bool, bool, bool]], start: int, length: int
) -> None:
    frame = vehicle_days([(n, vehicle, flags) for (n, vehicle), flags in drawn.items()])
    first, last = day(start), day(start + length - 1)
    expected = []
    for number in range(start, start + length):
        for vehicle in "abc":
            bits = [0, 0, 0]
            for back in range(DAYS):
                flags = drawn.get((number - back, vehicle), (False, False, False))
                bits = [held | (flag << back) for held, flag in zip(bits, flags, strict=True)]
            if any(bits):
                signed = [held - 2**64 if held >= 2**63 else held for held in bits]
                expected.append((day(number), vehicle_id(vehicle), *signed))
    within = frame.filter(pl.col("date") >= first - timedelta(days=DAYS - 1)).sample(fraction=1, shuffle=True, seed=1)
    assert Activity.validate(activity(within, first, last)).rows() == expected
