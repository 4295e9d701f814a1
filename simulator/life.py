"""One UTC day of the vehicles of one partition: what they send, and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.driving import Drive, drive
from simulator.energy import NEVER_MS, Start, State, burnt_l, demand, electric_kwh, live
from simulator.events import Events, concat, ready
from simulator.fleet import Fleet, registry_bodies
from simulator.lineup import MODELS
from simulator.messages import driving_messages, resting_messages
from simulator.plan import Legs, legs_of_utc_day
from simulator.streams import Purpose, stream
from simulator.world import DAY_MS, ambient_c, day_ms, weather_c

Floats = NDArray[np.float64]

LONGEST_LAG_MS = 8_000  # from the vehicle's clock to the hub

_KWH_KM = np.array([model.kwh_100km for model in MODELS]) / 100
_LITRES_KM = np.array([model.litres_100km for model in MODELS]) / 100


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

    def initial_state(self) -> State:
        """Returns the state of the vehicles when the simulation begins."""
        fleet, n = self.fleet, len(self.fleet)
        rng = stream(self.seed, Purpose.START, self.number)
        age = np.maximum(self.first_day.toordinal() - fleet.delivered, 0)
        odometer = np.where(age > 0, age * rng.gamma(4, 9.0, n), 0) + rng.uniform(5, 40, n)
        since_ms = (fleet.delivered - date(1970, 1, 1).toordinal()) * DAY_MS + 8 * 3_600_000
        soc = np.where(fleet.battery_kwh > 0, rng.uniform(35, 90, n), 0)
        used = odometer * _KWH_KM[fleet.model] * (fleet.battery_kwh > 0)
        return State(
            odometer_km=odometer,
            sequence=np.zeros(n, dtype=np.int64),
            parked_ms=np.where(age > 0, day_ms(self.first_day) - rng.integers(0, 36_000_000, n), since_ms),
            latitude=fleet.latitude.copy(),
            longitude=fleet.longitude.copy(),
            parked_soc=soc,
            charges_ms=np.full(n, NEVER_MS, dtype=np.int64),
            target_soc=soc.copy(),
            fuel_l=fleet.tank_l * rng.uniform(0.3, 0.95, n),
            energy_used_kwh=used,
            energy_charged_kwh=used * 1.02,
            fuel_used_l=odometer * _LITRES_KM[fleet.model] * (fleet.tank_l > 0) * 0.9,
        )

    def live(self, day: date, state: State) -> Day:
        """Lives a UTC day; ``state`` is carried to its end."""
        fleet = self.fleet
        legs = legs_of_utc_day(fleet, self.seed, self.number, day, self.cadence_s, day_ms(self.first_day))
        rng = stream(self.seed, Purpose.DRIVE, self.number, day.toordinal())
        driven = drive(fleet, legs, self.cadence_s, rng)
        weather = weather_c(self.seed, day)
        outside = ambient_c(fleet.city[legs.vehicle], legs.start_ms, day, weather)
        asked = demand(fleet, legs, driven, outside, self.cadence_s)
        start, parks = live(fleet, legs, driven, asked, state, self.cadence_s, rng)
        moving = driving_messages(fleet, legs, driven, asked, start, outside, self.cadence_s)
        resting = resting_messages(fleet, parks, day, weather)
        events = concat([_counted(concat([moving, resting]), state), self._statements(day)])
        delay = stream(self.seed, Purpose.DELAY, self.number, day.toordinal())
        lag_ms = 150 + delay.gamma(2.0, 350.0, len(events)).astype(np.int64)
        events["arrival_ms"][:] = events["event_ms"] + np.minimum(lag_ms, LONGEST_LAG_MS)
        return Day(events, self._truth(legs, driven, asked, start))

    def _statements(self, day: date) -> Events:
        """Registry statements: of the fleet on the first day, of a new vehicle on the day of its delivery."""
        fleet, today = self.fleet, day.toordinal()
        known = (fleet.delivered < today) & (day == self.first_day)
        vehicle = np.flatnonzero(known | (fleet.delivered == today))
        at_ms = day_ms(day) + np.where(known[vehicle], 1000, 6 * 3_600_000) + fleet.number[vehicle] % 1000
        said = [datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat(timespec="milliseconds") for ms in at_ms.tolist()]
        bodies = registry_bodies(fleet.registry[vehicle], [text.replace("+00:00", "Z") for text in said])
        return ready(vehicle, at_ms, bodies)

    def _truth(self, legs: Legs, driven: Drive, asked: tuple[Floats, Floats], start: Start) -> pl.DataFrame:
        vehicle, last = legs.vehicle, driven.last
        kwh = electric_kwh(self.fleet, vehicle, start.soc, asked[0][last])
        litres = np.minimum(burnt_l(kwh, asked[0][last], asked[1][last]), start.fuel_l)
        moved = np.diff(driven.driven_km, prepend=0)
        moved[driven.first] = 0
        automated = np.bincount(driven.leg, weights=moved * (driven.level > 0), minlength=len(legs)).astype(np.float64)
        return pl.DataFrame(
            {
                "vin": pl.Series(self.fleet.vins, dtype=pl.String).gather(vehicle),
                "started_at": legs.start_ms,
                "ended_at": legs.start_ms + legs.steps * (self.cadence_s * 1000),
                "distance_km": driven.driven_km[last],
                "messages": legs.steps + 1,
                "odometer_start_km": start.odometer_km,
                "energy_used_kwh": kwh,
                "fuel_used_l": litres,
                "automated_km": automated,
                "start_latitude_deg": driven.latitude[driven.first],
                "start_longitude_deg": driven.longitude[driven.first],
                "end_latitude_deg": driven.latitude[last],
                "end_longitude_deg": driven.longitude[last],
            },
            schema_overrides={"vin": pl.String},
        ).with_columns(
            pl.col("started_at", "ended_at").cast(pl.Datetime("ms")).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        )


def _counted(events: Events, state: State) -> Events:
    """Gives each vehicle's messages its own count, in the order of its clock."""
    events = events.take(np.lexsort((events["event_ms"], events["vehicle"])))
    vehicle = events["vehicle"]
    events["sequence"][:] = np.arange(1, len(events) + 1) - np.searchsorted(vehicle, vehicle) + state.sequence[vehicle]
    state.sequence += np.bincount(vehicle, minlength=len(state.sequence))
    return events
