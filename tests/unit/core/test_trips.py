"""The rules of trips, one by one."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from lake.schemas.core import Trips
from tests.unit.core.frames import CAR, NOON, VAN, speeds, telemetry
from transforms.core.trips import TripRules, trips

DAY = NOON.date()


def spans(frame: pl.DataFrame, rules: TripRules | None = None) -> list[tuple[float, float]]:
    """Start and end of each trip of the day, seconds after ``NOON``."""
    found = Trips.validate(trips(frame, DAY, DAY, rules))
    rows = found.select("started_at", "ended_at").rows()
    return [((a - NOON).total_seconds(), (b - NOON).total_seconds()) for a, b in rows]


def only(frame: pl.DataFrame, rules: TripRules | None = None) -> dict[str, object]:
    """The one trip of the day."""
    found = Trips.validate(trips(frame, DAY, DAY, rules))
    assert len(found) == 1
    return found.row(0, named=True)


# Where trips begin and end


def test_a_trip_lasts_from_the_last_sample_at_rest_to_the_first_at_rest_again() -> None:
    frame = speeds((0, 0), (10, 0), (20, 36), (30, 36), (40, 0), (50, 0))
    trip = only(frame)
    assert spans(frame) == [(10, 40)]
    assert trip["distance_km"] == pytest.approx((0.05 + 0.1 + 0.05), rel=1e-12)
    assert (trip["duration_s"], trip["driving_s"], trip["idle_s"]) == (30, 30, 0)
    assert (trip["max_speed_kmh"], trip["messages"], trip["date"]) == (36, 4, DAY)


def test_without_a_sample_at_rest_the_samples_in_motion_are_the_ends() -> None:
    assert spans(speeds((0, 36), (10, 36), (20, 36))) == [(0, 20)]


def test_a_single_sample_in_motion_is_no_trip() -> None:
    assert spans(speeds((0, 36))) == []
    assert spans(speeds((0, 0), (1000, 36), (2000, 0))) == []


@pytest.mark.parametrize(("gap", "expected"), [(300, [(0, 330)]), (301, [(0, 20), (321, 331)])])
def test_a_gap_longer_than_the_parameter_ends_a_trip(gap: int, expected: list[tuple[float, float]]) -> None:
    assert spans(speeds((0, 0), (10, 36), (20, 36), (20 + gap, 36), (30 + gap, 36))) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([240, 360, 240], [(0, 840)]),  # one message of a slow feed is missing
        ([110, 360, 120], [(0, 110), (470, 590)]),  # too long beside a shorter step
        ([120, 360, 110], [(0, 120), (480, 590)]),
        ([1000, 360, 240], [(1000, 1600)]),  # after a definite gap the step behind decides
        ([1000, 360, 1000], []),  # nothing says that the feed is slow
        ([900, 900, 900], [(0, 2700)]),
        ([901, 901, 901], []),
    ],
)
def test_the_steps_of_a_slow_feed_are_no_gaps(steps: list[int], expected: list[tuple[float, float]]) -> None:
    assert spans(speeds(*((sum(steps[:n]), 36) for n in range(len(steps) + 1)))) == expected


@pytest.mark.parametrize(("rest", "expected"), [(599, 1), (600, 2)])
def test_a_standstill_as_long_as_the_parameter_ends_a_trip(rest: int, expected: int) -> None:
    standing = [(20 + s, 0) for s in (0, 200, 400, rest)]
    frame = speeds((0, 0), (10, 36), *standing, (30 + rest, 36), (40 + rest, 0))
    found = spans(frame)
    assert len(found) == expected
    if expected == 1:
        trip = only(frame)
        assert (trip["driving_s"], trip["idle_s"]) == (40, rest)
    else:
        assert found == [(0, 20), (20 + rest, 40 + rest)]


def test_an_explicit_ignition_off_ends_a_trip_at_that_message() -> None:
    frame = telemetry(
        [
            {"s": 0, "speed_kmh": 36.0},
            {"s": 10, "speed_kmh": 36.0},
            {"s": 20, "speed_kmh": 36.0, "ignition_on": False},
            {"s": 30, "speed_kmh": 36.0},
            {"s": 40, "speed_kmh": 36.0},
        ]
    )
    assert spans(frame) == [(0, 20), (20, 40)]


def test_a_vehicle_that_is_moved_with_its_ignition_off_makes_no_trip() -> None:
    assert spans(speeds((0, 36), (10, 36), (20, 36), ignition_on=False)) == []
    ferry = [{"s": 60 * n, "latitude_deg": 45 + n / 100, "longitude_deg": 7.0, "ignition_on": False} for n in range(4)]
    assert spans(telemetry(ferry)) == []


def test_speed_is_not_carried_past_an_ignition_off() -> None:
    frame = telemetry(
        [
            {"s": 0, "speed_kmh": 36.0},
            {"s": 10, "speed_kmh": 5.0},
            {"s": 20, "ignition_on": False},
            {"s": 30, "soc_pct": 50.0},
            {"s": 40, "soc_pct": 50.0},
        ]
    )
    assert spans(frame) == [(0, 20)]


def test_reverse_is_motion_and_counts_as_distance() -> None:
    trip = only(speeds((0, 0), (10, -7.2), (20, -7.2), (30, 0)))
    assert trip["distance_km"] == pytest.approx(0.04, rel=1e-12)
    assert trip["max_speed_kmh"] == 7.2


def test_vehicles_are_kept_apart() -> None:
    one = speeds((0, 36), (10, 36))
    two = speeds((20, 36), (30, 36), vehicle_id=VAN)
    found = trips(pl.concat([two, one]), DAY, DAY)
    assert found.select("vehicle_id", "messages").rows() == [(CAR, 2), (VAN, 2)]


# Midnight, and drives without end


def test_a_trip_across_midnight_belongs_to_the_day_it_starts() -> None:
    start = datetime(2026, 3, 10, 23, 59, tzinfo=UTC)
    frame = telemetry([{"event_at": start + timedelta(seconds=30 * n), "speed_kmh": 50.0} for n in range(10)])
    assert trips(frame, DAY, DAY)["messages"].to_list() == [10]
    assert trips(frame, DAY + timedelta(days=1), DAY + timedelta(days=1)).is_empty()


def test_a_drive_through_a_whole_half_day_is_divided_at_its_end_and_nothing_is_lost() -> None:
    start = datetime(2026, 3, 10, 10, 0, 50, tzinfo=UTC)
    frame = telemetry([{"event_at": start + timedelta(seconds=100 * n), "speed_kmh": 60.0} for n in range(1100)])
    found = trips(frame, DAY, DAY + timedelta(days=2))
    assert found["started_at"].to_list() == [
        start,
        datetime(2026, 3, 11, 0, 0, 50, tzinfo=UTC),
        datetime(2026, 3, 11, 12, 0, 50, tzinfo=UTC),
    ]
    assert found["distance_km"].sum() == pytest.approx(60 * 1099 * 100 / 3600, rel=1e-12)


# Which distance


def test_a_whole_odometer_counts_first_and_the_other_methods_are_recorded() -> None:
    rows = [
        {"s": 10 * n, "speed_kmh": 36.0, "odometer_km": 1000.05 + 0.11 * n,
         "latitude_deg": 45.0 + 0.0009 * n, "longitude_deg": 7.0}
        for n in range(11)
    ]  # fmt: skip
    trip = only(telemetry(rows))
    assert trip["distance_method"] == "odometer"
    assert trip["distance_km"] == trip["distance_odometer_km"] == pytest.approx(1.1, rel=1e-9)
    assert trip["distance_speed_km"] == pytest.approx(1.0, rel=1e-12)
    assert trip["distance_position_km"] == pytest.approx(10 * 0.0009 * 111.194926645, rel=1e-9)


def _odometer_trip(readings: list[float | None]) -> dict[str, object]:
    rows = [{"s": 10 * n, "speed_kmh": 90.0, "odometer_km": value} for n, value in enumerate(readings)]
    return only(telemetry(rows))


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ([1.5, 1.75, 1.6, 2.5], "it falls"),
        ([1.5, 1.75, 9000.5, 9001.5], "it leaps"),
        ([1.5, None, None, None], "a single reading"),
        ([1.5, 1.75, None, None], "it leaves out the end"),
        ([None, None, 1.5, 1.75], "it leaves out the start"),
        ([1.0, 1.0, 1.0, 2.0], "whole kilometres are too coarse"),
    ],
)
def test_an_odometer_that_does_not_measure_the_trip_does_not_count(readings: list[float | None], why: str) -> None:
    trip = _odometer_trip(readings)
    assert trip["distance_method"] == "speed", why
    assert trip["distance_km"] == pytest.approx(0.75, rel=1e-12)


def test_a_parked_vehicles_last_odometer_reading_holds_until_the_trip() -> None:
    frame = telemetry(
        [
            {"s": 0, "speed_kmh": 0.0, "odometer_km": 10.05},
            {"s": 250, "speed_kmh": 0.0},
            {"s": 260, "speed_kmh": 36.0},
            {"s": 270, "speed_kmh": 36.0, "odometer_km": 10.2},
            {"s": 280, "speed_kmh": 0.0},
        ]
    )
    trip = only(frame)
    assert spans(frame) == [(250, 280)]
    assert trip["distance_km"] == pytest.approx(0.15, rel=1e-9)


def test_speed_sampled_too_rarely_gives_way_to_positions() -> None:
    rows = [{"s": 120 * n, "speed_kmh": 20.0, "latitude_deg": 45.0 + 0.01 * n, "longitude_deg": 7.0} for n in range(6)]
    trip = only(telemetry(rows))
    assert trip["distance_method"] == "position"
    assert trip["distance_km"] == pytest.approx(5 * 1.11194926645, rel=1e-9)
    assert trip["interpolated_km"] == trip["distance_speed_km"] == pytest.approx(20 * 600 / 3600, rel=1e-12)


def test_speed_sampled_rarely_counts_where_there_is_nothing_else() -> None:
    trip = only(speeds((0, 0), (120, 30), (240, 0)))
    assert (trip["distance_method"], trip["distance_km"]) == ("speed", pytest.approx(1.0, rel=1e-12))


def test_interpolated_distance_is_that_of_steps_longer_than_a_hole() -> None:
    trip = only(speeds((0, 36), (10, 36), (22, 36), (35, 36)))
    assert trip["distance_km"] == pytest.approx(0.35, rel=1e-12)
    assert trip["interpolated_km"] == pytest.approx(0.13, rel=1e-12)


def test_a_leap_of_the_position_is_no_distance_and_loses_none() -> None:
    rows = [{"s": 60 * n, "latitude_deg": 45.0 + 0.01 * n, "longitude_deg": 7.0} for n in range(5)]
    rows[2] |= {"latitude_deg": 5.0, "longitude_deg": 0.0}
    assert only(telemetry(rows))["distance_km"] == pytest.approx(4 * 1.11194926645, rel=1e-9)


def test_zero_zero_is_no_position() -> None:
    rows = [{"s": 60 * n, "latitude_deg": 45.0 + 0.01 * n, "longitude_deg": 7.0} for n in range(5)]
    rows[2] |= {"latitude_deg": 0.0, "longitude_deg": 0.0}
    assert only(telemetry(rows))["distance_km"] == pytest.approx(4 * 1.11194926645, rel=1e-6)
    never = [{"s": 10 * n, "speed_kmh": 36.0, "latitude_deg": 0.0, "longitude_deg": -0.0} for n in range(4)]
    trip = only(telemetry(never))
    assert (trip["start_latitude_deg"], trip["end_longitude_deg"], trip["distance_position_km"]) == (None, None, None)
    for row in never:
        row["longitude_deg"] = 7.0  # on the equator
    assert only(telemetry(never))["start_latitude_deg"] == 0.0


def test_half_a_position_is_none() -> None:
    rows = [{"s": 10 * n, "speed_kmh": 36.0, "latitude_deg": 45.0 + 0.001 * n, "longitude_deg": 7.0} for n in range(4)]
    assert only(telemetry(rows))["distance_position_km"] is not None
    del rows[0]["longitude_deg"]
    assert only(telemetry(rows))["distance_position_km"] is None


# Motion without speed


def test_positions_say_motion_where_no_speed_is_sent() -> None:
    latitudes = [45.0, 45.0, 45.01, 45.02, 45.02, 45.02]
    rows = [{"s": 60 * n, "latitude_deg": value, "longitude_deg": 7.0} for n, value in enumerate(latitudes)]
    assert spans(telemetry(rows)) == [(60, 180)]
    assert only(telemetry(rows))["distance_method"] == "position"


def noisy(*metres: float) -> pl.DataFrame:
    """Positions a second apart, north of a place, as a receiver with a noise of 2.5 m gives them."""
    random = Random(8)
    return telemetry(
        [
            {
                "s": s,
                "latitude_deg": 48.85 + (north + random.gauss(0, 2.5)) / 111_195,
                "longitude_deg": 2.35 + random.gauss(0, 2.5) / 73_160,
            }
            for s, north in enumerate(metres)
        ]
    )


def test_a_receiver_that_drifts_at_rest_makes_no_trip() -> None:
    assert spans(noisy(*[0.0] * 3600)) == []


@pytest.mark.parametrize("kmh", [10, 30, 120])
def test_a_drive_of_positions_that_drift_begins_and_ends_where_it_does(kmh: int) -> None:
    way = [kmh / 3.6 * s for s in range(301)]
    ((start, end),) = spans(noisy(*[0.0] * 900, *way, *[way[-1]] * 900))
    assert 880 <= start <= 902
    assert 1198 <= end <= 1220


def test_few_positions_close_in_time_say_motion_where_they_are_far_apart() -> None:
    rows = [{"s": s, "latitude_deg": 45 + km / 111.195, "longitude_deg": 7.0} for s, km in ((0, 0), (5, 0.1), (9, 0.2))]
    assert spans(telemetry(rows)) == [(0, 9)]
    assert spans(telemetry(rows[:2])) == [(0, 5)]


def test_the_odometer_says_motion_where_nothing_else_is_sent() -> None:
    readings = [5.5, 5.5, 6.0, 6.7, 6.7]
    frame = telemetry([{"s": 60 * n, "odometer_km": value} for n, value in enumerate(readings)])
    assert spans(frame) == [(60, 180)]
    assert only(frame)["distance_km"] == pytest.approx(1.2, rel=1e-9)


def test_a_bus_that_is_seen_only_at_its_stops_has_moved_between_them() -> None:
    rows = [{"s": 240 * n, "speed_kmh": 0.0, "latitude_deg": 45.0 + 0.01 * n, "longitude_deg": 7.0} for n in range(6)]
    assert spans(telemetry(rows)) == [(0, 1200)]


# Signals sent on change


def test_a_silent_speed_is_unchanged_within_the_limit() -> None:
    heard = [{"s": 10 * n, "soc_pct": 50.0} for n in range(1, 41)]
    frame = telemetry([{"s": 0, "speed_kmh": 36.0}, *heard])
    assert spans(frame) == [(0, 310)]
    assert spans(frame, TripRules(carry_s=60)) == [(0, 70)]


def test_rows_of_one_moment_are_one_sample() -> None:
    frame = telemetry(
        [
            {"s": 0, "sequence": 0, "latitude_deg": 45.0}, {"s": 0, "sequence": 1, "longitude_deg": 7.0},
            {"s": 0, "sequence": 2, "speed_kmh": 99.0}, {"s": 0, "sequence": 3, "speed_kmh": 36.0},
            {"s": 10, "sequence": 4, "latitude_deg": 45.001}, {"s": 10, "sequence": 5, "longitude_deg": 7.0},
            {"s": 10, "sequence": 6, "speed_kmh": 36.0}, {"s": 10, "sequence": 6, "speed_kmh": 77.0},
        ]
    )  # fmt: skip
    trip = only(frame)
    assert (trip["messages"], trip["max_speed_kmh"]) == (7, 36)
    assert trip["distance_speed_km"] == pytest.approx(0.1, rel=1e-12)
    assert trip["distance_position_km"] == pytest.approx(0.111194926645, rel=1e-9)


def test_values_outside_their_range_are_not_sent() -> None:
    trip = only(speeds((0, 36), (10, 655.35), (20, 36)))
    assert (trip["max_speed_kmh"], trip["distance_km"]) == (36, pytest.approx(0.2, rel=1e-12))


# The frame


def test_no_telemetry_gives_no_trips_with_the_schema() -> None:
    assert Trips.validate(trips(telemetry([]), DAY, DAY)).is_empty()
    assert Trips.validate(trips(speeds((0, 0)).drop("speed_kmh"), DAY, DAY)).is_empty()


def test_order_and_resends_do_not_matter_and_signal_columns_may_be_missing() -> None:
    frame = speeds((0, 0), (10, 36), (20, 36), (30, 0))
    expected = trips(frame, DAY, DAY)
    keys = ["vehicle_id", "event_at", "sequence", "batch", "record", "source", "speed_kmh"]
    resent = pl.concat([frame.with_columns(batch=pl.lit(7, dtype=pl.Int64)), frame]).select(keys)
    assert trips(resent[::-1].lazy(), DAY, DAY).equals(expected)


def test_rules_that_a_day_either_side_cannot_decide_are_refused() -> None:
    with pytest.raises(ValueError, match="two days"):
        TripRules(standstill_s=50_000)
    with pytest.raises(ValueError, match="positive"):
        TripRules(gap_s=0)


def test_days_outside_are_not_returned() -> None:
    frame = speeds((0, 36), (10, 36))
    assert trips(frame, date(2026, 3, 11), date(2026, 3, 12)).is_empty()
    assert len(trips(frame, date(2026, 3, 9), date(2026, 3, 11))) == 1


def test_every_parameter_and_its_default_are_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "core.md").read_text()
    for parameter in fields(TripRules):
        assert f"| `{parameter.name}` | {parameter.default:g} " in text
