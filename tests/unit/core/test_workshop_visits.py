"""From arrivals and departures to visits of a workshop."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import WorkshopVisits
from tests.unit.core.events import CAR, DAYS, FIRST, LAST, MIDNIGHT, VAN, by_windows, events, resent
from transforms.core.workshop_visits import workshop_visits

HOUR = 3600
ORDER = ("vehicle_id", "visit_id")


def told(*rows: tuple[float, str] | tuple[float, str, dict[str, Any]], **more: Any) -> pl.DataFrame:
    """Events of (hours, event[, more])."""
    base = {"visit_id": "W1"} | more
    return events(
        "raw.workshop_visits",
        [base | {"s": row[0] * HOUR, "event": row[1]} | (row[2] if len(row) > 2 else {}) for row in rows],
    )


def visits(frame: pl.DataFrame) -> pl.DataFrame:
    result = WorkshopVisits.validate(workshop_visits(frame, FIRST, LAST))
    hours = (pl.col(n) - MIDNIGHT for n in ("arrived_at", "completed_at"))
    return result.with_columns(hour.dt.total_seconds() / HOUR for hour in hours)


@pytest.mark.parametrize(
    ("rows", "arrived", "completed", "duration_h"),
    [
        ([(9, "arrived"), (12, "completed")], 9, 12, 3),
        ([(9, "arrived")], 9, None, None),
        ([(12, "completed")], None, 12, None),
        # It stays over night, and is said to have arrived and to have left twice.
        ([(9, "arrived"), (10, "arrived"), (33, "completed"), (34, "completed")], 9, 34, 25),
        # A clock that is behind: how long it stayed is not known.
        ([(12, "arrived"), (9, "completed")], 12, 9, None),
        ([(9, "arrived"), (9, "completed")], 9, 9, 0),
    ],
)
def test_what_a_visit_is(
    rows: list[tuple[float, str]], arrived: float | None, completed: float | None, duration_h: float | None
) -> None:
    for frame in (told(*rows), told(*rows[::-1])):
        row = visits(frame).row(0, named=True)
        assert (row["arrived_at"], row["completed_at"]) == (arrived, completed)
        assert row["duration_s"] == (None if duration_h is None else duration_h * HOUR)
        assert row["date"] == FIRST


def test_a_visit_says_why_and_what_was_done() -> None:
    frame = told(
        (9, "arrived", {"reason": "repair", "odometer_km": 100.5}),
        (30, "completed", {"reason": "repair", "codes": "P0562", "parts": "lv_battery"}),
    )
    row = visits(frame).row(0, named=True)
    assert (row["reason"], row["odometer_km"], row["codes"], row["parts"]) == ("repair", 100.5, "P0562", "lv_battery")


def test_visits_and_vehicles_do_not_mix() -> None:
    frames = [told((9, "arrived")), told((10, "completed"), visit_id="W2"),
              told((11, "completed")).with_columns(vehicle_id=pl.lit(VAN))]  # fmt: skip
    assert visits(pl.concat(frames)).select("arrived_at", "completed_at").rows() == [(9, None), (None, 10), (None, 11)]


def test_rows_that_say_nothing_are_left_out() -> None:
    frame = told((9, "arrived"), (12, "completed"))
    holes = [frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name))
             for name in ("vehicle_id", "event_at", "visit_id", "event")]  # fmt: skip
    dirty = pl.concat([frame, *holes, frame.with_columns(event=pl.lit("pondered"))])
    assert_frame_equal(visits(dirty), visits(frame))
    assert_frame_equal(visits(frame.drop("reason", "odometer_km", "codes", "parts")), visits(frame))
    assert visits(frame.clear()).is_empty()


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(st.integers(0, DAYS * 4 - 1).map(lambda n: n * 6 * HOUR), st.integers(0, DAYS * 86_400 - 1)),
            "sequence": st.sampled_from([None, 0, 1]),
            "visit_id": st.sampled_from(["a", "b", "c"]),
            "event": st.sampled_from(["arrived", "completed"]),
            "reason": st.sampled_from([None, "repair", "recall"]),
            "parts": st.sampled_from([None, "x", "y"]),
        }
    ),
    max_size=40,
)


@settings(max_examples=50, deadline=None)
@given(EVENTS, st.integers(0, 2**16))
def test_any_split_and_order_of_the_history_gives_the_same_visits(rows: list[dict[str, Any]], seed: int) -> None:
    whole = events("raw.workshop_visits", rows)
    expected = WorkshopVisits.validate(workshop_visits(whole, FIRST, LAST))
    everything = timedelta(days=DAYS)

    def compute(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
        return workshop_visits(frame, first, last)

    for limits in (range(DAYS + 1), [0, 3, DAYS]):
        parts = by_windows(compute, resent(whole, seed), limits, everything, everything, ORDER)
        assert_frame_equal(parts, expected, check_exact=True)


@settings(max_examples=40, deadline=None)
@given(EVENTS)
def test_every_visit_of_a_vehicle_is_one_row(rows: list[dict[str, Any]]) -> None:
    found = workshop_visits(events("raw.workshop_visits", rows), FIRST, LAST)
    assert sorted({(row["vehicle_id"], row["visit_id"]) for row in rows}) == found.select(ORDER).rows()
