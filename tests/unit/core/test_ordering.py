"""The order of rows agrees with a full sort, and its copies with those that are left out elsewhere."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.frames import CAR, VAN, telemetry
from transforms.core.messages import deduplicate
from transforms.core.ordering import ORDER_KEYS, in_order

MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([VAN, CAR]),
            "s": st.sampled_from([0, 1, 2, 2**40]),
            "sequence": st.sampled_from([None, 0, 1]),
            "batch": st.integers(0, 2),
            "source": st.sampled_from(["a", "b"]),
        }
    ),
    max_size=14,
)


@settings(deadline=None)
@given(MESSAGES, st.integers(0, 2**32))
def test_rows_are_in_the_order_of_their_keys_and_copies_are_those_that_are_left_out(
    rows: list[dict[str, object]], seed: int
) -> None:
    frame = telemetry([row | {"s": int(str(row["s"])) // 2**20} for row in rows]).sample(
        fraction=1, shuffle=True, seed=seed
    )
    ordered = in_order(frame)
    places = range(len(frame)) if ordered.rows is None else ordered.rows
    sorted_rows = frame[list(places)]
    assert sorted_rows.equals(frame.sort(*ORDER_KEYS))
    kept = sorted_rows if ordered.copies is None else sorted_rows.filter(~pl.Series(ordered.copies))
    assert kept.equals(deduplicate(frame).collect().select(kept.columns))
    assert ordered.vehicle_ids.gather(ordered.vehicle).equals(sorted_rows["vehicle_id"])
    again = (sorted_rows["vehicle_id"].eq(sorted_rows["vehicle_id"].shift(1))) & (
        sorted_rows["event_at"].eq(sorted_rows["event_at"].shift(1))
    )
    repeated = [False] * max(len(frame) - 1, 0) if ordered.repeated is None else ordered.repeated.tolist()
    assert repeated == again.fill_null(value=False).to_list()[1:]
