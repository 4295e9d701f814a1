"""The last known value of each signal of each vehicle, kept from day to day."""

from __future__ import annotations

import polars as pl

from lake.schemas.core import Latest
from lake.signals import SIGNALS
from transforms.core.messages import plausible

_NEW = ":new"


def latest(previous: pl.LazyFrame | pl.DataFrame | None, telemetry: pl.LazyFrame | pl.DataFrame) -> pl.DataFrame:
    """Fold telemetry into the table of last known values.

    Of each signal the plausible value with the newest time stays; of equal times that with the greatest sequence
    number; of resends the first by (batch, record). The order of the rows, and of the calls, does not matter, and
    folding the same telemetry again changes nothing.

    Args:
        previous: rows of ``core.latest`` so far; ``None`` where there are none.
        telemetry: rows of ``raw.telemetry``, of whole days: all rows known of each day and vehicle it touches, so
            that it decides between values of equal time. Signal columns may be missing.

    Returns:
        Rows of ``core.latest``, of all vehicles of either input, sorted by vehicle_id.
    """
    new = _newest(plausible(telemetry).drop("implausible").collect())
    if previous is None:
        return new
    old = previous.lazy().collect().select(Latest.column_names())
    both = old.join(new, on="vehicle_id", how="full", coalesce=True, suffix=_NEW)
    return (
        both.select(
            pl.coalesce("bucket", f"bucket{_NEW}"),
            "vehicle_id",
            pl.min_horizontal("first_event_at", f"first_event_at{_NEW}"),
            pl.max_horizontal("last_event_at", f"last_event_at{_NEW}"),
            *(_newer(signal.column, f"{signal.column}_at") for signal in SIGNALS),
            *(pl.max_horizontal(at, at + _NEW) for at in (f"{signal.column}_at" for signal in SIGNALS)),
        )
        .select(Latest.column_names())
        .sort("vehicle_id")
    )


def _newer(column: str, at: str) -> pl.Expr:
    """The new value unless the old one is of a later time."""
    keep = pl.col(at).is_not_null() & (pl.col(at + _NEW).is_null() | (pl.col(at) > pl.col(at + _NEW)))
    return pl.when(keep).then(column).otherwise(column + _NEW).alias(column)


def _newest(telemetry: pl.DataFrame) -> pl.DataFrame:
    """Last known values within the telemetry.

    The rows are ranked by their keys alone, and each signal takes the greatest rank at which it was sent: the wide
    rows are never sorted.
    """
    order = telemetry.select(
        order=pl.arg_sort_by(
            "vehicle_id", "event_at", "sequence", "batch", "record", "source",
            descending=[False, False, False, True, True, True],
        )
    )["order"]  # fmt: skip
    place = pl.Series("place", [], dtype=pl.Int64) if telemetry.is_empty() else order.arg_sort().cast(pl.Int64)
    sent = [signal.column for signal in SIGNALS if signal.column in telemetry.columns]
    rank = pl.col("place")
    ranked = (
        telemetry.with_columns(place=place)
        .group_by("vehicle_id")
        .agg(
            pl.col("bucket").first(),
            pl.col("event_at").min().alias("first_event_at"),
            pl.col("event_at").max().alias("last_event_at"),
            *(pl.when(pl.col(column).is_not_null()).then(rank).max().alias(column) for column in sent),
        )
        .sort("vehicle_id")
    )
    columns = [ranked["bucket"], ranked["vehicle_id"], ranked["first_event_at"], ranked["last_event_at"]]
    schema = Latest.create_empty().schema
    for signal in SIGNALS:
        at = f"{signal.column}_at"
        if signal.column not in sent:
            columns += [pl.Series(name, [None] * len(ranked), dtype=schema[name]) for name in (signal.column, at)]
            continue
        row = order.gather(ranked[signal.column])
        columns += [telemetry[signal.column].gather(row), telemetry["event_at"].gather(row).alias(at)]
    return pl.DataFrame(columns)
