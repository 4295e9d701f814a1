"""The parameters of trips, and of what is told about a trip."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import timedelta

from transforms.core.axis import HOUR, SECOND

#: Motion that goes on through a whole half of a UTC day is divided at its end.
HALF_DAY = 12 * HOUR


@dataclass(frozen=True)
class TripRules:
    """The parameters of trips. Times in s, speeds in km/h, distances in km.

    Attributes:
        gap_s: a vehicle that is not heard for longer than this is not followed: the trip ends at the last sample in
            motion. Longer than the holes that tunnels and cells leave, shorter than most errands.
        slow_gap_s: the same for a feed that is as slow as that throughout (see ``docs/core.md``): buses that say where
            they are every 2 to 6 minutes.
        standstill_s: a rest of this length ends a trip. Longer than traffic lights, level crossings and queues; the
            trips that travel surveys count are divided so too.
        moving_kmh: speed from which a sample is in motion. Wheel speeds are exactly 0 at rest; receivers of
            satellite positions say a few tenths.
        position_kmh: speed between two positions from which a step is in motion, where speed itself says nothing:
            above the drift of a receiver at rest.
        drift_s: positions closer in time than this say so only where those this far apart do: from one second to the
            next a receiver at rest drifts faster than that.
        carry_s: how long a signal that is silent, while the vehicle is heard, still has its last value. Feeds that
            send on change keep a constant signal silent.
        sampled_s: a step longer than this is too long for speeds at its ends to speak for what lies between: it is in
            motion when positions or the odometer say so, too, and a trip with most of its time in such steps does not
            take its distance from speed where positions are to be had.
        hole_s: distance by speed over a longer step is counted as interpolated: speed is usually sampled every 1 to
            10 s, and this leaves some room for jitter.
        slack_km: distance by speed that odometer readings may leave uncovered at the ends of a trip.
        fastest_kmh: a step of position or odometer that is faster than this is an error of measurement.
        left_out: share of a trip's time that the readings of a counter, or of power, may leave uncovered.
        most_kw: mean electric power of a trip above which a counter of energy is in error.
        most_l_per_h: mean flow of fuel above which a counter of fuel is in error.
        harsh_acceleration_mps2: longitudinal acceleration, m/s², from which a sample is harsh.
        harsh_braking_mps2: the same for deceleration.
        harsh_cornering_mps2: the same for the size of lateral acceleration.
        harsh_join_s: harsh samples that follow each other within this time are one event.
        harsh_from_s: where acceleration is not sent, it is taken from speeds that are at least this far apart: the
            rounding of speeds closer to each other looks like acceleration.
        harsh_until_s: and at most this far: further apart they say too little of what lies between.
        refuel_pct: rise of the fuel level, in percentage points of the tank, that counts as refuelling: above what fuel
            that sways in the tank shows.
        refuel_l: the same in l, where only the volume is sent.
        refuel_join_s: rises that follow each other within this time are one refuelling.
    """

    gap_s: float = 300.0
    slow_gap_s: float = 900.0
    standstill_s: float = 600.0
    moving_kmh: float = 0.05
    position_kmh: float = 5.0
    drift_s: float = 20.0
    carry_s: float = 300.0
    sampled_s: float = 30.0
    hole_s: float = 12.0
    slack_km: float = 0.1
    fastest_kmh: float = 350.0
    left_out: float = 0.1
    most_kw: float = 500.0
    most_l_per_h: float = 200.0
    harsh_acceleration_mps2: float = 3.0
    harsh_braking_mps2: float = 3.5
    harsh_cornering_mps2: float = 4.0
    harsh_join_s: float = 10.0
    harsh_from_s: float = 0.5
    harsh_until_s: float = 2.0
    refuel_pct: float = 5.0
    refuel_l: float = 3.0
    refuel_join_s: float = 600.0

    def __post_init__(self) -> None:
        if min(astuple(self)) <= 0:
            raise ValueError("the parameters of trips are positive numbers")
        if self.context > timedelta(days=1):
            raise ValueError("gaps, standstill_s and carry_s are so long that a trip cannot be told from its two days")

    @property
    def context(self) -> timedelta:
        """How far before and after a day telemetry matters to the trips that start in it."""
        reach = self.standstill_s + self.carry_s + 3 * max(self.gap_s, self.slow_gap_s)
        return timedelta(microseconds=HALF_DAY) + timedelta(seconds=reach)


def in_microseconds(seconds: float) -> int:
    """A duration in the unit of sample times."""
    return round(seconds * SECOND)
