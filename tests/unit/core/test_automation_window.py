"""An automation segment does not depend on the window it is computed in, nor on the order in which messages came."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import AutomationSegments
from tests.unit.core import frames
from tests.unit.core.events import CAR, END, FIRST, LAST, MIDNIGHT, VAN, days, events, resent
from transforms.core.automation import AutomationRules, automation_segments

HOUR = 3600
DAYS = (LAST - FIRST).days + 1
# Short lengths make every rule meet every other within a few hundred messages; the first are the defaults.
RULES = st.sampled_from(
    [
        AutomationRules(),
        AutomationRules(gap_s=3 * HOUR, standstill_s=5 * HOUR, carry_s=2 * HOUR, sure_s=HOUR, longest_s=6 * HOUR),
        AutomationRules(gap_s=1800, carry_s=4000, sure_s=900, longest_s=2 * HOUR, slack_s=900),
        AutomationRules(sure_s=60, slack_s=1, longest_s=HOUR),
    ]
)
MANNERS = ("engaged", "driver", "on change", "silent", "odometer", "no level")


def drive(vehicle_id: str, start: int, stretches: list[tuple[int, str, int, int]]) -> tuple[list[Any], list[Any]]:
    """Events and telemetry of one vehicle: some lost, some repeated, some contradictory."""
    at = MIDNIGHT + timedelta(seconds=start)
    told: list[dict[str, Any]] = []
    sent: list[dict[str, Any]] = []
    odometer, level = 1000.0, 0
    for pace, manner, length, seed in stretches:
        random = Random(seed)
        for _ in range(length):
            changes = random.random() < 0.15
            level = random.choice([0, 2, 2, 3]) if changes else level
            odometer += random.choice([0.0, 0.5, 1.25]) - (random.random() < 0.02)
            base = {"vehicle_id": vehicle_id, "event_at": at, "sequence": len(sent) + len(told)}
            row: dict[str, Any] = {"ignition_on": random.random() < 0.5} if random.random() < 0.03 else {}
            if manner not in ("silent", "no level") and (manner != "on change" or changes or random.random() < 0.05):
                row["automation_level"] = {"engaged": 2, "driver": 0}.get(manner, level)
            if manner != "odometer" and random.random() < 0.9:
                row["speed_kmh"] = random.choice([0.0, 30.0, 90.0])
            if manner in ("odometer", "on change"):
                row["odometer_km"] = odometer
            if manner != "silent":
                sent.append(base | row)
            if (changes or manner == "silent") and random.random() < 0.6:
                event = random.choice(["engaged", "disengaged", "takeover_requested"])
                reading = random.choice([None, odometer])
                said = random.choice([None, level or 2])
                behind = timedelta(seconds=random.choice([0, 0, 3, 200]))
                told.append(base | {"event_at": at + behind, "event": event, "level": said, "odometer_km": reading})
            if random.random() < 0.95:
                at += timedelta(seconds=pace)
            if random.random() < 0.02:
                at = at.replace(hour=at.hour // 12 * 12, minute=0, second=0) + timedelta(hours=12)
    return [row for row in told if row["event_at"] < END], [row for row in sent if row["event_at"] < END]


STRETCHES = st.lists(
    st.tuples(
        st.sampled_from([10, 60, 300, 301, 900, 3600, 7200, 20_000]),
        st.sampled_from(MANNERS),
        st.integers(1, 60),
        st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=10,
)  # fmt: skip
DRIVES = st.tuples(st.one_of(st.just(0), st.integers(0, 3 * 86_400)), STRETCHES)
Drive = tuple[int, list[tuple[int, str, int, int]]]


def both(car: Drive, van: Drive) -> tuple[pl.DataFrame, pl.DataFrame]:
    parts = drive(CAR, *car), drive(VAN, *van)
    return events("raw.automation_events", parts[0][0] + parts[1][0]), frames.telemetry(parts[0][1] + parts[1][1])


@settings(max_examples=70, deadline=None)
@given(DRIVES, DRIVES, RULES, st.integers(0, 2**16))
def test_any_split_and_order_of_the_history_gives_the_same_segments(
    car: Drive, van: Drive, rules: AutomationRules, seed: int
) -> None:
    told, sent = both(car, van)
    expected = AutomationSegments.validate(automation_segments(told, sent, FIRST, LAST, rules))
    shuffled = resent(told, seed), resent(sent, seed)
    for limits in (range(DAYS + 1), [0, 3, DAYS]):
        parts = []
        for start, stop in pairwise(limits):
            first, last = FIRST + timedelta(days=start), FIRST + timedelta(days=stop - 1)
            around = timedelta(days=1)
            seen = (days(frame, first - around, last + around) for frame in shuffled)
            parts.append(automation_segments(*seen, first, last, rules))
        assert_frame_equal(pl.concat(parts).sort("vehicle_id", "engaged_at"), expected, check_exact=True)


@settings(max_examples=50, deadline=None)
@given(DRIVES, DRIVES, RULES)
def test_segments_do_not_overlap_and_nothing_engaged_is_lost(car: Drive, van: Drive, rules: AutomationRules) -> None:
    told, sent = both(car, van)
    found = automation_segments(told, sent, FIRST, LAST, rules)
    after = pl.col("engaged_at").shift(-1).over("vehicle_id")
    assert found.filter(pl.col("disengaged_at") > after).is_empty()
    longest = max(rules.longest_s, 86_400.0)
    assert (found["duration_s"] <= longest + rules.slack_s).all()
    moments = told.filter(event="engaged").filter((pl.col("level") != 0).fill_null(value=True))
    begun = moments.select("vehicle_id", engaged_at="event_at").unique()
    by_events = found.filter(method="events").select("vehicle_id", "engaged_at")
    assert_frame_equal(by_events, begun, check_row_order=False)
    alone = found.filter(method="signals").select("vehicle_id", event_at="engaged_at")
    assert alone.join(sent, on=["vehicle_id", "event_at"], how="anti").is_empty()
    requests = told.filter(event="takeover_requested").unique(["vehicle_id", "event_at", "sequence"])
    assert found["takeover_requests"].sum() <= len(requests)
