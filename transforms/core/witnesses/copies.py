"""What a message says that was told more than once: the same, something more, or something else.

Same key and same content is a copy. What a later one says beyond the first adds up, for a feed may spread a moment over
several rows without numbering them. Where it says otherwise of the same signal it is a conflict: the first counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lake.signals import SIGNALS, Signal
from transforms.core.axis import Bools, Ints, Positions
from transforms.core.messages import MESSAGE_KEY, in_range
from transforms.core.ordering import ORDER_KEYS, Ordered


def again(ordered: Ordered) -> Positions:
    """Places, in order, of all rows of the messages that were told more than once."""
    copies = np.zeros(0, dtype=bool) if ordered.copies is None else ordered.copies
    return np.flatnonzero(copies | np.append(copies[1:], False)[: len(copies)])


def told_again(telemetry: pl.LazyFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """All rows of some messages, with their keys, arrival and plausible values, in the order of these.

    Args:
        telemetry: rows of ``raw.telemetry``.
        keys: ``MESSAGE_KEY`` of the messages.
    """
    present = set(telemetry.collect_schema().names())
    signals = [_plausible(signal) for signal in SIGNALS if signal.column in present]
    rows = telemetry.select(*ORDER_KEYS, *signals).join(keys.lazy(), on=MESSAGE_KEY, how="semi", nulls_equal=True)
    return rows.sort(ORDER_KEYS).collect()


def _plausible(signal: Signal) -> pl.Expr:
    value = pl.col(signal.column)
    return value if signal.low is None else pl.when(in_range(signal)).then(value).alias(signal.column)


def repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """How each row of messages told more than once stands to what was told before it of the same message.

    Args:
        rows: of :func:`told_again`.

    Returns:
        One row per row: ``adds`` (it has a signal that was not told before, and contradicts nothing) and ``conflicts``.
    """
    head, message = _messages(rows)
    adds, conflicts = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for name in _said(rows):
        known, other = _against_first(rows[name], head, message)
        before: Ints = np.cumsum(known) - known
        more = known & (before == before[head][message])
        more[head] = False
        adds |= more
        conflicts |= other
    return pl.DataFrame({"adds": adds & ~conflicts, "conflicts": conflicts})


def conflicts(rows: pl.DataFrame) -> pl.DataFrame:
    """The values that contradict the first of their message.

    Args:
        rows: of :func:`told_again`.

    Returns:
        ``vehicle_id``, ``event_at``, ``signal``, ``said`` and ``believed``.
    """
    head, message = _messages(rows)
    parts = []
    for name in _said(rows):
        _, other = _against_first(rows[name], head, message)
        place = np.flatnonzero(other)
        if len(place):
            value = rows[name].cast(pl.Float64)
            first = value.gather(_first_known(rows[name], head, message)[message[place]])
            part = rows.select("vehicle_id", "event_at")[place]
            parts.append(part.with_columns(signal=pl.lit(name), said=value.gather(place), believed=first))
    return pl.concat(parts) if parts else pl.DataFrame(schema=_CONFLICT)


_CONFLICT = {
    "vehicle_id": pl.String(), "event_at": pl.Datetime("us", "UTC"), "signal": pl.String(), "said": pl.Float64(),
    "believed": pl.Float64(),
}  # fmt: skip


def _said(rows: pl.DataFrame) -> Sequence[str]:
    """Signals of which something is said."""
    return [name for name in rows.columns if name not in ORDER_KEYS and rows[name].null_count() < len(rows)]


def _messages(rows: pl.DataFrame) -> tuple[Positions, Positions]:
    """First row of each message, and the number of the message of each row."""
    again = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in MESSAGE_KEY)
    new = rows.select(~again | (pl.int_range(pl.len()) == 0)).to_series().to_numpy()
    return np.flatnonzero(new), np.cumsum(new) - 1


def _first_known(column: pl.Series, head: Positions, message: Positions) -> Positions:
    """Per message the first row that has a value; its head where none has."""
    known = np.flatnonzero(column.is_not_null().to_numpy())
    first = head.copy()
    first[message[known[::-1]]] = known[::-1]
    return first


def _against_first(column: pl.Series, head: Positions, message: Positions) -> tuple[Bools, Bools]:
    """Per row whether it has a value, and whether that is another than the first of its message."""
    known: Bools = column.is_not_null().to_numpy()
    first = column.gather(_first_known(column, head, message)[message])
    other: Bools = (column.ne_missing(first)).to_numpy() & known
    return known, other
