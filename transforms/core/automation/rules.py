"""The parameters of automation segments."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import timedelta


@dataclass(frozen=True)
class AutomationRules:
    """The parameters of automation segments. Times in s, speeds in km/h, distances in km.

    Attributes:
        gap_s: a vehicle that is not heard for longer than this is not followed, as for trips.
        standstill_s: a rest of this length ends a trip, and with it what is engaged.
        moving_kmh: speed from which a sample is in motion, as for trips.
        carry_s: how long a level that is not sent again, while the vehicle is heard, still holds.
        sure_s: a disengagement within this time is believed as it is; a later one where telemetry does not speak
            against it. Beyond an hour it is often that of another drive, and what lies between was lost. A silence
            speaks against it when it is longer than this.
        longest_s: a segment is not longer than this. Nobody drives for longer than half a day without disengaging.
        slack_s: signals this close to what events say are about the same, and a stretch that is shorter is not told
            from signals alone. Somewhat more than the usual time between samples: a level is seen at the next of them.
        fastest_kmh: a gain of the odometer that is faster is an error of measurement,
        coarse_km: beyond this: an odometer may count whole kilometres.
    """

    gap_s: float = 300.0
    standstill_s: float = 600.0
    moving_kmh: float = 0.05
    carry_s: float = 300.0
    sure_s: float = 3_600.0
    longest_s: float = 43_200.0
    slack_s: float = 15.0
    fastest_kmh: float = 350.0
    coarse_km: float = 1.0

    def __post_init__(self) -> None:
        if not all(value > 0 for value in astuple(self)):
            raise ValueError("the parameters of automation segments are positive numbers")
        if self.context > timedelta(days=1):
            raise ValueError("longest_s and gap_s are so long that a segment cannot be told from its two days")

    @property
    def context(self) -> timedelta:
        """How far before and after a day events and telemetry matter to the segments that start in it."""
        return timedelta(seconds=self.longest_s + 3 * (self.gap_s + self.slack_s) + self.carry_s)
