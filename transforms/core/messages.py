"""What a raw message is worth: which copy of it counts, and which of its values can be true.

Works on any frame with the key columns of a raw table; nothing here knows of trips or days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.schemas import TABLES
from lake.signals import Signal

#: One message of telemetry: the vehicle, its time, the feed's own number and the feed.
MESSAGE_KEY = TABLES["raw.telemetry"].message_key

#: Which of several copies of a message is the first. ``source`` decides where two feeds tell of one event.
ARRIVAL_ORDER = ("batch", "record", "source")


def deduplicate(messages: pl.LazyFrame | pl.DataFrame, key: Sequence[str] = MESSAGE_KEY) -> pl.LazyFrame:
    """One row per message: resends are left out, and counted.

    Args:
        messages: rows of a raw table in any order, with ``vehicle_id, event_at, sequence, batch, record, source``
            and any other columns. Two rows without a sequence number count as the same message when the rest of the
            key is equal: a feed that spreads one moment over several rows has to number them.
        key: what resends of one message agree in: ``message_key`` of the table, in ``lake.schemas``.

    Returns:
        The first row of each message by (batch, record), with ``copies`` (Int64): how many further ones there were.
        Sorted by the key.
    """
    ordered = messages.lazy().sort(*dict.fromkeys((*key, *ARRIVAL_ORDER)))
    is_copy = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)
    position = pl.int_range(pl.len(), dtype=pl.Int64)
    return (
        ordered.with_columns(is_first=(position == 0) | ~is_copy, copies=position, total=pl.len().cast(pl.Int64))
        .filter("is_first")
        .with_columns(copies=pl.col("copies").shift(-1).fill_null(pl.col("total")) - pl.col("copies") - 1)
        .drop("is_first", "total")
    )


def plausible(signal: Signal, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which values of a signal are within its plausible range (``lake.signals``). NaN is not.

    Args:
        signal: the signal; without a range every value is plausible.
        values: values that were sent, in the unit of its column.
    """
    if signal.low is None or signal.high is None:
        return np.ones(len(values), dtype=bool)
    within: npt.NDArray[np.bool_] = (values >= signal.low) & (values <= signal.high)
    return within


def in_range(signal: Signal) -> pl.Expr:
    """Whether the value of a bounded signal is plausible; null where nothing was sent."""
    return pl.col(signal.column).is_between(signal.low, signal.high)
