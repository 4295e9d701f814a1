"""How long messages took: classes of lags, of times after the day, copies, feeds, and that no window matters."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import Arrivals
from metrics.kinds.quantile import bucket_of
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from transforms.core.arrivals import arrivals

DAY = NOON.date()
MIDNIGHT = datetime(2026, 3, 11, tzinfo=UTC)


def took(*lags: float, **more: Any) -> pl.DataFrame:
    """Messages a second apart that took so many seconds."""
    return telemetry([{"s": n, "received_at": NOON + timedelta(seconds=n + lag)} | more for n, lag in enumerate(lags)])


def found(frame: pl.DataFrame) -> list[dict[str, Any]]:
    rows = Arrivals.validate(arrivals(frame, DAY, DAY))
    return rows.select("source", "log_bucket", "messages", "messages_after_day").to_dicts()


@pytest.mark.parametrize("lag", [-5.0, 0.0, 0.25, 1.0, 1.02, 7.0, 86_400.0, 40_000_000.0])
def test_classes_are_those_of_quantiles(lag: float) -> None:
    (row,) = [row for row in found(took(lag)) if row["messages"]]
    assert row["log_bucket"] == bucket_of(lag)


def test_messages_of_one_class_add_up() -> None:
    assert found(took(2.0, 2.0, 30.0)) == [
        {"source": "test", "log_bucket": bucket_of(2), "messages": 2, "messages_after_day": 0},
        {"source": "test", "log_bucket": bucket_of(30), "messages": 1, "messages_after_day": 0},
    ]


def test_what_comes_after_the_day_counts_by_the_time_since_its_end() -> None:
    eleven_hours = (MIDNIGHT - NOON).total_seconds()
    rows = found(took(eleven_hours, eleven_hours + 600))
    lags, after = bucket_of(eleven_hours), bucket_of(601)
    # Both times fall into one class of lags; the first came at midnight sharp, and so in its day.
    assert {row["log_bucket"]: (row["messages"], row["messages_after_day"]) for row in rows} == {
        after: (0, 1), lags: (1, 0), bucket_of(eleven_hours + 600): (1, 0)
    }  # fmt: skip


def test_of_copies_the_first_to_arrive_counts() -> None:
    late, early = took(500.0), took(3.0).with_columns(pl.col("record") + 7)
    assert [(row["log_bucket"], row["messages"]) for row in found(pl.concat([late, early]))] == [(bucket_of(3), 1)]


def test_each_feed_by_itself() -> None:
    rows = found(pl.concat([took(3.0), took(3.0, source="cloud")]))
    assert [(row["source"], row["messages"]) for row in rows] == [("cloud", 1), ("test", 1)]


def test_nothing_gives_nothing() -> None:
    assert Arrivals.validate(arrivals(telemetry([]), DAY, DAY)).is_empty()


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.integers(-100_000, 100_000),
            "lag": st.sampled_from([-3.0, 0.5, 8.0, 3_600.0, 90_000.0, 500_000.0]),
            "source": st.sampled_from(["fleet", "cloud"]),
            "sequence": st.sampled_from([None, 1, 2]),
        }
    ),
    max_size=30,
)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    at = ({**row, "received_at": NOON + timedelta(seconds=row["s"] + row["lag"])} for row in rows)
    return telemetry([{name: value for name, value in row.items() if name != "lag"} for row in at])


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.integers(0, 2**16))
def test_any_split_and_order_of_the_messages_gives_the_same_rows(rows: list[dict[str, Any]], seed: int) -> None:
    frame = _frame(rows)
    first, last = DAY - timedelta(days=2), DAY + timedelta(days=2)
    whole = Arrivals.validate(arrivals(frame, first, last))
    mixed = pl.concat([frame, frame.with_columns(pl.col("batch") + 1)]).sample(fraction=1, shuffle=True, seed=seed)
    days = [first + timedelta(days=n) for n in range(5)]
    pieces = [arrivals(mixed.filter(pl.col("event_date") == day), day, day) for day in days]
    assert_frame_equal(pl.concat(pieces), whole)
    alone = [arrivals(frame.filter(pl.col("vehicle_id") == v), first, last) for v in (CAR, VAN)]
    assert_frame_equal(pl.concat(alone).sort(Arrivals.primary_key()), whole)


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_a_plain_restatement(rows: list[dict[str, Any]]) -> None:
    first: dict[Any, float] = {}
    for row in rows:
        key = (row["vehicle_id"], row["s"], row["sequence"], row["source"])
        first[key] = min(row["lag"], first.get(key, row["lag"]))
    counts: Counter[Any] = Counter()
    for (vehicle, s, _, source), lag in first.items():
        at = NOON + timedelta(seconds=s)
        end = datetime(at.year, at.month, at.day, tzinfo=UTC) + timedelta(days=1)
        after = (at + timedelta(seconds=lag) - end).total_seconds()
        counts[at.date(), vehicle, source, bucket_of(lag), "messages"] += 1
        if after > 0:
            counts[at.date(), vehicle, source, bucket_of(after), "messages_after_day"] += 1
    table = arrivals(_frame(rows), DAY - timedelta(days=3), DAY + timedelta(days=3))
    told = {
        (*row[:4], name): row[place]
        for row in table.iter_rows()
        for place, name in ((4, "messages"), (5, "messages_after_day"))
        if row[place]
    }
    assert told == dict(counts)
