"""What tells one vehicle from another where energy is concerned: its battery's ageing, its owner's plug and habits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Fleet
from simulator.lineup import MODELS
from simulator.streams import Purpose, stream

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BAD_PACKS = 0.02  # share of traction batteries that fade three to five times as fast
WORST_PACK = 0.55  # of the capacity as new; no battery falls below

_SILENT_CHARGERS = np.array([model.name == "Brizane" for model in MODELS])  # say nothing while they charge,
_OLD_UNITS = 2022  # nor do vehicles up to this model year
_NO_OWN_METER = 0.4  # share of plugs at home that report nothing, so that the vehicle's signals are all there is


@dataclass(frozen=True)
class Traits:
    """One array element per vehicle; meaningless where there is no traction battery to plug in.

    Attributes:
        year_fade: share of the capacity lost in the first year, with its square root after that.
        cycle_fade: share lost per full cycle.
        standby_pct_h: loss while parked, percent of the capacity per hour.
        home_plug: can charge at home.
        home_meter: the plug at home reports charging events.
        work_plug: can charge at work.
        late_tariff: charges at home from late evening on.
        signals: the vehicle reports charging in its telemetry; one that does not, reports events everywhere.
        direct_kw: most that it takes at a fast charger.
        alternating_kw: most that its own charger takes.
    """

    year_fade: Floats
    cycle_fade: Floats
    standby_pct_h: Floats
    home_plug: Bools
    home_meter: Bools
    work_plug: Bools
    late_tariff: Bools
    signals: Bools
    direct_kw: Floats
    alternating_kw: Floats

    def capacity_kwh(self, fleet: Fleet, day: date, used_kwh: Floats) -> Floats:
        """Returns the usable capacity of a day: it falls with the root of age, and with use.

        Args:
            fleet: the vehicles.
            day: UTC day.
            used_kwh: energy that has come out of each battery since built.
        """
        years = np.maximum(day.toordinal() - fleet.delivered, 0) / 365.25
        cycles = used_kwh / np.maximum(fleet.battery_kwh, 1e-9)
        left = 1 - self.year_fade * np.sqrt(years) - self.cycle_fade * cycles
        return np.asarray(fleet.battery_kwh * np.maximum(left, WORST_PACK))


def make_traits(seed: int, partition: int, fleet: Fleet) -> Traits:
    """Draws the traits of the vehicles of a partition."""
    rng, n = stream(seed, Purpose.TRAITS, partition), len(fleet)
    bad = np.where(rng.random(n) < BAD_PACKS, rng.uniform(3, 5, n), 1.0)
    hybrid = fleet.tank_l > 0
    silent = _SILENT_CHARGERS[fleet.model] | (fleet.model_year <= _OLD_UNITS)
    return Traits(
        year_fade=rng.normal(0.022, 0.004, n).clip(0.01, 0.035) * bad,
        cycle_fade=rng.normal(7e-5, 1.5e-5, n).clip(3e-5, 12e-5) * bad,
        standby_pct_h=rng.gamma(4.0, 0.006, n) + 0.08 * (rng.random(n) < 0.05),
        home_plug=rng.random(n) < np.where(hybrid, 0.8, 0.72),
        home_meter=(rng.random(n) >= _NO_OWN_METER) | silent,
        work_plug=rng.random(n) < 0.3,
        late_tariff=rng.random(n) < 0.3,
        signals=~silent,
        direct_kw=np.where(hybrid, 0.0, np.clip(fleet.battery_kwh * 1.9, 50, 160)),
        alternating_kw=np.where(hybrid, 3.6, np.where(fleet.battery_kwh < 30, 7.2, 11.0)),
    )
