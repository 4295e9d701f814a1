"""Usage: how much, how far, how long, how fast and how sparingly the fleet drives, day by day and by segment."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.heat import Heat
from dashboard.cards.panels import Panels
from dashboard.page import Page, Row

ACTIVES = ("daily_active_vehicles", "weekly_active_vehicles", "monthly_active_vehicles")
DAILY = ("distance", "trips", "driving_time", "trip_length", "mean_speed", "idle_ratio", "unlogged_distance")
STATES = ("active_share", "stationary_share", "silent_share")
MORE = ("energy_gross", "fuel_consumption", "standby_drain", "harsh_events")

PAGE = Page(
    "usage",
    "Usage",
    (
        Row(
            DaysOf("actives", "Active vehicles", ACTIVES, "within 1, 7 and 28 d"),
            *(ByDay(metric) for metric in (*DAILY, *MORE)),
            columns=4,
        ),
        Row(
            DaysOf(
                "activity", "Fleet by activity", STATES, "share of vehicles per day", stacked=True,
                size="monthly_active_vehicles",
            ),
            Heat("trips_by_hour", "local_hour", "local_weekday", "Trips by local hour and weekday"),
            ByClass("energy_at_temperature", "ambient_temperature", "Consumption against outside temperature"),
            ByGroup("monthly_active_vehicles", "distance_per_active_day", "trip_length", "mean_speed", "idle_ratio"),
        ),
        Panels("distance_per_active_day", "monthly_active_vehicles"),
    ),
)  # fmt: skip
