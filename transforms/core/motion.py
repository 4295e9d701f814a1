"""When a vehicle moves: steps between samples, and the stretches in motion that make up trips.

Everything here looks at most ``TripRules.context`` backwards and forwards in time, which is why a trip comes out the
same from any window that holds that much. ``docs/core.md`` draws the rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from transforms.core.geometry import great_circle_km
from transforms.core.samples import Bools, Floats, Ints, Samples

SECOND = 1_000_000
#: Motion that goes on through a whole half of a UTC day is divided at its end.
HALF_DAY = 12 * 3600 * SECOND

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class TripRules:
    """The parameters of trips. Times in s, speeds in km/h, distances in km.

    Attributes:
        gap_s: a vehicle that is not heard for longer than this is not followed: the trip ends at the last sample in
            motion. Longer than the holes that tunnels and cells leave, shorter than most errands.
        standstill_s: a rest of this length ends a trip. Longer than traffic lights, level crossings and queues; the
            trips that travel surveys count are divided so too.
        moving_kmh: speed from which a sample is in motion. Wheel speeds are exactly 0 at rest; receivers of
            satellite positions say a few tenths.
        position_kmh: speed between two positions from which a step is in motion, where speed itself says nothing:
            above the drift of a receiver at rest.
        carry_s: how long a signal that is silent, while the vehicle is heard, still has its last value. Feeds that
            send on change keep a constant signal silent.
        hole_s: a step longer than this is a hole: what lies inside is not known from the speeds at its ends. Distance
            by speed there is counted as interpolated, and motion there is taken from positions or the odometer too.
        slack_km: distance by speed that odometer readings may leave uncovered at the ends of a trip.
        fastest_kmh: a step of position or odometer that is faster than this is an error of measurement.
    """

    gap_s: float = 300.0
    standstill_s: float = 600.0
    moving_kmh: float = 1.0
    position_kmh: float = 5.0
    carry_s: float = 300.0
    hole_s: float = 30.0
    slack_km: float = 0.1
    fastest_kmh: float = 350.0

    def __post_init__(self) -> None:
        if min(self.gap_s, self.standstill_s, self.carry_s, self.hole_s, self.moving_kmh, self.fastest_kmh) <= 0:
            raise ValueError("the parameters of trips are positive numbers")
        if self.context > timedelta(days=1):
            raise ValueError("gap_s, standstill_s and carry_s are so long that a trip cannot be told from its two days")

    @property
    def context(self) -> timedelta:
        """How far before and after a day telemetry matters to the trips that start in it."""
        reach = self.standstill_s + self.carry_s + 2 * self.gap_s
        return timedelta(microseconds=HALF_DAY) + timedelta(seconds=reach)


@dataclass(frozen=True)
class Steps:
    """What lies between consecutive samples; one element less than there are samples.

    Attributes:
        duration: microseconds. Means nothing where not ``linked``.
        linked: same vehicle, and no gap.
        motion: the vehicle moves, by speed or where that is silent by positions or the odometer.
        speed_km: distance by the trapezoid rule, 0 where no speed is known; ``None`` without any speed.
        speed_known: there is a speed at one end at least.
        position_km: great circle from the last position, on the step that arrives at the next.
        position_known: positions are known at both ends.
        speed: km/h at each *sample*, carried forward; ``None`` without any speed.
    """

    duration: Ints
    linked: Bools
    motion: Bools
    speed_km: Floats | None
    speed_known: Bools | None
    position_km: Floats | None
    position_known: Bools | None
    speed: Floats | None


def find_steps(samples: Samples, rules: TripRules) -> Steps:
    """Classify the steps between samples."""
    duration = np.diff(samples.at)
    linked = (duration <= int(rules.gap_s * SECOND)) & (samples.vehicle[1:] == samples.vehicle[:-1])
    off = samples.off
    motion = np.zeros(len(duration), dtype=bool)
    silent = np.ones(len(duration), dtype=bool)
    speed = speed_km = speed_known = None
    if samples.speed is not None:
        speed = _carried_speed(samples, linked, rules)
        size = np.abs(speed)
        moving = size >= rules.moving_kmh
        if off is not None:
            moving &= ~off
        motion = moving[1:] | moving[:-1]
        unknown = np.isnan(size)
        silent = duration > int(rules.hole_s * SECOND)
        speed_known = None
        if unknown.any():
            silent |= unknown[1:] | unknown[:-1]
            speed_known = ~(unknown[1:] & unknown[:-1])
            ends = np.fmax(size[1:], np.where(unknown[1:], size[:-1], 0)) + np.fmax(size[:-1], np.where(unknown[:-1], size[1:], 0))
        speed_km = _trapezoid(size, unknown, duration)
    position_km = position_known = None
    if samples.latitude is not None and samples.longitude is not None:
        pass
    return Steps(duration, linked, motion, speed_km, speed_known, position_km, position_known, speed)
