"""What the registry said a vehicle was, as of each day."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from transforms.core.messages import deduplicate

#: What a statement says of a vehicle, as far as KPIs are sliced by it.
DIMENSIONS = ("market", "model", "model_year", "powertrain")


def registry(vehicles: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The registry as of each day: of each vehicle, the latest statement up to the day's end.

    Of statements of one moment the greatest sequence number holds. A statement replaces the one before it wholly.

    Args:
        vehicles: rows of ``raw.vehicles`` in any order, resends included, of all days up to ``last``.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        One row per day and vehicle that the registry knew: ``date``, ``vehicle_id``, the ``DIMENSIONS`` and
        ``registered``: it was delivered by then. A statement without a day of delivery counts from its own day on.
        Sorted by (date, vehicle_id).
    """
    told_on = pl.col("event_at").dt.date()
    statements = (
        deduplicate(vehicles.lazy().filter(told_on <= last))
        .group_by("vehicle_id", told_on.alias("from_day"), maintain_order=True)
        .agg(pl.col(*DIMENSIONS, "delivered_on").last())
        .with_columns(until_day=pl.col("from_day").shift(-1).over("vehicle_id", order_by="from_day"))
        .with_columns(
            from_day=pl.max_horizontal("from_day", pl.lit(first)),
            until_day=pl.col("until_day").fill_null(last + timedelta(days=1)),
            in_fleet_from=pl.coalesce("delivered_on", "from_day"),
        )
        .filter(pl.col("until_day") > pl.col("from_day"))
    )
    days = pl.date_ranges("from_day", "until_day", closed="left")
    return (
        statements.with_columns(date=days)
        .explode("date")
        .select("date", "vehicle_id", *DIMENSIONS, registered=pl.col("in_fleet_from") <= pl.col("date"))
        .sort("date", "vehicle_id")
        .collect()
    )
