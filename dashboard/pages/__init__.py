"""The pages, in the order of the navigation. A page is a declaration of cards and has no function of its own."""

from dashboard.page import Page
from dashboard.pages import overview, usage

PAGES: tuple[Page, ...] = (overview.PAGE, usage.PAGE)

__all__ = ["PAGES", "overview", "usage"]
