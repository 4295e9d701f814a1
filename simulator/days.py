"""The physical side of a UTC day: who drives, what it takes, where vehicles rest and charge; and the truth of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.driving import Drive, drive
from simulator.energy import Parks, Plans, Start, State, Used, initial_state, live
from simulator.fleet import Fleet
from simulator.plan import Legs, Planner
from simulator.power import demand
from simulator.streams import Purpose, stream
from simulator.traits import Traits, make_traits
from simulator.world import DAY_MS, ambient_c, day_ms, weather_c

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moved:
    """What a UTC day brought the vehicles of a partition physically.

    Attributes:
        legs: that begin on this day, sorted by vehicle and time; their last samples may lie in the next day.
        driven: their samples.
        used: what driving took, per sample.
        start: the vehicles at the start of each leg.
        parks: stretches at rest that touch the day.
        outside_c: outside temperature per leg, degrees Celsius.
        weather: ``world.weather_c`` of the day.
        capacity_kwh: of the traction batteries today, per vehicle; 0 without a plug.
    """

    legs: Legs
    driven: Drive
    used: Used
    start: Start
    parks: Parks
    outside_c: Floats
    weather: Floats
    capacity_kwh: Floats


@dataclass(frozen=True)
class Days:
    """The days of the vehicles of one partition.

    Attributes:
        seed: of the simulation.
        partition: number of the partition.
        fleet: the vehicles.
        first_day: first day of the simulation.
        cadence_s: seconds between samples while driving.
    """

    seed: int
    partition: int
    fleet: Fleet
    first_day: date
    cadence_s: int

    @cached_property
    def traits(self) -> Traits:
        """Returns what tells the vehicles apart where energy is concerned."""
        return make_traits(self.seed, self.partition, self.fleet)

    @cached_property
    def _planner(self) -> Planner:
        return Planner(self.fleet, self.seed, self.partition, self.cadence_s, day_ms(self.first_day))

    def initial_state(self) -> State:
        """Returns the state of the vehicles when the simulation begins."""
        return initial_state(self.seed, self.partition, self.fleet, self.traits, self.first_day)

    def move(self, day: date, state: State) -> Moved:
        """Lives a UTC day; ``state`` is carried to its end."""
        fleet, traits = self.fleet, self.traits
        legs = self._planner.legs(day)
        tomorrow = self._planner.legs(day + timedelta(days=1))
        plans = Plans.of(tomorrow, len(fleet), day_ms(day) + 2 * DAY_MS)
        rng = stream(self.seed, Purpose.DRIVE, self.partition, day.toordinal())
        driven = drive(fleet, legs, self.cadence_s, rng)
        weather = weather_c(self.seed, day)
        outside = ambient_c(fleet.city[legs.vehicle], legs.start_ms, day, weather)
        asked = demand(fleet, legs, driven, outside, self.cadence_s)
        capacity = traits.capacity_kwh(fleet, day, state.energy_used_kwh)
        start, parks, used = live(
            fleet, traits, legs, driven, asked, outside, plans, state, capacity, self.cadence_s, rng
        )
        return Moved(legs, driven, used, start, parks, outside, weather, capacity)


def trips_truth(fleet: Fleet, moved: Moved, cadence_s: int) -> pl.DataFrame:
    """Returns the truth about the trips that begin on a day: the columns of ``truth/trips.parquet`` but ``complete``.

    A step between two samples is driven if the speed at either end is not 0; what is left is idle.
    """
    legs, driven, used, start = moved.legs, moved.driven, moved.used, moved.start
    vehicle, first, last, n = legs.vehicle, driven.first, driven.last, len(legs)
    km = np.diff(driven.driven_km, prepend=0)
    km[first] = 0
    automated = np.bincount(driven.leg, weights=km * (driven.level > 0), minlength=n).astype(np.float64)
    drives = np.bincount(driven.leg, weights=km > 0, minlength=n) * float(cadence_s)
    accelerations, brakings, cornerings = driven.jolts.counts(driven.leg, n)
    return pl.DataFrame(
        {
            "vin": fleet.vin_texts.gather(vehicle),
            "started_at": legs.start_ms,
            "ended_at": legs.start_ms + legs.steps * (cadence_s * 1000),
            "distance_km": driven.driven_km[last],
            "driving_s": drives,
            "idle_s": legs.steps * float(cadence_s) - drives,
            "max_speed_kmh": np.maximum.reduceat(driven.speed_kmh, first) if n else np.zeros(0),
            "messages": legs.steps + 1,
            "odometer_start_km": start.odometer_km,
            "energy_used_kwh": used.out_kwh[last],
            "energy_regenerated_kwh": used.back_kwh[last],
            "fuel_used_l": used.litres[last],
            "refuels": (start.refuelled_pct > 0).astype(np.int64),
            "refuelled_pct": start.refuelled_pct,
            "harsh_accelerations": accelerations,
            "harsh_brakings": brakings,
            "harsh_cornerings": cornerings,
            "automated_km": automated,
            "start_latitude_deg": driven.latitude[first],
            "start_longitude_deg": driven.longitude[first],
            "end_latitude_deg": driven.latitude[last],
            "end_longitude_deg": driven.longitude[last],
        },
        schema_overrides={"vin": pl.String},
    ).with_columns(
        pl.col("started_at", "ended_at").cast(pl.Datetime("ms")).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
