"""``core.charging_sessions``, and made of them ``plug_ins`` and ``battery_health``. ``docs/core.md`` has the rules."""

from __future__ import annotations

from transforms.core.charging.battery_health import HealthRules, battery_health
from transforms.core.charging.plug_ins import plug_ins
from transforms.core.charging.rules import ChargingRules
from transforms.core.charging.sessions import charging_sessions

__all__ = ["ChargingRules", "HealthRules", "battery_health", "charging_sessions", "plug_ins"]
