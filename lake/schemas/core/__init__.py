"""Core tables: deduplicated, with one meaning. ``docs/core.md`` explains the rules behind them."""

from __future__ import annotations

from lake.schemas.core.charging import BatteryHealth, ChargingSessions, PlugIns
from lake.schemas.core.doubts import DOUBT_KINDS, DOUBTED_PARTS, QUANTITIES, Doubts
from lake.schemas.core.episodes import (
    AutomationSegments,
    CommandOutcomes,
    FaultEpisodes,
    ServiceSessions,
    SoftwareInstalls,
    WorkshopVisits,
)
from lake.schemas.core.fleet import (
    Activity,
    Arrivals,
    ImplausibleValues,
    Latest,
    SubscriptionDays,
    VehicleConditions,
    VehicleDays,
    Vehicles,
)
from lake.schemas.core.trips import DISTANCE_METHODS, SPEED_BANDS_KMH, Trips, speed_band

__all__ = [
    "DISTANCE_METHODS",
    "DOUBTED_PARTS",
    "DOUBT_KINDS",
    "QUANTITIES",
    "SPEED_BANDS_KMH",
    "Activity",
    "Arrivals",
    "AutomationSegments",
    "BatteryHealth",
    "ChargingSessions",
    "CommandOutcomes",
    "Doubts",
    "FaultEpisodes",
    "ImplausibleValues",
    "Latest",
    "PlugIns",
    "ServiceSessions",
    "SoftwareInstalls",
    "SubscriptionDays",
    "Trips",
    "VehicleConditions",
    "VehicleDays",
    "Vehicles",
    "WorkshopVisits",
    "speed_band",
]
