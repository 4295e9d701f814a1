"""What driving asks of the battery and of the engine, sample by sample.

Power is linear between samples, as the messages have it: integrating the trapezoids, cut where power crosses zero,
gives the energy out of the battery and the energy back into it, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.plan import Legs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_KWH_KM = np.array([m.kwh_100km for m in MODELS]) / 100
_LITRES_KM = np.array([m.litres_100km for m in MODELS]) / 100
_MASS_T = 0.45 + 8.0 * _KWH_KM  # what uses more is heavier
_HYBRID = np.array([1.0, 0.74, 0.8, 0.0])  # litres against the same car with an engine alone, by powertrain
_IDLE_L_H = np.array([0.6, 0.15, 0.1, 0.0])
_BRAKES_KW = np.array([0.0, 0.0, 35.0, 80.0])  # most that flows back, by powertrain
_STEEPEST, _HILL_KM = 0.06, 1.8  # gradient where it is hilliest, and the length of a hill
_TO_WHEELS, _FROM_WHEELS = 0.9, 0.8  # efficiency from the battery to the wheels, and back


@dataclass(frozen=True)
class Demand:
    """What legs ask for, per sample.

    Attributes:
        power_kw: of the battery if electric all the way, into it positive; 0 without a plug.
        out_kwh: energy out of the battery since the start of the leg, if electric all the way.
        back_kwh: energy back into it.
        litres: fuel since the start of the leg, if not electric at all.
    """

    power_kw: Floats
    out_kwh: Floats
    back_kwh: Floats
    litres: Floats


def demand(fleet: Fleet, legs: Legs, driven: Drive, ambient_c: Floats, cadence_s: int) -> Demand:
    """Returns what driving asks for.

    Args:
        fleet: the vehicles.
        legs: the legs.
        driven: their samples.
        ambient_c: outside temperature per leg, degrees Celsius.
        cadence_s: seconds between samples.
    """
    m = len(driven.leg)
    power, out, back, litres = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    rows = np.flatnonzero((fleet.battery_kwh > 0)[legs.vehicle][driven.leg])
    power[rows] = _power_kw(fleet, legs, driven, ambient_c, cadence_s, rows)
    out[rows], back[rows] = step_energy(power[rows], driven.step[rows], cadence_s)
    out[rows], back[rows] = np.cumsum(out[rows]), np.cumsum(back[rows])
    rows = np.flatnonzero((fleet.tank_l > 0)[legs.vehicle][driven.leg])
    litres[rows] = np.cumsum(_litres(fleet, legs, driven, ambient_c, cadence_s, rows))
    first = driven.first[driven.leg]
    return Demand(power, out - out[first], back - back[first], litres - litres[first])


def step_energy(power_kw: Floats, step: Ints, cadence_s: int) -> tuple[Floats, Floats]:
    """Returns kWh out of and back into the battery between a sample and the one before; 0 at the start of a leg.

    Args:
        power_kw: power at samples, into the battery positive, linear in between.
        step: number of the sample in its leg.
        cadence_s: seconds between samples.
    """
    before = np.empty_like(power_kw)
    before[1:], before[:1] = power_kw[:-1], 0
    net = (power_kw + before) / 2
    apart = np.abs(power_kw - before)
    crosses = power_kw * before < 0
    high = np.maximum(power_kw, before)
    positive = np.where(crosses, high * high / np.maximum(2 * apart, 1e-12), np.maximum(net, 0))
    hours = np.where(step == 0, 0, cadence_s / 3600)
    return (positive - net) * hours, positive * hours


def _power_kw(fleet: Fleet, legs: Legs, driven: Drive, ambient_c: Floats, cadence_s: int, rows: Ints) -> Floats:
    """Road resistance, change of speed, hills (up as much as down), climate and electronics."""
    leg, speed = driven.leg[rows], driven.speed_kmh[rows]
    model, powertrain = fleet.model[legs.vehicle], fleet.powertrain[legs.vehicle]
    last = len(driven.leg) - 1
    later = np.where(driven.step[rows] == legs.steps[leg], rows, np.minimum(rows + 1, last))
    sooner = np.where(driven.step[rows] == 0, rows, rows - 1)
    squares = driven.speed_kmh**2
    kinetic = (squares[later] - squares[sooner]) / (np.maximum(later - sooner, 1) * cadence_s)
    shape = 0.48 + 0.40 * (speed / 110) ** 2
    part = driven.driven_km[rows] / np.maximum(driven.driven_km[driven.last], 1e-6)[leg]
    hills = np.maximum(1, np.round(legs.length_km / _HILL_KM))
    steep = _STEEPEST * (fleet.number[legs.vehicle] % 7) / 6 * 9.81 / 3.6
    climb = speed * (steep * _MASS_T[model])[leg] * np.sin(2 * np.pi * hills[leg] * part)
    wheels = speed * shape * (_KWH_KM * _TO_WHEELS)[model][leg] + kinetic * (_MASS_T[model] / (2 * 3.6**2))[leg] + climb
    wheels[speed == 0] = 0  # a vehicle at rest neither pulls nor brakes
    brakes = np.minimum(-_FROM_WHEELS * wheels, (_BRAKES_KW[powertrain] * np.where(ambient_c < 0, 0.5, 1))[leg])
    climate = 0.35 + 0.075 * np.maximum(18 - ambient_c, 0) + 0.06 * np.maximum(ambient_c - 24, 0)
    return np.asarray(np.where(wheels > 0, -wheels / _TO_WHEELS, brakes) - climate[leg])


def _litres(fleet: Fleet, legs: Legs, driven: Drive, ambient_c: Floats, cadence_s: int, rows: Ints) -> Floats:
    leg, speed = driven.leg[rows], driven.speed_kmh[rows]
    model, powertrain = fleet.model[legs.vehicle], fleet.powertrain[legs.vehicle]
    moved = driven.driven_km[rows] - driven.driven_km[np.maximum(rows - 1, 0)]
    cold = 1 + 0.006 * np.maximum(15 - ambient_c, 0)
    thirst = 0.86 + 0.34 * (speed / 110) ** 2 + 0.5 / (1 + (speed / 25) ** 2)
    litres = moved * thirst * (_LITRES_KM[model] * _HYBRID[powertrain] * cold)[leg]
    litres += (_IDLE_L_H[powertrain] * cadence_s / 3600)[leg]
    litres[driven.step[rows] == 0] = 0
    return np.asarray(litres)
