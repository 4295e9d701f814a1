"""``core.vehicle_days``: the spine of every rate per vehicle-day. ``docs/core.md`` has the rules."""

from __future__ import annotations

from transforms.core.vehicle_days.rules import DayRules
from transforms.core.vehicle_days.table import vehicle_days

__all__ = ["DayRules", "vehicle_days"]
