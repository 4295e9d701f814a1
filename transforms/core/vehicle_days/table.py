"""The spine of every rate per vehicle-day: one row per vehicle and day on which it was in the fleet."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from lake.schemas.core import VehicleDays
from transforms.core.axis import HOUR, Bools, Floats
from transforms.core.vehicle_days.expected import missing_messages
from transforms.core.vehicle_days.rules import DayRules
from transforms.core.vehicle_days.standby import standby
from transforms.core.vehicle_days.vehicle_messages import Messages, read_messages

_KEY = ["date", "vehicle_id"]
_DESCRIBED = ["market", "model", "trim", "model_year", "powertrain", "software_version", "registered"]
_REPEATED = ("duplicates", "conflicts")
_SUMMED = {
    "distance_km": pl.col("distance_km"),
    "doubted_km": pl.when("doubted").then("distance_km").otherwise(0),
    "driving_s": pl.col("driving_s"),
    "idle_s": pl.col("idle_s"),
    "energy_used_kwh": pl.col("energy_used_kwh").fill_null(0),
    "energy_regenerated_kwh": pl.col("energy_regenerated_kwh").fill_null(0),
    "energy_known_km": pl.when(pl.col("energy_used_kwh").is_not_null()).then("distance_km").otherwise(0),
    "fuel_used_l": pl.col("fuel_used_l").fill_null(0),
    "fuel_known_km": pl.when(pl.col("fuel_used_l").is_not_null()).then("distance_km").otherwise(0),
}
_COUNTED = ("refuels", "harsh_accelerations", "harsh_brakings", "harsh_cornerings")
_US = 1e6
#: By how much two readings in whole kilometres may be off together.
_WHOLE_KM = 1.0


def vehicle_days(
    telemetry: pl.LazyFrame | pl.DataFrame,
    trips: pl.LazyFrame | pl.DataFrame,
    vehicles_of_days: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: DayRules | None = None,
) -> pl.DataFrame:
    """What each vehicle of the fleet did on each day from ``first`` to ``last``.

    A vehicle is in the fleet on a day when it was heard on that day, or when the registry as of the day says that it
    had been delivered. A row depends on its own vehicle, on the telemetry and trips of its day and of the day before,
    and on nothing else.

    Args:
        telemetry: rows of ``raw.telemetry`` of the days from the one before ``first`` to ``last``, in any order,
            resends included. Signal columns may be missing. Fastest where sorted by (vehicle_id, event_at).
        trips: rows of ``core.trips`` that start on these days.
        vehicles_of_days: rows of ``core.vehicles`` of the days from ``first`` to ``last``; may be empty.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.vehicle_days``, sorted by (date, vehicle_id).
    """
    rules = rules or DayRules()
    within = pl.col("date").is_between(first, last)
    driven = (
        trips.lazy().select(*_KEY, "started_at", "ended_at", **_SUMMED, **{name: name for name in _COUNTED}).collect()
    )
    messages = read_messages(telemetry, first - rules.context, last)
    heard = _heard(messages, driven, rules).filter(within)
    moved = _driven(driven.filter(within))
    known = vehicles_of_days.lazy().filter(within).select(*_KEY, *_DESCRIBED).collect()
    in_fleet = pl.concat([frame.select(_KEY) for frame in (known.filter("registered"), heard, moved)]).unique()
    no = {"registered": False}
    nothing = dict.fromkeys(
        (
            "trips",
            "messages",
            "messages_expected",
            "messages_late",
            "duplicates",
            "conflicts",
            "implausible",
            *_COUNTED,
        ),
        0,
    )
    zero = dict.fromkeys((*_SUMMED, "lag_sum_s", "standby_h", "standby_loss_pct"), 0.0)
    return (
        in_fleet.join(known, on=_KEY, how="left")
        .join(heard, on=_KEY, how="left")
        .join(moved, on=_KEY, how="left")
        .with_columns(reported=pl.col("messages").is_not_null(), active=pl.col("trips").is_not_null())
        .with_columns(pl.col(name).fill_null(value) for name, value in (no | nothing | zero).items())
        .select(VehicleDays.column_names())
        .sort(_KEY)
    )


def _heard(messages: Messages, trips: pl.DataFrame, rules: DayRules) -> pl.DataFrame:
    """Messages of each vehicle and day, their delays, the gain of the odometer, and the time at rest."""
    starts, ends = messages.groups()
    if not len(starts):
        return VehicleDays.create_empty().select(_OF_MESSAGES)
    count, late = ends - starts, messages.lag > round(rules.late_s * _US)
    hours, loss = standby(messages, trips, rules)
    gain, gained = _odometer_gain(messages, rules)
    columns = {
        "messages": count,
        "messages_expected": count + missing_messages(messages, rules),
        "messages_late": np.add.reduceat(late.astype(np.int64), starts),
        "duplicates": np.add.reduceat(messages.copies, starts),
        "conflicts": np.add.reduceat(messages.conflicts, starts),
        "implausible": np.add.reduceat(messages.implausible, starts),
        "first_event_at": messages.at[starts],
        "last_event_at": messages.at[ends - 1],
        "lag_sum_s": np.add.reduceat(messages.lag, starts) / _US,
        "lag_max_s": np.maximum.reduceat(messages.lag, starts) / _US,
        "standby_h": hours,
        "standby_loss_pct": loss,
        "odometer_gain_km": np.where(gained, gain, np.nan),
    }
    return pl.DataFrame(columns).select(
        pl.col("first_event_at").cast(pl.Datetime("us", "UTC")).dt.date().alias("date"),
        messages.vehicle_ids.gather(messages.vehicle[starts]).alias("vehicle_id"),
        pl.exclude("first_event_at", "last_event_at", "odometer_gain_km"),
        pl.col("first_event_at", "last_event_at").cast(pl.Datetime("us", "UTC")),
        pl.col("odometer_gain_km").fill_nan(None),
    )


_OF_MESSAGES = (
    *_KEY, "messages", "messages_expected", "messages_late", *_REPEATED, "implausible", "lag_sum_s", "lag_max_s",
    "standby_h", "standby_loss_pct", "first_event_at", "last_event_at", "odometer_gain_km",
)  # fmt: skip


def _odometer_gain(messages: Messages, rules: DayRules) -> tuple[Floats, Bools]:
    """Last reading of each vehicle and day less the last of the day before, and whether a vehicle can gain that.

    Where the day before has no reading, the first of the day takes its place.
    """
    starts, ends = messages.groups()
    place = np.flatnonzero(~np.isnan(messages.odometer))
    if not len(place):
        return np.zeros(len(starts)), np.zeros(len(starts), dtype=bool)
    low, high = np.searchsorted(place, starts), np.searchsorted(place, ends)
    yesterday = np.append(0, low[:-1])
    first = np.where(messages.follows(starts) & (low > yesterday), low - 1, low)
    two = (high > low) & (high - 1 > first)
    before, after = place[np.where(two, first, 0)], place[np.where(two, high - 1, 0)]
    gain = messages.odometer[after] - messages.odometer[before]
    hours = (messages.at[after] - messages.at[before]) / HOUR
    return gain, two & (gain >= 0) & (gain <= rules.fastest_kmh * hours + _WHOLE_KM)


def _driven(trips: pl.DataFrame) -> pl.DataFrame:
    """Trips of each vehicle and day.

    NumPy sums a slice the same way wherever it lies, Polars does not: the last bit would depend on the other vehicles.
    """
    ordered = trips.sort(*_KEY, "started_at")
    groups = ordered.group_by(_KEY, maintain_order=True).agg(
        trips=pl.len().cast(pl.Int64), **{name: pl.col(name).sum() for name in _COUNTED}
    )
    if groups.is_empty():
        return groups.with_columns(pl.lit(0.0).alias(name) for name in _SUMMED)
    starts = np.cumsum(groups["trips"].to_numpy()) - groups["trips"].to_numpy()
    return groups.with_columns(pl.Series(name, np.add.reduceat(ordered[name].to_numpy(), starts)) for name in _SUMMED)
