"""Doubts as rows of ``core.doubts``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.schemas.core.doubts import DOUBT_KINDS, Doubts
from transforms.core.axis import Bools, Ints
from transforms.core.witnesses.verdicts import Doubted

#: Unit of what is said of each quantity.
_UNITS = {"motion": "km/h", "distance": "km", "energy": "kWh", "fuel": "l", "charging": "kWh", "meter": "kWh"}
_KEY = ("vehicle_id", "date", "event_at", "quantity", "signal", "kind")
_DAY = 86_400_000_000


def one_each(doubted: Doubted, vehicle: npt.NDArray[np.uint32], at: Ints, part: str) -> pl.DataFrame:
    """A row for each doubt about an amount, of a trip or a session that starts at ``at``."""
    return _frame(doubted, vehicle, at, np.full(len(at), part)).with_columns(readings=pl.lit(0, dtype=pl.Int64))


def together(doubted: Doubted, vehicle: npt.NDArray[np.uint32], at: Ints, in_trip: Bools) -> pl.DataFrame:
    """Doubts about readings, one row for those of a kind of one trip, or of one day outside of trips.

    Args:
        doubted: the doubts.
        vehicle: number of the vehicle of each.
        at: start of the trip in which the reading lies, else its time; microseconds.
        in_trip: whether it lies in one.
    """
    frame = _frame(doubted, vehicle, at, np.where(in_trip, "trip", "day"))
    within = pl.when(pl.col("part") == "trip").then(pl.col("event_at")).otherwise(pl.col("event_at") // _DAY)
    furthest = (pl.col("said") - pl.col("believed").fill_null(0.0)).abs().arg_max()
    return (
        frame.group_by("vehicle", "quantity", "signal", "kind", "part", within.alias("within"), maintain_order=True)
        .agg(
            pl.col("event_at").min(),
            pl.col("said").get(furthest),
            pl.col("believed").get(furthest),
            pl.col("believed_by").get(furthest),
            readings=pl.len().cast(pl.Int64),
        )
        .drop("within")
        .select(*frame.columns, "readings")
    )


def doubts_frame(parts: list[pl.DataFrame], vehicle_ids: pl.Series) -> pl.DataFrame:
    """Rows of ``core.doubts`` from those made here, sorted by their key."""
    found = [part for part in parts if len(part)]
    if not found:
        return Doubts.create_empty()
    frame = pl.concat(found)
    at = pl.col("event_at").cast(pl.Datetime("us", "UTC"))
    return (
        frame.with_columns(
            event_at=at,
            date=at.dt.date(),
            vehicle_id=vehicle_ids.gather(frame["vehicle"]),
            unit=pl.col("quantity").replace_strict(_UNITS, default=None, return_dtype=pl.String),
        )
        .unique(_KEY, keep="first", maintain_order=True)
        .select(Doubts.column_names())
        .sort(_KEY)
    )


def _frame(doubted: Doubted, vehicle: npt.NDArray[np.uint32], at: Ints, part: npt.NDArray[np.str_]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "vehicle": pl.Series(vehicle, dtype=pl.UInt32),
            "event_at": pl.Series(at, dtype=pl.Int64),
            "part": pl.Series(part, dtype=pl.String),
            "kind": pl.Series(DOUBT_KINDS, dtype=pl.String).gather(doubted.kind),
            "said": pl.Series(doubted.said, dtype=pl.Float64).fill_nan(None),
            "believed": pl.Series(doubted.believed, dtype=pl.Float64).fill_nan(None),
            "believed_by": pl.Series(list(doubted.by), dtype=pl.String),
        }
    ).with_columns(quantity=pl.lit(doubted.quantity), signal=pl.lit(doubted.signal))
