"""Raw tables: what the feeds sent, append-only, resends included.

A raw schema says types and what must be there. It has no rule on plausibility: a strange value is evidence.
"""

from __future__ import annotations

from lake.schemas.raw.events import (
    AutomationEvents,
    ChargingEvents,
    Commands,
    Faults,
    ServiceEvents,
    SoftwareEvents,
    WorkshopVisits,
)
from lake.schemas.raw.registries import Consents, Subscriptions, Vehicles
from lake.schemas.raw.rows import RawRow
from lake.schemas.raw.telemetry import Telemetry

__all__ = [
    "AutomationEvents",
    "ChargingEvents",
    "Commands",
    "Consents",
    "Faults",
    "RawRow",
    "ServiceEvents",
    "SoftwareEvents",
    "Subscriptions",
    "Telemetry",
    "Vehicles",
    "WorkshopVisits",
]
