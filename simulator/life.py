"""One UTC day of the vehicles of one partition: what they send, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.days import Days, trips_truth
from simulator.energy import State
from simulator.events import Events, concat, ready
from simulator.fleet import Fleet, registry_bodies
from simulator.messages import driving_messages, resting_messages
from simulator.streams import Purpose, stream
from simulator.world import day_ms

Floats = NDArray[np.float64]

LONGEST_LAG_MS = 8_000  # from the vehicle's clock to the hub


@dataclass(frozen=True)
class Day:
    """What a day brought.

    Attributes:
        events: messages sent by the vehicles that day or, of trips that run over its end, shortly after; unordered.
        trips: the truth about the trips that began, see ``docs/simulator.md``.
    """

    events: Events
    trips: pl.DataFrame


@dataclass(frozen=True)
class Partition:
    """The part of the simulation that one partition of the event hub carries."""

    seed: int
    number: int
    fleet: Fleet
    first_day: date
    cadence_s: int

    @cached_property
    def days(self) -> Days:
        """Returns the physical side of the days."""
        return Days(self.seed, self.number, self.fleet, self.first_day, self.cadence_s)

    def initial_state(self) -> State:
        """Returns the state of the vehicles when the simulation begins."""
        return self.days.initial_state()

    def live(self, day: date, state: State) -> Day:
        """Lives a UTC day; ``state`` is carried to its end."""
        fleet, traits = self.fleet, self.days.traits
        moved = self.days.move(day, state)
        moving = driving_messages(
            fleet, moved.legs, moved.driven, moved.used, moved.start, moved.outside_c, self.cadence_s, traits
        )
        resting = resting_messages(fleet, traits, moved.parks, day, moved.weather)
        events = concat([_counted(concat([moving, resting]), state), self._statements(day)])
        delay = stream(self.seed, Purpose.DELAY, self.number, day.toordinal())
        lag_ms = 150 + delay.gamma(2.0, 350.0, len(events)).astype(np.int64)
        events["arrival_ms"][:] = events["event_ms"] + np.minimum(lag_ms, LONGEST_LAG_MS)
        return Day(events, trips_truth(fleet, moved, self.cadence_s))

    def _statements(self, day: date) -> Events:
        """Registry statements: of the fleet on the first day, of a new vehicle on the day of its delivery."""
        fleet, today = self.fleet, day.toordinal()
        known = (fleet.delivered < today) & (day == self.first_day)
        vehicle = np.flatnonzero(known | (fleet.delivered == today))
        at_ms = day_ms(day) + np.where(known[vehicle], 1000, 6 * 3_600_000) + fleet.number[vehicle] % 1000
        said = [datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat(timespec="milliseconds") for ms in at_ms.tolist()]
        bodies = registry_bodies(fleet.registry[vehicle], [text.replace("+00:00", "Z") for text in said])
        return ready(vehicle, at_ms, bodies)


def _counted(events: Events, state: State) -> Events:
    """Gives each vehicle's messages its own count, in the order of its clock."""
    events = events.take(np.lexsort((events["event_ms"], events["vehicle"])))
    vehicle = events["vehicle"]
    events["sequence"][:] = np.arange(1, len(events) + 1) - np.searchsorted(vehicle, vehicle) + state.sequence[vehicle]
    state.sequence += np.bincount(vehicle, minlength=len(state.sequence))
    return events
