"""What the alliance sells: invented models, their powertrains, and which market buys which. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Model:
    """A model of the line-up.

    Attributes:
        name: as the registry states it.
        code: two characters of the VIN.
        powertrains: share of each powertrain among its sales.
        automation_level: highest level of driving automation fitted, SAE J3016.
        since: first model year.
        litres_100km: fuel use at mixed driving without electric help; 0 for a model never sold with an engine.
        tank_l: fuel tank.
        kwh_100km: use of the electric versions at mixed driving.
        battery_kwh: usable energy of the BEV version; a PHEV has a fifth of a car this size, at least 9 kWh.
        tyre_kpa: placard pressure, cold.
    """

    name: str
    code: str
    powertrains: dict[str, float]
    automation_level: int
    since: int
    litres_100km: float
    tank_l: float
    kwh_100km: float
    battery_kwh: float
    tyre_kpa: float

    @property
    def launched_on(self) -> date:
        """First day of delivery: a model year begins in September of the year before."""
        return date(self.since - 1, 9, 1)


MODELS: tuple[Model, ...] = (
    Model("Tamarin", "TA", {"ICE": 1.0}, 0, 2019, 5.6, 38, 0, 0, 220),
    Model("Galerne", "GA", {"ICE": 0.5, "HEV": 0.5}, 1, 2020, 5.9, 45, 0, 0, 230),
    Model("Noroit", "NR", {"HEV": 0.55, "PHEV": 0.45}, 2, 2021, 6.4, 52, 18.5, 75, 240),
    Model("Belisse", "BE", {"ICE": 0.45, "HEV": 0.55}, 1, 2020, 6.1, 46, 0, 0, 230),
    Model("Kestra", "KE", {"BEV": 1.0}, 2, 2021, 0, 0, 14.8, 52, 250),
    Model("Lumora", "LU", {"BEV": 1.0}, 2, 2023, 0, 0, 17.2, 77, 260),
    Model("Valdor", "VA", {"HEV": 0.6, "PHEV": 0.4}, 2, 2022, 7.0, 58, 20.5, 90, 250),
    Model("Orinel", "RN", {"BEV": 1.0}, 3, 2024, 0, 0, 16.0, 87, 260),
    Model("Sarment", "SA", {"ICE": 1.0}, 0, 2018, 8.9, 80, 0, 0, 260),
    Model("Brizane", "BR", {"ICE": 0.7, "BEV": 0.3}, 1, 2020, 7.4, 60, 21.5, 45, 300),
    Model("Komori", "KM", {"ICE": 0.6, "BEV": 0.4}, 1, 2021, 4.9, 30, 12.4, 22, 230),
    Model("Astrolis", "AS", {"PHEV": 0.7, "HEV": 0.3}, 3, 2024, 7.2, 56, 20.0, 110, 260),
)

#: Relative sales of each model, in the order of ``MODELS``, by market; ``*`` is for every other market.
MODEL_WEIGHTS: dict[str, tuple[float, ...]] = {
    #     Tam Gal Nor Bel Kes Lum Val Ori Sar Bri Kom Ast
    "*": (10, 14, 10, 14, 10, 8, 6, 4, 3, 6, 0, 4),
    "CN": (2, 5, 10, 6, 14, 18, 8, 14, 0, 3, 0, 8),
    "JP": (4, 9, 10, 7, 7, 5, 3, 4, 0, 5, 32, 4),
    "BR": (24, 16, 5, 22, 3, 2, 2, 1, 17, 7, 0, 1),
    "IN": (34, 16, 4, 26, 4, 2, 2, 0, 4, 7, 0, 0),
    "MX": (22, 17, 5, 19, 3, 3, 4, 1, 18, 6, 0, 1),
    "US": (0, 8, 16, 8, 8, 14, 16, 7, 16, 0, 0, 7),
    "MA": (26, 18, 4, 20, 3, 2, 2, 0, 8, 16, 0, 1),
    "TR": (18, 24, 6, 22, 4, 3, 3, 1, 4, 13, 0, 1),
}

_BASIC = ("vehicle_finder", "remote_diagnostics")
_CONNECTED = ("navigation", "remote_control", "media")
_RICH = ("productivity", "social", "predictive_maintenance")
_ORDER = (
    "navigation", "remote_control", "vehicle_finder", "remote_diagnostics", "predictive_maintenance", "productivity",
    "media", "social", "charging", "automated_driving",
)  # fmt: skip
_CLOSED: dict[str, tuple[str, ...]] = {
    "MA": ("predictive_maintenance", "productivity", "social", "automated_driving"),
    "IN": ("productivity", "automated_driving"),
    "BR": ("automated_driving",),
    "TR": ("social",),
}


def services(model: Model, powertrain: str, trim: int, market: str) -> tuple[str, ...]:
    """Returns the connected services a vehicle is equipped for and its market offers, in a fixed order.

    Args:
        model: of the line-up.
        powertrain: code of the powertrain.
        trim: 0 to 2; the lowest has no navigation and nothing that needs a rich cockpit.
        market: ISO 3166-1 alpha-2 code.
    """
    level = model.automation_level
    equipped = set(_BASIC) | (set(_CONNECTED) if level >= 1 else set())
    equipped |= set(_RICH) if level >= 2 and trim > 0 else set()
    equipped |= {"charging"} if powertrain in ("BEV", "PHEV") else set()
    equipped |= {"automated_driving"} if level >= 3 or (level == 2 and trim == 2) else set()
    equipped -= {*_CLOSED.get(market, ()), *(("navigation",) if trim == 0 else ())}
    return tuple(name for name in _ORDER if name in equipped)
