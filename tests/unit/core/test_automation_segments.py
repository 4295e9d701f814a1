"""From automation events and signals to segments."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

from lake.schemas.core import AutomationSegments
from tests.unit.core import frames
from tests.unit.core.events import CAR, FIRST, LAST, MIDNIGHT, VAN, events
from transforms.core.automation import AutomationRules, automation_segments

HOUR = 3600
DAY = 24 * HOUR


def told(*rows: tuple[float, str] | tuple[float, str, dict[str, Any]]) -> pl.DataFrame:
    """Events of (seconds, E engaged, T takeover requested or D disengaged[, more]); engaged at level 2."""
    names = {"E": "engaged", "T": "takeover_requested", "D": "disengaged"}
    return events(
        "raw.automation_events",
        [{"s": row[0], "event": names[row[1]]} | ({"level": 2} if row[1] == "E" else {})
         | (row[2] if len(row) > 2 else {}) for row in rows],
    )  # fmt: skip


def heard(*stretches: tuple[float, float, dict[str, Any]], pace: float = 10) -> pl.DataFrame:
    """A message every ``pace`` seconds, over stretches of (from, to before, what is sent)."""
    rows = []
    for since, until, sent in stretches:
        for n in range(int((until - since) / pace + 0.5)):
            rows.append({"event_at": MIDNIGHT + timedelta(seconds=since + n * pace)} | sent)
    return frames.telemetry(rows)


def engaged(level: int = 2, speed: float = 36.0) -> dict[str, Any]:
    return {"automation_level": level, "speed_kmh": speed}


def found(
    given: pl.DataFrame, telemetry: pl.DataFrame | None = None, *more: str, rules: AutomationRules | None = None
) -> list[tuple[Any, ...]]:
    """(engaged, disengaged, level, end seen, *more) of the segments, times in seconds."""
    telemetry = heard() if telemetry is None else telemetry
    segments = AutomationSegments.validate(automation_segments(given, telemetry, FIRST, LAST, rules))
    times = [(pl.col(name) - MIDNIGHT).dt.total_microseconds() / 1e6 for name in ("engaged_at", "disengaged_at")]
    return segments.select(*times, "level", "end_seen", *more).with_columns(cs.float().round(9)).rows()


OFF = engaged(0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([(1, "E"), (9, "D")], [(1, 9, 2, True)]),
        ([(1, "E"), (9, "D"), (10, "D"), (20, "E"), (30, "D")], [(1, 9, 2, True), (20, 30, 2, True)]),
        ([(9, "D"), (10, "T")], []),
        # A change of level divides.
        ([(1, "E"), (5, "E", {"level": 3}), (9, "D")], [(1, 5, 2, True), (5, 9, 3, True)]),
        # Engaged twice at one level: the disengagement between is not known.
        ([(1, "E"), (5, "E"), (9, "D")], [(1, 5, 2, False), (5, 9, 2, True)]),
        ([(1, "E"), (900, "E"), (909, "D")], [(1, 1, 2, False), (900, 909, 2, True)]),
        # Of several engagements in one moment the last.
        ([(1, "E", {"sequence": 1}), (1, "E", {"level": 3, "sequence": 2}), (9, "D")], [(1, 9, 3, True)]),
        # In one moment, what was engaged ends, and the next begins.
        ([(1, "E"), (5, "D"), (5, "E"), (9, "D")], [(1, 5, 2, True), (5, 9, 2, True)]),
        ([(1, "E", {"level": None}), (9, "D", {"level": 3})], [(1, 9, 3, True)]),
        ([(1, "E", {"level": 9}), (9, "D")], [(1, 9, None, True)]),
        ([(1, "E"), (9, "E", {"level": 0}), (20, "D")], [(1, 9, 2, True)]),
        # Without an end, and nothing else to tell, a segment has no length; with a request to take over, up to it.
        ([(1, "E")], [(1, 1, 2, False)]),
        ([(1, "E"), (7, "T")], [(1, 7, 2, False)]),
        ([(1, "E"), (12 * HOUR + 2, "D")], [(1, 1, 2, False)]),
        ([(1, "E"), (12 * HOUR + 1, "D")], [(1, 12 * HOUR + 1, 2, True)]),
    ],
)  # fmt: skip
def test_segments_by_events_alone(given: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    assert found(told(*given)) == expected
    assert found(told(*given[::-1])) == expected


def test_how_it_ended_and_requests_to_take_over() -> None:
    given = told(
        (1, "E", {"initiator": "driver", "reason": "button"}), (5, "T"), (7, "T"),
        (9, "D", {"initiator": "system", "reason": "weather"}), (10, "T"), (20, "E"), (30, "D"), (40, "E"), (50, "T"),
    )  # fmt: skip
    assert found(given, None, "ended_by", "reason", "takeover_requests", "takeover_s", "method") == [
        (1, 9, 2, True, "system", "weather", 2, 2.0, "events"),
        (20, 30, 2, True, None, None, 0, None, "events"),
        (40, 50, 2, False, None, None, 1, None, "events"),
    ]


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        # Level 0, or another, ends it.
        ([(0, 100, engaged()), (100, 200, OFF)], [(5, 100, 2, True)]),
        # A gap, an ignition off and the end of the trip end it at the last sample before.
        ([(0, 100, engaged()), (391, 400, engaged())], [(5, 90, 2, False)]),
        ([(0, 100, engaged()), (390, 400, engaged()), (400, 500, OFF)], [(5, 400, 2, True)]),
        ([(0, 100, engaged()), (100, 110, {"ignition_on": False}), (110, 200, engaged())], [(5, 90, 2, False)]),
        ([(0, 100, {"speed_kmh": 50.0}), (100, 900, {"speed_kmh": 0.0})], [(5, 90, 2, False)]),
        ([(0, 100, {"speed_kmh": 50.0}), (100, 680, {"speed_kmh": 0.0}), (680, 700, {"speed_kmh": 9.0})],
         [(5, 690, 2, False)]),
        ([(0, 100, {"speed_kmh": 50.0}), (100, 720, {"speed_kmh": 0.0}), (720, 740, {"speed_kmh": 9.0})],
         [(5, 90, 2, False)]),
        # Engaged, it stands in a jam for longer.
        ([(0, 100, engaged()), (100, 900, engaged(2, 0.0)), (900, 910, OFF)], [(5, 900, 2, True)]),
        # A feed that sends the level on change.
        ([(0, 10, engaged()), (10, 600, {"speed_kmh": 50.0}), (600, 700, OFF)], [(5, 600, 2, True)]),
        # Only what comes after the engagement speaks.
        ([(0, 10, OFF), (10, 100, engaged()), (100, 110, OFF)], [(5, 100, 2, True)]),
        ([(0, 100, OFF)], [(5, 10, 2, True)]),
    ],
)  # fmt: skip
def test_an_engagement_without_an_end_is_followed(
    stretches: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]
) -> None:
    assert found(told((5, "E")), heard(*stretches))[:1] == expected


def test_an_engagement_without_an_end_does_not_outlast_the_next() -> None:
    driving = heard((0, 600, engaged()))
    assert found(told((5, "E"), (300, "E"), (400, "D")), driving) == [(5, 300, 2, False), (300, 400, 2, True)]
    assert found(told((5, "E"), (300, "E", {"level": 3}), (400, "D")), driving) == [
        (5, 300, 2, True), (300, 400, 3, True),
    ]  # fmt: skip
    stopped = heard((0, 100, engaged()), (100, 200, OFF), (200, 600, engaged()))
    assert found(told((5, "E"), (300, "E", {"level": 3}), (400, "D")), stopped)[0] == (5, 100, 2, True)


def test_a_late_end_is_checked() -> None:
    given = told((5, "E"), (3700, "D", {"initiator": "driver", "odometer_km": 80.0}))
    names = ("ended_by", "distance_km")
    assert found(given, heard((0, 3800, engaged())), *names) == [(5, 3700, 2, True, "driver", 36.95)]
    lost = heard((0, 100, engaged()), (100, 3000, OFF), (3000, 3690, engaged()), (3690, 3800, OFF))
    assert found(given, lost, *names, "method") == [
        (5, 100, 2, True, None, 0.95, "events"),
        (3000, 3690, 2, True, None, 6.9, "signals"),
    ]
    assert found(given, heard(), *names) == [(5, 3700, 2, True, "driver", None)]
    # A silence is none of another drive unless it is as long.
    silent = heard((0, 100, engaged()), (1000, 3800, engaged()))
    assert found(given, silent, *names) == [(5, 3700, 2, True, "driver", 27.85)]


def test_signals_tell_what_events_do_not() -> None:
    level = heard((0, 100, OFF), (100, 200, engaged()), (200, 300, engaged(3)), (300, 400, OFF), (400, 500, engaged()))
    assert found(told(), level, "method", "distance_km") == [
        (100, 200, 2, True, "signals", 1.0),
        (200, 300, 3, True, "signals", 1.0),
        (400, 490, 2, False, "signals", 0.9),
    ]
    # Events say the same as the first two stretches; the third is not told of.
    given = told((96, "E"), (200, "E", {"level": 3}), (292, "D"))
    assert found(given, level, "method") == [
        (96, 200, 2, True, "events"), (200, 292, 3, True, "events"), (400, 490, 2, False, "signals"),
    ]  # fmt: skip


def test_a_level_that_flickers_is_no_segment() -> None:
    flicker = heard((0, 10, engaged()), (10, 20, OFF), (20, 30, engaged()), (30, 60, OFF))
    assert found(told(), flicker) == []
    assert found(told(), heard((0, 20, engaged()), (20, 30, OFF))) == [(0, 20, 2, True)]


def test_where_only_the_engagement_was_lost_the_rest_is_as_events_say() -> None:
    level = heard((0, 100, OFF), (100, 200, engaged()), (200, 300, OFF))
    given = told((150, "T"), (195, "D", {"initiator": "system", "reason": "fog"}), (250, "D", {"reason": "again"}))
    names = ("ended_by", "reason", "takeover_requests", "takeover_s", "method")
    assert found(given, level, *names) == [(100, 195, 2, True, "system", "fog", 1, 45.0, "signals")]
    # The last sample is a little before the disengagement.
    assert found(told((205, "D")), heard((100, 200, engaged()))) == [(100, 205, 2, True)]
    assert found(told((206, "D")), heard((100, 200, engaged()))) == [(100, 190, 2, False)]


def test_a_level_holds_while_the_vehicle_is_heard() -> None:
    moving = {"speed_kmh": 36.0}
    assert found(told(), heard((0, 10, engaged()), (10, 200, moving), (200, 210, OFF))) == [(0, 200, 2, True)]
    assert found(told(), heard((0, 10, engaged()), (10, 900, moving))) == [(0, 310, 2, False)]
    off = heard((0, 10, engaged()), (10, 20, moving), (20, 30, {"ignition_on": False}), (30, 100, moving))
    assert found(told(), off) == [(0, 20, 2, False)]


def test_a_level_does_not_hold_past_an_ignition_off() -> None:
    moving, off = {"speed_kmh": 36.0}, {"ignition_on": False}
    stretches = ((0, 20, engaged()), (20, 30, off), (30, 60, moving), (60, 100, engaged()), (100, 110, OFF))
    assert found(told(), heard(*stretches)) == [(0, 20, 2, False), (60, 100, 2, True)]


def test_signals_that_go_on_for_long_are_divided() -> None:
    segments = found(told(), heard((8 * HOUR, 50 * HOUR, engaged()), pace=100))
    cuts = [8 * HOUR, 20 * HOUR + 100, 24 * HOUR, 48 * HOUR, 50 * HOUR - 100]
    assert segments == [(a, b, 2, False) for a, b in pairwise(cuts)]


def test_a_part_in_which_no_level_was_said_is_none() -> None:
    once = heard((0, 10, engaged()), (10, 250, {"speed_kmh": 36.0}), (250, 260, OFF))
    assert found(told(), once, rules=AutomationRules(longest_s=60)) == [(0, 70, 2, False)]


def test_a_level_that_was_not_told_is_that_of_signals_within() -> None:
    given = told((5, "E", {"level": None}), (25, "D"))
    assert found(given, heard((10, 20, engaged(3)), (20, 30, OFF))) == [(5, 25, 3, True)]
    assert found(given, heard((30, 40, engaged(3)), (40, 50, OFF))) == [(5, 25, None, True)]


def test_distance_by_odometer_else_by_speed() -> None:
    driving = heard((0, 300, engaged()))
    odometers = ({"odometer_km": 10.0}, {"odometer_km": 12.5})
    both = told((5, "E", odometers[0]), (250, "D", odometers[1]))
    assert found(both, driving, "distance_km") == [(5, 250, 2, True, 2.5)]
    # By speed, over steps in part.
    one = told((5, "E", odometers[0]), (250, "D"))
    assert found(one, driving, "distance_km") == [(5, 250, 2, True, 2.45)]
    # Readings that make no sense.
    for wrong in (9.0, 200.0, float("nan"), -1.0):
        unsound = told((5, "E", odometers[0]), (250, "D", {"odometer_km": wrong}))
        assert found(unsound, driving, "distance_km") == [(5, 250, 2, True, 2.45)]
    rising = driving.with_columns(odometer_km=10 + (pl.col("event_at") - MIDNIGHT).dt.total_seconds() / 100)
    assert found(one, rising, "distance_km") == [(5, 250, 2, True, 2.5)]
    assert found(told((5, "E"), (250, "D")), rising, "distance_km") == [(5, 250, 2, True, 2.45)]
    assert found(told((5, "E"), (250, "D")), rising.drop("speed_kmh"), "distance_km")[0][4] == 2.45
    # Both ends within steps; backwards; and over a hole, which is not bridged.
    assert found(told((5, "E"), (247, "D")), driving, "distance_km") == [(5, 247, 2, True, 2.42)]
    assert found(told((5, "E"), (247, "D")), heard((0, 300, engaged(2, -36.0))), "distance_km")[0][4] == 2.42
    hole = heard((0, 110, engaged()), (900, 1100, engaged()))
    assert found(told((5, "E"), (1005, "D")), hole, "distance_km") == [(5, 1005, 2, True, 2.0)]
    # Readings that fall, or are far, are not read between.
    falls = rising.with_columns(
        odometer_km=pl.col("odometer_km") - (pl.col("event_at") > MIDNIGHT).cast(pl.Float64) / 5
    )
    assert found(told((5, "E"), (250, "D")), falls, "distance_km")[0][4] == 2.45
    far = heard((0, 1000, engaged())).with_columns(
        odometer_km=pl.when(pl.col("event_at").is_in([MIDNIGHT, MIDNIGHT + timedelta(seconds=990)])).then(
            10 + (pl.col("event_at") - MIDNIGHT).dt.total_seconds() / 50
        )
    )
    assert found(told((5, "E"), (905, "D")), far, "distance_km") == [(5, 905, 2, True, 9.0)]
    # Both ends in one step.
    assert found(told((12, "E"), (18, "D")), driving, "distance_km") == [(12, 18, 2, True, 0.06)]


def test_vehicles_do_not_mix() -> None:
    given = pl.concat([told((5, "E")), told((9, "D")).with_columns(vehicle_id=pl.lit(VAN))])
    driving = pl.concat(
        [heard((0, 50, engaged())), heard((40, 90, engaged(3))).with_columns(vehicle_id=pl.lit(VAN))]
    )  # fmt: skip
    assert found(given, driving, "vehicle_id") == [(5, 40, 2, False, CAR), (40, 80, 3, False, VAN)]


def test_rows_that_say_nothing_are_left_out() -> None:
    given = told((1, "E"), (9, "D"))
    holes = [given.with_columns(pl.lit(None, dtype=given.schema[name]).alias(name))
             for name in ("vehicle_id", "event_at", "event")]  # fmt: skip
    expected = [(1, 9, 2, True)]
    assert found(pl.concat([given, *holes, given.with_columns(event=pl.lit("dreamt"))])) == expected
    assert found(given.drop("sequence", "initiator", "reason", "odometer_km")) == expected
    keys = heard((0, 100, {})).select("vehicle_id", "event_at", "sequence", "batch", "record", "source")
    assert found(given, keys) == expected
    level = heard((0, 100, {"automation_level": 2}), (100, 200, {"automation_level": 77}))
    assert found(told(), level) == [(0, 190, 2, False)]


def test_several_messages_of_one_moment_are_one_sample() -> None:
    rows = [
        {"event_at": MIDNIGHT + timedelta(seconds=s), "sequence": n, "batch": b, "automation_level": level}
        for s, n, b, level in (
            (0, 1, 0, 2), (10, 2, 0, 2), (10, 3, 0, None), (20, 5, 0, 0), (20, 4, 0, 2), (30, 6, 1, 3), (30, 6, 0, 0),
            (50, 7, 0, None),
        )
    ]  # fmt: skip
    assert found(told(), frames.telemetry(rows)) == [(0, 20, 2, True)]


def test_the_day_is_that_of_the_engagement() -> None:
    given = told((DAY - 5, "E"), (DAY + 5, "D"))
    for day, expected in ((FIRST, 1), (FIRST + timedelta(days=1), 0)):
        assert len(automation_segments(given, heard(), day, day)) == expected
    assert automation_segments(given, heard(), FIRST, LAST)["date"].to_list() == [date(2026, 3, 1)]


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        AutomationRules(gap_s=0)
    with pytest.raises(ValueError, match="positive"):
        AutomationRules(carry_s=float("nan"))
    with pytest.raises(ValueError, match="longest_s"):
        AutomationRules(longest_s=86_400)
