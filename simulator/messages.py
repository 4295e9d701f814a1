"""What vehicles say: driving messages sample by sample, and heartbeats and charging messages at rest."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.energy import NEVER_MS, Parks, Start, burnt_l, electric_kwh, soc_at
from simulator.events import Events, Sent, telemetry
from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.plan import Legs
from simulator.world import DAY_MS, ambient_c, day_ms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HEARTBEAT_S = 6 * 3600
SLEEPS_AFTER_S = 9 * 86_400  # a vehicle left alone that long goes silent until it is driven again

_SLOW_S = 60  # signals that change slowly go out this often while driving
_PUMPED_UP_KPA = 35.0  # loss at which somebody inflates the tyres again
_PLACARD_KPA = np.array([model.tyre_kpa for model in MODELS])
_HIGHEST_LEVEL = np.array([model.automation_level for model in MODELS])
_KWH_KM = np.array([max(model.kwh_100km, 10.0) for model in MODELS]) / 100
_LITRES_KM = np.array([max(model.litres_100km, 4.0) for model in MODELS]) / 100


def driving_messages(
    fleet: Fleet,
    legs: Legs,
    driven: Drive,
    asked: tuple[Floats, Floats],
    start: Start,
    outside_c: Floats,
    cadence_s: int,
) -> Events:
    """Returns one message per sample; the first says ignition ON, the last OFF, both at rest.

    Args:
        fleet: the vehicles.
        legs: the legs.
        driven: their samples.
        asked: energy per sample, from ``energy.demand``.
        start: the vehicles at the start of each leg.
        outside_c: outside temperature per leg, degrees Celsius.
        cadence_s: seconds between samples.
    """  # fmt: skip
    leg, step = driven.leg, driven.step
    vehicle = legs.vehicle[leg]
    event_ms = legs.start_ms[leg] + step * (cadence_s * 1000)
    last = step == legs.steps[leg]
    slow = (step % max(1, _SLOW_S // cadence_s) == 0) | last
    powertrain = fleet.powertrain[vehicle]
    sent = np.full(len(leg), int(Sent.MOTION | Sent.IGNITION), dtype=np.int64)
    sent |= np.where(_HIGHEST_LEVEL[fleet.model[vehicle]] >= 2, int(Sent.AUTOMATION), 0)
    sent |= np.where(slow, _slow_groups(powertrain), 0)
    sent |= np.where((step == 0) & (powertrain >= 2), int(Sent.CHARGING), 0)
    events = telemetry(
        len(leg),
        event_ms=event_ms,
        vehicle=vehicle,
        sent=sent,
        speed=np.round(driven.speed_kmh * 10),
        odometer=np.floor((start.odometer_km[leg] + driven.driven_km) * 1000 + 1e-6),
        latitude=np.round(driven.latitude * 1e5),
        longitude=np.round(driven.longitude * 1e5),
        heading=np.round(driven.heading * 10) % 3600,
        automation=driven.level,
        ignition=~last,
    )
    rows = np.flatnonzero(slow)
    _add_slow(events, rows, _slow_while_driving(fleet, legs, driven, asked, start, outside_c, cadence_s, rows))
    return events


def _slow_groups(powertrain: NDArray[np.int8]) -> Ints:
    common = Sent.LOW_VOLTAGE | Sent.TYRES | Sent.AMBIENT
    engine, plug = common | Sent.FUEL | Sent.COOLANT, common | Sent.SOC
    return np.array([int(engine), int(engine), int(engine | Sent.SOC), int(plug)], dtype=np.int64)[powertrain]


def _add_slow(events: Events, rows: Ints, values: dict[str, Floats]) -> None:
    for name, value in values.items():
        events[name][rows] = np.round(value).astype(np.int64)


def _slow_while_driving(
    fleet: Fleet, legs: Legs, driven: Drive, asked: tuple[Floats, Floats], start: Start, outside_c: Floats,
    cadence_s: int, rows: Ints,
) -> dict[str, Floats]:  # fmt: skip
    leg, minutes = driven.leg[rows], driven.step[rows] * (cadence_s / 60)
    vehicle = legs.vehicle[leg]
    kwh = electric_kwh(fleet, vehicle, start.soc[leg], asked[0][rows])
    litres = np.minimum(burnt_l(kwh, asked[0][rows], asked[1][rows]), start.fuel_l[leg])
    soc = start.soc[leg] - 100 * kwh / np.maximum(fleet.battery_kwh[vehicle], 1e-9)
    at_ms = legs.start_ms[leg] + driven.step[rows] * (cadence_s * 1000)
    warm = 1 - np.exp(-minutes / 5)
    electric = fleet.tank_l[vehicle] == 0
    return {
        **_levels(fleet, vehicle, soc, start.fuel_l[leg] - litres),
        "energy_used": (start.energy_used_kwh[leg] + kwh) * 100,
        "energy_charged": start.energy_charged_kwh[leg] * 100,
        "fuel_used": (start.fuel_used_l[leg] + litres) * 100,
        "coolant": (outside_c[leg] + (89 - outside_c[leg]) * warm) * 10,
        "ambient": outside_c[leg] * 10,
        "low_voltage": np.where(electric, 1405 + 6 * np.cos(minutes), 1428 - 22 * warm + 5 * np.cos(minutes)),
        **_tyres(fleet, vehicle, at_ms, outside_c[leg], 0.07 * (1 - np.exp(-minutes / 15))),
    }


def _levels(fleet: Fleet, vehicle: Ints, soc: Floats, fuel_l: Floats) -> dict[str, Floats]:
    """State of charge, fuel level and range, in the units of the columns."""
    model, tank = fleet.model[vehicle], fleet.tank_l[vehicle]
    reach = soc / 100 * fleet.battery_kwh[vehicle] / _KWH_KM[model] + fuel_l / _LITRES_KM[model]
    return {"soc": soc * 10, "fuel": fuel_l / np.maximum(tank, 1e-9) * 1000, "range": reach * 1000}


def _tyres(fleet: Fleet, vehicle: Ints, at_ms: Ints, outside_c: Floats, warmth: Floats) -> dict[str, Floats]:
    """Pressures: the placard at 20 degrees Celsius, less what leaked since the last time at the pump."""
    leaked = fleet.leak_kpa_day[vehicle] * (at_ms / DAY_MS)[:, None]
    lost = (fleet.tyre_phase_kpa[vehicle] + leaked) % _PUMPED_UP_KPA
    absolute = (_PLACARD_KPA[fleet.model[vehicle]] + 101.3) * (outside_c + 273.15) / 293.15 * (1 + warmth)
    pressure = absolute[:, None] - 101.3 - lost
    return {f"tyre_{k}": pressure[:, k] * 10 for k in range(4)}


def resting_messages(fleet: Fleet, parks: Parks, day: date, weather: Floats) -> Events:
    """Returns the day's heartbeats, and a message when charging begins and one when it is complete."""
    begin, end = day_ms(day), day_ms(day) + DAY_MS
    parked = parks.state.parked_ms
    beat = HEARTBEAT_S * 1000
    first = np.maximum(1, -(-(begin - parked) // beat))
    instants = [parked + (first + k) * beat for k in range(DAY_MS // beat)]
    instants = [np.where(at - parked <= SLEEPS_AFTER_S * 1000, at, NEVER_MS) for at in instants]
    every = np.arange(len(parked))
    charges = parks.state.charges_ms
    complete = _complete_ms(fleet, parks)
    park = np.concatenate([every] * (len(instants) + 2))
    at_ms = np.concatenate([*instants, charges, complete])
    delivered_ms = (fleet.delivered - date(1970, 1, 1).toordinal())[parks.vehicle] * DAY_MS
    inside = (at_ms >= begin) & (at_ms < end) & (at_ms < parks.until_ms[park]) & (at_ms > delivered_ms[park])
    park, at_ms = park[inside], at_ms[inside]
    return _resting(fleet, parks, park, at_ms, complete[park], day, weather)


def _complete_ms(fleet: Fleet, parks: Parks) -> Ints:
    _, complete = soc_at(fleet, parks.state, parks.vehicle, parks.state.parked_ms)
    return complete


def _resting(
    fleet: Fleet, parks: Parks, park: Ints, at_ms: Ints, complete_ms: Ints, day: date, weather: Floats
) -> Events:
    vehicle, state = parks.vehicle[park], parks.state
    soc, _ = soc_at(fleet, state.take(park), vehicle, at_ms)
    powertrain = fleet.powertrain[vehicle]
    outside = ambient_c(fleet.city[vehicle], at_ms, day, weather)
    charges = state.charges_ms[park]
    charging = (at_ms >= charges) & (at_ms < complete_ms)
    plug = fleet.battery_kwh[vehicle] > 0
    gained = np.maximum(soc - state.parked_soc[park], 0) * fleet.battery_kwh[vehicle] / 100
    rested_days = (at_ms - state.parked_ms[park]) / DAY_MS
    heard = Sent.MOTION | Sent.IGNITION
    events = telemetry(
        len(park),
        event_ms=at_ms,
        vehicle=vehicle,
        sent=_slow_groups(powertrain) & ~int(Sent.COOLANT) | int(heard) | np.where(plug, int(Sent.CHARGING), 0),
        odometer=np.floor(state.odometer_km[park] * 1000 + 1e-6),
        latitude=np.round(state.latitude[park] * 1e5),
        longitude=np.round(state.longitude[park] * 1e5),
        charging=charging,
        cable=(charges < NEVER_MS) & (at_ms >= charges),
    )
    values = {
        **_levels(fleet, vehicle, soc, state.fuel_l[park]),
        "energy_used": state.energy_used_kwh[park] * 100,
        "energy_charged": (state.energy_charged_kwh[park] + gained) * 100,
        "fuel_used": state.fuel_used_l[park] * 100,
        "ambient": outside * 10,
        "low_voltage": (fleet.lv_rest_v[vehicle] - 0.035 * rested_days - 0.004 * np.maximum(10 - outside, 0)) * 100,
        **_tyres(fleet, vehicle, at_ms, outside, np.zeros(len(park))),
    }
    _add_slow(events, np.arange(len(park)), values)
    return events
