"""What parked vehicles lose: rests between two readings of the state of charge without a drive and without charging."""

from __future__ import annotations

import numpy as np
import polars as pl

from transforms.core.axis import FAR, HOUR, Axis, Bools, Floats, Ints, Positions, range_sum
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
    ended, follows = _trips_beside(messages, trips, after[kept])
    still = ended <= at[before[kept]]
    kept, ended, follows = kept[still], ended[still], follows[still]
    kept = kept[~_moved(messages, before[kept], after[kept], ended, follows, rules)]
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


def _moved(
    messages: Messages, before: Positions, after: Positions, ended: Ints, follows: Ints, rules: DayRules
) -> Bools:
    """Which rests have a drive in them of which no trip tells, but the odometer.

    It is read at the messages nearest to both ends of a rest, between the end of the last trip before it and the start
    of the next, on the day of its end and the day before.
    """
    today = messages.at[after] // DAY * DAY
    since, until = np.maximum(ended, today - DAY), np.minimum(follows, today + DAY - 1)
    low, high = _reading_near(messages, before, since, until), _reading_near(messages, after, since, until)
    gain = messages.odometer[high] - messages.odometer[low]
    moved: Bools = (low >= 0) & (high >= 0) & (gain >= rules.moved_km)
    return moved


def _trips_beside(messages: Messages, trips: pl.DataFrame, moment: Positions) -> tuple[Ints, Ints]:
    """When the last trip ended that starts before each moment, on its day or the day before, and when the next starts.

    Trips of a vehicle do not overlap. Without such a trip the times are far off.
    """
    numbers = messages.vehicle_ids.to_frame("vehicle_id").with_row_index("number")
    known = trips.join(numbers, on="vehicle_id").sort("number", "started_at")
    vehicle, at = messages.vehicle[moment].astype(np.int64), messages.at[moment]
    if known.is_empty() or not len(moment):
        return np.full(len(moment), -FAR), np.full(len(moment), FAR)
    driver = known["number"].cast(pl.Int64).to_numpy()
    starts, ends = (known[name].to_physical().to_numpy() for name in ("started_at", "ended_at"))
    origin = int(min(starts.min(), at.min()))
    axis = Axis(origin, int(max(starts.max(), at.max())) - origin + 1)
    following = np.searchsorted(axis.place(driver, starts), axis.place(vehicle, at))
    last, following = following - 1, np.minimum(following, len(starts) - 1)
    yesterday = (at // DAY - 1) * DAY
    recent = (last >= 0) & (driver[last] == vehicle) & (starts[last] >= yesterday)
    to_come = (driver[following] == vehicle) & (starts[following] >= at)
    return np.where(recent, ends[last], -FAR), np.where(to_come, starts[following], FAR)


def _reading_near(messages: Messages, moment: Positions, since: Ints, until: Ints) -> Positions:
    """The message with the odometer reading nearest to each moment, of those between two times; -1 where none is."""
    place = np.flatnonzero(~np.isnan(messages.odometer))
    if not len(place):
        return np.full(len(moment), -1, dtype=np.intp)
    at, vehicle = messages.at, messages.vehicle
    index = np.searchsorted(place, moment, side="right")
    earlier, later = place[np.maximum(index - 1, 0)], place[np.minimum(index, len(place) - 1)]
    has_earlier = (index > 0) & (vehicle[earlier] == vehicle[moment]) & (at[earlier] >= since)
    has_later = (index < len(place)) & (vehicle[later] == vehicle[moment]) & (at[later] <= until)
    nearer = has_later & (~has_earlier | (at[later] - at[moment] < at[moment] - at[earlier]))
    return np.where(nearer, later, np.where(has_earlier, earlier, -1))
