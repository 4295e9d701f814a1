"""Freeze frames: what the vehicle's own message said at the moment a code was set."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.failures.signs import Signs
from simulator.messages import slow_signals
from simulator.told import Lived

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Field of a ``fault`` message -> column of telemetry, its scale, and powertrains that have it.
_READ: dict[str, tuple[str, float, tuple[int, ...]]] = {
    "freezeSpeed": ("speed", 10, (0, 1, 2, 3)),
    "freezeOdometer": ("odometer", 1000, (0, 1, 2, 3)),
    "freezeCoolantTemperature": ("coolant", 10, (0, 1, 2)),
    "freezeAmbientTemperature": ("ambient", 10, (0, 1, 2, 3)),
    "freezeStateOfCharge": ("soc", 10, (2, 3)),
    "freezeLowVoltage": ("low_voltage", 100, (0, 1, 2, 3)),
}
FREEZE = (*_READ, "freezeEngineSpeed")

_IDLE_RPM, _RPM_PER_KMH, _TOP_RPM = 780.0, 24.0, 4200.0
_ELECTRIC_BELOW_KMH = 45.0  # a hybrid's engine rests below


def freeze_frames(lived: Lived, signs: Signs, vehicle: Ints, at_ms: Ints, wanted: NDArray[np.bool_]) -> pl.DataFrame:
    """Returns the freeze frames of moments at which vehicles sent a message with all their signals.

    Args:
        lived: the day.
        signs: the condition of the vehicles.
        vehicle: index into the fleet, shape (n,).
        at_ms: moments; the vehicle must have been driving where one is wanted.
        wanted: which moments to look at; the others have a frame of nulls.

    Returns:
        One row per moment, columns ``FREEZE``.
    """
    rows = np.flatnonzero(wanted)
    legs, driven = lived.legs, lived.driven
    at = vehicle[rows] * (1 << 42) + at_ms[rows]
    leg = np.searchsorted(legs.vehicle * (1 << 42) + legs.start_ms, at, side="right") - 1
    sample = driven.first[leg] + (at_ms[rows] - legs.start_ms[leg]) // (lived.cadence_s * 1000)
    said = slow_signals(
        lived.fleet, legs, driven, lived.used, lived.start, lived.outside_c, lived.cadence_s, signs, sample
    )
    said |= {"speed": driven.speed_kmh[sample] * 10, "odometer": _odometer_m(lived, leg, sample)}
    powertrain = lived.fleet.powertrain[vehicle[rows]]
    columns = {}
    for name, (column, scale, fitted) in _READ.items():
        values = np.full(len(vehicle), np.nan)
        values[rows] = np.where(np.isin(powertrain, fitted), np.round(said[column]) / scale, np.nan)
        columns[name] = values
    columns["freezeEngineSpeed"] = np.full(len(vehicle), np.nan)
    columns["freezeEngineSpeed"][rows] = _engine_rpm(powertrain, driven.speed_kmh[sample])
    return pl.DataFrame(columns).fill_nan(None)


def _odometer_m(lived: Lived, leg: Ints, sample: Ints) -> Floats:
    return np.floor((lived.start.odometer_km[leg] + lived.driven.driven_km[sample]) * 1000 + 1e-6)


def _engine_rpm(powertrain: NDArray[np.int8], speed_kmh: Floats) -> Floats:
    turning = np.minimum(_IDLE_RPM + _RPM_PER_KMH * speed_kmh, _TOP_RPM)
    rests = (powertrain > 0) & (speed_kmh < _ELECTRIC_BELOW_KMH)
    return np.where(powertrain == 3, np.nan, np.round(np.where(rests, 0, turning)))
