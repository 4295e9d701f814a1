"""What each vehicle did on the last 64 days, as bitmaps: weekly and monthly actives cost one small day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.schemas.core import Activity

#: Days that a bitmap holds.
DAYS = 64
#: Column of the bitmap, and the column of ``core.vehicle_days`` that sets its bit.
_BITMAPS = {"active_days": "active", "reported_days": "reported", "registered_days": "registered"}


def activity(vehicle_days: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The bitmaps of each vehicle as of each day from ``first`` to ``last``.

    Bit 0 is the day itself, bit n the day n days before; bit 63 is the sign of the integer.

    Args:
        vehicle_days: rows of ``core.vehicle_days`` in any order, of at least the days from ``DAYS - 1`` before
            ``first`` to ``last``.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.activity``, sorted by (date, vehicle_id): the vehicles of which any bit is set. A row is a
        function of its vehicle's rows of these 64 days.
    """
    begin = first - timedelta(days=DAYS - 1)
    columns = (last - begin).days + 1
    rows = (
        vehicle_days.lazy()
        .filter(pl.col("date").is_between(begin, last))
        .select("vehicle_id", *_BITMAPS.values(), column=(pl.col("date") - begin).dt.total_days())
        .collect()
    )
    vehicle_ids = rows["vehicle_id"].unique().sort()
    place = pl.DataFrame({"vehicle_id": vehicle_ids, "row": np.arange(len(vehicle_ids))})
    row = rows.join(place, on="vehicle_id", how="left", maintain_order="left")["row"].to_numpy()
    did = {}
    for bitmap, source in _BITMAPS.items():
        did[bitmap] = np.zeros((columns, len(vehicle_ids)), dtype=np.uint8)
        did[bitmap][rows["column"].to_numpy(), row] = rows[source].to_numpy()
    return pl.concat([Activity.create_empty(), *_days(did, vehicle_ids, first)])


def _days(did: dict[str, NDArray[np.uint8]], vehicle_ids: pl.Series, first: date) -> list[pl.DataFrame]:
    """A frame per day from ``first`` on, from one row of flags per day from ``DAYS - 1`` before it on."""
    bits = {bitmap: np.zeros(len(vehicle_ids), dtype=np.uint64) for bitmap in did}
    found = []
    for column in range(len(did["active_days"])):
        bits = {bitmap: (held << np.uint64(1)) | did[bitmap][column] for bitmap, held in bits.items()}
        if column < DAYS - 1:
            continue
        seen = np.flatnonzero(np.bitwise_or.reduce(list(bits.values())))
        maps = {bitmap: held[seen].view(np.int64) for bitmap, held in bits.items()}
        frame = pl.DataFrame({"vehicle_id": vehicle_ids.gather(seen), **maps})
        day = first + timedelta(days=column - DAYS + 1)
        found.append(frame.select(pl.lit(day).alias("date"), "vehicle_id", *_BITMAPS))
    return found
