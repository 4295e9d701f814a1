"""What plain messages hold beside known fields is worked out fast; it must be what a close look finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.unit.sources.reading import Read, profile, read
from transforms.sources.json_text import JsonReader

FLAT: dict[str, Any] = {"format": "jsonl", "columns": {"speed_kmh": "speed", "gear": "gear"}, "ignore": ["firmware"]}
NESTED = FLAT | {"columns": FLAT["columns"] | {"latitude_deg": "/pos/lat", "longitude_deg": "/pos/lon"}}

VALUES = st.sampled_from(
    ["1", "2.5", "null", "true", '"x"', '":null"', '"a:null"', '"\\u0041"', "[]", '[":",null]', "{}", '{"in":null}',
     '{"in":{"deep":1},"too":2}', '"WVWZZZ1JZXW000001"', '"1_0"']
)  # fmt: skip
KEYS = st.sampled_from(
    ["speed", "gear", "pos", "firmware", "x", "y", "null", "Vehicle.VehicleIdentification.LicensePlate"]
)
PLACES = st.sampled_from(['{"lat":1,"lon":2}', '{"lat":1,"hdop":3}', '{"lat":null}', '{"hdop":3}', "{}", "null", "7"])
MEMBERS = st.one_of(
    st.tuples(KEYS, VALUES),
    st.tuples(st.just("pos"), PLACES),
    st.tuples(st.just("speed"), st.sampled_from(["1", "null"])),
)
COLON = st.sampled_from([":", ": ", " :", ":  "])


@st.composite
def messages(draw: st.DrawFn) -> str:
    members = [("vehicle", '"a"'), ("at", '"2024-01-01T00:00:00Z"'), *draw(st.lists(MEMBERS, max_size=5))]
    return "{" + ",".join(f"{json.dumps(key)}{draw(COLON)}{value}" for key, value in members) + "}"


def both(text: str, feed: dict[str, Any], tmp_path: Path) -> tuple[Read, Read]:
    """As it is read, and with a close look at all that is not known wholly."""

    def unsound(_: JsonReader, kind: str, frame: pl.DataFrame, more: pl.Series) -> tuple[pl.Series, pl.Series]:
        nothing = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
        return nothing, pl.repeat(False, frame.height, eager=True)

    with mock.patch.object(JsonReader, "_left_over", unsound):
        closely = read(text, profile(**feed), tmp_path, "closely")
    return read(text, profile(**feed), tmp_path, "closely"), closely


@pytest.mark.parametrize("feed", [FLAT, NESTED], ids=["flat", "nested"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(texts=st.lists(messages(), min_size=1, max_size=8))
def test_the_same_as_a_close_look(feed: dict[str, Any], texts: list[str], tmp_path: Path) -> None:
    fast, closely = both("\n".join(texts) + "\n", feed, tmp_path)
    assert fast.records == closely.records
    assert fast.rejects.equals(closely.rejects)
    assert fast.rows.keys() == closely.rows.keys()
    for kind, rows in fast.rows.items():
        expected = closely.rows[kind]
        columns = sorted({*rows.columns, *expected.columns})
        missing = {name: pl.lit(None) for name in columns}
        whole, wanted = (
            f.with_columns(**{n: v for n, v in missing.items() if n not in f.columns}) for f in (rows, expected)
        )
        assert_frame_equal(whole.select(columns), wanted.select(columns), check_dtypes=False)


def test_plain_messages_need_no_close_look(tmp_path: Path) -> None:
    """Unknown keys, keys that are not wanted, and fields that are null, in every message."""
    text = (
        '{"vehicle":"a","at":"2024-01-01T00:00:00Z","speed":%d,"gear":null,"firmware":"1","rssi":-7,"net":{"op":"x"}}\n'
    )
    with mock.patch.object(JsonReader, "_closely", side_effect=AssertionError):
        found = read("".join(text % n for n in range(5)), profile(**FLAT), tmp_path)
    assert found.column("speed_kmh") == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert found.column("extras") == ['{"rssi":-7,"net":{"op":"x"}}'] * 5
