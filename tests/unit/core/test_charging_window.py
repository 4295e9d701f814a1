"""A charging session does not depend on the window it is computed in, nor on the order in which its messages came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import ChargingSessions
from tests.unit.core.charging_frames import charging_events
from tests.unit.core.frames import CAR, VAN, telemetry
from transforms.core.charging import ChargingRules, charging_sessions
from transforms.core.trips import trips

FIRST = date(2026, 3, 1)
DAYS = 9
LAST = FIRST + timedelta(days=DAYS - 1)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
END = MIDNIGHT + timedelta(days=DAYS)

# Short rules make every rule meet every other within a few messages, and a longest session meet its neighbours.
SHORT = ChargingRules(
    pause_s=1800, longest_s=14_400, hold_s=7200, step_s=5400, jitter_s=600, rise_window_s=3600, flat_s=3600
)
RULES = st.sampled_from([ChargingRules(), SHORT, ChargingRules(longest_s=50_000), ChargingRules(jitter_s=900)])
PACES = (60, 600, 900, 901, 1800, 3600, 7200, 21_600, 43_200, 86_400)
MANNERS = ("says", "on change", "counter", "soc", "power", "all", "drives", "silent", "stuck")
TELLERS = ("numbered", "bare", "one number", "nothing", "both")


@dataclass(frozen=True)
class Stretch:
    """Messages of one pace and manner; ``seed`` decides their values."""

    pace: int
    manner: str
    teller: str
    length: int
    seed: int


STRETCHES = st.lists(
    st.builds(
        Stretch, st.sampled_from(PACES), st.sampled_from(MANNERS), st.sampled_from(TELLERS), st.integers(1, 40),
        st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip
LIVES = st.tuples(st.one_of(st.sampled_from([0, 43200, 86400]), st.integers(0, 3 * 86400)), STRETCHES)
Life = tuple[int, list[Stretch]]
Rows = list[dict[str, Any]]


def live(vehicle_id: str, start: int, stretches: list[Stretch]) -> tuple[Rows, Rows]:
    """Messages and events of one vehicle: charging, driving and silent, resent, missing, out of step."""
    at = MIDNIGHT + timedelta(seconds=start)
    told: Rows = []
    said: Rows = []
    soc, counter, odometer, sequence = 40.0, 1000.0, 5000.0, 0
    for number, stretch in enumerate(stretches):
        random = Random(stretch.seed)
        manner = stretch.manner
        for _ in range(stretch.length):
            charges = manner not in ("drives", "silent") and random.random() < 0.8
            gained = random.choice([0.0, 0.1, 1.0, 7.0]) if charges else 0.0
            soc = min(soc + gained, 100.0) if manner != "drives" else max(soc - random.choice([0.0, 2.0]), 5.0)
            counter += gained / 2
            odometer += 3.0 if manner == "drives" else 0.0
            sent: dict[str, Any] = {}
            if manner in ("says", "all", "stuck") or (manner == "on change" and random.random() < 0.3):
                sent["charging_on"] = manner == "stuck" or charges
                sent["charging_cable_on"] = charges or random.random() < 0.5
            if manner in ("soc", "all", "drives") or random.random() < 0.1:
                sent["soc_pct"] = soc if random.random() < 0.95 else random.choice([0.0, 100.0, 255.0, float("nan")])
            if manner in ("counter", "all"):
                sent["energy_charged_kwh"] = counter
            if manner in ("power", "all"):
                sent["battery_power_kw"] = random.choice([-1.0, 3.0, 7.0, 50.0, 120.0]) if charges else 0.0
            if manner == "drives":
                sent |= {"odometer_km": odometer, "speed_kmh": random.choice([0.0, 50.0])}
            said.append({"vehicle_id": vehicle_id, "event_at": at, "sequence": sequence, **sent})
            if random.random() < 0.05:
                said.append(dict(said[-1]))
            if stretch.teller != "nothing" and random.random() < 0.4:
                session = {"numbered": f"s{number}", "one number": "s", "both": random.choice(["s", None])}
                told.append(
                    {
                        "vehicle_id": vehicle_id,
                        "event_at": at + timedelta(seconds=random.choice([0, 0, 1, 200, 300])),
                        "sequence": sequence,
                        "event": random.choice(["plugged", "started", "started", "stopped", "stopped", "unplugged"]),
                        "session_id": session.get(stretch.teller),
                        "energy_kwh": random.choice([None, counter - 1000]),
                        "soc_pct": random.choice([None, soc]),
                        "power_kw": random.choice([None, 7.0, 60.0]),
                        "reason": random.choice([None, "fault", "user"]),
                    }
                )
                if random.random() < 0.1:
                    told.append(dict(told[-1]))
            sequence += 1
            if random.random() < 0.9:
                at += timedelta(seconds=stretch.pace)
            if random.random() < 0.03:
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
    return [row for row in said if row["event_at"] < END], [row for row in told if row["event_at"] < END]


def frames(car: Life, van: Life) -> tuple[pl.DataFrame, pl.DataFrame]:
    said, told = (one + two for one, two in zip(live(CAR, *car), live(VAN, *van), strict=True))
    return telemetry(said), charging_events(told)


def whole_days(reach: timedelta) -> timedelta:
    """Whole days that hold a stretch of time."""
    return timedelta(days=-(-reach // timedelta(days=1)))


def days(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    return frame.filter(pl.col("event_date").is_between(first, last))


def by_windows(
    said: pl.DataFrame, told: pl.DataFrame, bounds: list[int], rules: ChargingRules, driven: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Sessions computed range by range, each from the rows of its own days and the days around that matter."""
    back, forward = whole_days(rules.back), whole_days(rules.forward)
    parts = []
    for start, stop in pairwise(bounds):
        first, last = FIRST + timedelta(days=start), FIRST + timedelta(days=stop - 1)
        seen = (days(frame, first - back, last + forward) for frame in (said, told))
        near = pl.col("date").is_between(first - back - timedelta(days=1), last + forward)
        of_days = None if driven is None else driven.filter(near)
        parts.append(charging_sessions(*seen, first, last, rules, trips=of_days))
    return pl.concat(parts).sort("vehicle_id", "started_at")


