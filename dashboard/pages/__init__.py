"""The pages, in the order of the navigation. A page is a declaration of cards and has no function of its own."""

from dashboard.page import Page
from dashboard.pages import charging, overview, usage

PAGES: tuple[Page, ...] = (overview.PAGE, usage.PAGE, charging.PAGE)

__all__ = ["PAGES", "charging", "overview", "usage"]
