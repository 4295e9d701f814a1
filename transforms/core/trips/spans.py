"""Trips as spans of samples, and what the steps and readings inside them add up to.

A sum over a span is the same to the last bit wherever the span lies in the arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from transforms.core.ordering import Bools, Positions
from transforms.core.trips.rules import microseconds
from transforms.core.trips.samples import Floats, Readings, Samples

Number = TypeVar("Number", np.float64, np.int64)


@dataclass(frozen=True)
class Spans:
    """Trips as spans of samples: the first and the last sample of each, both inside.

    A sample at which one trip ends and the next starts belongs to both; a step belongs to one.
    """

    start: Positions
    end: Positions

    def __len__(self) -> int:
        return len(self.start)

    def total(self, steps: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """Sum of a quantity of steps over each trip."""
        return range_sums(steps, self.start, self.end)

    def readings(self, readings: Readings) -> tuple[Positions, Positions]:
        """The readings within each trip: the first, and the one after the last."""
        low = np.searchsorted(readings.place, self.start, side="left")
        return low, np.searchsorted(readings.place, self.end, side="right")


def range_sums(values: npt.NDArray[Number], start: Positions, end: Positions) -> npt.NDArray[Number]:
    """Sums of ``values[start:end]``, 0 for empty ranges."""
    if not len(start):
        return values[:0]
    bounds = np.stack((start, end), axis=1).ravel()
    sums = np.add.reduceat(np.append(values, values.dtype.type(0)), bounds)[::2]
    sums[start >= end] = 0
    return sums


def range_maxima(values: Floats, start: Positions, end: Positions) -> Floats:
    """Greatest of ``values[start:end]``, NaN for empty ranges and where all are NaN."""
    if not len(start):
        return values[:0]
    bounds = np.stack((start, end), axis=1).ravel()
    maxima: Floats = np.fmax.reduceat(np.append(values, np.nan), bounds)[::2]
    maxima[start >= end] = np.nan
    return maxima


def newest(readings: Readings, samples: Samples, position: Positions, limit_s: float) -> tuple[Positions, Bools]:
    """The newest reading at or before each position, and whether it is the vehicle's own and not too old.

    Args:
        readings: at least one.
        samples: the samples.
        position: positions of samples.
        limit_s: greatest age.

    Returns:
        Index of the reading (0 where there is none), and whether it counts.
    """
    index = np.searchsorted(readings.place, position, side="right") - 1
    exists = index >= 0
    index = np.where(exists, index, 0)
    place = readings.place[index]
    own = exists & (samples.vehicle[place] == samples.vehicle[position])
    return index, own & (samples.at[position] - samples.at[place] <= microseconds(limit_s))


def brackets(readings: Readings, samples: Samples, spans: Spans, limit_s: float) -> tuple[Positions, Positions, Bools]:
    """The two readings of a counter that tell what it gained in each trip, and whether there are two.

    The first is the newest at or before the start that is not too old (a parked vehicle's counter stands), else the
    first within; the last is the last within.
    """
    before, carried = newest(readings, samples, spans.start, limit_s)
    low, high = spans.readings(readings)
    first, last = np.where(carried, before, low), high - 1
    inside = (first < last) & (last >= low)
    return np.where(inside, first, 0), np.where(inside, last, 0), inside
