"""What the acceleration sensors report: hard accelerations, brakings and cornerings, and milder ones beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: From these on it is harsh, m/s^2: forward, backward, sideways.
HARSH_ACCELERATION_MPS2, HARSH_BRAKING_MPS2, HARSH_CORNERING_MPS2 = 3.0, -3.5, 4.0
APART_S = 30  # two readings of a leg are never closer

_PER_KM = np.cumsum([0.14, 0.6, 0.03])  # candidates: forward, backward, sideways; which fit the speed become readings
_LEAST_MPS2, _MORE_MPS2 = np.array([2.2, 2.5, 2.8]), np.array([0.7, 0.9, 0.8])  # plus an exponential excess
_MOST_MPS2 = np.array([5.5, 9.5, 8.0])
_BRISK = 7.0  # how much more a faster driver has of them


@dataclass(frozen=True)
class Jolts:
    """Readings of the acceleration sensors, few samples only; one array element each.

    Attributes:
        sample: index into the samples of the drive, ascending.
        longitudinal_mps2: forward positive, a multiple of 0.01.
        lateral_mps2: left positive, a multiple of 0.01.
    """

    sample: Ints
    longitudinal_mps2: Floats
    lateral_mps2: Floats

    def counts(self, leg: Ints, legs: int) -> tuple[Ints, Ints, Ints]:
        """Returns the harsh accelerations, brakings and cornerings of each leg; ``leg`` is that of each sample."""
        where = leg[self.sample]
        kinds = (
            self.longitudinal_mps2 >= HARSH_ACCELERATION_MPS2,
            self.longitudinal_mps2 <= HARSH_BRAKING_MPS2,
            np.abs(self.lateral_mps2) >= HARSH_CORNERING_MPS2,
        )
        first, second, third = (np.bincount(where[kind], minlength=legs) for kind in kinds)
        return first, second, third


def jolts(
    leg: Ints, speed_kmh: Floats, moved_km: Floats, temper: Floats, cadence_s: int, rng: np.random.Generator
) -> Jolts:
    """Draws readings: forward where the speed rises, backward where it falls, sideways in bends.

    Args:
        leg: leg of each sample.
        speed_kmh: speed at each sample.
        moved_km: distance since the sample before.
        temper: factor of the driver's speed, per leg.
        cadence_s: seconds between samples.
        rng: draws.
    """
    drawn = rng.random(len(leg), dtype=np.float32) / np.maximum(moved_km, 1e-9)
    briskness = np.exp(_BRISK * (temper - 1))
    at = np.flatnonzero(drawn < _PER_KM[-1] * briskness.max(initial=1))
    share = drawn[at] / briskness[leg[at]]
    kind = np.searchsorted(_PER_KM, share, side="right")
    at, kind = at[kind < 3], kind[kind < 3]
    change = speed_kmh[at] - speed_kmh[at - 1]
    speed = speed_kmh[at]
    fits = np.choose(kind, [change > 8, (change < -8) & (speed > 0), (speed > 20) & (speed < 95)])
    at, kind = at[fits], kind[fits]
    apart = np.diff(at, prepend=-(10**9)) * cadence_s >= APART_S
    apart |= np.diff(leg[at], prepend=-1) > 0
    at, kind = at[apart], kind[apart]
    n = len(at)
    size = np.round(np.minimum(_LEAST_MPS2[kind] + _MORE_MPS2[kind] * rng.exponential(1, n), _MOST_MPS2[kind]), 2)
    side = rng.choice([-1.0, 1.0], n)
    small = np.round(rng.normal(0, 0.3, n), 2)
    longitudinal = np.choose(kind, [size, -size, small])
    return Jolts(at, longitudinal, np.where(kind == 2, size * side, small))
