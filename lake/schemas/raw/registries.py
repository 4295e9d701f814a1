"""Registries: what back-office systems state about a vehicle, its subscriptions and its customer's consents."""

from __future__ import annotations

import dataframely as dy

from lake.schemas.raw.rows import MARKETS_REGEX, POWERTRAINS, SERVICES, RawRow, one_of

SUBSCRIPTION_EVENTS = (
    "activated", "trial_started", "started", "renewed", "cancelled", "expired", "deactivated",
)  # fmt: skip
PLANS = ("included", "trial", "monthly", "annual")
CONSENTS = ("granted", "withdrawn")


class Vehicles(RawRow):
    """One statement of the vehicle registry. A later statement (by event_at) replaces an earlier one."""

    market = dy.String(nullable=True, regex=MARKETS_REGEX, description="Market, ISO 3166-1 alpha-2.")
    model = dy.String(nullable=True, description="Model name.")
    trim = dy.String(nullable=True, description="Trim level.")
    model_year = dy.Int64(nullable=True, min=1980, max=2100, description="Model year.")
    powertrain = one_of(POWERTRAINS, "Powertrain.", nullable=True)
    automation_level = dy.Int64(
        nullable=True, min=0, max=5, description="Highest level of driving automation fitted, SAE J3016."
    )
    delivered_on = dy.Date(nullable=True, description="Day of delivery to the customer.")
    services = dy.String(nullable=True, description="Equipped connected services, separated by commas.")
    telematics_unit = dy.Bool(nullable=True, description="Delivered with a telematics unit.")
    software_version = dy.String(nullable=True, description="Software version at the time of the statement.")
    battery_capacity_kwh = dy.Float64(
        nullable=True, min=0, max=2_000, description="Usable capacity of the traction battery as new."
    )
    tank_capacity_l = dy.Float64(nullable=True, min=0, max=2_000, description="Capacity of the fuel tank.")
    extras = dy.String(nullable=True, description="JSON object of what was sent beyond these columns.")


class Subscriptions(RawRow):
    """One step in the life of a vehicle's subscription to a connected service."""

    subscription_id = dy.String(nullable=True, description="The subscription, as the back office numbers it.")
    service = one_of(SERVICES, "Connected service.")
    event = one_of(
        SUBSCRIPTION_EVENTS,
        "activated: the customer has set the service up; started: paid for the first time; cancelled: will not be "
        "renewed.",
    )
    plan = one_of(PLANS, "Plan from this step on.", nullable=True)
    valid_until = dy.Date(nullable=True, description="Last day that is covered from this step on.")
    extras = dy.String(nullable=True, description="JSON object of what was sent beyond these columns.")


class Consents(RawRow):
    """One statement of consent to process a vehicle's data for a connected service."""

    service = one_of(SERVICES, "Connected service.")
    status = one_of(CONSENTS, "What the customer said.")
    policy_version = dy.String(nullable=True, description="Version of the text that was agreed to.")
    extras = dy.String(nullable=True, description="JSON object of what was sent beyond these columns.")
