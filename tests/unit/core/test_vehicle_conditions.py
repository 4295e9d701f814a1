"""The last word of each day on what wears or runs low."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import VehicleConditions
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from transforms.core.vehicle_conditions import vehicle_conditions

DAY = NOON.date()
DAY_S = 86_400
VALUES = [name for name in VehicleConditions.column_names() if name not in ("date", "vehicle_id")]


def found(rows: list[dict[str, Any]] | pl.DataFrame) -> dict[str, Any]:
    """The one row that these messages of ``DAY`` make."""
    frame = rows if isinstance(rows, pl.DataFrame) else telemetry(rows)
    return VehicleConditions.validate(vehicle_conditions(frame, DAY, DAY)).row(0, named=True)


def rest(s: float, volts: float, **more: Any) -> dict[str, Any]:
    return {"s": s, "ignition_on": False, "lv_battery_voltage_v": volts} | more


def test_of_each_signal_the_newest_plausible_value_of_the_day_counts() -> None:
    row = found(
        [
            {"s": 20, "brake_pad_wear_pct": 41.0, "malfunction_lamp_on": True},
            {"s": 0, "brake_pad_wear_pct": 40.0, "service_distance_km": -120.0, "malfunction_lamp_on": False},
            {"s": 30, "brake_pad_wear_pct": 250.0},
            {"s": 40, "brake_pad_wear_pct": math.nan, "speed_kmh": 30.0},
        ]
    )
    assert (row["brake_pad_wear_pct"], row["service_distance_km"], row["malfunction_lamp_on"]) == (41.0, -120.0, True)
    assert row["lv_battery_rest_voltage_v"] is None


@pytest.mark.parametrize(
    ("messages", "volts"),
    [
        ([rest(0, 12.6), rest(60, 12.4)], 12.4),
        # With the ignition on the alternator, or the starter, is what is measured.
        ([rest(0, 12.6), {"s": 60, "ignition_on": True, "lv_battery_voltage_v": 9.5}], 12.6),
        ([rest(0, 12.6), {"s": 60, "lv_battery_voltage_v": 9.5}], 12.6),
        # The last message of a drive: the ignition is off, the alternator still shows. Of 12, 24 and 48 V.
        ([rest(0, 12.6), rest(60, 14.1)], 12.6),
        ([rest(0, 24.9), rest(60, 28.2)], 24.9),
        ([rest(0, 49.0), rest(60, 56.0)], 49.0),
        ([rest(0, 12.6), rest(60, 12.9, charging_on=True)], 12.6),
        ([rest(0, 12.6, charging_on=False)], 12.6),
        ([rest(0, 14.1)], None),
        ([rest(0, 61.0)], None),
    ],
)
def test_voltage_counts_at_rest(messages: list[dict[str, Any]], volts: float | None) -> None:
    assert found([{"s": -5, "service_distance_km": 1.0}, *messages])["lv_battery_rest_voltage_v"] == volts


def test_tyres_are_compared_across_their_axle() -> None:
    row = found(
        [
            {"s": 0, "tyre_pressure_front_left_kpa": 230.0, "tyre_pressure_front_right_kpa": 240.0},
            {"s": 5, "tyre_pressure_front_left_kpa": 180.0, "tyre_pressure_rear_right_kpa": 160.0},
        ]
    )
    # The rear left says nothing, so nothing is known of the rear axle but the lowest pressure.
    assert row["tyre_pressure_lowest_kpa"] == 160.0
    assert row["tyre_pressure_axle_pct"] == pytest.approx(75.0)
    both_flat = {"tyre_pressure_rear_left_kpa": 0.0, "tyre_pressure_rear_right_kpa": 0.0}
    row = found([{"s": 0} | both_flat])
    assert (row["tyre_pressure_lowest_kpa"], row["tyre_pressure_axle_pct"]) == (0.0, None)


def test_of_one_moment_the_greatest_sequence_counts_and_of_resends_the_first() -> None:
    rows = [
        {"s": 0, "sequence": 2, "batch": 3, "brake_pad_wear_pct": 62.0},
        {"s": 0, "sequence": 2, "batch": 1, "brake_pad_wear_pct": 52.0},
        {"s": 0, "sequence": 1, "batch": 0, "brake_pad_wear_pct": 51.0},
    ]
    for order in (rows, rows[::-1]):
        assert found(order)["brake_pad_wear_pct"] == 52.0


def test_who_says_nothing_of_it_has_no_row() -> None:
    rows = [{"s": 0, "speed_kmh": 5.0}, {"s": 5, "brake_pad_wear_pct": 400.0}, {"s": 9, "lv_battery_voltage_v": 12.0}]
    assert VehicleConditions.validate(vehicle_conditions(telemetry(rows), DAY, DAY)).is_empty()
    keys = telemetry(rows).select("vehicle_id", "event_at", "received_at", "source", "batch", "record", "sequence")
    for nothing in (telemetry([]), keys):
        assert VehicleConditions.validate(vehicle_conditions(nothing, DAY, DAY)).is_empty()


def test_without_ignition_nobody_knows_when_the_battery_rests() -> None:
    frame = telemetry([rest(0, 12.6, brake_pad_wear_pct=5.0)]).drop("ignition_on", "charging_on")
    assert found(frame)["lv_battery_rest_voltage_v"] is None


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(st.integers(-3, 3).map(lambda n: n * DAY_S // 2), st.integers(-DAY_S, DAY_S)),
            "sequence": st.sampled_from([None, 1, 2]),
            "ignition_on": st.sampled_from([None, True, False]),
            "charging_on": st.sampled_from([None, True, False]),
            "lv_battery_voltage_v": st.sampled_from([None, 11.5, 12.5, 14.0, 27.0, 99.0]),
            "tyre_pressure_front_left_kpa": st.sampled_from([None, 0.0, 180.0, 240.0]),
            "tyre_pressure_front_right_kpa": st.sampled_from([None, 200.0, 240.0, -1.0]),
            "brake_pad_wear_pct": st.sampled_from([None, 10.0, 90.0, math.nan]),
            "malfunction_lamp_on": st.sampled_from([None, True, False]),
        }
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(MESSAGES, st.integers(0, 2**16))
def test_any_split_and_order_of_the_messages_gives_the_same_rows(rows: list[dict[str, Any]], seed: int) -> None:
    frame = telemetry(rows)
    first, last = DAY - timedelta(days=2), DAY + timedelta(days=2)
    whole = VehicleConditions.validate(vehicle_conditions(frame, first, last))
    mixed = pl.concat([frame, frame.with_columns(pl.col("batch") + 1)]).sample(fraction=1, shuffle=True, seed=seed)
    days = [first + timedelta(days=n) for n in range(5)]
    pieces = [vehicle_conditions(mixed.filter(pl.col("event_date") == day), day, day) for day in days]
    assert_frame_equal(pl.concat(pieces), whole, check_exact=True)
    alone = [vehicle_conditions(frame.filter(pl.col("vehicle_id") == v), first, last) for v in (CAR, VAN)]
    assert_frame_equal(pl.concat(alone).sort("date", "vehicle_id"), whole, check_exact=True)


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_a_plain_restatement(rows: list[dict[str, Any]]) -> None:
    """The last brake pad wear, voltage at rest and lamp, one message at a time."""
    expected: dict[Any, dict[str, Any]] = {}
    order = sorted(enumerate(rows), key=lambda e: (e[1]["s"], -1 if e[1]["sequence"] is None else e[1]["sequence"]))
    seen: set[Any] = set()
    for _, row in order:
        day = (NOON + timedelta(seconds=row["s"])).date()
        values = expected.setdefault((day, row["vehicle_id"]), {})
        wear, volts = row["brake_pad_wear_pct"], row["lv_battery_voltage_v"]
        said: dict[str, Any] = {}
        if wear is not None and not math.isnan(wear):
            said["brake_pad_wear_pct"] = wear
        if row["malfunction_lamp_on"] is not None:
            said["malfunction_lamp_on"] = row["malfunction_lamp_on"]
        if row["ignition_on"] is False and row["charging_on"] is not True and volts in (11.5, 12.5):
            said["lv_battery_rest_voltage_v"] = volts
        for end in ("left", "right"):
            kpa = row[f"tyre_pressure_front_{end}_kpa"]
            if kpa is not None and kpa >= 0:
                said[end] = kpa
        for name, value in said.items():
            key = (row["vehicle_id"], row["s"], row["sequence"], name)
            if key not in seen:  # of what is told again the first by its number counts
                seen.add(key)
                values[name] = value
    span = timedelta(days=3)
    table = vehicle_conditions(telemetry(rows), DAY - span, DAY + span)
    for row in table.iter_rows(named=True):
        values = expected.pop((row["date"], row["vehicle_id"]))
        for name in ("brake_pad_wear_pct", "malfunction_lamp_on", "lv_battery_rest_voltage_v"):
            assert row[name] == values.get(name)
        tyres = [values[end] for end in ("left", "right") if end in values]
        assert row["tyre_pressure_lowest_kpa"] == (min(tyres) if tyres else None)
    assert not any(expected.values())
