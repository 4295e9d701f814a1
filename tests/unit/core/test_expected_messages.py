"""How many messages a vehicle sent, by its own count, and how many came late."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from lake.schemas.core import VehicleDays, Vehicles
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from transforms.core.trips import trips
from transforms.core.vehicle_days import DayRules, vehicle_days

DAY = NOON.date()
ONE = timedelta(days=1)
YESTERDAY = -86_400


def expected(rows: list[dict[str, Any]], rules: DayRules | None = None) -> tuple[int, int]:
    """Messages of the day, and messages expected."""
    frame = telemetry(rows)
    found = vehicle_days(frame, trips(frame, DAY - ONE, DAY), Vehicles.create_empty(), DAY, DAY, rules)
    (day,) = VehicleDays.validate(found).rows(named=True)
    return day["messages"], day["messages_expected"]


def numbered(*numbers: int | None, s: int = 0) -> list[dict[str, Any]]:
    return [{"s": s + 60 * n, "sequence": number} for n, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("yesterday", "today", "missing"),
    [
        ([], [7, 8, 9], 0),
        ([], [7, 8, 9, 12, 13], 2),
        ([41, 42, 43, 44], [47, 48, 49, 52, 53], 4),  # behind midnight and within
        ([41, 44, 45, 46], [47, 48], 0),  # what is missing yesterday counts yesterday
        ([41, 42, 43], [44, 45, 48, 46, 47, 49], 0),  # out of order, and nothing missing
        ([41, 42, 43], [44, 45, 46, 48, 47, 50, 51], 1),  # out of order, and 49 missing
        ([41, 44, 45, 46, 47, 48], [50, 49, 51, 52], 0),  # out of order, and what is missing is of yesterday
        ([97, 98, 99, 100, 101, 102], [1, 2, 3, 4, 5, 8, 9], 2),  # the count starts again
        ([], [97, 98, 99, 100, 101, 102, 0, 1, 2, 3, 4], 0),
        ([], [0, 1, 2, 4, 5, 0, 1, 3, 4, 5, 0, 2, 3, 4, 5], 3),  # it starts again at each drive, and each lacks another
        ([0, 1, 2, 4, 5], [0, 1, 2, 3, 4, 0, 1, 3, 4], 1),  # what yesterday's last run lacks counts yesterday
        ([], [65_533, 65_534, 65_535, 1, 2, 4, 5], 1),  # it overflows, and what is lost there is not known
        ([41, 42, None], [45, 46, 47], 0),  # not every message has a number
        ([], [1, 2, 3, 4, 200_000, 200_001], 0),  # a leap is no gap
        ([], [10, 20, 30, 41, 50, 62], 0),  # numbers of many vehicles
        ([], [3, 3, 3, 3], 0),
        ([], [2**63 - 1, -(2**63), 0, 5], 0),
    ],
)
def test_gaps_count_on_the_day_of_the_message_behind_them(
    yesterday: list[int | None], today: list[int | None], missing: int
) -> None:
    messages, sent = expected([*numbered(*yesterday, s=YESTERDAY), *numbered(*today)])
    assert (messages, sent - messages) == (len(today), missing)


def test_numbers_of_the_rows_of_a_moment_are_no_count() -> None:
    rows = [{"s": 60 * n, "sequence": row} for n in range(20) for row in range(6) if (n + row) % 5]
    assert expected(rows) == (len(rows), len(rows))


def test_hashes_are_no_count() -> None:
    random = Random(1)
    for top in (256, 65_536, 2**62):
        assert expected(numbered(*(random.randrange(top) for _ in range(200)))) == (200, 200)


def test_each_feed_of_a_vehicle_has_its_own_count() -> None:
    telematics = [row | {"source": "telematics"} for row in numbered(5, 6, 7, 8, 9, 11, 12, 13, s=YESTERDAY)]
    telematics += [row | {"source": "telematics"} for row in numbered(14, 15, 17, 18, 19, 20, 21)]
    cloud = [row | {"s": 4 * row["s"] + 30, "source": "cloud"} for row in numbered(1000, 1001, 1004)]
    assert expected([*telematics, *cloud]) == (10, 13)
    # One that has no numbers does not keep the other from counting.
    silent = [{key: value for key, value in row.items() if key != "sequence"} for row in cloud]
    assert expected([*telematics, *silent]) == (10, 11)
    # A feed that was heard yesterday alone lacks nothing today.
    assert expected([*telematics, *numbered(1, 2, s=YESTERDAY)]) == (7, 8)


def test_copies_do_not_fill_gaps_and_vehicles_do_not_either() -> None:
    rows = [*numbered(1, 2, 3, 6, 7), {"s": 120, "sequence": 3, "batch": 1}]
    assert expected(rows) == (5, 7)
    frame = telemetry([*rows, *(row | {"vehicle_id": VAN, "sequence": row["sequence"] + 3} for row in rows[:3])])
    found = vehicle_days(frame, trips(frame, DAY, DAY), Vehicles.create_empty(), DAY, DAY)
    assert found.select("vehicle_id", "messages_expected").rows() == [(CAR, 7), (VAN, 3)]


def test_after_a_silent_day_the_count_begins_anew() -> None:
    assert expected([*numbered(1, 2, 3, s=2 * YESTERDAY), *numbered(9, 10)]) == (2, 2)


def test_the_length_of_a_gap_is_a_parameter() -> None:
    rows = numbered(1, 2, 3, 4, 10, 11)
    assert expected(rows, DayRules(longest_gap=5)) == (6, 11)
    assert expected(rows, DayRules(longest_gap=4)) == (6, 6)


def test_late_messages_are_those_behind_the_limit() -> None:
    rows = [{"s": s, "received_at": NOON + timedelta(seconds=s + lag)} for s, lag in ((0, 3600), (1, 3601), (2, -50))]
    frame = telemetry([*rows, rows[1] | {"batch": 1, "received_at": NOON + ONE}])
    found = vehicle_days(frame, trips(frame, DAY, DAY), Vehicles.create_empty(), DAY, DAY).row(0, named=True)
    assert (found["messages"], found["messages_late"], found["duplicates"]) == (3, 1, 1)
    assert (found["lag_max_s"], found["lag_sum_s"]) == (3601, 7151)
