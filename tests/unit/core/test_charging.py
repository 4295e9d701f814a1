"""What makes a charging session, rule by rule."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from lake.schemas.core import ChargingSessions
from tests.unit.core.charging_frames import at, charging_events
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from transforms.core.charging import ChargingRules, charging_sessions
from transforms.core.trips import trips

Rows = list[dict[str, Any]]


def sessions(said: Rows | None = None, told: Rows | None = None, rules: ChargingRules | None = None) -> pl.DataFrame:
    """Sessions of telemetry (``h``: hours after NOON) and events, of the week around NOON."""
    rows = [row | {"s": row["h"] * 3600} for row in said or []]
    frame = telemetry([{name: value for name, value in row.items() if name != "h"} for row in rows])
    week = timedelta(days=4)
    found = charging_sessions(frame, charging_events(told or []), (NOON - week).date(), (NOON + week).date(), rules)
    return ChargingSessions.validate(found)


def one(said: Rows | None = None, told: Rows | None = None, rules: ChargingRules | None = None) -> dict[str, Any]:
    found = sessions(said, told, rules)
    assert len(found) == 1, found
    return found.row(0, named=True)


def says(*pairs: tuple[float, bool], **more: Any) -> Rows:
    return [{"h": h, "charging_on": on} | more for h, on in pairs]


def events(*pairs: tuple[float, str], **more: Any) -> Rows:
    return [{"h": h, "event": event} | more for h, event in pairs]


CHARGE = events((0, "plugged"), (0.1, "started"), (3.1, "stopped"), (9, "unplugged"), session_id="a")
SAID = [
    {"h": 0.0, "charging_on": False, "soc_pct": 40.0, "energy_charged_kwh": 1000.0},
    {"h": 0.1, "charging_on": True, "soc_pct": 40.0, "energy_charged_kwh": 1000.0},
    {"h": 2.0, "charging_on": True, "soc_pct": 65.0, "energy_charged_kwh": 1013.0},
    {"h": 3.1, "charging_on": False, "soc_pct": 80.0, "energy_charged_kwh": 1021.0},
]

#: A hybrid that charges by its engine: forty minutes at 50 km/h with a short stop every five, SoC from 30 to 42 %.
HYBRID = [
    {"h": s / 3600, "speed_kmh": 0.0 if s % 300 == 0 else 50.0, "soc_pct": 30 + s // 100 * 0.5, "ignition_on": True}
    for s in range(0, 2410, 10)
]


class TestSignals:
    def test_a_drive_ends_a_session_however_short_it_is(self) -> None:
        here, there = {"odometer_km": 100.0}, {"odometer_km": 102.0}
        first = says((0.0, True), (0.5, False), **here)
        drive = [{"h": 0.52, "speed_kmh": 40.0, "odometer_km": 101.0}, {"h": 0.6, "speed_kmh": 0.0, **there}]
        second = says((0.65, True), (3.0, False), **there)
        assert sessions(first + drive + second)["started_at"].to_list() == [at(0.0), at(0.65)]
        told = events((0.0, "started"), (0.5, "stopped"), session_id="a")
        found = sessions(first + drive + second, told)
        assert found["method"].to_list() == ["both", "signals"]
        assert one(first + says((0.65, True), (3.0, False), **here))["interruptions"] == 1

    @pytest.mark.parametrize("odometer", [None, 1000.0, 0.0, 429_496_729.5, math.nan, "gains"])
    def test_a_drive_is_seen_whatever_the_odometer_says(self, odometer: float | str | None) -> None:
        drive = [row | {"odometer_km": 1000 + row["h"] * 50 if odometer == "gains" else odometer} for row in HYBRID]
        assert sessions(drive).is_empty()

    def test_a_receiver_that_drifts_does_not_end_a_session_where_the_odometer_stands(self) -> None:
        drifts = [{"h": h, "speed_kmh": 4.0, "soc_pct": 50.0, "odometer_km": 100.0} for h in (1.0, 1.02, 1.05)]
        found = one(SAID + [row | {"charging_on": True} for row in drifts])
        assert (found["started_at"], found["ended_at"], found["interruptions"]) == (at(0.1), at(3.1), 0)

    @pytest.mark.parametrize("wrong", [None, 1e9, math.nan, math.inf, -1e300])
    @pytest.mark.parametrize("signal", ["speed_kmh", "odometer_km", "battery_power_kw"])
    def test_a_value_that_cannot_be_true_is_not_sent(self, signal: str, wrong: float | None) -> None:
        charges = [{"h": m / 6, "charging_on": 0 < m < 18, "soc_pct": 40.0 + 2 * min(m, 18)} for m in range(22)]
        found = one([row | {"odometer_km": 1000.0, signal: wrong} for row in charges])
        assert (found["started_at"], found["ended_at"]) == (at(0), at(3))
        assert (found["soc_start_pct"], found["soc_end_pct"]) == (40, 76)

    def test_from_on_to_off(self) -> None:
        found = one(SAID)
        assert (found["started_at"], found["ended_at"]) == (at(0.1), at(3.1))
        assert found["method"] == "signals"
        assert found["duration_s"] == 3 * 3600
        assert (found["soc_start_pct"], found["soc_end_pct"]) == (40, 80)
        assert (found["energy_stored_kwh"], found["energy_stored_method"]) == (21, "counter")
        assert found["energy_in_kwh"] is None
        assert found["power_mean_kw"] == pytest.approx(7)
        assert found["current_type"] == "AC"
        assert found["date"] == NOON.date()

    def test_a_pause_belongs_to_the_session_and_does_not_count_as_charging(self) -> None:
        found = one(says((0, True), (1, False), (1.25, True), (2, False)))
        assert (found["interruptions"], found["duration_s"]) == (1, 1.75 * 3600)

    def test_a_longer_pause_divides(self) -> None:
        assert len(sessions(says((0, True), (1, False), (1.26, True), (2, False)))) == 2

    def test_a_flicker_is_no_session(self) -> None:
        assert sessions(says((0, True), (0.049, False))).is_empty()
        assert len(sessions(says((0, True), (0.051, False)))) == 1

    def test_on_holds_while_nothing_is_said_but_not_for_ever(self) -> None:
        assert one(says((0, True), (12, False)))["ended_at"] == at(12)
        found = one(says((0, True), (12.1, False)))
        assert (found["ended_at"], found["duration_s"]) == (None, None)

    def test_what_never_ends_is_cut(self) -> None:
        found = one(says(*((6.0 * beat, True) for beat in range(12)), (72, False)))
        assert (found["ended_at"], found["end_reason"], found["interrupted"]) == (at(48), "cut", False)

    def test_a_vehicle_that_moves_does_not_charge(self) -> None:
        assert one([*says((0, True), (5, False)), {"h": 3, "charging_on": True, "speed_kmh": 50.0}])["ended_at"] == at(
            3
        )
        parked = [{"h": h, "charging_on": True, "odometer_km": km} for h, km in ((0, 100.0), (2, 100.0))]
        away = [{"h": 3, "odometer_km": 120.0}, {"h": 4, "odometer_km": 120.0, "charging_on": False}]
        assert one([*parked, *away])["ended_at"] == at(3)

    @pytest.mark.parametrize(
        ("signal", "values"),
        [
            ("soc_pct", [40.0, 40.0, 70.0, 70.0, 70.0]),
            ("energy_charged_kwh", [10.0, 10.0, 30.0, 30.0, 30.0]),
        ],
    )
    def test_what_rises_at_rest_is_charging_although_nobody_says_so(self, signal: str, values: list[float]) -> None:
        said = [{"h": 6.0 * n, signal: value, "odometer_km": 5.0} for n, value in enumerate(values)]
        found = one(said)
        assert (found["started_at"], found["ended_at"], found["method"]) == (at(6), at(12), "signals")
        denied = one([row | {"charging_on": False} for row in said])
        assert denied["started_at"] == at(6)

    def test_soc_that_rises_point_by_point_with_flat_stretches_between(self) -> None:
        said = [{"h": n / 6, "soc_pct": 40.0 + n // 3} for n in range(13)]
        found = one([*said, {"h": 3, "soc_pct": 44.0}, {"h": 4, "soc_pct": 44.0}])
        assert (found["started_at"], found["ended_at"]) == (at(2 / 6), at(2))
        assert found["interruptions"] == 0

    @pytest.mark.parametrize(
        "values",
        [
            [40.0, 42.9, 42.9, 42.9],  # a resting battery is measured anew
            [40.0, 90.0, 40.0, 40.0],  # a spike
            [40.0, float("nan"), 40.0, 255.0],
            [80.0, 80.0, 80.0, 80.0],  # frozen
            [40.0, 41.0, 40.0, 41.0],  # noise
            [60.0, 55.0, 50.0, 45.0],
        ],
    )
    def test_what_is_not_a_rise(self, values: list[float]) -> None:
        assert sessions([{"h": float(n), "soc_pct": value} for n, value in enumerate(values)]).is_empty()

    def test_a_counter_that_leaps_is_not_charging(self) -> None:
        assert sessions([{"h": float(h), "energy_charged_kwh": 10.0 + 9000 * (h > 1)} for h in range(4)]).is_empty()

    def test_a_rise_over_a_drive_is_not_charging(self) -> None:
        said = [{"h": 0, "soc_pct": 20.0, "odometer_km": 0.0}, {"h": 2, "soc_pct": 60.0, "odometer_km": 90.0}]
        assert sessions(said).is_empty()
        assert len(sessions([row | {"odometer_km": 0.0} for row in said])) == 1

    def test_a_rise_is_not_counted_where_the_vehicle_says_when(self) -> None:
        said = [{"h": 6.0 * n, "soc_pct": soc} for n, soc in enumerate([40.0, 80.0, 80.0])]
        found = one(said + says((2, True), (5, False)))
        assert (found["started_at"], found["ended_at"]) == (at(2), at(5))
        assert (found["soc_start_pct"], found["soc_end_pct"]) == (40, 80)

    def test_a_lost_on_is_found_by_the_counter(self) -> None:
        found = one([SAID[0], SAID[2], SAID[3]])
        assert (found["started_at"], found["ended_at"], found["energy_stored_kwh"]) == (at(0), at(3.1), 21)

    def test_power_into_a_resting_battery(self) -> None:
        powers = [0.0, *[120.0] * 12, *(110.0 - 5 * n for n in range(13)), 0.0, 0.0]
        said = [{"h": n / 30, "battery_power_kw": kw, "soc_pct": 10.0 + 2 * n} for n, kw in enumerate(powers)]
        found = one([{name: row[name] for name in row if name != "soc_pct"} for row in said])
        assert (found["started_at"], found["ended_at"]) == (at(1 / 30), at(25 / 30))
        assert (found["power_max_kw"], found["current_type"]) == (120, "DC")
        trapezoid = sum((a + b) / 2 / 30 for a, b in pairwise(powers[1:26]))
        assert found["energy_stored_kwh"] == pytest.approx(trapezoid)
        assert found["energy_stored_method"] == "power"
        # 96 kW is the share: 95 kW is the first reading below, with number 16.
        assert one(said)["taper_soc_pct"] == 10 + 2 * 16

    def test_power_while_the_ignition_is_on_or_off_is_said_is_not_charging(self) -> None:
        said = [{"h": n / 30, "battery_power_kw": 9.0} for n in range(20)]
        assert len(sessions(said)) == 1
        assert sessions([row | {"ignition_on": True} for row in said]).is_empty()
        assert sessions([row | {"charging_on": False} for row in said]).is_empty()
        assert sessions([row | {"speed_kmh": 30.0} for row in said]).is_empty()

    def test_cable_and_temperature(self) -> None:
        cable = [{"h": h, "charging_cable_on": on} for h, on in ((-1, False), (-0.5, True), (4, True), (9, False))]
        hot = [{"h": h, "soc_pct": 50.0, "battery_temperature_c": c} for h, c in ((0, 20.0), (1, 31.0), (5, 60.0))]
        found = one([*says((0, True), (3, False)), *cable, *hot])
        assert (found["plugged_at"], found["unplugged_at"]) == (at(-0.5), at(9))
        assert found["battery_temperature_max_c"] == 31

    def test_a_counter_that_covers_a_part_says_nothing(self) -> None:
        counter = [{"h": h, "energy_charged_kwh": kwh} for h, kwh in ((1, 10.0), (2, 20.0))]
        assert one([*says((0, True), (3, False)), *counter])["energy_stored_kwh"] is None
        near = [{"h": h, "energy_charged_kwh": kwh} for h, kwh in ((0.2, 10.0), (2.8, 20.0))]
        assert one([*says((0, True), (3, False)), *near])["energy_stored_kwh"] == 10


class TestEvents:
    def test_a_session_as_told(self) -> None:
        told = [
            CHARGE[0] | {"place": "home"},
            CHARGE[1] | {"energy_kwh": 0.0, "soc_pct": 40.0, "current_type": "AC", "power_kw": 7.4},
            CHARGE[2] | {"energy_kwh": 22.5, "soc_pct": 80.0, "reason": "target_reached", "power_kw": 0.0},
            CHARGE[3],
        ]
        found = one(told=told)
        assert [found[name] for name in ("plugged_at", "started_at", "ended_at", "unplugged_at")] == [
            at(h) for h in (0, 0.1, 3.1, 9)
        ]
        assert (found["method"], found["session_id"], found["place"]) == ("events", "a", "home")
        assert (found["current_type"], found["power_max_kw"]) == ("AC", 7.4)
        assert (found["energy_in_kwh"], found["energy_stored_kwh"]) == (22.5, None)
        assert (found["soc_start_pct"], found["soc_end_pct"]) == (40, 80)
        assert (found["end_reason"], found["interrupted"], found["interruptions"]) == ("target_reached", False, 0)
        assert found["power_mean_kw"] == pytest.approx(7.5)

    @pytest.mark.parametrize("number", ["a", None])
    def test_a_pause(self, number: str | None) -> None:
        told = events((0, "started"), (1, "stopped"), (1.2, "started"), (2, "stopped"), session_id=number)
        found = one(told=told)
        assert (found["interruptions"], found["duration_s"]) == (1, pytest.approx(1.8 * 3600))

    def test_a_planned_pause_within_a_session_number(self) -> None:
        told = events((0, "started"), (0.2, "stopped"), (8, "started"), (10, "stopped"))
        assert len(sessions(told=told)) == 2
        found = one(told=[row | {"session_id": "a"} for row in told])
        assert (found["interruptions"], found["duration_s"]) == (1, pytest.approx(2.2 * 3600))

    def test_two_numbers_are_two_sessions_however_close(self) -> None:
        told = events((0, "started"), (1, "stopped"), session_id="a")
        told += events((1.1, "started"), (2, "stopped"), session_id="b")
        assert sessions(told=told)["session_id"].to_list() == ["a", "b"]
        assert len(sessions(says((0, True), (2, False)), told)) == 2

    def test_without_numbers_a_plug_between_divides(self) -> None:
        told = events((0, "started"), (1, "stopped"), (1.05, "unplugged"), (1.1, "plugged"), (1.15, "started"))
        told += events((2, "stopped"))
        found = sessions(told=told)
        assert found["plugged_at"].to_list() == [None, at(1.1)]
        assert found["unplugged_at"].to_list() == [at(1.05), None]

    @pytest.mark.parametrize(
        ("reason", "interrupted"),
        [("target_reached", False), ("User", False), ("fault", True), ("unplugged", True), (None, False)],
    )
    def test_interrupted(self, reason: str | None, interrupted: bool) -> None:
        found = one(told=events((0, "started")) + events((1, "stopped"), reason=reason))
        assert found["interrupted"] is interrupted

    def test_what_is_told_twice_counts_once(self) -> None:
        told = events((0, "started"), (0.02, "started"), (1, "stopped"), (1.02, "stopped"))
        found = one(told=told)
        assert (found["started_at"], found["ended_at"], found["interruptions"]) == (at(0), at(1), 0)

    def test_a_stop_that_is_too_late_is_not_that_of_the_start(self) -> None:
        assert sessions(told=events((0, "started"), (48, "stopped")))["ended_at"].to_list() == [at(48)]
        assert sessions(told=events((0, "started"), (48.1, "stopped")))["ended_at"].to_list() == [None, at(48.1)]

    def test_numbers_that_are_mixed_up(self) -> None:
        told = events((0, "started"), (3, "stopped"), session_id="a")
        told += events((2, "started"), (4, "stopped"), session_id="b")
        assert sessions(told=told)["ended_at"].to_list() == [at(2), at(4)]

    def test_meters_that_count_watt_hours_are_left_out(self) -> None:
        assert one(told=events((0, "started")) + events((1, "stopped"), energy_kwh=1900.0))["energy_in_kwh"] is None

    def test_resends_and_order_do_not_matter(self) -> None:
        assert one(told=[*reversed(CHARGE), *CHARGE]) == one(told=CHARGE)

    def test_equal_times(self) -> None:
        told = events((0, "started"), (0, "plugged"), (1, "unplugged"), (1, "stopped"))
        found = one(told=told)
        assert (found["plugged_at"], found["ended_at"], found["unplugged_at"]) == (at(0), at(1), at(1))

    def test_clocks_that_put_plugging_behind_the_start(self) -> None:
        told = events((0, "started"), (0.05, "plugged"), (1, "unplugged"), (1.05, "stopped"))
        found = one(told=told)
        assert (found["started_at"], found["ended_at"]) == (at(0), at(1.05))
        assert (found["plugged_at"], found["unplugged_at"]) == (at(0), at(1.05))


class TestMissing:
    """What was lost of the events comes from the signals, and from the cable."""

    def test_a_lost_start(self) -> None:
        assert one(SAID, CHARGE[2:])["started_at"] == at(0.1)
        assert one(told=[CHARGE[0], *CHARGE[2:]])["started_at"] == at(0)
        found = one(told=CHARGE[2:])
        assert (found["started_at"], found["ended_at"], found["duration_s"]) == (at(3.1), at(3.1), 0)

    def test_a_lost_end(self) -> None:
        found = one(SAID, CHARGE[:2])
        assert (found["ended_at"], found["energy_stored_kwh"], found["method"]) == (at(3.1), 21, "both")
        assert one(told=[*CHARGE[:2], CHARGE[3]])["ended_at"] == at(9)
        found = one(told=CHARGE[:2])
        assert (found["ended_at"], found["duration_s"]) == (None, None)

    def test_a_lost_end_is_before_the_next_session(self) -> None:
        told = events((0, "started"), session_id="a") + events((3, "started"), (4, "stopped"), session_id="b")
        found = sessions(says((0, True), (4, False)), told)
        assert found["ended_at"].to_list() == [at(3), at(4)]

    def test_a_lost_start_is_behind_the_session_before(self) -> None:
        told = events((0, "started"), (1, "stopped"), session_id="a") + events((3, "stopped"), session_id="b")
        assert sessions(says((0, True), (3, False)), told)["started_at"].to_list() == [at(0), at(1)]

    def test_signals_that_go_on_for_ever_do_not_say_when_it_started(self) -> None:
        said = says(*((6.0 * beat - 36, True) for beat in range(6)), (0, False))
        found = one(said, events((-5, "plugged"), (0, "stopped")))
        assert (found["started_at"], found["ended_at"]) == (at(0), at(0))

    def test_a_lost_pause_without_numbers(self) -> None:
        found = sessions(told=events((0, "started"), (5, "started"), (6, "stopped")))
        assert found["ended_at"].to_list() == [None, at(6)]

    def test_plugging_alone_is_no_session(self) -> None:
        assert sessions(told=[CHARGE[0], CHARGE[3]]).is_empty()


class TestReconciled:
    @pytest.mark.parametrize("skew", [-0.08, -0.02, 0.0, 0.02, 0.08])
    def test_events_and_signals_by_two_clocks_are_one_session(self, skew: float) -> None:
        said = [row | {"h": row["h"] + skew} for row in SAID]
        found = one(said, CHARGE)
        assert (found["method"], found["started_at"], found["ended_at"]) == ("both", at(0.1), at(3.1))
        assert (found["energy_stored_kwh"], found["soc_start_pct"], found["soc_end_pct"]) == (21, 40, 80)

    @pytest.mark.parametrize("skew", [-0.1, 0.1])
    def test_clocks_that_differ_by_more_than_the_session_is_long(self, skew: float) -> None:
        told = events((0, "started"), (0.06, "stopped"))
        assert len(sessions(says((skew, True), (skew + 0.06, False)), told)) == 1
        assert len(sessions(says((2 * skew, True), (2 * skew + 0.06, False)), told)) == 2

    def test_readings_beyond_a_drive_are_not_those_of_the_session(self) -> None:
        told = events((2, "started"), (3, "stopped"))
        soc = [
            (0, 80.0, 10.0),
            (1.9, None, 50.0),
            (2.2, 60.0, 50.0),
            (2.9, 70.0, 50.0),
            (4, None, 90.0),
            (5, 50.0, 90.0),
        ]
        found = one([{"h": h, "soc_pct": pct, "odometer_km": km} for h, pct, km in soc], told)
        assert (found["soc_start_pct"], found["soc_end_pct"]) == (60, 70)

    def test_power_over_a_told_session(self) -> None:
        told = events((0, "started"), (1, "stopped"))
        readings = [{"h": n / 10, "battery_power_kw": 10.0, "ignition_on": True} for n in range(1, 10)]
        assert one(readings, told)["energy_stored_kwh"] == pytest.approx(10)
        assert one(readings[:3] + readings[6:], told)["energy_stored_kwh"] is None

    def test_signals_with_holes_within_told_sessions(self) -> None:
        said = says((0.5, True), (1, False), (2, True), (2.5, False))
        assert one(said, CHARGE)["interruptions"] == 0

    def test_signals_beside_told_sessions_are_sessions_of_their_own(self) -> None:
        found = sessions([*SAID, *says((5, True), (6, False))], CHARGE)
        assert found["method"].to_list() == ["both", "signals"]

    def test_charge_point_and_vehicle_tell_of_one_session_and_one_of_them_has_no_number(self) -> None:
        bare = [{"h": row["h"] + 0.03, "event": row["event"]} for row in CHARGE]
        assert one(told=CHARGE + bare)["session_id"] == "a"
        # Also where one of them tells of a pause, and the other does not.
        pause = events((1, "stopped"), (1.1, "started"))
        assert one(told=CHARGE + pause)["session_id"] == "a"

    def test_the_counter_between_two_sessions_is_that_of_neither(self) -> None:
        told = events((0, "started"), (1, "stopped"), session_id="a")
        told += events((2, "started"), (3, "stopped"), session_id="b")
        said = [{"h": h, "energy_charged_kwh": kwh} for h, kwh in ((-1, 10.0), (4, 30.0))]
        assert sessions(said, told)["energy_stored_kwh"].to_list() == [None, None]

    def test_vehicles_do_not_mix(self) -> None:
        found = sessions([*SAID, *(row | {"vehicle_id": VAN} for row in says((1, True), (2, False)))], CHARGE)
        assert found["vehicle_id"].to_list() == [CAR, VAN]
        assert found["method"].to_list() == ["both", "signals"]


def test_columns_may_be_missing_and_frames_empty() -> None:
    said = telemetry([{"s": 0, "charging_on": True}, {"s": 7200, "charging_on": False}])
    few = said.select("vehicle_id", "event_at", "sequence", "batch", "record", "source", "charging_on")
    day = NOON.date()
    assert len(charging_sessions(few, charging_events([]), day, day)) == 1
    assert ChargingSessions.validate(charging_sessions(telemetry([]), charging_events([]), day, day)).is_empty()


def test_resends_and_messages_of_one_moment() -> None:
    rows = [
        {"h": 0, "sequence": 1, "charging_on": True, "soc_pct": 40.0},
        {"h": 0, "sequence": 2, "soc_pct": 41.0},
        {"h": 2, "sequence": 3, "charging_on": False, "soc_pct": 60.0},
    ]
    found = one([*rows, *reversed(rows)])
    assert (found["soc_start_pct"], found["soc_end_pct"]) == (41, 60)


@pytest.mark.parametrize("wrong", [{"pause_s": 0}, {"jitter_s": 1000}, {"hold_s": 200_000}, {"dc_kw": -1}])
def test_rules_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"charging|jitter_s|hold_s"):
        ChargingRules(**wrong)  # type: ignore[arg-type]


class TestWitnesses:
    @pytest.mark.parametrize(
        ("readings", "kwh"),
        [
            ((934, None, None, 975), 41),  # a register
            ((0, None, None, 41), 41),  # a count of the session
            ((None, None, None, 41), 41),
            ((934, 950, 950, 975), 41),  # goes on through the pause
            ((934, 950, 951, 975), 41),  # and counts a little in it
            ((0, 16, 0, 25), 41),  # begins again behind it
            ((912_345, None, None, 912_386), 41),
            ((None, None, None, 912_386), None),
            ((0, 41, 40, None), 41),
        ],
    )
    def test_a_meter_counts_what_it_gained(self, readings: tuple[float | None, ...], kwh: float | None) -> None:
        steps = ((0, "started"), (2, "stopped"), (2.1, "started"), (4, "stopped"))
        told = [{"h": h, "event": event, "energy_kwh": float(kwh) if kwh is not None else None, "session_id": "a"}
                for (h, event), kwh in zip(steps, readings, strict=True)]  # fmt: skip
        assert one(told=told)["energy_in_kwh"] == kwh

    def test_a_register_without_a_start_is_not_believed_beside_the_charge_that_it_brought(self) -> None:
        told = [
            {"h": 0.0, "event": "started", "soc_pct": 40.0},
            {"h": 9.0, "event": "stopped", "energy_kwh": 975.0, "soc_pct": 80.0},
        ]
        session = one(told=told)
        assert (session["energy_in_kwh"], session["doubted"]) == (None, "energy_kwh:scale:975.0")

    def test_a_counter_that_stands_stores_nothing_and_is_told(self) -> None:
        said = [row | {"energy_charged_kwh": 1000.0} for row in SAID]
        session = one(said, CHARGE)
        assert (session["energy_stored_kwh"], session["energy_stored_method"]) == (None, None)
        assert session["doubted"] == "energy_charged_kwh:frozen:0.0"

    def test_voltage_and_current_are_power(self) -> None:
        said = [
            {"h": n / 12, "battery_voltage_v": 400.0, "battery_current_a": 25.0 if 0 < n < 24 else 0.0}
            for n in range(30)
        ]
        session = one(said)
        assert session["energy_stored_kwh"] == pytest.approx(10 * 22 / 12, rel=0.02)
        assert session["energy_stored_method"] == "power"

    def test_what_drives_does_not_charge_though_its_speed_is_in_other_messages(self) -> None:
        drive = [{"h": s / 3600, "speed_kmh": 40.0} for s in range(0, 1800, 20)]
        charge = [{"h": s / 3600, "soc_pct": 40 + s / 180, "charging_on": True} for s in range(10, 1800, 90)]
        frame = telemetry(
            [{"s": row["h"] * 3600} | {k: v for k, v in row.items() if k != "h"} for row in drive + charge]
        )
        driven = trips(frame, NOON.date(), NOON.date())
        none = charging_events([])
        assert charging_sessions(frame, none, NOON.date(), NOON.date()).height == 1
        assert charging_sessions(frame, none, NOON.date(), NOON.date(), trips=driven).is_empty()
