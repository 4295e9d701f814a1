"""The messages of vehicles, day by day: in order, without copies, as arrays. The form in which days are computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.signals import BY_COLUMN, SIGNALS
from transforms.core.axis import Bools, Floats, Ints, Positions
from transforms.core.events import between, bounds
from transforms.core.messages import MESSAGE_KEY, in_range, plausible
from transforms.core.ordering import ORDER_KEYS, Ordered, in_order
from transforms.core.witnesses.copies import again, repeats, told_again

DAY = 86_400_000_000

_BOUNDED = [signal for signal in SIGNALS if signal.low is not None and signal.high is not None]


@dataclass(frozen=True)
class Messages:
    """Messages in the order of vehicle, time and sequence. All arrays have one length.

    Attributes:
        vehicle_ids: distinct vehicles, rising.
        vehicle: number of the vehicle.
        at: time, microseconds since 1970 UTC.
        lag: microseconds from ``at`` to the arrival of the copy that arrived first.
        sequence: the feed's own count, where ``numbered``.
        numbered: whether the message has a sequence number.
        copies: further copies of the message.
        conflicts: rows that say otherwise under the same key.
        implausible: values outside their range.
        odometer: km, NaN where not sent.
        soc: state of charge, percent, NaN where not sent.
        charging: 1 where the message says that the vehicle charges, 0 where that it does not, -1 where nothing.
        feed: number of the feed, without order.
    """

    vehicle_ids: pl.Series
    vehicle: npt.NDArray[np.uint32]
    at: Ints
    lag: Ints
    sequence: Ints
    numbered: Bools
    copies: Ints
    conflicts: Ints
    implausible: Ints
    odometer: Floats
    soc: Floats
    charging: npt.NDArray[np.int8]
    feed: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.at)

    @property
    def day(self) -> Ints:
        """Days since 1970 of each message."""
        return self.at // DAY

    def groups(self) -> tuple[Positions, Positions]:
        """First message of each vehicle and day, and the one after its last."""
        if not len(self):
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        day = self.day
        changes = (self.vehicle[1:] != self.vehicle[:-1]) | (day[1:] != day[:-1])
        starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
        return starts, np.append(starts[1:], len(self))

    def follows(self, starts: Positions) -> Bools:
        """Of the groups that start there, whether the group before is of the same vehicle and the day before."""
        day, vehicle = self.at[starts] // DAY, self.vehicle[starts]
        follows: Bools = np.append(False, (vehicle[1:] == vehicle[:-1]) & (day[1:] == day[:-1] + 1))[: len(starts)]
        return follows


def read_messages(telemetry: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> Messages:
    """The messages of the days from ``first`` to ``last``.

    Of the signals only those of ``Messages`` are kept, so the wide rows are never in memory. Those that have a value
    out of range anywhere are found first: most have none, and are not counted row by row.

    Args:
        telemetry: rows of ``raw.telemetry`` in any order, resends included; signal columns may be missing.
        first: first UTC day.
        last: last UTC day, inclusive.
    """
    lazy = telemetry.lazy().filter(between(*bounds(first, last)))
    present = set(lazy.collect_schema().names())
    outside = [(~in_range(signal)).alias(signal.column) for signal in _BOUNDED if signal.column in present]
    found = lazy.select(expression.any() for expression in outside).collect().row(0) if outside else ()
    wrong = [expression.fill_null(value=False) for expression, some in zip(outside, found, strict=True) if some]
    implausible = pl.sum_horizontal(flag.cast(pl.Int64) for flag in wrong) if wrong else pl.lit(0, dtype=pl.Int64)
    signals = [name for name in ("odometer_km", "soc_pct", "charging_on") if name in present]
    frame = lazy.select(*ORDER_KEYS, "received_at", *signals, implausible.alias("implausible")).collect()
    ordered = in_order(frame)
    return _messages(frame, ordered, _repeats(lazy, frame, ordered))


def _repeats(telemetry: pl.LazyFrame, frame: pl.DataFrame, ordered: Ordered) -> tuple[Ints, Ints]:
    """Per row in order, whether it is a further copy, and whether it contradicts its message; 1 or 0.

    Only the messages that were told more than once are read whole.
    """
    none = np.zeros(len(ordered), dtype=np.int64)
    if ordered.copies is None:
        return none, none
    places = again(ordered)
    rows = places if ordered.rows is None else ordered.rows[places]
    found = repeats(told_again(telemetry, frame.select(MESSAGE_KEY)[rows].unique()))
    conflicts, copies = none.copy(), ordered.copies.astype(np.int64)
    conflicts[places] = found["conflicts"].to_numpy()
    copies[places[(found["adds"] | found["conflicts"]).to_numpy()]] = 0
    return copies, conflicts


def _messages(frame: pl.DataFrame, ordered: Ordered, repeated: tuple[Ints, Ints]) -> Messages:
    sequence = frame["sequence"]
    lag = (frame["received_at"] - frame["event_at"]).dt.total_microseconds().to_numpy()
    charging = pl.Series("charging_on", [None] * len(frame), dtype=pl.Int8)
    if "charging_on" in frame.columns:
        charging = frame["charging_on"].cast(pl.Int8)
    columns: list[Any] = [
        ordered.vehicle,
        ordered.at,
        *(
            ordered.take(values)
            for values in (lag, sequence.fill_null(0).to_numpy(), sequence.is_not_null().to_numpy())
        ),
        *repeated,
        ordered.take(frame["implausible"].to_numpy()),
        *(
            ordered.take(values)
            for values in (
                _plausible(frame, "odometer_km"),
                _plausible(frame, "soc_pct"),
                charging.fill_null(-1).to_numpy(),
                _feeds(frame["source"]),
            )
        ),
    ]
    if ordered.copies is not None:
        kept = np.flatnonzero(~ordered.copies)
        lag = np.minimum.reduceat(columns[2], kept)
        counts = [np.add.reduceat(values, kept) for values in repeated]
        said = [_first_said(columns[n], ordered, kept, nothing) for n, nothing in ((8, np.nan), (9, np.nan), (10, -1))]
        columns = [values[kept] for values in columns]
        columns[2], columns[5:7], columns[8:11] = lag, counts, said
    return Messages(ordered.vehicle_ids, *columns)


def _first_said(values: npt.NDArray[Any], ordered: Ordered, kept: Positions, nothing: float) -> npt.NDArray[Any]:
    """Of each message the first value that is said."""
    counts = np.flatnonzero(ordered.counting(~np.isnan(values) if np.isnan(nothing) else values != nothing))
    found = np.full(len(kept), nothing, dtype=values.dtype)
    found[np.searchsorted(kept, counts, side="right") - 1] = values[counts]
    return found


def _feeds(source: pl.Series) -> npt.NDArray[np.uint32]:
    """A number for each name; mostly there is one."""
    if source.is_empty() or (source == source[0]).all():
        return np.zeros(len(source), dtype=np.uint32)
    numbers: npt.NDArray[np.uint32] = source.cast(pl.Categorical).to_physical().cast(pl.UInt32).to_numpy()
    return numbers


def _plausible(frame: pl.DataFrame, name: str) -> Floats:
    """Values of a signal, NaN where not sent or out of range."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    values = frame[name].to_numpy()
    return np.where(plausible(BY_COLUMN[name], values), values, np.nan)
