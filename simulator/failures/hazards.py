"""How often things go wrong: rates by model, age, climate, mileage and software version."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator.failures.causes import (
    CAUSES,
    COOLANT,
    FITTED,
    LV_BATTERY,
    MODEL_FACTOR,
    NAMES,
    TRACTION,
    WHEEL_SPEED,
    Regression,
)
from simulator.fleet import Fleet
from simulator.world import CITIES

Floats = NDArray[np.float64]

_PER_DAY = np.array([cause.per_year for cause in CAUSES]) / 365.25
_MEAN_C = np.array([city.mean_c for city in CITIES])
_COLDEST_C = np.array([city.mean_c - city.swing_c for city in CITIES])
#: Heat corrodes the plates of a lead battery, cold finds the weak ones.
_LV_CLIMATE = 1 + 0.14 * np.maximum(_MEAN_C - 17, 0) + 0.07 * np.maximum(2 - _COLDEST_C, 0)
_HEAT = 1 + 0.08 * np.maximum(_MEAN_C - 17, 0)
_REFERENCE_YEARS = 2.0
_REFERENCE_KM = 30_000.0
_REFERENCE_FADE = 0.06  # a battery that has faded that much has weak cells twice as often as a new one


def per_day(
    fleet: Fleet,
    day: date,
    odometer_km: Floats,
    faded: Floats,
    software: NDArray[np.str_] | None = None,
    regressions: tuple[Regression, ...] = (),
) -> Floats:
    """Returns how many failures of each cause begin per vehicle and day, shape (vehicles, causes).

    A vehicle not delivered before ``day``, or without the part, has none.

    Args:
        fleet: the vehicles.
        day: UTC day.
        odometer_km: when the day begins.
        faded: share of its capacity that each traction battery has lost.
        software: version of each vehicle, if known.
        regressions: versions that raise the incidence of a cause.
    """
    years = np.maximum(day.toordinal() - fleet.delivered, 0) / 365.25
    rate = _PER_DAY * MODEL_FACTOR[fleet.model] * FITTED[fleet.powertrain]
    ageing = np.clip(years / _REFERENCE_YEARS, 0.1, 3.0)
    rate[:, LV_BATTERY] *= ageing**1.5 * _LV_CLIMATE[fleet.city]
    rate[:, TRACTION] *= ageing * _HEAT[fleet.city] * (1 + (faded / _REFERENCE_FADE) ** 2)
    mileage = np.clip(odometer_km / _REFERENCE_KM, 0.1, 4.0)
    rate[:, COOLANT] *= mileage**0.8 * _HEAT[fleet.city]
    rate[:, WHEEL_SPEED] *= mileage**0.5
    for regression in regressions:
        if software is not None:
            rate[:, NAMES.index(regression.cause)] *= np.where(software == regression.version, regression.factor, 1.0)
    rate[fleet.delivered >= day.toordinal()] = 0
    return rate
