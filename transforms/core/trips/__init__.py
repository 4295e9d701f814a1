"""``core.trips``: from a vehicle's rest to its next long rest, and what it did. ``docs/core.md`` has the rules."""

from __future__ import annotations

from transforms.core.trips.rules import TripRules
from transforms.core.trips.table import trip_doubts, trips

__all__ = ["TripRules", "trip_doubts", "trips"]
