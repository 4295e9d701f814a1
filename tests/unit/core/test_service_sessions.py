"""From the events of connected services to sessions."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import ServiceSessions
from lake.schemas.raw.events import SERVICE_EVENTS
from tests.unit.core.events import CAR, DAYS, FIRST, LAST, MIDNIGHT, VAN, by_windows, events, resent
from transforms.core.service_sessions import SessionRules, service_sessions

MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR
ORDER = ("vehicle_id", "started_at", "service", "session_id")
LETTERS = {"S": "session_started", "U": "used", "E": "session_ended"}


def uses(*rows: tuple[float, str] | tuple[float, str, dict[str, Any]], **more: Any) -> pl.DataFrame:
    """Events of (minutes, S, U or E[, more])."""
    told = [
        {"s": row[0] * MINUTE, "event": LETTERS[row[1]], "service": "media"} | more | (row[2] if len(row) > 2 else {})
        for row in rows
    ]
    return events("raw.service_events", told)


def sessions(frame: pl.DataFrame) -> pl.DataFrame:
    result = ServiceSessions.validate(service_sessions(frame, FIRST, LAST))
    times = (pl.col(name) - MIDNIGHT for name in ("started_at", "ended_at"))
    return result.with_columns(time.dt.total_microseconds() / 6e7 for time in times)


def found(frame: pl.DataFrame) -> list[tuple[float, float, int, bool]]:
    """(start, end, uses, end seen), times in minutes."""
    return sessions(frame).select("started_at", "ended_at", "uses", "end_seen").rows()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(1, "S"), (5, "U"), (9, "E")], [(1, 9, 1, True)]),
        ([(1, "S"), (5, "U"), (7, "U")], [(1, 7, 2, False)]),
        ([(5, "U")], [(5, 5, 1, False)]),
        ([(9, "E")], [(9, 9, 0, True)]),
        # Half an hour without an event ends a session, an end does, and a start begins one.
        ([(1, "U"), (31, "U"), (61, "U")], [(1, 61, 3, False)]),
        ([(1, "U"), (31.1, "U")], [(1, 1, 1, False), (31.1, 31.1, 1, False)]),
        ([(1, "S"), (5, "E"), (6, "U"), (7, "U")], [(1, 5, 0, True), (6, 7, 2, False)]),
        ([(1, "U"), (5, "S"), (6, "U")], [(1, 1, 1, False), (5, 6, 1, False)]),
        # An end belongs to what it ends, also hours later.
        ([(1, "S"), (300, "E")], [(1, 300, 0, True)]),
        ([(1, "S"), (300, "E"), (600, "E")], [(1, 300, 0, True), (600, 600, 0, True)]),
        # What happens in one moment is not divided.
        ([(5, "S"), (5, "U"), (5, "E")], [(5, 5, 1, True)]),
        ([(5, "E", {"sequence": 1}), (5, "S", {"sequence": 2}), (9, "E")], [(5, 9, 0, True)]),
    ],
)
def test_sessions_without_a_name(told: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert found(uses(*told)) == expected
    assert found(uses(*told[::-1])) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(1, "S"), (500, "U"), (900, "E")], [(1, 900, 1, True)]),
        ([(1, "U"), (1441, "E")], [(1, 1441, 1, True)]),
        ([(1, "U"), (1442, "E")], [(1, 1, 1, False), (1442, 1442, 0, True)]),
        # An end before the last use: the end was told.
        ([(1, "S"), (5, "E"), (6, "U")], [(1, 5, 1, True)]),
        # A name in use for days: divided after a day, and then at midnight.
        ([(600 * n, "U") for n in range(1, 9)],
         [(600, 1800, 3, False), (2400, 2400, 1, False), (3000, 4200, 3, False), (4800, 4800, 1, False)]),
    ],
)  # fmt: skip
def test_sessions_with_a_name(told: list[tuple[float, str]], expected: list[tuple[Any, ...]]) -> None:
    assert found(uses(*told, session_id="x")) == expected


def test_names_services_and_vehicles_do_not_mix() -> None:
    frames = [
        uses((1, "S"), (9, "E"), session_id="a"), uses((2, "S"), (8, "E"), session_id="b"), uses((3, "U"), (7, "U")),
        uses((4, "U"), (6, "U"), service="social"), uses((5, "U"), (5.5, "U")).with_columns(vehicle_id=pl.lit(VAN)),
    ]  # fmt: skip
    assert [row[:2] for row in found(pl.concat(frames))] == [(1, 9), (2, 8), (3, 7), (4, 6), (5, 5.5)]


def test_what_was_used_and_by_whom() -> None:
    frame = uses(
        (1, "S"), (2, "U", {"feature": "radio"}), (3, "U", {"feature": "film", "account_id": "a" * 32}),
        (4, "U", {"feature": "radio", "account_id": "b" * 32}), (5, "E"), (90, "U"),
    )  # fmt: skip
    assert sessions(frame).select("features", "account_id", "uses", "duration_s").rows() == [
        ("film,radio", "a" * 32, 3, 240.0),
        (None, None, 1, 0.0),
    ]


def test_rows_that_say_nothing_are_left_out() -> None:
    frame = uses((1, "S"), (2, "U"), (3, "E"))
    holes = [frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name))
             for name in ("vehicle_id", "event_at", "service", "event")]  # fmt: skip
    expected = [(1, 3, 1, True)]
    assert found(pl.concat([frame, *holes, frame.with_columns(event=pl.lit("dreamt"))])) == expected
    assert found(frame.drop("sequence", "session_id", "feature", "account_id")) == expected
    assert found(frame.clear()) == []


def test_parameters_that_make_no_sense_are_refused() -> None:
    for inactivity_s, longest_s in ((0.0, 60.0), (61.0, 60.0), (float("nan"), 60.0)):
        with pytest.raises(ValueError, match="inactivity_s"):
            SessionRules(inactivity_s, longest_s)


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(
                st.integers(0, DAYS * 8 - 1).map(lambda n: n * 3 * HOUR),
                st.integers(0, DAYS * 48 - 1).map(lambda n: n * 1800),
                st.integers(DAY, DAY + 4 * HOUR),
                st.integers(0, DAYS * DAY - 1),
            ),
            "sequence": st.sampled_from([None, 0, 1]),
            "service": st.sampled_from(["media", "media", "social"]),
            "event": st.sampled_from(SERVICE_EVENTS),
            "session_id": st.sampled_from([None, None, "x", "y"]),
            "feature": st.sampled_from([None, "film", "radio"]),
        }
    ),
    max_size=80,
)  # fmt: skip
RULES = st.sampled_from([SessionRules(), SessionRules(3 * HOUR, 20 * HOUR), SessionRules(6 * HOUR, 6 * HOUR)])


def often(name: str | None, pace: int, count: int) -> list[dict[str, Any]]:
    """A service that is used for days without a pause."""
    return [
        {"s": 5 * HOUR + n * pace, "service": "media", "event": "used", "session_id": name}
        for n in range(count)
        if 5 * HOUR + n * pace < DAYS * DAY
    ]


OFTEN = st.builds(
    often, st.sampled_from([None, "x"]), st.sampled_from([1000, 1800, 2 * HOUR, 5 * HOUR, DAY]), st.integers(0, 400)
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(EVENTS, OFTEN, RULES, st.integers(0, 2**16))
def test_any_split_and_order_of_the_history_gives_the_same_sessions(
    rows: list[dict[str, Any]], often: list[dict[str, Any]], rules: SessionRules, seed: int
) -> None:
    whole = events("raw.service_events", rows + often)
    expected = ServiceSessions.validate(service_sessions(whole, FIRST, LAST, rules))
    longest = expected["ended_at"] - expected["started_at"]
    assert (longest.dt.total_seconds() <= max(rules.longest_s, DAY)).all()

    def compute(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
        return service_sessions(frame, first, last, rules)

    for limits in (range(DAYS + 1), [0, 3, DAYS]):
        parts = by_windows(compute, resent(whole, seed), limits, rules.back, rules.forward, ORDER)
        assert_frame_equal(parts, expected, check_exact=True)


def test_two_things_used_in_one_moment_are_two_uses() -> None:
    frame = uses((1, "U", {"feature": "lock"}), (1, "U", {"feature": "horn"}), (1, "U", {"feature": "horn"}))
    assert sessions(frame).select("uses", "features").rows() == [(2, "horn,lock")]


@settings(max_examples=40, deadline=None)
@given(EVENTS, OFTEN, RULES)
def test_every_use_is_counted_once(
    rows: list[dict[str, Any]], often: list[dict[str, Any]], rules: SessionRules
) -> None:
    found = service_sessions(events("raw.service_events", rows + often), FIRST, LAST, rules)
    key = ("vehicle_id", "s", "sequence", "service", "event", "session_id", "feature")
    distinct = {tuple(row.get(name, CAR if name == "vehicle_id" else None) for name in key) for row in rows + often}
    assert found["uses"].sum() == sum(1 for row in distinct if row[4] == "used")
