"""Vehicle: the life of one, on one time axis."""

from dashboard.cards.vehicle import About, Capacity, Signals, Timeline
from dashboard.page import Page
from dashboard.view.texts import Text

PAGE = Page("vehicle", Text.VEHICLE, (About(), Timeline(), Signals(), Capacity()))
