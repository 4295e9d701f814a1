"""The parameters of charging sessions. ``docs/core.md`` draws the rules they belong to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

#: Pieces of time in which speed and odometer are compared. They divide every UTC day.
MOTION = timedelta(minutes=5)


@dataclass(frozen=True)
class ChargingRules:
    """Times in s, energy in kWh, power in kW, state of charge (SoC) in percentage points.

    Attributes:
        pause_s: charging that goes on after a pause up to this long is the same session. Longer than what charge
            points, load management and a loose plug interrupt for; shorter than a move to another charge point.
        longest_s: longest session. It is cut there; what goes on behind without a longer pause is of no session.
        hold_s: how long ``charging_on`` holds while nothing is said about it: a heartbeat of six hours may be missed.
            Also the longest pause within one session number: charging that is planned waits for the tariff.
        step_s: longest time between two readings of counter or SoC that are compared: a heartbeat of six hours, late.
        jitter_s: by how much the clocks of charge point and vehicle may differ. Up to ``pause_s``.
        soc_rise_pct: rise of SoC at rest that is charging although nobody says so. Above what a resting battery's
            display gains when it warms up or is measured anew.
        counter_rise_kwh: the same for the counter of energy charged.
        rise_window_s: how far either side of a rising step the rise is summed up. Finely resolved readings rise a
            tenth at a time.
        flat_s: readings of SoC or counter that stand still up to this long between two rises are charging too: at 2.3
            kW a battery of 100 kWh takes 26 minutes for a point.
        power_kw: battery power at rest from which a vehicle charges. Above what 12-V supply and heating feed back.
        least_s: a session known from signals alone that is shorter is none: a flicker.
        moving_kmh: speed from which a vehicle does not charge, whatever it says.
        moved_km: gain of the odometer between two readings from which the vehicle was driven between them.
        unseen_km: distance by speed within ``MOTION`` that is a drive although the odometer stands: less is the noise
            of a receiver at rest.
        soc_spike_pct: a SoC that is off by more than this from both its neighbours, which agree, is left out.
        power_spike_kw: the same for battery power.
        dc_kw: power into the battery from which the current is DC where no event says so: on-board chargers reach 22.
        taper_share: charging tapers when power stays below this share of its maximum.
        fastest_kw: energy or power above this is an error of measurement.
        largest_kwh: usable capacity of the largest traction battery. A meter that counts more than this for the rise of
            SoC is not believed.
        finished_reasons: reasons of a stop that leave a session uninterrupted: what was asked for was reached, or the
            user stopped it. Any other is an interruption, also the cable pulled out while charging goes on.
    """

    pause_s: float = 900.0
    longest_s: float = 172_800.0
    hold_s: float = 43_200.0
    step_s: float = 28_800.0
    jitter_s: float = 300.0
    soc_rise_pct: float = 3.0
    counter_rise_kwh: float = 0.2
    rise_window_s: float = 7_200.0
    flat_s: float = 3_600.0
    power_kw: float = 0.5
    least_s: float = 180.0
    moving_kmh: float = 3.0
    moved_km: float = 0.1
    unseen_km: float = 0.5
    soc_spike_pct: float = 5.0
    power_spike_kw: float = 50.0
    dc_kw: float = 25.0
    taper_share: float = 0.8
    fastest_kw: float = 600.0
    largest_kwh: float = 1_000.0
    finished_reasons: tuple[str, ...] = ("target_reached", "full", "user", "remote", "schedule")

    def __post_init__(self) -> None:
        numbers = [getattr(self, field.name) for field in fields(self) if field.name != "finished_reasons"]
        if min(numbers) <= 0:
            raise ValueError("the parameters of charging sessions are positive numbers")
        if self.jitter_s > self.pause_s:
            raise ValueError("jitter_s is longer than pause_s: two sessions could not be told from two clocks")
        if max(self.hold_s, self.step_s, self.flat_s) > self.longest_s:
            raise ValueError("hold_s, step_s or flat_s is longer than the longest session")

    @property
    def forward(self) -> timedelta:
        """How far behind a day telemetry and events matter to the sessions that start in it: a session, and its end."""
        reach = max(self.hold_s, 2 * self.step_s + self.rise_window_s + self.flat_s)
        return _whole(timedelta(seconds=self.longest_s + reach + self.pause_s + self.jitter_s))

    @property
    def back(self) -> timedelta:
        """How far before a day they matter: a session that is still going on, and whether it began as one."""
        return max(self.forward, _whole(timedelta(seconds=2 * self.longest_s + self.pause_s + self.jitter_s)))

    @property
    def plug_forward(self) -> timedelta:
        """How far behind a day events and sessions matter to the cables connected in it.

        A session that starts within the longest length may know that a cable was connected half of it before.
        """
        return timedelta(seconds=1.5 * self.longest_s)

    @property
    def plug_back(self) -> timedelta:
        """How far before a day they matter: when the cable of a session was pulled, and what was told twice."""
        return timedelta(seconds=self.longest_s + self.jitter_s)


def _whole(span: timedelta) -> timedelta:
    """A span rounded up to whole pieces, so that no piece is seen in part."""
    return -(-span // MOTION) * MOTION
