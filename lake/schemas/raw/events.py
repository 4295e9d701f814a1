"""Events: what happened to a vehicle, one row per message about it."""

from __future__ import annotations

import dataframely as dy

from lake.schemas.raw.rows import DTC_REGEX, SERVICES, RawRow, one_of, pseudonym

FAULT_STATUSES = ("set", "cleared")
SERVICE_EVENTS = ("session_started", "session_ended", "used")
COMMANDS = (
    "lock", "unlock", "climate_on", "climate_off", "horn", "lights", "charge_start", "charge_stop", "locate",
    "diagnostic_session",
)  # fmt: skip
COMMAND_STATUSES = ("issued", "acknowledged", "succeeded", "failed", "expired")
CHANNELS = ("app", "web", "assistant", "backend")
CHARGING_EVENTS = ("plugged", "started", "stopped", "unplugged")
CURRENT_TYPES = ("AC", "DC")
CHARGING_PLACES = ("home", "work", "public")
AUTOMATION_EVENTS = ("engaged", "takeover_requested", "disengaged")
INITIATORS = ("driver", "system")
SOFTWARE_STEPS = (
    "targeted", "notified", "downloaded", "install_started", "installed", "failed", "rolled_back",
)  # fmt: skip
VISIT_EVENTS = ("arrived", "completed")
VISIT_REASONS = ("maintenance", "repair", "recall", "software")


def _extras() -> dy.String:
    return dy.String(nullable=True, description="JSON object of what was sent beyond these columns.")


def _reading(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, description=description)


class Faults(RawRow):
    """A diagnostic trouble code was set or cleared; with ``set`` comes the freeze frame."""

    code = dy.String(nullable=False, regex=DTC_REGEX, description="Diagnostic trouble code, SAE J2012.")
    status = one_of(FAULT_STATUSES, "Whether the code was set or cleared.")
    ecu = dy.String(nullable=True, description="Control unit that reports the code.")
    cleared_by = one_of(("self", "workshop", "remote"), "Who cleared it.", nullable=True)
    malfunction_lamp_on = dy.Bool(nullable=True, description="The code lit the malfunction indicator lamp.")
    software_version = dy.String(nullable=True, description="Software version when the code was set.")
    freeze_speed_kmh = _reading("Freeze frame: speed.")
    freeze_odometer_km = _reading("Freeze frame: odometer.")
    freeze_engine_speed_rpm = _reading("Freeze frame: engine speed.")
    freeze_coolant_temperature_c = _reading("Freeze frame: coolant temperature.")
    freeze_ambient_temperature_c = _reading("Freeze frame: outside air.")
    freeze_soc_pct = _reading("Freeze frame: state of charge of the traction battery.")
    freeze_lv_battery_voltage_v = _reading("Freeze frame: low-voltage battery.")
    extras = _extras()


class ServiceEvents(RawRow):
    """A connected service was used: a session began or ended, or something was done in a moment."""

    service = one_of(SERVICES, "Connected service.")
    event = one_of(SERVICE_EVENTS, "What happened; used is a use without duration.")
    session_id = dy.String(nullable=True, description="The session, where it has one.")
    feature = dy.String(nullable=True, description="What of the service was used.")
    account_id = pseudonym("Account that used it.", nullable=True)
    extras = _extras()


class Commands(RawRow):
    """One step of a remote command: issued, acknowledged by the vehicle, and how it ended."""

    command_id = dy.String(nullable=False, min_length=1, description="The command, as the platform numbers it.")
    command = one_of(COMMANDS, "What was asked for.")
    status = one_of(COMMAND_STATUSES, "Step that was reached.")
    reason = dy.String(nullable=True, description="Why it failed.")
    channel = one_of(CHANNELS, "Where it was issued.", nullable=True)
    account_id = pseudonym("Account that issued it.", nullable=True)
    client_country = dy.String(
        nullable=True, regex=r"^[A-Z]{2}$", description="Country from which it was issued, ISO 3166-1 alpha-2."
    )
    extras = _extras()


class ChargingEvents(RawRow):
    """One step of a charging session, as charge point or vehicle report it."""

    session_id = dy.String(nullable=True, description="The session, where the source numbers them.")
    event = one_of(CHARGING_EVENTS, "What happened.")
    current_type = one_of(CURRENT_TYPES, "Current at the connector.", nullable=True)
    place = one_of(CHARGING_PLACES, "Kind of place.", nullable=True)
    energy_kwh = dy.Float64(nullable=True, min=0, description="Energy drawn at the connector in the session so far.")
    power_kw = _reading("Power at the connector.")
    soc_pct = _reading("State of charge of the traction battery.")
    reason = dy.String(nullable=True, description="Why charging stopped: target_reached, user, unplugged, fault, …")
    extras = _extras()


class AutomationEvents(RawRow):
    """Driving automation was engaged or disengaged, or asked the driver to take over."""

    event = one_of(AUTOMATION_EVENTS, "What happened.")
    level = dy.Int64(nullable=True, min=0, max=5, description="Level of driving automation, SAE J3016.")
    initiator = one_of(INITIATORS, "Who began it.", nullable=True)
    reason = dy.String(nullable=True, description="Why: destination, weather, lane_markings, driver_override, …")
    speed_kmh = _reading("Speed at that moment.")
    odometer_km = _reading("Odometer at that moment.")
    extras = _extras()


class SoftwareEvents(RawRow):
    """One step of an over-the-air campaign on one vehicle."""

    campaign_id = dy.String(nullable=False, min_length=1, description="The campaign.")
    step = one_of(SOFTWARE_STEPS, "Step that was reached.")
    from_version = dy.String(nullable=True, description="Software version before.")
    to_version = dy.String(nullable=True, description="Software version that the campaign brings.")
    reason = dy.String(nullable=True, description="Why it failed.")
    extras = _extras()


class WorkshopVisits(RawRow):
    """A vehicle arrived at a workshop, or left it."""

    visit_id = dy.String(nullable=False, min_length=1, description="The visit.")
    event = one_of(VISIT_EVENTS, "What happened.")
    reason = one_of(VISIT_REASONS, "Why the vehicle came.", nullable=True)
    odometer_km = _reading("Odometer on arrival.")
    codes = dy.String(nullable=True, description="Diagnostic trouble codes that were read, separated by commas.")
    parts = dy.String(nullable=True, description="Parts that were replaced, separated by commas.")
    extras = _extras()
