"""Core tables: deduplicated, with one meaning. ``docs/core.md`` explains the rules behind them."""

from __future__ import annotations

from typing import Any

import dataframely as dy

from lake.schemas.raw import POWERTRAINS, instant, signal_column, vehicle_id
from lake.signals import SIGNALS

DISTANCE_METHODS = ("odometer", "speed", "position")


def _distance(description: str, *, nullable: bool = False) -> dy.Float64:
    return dy.Float64(nullable=nullable, min=0, description=description)


class Trips(dy.Schema):
    """One trip: from the last sample at rest before the first motion to the first at rest after the last."""

    date = dy.Date(nullable=False, description="UTC day on which the trip starts; partition.")
    vehicle_id = vehicle_id(primary_key=True)
    started_at = instant("Start of the trip.", primary_key=True)
    ended_at = instant("End of the trip.")
    duration_s = dy.Float64(nullable=False, min=0, description="ended_at minus started_at.")
    distance_km = _distance("Distance by the method named in distance_method.")
    distance_method = dy.String(
        nullable=False, regex="^(" + "|".join(DISTANCE_METHODS) + ")$", description="odometer, speed or position."
    )
    distance_odometer_km = _distance("Odometer at the end minus odometer at the start.", nullable=True)
    distance_speed_km = _distance("Speed integrated by the trapezoid rule over true time steps.", nullable=True)
    distance_position_km = _distance("Great circles between positions, sphere of 6,371 km.", nullable=True)
    interpolated_km = _distance("Part of distance_speed_km that lies in holes longer than the hole parameter.")
    driving_s = dy.Float64(nullable=False, min=0, description="Time in motion.")
    idle_s = dy.Float64(nullable=False, min=0, description="Time at rest within the trip.")
    max_speed_kmh = dy.Float64(nullable=True, min=0, description="Highest speed, forward or reverse.")
    messages = dy.Int64(nullable=False, min=1, description="Messages within the trip.")


class VehicleDays(dy.Schema):
    """One vehicle on one day: the spine of every rate per vehicle-day."""

    date = dy.Date(nullable=False, primary_key=True, description="UTC day; partition.")
    vehicle_id = vehicle_id(primary_key=True)
    market = dy.String(nullable=True, description="Market as of the day, ISO 3166-1 alpha-2.")
    model = dy.String(nullable=True, description="Model.")
    model_year = dy.Int64(nullable=True, description="Model year.")
    powertrain = dy.String(
        nullable=True, regex="^(" + "|".join(POWERTRAINS) + ")$", description="ICE, HEV, PHEV, BEV or FCEV."
    )
    registered = dy.Bool(nullable=False, description="The registry knew the vehicle, delivered, on this day.")
    reported = dy.Bool(nullable=False, description="At least one message with a time on this day.")
    active = dy.Bool(nullable=False, description="At least one trip starts on this day.")
    trips = dy.Int64(nullable=False, min=0, description="Trips that start on this day.")
    distance_km = _distance("Distance of these trips.")
    driving_s = dy.Float64(nullable=False, min=0, description="Time in motion in these trips.")
    idle_s = dy.Float64(nullable=False, min=0, description="Time at rest within these trips.")
    odometer_gain_km = _distance("Last minus first odometer reading of the day.", nullable=True)
    messages = dy.Int64(nullable=False, min=0, description="Distinct messages with a time on this day.")
    duplicates = dy.Int64(nullable=False, min=0, description="Further copies of these messages, left out.")
    implausible = dy.Int64(
        nullable=False, min=0, description="Values outside their plausible range, taken as not sent."
    )
    first_event_at = instant("First message of the day.", nullable=True)
    last_event_at = instant("Last message of the day.", nullable=True)
    lag_sum_s = dy.Float64(nullable=False, description="Sum of received_at minus event_at over the messages.")
    lag_max_s = dy.Float64(nullable=True, description="Largest received_at minus event_at.")


def _latest_columns() -> dict[str, Any]:
    columns: dict[str, Any] = {
        "bucket": dy.Int32(
            nullable=False, min=0, description="Hash of vehicle_id modulo the lake's buckets; partition."
        ),
        "vehicle_id": vehicle_id(primary_key=True),
        "first_event_at": instant("Oldest message known."),
        "last_event_at": instant("Newest message known."),
    }
    for signal in SIGNALS:
        columns[signal.column] = signal_column(signal, bounded=True)
        columns[f"{signal.column}_at"] = instant(f"When {signal.column} was measured.", nullable=True)
    return columns


Latest: type[dy.Schema] = type(
    "Latest",
    (dy.Schema,),
    _latest_columns() | {"__doc__": "One vehicle: last known value of each signal.", "__module__": __name__},
)
