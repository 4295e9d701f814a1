"""Columns by their distinct values."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from lake.distinct import coded, sorted_by

ROWS = st.lists(
    st.tuples(st.none() | st.sampled_from(["", "a", "A", "b", "é", "\U0001f697"]), st.none() | st.integers(0, 2))
)


@given(ROWS)
def test_sorted_as_polars_sorts(rows: list[tuple[str | None, int | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"text": pl.String, "number": pl.Int64}, orient="row").with_row_index("place")
    for columns in (["text", "number"], ["number", "text"], ["text"]):
        assert sorted_by(frame, columns).equals(frame.sort(columns, maintain_order=True))
    assert sorted_by(frame, []).equals(frame)


@given(st.lists(st.none() | st.text(max_size=3)))
def test_codes_stand_for_their_texts(texts: list[str | None]) -> None:
    column = pl.Series(texts, dtype=pl.String)
    distinct, places = coded(column)
    assert distinct.n_unique() == len(distinct)
    assert distinct.null_count() == 0
    assert distinct.gather(places).to_list() == texts