ALL = list(range(DAYS + 1))


@settings(max_examples=40, deadline=None)
@given(LIVES, LIVES, RULES, st.sets(st.integers(1, DAYS - 1)), st.integers(0, 2**32))
def test_any_split_of_the_history_gives_the_same_sessions(
    car: Life, van: Life, rules: ChargingRules, inner: set[int], seed: int
) -> None:
    said, told = frames(car, van)
    expected = ChargingSessions.validate(charging_sessions(said, told, FIRST, LAST, rules))
    shuffled = [frame.sample(fraction=1, shuffle=True, seed=seed) for frame in (said, told)]
    assert_frame_equal(by_windows(*shuffled, ALL, rules), expected, check_exact=True)
    assert_frame_equal(by_windows(said, told, [0, *sorted(inner), DAYS], rules), expected, check_exact=True)


@settings(max_examples=30, deadline=None)
@given(LIVES, LIVES, RULES, st.sets(st.integers(1, DAYS - 1)))
def test_any_split_gives_the_same_sessions_beside_trips(
    car: Life, van: Life, rules: ChargingRules, inner: set[int]
) -> None:
    said, told = frames(car, van)
    driven = trips(said, FIRST - timedelta(days=9), LAST + timedelta(days=9))
    expected = charging_sessions(said, told, FIRST, LAST, rules, trips=driven)
    assert_frame_equal(by_windows(said, told, ALL, rules, driven), expected, check_exact=True)
    assert_frame_equal(by_windows(said, told, [0, *sorted(inner), DAYS], rules, driven), expected, check_exact=True)


def overlapping(sessions: pl.DataFrame) -> pl.DataFrame:
    """Sessions that start before the one before them ends, that end before they start, or charge for longer."""
    ended = pl.col("ended_at").shift(1).over("vehicle_id")
    length = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    return sessions.sort("vehicle_id", "started_at").filter(
        (ended > pl.col("started_at")) | (length < 0) | (pl.col("duration_s") > length)
    )


@settings(max_examples=150, deadline=None)
@given(LIVES, LIVES, RULES)
def test_a_vehicle_has_one_session_at_a_time(car: Life, van: Life, rules: ChargingRules) -> None:
    assert overlapping(charging_sessions(*frames(car, van), FIRST, LAST, rules)).is_empty()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LIVES, LIVES, RULES)
def test_a_vehicle_does_not_see_the_others(
    monkeypatch: pytest.MonkeyPatch, car: Life, van: Life, rules: ChargingRules
) -> None:
    said, told = frames(car, van)
    expected = charging_sessions(said, told, FIRST, LAST, rules)
    alone = [
        charging_sessions(*(frame.filter(vehicle_id=name) for frame in (said, told)), FIRST, LAST, rules)
        for name in (CAR, VAN)
    ]
    assert_frame_equal(pl.concat(alone), expected, check_exact=True)
    with monkeypatch.context() as patched:
        patched.setattr("transforms.core.charging.sessions._PIECE", 1)
        assert_frame_equal(charging_sessions(said, told, FIRST, LAST, rules), expected, check_exact=True)


@settings(max_examples=25, deadline=None)
@given(LIVES, RULES, st.integers(0, 2**32))
def test_late_messages_restate_only_the_days_within_reach(car: Life, rules: ChargingRules, seed: int) -> None:
    said, told = frames(car, (0, []))
    random = Random(seed)
    late = FIRST + timedelta(days=random.randrange(DAYS))
    before = [
        frame.filter((pl.col("event_date") != late) | (pl.int_range(pl.len()) % 2 == 0)) for frame in (said, told)
    ]
    first, restated = (charging_sessions(*pair, FIRST, LAST, rules) for pair in (before, (said, told)))
    outside = ~pl.col("date").is_between(late - whole_days(rules.forward), late + whole_days(rules.back))
    assert_frame_equal(first.filter(outside), restated.filter(outside), check_exact=True)
    # Recomputing the days within reach, and keeping the others, gives what the whole history gives.
    again = by_windows(said, told, ALL, rules).filter(~outside)
    assert_frame_equal(
        pl.concat([first.filter(outside), again]).sort("vehicle_id", "started_at"), restated, check_exact=True
    )
