"""The spine of every rate per vehicle-day: one row per vehicle and day on which it was in the fleet."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from lake.schemas.core import VehicleDays
from transforms.core.messages import ARRIVAL_ORDER, MESSAGE_KEY, deduplicate, plausible
from transforms.core.motion import TripRules
from transforms.core.registry import registry

_KEY = ["date", "vehicle_id"]
_SUMMED = ("distance_km", "driving_s", "idle_s")


def vehicle_days(
    telemetry: pl.LazyFrame | pl.DataFrame,
    trips: pl.LazyFrame | pl.DataFrame,
    vehicles: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
) -> pl.DataFrame:
    """What each vehicle of the fleet did on each day from ``first`` to ``last``.

    A vehicle is in the fleet on a day when it was heard on that day, or when the registry as of the day says that it
    had been delivered. A row depends on its own vehicle and day only, and on the registry up to that day.

    Args:
        telemetry: rows of ``raw.telemetry`` of these days in any order, resends included.
        trips: rows of ``core.trips`` that start on these days.
        vehicles: rows of ``raw.vehicles`` up to ``last``; may be empty.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.vehicle_days``, sorted by (date, vehicle_id).
    """
    within = pl.col("date").is_between(first, last)
    heard = _heard(telemetry.lazy().with_columns(date=pl.col("event_at").dt.date()).filter(within)).collect()
    driven = _driven(trips.lazy().filter(within).collect())
    known = registry(vehicles, first, last)
    in_fleet = pl.concat(
        [known.filter("registered").select(_KEY), heard.select(_KEY), driven.select(_KEY)], how="vertical"
    ).unique()
    none = {"registered": False, "active": False}
    nothing = dict.fromkeys(("trips", "messages", "duplicates", "implausible"), 0)
    zero = dict.fromkeys((*_SUMMED, "lag_sum_s"), 0.0)
    return (
        in_fleet.join(known, on=_KEY, how="left")
        .join(heard, on=_KEY, how="left")
        .join(driven, on=_KEY, how="left")
        .with_columns(reported=pl.col("messages").is_not_null(), active=pl.col("trips").is_not_null())
        .with_columns(pl.col(name).fill_null(value) for name, value in (none | nothing | zero).items())
        .select(VehicleDays.column_names())
        .sort(_KEY)
    )


def _heard(telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """Messages of each vehicle and day, their delays, and the gain of the odometer."""
    columns = telemetry.collect_schema().names()
    odometer = pl.col("odometer_km") if "odometer_km" in columns else pl.lit(None, dtype=pl.Float64)
    lag = (pl.col("received_at") - pl.col("event_at")).dt.total_microseconds()
    messages = deduplicate(
        plausible(telemetry).select(*_KEY, *MESSAGE_KEY[1:], *ARRIVAL_ORDER, "implausible", lag=lag, odometer=odometer)
    )
    reading = pl.col("odometer").drop_nulls()
    return (
        messages.group_by(_KEY, maintain_order=True)
        .agg(
            messages=pl.len().cast(pl.Int64),
            duplicates=pl.col("copies").sum(),
            implausible=pl.col("implausible").sum(),
            first_event_at=pl.col("event_at").min(),
            last_event_at=pl.col("event_at").max(),
            lag_sum_s=pl.col("lag").sum() / 1e6,
            lag_max_s=pl.col("lag").max() / 1e6,
            readings=reading.len(),
            gain=reading.last() - reading.first(),
        )
        .with_columns(odometer_gain_km=pl.when(_is_sound(pl.col("gain"), pl.col("readings"))).then("gain"))
        .drop("gain", "readings")
    )


def _is_sound(gain: pl.Expr, readings: pl.Expr) -> pl.Expr:
    """Two readings at least, and a gain that a vehicle can make in a day."""
    return (readings > 1) & gain.is_between(0, TripRules().fastest_kmh * 24)


def _driven(trips: pl.DataFrame) -> pl.DataFrame:
    """Trips of each vehicle and day.

    NumPy sums a slice the same way wherever it lies, Polars does not: the last bit would depend on the other vehicles.
    """
    ordered = trips.sort(*_KEY, "started_at")
    groups = ordered.group_by(_KEY, maintain_order=True).agg(trips=pl.len().cast(pl.Int64))
    if groups.is_empty():
        return groups.with_columns(pl.lit(0.0).alias(name) for name in _SUMMED)
    starts = np.cumsum(groups["trips"].to_numpy()) - groups["trips"].to_numpy()
    return groups.with_columns(pl.Series(name, np.add.reduceat(ordered[name].to_numpy(), starts)) for name in _SUMMED)
