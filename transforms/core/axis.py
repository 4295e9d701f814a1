"""One line of time for all vehicles, and lookups on it.

The vehicles lie one behind the other on the line, further apart than any rule looks. A rule that compares times, and
has a limit to how far it looks, needs no other care for where one vehicle ends and the next begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]
Number = TypeVar("Number", np.float64, np.int64)

SECOND = 1_000_000
HOUR = 3600 * SECOND
#: A moment that is not known.
NEVER = -1
#: Behind every place of the line.
FAR = 2**62 + 2**61


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Axis:
    """Where moments of vehicles lie on the line. Places are microseconds, at least 0.

    Attributes:
        origin: moment at which a vehicle's part begins, microseconds since 1970.
        span: length of a vehicle's part.
    """

    origin: int
    span: int

    @staticmethod
    def of(start: datetime, end: datetime, apart: timedelta) -> Axis:
        """An axis for moments from ``start`` to ``end``, on which vehicles are twice ``apart`` from each other."""
        margin = apart // timedelta(microseconds=1)
        return Axis(microseconds(start) - margin, microseconds(end) - microseconds(start) + 2 * margin)

    @property
    def room(self) -> int:
        """How many vehicles the line has room for."""
        return 2**62 // self.span

    def place(self, vehicle: Ints, at: Ints) -> Ints:
        """Places of moments (microseconds since 1970) of vehicles (numbers from 0)."""
        return vehicle * self.span + (at - self.origin)

    def vehicle(self, place: Ints) -> Ints:
        """Numbers of the vehicles at places."""
        return place // self.span

    def at(self, place: Ints) -> Ints:
        """Moments at places, microseconds since 1970."""
        return place % self.span + self.origin


def last_before(places: Ints, moment: Ints) -> Positions:
    """Position of the last place at or before each moment; -1 where there is none."""
    return np.searchsorted(places, moment, side="right") - 1


def none_between(places: Ints, after: Ints, before: Ints) -> Bools:
    """Whether no place lies strictly between two moments."""
    return np.searchsorted(places, before, side="left") <= np.searchsorted(places, after, side="right")


def range_sum(values: npt.NDArray[Number], start: Positions, stop: Positions) -> npt.NDArray[Number]:
    """Sums of ``values[start:stop]``, 0 where empty; the same to the last bit wherever the range lies."""
    return _reduce(np.add, values, start, stop, values.dtype.type(0))


def range_max(values: Floats, start: Positions, stop: Positions) -> Floats:
    """Greatest of ``values[start:stop]``, NaN where empty."""
    return _reduce(np.fmax, values, start, stop, np.float64(np.nan))


def _reduce(
    function: np.ufunc, values: npt.NDArray[Number], start: Positions, stop: Positions, empty: Number
) -> npt.NDArray[Number]:
    if not len(start):
        return values[:0]
    bounds = np.stack((start, stop), axis=1).ravel()
    reduced: npt.NDArray[Number] = function.reduceat(np.append(values, empty), bounds)[::2]
    reduced[start >= stop] = empty
    return reduced
