"""``core.charging_sessions``, ``core.plug_ins`` and ``core.battery_health``."""

from __future__ import annotations

import dataframely as dy

from lake.schemas.core.columns import amount, count, day, share_pct, text
from lake.schemas.raw.events import CHARGING_PLACES, CURRENT_TYPES
from lake.schemas.raw.rows import instant, one_of, vehicle_id

SESSION_METHODS = ("events", "signals", "both")
ENERGY_STORED_METHODS = ("counter", "power")
CAPACITY_METHODS = ("counter", "power", "mixed")


class ChargingSessions(dy.Schema):
    """One charging session: from the start of charging to its end; short interruptions belong to it."""

    date = day("UTC day on which charging starts")
    vehicle_id = vehicle_id(primary_key=True)
    started_at = instant("Charging started.", primary_key=True)
    ended_at = instant("Charging ended; null while it goes on, or where nobody said.", nullable=True)
    plugged_at = instant("The cable was connected.", nullable=True)
    unplugged_at = instant("The cable was disconnected, if within the longest length of a session.", nullable=True)
    session_id = text("The session, where the source numbers them.")
    method = one_of(SESSION_METHODS, "What it is known from.")
    current_type = one_of(CURRENT_TYPES, "Current at the connector.", nullable=True)
    place = one_of(CHARGING_PLACES, "Kind of place.", nullable=True)
    duration_s = amount("Time charging; interruptions do not count.", nullable=True)
    energy_in_kwh = amount("Energy drawn at the connector.", nullable=True)
    energy_stored_kwh = amount("Energy that reached the traction battery.", nullable=True)
    energy_stored_method = one_of(ENERGY_STORED_METHODS, "How energy_stored_kwh was found.", nullable=True)
    soc_start_pct = share_pct("State of charge at the start.")
    soc_end_pct = share_pct("State of charge at the end.")
    power_max_kw = amount("Highest power.", nullable=True)
    power_mean_kw = amount("Energy over time charging; drawn, or stored where that is not known.", nullable=True)
    taper_soc_pct = share_pct("State of charge from which power fell below the share of its maximum for good.")
    interruptions = count("Times charging paused and went on.")
    end_reason = text("Why charging ended, as the source says it; cut where it went on past the longest length.")
    interrupted = dy.Bool(
        nullable=False, description="Ended by a fault, or before what was asked for, not by the user."
    )
    battery_temperature_max_c = dy.Float64(nullable=True, description="Traction battery, highest reading.")
    doubted = text("Signals not believed, with kind and what they said, as energy_kwh:scale:975.0; null where none.")


class PlugIns(dy.Schema):
    """One time a cable was connected, until it was pulled: with charging sessions in it, or none."""

    date = day("UTC day on which the cable was connected")
    vehicle_id = vehicle_id(primary_key=True)
    plugged_at = instant("The cable was connected.", primary_key=True)
    unplugged_at = instant("The cable was pulled; null where nobody said.", nullable=True)
    told = dy.Bool(nullable=False, description="An event told that the cable was connected; else signals did.")
    sessions = count("Charging sessions that started while the cable was connected.")
    charging_s = amount("Time charging in these sessions; null where that of one is not known.", nullable=True)


class BatteryHealth(dy.Schema):
    """What is known of a traction battery's usable capacity, as of a day with news of it."""

    date = day("UTC day", primary_key=True)
    vehicle_id = vehicle_id(primary_key=True)
    capacity_kwh = amount("Usable capacity, estimated.")
    capacity_low_kwh = amount("Lower limit of its 95 % interval.")
    capacity_high_kwh = amount("Upper limit of its 95 % interval.")
    capacity_new_kwh = amount("Usable capacity as new, from the registry.", nullable=True)
    soh_pct = dy.Float64(nullable=True, min=0, max=150, description="capacity_kwh over capacity_new_kwh.")
    soh_uncertainty_pct = amount("Half the width of the 95 % interval, same unit as soh_pct.", nullable=True)
    sessions = count("Charging sessions that speak for it.", least=3)
    outliers = count("Charging sessions in the window that were left out as outliers.")
    method = one_of(CAPACITY_METHODS, "How the energy stored of these sessions was found.")
    newest_session_at = instant("End of the newest session that speaks for it.")
