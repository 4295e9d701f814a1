"""The pages, in the order of the navigation. A page is a declaration of cards and has no function of its own."""

from dashboard.page import Page
from dashboard.pages import (
    adoption,
    automation,
    charging,
    glossary,
    health,
    markets,
    operations,
    overview,
    software,
    usage,
    vehicle,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    health.PAGE,
    adoption.PAGE,
    usage.PAGE,
    charging.PAGE,
    markets.PAGE,
    automation.PAGE,
    software.PAGE,
    vehicle.PAGE,
    operations.PAGE,
    glossary.PAGE,
)

__all__ = [
    "PAGES", "adoption", "automation", "charging", "glossary", "health", "markets", "operations", "overview",
    "software", "usage", "vehicle",
]  # fmt: skip
