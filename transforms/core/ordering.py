"""Rows of a raw table in the order of vehicle and time, and which of them are copies.

Only keys are sorted, and only where they are not sorted already; wide rows are never moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.core.axis import Bools, Ints, Positions
from transforms.core.messages import ARRIVAL_ORDER, MESSAGE_KEY

#: Columns that decide the order.
ORDER_KEYS = tuple(dict.fromkeys((*MESSAGE_KEY, *ARRIVAL_ORDER)))


@dataclass(frozen=True)
class Ordered:
    """The order of the rows of a frame: by vehicle, time, sequence, feed, and arrival. All arrays have its length.

    Attributes:
        vehicle_ids: distinct vehicles, rising.
        vehicle: number of the vehicle of each row, in order.
        at: times, microseconds since 1970 UTC, in order.
        rows: row of the frame at each place; ``None`` where the frame is in order.
        repeated: per pair of neighbours, whether the second is of the vehicle and moment of the first; ``None`` where
            none is.
        copies: whether the row is a further copy of the message before it; ``None`` where none is.
    """

    vehicle_ids: pl.Series
    vehicle: npt.NDArray[np.uint32]
    at: Ints
    rows: Positions | None
    repeated: Bools | None
    copies: Bools | None

    def __len__(self) -> int:
        return len(self.at)

    def take(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values of the frame's rows, in order."""
        return values if self.rows is None else values[self.rows]

    def counting(self, said: Bools) -> Bools:
        """Where something that is said counts: of a message that was told more than once, where it is said first."""
        if self.copies is None:
            return said
        place = np.flatnonzero(said)
        message = np.cumsum(~self.copies)[place]
        counts = np.zeros(len(said), dtype=bool)
        counts[place[np.append(True, message[1:] != message[:-1])[: len(place)]]] = True
        return counts


def in_order(frame: pl.DataFrame) -> Ordered:
    """Find the order of rows.

    Args:
        frame: rows of a raw table with the ``ORDER_KEYS``, in any order, resends included. Fastest where sorted by
            (vehicle_id, event_at).

    Returns:
        Their order, in which copies follow on their message, the first by (batch, record).
    """
    names, vehicle = _number(frame["vehicle_id"])
    at = frame["event_at"].to_physical().to_numpy()
    rows = _order(vehicle, at, len(names))
    if rows is not None:
        vehicle, at = vehicle[rows], at[rows]
    repeated = (vehicle[1:] == vehicle[:-1]) & (at[1:] == at[:-1])
    if not repeated.any():
        return Ordered(names, vehicle, at, rows, None, None)
    shared = np.flatnonzero(np.concatenate((repeated, [False])) | np.concatenate(([False], repeated)))
    rows = np.arange(len(at)) if rows is None else rows
    disputed = frame.select(ORDER_KEYS)[rows[shared]].with_columns(row=rows[shared]).sort(*ORDER_KEYS)
    is_copy = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in MESSAGE_KEY)
    rows[shared] = disputed["row"].to_numpy()
    copies = np.zeros(len(at), dtype=bool)
    copies[shared] = disputed.select(is_copy).to_series().to_numpy()
    return Ordered(names, vehicle, at, rows, repeated, copies if copies.any() else None)


def _number(vehicle_ids: pl.Series) -> tuple[pl.Series, npt.NDArray[np.uint32]]:
    """Distinct vehicles in order, and each row's place among them. Cheap where equal vehicles lie together."""
    if vehicle_ids.is_empty():
        return vehicle_ids, np.empty(0, dtype=np.uint32)
    starts = np.flatnonzero(vehicle_ids.ne_missing(vehicle_ids.shift(1)).to_numpy())
    heads = vehicle_ids.gather(starts)
    names = heads.unique().sort()
    numbers = names.to_frame().with_row_index("number")
    places = heads.to_frame().join(numbers, on=heads.name, how="left", maintain_order="left")["number"].to_numpy()
    return names, np.repeat(places, np.diff(starts, append=len(vehicle_ids)))


def _order(vehicle: npt.NDArray[np.uint32], at: Ints, vehicles: int) -> Positions | None:
    """The permutation that sorts by vehicle and time; ``None`` where they are sorted.

    NumPy's stable sort finds the sorted runs of its input: files that are sorted inside cost a merge.
    """
    same = vehicle[1:] == vehicle[:-1]
    if bool(((vehicle[1:] > vehicle[:-1]) | (same & (at[1:] >= at[:-1]))).all()):
        return None
    first = at.min()
    span = int(at.max() - first) + 1
    if span * vehicles < 2**63:
        return np.argsort(vehicle * np.int64(span) + (at - first), kind="stable")
    return np.lexsort((at, vehicle))
