"""Vehicle: the life of one, on one time axis."""

from dashboard.cards.vehicle import About, Capacity, Signals, Timeline
from dashboard.page import Page

PAGE = Page("vehicle", "Vehicle", (About(), Timeline(), Signals(), Capacity()))
