"""How long messages took from event to arrival, as histograms. ``docs/core.md`` explains the rules.

``core.vehicle_days`` has the mean and the longest lag of a vehicle's day. What share of a day's messages is still to
come is told by those of single messages.
"""

from __future__ import annotations

from datetime import date
from math import log

import numpy as np
import polars as pl

from lake.schemas.core import Arrivals
from transforms.core.axis import Ints
from transforms.core.events import between, bounds
from transforms.core.ordering import ORDER_KEYS, in_order

_DAY = 86_400_000_000
_US = 1e6
#: The classes are those that metrics of the kind ``quantile`` read: each ends 2 % above the one before.
_STEP = log(1.02)
#: The class of what is not above zero.
_LOWEST = -32768
_KEY = ("day", "vehicle", "feed", "log_bucket")


def arrivals(telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Messages of each vehicle, day and feed by how long they took, from ``first`` to ``last``.

    A row depends on the messages of its own vehicle and day, and on nothing else. Of copies, the first to arrive
    counts.

    Args:
        telemetry: rows of ``raw.telemetry`` of these days, in any order, resends included. Fastest where sorted by
            (vehicle_id, event_at).
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.arrivals``, sorted by (date, vehicle_id, source, log_bucket).
    """
    lazy = telemetry.lazy().filter(between(*bounds(first, last)))
    frame = lazy.select(*ORDER_KEYS, "received_at").collect()
    if frame.is_empty():
        return Arrivals.create_empty()
    ordered = in_order(frame)
    at, vehicle = ordered.at, ordered.vehicle
    received = ordered.take(frame["received_at"].to_physical().to_numpy())
    feeds = frame["source"].unique().sort()
    feed = ordered.take(frame["source"].cast(pl.Enum(feeds)).to_physical().cast(pl.UInt32).to_numpy())
    if ordered.copies is not None:
        kept = np.flatnonzero(~ordered.copies)
        received = np.minimum.reduceat(received, kept)
        at, vehicle, feed = at[kept], vehicle[kept], feed[kept]
    day = at // _DAY
    after = received - (day + 1) * _DAY
    messages = pl.DataFrame({"day": day, "vehicle": vehicle, "feed": feed})
    late = np.flatnonzero(after > 0)
    counted = (
        messages.with_columns(_classes(received - at)).group_by(_KEY).agg(messages=pl.len()),
        messages[late].with_columns(_classes(after[late])).group_by(_KEY).agg(messages_after_day=pl.len()),
    )
    return (
        pl.concat(counted, how="diagonal")
        .group_by(_KEY)
        .agg(pl.col("messages", "messages_after_day").sum().cast(pl.Int64))
        .sort(_KEY)
        .select(
            pl.col("day").cast(pl.Int32).cast(pl.Date).alias("date"),
            pl.lit(ordered.vehicle_ids).gather(pl.col("vehicle")).alias("vehicle_id"),
            pl.lit(feeds).gather(pl.col("feed")).alias("source"),
            "log_bucket",
            "messages",
            "messages_after_day",
        )
    )


def _classes(span: Ints) -> pl.Series:
    """The class of each span of time, which is in microseconds."""
    above = span > 0
    classes = np.ceil(np.log(np.where(above, span, 1) / _US) / _STEP)
    return pl.Series("log_bucket", np.where(above, classes, _LOWEST).astype(np.int64))
