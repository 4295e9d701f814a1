"""JSON texts of which a fast reader may say what they do not: they are looked at closely."""

from __future__ import annotations

import re
from itertools import accumulate

import numpy as np
import polars as pl

#: Deeper messages are refused: far deeper ones would exhaust the stack of whoever walks them.
DEEPEST = 500
#: From here on a float may stand for its odd neighbour, too.
_TOO_LARGE = 2.0**53
#: Digits that are grouped.
_GROUPED = "|".join(f"{digit}_" for digit in range(10))
_QUOTE_COLON = int.from_bytes(b'":', "little")
#: Pairs of bytes that are looked at together: they fit a cache of the processor.
_AT_ONCE = 1 << 19


def colons_after_quotes(data: bytes | bytearray | memoryview) -> int:
    """How often ``":`` occurs: in JSON that is written without blanks before colons and without escapes, its keys."""
    count = 0
    array = np.frombuffer(data, dtype=np.uint8)
    for start in (0, 1):
        pairs = array[start : start + (len(array) - start) // 2 * 2].view("<u2")
        for at in range(0, len(pairs), _AT_ONCE):
            count += int(np.count_nonzero(pairs[at : at + _AT_ONCE] == _QUOTE_COLON))
    return count


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
    texts_found = pl.DataFrame([c.alias(f"{n}") for n, c in enumerate(values) if c.dtype == pl.String])
    short = texts_found.select((pl.all().str.len_bytes() <= len("false")).any())
    columns = [texts_found[found.name] for found in short if found[0]]
    as_text = pl.sum_horizontal(pl.lit(0, pl.UInt32), *(pl.col(c.name).is_in(["true", "false"]) for c in columns))
    # Few literals in one pattern are looked for at once; more, or classes, many times slower.
    text = pl.col("t").str
    odd = text.contains(r"\\| :|\t:|\n:|\r:") | text.contains(_GROUPED) | (text.count_matches("true|false") != as_text)
    number = next((column for column in values if column.name == sequence and column.dtype.is_float()), None)
    if number is not None:
        columns.append(number.alias("number"))
        whole = (pl.col("number") == pl.col("number").round()) & (pl.col("number").abs() < _TOO_LARGE)
        odd |= ~whole.fill_null(True)
    return pl.DataFrame([texts.alias("t"), *columns]).select(odd).to_series()


def too_deep(texts: pl.Series) -> pl.Series:
    """Texts that may be nested too deeply to be walked."""
    suspect = (texts.str.count_matches(r"\[|\{") > DEEPEST).fill_null(False)
    for row in suspect.arg_true():
        suspect[row] = _depth(texts[row]) > DEEPEST
    return suspect


def _depth(text: str) -> int:
    """Levels of objects and arrays in a JSON text."""
    brackets = re.sub(r"[^\[\]{}]", "", re.sub(r'"(?:[^"\\]|\\.)*"', "", text))
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)
