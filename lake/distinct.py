"""A text column by its distinct values: what costs much is done once for each of them, not for each row."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow.compute as pc


def coded(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The distinct texts, nulls apart, and for each row the place of its own among them, or null."""
    encoded = pc.dictionary_encode(texts.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return pl.Series(encoded.dictionary, dtype=pl.String), pl.Series(encoded.indices, dtype=pl.UInt32)


def sorted_by(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows by some columns, nulls first; those that are equal in these stay in their order."""
    keys = [_ranks(frame[name]) if frame.schema[name] == pl.String else frame[name] for name in columns]
    return frame.sort(keys, maintain_order=True) if keys else frame


def _ranks(texts: pl.Series) -> pl.Series:
    distinct, places = coded(texts)
    return distinct.rank("ordinal").gather(places)
