"""``core.automation_segments``: stretches driven with automation engaged. ``docs/core.md`` has the rules."""

from __future__ import annotations

from transforms.core.automation.rules import AutomationRules
from transforms.core.automation.segments import automation_segments

__all__ = ["AutomationRules", "automation_segments"]
