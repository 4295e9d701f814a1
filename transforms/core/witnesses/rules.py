"""How far witnesses may differ before one of them is doubted."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import timedelta


@dataclass(frozen=True)
class WitnessRules:
    """Thresholds of doubt. Times in s, speeds in km/h, distances in km, energy in kWh, fuel in l.

    Attributes:
        look_s: what is said in one moment is compared with what is said this long before and behind.
        rest_s: the same for whether a vehicle stands.
        still_km: positions that stay within this are those of a vehicle at rest, and of a receiver that drifts.
        noise_kmh: a speed below this may be a receiver's noise; one above needs two witnesses of rest to be doubted.
        away_km: gain of the odometer, or distance between positions, in twice ``rest_s / 2`` that is a drive
            although speed says rest.
        jump_km: a position that is off by less is never an outlier.
        unsent_kmh: speed beyond which a position that goes there and comes back is an outlier, where speed is not sent.
        margin_kmh: a position is looked at where it is reached faster than by twice the speed that was sent at the ends
            of the step, and this.
        agree: share by which two distances, energies or amounts of fuel may differ and still agree.
        agree_km: and by how much in any case.
        agree_kwh: the same for energy.
        agree_l: the same for fuel.
        apart: share by which the last two witnesses may differ before the figure carries the doubt.
        apart_km: and by how much in any case.
        apart_kwh: the same for energy.
        apart_l: the same for fuel.
        least_kwh: usable capacity of the smallest traction battery: a fall of SoC used at least its share of this.
        scale: share by which a ratio may differ from that of two units and still be the one of them.
    """

    look_s: float = 300.0
    rest_s: float = 120.0
    still_km: float = 0.05
    noise_kmh: float = 5.0
    away_km: float = 0.2
    jump_km: float = 0.1
    unsent_kmh: float = 150.0
    margin_kmh: float = 30.0
    agree: float = 0.07
    agree_km: float = 0.1
    agree_kwh: float = 0.3
    agree_l: float = 0.5
    apart: float = 0.25
    apart_km: float = 0.3
    apart_kwh: float = 0.2
    apart_l: float = 2.0
    least_kwh: float = 5.0
    scale: float = 0.05

    def __post_init__(self) -> None:
        if min(astuple(self)) <= 0:
            raise ValueError("the thresholds of doubt are positive numbers")

    @property
    def context(self) -> timedelta:
        """How far before and behind a moment what is said matters to whether it is believed."""
        return timedelta(seconds=2 * self.look_s + 2 * self.rest_s)
