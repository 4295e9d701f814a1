"""Stretches driven with driving automation engaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHORTEST_S = 60  # shorter stretches are not engaged at all
_USES = 0.8  # share of legs on which somebody who could engages
_LEAST_KM = 10.0
_ENGAGES_KMH = np.array([0, 0, 64.0, 60.0])  # by level: from here on it is engaged,
_HOLDS_KMH = np.array([0, 0, 48.0, 42.0])  # below this it ends,
_FASTEST_KMH = np.array([0, 0, 165.0, 98.0])  # and above this


@dataclass(frozen=True)
class Segments:
    """Stretches with automation engaged, one array element each, in the order of the samples.

    Attributes:
        leg: index into the legs.
        begin: sample at which it is engaged.
        end: sample at which it is engaged no more; the last engaged one is before it.
        level: SAE J3016.
    """

    leg: Ints
    begin: Ints
    end: Ints
    level: Ints

    def __len__(self) -> int:
        return len(self.leg)

    def levels(self, samples: int) -> Ints:
        """Returns the engaged level of each sample, 0 where none is."""
        step = np.zeros(samples + 1, dtype=np.int64)
        step[self.begin] += self.level
        step[self.end] -= self.level
        return np.cumsum(step[:-1])


def engage(
    leg: Ints, part: Floats, speed_kmh: Floats, length_km: Floats, highest: Ints, cadence_s: int,
    rng: np.random.Generator,
) -> Segments:  # fmt: skip
    """Draws where automation is engaged: within the open part of longer legs, at speeds that it can hold.

    Args:
        leg: leg of each sample.
        part: share of the leg's time that has passed.
        speed_kmh: speed at each sample; 0 at the end of each leg.
        length_km: of each leg.
        highest: highest level fitted, per leg.
        cadence_s: seconds between samples.
        rng: draws.
    """
    n = len(length_km)
    uses = (rng.random(n) < _USES) & (length_km > _LEAST_KM) & (highest >= 2)
    level = np.where(rng.random(n) < 0.5, highest, np.minimum(highest, 2)) * uses
    begins, ends = rng.uniform(0.12, 0.4, n), rng.uniform(0.6, 0.92, n)
    rows = np.flatnonzero(uses[leg])
    each = leg[rows]
    wanted, speed = level[each], speed_kmh[rows]
    within = (part[rows] > begins[each]) & (part[rows] < ends[each]) & (speed <= _FASTEST_KMH[wanted])
    on, off = within & (speed >= _ENGAGES_KMH[wanted]), ~within | (speed < _HOLDS_KMH[wanted])
    decided = np.maximum.accumulate(np.where(on | off, np.arange(len(rows)), 0))
    engaged = on[decided]
    edges = np.diff(engaged.astype(np.int8), prepend=0, append=0)
    begin, end = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    long = (end - begin) * cadence_s >= SHORTEST_S
    begin, end = begin[long], end[long]
    return Segments(each[begin], rows[begin], rows[end - 1] + 1, wanted[begin])
