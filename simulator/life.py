"""One UTC day of the vehicles of one partition: what they send, and what is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from simulator.clones import cloned
from simulator.days import Days, Moved, trips_truth
from simulator.energy import State
from simulator.events import Events, Ints, concat
from simulator.failures.concern import signs_of
from simulator.failures.signs import Signs
from simulator.fleet import Fleet
from simulator.messages import driving_messages, resting_messages
from simulator.told import Concern, Lived, Told
from simulator.world import day_ms


@dataclass
class Carried:
    """What the vehicles carry from one day to the next.

    Attributes:
        state: physically.
        concerns: what each concern carries, by its name.
    """

    state: State
    concerns: dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Day:
    """What a day brought.

    Attributes:
        telemetry: sent on this day or later, unordered, not numbered yet.
        frames: other messages by kind, as ``Told.events``.
        truth: by truth table, as ``Told.truth``.
    """

    telemetry: Events
    frames: dict[str, pl.DataFrame]
    truth: dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Partition:
    """The part of the simulation that one partition of the event hub carries."""

    seed: int
    number: int
    fleet: Fleet
    first_day: date
    cadence_s: int
    concerns: tuple[Concern, ...] = ()

    @cached_property
    def days(self) -> Days:
        """Returns the physical side of the days."""
        return Days(self.seed, self.number, self.fleet, self.first_day, self.cadence_s)

    def begin(self) -> Carried:
        """Returns what the vehicles carry when the simulation begins."""
        return Carried(self.days.initial_state(), {concern.name: concern.initial() for concern in self.concerns})

    def live(self, day: date, carried: Carried) -> Day:
        """Lives a UTC day; what is carried is carried to its end."""
        fleet, moved = self.fleet, self.days.move(day, carried.state)
        lived = Lived(
            seed=self.seed, partition=self.number, first_day=self.first_day, day=day, cadence_s=self.cadence_s,
            fleet=fleet, traits=self.days.traits, state=carried.state,
            **{f.name: getattr(moved, f.name) for f in fields(moved)},
        )  # fmt: skip
        told = self._tell(lived, carried)
        sent, clones = cloned(lived, self._telemetry(lived, signs_of(told, len(fleet))))
        frames: dict[str, list[pl.DataFrame]] = {"vehicle": [self._statements(day)]}
        truth: dict[str, list[pl.DataFrame]] = {"trips": [self._trips(moved)], "attacks": [clones]}
        for one in told.values():
            for kind, frame in one.events.items():
                if frame.is_empty():
                    continue
                frames.setdefault(kind, []).append(frame.filter(self._heard(frame["vehicle"])))
            for table, frame in one.truth.items():
                truth.setdefault(table, []).append(frame)
        joined = {table: self._of_heard(frame) for table, frame in _joined(truth).items()}
        return Day(sent.take(fleet.connected[sent["vehicle"]]), _joined(frames), joined)

    def _telemetry(self, lived: Lived, signs: Signs) -> Events:
        fleet, traits = self.fleet, lived.traits
        moving = driving_messages(
            fleet, lived.legs, lived.driven, lived.used, lived.start, lived.outside_c, self.cadence_s, traits,
            signs,
        )  # fmt: skip
        return concat([moving, resting_messages(fleet, traits, lived.parks, lived.day, lived.weather, signs)])

    def _trips(self, moved: Moved) -> pl.DataFrame:
        trips = trips_truth(self.fleet, moved, self.cadence_s)
        return trips.with_columns(last_ms=pl.col("ended_at").dt.epoch("ms"))

    def _tell(self, lived: Lived, carried: Carried) -> Mapping[str, Told]:
        """Asks each concern what the day was for it."""
        told: dict[str, Told] = {}
        for concern in self.concerns:
            knows = replace(lived, states=carried.concerns, told=told)
            said = concern.live(lived.day, carried.concerns[concern.name], knows)
            told = {**told, concern.name: said}
            carried.concerns = {**carried.concerns, concern.name: said.state}
        return told

    def _heard(self, vehicle: pl.Series) -> pl.Series:
        return pl.Series(self.fleet.connected[vehicle.to_numpy()])

    def _of_heard(self, truth: pl.DataFrame) -> pl.DataFrame:
        """Leaves out what is true about vehicles that nobody ever hears."""
        silent = self.fleet.vin_texts.filter(pl.Series(~self.fleet.connected))
        return truth.filter(~pl.col("vin").is_in(silent.implode())) if "vin" in truth.columns else truth

    def _statements(self, day: date) -> pl.DataFrame:
        """Registry statements: of the fleet on the first day, of a new vehicle on the day of its delivery."""
        fleet, today = self.fleet, day.toordinal()
        known = (fleet.delivered < today) & (day == self.first_day)
        vehicle: Ints = np.flatnonzero(known | (fleet.delivered == today))
        at_ms = day_ms(day) + np.where(known[vehicle], 1000, 6 * 3_600_000) + fleet.number[vehicle] % 1000
        said = fleet.statements[vehicle]
        return said.select(pl.Series("vehicle", vehicle), pl.Series("event_ms", at_ms), pl.all())


def _joined(frames: dict[str, list[pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    return {name: pl.concat(parts, how="diagonal_relaxed") for name, parts in frames.items() if parts}
