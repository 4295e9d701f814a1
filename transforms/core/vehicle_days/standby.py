"""What parked vehicles lose: rests between two readings of the state of charge without a trip and without charging."""

from __future__ import annotations

import numpy as np
import polars as pl

from transforms.core.axis import HOUR, Bools, Positions, range_sum
from transforms.core.trips.samples import Floats
from transforms.core.vehicle_days.rules import DayRules
from transforms.core.vehicle_days.vehicle_messages import DAY, Messages


def standby(messages: Messages, trips: pl.DataFrame, rules: DayRules) -> tuple[Floats, Floats]:
    """Hours at rest of each vehicle and day, and the state of charge lost in them.

    A rest counts on the day of its second reading. Each day is told from the messages and the trips of that day and the
    day before, whatever else is there.

    Args:
        messages: the messages; those of the first day serve the second only.
        trips: ``vehicle_id, started_at, ended_at`` of the trips that start on these days.
        rules: parameters.

    Returns:
        Hours and percentage points, one each per group of ``messages.groups()``. What temperature and rounding add
        counts against what is lost, so the loss of a day can be a little below 0.
    """
    starts, ends = messages.groups()
    place = np.flatnonzero(~np.isnan(messages.soc))
    before, after = place[:-1], place[1:]
    at, soc, vehicle = messages.at, messages.soc, messages.vehicle
    rest, loss = at[after] - at[before], soc[before] - soc[after]
    parked = (vehicle[before] == vehicle[after]) & (rest <= rules.standby_h * HOUR) & (loss >= -rules.charge_pct)
    kept = np.flatnonzero(parked & ~_charging(messages, before, after))
    kept = kept[~_driven(messages, trips, before[kept], after[kept])]
    place, rest, loss = after[kept], rest[kept], loss[kept]
    low, high = np.searchsorted(place, starts), np.searchsorted(place, ends)
    hours = np.append(0, np.cumsum(rest))
    return (hours[high] - hours[low]) / HOUR, range_sum(loss, low, high)


def _charging(messages: Messages, before: Positions, after: Positions) -> Bools:
    """Which rests have charging in them: it was last said to be on before them, or is said to be within.

    Only what was said since the start of the day before the rest's end counts. Charging that begins with the second
    reading is none yet.
    """
    said = messages.charging >= 0
    ons = np.append(0, np.cumsum(messages.charging == 1))
    newest = np.maximum.accumulate(np.where(said, np.arange(len(said)), -1))[before]
    known = (newest >= 0) & (messages.vehicle[newest] == messages.vehicle[before])
    known &= messages.at[newest] >= (messages.at[after] // DAY - 1) * DAY
    charging: Bools = (known & (messages.charging[newest] == 1)) | (ons[after] > ons[before])
    return charging


def _driven(messages: Messages, trips: pl.DataFrame, before: Positions, after: Positions) -> Bools:
    """Which rests overlap a trip that starts on the day of their end or the day before.

    Trips of a vehicle do not overlap: the last one that starts before a rest's end decides.
    """
    numbers = messages.vehicle_ids.to_frame("vehicle_id").with_row_index("number")
    known = trips.join(numbers, on="vehicle_id").select(
        "number", pl.col("started_at", "ended_at").to_physical(), until="started_at"
    )
    rests = pl.DataFrame({"number": messages.vehicle[after], "until": messages.at[after]})
    last = rests.join_asof(
        known.with_columns(pl.col("until").to_physical()).sort("until"),
        on="until", by="number", allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    started = last["started_at"].fill_null(-(2**62)).to_numpy()
    ended = last["ended_at"].fill_null(-(2**62)).to_numpy()
    yesterday = (messages.at[after] // DAY - 1) * DAY
    driven: Bools = (ended > messages.at[before]) & (started >= yesterday)
    return driven
