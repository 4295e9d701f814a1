"""Raw tables: what the feeds sent, append-only, resends included.

A raw schema says types and what must be there. It has no rule on plausibility: a strange value is evidence.
"""

from __future__ import annotations

from typing import Any

import dataframely as dy

from lake.signals import SIGNALS, Signal

VEHICLE_ID_REGEX = r"^[0-9a-f]{32}$"

MARKETS_REGEX = r"^[A-Z]{2}$"
POWERTRAINS = ("ICE", "HEV", "PHEV", "BEV", "FCEV")


def instant(description: str, *, nullable: bool = False, primary_key: bool = False) -> dy.Datetime:
    """A UTC instant with microseconds."""
    return dy.Datetime(
        time_unit="us", time_zone="UTC", nullable=nullable, primary_key=primary_key, description=description
    )


def vehicle_id(*, primary_key: bool = False) -> dy.String:
    """The keyed hash that stands for a vehicle everywhere in the lake."""
    return dy.String(
        nullable=False,
        primary_key=primary_key,
        regex=VEHICLE_ID_REGEX,
        description="Keyed hash (HMAC-SHA-256, first 128 bits, hexadecimal) of the identifier in the feed.",
    )


def signal_column(signal: Signal, *, bounded: bool = False) -> dy.Column:
    """The column of a signal; ``bounded`` adds the plausible range as a rule."""
    text = f"{signal.label}. VSS {signal.vss}" + (f", {signal.unit}." if signal.unit else ".")
    if signal.kind == "bool":
        return dy.Bool(nullable=True, description=text)
    low, high = (signal.low, signal.high) if bounded else (None, None)
    if signal.kind == "int":
        return dy.Int64(
            nullable=True,
            min=None if low is None else int(low),
            max=None if high is None else int(high),
            description=text,
        )
    return dy.Float64(nullable=True, min=low, max=high, description=text)


class RawRow(dy.Schema):
    """What every raw row has."""

    vehicle_id = vehicle_id()
    event_at = instant("When it happened, by the vehicle's clock.")
    received_at = instant("When the platform received it: arrival at the hub, or the time the file was written.")
    source = dy.String(nullable=False, min_length=1, description="Name of the feed profile.")
    batch = dy.Int64(nullable=False, min=0, description="Number of the landing batch within its source.")
    record = dy.Int64(nullable=False, min=0, description="Number of the record within its batch, files in plan order.")
    sequence = dy.Int64(nullable=True, description="The source's own sequence number; null where it has none.")
    event_date = dy.Date(nullable=False, description="UTC day of event_at; partition.")


def _telemetry_columns() -> dict[str, Any]:
    columns: dict[str, Any] = {
        "bucket": dy.Int32(
            nullable=False, min=0, description="Hash of vehicle_id modulo the lake's buckets; partition."
        )
    }
    columns |= {signal.column: signal_column(signal) for signal in SIGNALS}
    columns["extras"] = dy.String(nullable=True, description="JSON object of what was sent beyond the catalogue.")
    return columns


Telemetry: type[dy.Schema] = type(
    "Telemetry",
    (RawRow,),
    _telemetry_columns() | {"__doc__": "One message of a vehicle, wide.", "__module__": __name__},
)


class Vehicles(RawRow):
    """One statement of the vehicle registry. A later statement (by event_at) replaces an earlier one."""

    market = dy.String(nullable=True, regex=MARKETS_REGEX, description="Market, ISO 3166-1 alpha-2.")
    model = dy.String(nullable=True, description="Model name.")
    model_year = dy.Int64(nullable=True, min=1980, max=2100, description="Model year.")
    powertrain = dy.String(
        nullable=True, regex="^(" + "|".join(POWERTRAINS) + ")$", description="ICE, HEV, PHEV, BEV or FCEV."
    )
    automation_level = dy.Int64(
        nullable=True, min=0, max=5, description="Highest level of driving automation fitted, SAE J3016."
    )
    delivered_on = dy.Date(nullable=True, description="Day of delivery to the customer.")
    services = dy.String(nullable=True, description="Equipped connected services, separated by commas.")
    extras = dy.String(nullable=True, description="JSON object of what was sent beyond these columns.")
