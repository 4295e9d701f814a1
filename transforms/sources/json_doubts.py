"""JSON texts of which a fast reader may say what they do not: they are looked at closely."""

from __future__ import annotations

import re
from itertools import accumulate

import polars as pl

#: Deeper messages are refused: far deeper ones would exhaust the stack of whoever walks them.
DEEPEST = 500
#: Beyond it not every whole number is a float.
_LARGEST_WHOLE = 2.0**53


def misread(texts: pl.Series, values: list[pl.Series], sequence: str | None) -> pl.Series:
    """Records that DuckDB may have understood as something that they do not say.

    It makes numbers of booleans, and of texts as ``1_000``. And records whose keys may be counted wrongly: with
    blanks before a colon, or escapes.

    Args:
        texts: the records.
        values: columns of the fields that were found in them.
        sequence: the field that should hold whole numbers.
    """
    # All booleans are where a text was wanted.
    wanted = [c for c in values if c.dtype == pl.String and (c.str.len_bytes() <= len("false")).any()]
    columns = [column.alias(f"{number}") for number, column in enumerate(wanted)]
    as_text = pl.sum_horizontal(pl.lit(0, pl.UInt32), *(pl.col(c.name).is_in(["true", "false"]) for c in columns))
    found = pl.DataFrame([texts.alias("t"), *columns]).select(
        odd=(pl.col("t").str.count_matches("true|false| :|\t:|\n:|\r:") != as_text)
        | pl.col("t").str.contains("\\", literal=True),
        grouped=pl.col("t").str.contains("_", literal=True),
    )
    odd = found["odd"]
    if found["grouped"].any():
        odd |= found["grouped"] & texts.str.contains(r'"\s*[-+.]?[0-9][-+.0-9eE]*_[-+.0-9eE_]*\s*"')
    number = next((column for column in values if column.name == sequence and column.dtype.is_float()), None)
    if number is not None:
        odd |= ((number != number.round()) | (number.abs() > _LARGEST_WHOLE)).fill_null(False)
    return odd


def too_deep(texts: pl.Series) -> pl.Series:
    """Texts that may be nested too deeply to be walked."""
    suspect = (texts.str.count_matches(r"[\[{]") > DEEPEST).fill_null(False)
    for row in suspect.arg_true():
        suspect[row] = _depth(texts[row]) > DEEPEST
    return suspect


def _depth(text: str) -> int:
    """Levels of objects and arrays in a JSON text."""
    brackets = re.sub(r"[^\[\]{}]", "", re.sub(r'"(?:[^"\\]|\\.)*"', "", text))
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)
