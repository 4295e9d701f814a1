"""What ailing parts do to the signals, and what a vehicle says about its own condition.

Severity grows from 0 at the first sign to 1 when the code is due, and beyond while nobody repairs the part. All of it
depends on the vehicle and the instant alone, so a message says the same however it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.failures.ailments import Ailments
from simulator.failures.causes import (
    AMBIENT,
    CODE_INDEX,
    CODE_OF,
    CODES,
    COOLANT,
    LV_BATTERY,
    NAMES,
    TRACTION,
    TYRE_LEAK,
    TYRE_SENSOR,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PADS_WORN_PCT = 92.0  # wear at which the code is set

_WORST = 1.4  # severity at which parts get no worse
_REST_V = 0.95  # what the 12 V battery has lost at rest at severity 1
_CRANK_V = 1.9  # by how much more it dips when the engine is cranked
_FLAT_V = 8.2
_TYRE_LOST = 0.27  # share of the pressure lost at severity 1
_COOLANT_C = 30.0  # warmer at full load
_CELLS_C = 17.0  # warmer at full load: a weak cell has a high resistance
_NOISE_C = 9.0
_NOISE_KPA = 30.0

_LAMP = np.array([code.lamp for code in CODES])
_VEHICLE = np.int64(1) << 42


@dataclass(frozen=True)
class Signs:
    """The condition of a partition's vehicles over a day.

    Attributes:
        ails: behind the day; failures that ended on it are still in there.
        codes: codes set, behind the day, shape (vehicles,).
        lamps: those that light the lamp, shape (vehicles,).
        key: vehicle and time of each change of a code on the day, sorted.
        total: codes and lamps set less cleared by the changes before each, shape (changes + 1, 2).
        ends: index behind the last change of each vehicle, shape (vehicles,).
    """

    ails: Ailments
    codes: Ints
    lamps: Ints
    key: Ints
    total: Ints
    ends: Ints

    @staticmethod
    def of(ails: Ailments, faults: pl.DataFrame | None = None) -> Signs:
        """Returns the signs of a state behind a day, and of the day's ``fault`` messages."""
        vehicles = len(ails.pads_km)
        causes = np.arange(ails.on.shape[1])
        lamp = _LAMP[CODE_OF[causes, np.clip(ails.mode, 0, CODE_OF.shape[1] - 1)]]
        vehicle, at_ms, change, lit = _changes(faults)
        order = np.lexsort((at_ms, vehicle))
        vehicle, at_ms, change, lit = vehicle[order], at_ms[order], change[order], lit[order]
        steps = np.stack([change, change * lit], axis=1)
        total = np.concatenate([np.zeros((1, 2), dtype=np.int64), np.cumsum(steps, axis=0)])
        ends = np.searchsorted(vehicle, np.arange(vehicles), side="right")
        return Signs(ails, ails.on.sum(axis=1), (ails.on & lamp).sum(axis=1), vehicle * _VEHICLE + at_ms, total, ends)

    def _severity(self, cause: int, vehicle: Ints, at_ms: Ints) -> tuple[Ints, Ints, Floats]:
        """Returns which elements have the failure, their vehicles, and how severe it is."""
        ails = self.ails
        rows = np.flatnonzero((ails.began_ms[:, cause] > 0)[vehicle])
        of, at = vehicle[rows], at_ms[rows]
        began, ended = ails.began_ms[of, cause], ails.ended_ms[of, cause]
        grown = np.clip((at - began) / np.maximum(ails.takes_ms[of, cause], 1), 0, _WORST)
        return rows, of, np.where((ended > 0) & (at >= ended), 0.0, grown)

    def lose_voltage(self, volts: Floats, vehicle: Ints, at_ms: Ints, *, cranking: NDArray[np.bool_] | None) -> None:
        """Takes from the voltage of the 12 V battery at rest, in place; while ``cranking`` it takes more."""
        rows, _, severity = self._severity(LV_BATTERY, vehicle, at_ms)
        lost = severity**1.4 * _REST_V
        if cranking is not None:
            lost = lost + np.where(cranking[rows], severity * _CRANK_V, 0)
        volts[rows] = np.maximum(volts[rows] - lost, _FLAT_V)

    def lose_pressure(self, kpa: Floats, vehicle: Ints, at_ms: Ints) -> None:
        """Takes from tyre pressures what leaks, and lets broken sensors tell what they like; in place, shape (n, 4)."""
        rows, of, severity = self._severity(TYRE_LEAK, vehicle, at_ms)
        kpa[rows, self.ails.mode[of, TYRE_LEAK]] *= 1 - _TYRE_LOST * severity
        rows, of, severity = self._severity(TYRE_SENSOR, vehicle, at_ms)
        wheel = self.ails.mode[of, TYRE_SENSOR]
        noisy = kpa[rows, wheel] + _noise(of, at_ms[rows]) * _NOISE_KPA * severity
        kpa[rows, wheel] = self._told(TYRE_SENSOR, of, severity, noisy, kpa[rows, wheel])

    def disturb_ambient(self, outside_c: Floats, vehicle: Ints, at_ms: Ints) -> None:
        """Puts what a broken sensor tells in the place of the outside temperature, in place."""
        rows, of, severity = self._severity(AMBIENT, vehicle, at_ms)
        noisy = outside_c[rows] + _noise(of, at_ms[rows]) * _NOISE_C * severity
        outside_c[rows] = self._told(AMBIENT, of, severity, noisy, outside_c[rows])

    def _told(self, cause: int, vehicle: Ints, severity: Floats, noisy: Floats, true: Floats) -> Floats:
        held = self.ails.held[vehicle, cause]
        return np.where(severity > 0, np.where(np.isnan(held), noisy, held), true)

    def heat_coolant(self, coolant_c: Floats, vehicle: Ints, at_ms: Ints, load: Floats) -> None:
        """Adds what a weak coolant pump leaves in the engine at a load from 0 to 1, in place."""
        rows, _, severity = self._severity(COOLANT, vehicle, at_ms)
        coolant_c[rows] += severity * (0.25 + 0.75 * load[rows]) * _COOLANT_C

    def heat_cells(self, battery_c: Floats, vehicle: Ints, at_ms: Ints, load: Floats) -> None:
        """Adds what weak cells heat the traction battery by at a load from 0 to 1, in place."""
        rows, _, severity = self._severity(TRACTION, vehicle, at_ms)
        battery_c[rows] += severity * (0.2 + 0.8 * load[rows]) * _CELLS_C

    def upkeep(self, vehicle: Ints, at_ms: Ints, odometer_km: Floats) -> dict[str, Floats]:
        """Returns what vehicles say about themselves: lamp, number of codes, brake pads, distance to service.

        Returns:
            ``mil`` 0 or 1, ``dtc_count``, ``pad_wear`` in percent, ``service_distance`` in km.
        """
        at = np.searchsorted(self.key, vehicle * _VEHICLE + at_ms, side="right") if len(self.key) else 0
        still = self.total[self.ends[vehicle]] - self.total[at]
        before = at_ms < self.ails.visit_ended_ms[vehicle]
        pads = np.where(before, self.ails.pads_were_km[vehicle], self.ails.pads_km[vehicle])
        service = np.where(before, self.ails.service_was_km[vehicle], self.ails.service_km[vehicle])
        return {
            "mil": np.asarray(self.lamps[vehicle] - still[..., 1] > 0, dtype=np.float64),
            "dtc_count": np.asarray(self.codes[vehicle] - still[..., 0], dtype=np.float64),
            "pad_wear": np.clip((odometer_km - pads) / self.ails.pads_life_km[vehicle] * 100, 0, 100),
            "service_distance": service - odometer_km,
        }


def _changes(faults: pl.DataFrame | None) -> tuple[Ints, Ints, Ints, Ints]:
    if faults is None or not faults.height:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none, none
    lamps = [int(_LAMP[CODE_INDEX[code]]) for code in faults["code"]]
    change = np.where(faults["status"].to_numpy() == "set", 1, -1)
    return faults["vehicle"].to_numpy(), faults["event_ms"].to_numpy(), change, np.array(lamps)


def _noise(vehicle: Ints, at_ms: Ints) -> Floats:
    """Returns noise from -1 to 1 that depends on vehicle and instant alone (finalizer of SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = vehicle.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + at_ms.astype(np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed / np.float64(2**63) - 1, dtype=np.float64)


def healthy(vehicles: int) -> Signs:
    """Returns the signs of vehicles that nothing ails, with pads that last for ever."""
    ails = Ailments.none(vehicles, len(NAMES))
    ails.pads_life_km[:] = np.inf
    ails.service_km[:] = 20_000.0
    return Signs.of(ails)
