"""Energy: what driving takes, and what a parked vehicle gets back at the plug or the pump."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.plan import Legs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER_MS = 2**62
_HOUR_MS = 3_600_000
_KWH_KM = np.array([m.kwh_100km for m in MODELS]) / 100
_LITRES_KM = np.array([m.litres_100km for m in MODELS]) / 100
_HYBRID = np.array([1.0, 0.74, 0.8, 0.0])  # litres against the same car with an engine alone, by powertrain
_IDLE_L_H = np.array([0.6, 0.15, 0.1, 0.0])
_EMPTY_PCT = np.array([100.0, 100.0, 14.0, 1.0])  # what driving never takes, by powertrain
_DRAIN_PCT_H = 0.008
_CABLE_AFTER_MS = 8 * 60_000


@dataclass
class State:
    """What a vehicle carries from one day to the next; one array element per vehicle.

    Attributes:
        odometer_km: since built.
        sequence: messages sent so far.
        parked_ms: when it was parked; in the future while a trip runs over the end of the day.
        latitude: where it is parked.
        longitude: the same.
        parked_soc: state of charge when parked, percent.
        charges_ms: when charging begins, ``NEVER_MS`` if it does not.
        target_soc: what charging ends at.
        fuel_l: in the tank.
        energy_used_kwh: out of the traction battery since built.
        energy_charged_kwh: into it.
        fuel_used_l: since built.
    """

    odometer_km: Floats
    sequence: Ints
    parked_ms: Ints
    latitude: Floats
    longitude: Floats
    parked_soc: Floats
    charges_ms: Ints
    target_soc: Floats
    fuel_l: Floats
    energy_used_kwh: Floats
    energy_charged_kwh: Floats
    fuel_used_l: Floats

    def to_frame(self) -> pl.DataFrame:
        """Returns the state as a frame, one column per attribute."""
        return pl.DataFrame({f.name: getattr(self, f.name) for f in fields(self)})

    def take(self, vehicles: Ints | slice) -> State:
        """Returns a copy of the state of some vehicles."""
        return State(**{f.name: getattr(self, f.name)[vehicles].copy() for f in fields(self)})

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> State:
        """Returns the state of a frame made by :meth:`to_frame`."""
        return State(**{f.name: frame[f.name].to_numpy().copy() for f in fields(State)})


def soc_at(fleet: Fleet, parked: State, vehicle: Ints, at_ms: Ints) -> tuple[Floats, Ints]:
    """Returns the state of charge of parked vehicles in percent, and when their charging is or was complete.

    Args:
        fleet: the vehicles.
        parked: how they were parked, one element per instant.
        vehicle: which vehicle each is.
        at_ms: instants, ms since 1970 UTC.
    """
    soc, begins, battery = parked.parked_soc, parked.charges_ms, fleet.battery_kwh[vehicle]
    plugged = begins < NEVER_MS
    pct_h = 100 * fleet.charge_kw[vehicle] / np.maximum(battery, 1e-9)
    gap = np.where(plugged, parked.target_soc - soc, 0)
    complete = np.where(plugged, begins + (gap / np.maximum(pct_h, 1e-9) * _HOUR_MS).astype(np.int64), NEVER_MS)
    charged = np.where(plugged, np.clip((at_ms - begins) / _HOUR_MS * pct_h, 0, gap), 0)
    idle_ms = np.where(plugged & (at_ms > begins), np.maximum(at_ms - complete, 0), at_ms - parked.parked_ms)
    drained = np.where(battery > 0, idle_ms / _HOUR_MS * _DRAIN_PCT_H, 0)
    return np.maximum(soc + charged - drained, 0), complete


@dataclass(frozen=True)
class Start:
    """How a leg finds its vehicle: the state at its start, one element per leg."""

    soc: Floats
    fuel_l: Floats
    energy_used_kwh: Floats
    energy_charged_kwh: Floats
    fuel_used_l: Floats
    odometer_km: Floats


@dataclass(frozen=True)
class Parks:
    """Stretches at rest that touch a day, one element each.

    Attributes:
        vehicle: index into the fleet.
        state: of the vehicle when it was parked.
        until_ms: start of the next leg, ``NEVER_MS`` if none is known yet.
    """

    vehicle: Ints
    state: State
    until_ms: Ints


def demand(fleet: Fleet, legs: Legs, driven: Drive, ambient_c: Floats, cadence_s: int) -> tuple[Floats, Floats]:
    """Returns what driving asks for, since the start of each leg: kWh if electric all the way, litres if not at all.

    Args:
        fleet: the vehicles.
        legs: the legs.
        driven: their samples.
        ambient_c: outside temperature per leg.
        cadence_s: seconds between samples.
    """
    vehicle = legs.vehicle
    model, powertrain = fleet.model[vehicle], fleet.powertrain[vehicle]
    speed, leg = driven.speed_kmh, driven.leg
    moved = np.diff(driven.driven_km, prepend=0)
    moved[driven.first] = 0
    shape = 0.78 + 0.42 * (speed / 110) ** 2
    climate_kw = 0.35 + 0.075 * np.maximum(18 - ambient_c, 0) + 0.06 * np.maximum(ambient_c - 24, 0)
    kwh = moved * shape * _KWH_KM[model][leg] + (climate_kw * cadence_s / 3600)[leg]
    thirst = 0.86 + 0.34 * (speed / 110) ** 2 + 0.5 / (1 + (speed / 25) ** 2)
    litres = moved * thirst * (_LITRES_KM[model] * _HYBRID[powertrain])[leg]
    litres += (_IDLE_L_H[powertrain] * cadence_s / 3600)[leg]
    kwh[driven.first] = litres[driven.first] = 0
    kwh, litres = np.cumsum(kwh), np.cumsum(litres)
    return kwh - kwh[driven.first][leg], litres - litres[driven.first][leg]


def live(
    fleet: Fleet,
    legs: Legs,
    driven: Drive,
    asked: tuple[Floats, Floats],
    state: State,
    cadence_s: int,
    rng: np.random.Generator,
) -> tuple[Start, Parks]:
    """Takes the vehicles through their legs, one after the other, charging and refuelling between them.

    Args:
        fleet: the vehicles.
        legs: the legs, sorted by vehicle and time.
        driven: their samples.
        asked: energy per sample, from :func:`demand`.
        state: of the vehicles before the first leg; afterwards, behind the last one.
        cadence_s: seconds between samples.
        rng: for who plugs in.

    Returns:
        How each leg begins, and the stretches at rest.
    """  # fmt: skip
    n, vehicle = len(legs), legs.vehicle
    rank = np.arange(n) - np.searchsorted(vehicle, vehicle)
    plugs, fills_up = rng.random(n), rng.random(n)
    begin = {f.name: np.zeros(n) for f in fields(Start)}
    visits = [(np.arange(len(fleet)), state.take(slice(None)), _first_starts(legs, len(fleet)))]
    ends = [each[driven.last] for each in (*asked, driven.driven_km)]
    here = [each[driven.last] for each in (driven.latitude, driven.longitude)]
    follows = np.append(np.where(vehicle[1:] == vehicle[:-1], legs.start_ms[1:], NEVER_MS), NEVER_MS)[:n]
    home = np.hypot(*legs.destination.T) < 1e-6
    for k in range(int(rank.max(initial=-1)) + 1):
        j = np.flatnonzero(rank == k)
        v = vehicle[j]
        _replenish(fleet, state, v, legs.start_ms[j], ends[0][j], ends[1][j])
        for name, column in begin.items():
            column[j] = getattr(state, "parked_soc" if name == "soc" else name)[v]
        _spend(fleet, state, v, ends[0][j], ends[1][j])
        state.odometer_km[v] += ends[2][j]
        state.parked_ms[v] = legs.start_ms[j] + legs.steps[j] * cadence_s * 1000
        state.latitude[v], state.longitude[v] = here[0][j], here[1][j]
        _plug_in(fleet, state, v, home[j], plugs[j], fills_up[j])
        visits.append((v, state.take(v), follows[j]))
    parks = Parks(
        np.concatenate([visit[0] for visit in visits]),
        State(**{f.name: np.concatenate([getattr(visit[1], f.name) for visit in visits]) for f in fields(State)}),
        np.concatenate([visit[2] for visit in visits]),
    )
    return Start(**begin), parks


def _first_starts(legs: Legs, vehicles: int) -> Ints:
    starts = np.full(vehicles, NEVER_MS, dtype=np.int64)
    starts[legs.vehicle[::-1]] = legs.start_ms[::-1]
    return starts


def _replenish(fleet: Fleet, state: State, v: Ints, at_ms: Ints, kwh: Floats, litres: Floats) -> None:
    """What was charged while parked counts; a battery or tank that would not do is filled first."""
    battery, electric = fleet.battery_kwh[v], fleet.tank_l[v] == 0
    before = state.parked_soc[v]
    soc, _ = soc_at(fleet, state.take(v), v, at_ms)
    short = electric & (soc * battery / 100 - kwh < 0.06 * battery)
    soc = np.where(short, np.maximum(soc, 88.0), soc)
    state.energy_charged_kwh[v] += np.maximum(soc - before, 0) * battery / 100
    state.parked_soc[v] = soc
    tank = fleet.tank_l[v]
    state.fuel_l[v] = np.where(state.fuel_l[v] - litres < 0.12 * tank, 0.97 * tank, state.fuel_l[v])


def electric_kwh(fleet: Fleet, vehicle: Ints, soc: Floats, asked_kwh: Floats) -> Floats:
    """Returns how much of the energy asked for comes out of the traction battery: what is in it above empty."""
    empty = _EMPTY_PCT[fleet.powertrain[vehicle]]
    return np.asarray(np.minimum(asked_kwh, np.maximum(soc - empty, 0) * fleet.battery_kwh[vehicle] / 100))


def burnt_l(kwh: Floats, asked_kwh: Floats, asked_l: Floats) -> Floats:
    """Returns the fuel used when ``kwh`` of ``asked_kwh`` came from the battery."""
    return np.asarray(asked_l * np.where(asked_kwh > 0, 1 - kwh / np.maximum(asked_kwh, 1e-9), 1.0))


def _spend(fleet: Fleet, state: State, v: Ints, asked_kwh: Floats, asked_l: Floats) -> None:
    kwh = electric_kwh(fleet, v, state.parked_soc[v], asked_kwh)
    litres = np.minimum(burnt_l(kwh, asked_kwh, asked_l), state.fuel_l[v])
    state.parked_soc[v] -= 100 * kwh / np.maximum(fleet.battery_kwh[v], 1e-9)
    state.energy_used_kwh[v] += kwh
    state.fuel_l[v] -= litres
    state.fuel_used_l[v] += litres


def _plug_in(fleet: Fleet, state: State, v: Ints, home: NDArray[np.bool_], plugs: Floats, fills_up: Floats) -> None:
    soc, hybrid = state.parked_soc[v], fleet.tank_l[v] > 0
    wants = np.where(hybrid, plugs < 0.7, (soc < 45) | (plugs < 0.25))
    target = np.where(hybrid | (fills_up < 0.2), 100.0, 80.0)
    charges = home & (fleet.battery_kwh[v] > 0) & wants & (soc < target - 3)
    state.charges_ms[v] = np.where(charges, state.parked_ms[v] + _CABLE_AFTER_MS, NEVER_MS)
    state.target_soc[v] = np.where(charges, target, soc)
