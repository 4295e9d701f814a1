"""Energy from leg to leg: what driving takes out of battery and tank, and what plug and pump give back in between."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.plan import Legs
from simulator.plugging import DRAWS, Visits, plug_in
from simulator.power import Demand, step_energy
from simulator.sessions import HOUR_MS, NEVER_MS, Sessions
from simulator.streams import Purpose, stream
from simulator.traits import Traits
from simulator.world import DAY_MS, day_ms

__all__ = ["NEVER_MS", "Parks", "Plans", "Rest", "Start", "State", "Used", "initial_state", "live", "rest"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SILENT_AFTER_MS = 9 * DAY_MS  # a vehicle parked for longer is not heard, so nobody would see it refuelled

_KWH_KM = np.array([m.kwh_100km for m in MODELS]) / 100
_LITRES_KM = np.array([m.litres_100km for m in MODELS]) / 100
_EMPTY_PCT = np.array([100.0, 100.0, 14.0, 1.5])  # what driving never takes, by powertrain
_FLAT_PCT = 0.5  # standby takes no more
_FULL, _RESERVE = 0.97, 0.02  # of a tank


@dataclass
class State:
    """What a vehicle carries from one day to the next; one array element per vehicle.

    Attributes:
        odometer_km: since built.
        parked_ms: when it was parked; in the future while a trip runs over the end of the day.
        latitude: where it is parked.
        longitude: the same.
        parked_soc: state of charge when parked, percent.
        capacity_kwh: of the traction battery when parked; 0 without a plug.
        fuel_l: in the tank.
        energy_used_kwh: out of the traction battery since built.
        energy_charged_kwh: into it at the plug.
        fuel_used_l: since built.
        session: the charging session of this rest.
    """

    odometer_km: Floats
    parked_ms: Ints
    latitude: Floats
    longitude: Floats
    parked_soc: Floats
    capacity_kwh: Floats
    fuel_l: Floats
    energy_used_kwh: Floats
    energy_charged_kwh: Floats
    fuel_used_l: Floats
    session: Sessions

    def to_frame(self) -> pl.DataFrame:
        """Returns the state as a frame, one column per attribute."""
        own = {name: getattr(self, name) for name in _COLUMNS}
        return pl.DataFrame(own | self.session.to_columns())

    def take(self, vehicles: Ints | slice) -> State:
        """Returns a copy of the state of some vehicles."""
        own = {name: getattr(self, name)[vehicles].copy() for name in _COLUMNS}
        return State(**own, session=self.session.take(vehicles))

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> State:
        """Returns the state of a frame made by :meth:`to_frame`."""
        own = {name: frame[name].to_numpy().copy() for name in _COLUMNS}
        return State(**own, session=Sessions.from_frame(frame))

    @staticmethod
    def concat(parts: list[State]) -> State:
        """Returns all states, in the order of the parts."""
        own = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
        return State(**own, session=Sessions.concat([part.session for part in parts]))


_COLUMNS = tuple(f.name for f in fields(State) if f.name != "session")


@dataclass(frozen=True)
class Start:
    """How a leg finds its vehicle: the state at its start, one element per leg.

    Attributes:
        soc: percent.
        capacity_kwh: of the traction battery.
        fuel_l: in the tank.
        refuelled_pct: added to the tank just before, share of it.
        energy_used_kwh: out of the traction battery since built.
        energy_charged_kwh: into it at the plug.
        fuel_used_l: since built.
        odometer_km: since built.
    """

    soc: Floats
    capacity_kwh: Floats
    fuel_l: Floats
    refuelled_pct: Floats
    energy_used_kwh: Floats
    energy_charged_kwh: Floats
    fuel_used_l: Floats
    odometer_km: Floats


@dataclass(frozen=True)
class Used:
    """What driving took, per sample, since the start of the leg.

    Attributes:
        power_kw: of the battery, into it positive.
        out_kwh: energy out of the battery.
        back_kwh: energy back into it.
        litres: fuel.
    """

    power_kw: Floats
    out_kwh: Floats
    back_kwh: Floats
    litres: Floats


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


@dataclass(frozen=True)
class Plans:
    """What is known of the days ahead when a day is lived.

    Attributes:
        start_ms: start of each vehicle's first leg of the next day, ``NEVER_MS`` if there is none.
        length_km: length of that leg.
        until_ms: end of the next day.
    """

    start_ms: Ints
    length_km: Floats
    until_ms: int

    @staticmethod
    def of(legs: Legs, vehicles: int, until_ms: int) -> Plans:
        """Returns the plans of vehicles whose legs of the next day are ``legs``."""
        start, length = np.full(vehicles, NEVER_MS, dtype=np.int64), np.zeros(vehicles)
        start[legs.vehicle[::-1]], length[legs.vehicle[::-1]] = legs.start_ms[::-1], legs.length_km[::-1]
        return Plans(start, length, until_ms)


@dataclass(frozen=True)
class Rest:
    """Vehicles at rest at instants.

    Attributes:
        soc: percent.
        drained_kwh: out of the battery since parked.
        stored_kwh: charged into it since parked.
    """

    soc: Floats
    drained_kwh: Floats
    stored_kwh: Floats


def initial_state(seed: int, partition: int, fleet: Fleet, traits: Traits, first_day: date) -> State:
    """Returns the state of the vehicles when the simulation begins."""
    n = len(fleet)
    rng = stream(seed, Purpose.START, partition)
    age = np.maximum(first_day.toordinal() - fleet.delivered, 0)
    odometer = np.where(age > 0, age * rng.gamma(4, 9.0, n), 0) + rng.uniform(5, 40, n)
    since_ms = (fleet.delivered - date(1970, 1, 1).toordinal()) * DAY_MS + 8 * HOUR_MS
    plug = fleet.battery_kwh > 0
    used = 1.15 * odometer * _KWH_KM[fleet.model] * plug
    return State(
        odometer_km=odometer,
        parked_ms=np.where(age > 0, day_ms(first_day) - rng.integers(0, 36_000_000, n), since_ms),
        latitude=fleet.latitude.copy(),
        longitude=fleet.longitude.copy(),
        parked_soc=np.where(plug, rng.uniform(45, 90, n), 0),
        capacity_kwh=traits.capacity_kwh(fleet, first_day, used),
        fuel_l=fleet.tank_l * rng.uniform(0.3, 0.95, n),
        energy_used_kwh=used,
        energy_charged_kwh=used * 0.88,
        fuel_used_l=odometer * _LITRES_KM[fleet.model] * (fleet.tank_l > 0) * 0.9,
        session=Sessions.none(n),
    )


def rest(traits: Traits, parked: State, vehicle: Ints, at_ms: Ints) -> Rest:
    """Returns what is in the batteries of parked vehicles: standby drains them, except while they charge.

    Args:
        traits: of the vehicles.
        parked: how they were parked, one element per instant.
        vehicle: which vehicle each is.
        at_ms: instants, ms since 1970 UTC.
    """
    session, soc, pct_h = parked.session, parked.parked_soc, traits.standby_pct_h[vehicle]
    before_ms = np.maximum(np.minimum(at_ms, session.starts_ms) - parked.parked_ms, 0)
    drained = np.minimum(pct_h * before_ms / HOUR_MS, np.maximum(soc - _FLAT_PCT, 0))
    charged = np.where(session.exists, session.soc_at(at_ms) - session.soc, 0)
    soc = soc - drained + charged
    after_ms = np.maximum(at_ms - session.stops_ms, 0)
    drained_later = np.minimum(pct_h * after_ms / HOUR_MS, np.maximum(soc - _FLAT_PCT, 0))
    one_pct = parked.capacity_kwh / 100
    return Rest(soc - drained_later, (drained + drained_later) * one_pct, charged * one_pct)


def live(
    fleet: Fleet, traits: Traits, legs: Legs, driven: Drive, asked: Demand, outside_c: Floats, plans: Plans,
    state: State, capacity_kwh: Floats, cadence_s: int, rng: np.random.Generator,
) -> tuple[Start, Parks, Used]:  # fmt: skip
    """Takes the vehicles through their legs, one after the other, charging and refuelling between them.

    Args:
        fleet: the vehicles.
        traits: of the vehicles.
        legs: the legs, sorted by vehicle and time.
        driven: their samples.
        asked: what they ask for.
        outside_c: outside temperature per leg.
        plans: what is known of the next day.
        state: of the vehicles before the first leg; afterwards, behind the last one.
        capacity_kwh: of the traction batteries today.
        cadence_s: seconds between samples.
        rng: for who plugs in and who refuels.

    Returns:
        How each leg begins, the stretches at rest, and what driving took.
    """  # fmt: skip
    n, vehicle = len(legs), legs.vehicle
    rank = np.arange(n) - np.searchsorted(vehicle, vehicle)
    draws, pump = rng.random((DRAWS, n)), rng.random((3, n))
    begin = {f.name: np.zeros(n) for f in fields(Start)}
    visits = [(np.arange(len(fleet)), state.take(slice(None)), _first_starts(legs, len(fleet)))]
    follows, next_km = _next(legs, plans)
    limits = _Limits.of(fleet, legs, driven, asked, cadence_s)
    cut, scale = driven.first.copy(), np.ones(n)
    today = np.append(vehicle[1:] == vehicle[:-1], False)[:n] if n else np.zeros(0, dtype=np.bool_)
    for k in range(int(rank.max(initial=-1)) + 1):
        j = np.flatnonzero(rank == k)
        v = vehicle[j]
        begin["refuelled_pct"][j] = _replenish(fleet, traits, state, v, legs.start_ms[j], limits.litres[j], pump[:, j])
        state.capacity_kwh[v] = capacity_kwh[v]
        _note(begin, j, state, v)
        cut[j], scale[j] = limits.within(fleet, j, v, state.parked_soc[v], capacity_kwh[v])
        _spend(state, v, *limits.spent(j, cut[j], scale[j]))
        state.odometer_km[v] += driven.driven_km[driven.last[j]]
        state.parked_ms[v] = legs.start_ms[j] + legs.steps[j] * cadence_s * 1000
        state.latitude[v], state.longitude[v] = driven.latitude[driven.last[j]], driven.longitude[driven.last[j]]
        leaves = np.minimum(follows[j], plans.until_ms)
        parked = Visits(v, legs.place[j], state.parked_ms[v], leaves, next_km[j], state.parked_soc[v],
                        state.capacity_kwh[v], outside_c[j])  # fmt: skip
        state.session.put(v, plug_in(fleet, traits, parked, draws[:, j]))
        visits.append((v, state.take(v), np.where(today[j], follows[j], NEVER_MS)))
    vehicles, states, until_ms = zip(*visits, strict=True)
    parks, start = Parks(np.concatenate(vehicles), State.concat(list(states)), np.concatenate(until_ms)), Start(**begin)
    return start, parks, _used(fleet, legs, driven, asked, start, cut, scale, cadence_s)


def _note(begin: dict[str, Floats], j: Ints, state: State, v: Ints) -> None:
    """Writes down how legs ``j`` find their vehicles, but for what was just refuelled."""
    for name in begin.keys() - {"refuelled_pct"}:
        begin[name][j] = getattr(state, "parked_soc" if name == "soc" else name)[v]


def _first_starts(legs: Legs, vehicles: int) -> Ints:
    starts = np.full(vehicles, NEVER_MS, dtype=np.int64)
    starts[legs.vehicle[::-1]] = legs.start_ms[::-1]
    return starts


def _next(legs: Legs, plans: Plans) -> tuple[Ints, Floats]:
    """Start and length of the leg that follows each leg: of the same day, or the first of the next one."""
    start, length = plans.start_ms[legs.vehicle], plans.length_km[legs.vehicle]
    same = np.flatnonzero(legs.vehicle[1:] == legs.vehicle[:-1])
    start[same], length[same] = legs.start_ms[same + 1], legs.length_km[same + 1]
    return start, length


@dataclass(frozen=True)
class _Limits:
    """What the legs ask for as a whole, and where a battery would not do."""

    driven: Drive
    asked: Demand
    cadence_s: int
    litres: Floats
    most_kwh: Floats  # greatest net use within the leg
    hybrid_rows: Ints  # samples of legs that an engine can finish,
    hybrid_net: Floats  # their running maximum of net use, raised by leg to be ascending

    _APART_KWH = 1e4

    @staticmethod
    def of(fleet: Fleet, legs: Legs, driven: Drive, asked: Demand, cadence_s: int) -> _Limits:
        net = asked.out_kwh - asked.back_kwh
        most = np.maximum.reduceat(net, driven.first) if len(legs) else np.zeros(0)
        rows = np.flatnonzero((fleet.powertrain == 2)[legs.vehicle][driven.leg])
        rising = np.maximum.accumulate(net[rows] + _Limits._APART_KWH * driven.leg[rows])
        return _Limits(driven, asked, cadence_s, asked.litres[driven.last], most, rows, rising)

    def within(self, fleet: Fleet, j: Ints, v: Ints, soc: Floats, capacity_kwh: Floats) -> tuple[Ints, Floats]:
        """Returns the sample of legs ``j`` from which the engine drives, and the share of the power that is drawn.

        A vehicle without an engine whose charge would not do drives more gently.
        """
        first, last, powertrain = self.driven.first[j], self.driven.last[j], fleet.powertrain[v]
        available = np.maximum(soc - _EMPTY_PCT[powertrain], 0) * capacity_kwh / 100
        rows = np.append(self.hybrid_rows, np.iinfo(np.int64).max)
        found = rows[np.searchsorted(self.hybrid_net, self._APART_KWH * j + available)]
        cut = np.select([powertrain < 2, powertrain == 2], [first, np.clip(found, first, last + 1)], default=last + 1)
        scale = np.where(powertrain == 3, np.minimum(1, available / np.maximum(self.most_kwh[j], 1e-9)), 1.0)
        return cut, scale

    def spent(self, j: Ints, cut: Ints, scale: Floats) -> tuple[Floats, Floats, Floats]:
        """Returns kWh out of the battery, kWh back into it and litres of legs ``j``."""
        first, last = self.driven.first[j], self.driven.last[j]
        held = np.maximum(cut - 1, first)
        fading = np.where((cut > first) & (cut <= last), self.asked.power_kw[held], 0) * (self.cadence_s / 7200)
        electric = cut > first
        out = np.where(electric, self.asked.out_kwh[held] * scale + np.maximum(-fading, 0), 0)
        back = np.where(electric, self.asked.back_kwh[held] * scale + np.maximum(fading, 0), 0)
        return out, back, self.asked.litres[last] - self.asked.litres[held]


def _replenish(
    fleet: Fleet, traits: Traits, state: State, v: Ints, at_ms: Ints, litres: Floats, pump: Floats
) -> Floats:
    """What was charged and drained while parked counts; a low tank is filled. Returns percent of the tank added."""
    found = rest(traits, state.take(v), v, at_ms)
    state.energy_charged_kwh[v] += found.stored_kwh
    state.energy_used_kwh[v] += found.drained_kwh
    state.parked_soc[v] = found.soc
    tank = fleet.tank_l[v]
    level, needs = state.fuel_l[v] / np.maximum(tank, 1e-9), litres / np.maximum(tank, 1e-9)
    seen = at_ms - state.parked_ms[v] < SILENT_AFTER_MS
    low = (level - needs < np.where(seen, 0.08 + 0.17 * pump[0], _RESERVE)) & (tank > 0) & (level < 0.8)
    some = np.maximum(level + 0.25 + 0.3 * pump[1], needs + 0.12)
    filled = np.where(pump[2] < 0.25, np.minimum(some, _FULL), _FULL)
    state.fuel_l[v] = np.where(low, filled * tank, state.fuel_l[v])
    return np.where(low, 100 * (filled - level), 0.0)


def _spend(state: State, v: Ints, out_kwh: Floats, back_kwh: Floats, litres: Floats) -> None:
    burnt = np.minimum(litres, state.fuel_l[v])
    state.parked_soc[v] -= 100 * (out_kwh - back_kwh) / np.maximum(state.capacity_kwh[v], 1e-9)
    state.energy_used_kwh[v] += out_kwh
    state.fuel_l[v] -= burnt
    state.fuel_used_l[v] += burnt


def _used(
    fleet: Fleet, legs: Legs, driven: Drive, asked: Demand, start: Start, cut: Ints, scale: Floats, cadence_s: int
) -> Used:
    """What the samples took, now that it is known how far each battery went."""
    m, leg = len(driven.leg), driven.leg
    power, out, back = np.zeros(m), np.zeros(m), np.zeros(m)
    rows = np.flatnonzero((fleet.battery_kwh > 0)[legs.vehicle][leg])
    power[rows] = np.where(rows < cut[leg[rows]], asked.power_kw[rows] * scale[leg[rows]], 0)
    out[rows], back[rows] = step_energy(power[rows], driven.step[rows], cadence_s)
    out[rows], back[rows] = np.cumsum(out[rows]), np.cumsum(back[rows])
    held = np.maximum(cut - 1, driven.first)
    litres = np.minimum(np.maximum(asked.litres - asked.litres[held][leg], 0), start.fuel_l[leg])
    first = driven.first[leg]
    return Used(power, out - out[first], back - back[first], litres)
