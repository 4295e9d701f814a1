"""Usage: how much, how far, how long, how fast and how sparingly the fleet drives, day by day and by segment."""

from dashboard.cards.by_class import ByClass
from dashboard.cards.by_day import ByDay, DaysOf
from dashboard.cards.by_group import ByGroup
from dashboard.cards.heat import Heat
from dashboard.cards.panels import Panels
from dashboard.page import Page, Row
from dashboard.view.texts import Text

ACTIVES = ("daily_active_vehicles", "weekly_active_vehicles", "monthly_active_vehicles")
DAILY = ("distance", "trips", "driving_time", "trip_length", "mean_speed", "idle_ratio", "unlogged_distance")
STATES = ("active_share", "stationary_share", "silent_share")
MORE = ("energy_gross", "fuel_consumption", "standby_drain", "harsh_events")

PAGE = Page(
    "usage",
    Text.USAGE,
    (
        Row(
            DaysOf("actives", Text.ACTIVE_VEHICLES, ACTIVES, Text.WITHIN_DAYS),
            *(ByDay(metric) for metric in (*DAILY, *MORE)),
            columns=4,
        ),
        Row(
            DaysOf(
                "activity", Text.FLEET_BY_ACTIVITY, STATES, Text.VEHICLES_PER_DAY, stacked=True,
                size="monthly_active_vehicles",
            ),
            Heat("trips_by_hour", "local_hour", "local_weekday", Text.TRIPS_BY_HOUR),
            ByClass("energy_at_temperature", "ambient_temperature", Text.BY_TEMPERATURE),
            ByGroup("monthly_active_vehicles", "distance_per_active_day", "trip_length", "mean_speed", "idle_ratio"),
        ),
        Panels("distance_per_active_day", "monthly_active_vehicles"),
    ),
)  # fmt: skip
