"""The parameters of vehicle-days."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import timedelta


@dataclass(frozen=True)
class DayRules:
    """The parameters of vehicle-days.

    Attributes:
        late_s: a message that arrived later than this after its time is late, s.
        longest_gap: a leap of a vehicle's sequence number beyond this many is no gap but another count: a vehicle that
            sends every second for a day does not reach it.
        standby_h: a rest between two readings of the state of charge counts as standby up to this length, h; at most
            a day, as that is how far a row looks back.
        charge_pct: a vehicle whose state of charge rises by more than this between two readings was charged, also
            where no message says so, percentage points: above what temperature and rounding do to a parked battery.
        moved_km: a vehicle whose odometer gains this much over a rest was driven in it, though no trip was heard.
        fastest_kmh: a gain of the odometer that is faster than this, by more than the kilometre that whole readings may
            be off, is an error of measurement.
    """

    late_s: float = 3600.0
    longest_gap: float = 100_000
    standby_h: float = 24.0
    charge_pct: float = 1.0
    moved_km: float = 0.1
    fastest_kmh: float = 350.0

    def __post_init__(self) -> None:
        if min(astuple(self)) <= 0:
            raise ValueError("the parameters of vehicle-days are positive numbers")
        if self.standby_h > 24:
            raise ValueError("standby_h is longer than the day that a row looks back")

    @property
    def context(self) -> timedelta:
        """How far before a day telemetry and trips matter to its rows."""
        return timedelta(days=1)
