"""Events as core tables take them: what a row must say, the days it is read for, and one row per message.

What the events of one kind mean belongs to the module of its table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from lake.schemas import TABLES
from transforms.core.messages import ARRIVAL_ORDER, deduplicate


def midnight(day: date) -> datetime:
    """The moment at which a UTC day starts."""
    return datetime.combine(day, time(), tzinfo=UTC)


def bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """The moment at which the days from ``first`` to ``last`` start, and the one at which they are over."""
    return midnight(first), midnight(last + timedelta(days=1))


def read_events(
    events: pl.LazyFrame | pl.DataFrame, table: str, columns: Sequence[str], codes: Mapping[str, Sequence[str]]
) -> pl.LazyFrame:
    """The columns of a raw table that matter, of the rows that say what they must.

    Args:
        events: rows of ``table`` in any order. Columns that may be null may be missing.
        table: name of a raw table.
        columns: columns wanted beside those of the message key and of arrival.
        codes: columns with codes, and these in the order in which those of one moment are taken to have happened.

    Returns:
        One row per row with all that the schema requires and known codes, the latter as ``pl.Enum``.
    """
    spec = TABLES[table]
    given = events.lazy()
    present = set(given.collect_schema().names())
    wanted = dict.fromkeys((*spec.message_key, *ARRIVAL_ORDER, *columns))
    schema = spec.schema.columns()
    required = [name for name in wanted if not schema[name].nullable]
    return given.select(
        pl.col(name) if name in present or name in required else pl.lit(None, dtype=schema[name].dtype).alias(name)
        for name in wanted
    ).with_columns(
        pl.col(name).cast(pl.Enum(values), strict=False) for name, values in codes.items()
    ).drop_nulls(required)  # fmt: skip


def of_those(rows: pl.LazyFrame, names: Sequence[str], condition: pl.Expr) -> pl.LazyFrame:
    """The rows of everything of which some row meets a condition: of the faults set on a day, their whole history.

    Hashes are compared rather than texts. Where two clash, more rows are kept: whoever asks, leaves out what is not of
    the days asked for anyway.

    Args:
        rows: rows of a raw table.
        names: columns that say of what a row is, texts that are never null.
        condition: Boolean.
    """
    mark = pl.lit(0, dtype=pl.UInt64)
    for seed, name in enumerate(names):
        mark = mark ^ pl.col(name).hash(seed)
    wanted = rows.filter(condition).select(mark.unique().implode()).collect().to_series()
    return rows.filter(mark.is_in(wanted))


def between(start: datetime, end: datetime) -> pl.Expr:
    """Whether an event was from ``start`` to before ``end``."""
    return (pl.col("event_at") >= start) & (pl.col("event_at") < end)


def one_per_message(rows: pl.LazyFrame, table: str, order: Sequence[str]) -> pl.DataFrame:
    """One row per message, sorted by ``order`` and then by what is left of the message key.

    Args:
        rows: rows with the message key of ``table`` and the columns of arrival.
        table: name of a raw table.
        order: columns of its message key that the rows are sorted by first.

    Returns:
        The first copy of each message, without the columns of arrival.
    """
    key = TABLES[table].message_key
    kept = deduplicate(rows, (*order, *(name for name in key if name not in order)))
    return kept.drop("copies", *ARRIVAL_ORDER).collect()


def begins(*names: str) -> pl.Expr:
    """Whether a row is the first of those, lying together, that agree in these columns (none of them null)."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)


def seconds(span: pl.Expr) -> pl.Expr:
    """A duration in seconds (Float64)."""
    return span.dt.total_microseconds() / 1e6


def last_where(condition: pl.Expr, value: pl.Expr, group_start: pl.Expr) -> pl.Expr:
    """The value at the newest row up to this one at which a condition holds; null where none does in the group.

    Args:
        condition: Boolean, never null.
        value: what is wanted of that row.
        group_start: Boolean: the row is the first of its group. Groups lie together.

    Returns:
        One value per row, of the type of ``value``.
    """
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    newest = pl.when(condition).then(row).forward_fill()
    start = pl.when(group_start).then(row).forward_fill()
    return pl.when(newest >= start).then(pl.when(condition).then(value).forward_fill())
