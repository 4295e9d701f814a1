"""Which copy of a message counts, and which of its values can be true."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.unit.core.frames import CAR, VAN, telemetry
from transforms.core.messages import deduplicate, plausible

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


@settings(deadline=None)
@given(MESSAGES, st.integers(0, 2**32))
def test_every_message_is_kept_once_and_every_copy_is_counted(rows: list[dict[str, object]], seed: int) -> None:
    frame = telemetry(rows)
    kept = deduplicate(frame).collect()
    assert len(kept) + kept["copies"].sum() == len(frame)
    assert len(kept) == frame.n_unique(["vehicle_id", "event_at", "sequence"]) if rows else kept.is_empty()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(deduplicate(shuffled.lazy()).collect(), kept)
    again = deduplicate(kept.drop("copies")).collect()
    assert_frame_equal(again.drop("copies"), kept.drop("copies"))


def test_values_outside_their_range_are_taken_away_and_counted() -> None:
    rows = [
        {"s": 0, "speed_kmh": 655.35, "soc_pct": 100.0, "gear": 99, "ignition_on": True},
        {"s": 1, "speed_kmh": float("nan"), "soc_pct": -0.1, "latitude_deg": 90.0},
        {"s": 2},
    ]
    checked = plausible(telemetry(rows)).collect()
    assert checked["implausible"].to_list() == [2, 2, 0]
    assert checked.select("speed_kmh", "soc_pct", "gear", "ignition_on", "latitude_deg").rows() == [
        (None, 100.0, None, True, None),
        (None, None, None, None, 90.0),
        (None, None, None, None, None),
    ]


def test_a_frame_without_signals_has_nothing_implausible() -> None:
    assert plausible(pl.DataFrame({"vehicle_id": [CAR]})).collect()["implausible"].to_list() == [0]
