"""What a concern of a vehicle's life (charging, services, failures, ...) is given for a day, and what it tells.

A concern never writes: it says in frames which messages are sent and what is true, and the simulation numbers,
encodes, dirties, delivers and counts them (``simulator/life.py``, ``simulator/run.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.energy import Parks, Start, State, Used
from simulator.fleet import Fleet
from simulator.plan import Legs
from simulator.streams import Purpose, stream
from simulator.traits import Traits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: What the field ``kind`` of a body may be.
KINDS = (
    "telemetry", "fault", "service", "command", "charging", "automation", "software", "workshop", "vehicle",
    "subscription", "consent",
)  # fmt: skip

#: What identifies a row of a truth table. A row told again replaces the earlier one, so that a table may tell what is
#: still open. Tables that are not here are told row by row, each once.
TRUTH_KEYS: dict[str, tuple[str, ...]] = {
    "vehicles": ("vin",),
    "trips": ("vin", "started_at"),
    "charging_sessions": ("vin", "session_id"),
    "battery": ("vin", "date"),
    "fault_episodes": ("vin", "code", "set_at"),
    "failures": ("vin", "cause", "began_on"),
    "workshop_visits": ("vin", "visit_id"),
    "commands": ("vin", "command_id"),
    "service_sessions": ("vin", "service", "session_id"),
    "services": ("vin", "service"),
    "software_installs": ("vin", "campaign_id"),
    "automation_segments": ("vin", "engaged_at"),
}


@dataclass(frozen=True)
class Lived:
    """What a UTC day brought the vehicles of one partition physically.

    Attributes:
        seed: of the simulation.
        partition: number of the partition.
        first_day: first day of the simulation.
        day: this UTC day.
        cadence_s: seconds between samples while driving.
        fleet: the vehicles.
        legs: that begin on this day, sorted by vehicle and time; their last samples may lie in the next day.
        driven: their samples.
        used: what driving took, per sample.
        traits: what tells the vehicles apart where energy is concerned.
        capacity_kwh: of the traction batteries today, per vehicle; 0 without a plug.
        start: the vehicles at the start of each leg.
        parks: stretches at rest that touch the day.
        state: the vehicles behind their last leg of the day.
        outside_c: outside temperature per leg, degrees Celsius.
        weather: ``world.weather_c`` of the day.
        states: by name of a concern, what it carries: those that have lived this day as of its end, the others as of
            its beginning.
        told: by name, what the concerns before this one have told today.
    """

    seed: int
    partition: int
    first_day: date
    day: date
    cadence_s: int
    fleet: Fleet
    legs: Legs
    driven: Drive
    used: Used
    traits: Traits
    capacity_kwh: Floats
    start: Start
    parks: Parks
    state: State
    outside_c: Floats
    weather: Floats
    states: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    told: Mapping[str, Told] = field(default_factory=dict)

    def stream(self, purpose: Purpose, *keys: int) -> np.random.Generator:
        """Returns the day's random stream of a purpose."""
        return stream(self.seed, purpose, self.partition, self.day.toordinal(), *keys)

    def vin(self, vehicle: Ints) -> pl.Series:
        """Returns the VINs of vehicles given by their index in the partition, as a column ``vin``."""
        return self.fleet.vin_texts.gather(vehicle)


@dataclass(frozen=True)
class Told:
    """What a concern says of a day.

    Attributes:
        events: by kind of message, one row per message: ``vehicle`` (index in the partition, Int64), ``event_ms``
            (Int64, ms since 1970 UTC, not before the day; later days are kept until then), and the fields of the kind
            with the names of the JSON (``feeds/fleet.toml``). A null is not sent. Text, whole and other numbers,
            Booleans and dates are written as JSON writes them. No column may be called ``seq``.
        truth: by truth table, rows with ``vin``. Times are Datetime in UTC. ``last_ms`` (Int64), if there, is when the
            last message about the row is sent, null while that is not known; it becomes ``complete``.
        state: what the concern carries to the next day; any frame that Parquet keeps.
    """

    events: dict[str, pl.DataFrame] = field(default_factory=dict)
    truth: dict[str, pl.DataFrame] = field(default_factory=dict)
    state: pl.DataFrame = field(default_factory=pl.DataFrame)


class Concern(Protocol):
    """One side of the vehicles' life, of one partition. Pure: what it tells depends on its arguments alone."""

    @property
    def name(self) -> str:
        """Names what it carries; part of file names."""

    def initial(self) -> pl.DataFrame:
        """Returns what it carries when the simulation begins."""

    def live(self, day: date, state: pl.DataFrame, lived: Lived) -> Told:
        """Lives a UTC day."""
