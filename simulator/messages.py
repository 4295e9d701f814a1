"""What vehicles say: driving messages sample by sample, and heartbeats and charging messages at rest."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.energy import SILENT_AFTER_MS, Parks, Start, Used, rest
from simulator.events import Events, Sent, telemetry
from simulator.failures.signs import Signs
from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.plan import Legs
from simulator.sessions import NEVER_MS, Sessions
from simulator.traits import Traits
from simulator.world import DAY_MS, ambient_c, day_ms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HEARTBEAT_S = 6 * 3600
_ALTERNATING_PACE_MS, _DIRECT_PACE_MS = 600_000, 300_000  # between messages while charging

_SLOW_S = 60  # signals that change slowly go out this often while driving
_PUMPED_UP_KPA = 35.0  # loss at which somebody inflates the tyres again
_STARTER_DIP_V, _WAKING_DIP_V = 1.9, 0.4  # of a sound 12 V battery; hybrids start on the traction battery
_PLACARD_KPA = np.array([model.tyre_kpa for model in MODELS])
_HIGHEST_LEVEL = np.array([model.automation_level for model in MODELS])
_KWH_KM = np.array([max(model.kwh_100km, 10.0) for model in MODELS]) / 100
_LITRES_KM = np.array([max(model.litres_100km, 4.0) for model in MODELS]) / 100


def driving_messages(
    fleet: Fleet,
    legs: Legs,
    driven: Drive,
    used: Used,
    start: Start,
    outside_c: Floats,
    cadence_s: int,
    traits: Traits,
    signs: Signs,
) -> Events:
    """Returns one message per sample; the first says ignition ON, the last OFF, both at rest.

    Args:
        fleet: the vehicles.
        legs: the legs.
        driven: their samples.
        used: what driving took, per sample.
        start: the vehicles at the start of each leg.
        outside_c: outside temperature per leg, degrees Celsius.
        cadence_s: seconds between samples.
        traits: of the vehicles.
        signs: the condition of the vehicles.
    """  # fmt: skip
    leg, step = driven.leg, driven.step
    vehicle = legs.vehicle[leg]
    event_ms = legs.start_ms[leg] + step * (cadence_s * 1000)
    last = step == legs.steps[leg]
    slow = (step % slow_every(cadence_s) == 0) | last
    events = telemetry(
        len(leg),
        event_ms=event_ms,
        vehicle=vehicle,
        sent=_groups_while_driving(fleet, traits, driven, vehicle, slow),
        speed=np.round(driven.speed_kmh * 10),
        odometer=np.floor((start.odometer_km[leg] + driven.driven_km) * 1000 + 1e-6),
        latitude=np.round(driven.latitude * 1e5),
        longitude=np.round(driven.longitude * 1e5),
        heading=np.round(driven.heading * 10) % 3600,
        automation=driven.level,
        ignition=~last,
        power=np.round(used.power_kw * 1000),
    )
    events["longitudinal"][driven.jolts.sample] = np.round(driven.jolts.longitudinal_mps2 * 100)
    events["lateral"][driven.jolts.sample] = np.round(driven.jolts.lateral_mps2 * 100)
    rows = np.flatnonzero(slow)
    _add_slow(events, rows, slow_signals(fleet, legs, driven, used, start, outside_c, cadence_s, signs, rows))
    return events


def _groups_while_driving(fleet: Fleet, traits: Traits, driven: Drive, vehicle: Ints, slow: NDArray[np.bool_]) -> Ints:
    """Returns what each message carries."""
    powertrain = fleet.powertrain[vehicle]
    sent = np.full(len(vehicle), int(Sent.MOTION | Sent.HEADING | Sent.IGNITION), dtype=np.int64)
    sent |= np.where(_HIGHEST_LEVEL[fleet.model[vehicle]] >= 2, int(Sent.AUTOMATION), 0)
    sent |= np.where(slow, _slow_groups(powertrain), 0)
    sent |= np.where(powertrain >= 2, int(Sent.POWER), 0)
    sent |= np.where((driven.step == 0) & (powertrain >= 2) & traits.signals[vehicle], int(Sent.CHARGING), 0)
    sent[driven.jolts.sample] |= int(Sent.ACCELERATION)
    return sent


def slow_every(cadence_s: int) -> int:
    """Returns every how many samples the signals that change slowly are sent while driving, from the first on."""
    return max(1, _SLOW_S // cadence_s)


def _slow_groups(powertrain: NDArray[np.int8]) -> Ints:
    common = Sent.LOW_VOLTAGE | Sent.TYRES | Sent.AMBIENT | Sent.UPKEEP
    engine, plug = common | Sent.FUEL | Sent.COOLANT, common | Sent.SOC | Sent.CELLS
    return np.array([int(engine), int(engine), int(engine | plug), int(plug)], dtype=np.int64)[powertrain]


def _add_slow(events: Events, rows: Ints, values: dict[str, Floats]) -> None:
    for name, value in values.items():
        events[name][rows] = np.round(value).astype(np.int64)


def slow_signals(
    fleet: Fleet, legs: Legs, driven: Drive, used: Used, start: Start, outside_c: Floats,
    cadence_s: int, signs: Signs, rows: Ints,
) -> dict[str, Floats]:  # fmt: skip
    """Returns the signals that change slowly at samples of drives, not rounded, in the units of the columns.

    Args:
        fleet: the vehicles.
        legs: the legs.
        driven: their samples.
        used: what driving took, per sample.
        start: the vehicles at the start of each leg.
        outside_c: outside temperature per leg, degrees Celsius.
        cadence_s: seconds between samples.
        signs: the condition of the vehicles.
        rows: which samples.
    """
    leg, minutes = driven.leg[rows], np.asarray(driven.step[rows] * (cadence_s / 60), dtype=np.float64)
    vehicle = legs.vehicle[leg]
    litres = used.litres[rows]
    net_kwh = used.out_kwh[rows] - used.back_kwh[rows]
    soc = start.soc[leg] - 100 * net_kwh / np.maximum(start.capacity_kwh[leg], 1e-9)
    at_ms = legs.start_ms[leg] + driven.step[rows] * (cadence_s * 1000)
    warm = 1 - np.exp(-minutes / 5)
    load = np.clip(driven.speed_kmh[rows] / 120, 0, 1)
    coolant = outside_c[leg] + (89 - outside_c[leg]) * warm + 5 * load * warm
    signs.heat_coolant(coolant, vehicle, at_ms, load * warm)
    cells = outside_c[leg] + 9 * (1 - np.exp(-minutes / 40)) + 4 * load
    signs.heat_cells(cells, vehicle, at_ms, load * warm)
    odometer_km = start.odometer_km[leg] + driven.driven_km[rows]
    return {
        **_levels(fleet, vehicle, soc, start.fuel_l[leg] - litres),
        "energy_used": (start.energy_used_kwh[leg] + used.out_kwh[rows]) * 1000,
        "energy_charged": start.energy_charged_kwh[leg] * 1000,
        "fuel_used": (start.fuel_used_l[leg] + litres) * 1000,
        "coolant": coolant * 10,
        "battery_temperature": cells * 10,
        "low_voltage": _running_v(fleet, vehicle, at_ms, minutes, outside_c[leg], signs) * 100,
        **_surroundings(fleet, vehicle, at_ms, outside_c[leg], 0.07 * (1 - np.exp(-minutes / 15)), signs),
        **_upkeep(signs, vehicle, at_ms, odometer_km),
    }


def _levels(fleet: Fleet, vehicle: Ints, soc: Floats, fuel_l: Floats) -> dict[str, Floats]:
    """State of charge, fuel level and range, in the units of the columns."""
    model, tank = fleet.model[vehicle], fleet.tank_l[vehicle]
    reach = soc / 100 * fleet.battery_kwh[vehicle] / _KWH_KM[model] + fuel_l / _LITRES_KM[model]
    return {"soc": soc * 10, "fuel": fuel_l / np.maximum(tank, 1e-9) * 1000, "range": reach * 1000}


def _running_v(fleet: Fleet, vehicle: Ints, at_ms: Ints, minutes: Floats, outside_c: Floats, signs: Signs) -> Floats:
    """Voltage of the 12 V battery: held by the converter or the alternator, but for the dip while an engine starts."""
    engine = fleet.tank_l[vehicle] > 0
    ripple = np.cos(minutes)
    volts = np.where(engine, 14.06 + 0.22 * np.exp(-minutes / 5) + 0.05 * ripple, 14.05 + 0.06 * ripple)
    starts = np.flatnonzero(engine & (minutes == 0))
    of = vehicle[starts]
    starter = fleet.powertrain[of] == 0
    dip = _rest_v(fleet, of, outside_c[starts]) - np.where(starter, _STARTER_DIP_V, _WAKING_DIP_V)
    signs.lose_voltage(dip, of, at_ms[starts], cranking=starter)
    volts[starts] = dip
    return volts


def _rest_v(fleet: Fleet, vehicle: Ints, outside_c: Floats) -> Floats:
    return np.asarray(fleet.lv_rest_v[vehicle] - 0.004 * np.maximum(10 - outside_c, 0))


def _surroundings(
    fleet: Fleet, vehicle: Ints, at_ms: Ints, outside_c: Floats, warmth: Floats, signs: Signs
) -> dict[str, Floats]:
    """Tyre pressures and the outside temperature as their sensors tell them, in the units of the columns."""
    pressure = tyre_pressures(fleet, vehicle, at_ms, outside_c, warmth)
    signs.lose_pressure(pressure, vehicle, at_ms)
    ambient = outside_c.copy()
    signs.disturb_ambient(ambient, vehicle, at_ms)
    return {"ambient": ambient * 10, **{f"tyre_{k}": pressure[:, k] * 10 for k in range(4)}}


def tyre_pressures(fleet: Fleet, vehicle: Ints, at_ms: Ints, outside_c: Floats, warmth: Floats) -> Floats:
    """Returns the pressures of sound tyres in kPa, shape (n, 4), wheels in the order of the signal catalogue.

    That is the placard at 20 degrees Celsius, less what diffused since the last time at the pump.

    Args:
        fleet: the vehicles.
        vehicle: index into the fleet.
        at_ms: when.
        outside_c: outside temperature.
        warmth: by which share rolling has raised the absolute pressure.
    """
    leaked = fleet.leak_kpa_day[vehicle] * (at_ms / DAY_MS)[:, None]
    lost = (fleet.tyre_phase_kpa[vehicle] + leaked) % _PUMPED_UP_KPA
    absolute = (_PLACARD_KPA[fleet.model[vehicle]] + 101.3) * (outside_c + 273.15) / 293.15 * (1 + warmth)
    return np.asarray(absolute[:, None] - 101.3 - lost)


def _charging_heat_c(session: Sessions, at_ms: Ints) -> Floats:
    """Direct current heats the cells by up to 16 degrees while it flows, alternating current by 3."""
    heat = np.where(session.current > 0, 16.0, 3.0) * (1 - np.exp(-3 * session.hours_charged(at_ms)))
    return np.asarray(np.where(session.charging(at_ms), heat, 0.0))


def _upkeep(signs: Signs, vehicle: Ints, at_ms: Ints, odometer_km: Floats) -> dict[str, Floats]:
    said = signs.upkeep(vehicle, at_ms, odometer_km)
    return {**said, "pad_wear": said["pad_wear"] * 10}


def resting_messages(fleet: Fleet, traits: Traits, parks: Parks, day: date, weather: Floats, signs: Signs) -> Events:
    """Returns the day's heartbeats, and what vehicles that report charging say from the cable in to the cable out."""
    begin, end = day_ms(day), day_ms(day) + DAY_MS
    parked = parks.state.parked_ms
    beat = HEARTBEAT_S * 1000
    first = np.maximum(1, -(-(begin - parked) // beat))
    instants = [parked + (first + k) * beat for k in range(DAY_MS // beat)]
    instants = [np.where(at - parked <= SILENT_AFTER_MS, at, NEVER_MS) for at in instants]
    every = np.arange(len(parked))
    plugged, said_ms = charging_instants(parks.state.session, traits.signals[parks.vehicle], begin, end)
    park = np.concatenate([*[every] * len(instants), plugged])
    at_ms = np.concatenate([*instants, said_ms])
    delivered_ms = (fleet.delivered - date(1970, 1, 1).toordinal())[parks.vehicle] * DAY_MS
    inside = (at_ms >= begin) & (at_ms < end) & (at_ms < parks.until_ms[park]) & (at_ms > delivered_ms[park])
    park, at_ms = park[inside], at_ms[inside]
    return _resting(fleet, traits, parks, park, at_ms, day, weather, signs)


def charging_instants(session: Sessions, reports: NDArray[np.bool_], begin_ms: int, end_ms: int) -> tuple[Ints, Ints]:
    """Returns which session says something, and when: at every change, and every few minutes while charging goes on.

    Args:
        session: the sessions.
        reports: which of them are reported by signals.
        begin_ms: instants from here on,
        end_ms: and before this.
    """
    here = np.flatnonzero(reports & session.exists & (session.plugged_ms < end_ms) & (session.unplugged_ms >= begin_ms))
    found = session.take(here)
    changes = (found.plugged_ms, found.starts_ms, found.pauses_ms, found.resumes_ms, found.stops_ms, found.unplugged_ms)
    pace = np.where(found.current > 0, _DIRECT_PACE_MS, _ALTERNATING_PACE_MS)
    first = np.maximum(1, -(-(begin_ms - found.starts_ms) // pace))
    count = np.maximum(-(-(np.minimum(found.stops_ms, end_ms) - found.starts_ms) // pace) - first, 0)
    ticks = np.repeat(first - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    ticking = np.repeat(np.arange(len(here)), count)
    at_ms = np.concatenate([*changes, found.starts_ms[ticking] + ticks * pace[ticking]])
    return np.concatenate([*[here] * len(changes), here[ticking]]), at_ms


def _resting(
    fleet: Fleet,
    traits: Traits,
    parks: Parks,
    park: Ints,
    at_ms: Ints,
    day: date,
    weather: Floats,
    signs: Signs,
) -> Events:
    vehicle, state = parks.vehicle[park], parks.state
    found = rest(traits, state.take(park), vehicle, at_ms)
    session = state.session.take(park)
    power_kw = session.power_at(at_ms)
    powertrain = fleet.powertrain[vehicle]
    outside = ambient_c(fleet.city[vehicle], at_ms, day, weather)
    plug = fleet.battery_kwh[vehicle] > 0
    charging = session.charging(at_ms)
    volts = _rest_v(fleet, vehicle, outside) - 0.035 * (at_ms - state.parked_ms[park]) / DAY_MS
    signs.lose_voltage(volts, vehicle, at_ms, cranking=None)
    heard = Sent.MOTION | Sent.IGNITION
    events = telemetry(
        len(park),
        event_ms=at_ms,
        vehicle=vehicle,
        sent=_slow_groups(powertrain) & ~int(Sent.COOLANT)
        | int(heard)
        | np.where(plug & traits.signals[vehicle], int(Sent.CHARGING | Sent.POWER), 0),
        odometer=np.floor(state.odometer_km[park] * 1000 + 1e-6),
        latitude=np.round(state.latitude[park] * 1e5),
        longitude=np.round(state.longitude[park] * 1e5),
        charging=charging,
        cable=session.connected(at_ms),
        power=np.round(power_kw * 1000),
    )
    values = {
        **_levels(fleet, vehicle, found.soc, state.fuel_l[park]),
        "energy_used": (state.energy_used_kwh[park] + found.drained_kwh) * 1000,
        "energy_charged": (state.energy_charged_kwh[park] + found.stored_kwh) * 1000,
        "fuel_used": state.fuel_used_l[park] * 1000,
        "battery_temperature": (outside + 3 + _charging_heat_c(session, at_ms)) * 10,
        "low_voltage": volts * 100,
        **_surroundings(fleet, vehicle, at_ms, outside, np.zeros(len(park)), signs),
        **_upkeep(signs, vehicle, at_ms, state.odometer_km[park]),
    }
    _add_slow(events, np.arange(len(park)), values)
    return events
