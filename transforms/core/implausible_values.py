"""Values that cannot be true, by signal. ``docs/core.md`` explains what is plausible.

``core.vehicle_days`` counts them by vehicle and day; whoever is to mend a sensor or a feed's unit asks of which signal.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from lake.schemas.core import ImplausibleValues
from lake.signals import SIGNALS
from transforms.core.events import between, bounds
from transforms.core.messages import in_range
from transforms.core.ordering import ORDER_KEYS, in_order

_DAY = 86_400_000_000
_BOUNDED = [signal for signal in SIGNALS if signal.low is not None and signal.high is not None]
_KEY = ("date", "vehicle_id", "signal")


def implausible_values(telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Values outside the range of their signal, of each vehicle and day from ``first`` to ``last``.

    A row depends on the messages of its own vehicle and day, and on nothing else; of copies the first counts. Signals
    that have a value out of range anywhere are found first: most have none, and are not looked at row by row.

    Args:
        telemetry: rows of ``raw.telemetry`` of these days, in any order, resends included. Signal columns may be
            missing. Fastest where sorted by (vehicle_id, event_at).
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.implausible_values``, sorted by (date, vehicle_id, signal).
    """
    lazy = telemetry.lazy().filter(between(*bounds(first, last)))
    present = set(lazy.collect_schema().names())
    outside = {s.column: (~in_range(s)).fill_null(value=False) for s in _BOUNDED if s.column in present}
    found = lazy.select(expression.any().alias(name) for name, expression in outside.items()).collect()
    wrong = [name for name in found.columns if found[name].any()]
    if not wrong:
        return ImplausibleValues.create_empty()
    frame = lazy.select(*ORDER_KEYS, *(outside[name].alias(name) for name in wrong)).collect()
    ordered = in_order(frame)
    counts = ordered.copies is None or ~ordered.copies
    pieces = []
    for name in wrong:
        place = np.flatnonzero(ordered.take(frame[name].to_numpy()) & counts)
        of_signal = {"day": ordered.at[place] // _DAY, "vehicle": ordered.vehicle[place]}
        pieces.append(pl.DataFrame(of_signal).with_columns(signal=pl.lit(name)))
    return (
        pl.concat(pieces)
        .group_by("day", "vehicle", "signal")
        .agg(pl.len().cast(pl.Int64).alias("implausible"))
        .select(
            pl.col("day").cast(pl.Int32).cast(pl.Date).alias("date"),
            pl.lit(ordered.vehicle_ids).gather(pl.col("vehicle")).alias("vehicle_id"),
            "signal",
            "implausible",
        )
        .sort(_KEY)
    )
