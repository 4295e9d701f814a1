"""Trips as spans of samples, and what the steps and readings inside them add up to.

A sum over a span is the same to the last bit wherever the span lies in the arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.core.axis import Bools, Number, Positions, range_sum
from transforms.core.trips.rules import in_microseconds
from transforms.core.trips.samples import Readings, Samples


@dataclass(frozen=True)
class Spans:
    """Trips as spans of samples: the first and the last sample of each, both inside.

    A sample at which one trip ends and the next starts belongs to both; a step belongs to one.

    Attributes:
        start: positions of the first samples.
        end: positions of the last.
        rest: positions from which the vehicles have not moved up to the start: where the trip before ended, of
            whatever vehicle; 0 before the first.
    """

    start: Positions
    end: Positions
    rest: Positions

    @staticmethod
    def of(start: Positions, end: Positions) -> Spans:
        """All trips of some vehicles, in order."""
        return Spans(start, end, np.concatenate(([0], end))[: len(end)])

    def __len__(self) -> int:
        return len(self.start)

    def where(self, wanted: Bools) -> Spans:
        """Some of the trips."""
        return Spans(self.start[wanted], self.end[wanted], self.rest[wanted])

    def total(self, steps: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """Sum of a quantity of steps over each trip."""
        return range_sum(steps, self.start, self.end)

    def readings(self, readings: Readings) -> tuple[Positions, Positions]:
        """The readings within each trip: the first, and the one after the last."""
        low = np.searchsorted(readings.place, self.start, side="left")
        return low, np.searchsorted(readings.place, self.end, side="right")


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
    return index, own & (samples.at[position] - samples.at[place] <= in_microseconds(limit_s))


def brackets(readings: Readings, samples: Samples, spans: Spans, limit_s: float) -> tuple[Positions, Positions, Bools]:
    """The two readings of a counter that tell what it gained in each trip, and whether there are two.

    The first is the newest at or before the start that is not too old (a parked vehicle's counter stands), else the
    first within; the last is the last within. A reading from before the end of the trip before is too old: what the
    counter has gained since is of that trip.
    """
    before, carried = newest(readings, samples, spans.start, limit_s)
    carried &= readings.place[before] >= spans.rest
    low, high = spans.readings(readings)
    first, last = np.where(carried, before, low), high - 1
    inside = (first < last) & (last >= low)
    return np.where(inside, first, 0), np.where(inside, last, 0), inside
