"""Feeds of which each record says the value of one signal: the signal's name in one field, the value in another."""

from __future__ import annotations

import polars as pl

from lake.signals import IDENTIFIER_PATHS
from transforms.sources.canonical import EXTRAS
from transforms.sources.profile import FeedProfile


def signal_fields(profile: FeedProfile) -> frozenset[str]:
    """Fields that become columns."""
    return frozenset(name for targets in profile.targets.values() for t in targets for name in t.fields)


def widened(cells: pl.DataFrame, profile: FeedProfile) -> pl.DataFrame:
    """Cells in which each value stands in a column of its signal's name, or in ``@extras``.

    Args:
        cells: ``@extras``, and the fields of the records. They stay as they are where the feed is of another kind.
        profile: the feed.
    """
    if profile.long_name is None or not {profile.long_name, profile.long_value} <= set(cells.columns):
        return cells
    name, value = pl.col(profile.long_name or ""), pl.col(profile.long_value or "")
    names = cells[profile.long_name or ""].unique(maintain_order=True).to_list()
    known = [n for n in names if n in signal_fields(profile) and n not in cells.columns]
    dropped = [n for n in names if n in profile.ignore or n in IDENTIFIER_PATHS]
    other = ~name.is_in(known + dropped) & (value != "")
    pair = pl.concat_str(pl.lit("{"), _json_text(name), pl.lit(":"), _json_text(value), pl.lit("}"))
    sent = pl.col(EXTRAS)
    both = pl.concat_str(pair.str.head(-1), pl.lit(","), sent.str.slice(1))
    return cells.with_columns(
        *(pl.when(name == n).then(value).alias(n) for n in known),
        pl.when(other & sent.is_not_null()).then(both).when(other).then(pair).otherwise(sent).alias(EXTRAS),
    )


def _json_text(expr: pl.Expr) -> pl.Expr:
    """A JSON string: what ``json_encode`` makes of a struct of one field, without the field."""
    encoded = pl.struct(expr.alias("t")).struct.json_encode()
    return encoded.str.slice(5).str.head(-1)
