"""Bodies of messages told in frames are JSON that says what the frames say, and nothing of what is null."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.bodies import encode

VINS = pl.Series("vin", ["A" * 17, "B" * 17])
SCHEMA = {
    "vehicle": pl.Int64, "event_ms": pl.Int64, "sequence": pl.Int64, "text": pl.String, "number": pl.Float64,
    "whole": pl.Int64, "flag": pl.Boolean, "day": pl.Date, "nothing": pl.Null,
}  # fmt: skip


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROWS = st.lists(
    st.fixed_dictionaries({
        "vehicle": st.integers(0, 1), "event_ms": st.integers(0, 4_000_000_000_000), "sequence": st.integers(1, 10**9),
        "text": _maybe(st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text('"\\\n\r\t\x00\x1f/é')),
        "number": _maybe(st.floats()), "whole": _maybe(st.integers(-(2**62), 2**62)), "flag": _maybe(st.booleans()),
        "day": _maybe(st.dates(date(1971, 1, 1), date(2100, 1, 1))), "nothing": st.none(),
    }), max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_bodies_say_what_the_frame_says(rows: list[dict[str, Any]]) -> None:
    events = encode("fault", pl.DataFrame(rows, schema=SCHEMA), VINS)
    assert len(events) == len(rows)
    for row, begin, size in zip(rows, events["begin"], events["size"], strict=True):
        body = json.loads(events.text[begin : begin + size].tobytes(), parse_constant=pytest.fail)
        at = datetime.fromtimestamp(row["event_ms"] // 1000, tz=UTC)
        assert body.pop("ts") == f"{at:%Y-%m-%dT%H:%M:%S}.{row['event_ms'] % 1000:03}Z"
        assert (body.pop("kind"), body.pop("vin")) == ("fault", VINS[row["vehicle"]])
        assert body.pop("seq") == row["sequence"]
        number = row["number"]
        told = {name: row[name] for name in ("text", "whole", "flag") if row[name] is not None}
        told |= {"day": row["day"].isoformat()} if row["day"] else {}
        told |= {"number": number} if number is not None and abs(number) < float("inf") else {}
        assert body == told


def test_what_no_body_holds_is_refused() -> None:
    frame = pl.DataFrame({"vehicle": [0], "event_ms": [0], "sequence": [1], "list": [[1]]})
    with pytest.raises(TypeError, match="list is List"):
        encode("fault", frame, VINS)
