"""The last known value of each signal of each vehicle, kept from day to day."""

from __future__ import annotations

import numpy as np
import polars as pl

from lake.schemas.core import Latest
from lake.signals import SIGNALS, Signal
from transforms.core.axis import Positions
from transforms.core.messages import plausible
from transforms.core.ordering import ORDER_KEYS, Ordered, in_order

_NEW = ":new"
_POSITION = ("latitude_deg", "longitude_deg")


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
    lazy = telemetry.lazy()
    present = lazy.collect_schema().names()
    sent = [signal.column for signal in SIGNALS if signal.column in present]
    new = _newest(lazy.select("bucket", *ORDER_KEYS, *sent).collect())
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
    """Last known values within the telemetry. Only keys are sorted; of a signal only the last values are moved."""
    ordered = in_order(telemetry)
    heads = np.flatnonzero(np.diff(ordered.vehicle, prepend=-1)) if len(ordered) else np.empty(0, dtype=np.intp)
    ends = np.append(heads[1:], len(ordered))[: len(heads)]
    at = ordered.at
    columns = [
        telemetry["bucket"].gather(_rows(ordered, heads)),
        ordered.vehicle_ids.alias("vehicle_id"),
        pl.Series("first_event_at", at[heads], dtype=_INSTANT),
        pl.Series("last_event_at", at[ends - 1], dtype=_INSTANT),
    ]
    for signal in SIGNALS:
        last = _last_sent(telemetry, signal, ordered, heads, ends)
        known = pl.Series(last >= 0)
        rows = np.maximum(last, 0)
        if not known.any():
            values = pl.Series([None] * len(heads), dtype=signal.dtype)
        else:
            values = telemetry[signal.column].gather(_rows(ordered, rows))
        nothing = pl.Series([None] * len(heads), dtype=values.dtype)
        columns.append(values.zip_with(known, nothing).alias(signal.column))
        moments = pl.DataFrame({"at": at[rows] if len(at) else at, "known": known})
        columns.append(
            moments.select(pl.when("known").then("at").cast(_INSTANT).alias(f"{signal.column}_at")).to_series()
        )
    return pl.DataFrame(columns)


_INSTANT = pl.Datetime("us", "UTC")


def _rows(ordered: Ordered, places: Positions) -> Positions:
    """Rows of the frame at places of the order."""
    return places if ordered.rows is None else ordered.rows[places]


def _last_sent(
    telemetry: pl.DataFrame, signal: Signal, ordered: Ordered, heads: Positions, ends: Positions
) -> Positions:
    """Place of the last plausible value of a signal of each vehicle, -1 where there is none."""
    nowhere = np.full(len(heads), -1, dtype=np.intp)
    if signal.column not in telemetry.columns or not len(heads):
        return nowhere
    column = telemetry[signal.column]
    if column.null_count() == len(column):
        return nowhere
    sent = column.is_not_null().to_numpy().copy()
    sent[sent] = plausible(signal, column.drop_nulls().to_numpy())
    if signal.column in _POSITION and set(_POSITION) <= set(telemetry.columns):
        # Exactly 0, 0 is a receiver without a fix.
        no_fix = pl.all_horizontal(pl.col(name) == 0 for name in _POSITION).fill_null(value=False)
        sent &= ~telemetry.select(no_fix).to_series().to_numpy()
    sent = ordered.counting(ordered.take(sent))
    place = np.flatnonzero(sent)
    if not len(place):
        return nowhere
    index = np.searchsorted(place, ends) - 1
    last = place[np.maximum(index, 0)]
    return np.where((index >= 0) & (last >= heads), last, -1)
