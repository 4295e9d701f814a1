"""One signal lies, the others agree: the number stays right, and the liar is told with the kind of its lie."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import ChargingSessions, Doubts, Trips
from tests.unit.core.frames import CAR, NOON, VAN, telemetry
from tests.unit.core.test_trip_window import ALL, DAYS, DRIVES, FIRST, LAST, Drive, days, drive
from transforms.core.doubts import doubts
from transforms.core.trips import trips
from transforms.core.witnesses.rules import WitnessRules

DAY = NOON.date()
NONE = ChargingSessions.create_empty()
#: Degrees of latitude in a kilometre.
DEGREE = 1 / 111.19492664455873


def driven(step_s: int = 10, minutes: int = 12, kmh: float = 60.0) -> list[dict[str, Any]]:
    """Five minutes parked, a drive, half an hour parked; speed, odometer and position tell the same."""
    rows: list[dict[str, Any]] = []
    km, speed = 0.0, 0.0
    for s in range(0, 300 + 60 * minutes + 1800 + 1, step_s):
        now = kmh if 300 < s < 300 + 60 * minutes else 0.0
        km += (speed + now) / 2 * step_s / 3600
        speed = now
        rows.append(
            {"s": s, "speed_kmh": now, "odometer_km": 5000 + km, "latitude_deg": 45 + km * DEGREE, "longitude_deg": 7.0}
        )
    return rows


def one_trip(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
    """The one trip, and what is doubted."""
    frame = telemetry(rows)
    found = Trips.validate(trips(frame, DAY, DAY))
    assert found.height == 1
    told = Doubts.validate(doubts(frame, NONE, DAY, DAY))
    return found.row(0, named=True), set(told.select("quantity", "signal", "kind").iter_rows())


TRUE_KM = 60 * (720 - 10) / 3600


def test_where_all_agree_nothing_is_doubted() -> None:
    trip, told = one_trip(driven())
    assert (trip["distance_km"], trip["distance_method"], trip["doubted"]) == (
        pytest.approx(TRUE_KM),
        "odometer",
        False,
    )
    assert told == set()


@pytest.mark.parametrize(
    ("lie", "kind"),
    [
        (lambda _: 5000.0, "frozen"),
        (lambda _: 0.0, "frozen"),
        (lambda km: km / 1.609344, "scale"),
        (lambda km: km * 1.609344, "scale"),
        (lambda km: km / 1000, "scale"),
        (lambda km: km * 100, "scale"),
        (lambda km: km - 5000 if km > 5006 else km, "reset"),
        (lambda km: km + 20 if km > 5006 else km, "jump"),
        (lambda km: 10000 - km, "reset"),
    ],
)
def test_a_lying_odometer_changes_no_distance_and_is_told(lie: Any, kind: str) -> None:
    rows = [row | {"odometer_km": lie(row["odometer_km"])} for row in driven()]
    trip, told = one_trip(rows)
    assert trip["distance_km"] == pytest.approx(TRUE_KM, rel=0.02)
    assert trip["doubted"]
    assert ("distance", "odometer_km", kind) in told
    assert {signal for _, signal, _ in told} == {"odometer_km"}


def test_an_odometer_that_stands_is_no_witness_beside_one_other() -> None:
    rows = [{name: row[name] for name in ("s", "speed_kmh")} | {"odometer_km": 5000.5} for row in driven()]
    trip, told = one_trip(rows)
    assert (trip["distance_km"], trip["distance_method"]) == (pytest.approx(TRUE_KM), "speed")
    assert told == {("distance", "odometer_km", "frozen")}


def test_of_two_that_are_left_the_figure_carries_the_doubt() -> None:
    rows = [
        {"s": row["s"], "speed_kmh": row["speed_kmh"], "odometer_km": 5000 + (row["odometer_km"] - 5000) * 1.609}
        for row in driven()
    ]
    trip, told = one_trip(rows)
    assert (trip["distance_km"], trip["distance_method"]) == (pytest.approx(1.609 * TRUE_KM), "odometer")
    assert told == {("distance", "speed_kmh", "conflict")}


@pytest.mark.parametrize(
    ("lie", "kinds"),
    [
        (lambda _kmh, _s: 0.0, {"frozen"}),
        (lambda _kmh, _s: 60.0, {"stuck"}),
        (lambda kmh, s: kmh if s < 600 else 60.0, {"stuck"}),
        (lambda kmh, s: kmh or (0.7 if s % 40 else 1.3), {"noise"}),
        (lambda kmh, _s: kmh + 3.5, {"noise"}),
    ],
)
def test_a_lying_speed_changes_neither_trips_nor_distance_and_is_told(lie: Any, kinds: set[str]) -> None:
    rows = [row | {"speed_kmh": lie(row["speed_kmh"], row["s"])} for row in driven()]
    trip, told = one_trip(rows)
    assert trip["distance_km"] == pytest.approx(TRUE_KM, rel=0.02)
    assert trip["started_at"] == pytest.approx(NOON + timedelta(seconds=300), abs=timedelta(seconds=20))
    assert trip["ended_at"] == pytest.approx(NOON + timedelta(seconds=1020), abs=timedelta(seconds=20))
    assert {kind for _, signal, kind in told if signal == "speed_kmh"} >= kinds
    assert {signal for _, signal, _ in told} == {"speed_kmh"}


@pytest.mark.parametrize("scale", [1.609344, 1 / 1.609344, 3.6, 1 / 3.6])
def test_a_speed_in_another_unit_is_told(scale: float) -> None:
    rows = [row | {"speed_kmh": row["speed_kmh"] * scale} for row in driven()]
    trip, told = one_trip(rows)
    assert trip["distance_km"] == pytest.approx(TRUE_KM, rel=0.02)
    assert told == {("distance", "speed_kmh", "scale")}


def test_a_position_that_stands_is_no_witness() -> None:
    rows = [row | {"latitude_deg": 45.0} for row in driven()]
    trip, told = one_trip(rows)
    assert trip["distance_km"] == pytest.approx(TRUE_KM)
    assert told == {("distance", "position", "frozen")}


def test_positions_that_go_there_and_back_are_outliers_also_in_pairs_and_without_speed() -> None:
    fixes = [{"s": 60 * n, "latitude_deg": 45 + 0.5 * n * DEGREE, "longitude_deg": 7.0} for n in range(31)]
    for n in (7, 13, 14, 20, 22):
        fixes[n] |= {"latitude_deg": 45.05, "longitude_deg": 7.04}
    trip, told = one_trip(fixes)
    assert trip["distance_km"] == pytest.approx(15, rel=0.02)
    assert told == {("distance", "position", "spike")}


def test_a_fast_road_has_no_outliers() -> None:
    fixes = [{"s": 60 * n, "latitude_deg": 45 + 4 * n * DEGREE, "longitude_deg": 7.0} for n in range(31)]
    trip, told = one_trip(fixes)
    assert (trip["distance_km"], told) == (pytest.approx(120), set())


def test_a_start_and_a_stop_as_slow_as_noise_are_driven() -> None:
    rows = driven()
    rows[30]["speed_kmh"] = 3.0  # before the first step that gets away
    trip, told = one_trip(rows)
    assert trip["started_at"] <= NOON + timedelta(seconds=300)
    assert told == set()


def electric() -> list[dict[str, Any]]:
    """The drive with what the battery says of it: 20 kW out, a counter of energy used, voltage and current."""
    kwh, rows = 0.0, []
    for row in driven():
        drives = row["speed_kmh"] > 0
        kwh += 20 * 10 / 3600 * drives
        rows.append(
            row | {"battery_power_kw": -20.0 * drives, "energy_used_kwh": 700 + kwh, "battery_voltage_v": 400.0,
                   "battery_current_a": -50.0 * drives}
        )  # fmt: skip
    return rows


USED_KWH = 20 * 710 / 3600


@pytest.mark.parametrize(
    ("column", "lie", "kind"),
    [
        ("energy_used_kwh", lambda _: 700.0, "frozen"),
        ("energy_used_kwh", lambda value: value / 1000, "scale"),
        ("energy_used_kwh", lambda value: value * 3.6, "scale"),
        ("battery_power_kw", lambda value: value * 3.6, "scale"),
        ("battery_power_kw", lambda _: 0.0, "frozen"),
        ("battery_power_kw", lambda value: -value, "sign"),
        ("battery_current_a", lambda value: -value, "frozen"),
        ("battery_current_a", lambda value: value / 100, "scale"),
    ],
)
def test_a_liar_about_energy_changes_no_amount_and_is_told(column: str, lie: Any, kind: str) -> None:
    trip, told = one_trip([row | {column: lie(row[column])} for row in electric()])
    assert trip["energy_used_kwh"] == pytest.approx(USED_KWH, rel=0.02)
    assert told == {("energy", column, kind)}


def test_voltage_and_current_alone_tell_the_energy() -> None:
    rows = [{k: v for k, v in row.items() if k not in ("battery_power_kw", "energy_used_kwh")} for row in electric()]
    trip, told = one_trip(rows)
    assert (trip["energy_used_kwh"], trip["energy_method"]) == (pytest.approx(USED_KWH, rel=0.02), "current")
    assert trip["energy_regenerated_kwh"] == 0
    assert told == set()


@pytest.mark.parametrize(("counter", "kind"), [(800.0, "frozen"), (0.0, "frozen")])
def test_a_counter_of_fuel_that_stands_is_no_witness(counter: float, kind: str) -> None:
    rows = [row | {"fuel_used_l": counter, "fuel_level_l": 50 - (row["odometer_km"] - 5000) / 3} for row in driven()]
    trip, told = one_trip(rows)
    assert (trip["fuel_used_l"], trip["fuel_method"]) == (pytest.approx(TRUE_KM / 3), "level")
    assert told == {("fuel", "fuel_used_l", kind)}


@settings(max_examples=60, deadline=None)
@given(DRIVES, DRIVES, st.sets(st.integers(1, DAYS - 1)))
def test_any_split_of_the_history_gives_the_same_doubts(car: Drive, van: Drive, inner: set[int]) -> None:
    whole = telemetry(drive(CAR, *car) + drive(VAN, *van))
    expected = Doubts.validate(doubts(whole, NONE, FIRST, LAST))
    for cuts in (ALL, [0, *sorted(inner), DAYS]):
        parts = []
        for start, stop in pairwise(cuts):
            first, last = FIRST + timedelta(days=start), FIRST + timedelta(days=stop - 1)
            seen = days(whole, first - timedelta(days=1), last + timedelta(days=1)).sample(
                fraction=1, shuffle=True, seed=1
            )
            parts.append(doubts(seen, NONE, first, last))
        assert_frame_equal(pl.concat(parts).sort(expected.columns[1], "date", "event_at", "quantity", "signal", "kind"),
                           expected, check_exact=True)  # fmt: skip


def test_every_threshold_of_doubt_and_its_default_are_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "core.md").read_text()
    for parameter in fields(WitnessRules):
        assert f"| `{parameter.name}` | {parameter.default:g}" in text, parameter.name
