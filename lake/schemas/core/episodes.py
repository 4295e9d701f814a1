"""Core tables with one row per thing that happened: made from events, and from signals where these say the same."""

from __future__ import annotations

import dataframely as dy

from lake.schemas.core.columns import amount, count, day, text
from lake.schemas.raw.events import CHANNELS, COMMANDS, INITIATORS, VISIT_REASONS
from lake.schemas.raw.rows import DTC_REGEX, SERVICES, instant, one_of, pseudonym, vehicle_id

OUTCOMES = ("succeeded", "failed", "expired", "unanswered")
INSTALL_OUTCOMES = ("installed", "failed", "rolled_back", "pending")
SEGMENT_METHODS = ("events", "signals")


def _reading(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, description=description)


class FaultEpisodes(dy.Schema):
    """One fault of one vehicle: from the moment its code is set to the moment it stays cleared."""

    date = day("UTC day on which the code was set")
    vehicle_id = vehicle_id(primary_key=True)
    code = dy.String(nullable=False, primary_key=True, regex=DTC_REGEX, description="SAE J2012 code.")
    set_at = instant("The code was set.", primary_key=True)
    cleared_at = instant("Every unit that set the code has cleared it, for good; null while open.", nullable=True)
    duration_s = amount("cleared_at minus set_at.", nullable=True)
    cleared_by = text("Who cleared it: self, workshop or remote.")
    sets = count("Times the code was set within the episode; more than one is flapping.", least=1)
    ecu = text("Control unit that set the code first.")
    malfunction_lamp_on = dy.Bool(nullable=True, description="The code lit the malfunction indicator lamp.")
    software_version = text("Software version when the code was set.")
    freeze_speed_kmh = _reading("Freeze frame of the first set: speed.")
    freeze_odometer_km = _reading("Freeze frame: odometer.")
    freeze_engine_speed_rpm = _reading("Freeze frame: engine speed.")
    freeze_coolant_temperature_c = _reading("Freeze frame: coolant temperature.")
    freeze_ambient_temperature_c = _reading("Freeze frame: outside air.")
    freeze_soc_pct = _reading("Freeze frame: state of charge.")
    freeze_lv_battery_voltage_v = _reading("Freeze frame: low-voltage battery.")


class CommandOutcomes(dy.Schema):
    """One remote command to one vehicle, and how it ended."""

    date = day("UTC day on which it was issued")
    vehicle_id = vehicle_id(primary_key=True)
    command_id = dy.String(nullable=False, primary_key=True, description="The command, as the platform numbers it.")
    issued_at = instant("It was issued; the first step known where the issue was not seen.", primary_key=True)
    command = one_of(COMMANDS, "What was asked for.")
    channel = one_of(CHANNELS, "Where it was issued.", nullable=True)
    account_id = pseudonym("Account that issued it.", nullable=True)
    client_country = text("Country from which it was issued, ISO 3166-1 alpha-2.")
    issue_seen = dy.Bool(nullable=False, description="The issue itself was seen.")
    acknowledged_at = instant("The vehicle acknowledged it.", nullable=True)
    finished_at = instant("It succeeded, failed or expired.", nullable=True)
    outcome = one_of(OUTCOMES, "How it ended; unanswered within the time limit where nobody said.")
    reason = text("Why it failed.")
    latency_s = amount("finished_at minus issued_at, where the issue was seen.", nullable=True)


class ServiceSessions(dy.Schema):
    """One use of a connected service."""

    date = day("UTC day on which it starts")
    vehicle_id = vehicle_id(primary_key=True)
    service = one_of(SERVICES, "Connected service.", primary_key=True)
    started_at = instant("First event of the session.", primary_key=True)
    session_id = dy.String(
        nullable=False, primary_key=True, description="The session, where the source has them; else empty."
    )
    ended_at = instant("Its end, or its last event where no end was sent.")
    duration_s = amount("ended_at minus started_at.")
    uses = count("Uses within the session.")
    features = text("What was used, separated by commas, sorted.")
    account_id = pseudonym("Account that used it.", nullable=True)
    end_seen = dy.Bool(nullable=False, description="Its end was sent.")


class SoftwareInstalls(dy.Schema):
    """One over-the-air campaign on one vehicle."""

    date = day("UTC day of the first step")
    vehicle_id = vehicle_id(primary_key=True)
    campaign_id = dy.String(nullable=False, primary_key=True, description="The campaign.")
    first_step_at = instant("First step known.")
    from_version = text("Software version before.")
    to_version = text("Software version that the campaign brings.")
    targeted_at = instant("The vehicle was targeted.", nullable=True)
    downloaded_at = instant("Download complete, first time.", nullable=True)
    started_at = instant("Installation started, first time.", nullable=True)
    finished_at = instant("Installation ended, last time.", nullable=True)
    attempts = count("Times the installation was started.")
    failures = count("Times it failed or was rolled back; both, one after the other, count once.")
    outcome = one_of(INSTALL_OUTCOMES, "How it stands: the last step that ends an installation, else pending.")
    reason = text("Why the last failure.")


class WorkshopVisits(dy.Schema):
    """One visit of one vehicle to a workshop."""

    date = day("UTC day of the first news of it, its arrival where that was seen")
    vehicle_id = vehicle_id(primary_key=True)
    visit_id = dy.String(nullable=False, primary_key=True, description="The visit.")
    arrived_at = instant("The vehicle arrived; null where nobody said.", nullable=True)
    completed_at = instant("The vehicle left; null while it is there.", nullable=True)
    duration_s = amount("completed_at minus arrived_at.", nullable=True)
    reason = one_of(VISIT_REASONS, "Why the vehicle came.", nullable=True)
    odometer_km = _reading("Odometer on arrival.")
    codes = text("Diagnostic trouble codes that were read, separated by commas.")
    parts = text("Parts that were replaced, separated by commas.")


class AutomationSegments(dy.Schema):
    """One stretch driven with driving automation engaged at one level."""

    date = day("UTC day on which automation was engaged")
    vehicle_id = vehicle_id(primary_key=True)
    engaged_at = instant("Automation was engaged.", primary_key=True)
    disengaged_at = instant("Automation was disengaged.")
    level = dy.Int64(nullable=True, min=1, max=5, description="Level, SAE J3016.")
    duration_s = amount("disengaged_at minus engaged_at.")
    distance_km = amount("Distance driven engaged.", nullable=True)
    method = one_of(SEGMENT_METHODS, "What it is known from.")
    ended_by = one_of(INITIATORS, "Who disengaged.", nullable=True)
    reason = text("Why it ended.")
    takeover_requests = count("Requests to the driver to take over.")
    takeover_s = amount("From the last request to the disengagement.", nullable=True)
    end_seen = dy.Bool(nullable=False, description="The disengagement itself was seen.")
