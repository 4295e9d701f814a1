"""What Dash's component classes do not say themselves about markup."""

from __future__ import annotations

from typing import Any


def attrs(named: dict[str, Any]) -> dict[str, Any]:
    """Attributes whose names are no names in Python, as ``aria-label`` and ``data-page``, for a component's call."""
    return named
