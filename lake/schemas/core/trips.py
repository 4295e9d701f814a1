"""``core.trips``."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import dataframely as dy

from lake.schemas.core.columns import amount, count, day, share_pct
from lake.schemas.raw.rows import instant, one_of, vehicle_id

DISTANCE_METHODS = ("odometer", "speed", "position")
ENERGY_METHODS = ("counter", "power", "current")
FUEL_METHODS = ("counter", "level")

#: Lower limits of the classes of the road-speed histogram, km/h. The last class has no upper limit.
SPEED_BANDS_KMH = (0, 30, 50, 70, 90, 110, 130)


def speed_band(low: int) -> str:
    """Column of the time driven in a class of the road-speed histogram, named by its lower limit."""
    return f"speed_from_{low}_s"


def _bands() -> dict[str, Any]:
    limits = [*(f"{low} to under {high}" for low, high in pairwise(SPEED_BANDS_KMH)), f"{SPEED_BANDS_KMH[-1]} or more"]
    return {
        speed_band(low): amount(f"Time in motion at {words} km/h.")
        for low, words in zip(SPEED_BANDS_KMH, limits, strict=True)
    }


class _Trips(dy.Schema):
    date = day("UTC day on which the trip starts")
    vehicle_id = vehicle_id(primary_key=True)
    started_at = instant("Start of the trip.", primary_key=True)
    ended_at = instant("End of the trip.")
    duration_s = amount("ended_at minus started_at.")
    distance_km = amount("Distance by the method named in distance_method.")
    distance_method = one_of(DISTANCE_METHODS, "How the distance was found.")
    distance_odometer_km = amount("Odometer at the end minus odometer at the start.", nullable=True)
    distance_speed_km = amount("Speed integrated by the trapezoid rule over true time steps.", nullable=True)
    distance_position_km = amount("Great circles between positions, sphere of 6,371 km.", nullable=True)
    doubted = dy.Bool(nullable=False, description="Something that was sent of this trip was not believed: core.doubts.")
    interpolated_km = amount("Part of distance_speed_km that lies in holes longer than the hole parameter.")
    driving_s = amount("Time in motion.")
    idle_s = amount("Time at rest within the trip.")
    max_speed_kmh = amount("Highest speed, forward or reverse.", nullable=True)
    mean_speed_kmh = amount("distance_km over driving_s.", nullable=True)
    energy_used_kwh = amount("Energy out of the traction battery.", nullable=True)
    energy_regenerated_kwh = amount("Energy back into the traction battery while driving.", nullable=True)
    energy_method = one_of(ENERGY_METHODS, "How energy_used_kwh was found.", nullable=True)
    fuel_used_l = amount("Fuel used.", nullable=True)
    fuel_method = one_of(FUEL_METHODS, "How fuel_used_l was found.", nullable=True)
    soc_start_pct = share_pct("State of charge at the start.")
    soc_end_pct = share_pct("State of charge at the end.")
    refuels = count("Times fuel was added since the end of the previous trip (half a day back at most) or within it.")
    refuelled_pct = amount("Fuel added, share of the tank.")
    harsh_accelerations = count("Accelerations past the limit.")
    harsh_brakings = count("Decelerations past the limit.")
    harsh_cornerings = count("Lateral accelerations past the limit.")
    start_latitude_deg = dy.Float64(nullable=True, min=-90, max=90, description="Start, rounded to 0.01 degrees.")
    start_longitude_deg = dy.Float64(nullable=True, min=-180, max=180, description="Start, rounded to 0.01 degrees.")
    end_latitude_deg = dy.Float64(nullable=True, min=-90, max=90, description="End, rounded to 0.01 degrees.")
    end_longitude_deg = dy.Float64(nullable=True, min=-180, max=180, description="End, rounded to 0.01 degrees.")
    ambient_temperature_c = dy.Float64(nullable=True, description="Outside air, mean of the readings within the trip.")
    coolant_temperature_max_c = dy.Float64(nullable=True, description="Engine coolant, highest reading.")
    battery_temperature_max_c = dy.Float64(nullable=True, description="Traction battery, highest reading.")
    messages = count("Messages within the trip.", least=1)


Trips: type[dy.Schema] = type(
    "Trips",
    (_Trips,),
    _bands()
    | {
        "__doc__": "One trip: from the last sample at rest before motion to the first at rest after it.",
        "__module__": __name__,
    },
)
