"""Which copy of a message counts, and which of its values can be true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import ChargingSessions
from lake.signals import BY_COLUMN
from tests.unit.core.frames import CAR, NOON, VAN, fleet, telemetry
from transforms.core.doubts import doubts
from transforms.core.latest import latest
from transforms.core.messages import deduplicate, plausible
from transforms.core.trips import trips
from transforms.core.vehicle_days import vehicle_days

MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.integers(0, 3),
            "sequence": st.sampled_from([None, 0, 1]),
            "batch": st.integers(0, 2),
            "source": st.sampled_from(["a", "b"]),
            "speed_kmh": st.floats(0, 100),
        }
    ),
    max_size=40,
)


def test_the_first_copy_by_batch_and_record_counts() -> None:
    rows = [
        {"s": 0, "batch": 2, "speed_kmh": 1.0},
        {"s": 0, "batch": 1, "speed_kmh": 2.0},
        {"s": 0, "batch": 1, "speed_kmh": 3.0},
        {"s": 0, "batch": 1, "sequence": 7, "speed_kmh": 4.0},
        {"s": 1, "batch": 9, "speed_kmh": 5.0},
    ]
    kept = deduplicate(telemetry(rows)).collect()
    assert kept.select("speed_kmh", "copies").rows() == [(2.0, 2), (4.0, 0), (5.0, 0)]


def test_two_feeds_of_one_vehicle_do_not_resend_each_other() -> None:
    # Telematics say the speed, a battery cloud charge and energy, both in whole seconds and without numbers.
    rows: list[dict[str, object]] = []
    for number, s in enumerate(range(0, 600, 10)):
        base = {"s": s, "record": number}
        rows.append(base | {"source": "telematics", "batch": 7, "speed_kmh": 60.0})
        rows.append(base | {"source": "battery", "batch": 9, "soc_pct": 50 - s / 100, "energy_used_kwh": s / 300})
    frame = telemetry([*rows, rows[0] | {"batch": 8}])
    driven = trips(frame, NOON.date(), NOON.date())
    (trip,) = driven.rows(named=True)
    assert (trip["soc_start_pct"], trip["soc_end_pct"], trip["messages"]) == (50.0, 44.1, 120)
    assert (trip["energy_method"], trip["energy_used_kwh"]) == ("counter", pytest.approx(590 / 300))
    (day,) = vehicle_days(frame, driven, fleet([]), NOON.date(), NOON.date()).rows(named=True)
    assert (day["messages"], day["duplicates"]) == (120, 1)
    assert latest(None, frame).select("speed_kmh", "soc_pct").row(0) == (60.0, 44.1)


def test_what_is_told_under_one_key_adds_up_and_what_contradicts_it_is_counted_apart() -> None:
    # One signal per message, times cut to whole seconds, and no numbers.
    rows: list[dict[str, object]] = []
    for s in range(0, 610, 10):
        rows += [
            {"s": s, "speed_kmh": 54.0},
            {"s": s, "odometer_km": 120.3 + s * 0.015},
            {"s": s, "fuel_level_pct": 50.0},
        ]
    copy, other = {"s": 0, "speed_kmh": 54.0, "batch": 9}, {"s": 10, "speed_kmh": 90.0, "batch": 9}
    frame = telemetry([*rows, copy, other])
    driven = trips(frame, NOON.date(), NOON.date())
    assert (driven["distance_km"].item(), driven["distance_method"].item()) == (pytest.approx(9.0), "odometer")
    assert driven["max_speed_kmh"].item() == 54
    (day,) = vehicle_days(frame, driven, fleet([]), NOON.date(), NOON.date()).rows(named=True)
    assert (day["messages"], day["duplicates"], day["conflicts"]) == (61, 1, 1)
    assert day["odometer_gain_km"] == pytest.approx(9.0)
    newest = latest(None, frame).select("speed_kmh", "odometer_km", "fuel_level_pct").row(0)
    assert newest == pytest.approx((54.0, 129.3, 50.0))
    (doubt,) = doubts(frame, ChargingSessions.create_empty(), NOON.date(), NOON.date()).rows(named=True)
    assert (doubt["signal"], doubt["kind"], doubt["readings"]) == ("speed_kmh", "conflict", 1)
    assert (doubt["said"], doubt["believed"], doubt["believed_by"]) == (90.0, 54.0, "first told")


@settings(deadline=None)
@given(MESSAGES, st.integers(0, 2**32))
def test_every_message_is_kept_once_and_every_copy_is_counted(rows: list[dict[str, object]], seed: int) -> None:
    frame = telemetry(rows)
    kept = deduplicate(frame).collect()
    assert len(kept) + kept["copies"].sum() == len(frame)
    assert len(kept) == frame.n_unique(["vehicle_id", "event_at", "sequence", "source"]) if rows else kept.is_empty()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(deduplicate(shuffled.lazy()).collect(), kept)
    again = deduplicate(kept.drop("copies")).collect()
    assert_frame_equal(again.drop("copies"), kept.drop("copies"))


def test_values_outside_the_range_of_their_signal_are_not_plausible() -> None:
    values = np.array([-0.1, 0.0, 100.0, 100.1, np.nan, np.inf])
    assert plausible(BY_COLUMN["soc_pct"], values).tolist() == [False, True, True, False, False, False]
    assert plausible(BY_COLUMN["ignition_on"], np.array([True, False])).all()
