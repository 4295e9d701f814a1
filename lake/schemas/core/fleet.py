"""Core tables with one row per vehicle, or per vehicle and day."""

from __future__ import annotations

from typing import Any

import dataframely as dy

from lake.schemas.core.columns import amount, count, day, share_pct, text
from lake.schemas.raw.registries import PLANS
from lake.schemas.raw.rows import POWERTRAINS, SERVICES, instant, one_of, signal_column, vehicle_id
from lake.signals import SIGNALS

SUBSCRIPTION_STATES = ("none", "included", "trial", "paid")


class _Described(dy.Schema):
    date = day("UTC day", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    market = text("Market as of the day, ISO 3166-1 alpha-2.")
    model = text("Model.")
    trim = text("Trim level.")
    model_year = dy.Int64(nullable=True, description="Model year.")
    powertrain = one_of(POWERTRAINS, "Powertrain.", nullable=True)
    software_version = text("Software version at the end of the day.")


class Vehicles(_Described):
    """What a vehicle is, as of a day: by the registry, and by the software it has installed since."""

    automation_level = dy.Int64(
        nullable=True, min=0, max=5, description="Highest level of driving automation fitted, SAE J3016."
    )
    delivered_on = dy.Date(nullable=True, description="Day of delivery to the customer.")
    registered = dy.Bool(nullable=False, description="Delivered by this day.")
    months_in_service = dy.Int64(nullable=True, min=0, description="Whole months since delivery; null before.")
    services = text("Equipped connected services, separated by commas.")
    telematics_unit = dy.Bool(nullable=True, description="Delivered with a telematics unit.")
    battery_capacity_kwh = amount("Usable capacity of the traction battery as new.", nullable=True)
    tank_capacity_l = amount("Capacity of the fuel tank.", nullable=True)


class VehicleDays(_Described):
    """One vehicle on one day: the spine of every rate per vehicle-day."""

    registered = dy.Bool(nullable=False, description="The registry knew the vehicle, delivered, on this day.")
    reported = dy.Bool(nullable=False, description="At least one message with a time on this day.")
    active = dy.Bool(nullable=False, description="At least one trip starts on this day.")
    trips = count("Trips that start on this day.")
    distance_km = amount("Distance of these trips.")
    doubted_km = amount("Distance of those of these trips of which something that was sent was not believed.")
    driving_s = amount("Time in motion in these trips.")
    idle_s = amount("Time at rest within these trips.")
    energy_used_kwh = amount("Energy out of the traction battery in these trips; 0 where not known.")
    energy_regenerated_kwh = amount("Energy back into it in these trips; 0 where not known.")
    energy_known_km = amount("Distance of those of these trips whose energy is known.")
    fuel_used_l = amount("Fuel used in these trips; 0 where not known.")
    fuel_known_km = amount("Distance of those of these trips whose fuel is known.")
    refuels = count("Times fuel was added, by these trips.")
    harsh_accelerations = count("In these trips.")
    harsh_brakings = count("In these trips.")
    harsh_cornerings = count("In these trips.")
    standby_h = amount("Hours parked and not charging over which the state of charge is known at both ends.")
    standby_loss_pct = dy.Float64(nullable=False, description="State of charge lost in these hours, percentage points.")
    odometer_gain_km = amount(
        "Last odometer reading of the day minus the last of the day before, or else the first of the day.",
        nullable=True,
    )
    messages = count("Distinct messages with a time on this day.")
    messages_expected = count("Messages that the vehicle sent, by its own count; messages where it does not count.")
    messages_late = count("Messages that arrived later than the limit.")
    duplicates = count("Further copies of these messages, left out.")
    conflicts = count("Rows with the key of one of these messages and other values, left out where they say otherwise.")
    implausible = count("Values outside their plausible range, taken as not sent.")
    first_event_at = instant("First message of the day.", nullable=True)
    last_event_at = instant("Last message of the day.", nullable=True)
    lag_sum_s = dy.Float64(nullable=False, description="Sum of received_at minus event_at over the messages.")
    lag_max_s = dy.Float64(
        nullable=True, description="Largest received_at minus event_at; of copies, the first to arrive counts."
    )


class VehicleConditions(dy.Schema):
    """What a vehicle said last, on a day, of what wears or runs low; a row only where it said something."""

    date = day("UTC day", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    lv_battery_rest_voltage_v = amount("Low-voltage battery, ignition off and nothing charging it.", nullable=True)
    tyre_pressure_lowest_kpa = amount("Lowest of the tyres, each with its last reading of the day.", nullable=True)
    tyre_pressure_axle_pct = share_pct(
        "Pressure of the softer tyre of an axle over that of the other one; of the axle where it is lowest."
    )
    brake_pad_wear_pct = share_pct("Brake pad wear, front left; 100 is worn.")
    service_distance_km = dy.Float64(nullable=True, description="Distance to the next service; negative is overdue.")
    malfunction_lamp_on = dy.Bool(nullable=True, description="Malfunction indicator lamp lit.")


class Arrivals(dy.Schema):
    """Messages of a vehicle, day and feed by how long they took to arrive; two histograms by one class."""

    date = day("UTC day of the messages' time", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    source = dy.String(nullable=False, primary_key=True, description="Name of the feed profile.")
    log_bucket = dy.Int64(
        nullable=False, primary_key=True,
        description="Class of a time in seconds: its logarithm to the base 1.02, rounded up; -32768 for what is not "
        "above 0.",
    )  # fmt: skip
    messages = count("Distinct messages that took so long from event to arrival.")
    messages_after_day = count("Distinct messages that arrived so long after the end of the day; none that came in it.")


class ImplausibleValues(dy.Schema):
    """Values of one signal of a vehicle and day outside their plausible range; a row only where there is one."""

    date = day("UTC day", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    signal = dy.String(nullable=False, primary_key=True, description="Column of the signal in raw.telemetry.")
    implausible = count("Values outside the plausible range of the signal, taken as not sent.", least=1)


class Activity(dy.Schema):
    """What a vehicle did on the last 64 days: bit 0 is the day itself, bit n the day n days before."""

    date = day("UTC day", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    active_days = dy.Int64(nullable=False, description="Bitmap: at least one trip started on that day.")
    reported_days = dy.Int64(nullable=False, description="Bitmap: at least one message on that day.")
    registered_days = dy.Int64(nullable=False, description="Bitmap: in the fleet, delivered, on that day.")


class SubscriptionDays(dy.Schema):
    """How one equipped connected service of one delivered vehicle stands on a day."""

    date = day("UTC day", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    service = one_of(SERVICES, "Connected service.", primary_key=True)
    equipped = dy.Bool(nullable=False, description="The registry lists the service for the vehicle.")
    consented = dy.Bool(nullable=False, description="Consent stands at the end of the day.")
    consented_on = dy.Date(nullable=True, description="First day of the consent that stands.")
    activated = dy.Bool(nullable=False, description="The service is set up at the end of the day.")
    activated_on = dy.Date(nullable=True, description="Day of the first activation.")
    subscription = one_of(SUBSCRIPTION_STATES, "What covers the day.")
    plan = one_of(PLANS, "Plan.", nullable=True)
    started_on = dy.Date(nullable=True, description="First day of the trial or of the paid time that covers the day.")
    valid_until = dy.Date(nullable=True, description="Last day covered, as far as known.")
    cancelled = dy.Bool(nullable=False, description="It will not be renewed.")
    renewals = count("Renewals of the paid subscription so far.")


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
