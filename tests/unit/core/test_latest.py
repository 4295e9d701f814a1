"""The table of last known values: the newest plausible value of each signal, in whatever order it came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import Latest
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from transforms.core.latest import latest

HOUR = 3600


def value(table: pl.DataFrame, column: str) -> tuple[Any, datetime | None]:
    return table.filter(pl.col("vehicle_id") == CAR).select(column, f"{column}_at").row(0)


def test_each_signal_has_its_own_newest_value_and_time() -> None:
    table = Latest.validate(
        latest(
            None,
            telemetry(
                [
                    {"s": 20, "soc_pct": 60.0},
                    {"s": 0, "soc_pct": 70.0, "speed_kmh": 30.0, "ignition_on": True},
                    {"s": 10, "soc_pct": None, "speed_kmh": 40.0},
                    {"s": 30, "soc_pct": 101.0},
                ]
            ),
        )
    )
    assert value(table, "soc_pct") == (60.0, NOON + timedelta(seconds=20))
    assert value(table, "speed_kmh") == (40.0, NOON + timedelta(seconds=10))
    assert value(table, "ignition_on") == (True, NOON)
    assert value(table, "odometer_km") == (None, None)
    assert table.select("first_event_at", "last_event_at").row(0) == (NOON, NOON + timedelta(seconds=30))


def test_zero_zero_is_no_position() -> None:
    rows = [{"s": 0, "latitude_deg": 0.0, "longitude_deg": 7.0}, {"s": 1, "latitude_deg": 0.0, "longitude_deg": 0.0}]
    table = latest(None, telemetry(rows))
    assert (value(table, "latitude_deg"), value(table, "longitude_deg")) == ((0.0, NOON), (7.0, NOON))


def test_of_one_moment_the_greatest_sequence_counts_and_of_resends_the_first() -> None:
    rows = [
        {"s": 0, "sequence": 2, "batch": 3, "soc_pct": 62.0},
        {"s": 0, "sequence": 2, "batch": 1, "soc_pct": 52.0},
        {"s": 0, "sequence": 1, "batch": 0, "soc_pct": 51.0},
        {"s": 0, "sequence": None, "batch": 0, "soc_pct": 50.0},
    ]
    assert value(latest(None, telemetry(rows)), "soc_pct")[0] == 52.0
    assert value(latest(None, telemetry(rows[::-1])), "soc_pct")[0] == 52.0


def test_a_later_message_of_the_same_moment_replaces_the_value_known_so_far() -> None:
    rows = [{"s": 0, "sequence": 1, "soc_pct": 60.0}, {"s": 0, "sequence": 2, "soc_pct": 59.0}]
    table = latest(latest(None, telemetry(rows[:1])), telemetry(rows))
    assert value(table, "soc_pct") == (59.0, NOON)


def test_older_telemetry_fills_what_is_unknown_and_replaces_nothing_newer() -> None:
    table = latest(None, telemetry([{"s": 0, "soc_pct": 60.0}]))
    table = Latest.validate(latest(table, telemetry([{"s": -10, "soc_pct": 70.0, "speed_kmh": 5.0}])))
    assert value(table, "soc_pct") == (60.0, NOON)
    assert value(table, "speed_kmh") == (5.0, NOON - timedelta(seconds=10))
    assert table["first_event_at"].to_list() == [NOON - timedelta(seconds=10)]


def test_nothing_folded_into_nothing_is_an_empty_table() -> None:
    assert Latest.validate(latest(None, telemetry([]))).is_empty()
    assert Latest.validate(latest(Latest.create_empty(), telemetry([]).select("bucket", *_KEYS))).is_empty()


_KEYS = ["vehicle_id", "event_at", "sequence", "batch", "record", "source"]
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.sampled_from([d * 24 * HOUR + s for d in range(3) for s in (0, 1, 2)]),
            "sequence": st.sampled_from([None, 0, 1]),
            "batch": st.integers(0, 3),
            "soc_pct": st.sampled_from([None, 10.0, 20.0, 30.0, 500.0]),
            "ignition_on": st.sampled_from([None, True, False]),
        }
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=30)
@given(MESSAGES, st.randoms(use_true_random=False))
def test_days_folded_in_any_order_again_and_with_late_arrivals_give_the_same_table(
    rows: list[dict[str, Any]], random: Any
) -> None:
    whole = telemetry(rows)
    expected = Latest.validate(latest(None, whole))
    days = whole["event_date"].unique().to_list()
    # Batches arrive one after another; each time, the days they touch are folded as far as they are known.
    table = None
    for arrived in range(4):
        known = whole.filter(pl.col("batch") <= arrived)
        touched = known.filter(pl.col("batch") == arrived)["event_date"].unique().to_list()
        random.shuffle(touched)
        for day in touched:
            today = known.filter(pl.col("event_date") == day)
            table = latest(table, today.sample(fraction=1, shuffle=True, seed=random.randrange(99)))
    for day in random.sample(days, len(days)):
        table = latest(table, whole.filter(pl.col("event_date") == day).lazy())
    assert_frame_equal(latest(table, whole), expected)
    if table is not None:
        assert_frame_equal(table, expected)
