"""On what terms connected services are sold, and how much they are wanted where. Data only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.lineup import MODELS

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Offer:
    """A connected service.

    Attributes:
        name: code of the service.
        trial_days: free time after activation; 0 if the service is included in the price of the vehicle.
        annual: share of the paying customers who pay by the year; the others pay every 30 days.
        consents: share of eligible customers who ever consent.
        activates: share of these who ever set it up.
        habit: share of these for whom it becomes a habit.
        pays: share of habitual users who pay after the trial.
        leaves: share of habitual users who do not renew a paid period of 30 days; a year counts as three of them.
        daily: uses per day when it is new, off the road.
        per_trip: uses per trip when it is new.
        features: what of it is used.
    """

    name: str
    trial_days: int
    annual: float
    consents: float
    activates: float
    habit: float
    pays: float
    leaves: float
    daily: float
    per_trip: float
    features: tuple[str, ...]


OFFERS: tuple[Offer, ...] = (
    Offer("navigation", 45, 0.7, 0.88, 0.86, 0.55, 0.74, 0.03, 0, 0.75, ("route", "search", "traffic")),
    Offer("remote_control", 60, 0.6, 0.84, 0.84, 0.62, 0.80, 0.02, 0, 0, ("command",)),
    Offer("vehicle_finder", 0, 0, 0.80, 0.66, 0.35, 0, 0, 0, 0, ("locate",)),
    Offer("remote_diagnostics", 0, 0, 0.76, 0.80, 0.50, 0, 0, 0.45, 0, ("health_report", "warning_lamp")),
    Offer("predictive_maintenance", 0, 0, 0.68, 0.74, 0.45, 0, 0, 0.32, 0, ("report", "appointment")),
    Offer("productivity", 30, 0.2, 0.58, 0.62, 0.34, 0.62, 0.06, 0, 0.45, ("mail", "calendar", "call")),
    Offer("media", 30, 0.25, 0.82, 0.84, 0.66, 0.72, 0.04, 0, 0.95, ("radio", "music", "podcast", "video")),
    Offer("social", 30, 0.1, 0.46, 0.62, 0.30, 0.50, 0.08, 0, 0.42, ("message", "share", "group")),
    Offer("charging", 0, 0, 0.90, 0.90, 0.72, 0, 0, 1.0, 0, ("find_station", "plan", "pay")),
    Offer("automated_driving", 20, 0.3, 0.86, 0.78, 0.64, 0.66, 0.04, 0, 1, ("lane", "distance")),
)
SERVICES = tuple(offer.name for offer in OFFERS)
INDEX = {name: k for k, name in enumerate(SERVICES)}

#: How readily customers of a market consent, relative.
CONSENT_BY_MARKET = {
    "CN": 1.08, "JP": 0.92, "FR": 0.93, "DE": 0.78, "ES": 1.0, "GB": 0.96, "BR": 1.06, "IN": 1.08, "MX": 1.04,
    "US": 1.02, "MA": 0.97, "TR": 1.0,
}  # fmt: skip

#: How much more a service is used in a market, and how much more often it becomes a habit.
APPETITE = {
    ("CN", "social"): 2.6, ("CN", "media"): 1.7, ("CN", "remote_control"): 1.3, ("CN", "productivity"): 1.4,
    ("JP", "navigation"): 1.35, ("JP", "social"): 0.6, ("DE", "navigation"): 1.2, ("DE", "social"): 0.5,
    ("FR", "social"): 0.75, ("US", "media"): 1.35, ("US", "remote_control"): 1.35, ("BR", "social"): 1.4,
    ("BR", "vehicle_finder"): 1.9, ("MX", "vehicle_finder"): 1.7, ("IN", "media"): 1.3, ("IN", "navigation"): 1.15,
}  # fmt: skip

#: In this market payments fail from a day of the simulation on: trials that end from then on just expire.
UNPAID_MARKET, UNPAID_FROM_DAY = "ES", 21

_OLD_HARDWARE = 2022  # vehicles of earlier model years have a slow unit, and their customers care less


def flags(services: list[str]) -> Flags:
    """Returns which services vehicles have, shape (n, services), from the comma-separated texts of the registry."""
    listed = [set(text.split(",")) for text in services]
    return np.array([[name in names for name in SERVICES] for names in listed], dtype=np.bool_).reshape(-1, len(OFFERS))


def appetite(markets: list[str], models: NDArray[np.int16], model_years: NDArray[np.int16]) -> Floats:
    """Returns how much customers want each service, relative, shape (n, services)."""
    table = {m: [APPETITE.get((m, s), 1.0) for s in SERVICES] for m in set(markets)}
    wanted = np.array([table[m] for m in markets], dtype=np.float64).reshape(-1, len(OFFERS))
    level = np.array([m.automation_level for m in MODELS])[models]
    by_car = np.array([0.85, 0.95, 1.05, 1.25])[level] * np.where(model_years < _OLD_HARDWARE, 0.72, 1.0)
    return np.asarray(wanted * by_car[:, None])


def willingness(markets: list[str]) -> Floats:
    """Returns how readily the customers of vehicles consent, relative, shape (n,)."""
    return np.array([CONSENT_BY_MARKET[m] for m in markets], dtype=np.float64)


def column(attribute: str) -> Floats:
    """Returns a number of every offer, shape (services,)."""
    return np.array([getattr(offer, attribute) for offer in OFFERS], dtype=np.float64)
