"""What may mislead a fast reader of JSON: counted and found as by going through the bytes one by one."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.sources import json_doubts
from transforms.sources.json_doubts import colons_after_quotes, misread


@given(data=st.text(alphabet='":a', max_size=60).map(str.encode), at_once=st.integers(1, 20))
def test_colons_are_counted_wherever_pieces_end(data: bytes, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_doubts, "_AT_ONCE", at_once)
        assert colons_after_quotes(data) == data.count(b'":')


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ('{"a":1.5,"b":"x"}', False),
        ('{"a": 1.5, "b": "x"}', False),
        ('{"a" :1.5}', True),
        ('{"a"\t:1.5}', True),
        ('{"a"\n:1.5}', True),
        ('{"a":"1_5"}', True),
        ('{"a":"1\\u005f5"}', True),
        ('{"a":true}', True),
        ('{"a":1.5,"b":true}', False),
        ('{"a":1.5,"b":"true"}', False),
        ('{"a":false,"b":false}', True),
        ('{"snake_case":1.5}', False),
    ],
)
def test_doubts(text: str, doubted: bool) -> None:
    read = pl.Series([text]).str.json_decode(pl.Struct({"b": pl.String})).struct.field("b").alias("b")
    numbers = pl.Series("a", [1.5])
    assert misread(pl.Series([text]), [numbers, read], None).to_list() == [doubted]


@pytest.mark.parametrize(("number", "doubted"), [(3.0, False), (3.5, True), (2.0**53 + 2, True), (None, False)])
def test_a_sequence_is_a_whole_number(number: float | None, doubted: bool) -> None:
    values = [pl.Series("n", [number], dtype=pl.Float64)]
    assert misread(pl.Series(["{}"]), values, "n").to_list() == [doubted]
    assert misread(pl.Series(["{}"]), values, None).to_list() == [False]
