"""What every raw row has, and the kinds of column that raw and core tables are made of."""

from __future__ import annotations

import dataframely as dy

from lake.signals import Signal

VEHICLE_ID_REGEX = r"^[0-9a-f]{32}$"

MARKETS_REGEX = r"^[A-Z]{2}$"
POWERTRAINS = ("ICE", "HEV", "PHEV", "BEV", "FCEV")
SERVICES = (
    "navigation", "remote_control", "vehicle_finder", "remote_diagnostics", "predictive_maintenance", "productivity",
    "media", "social", "charging", "automated_driving",
)  # fmt: skip

#: SAE J2012: system, digit, three hexadecimal digits; after a dash the failure type byte.
DTC_REGEX = r"^[PCBU][0-3][0-9A-F]{3}(-[0-9A-F]{2})?$"


def one_of(
    values: tuple[str, ...], description: str, *, nullable: bool = False, primary_key: bool = False
) -> dy.String:
    """A text that is one of a few codes."""
    allowed = f"{', '.join(values[:-1])} or {values[-1]}"
    return dy.String(
        nullable=nullable,
        primary_key=primary_key,
        regex="^(" + "|".join(values) + ")$",
        description=f"{description} One of {allowed}.",
    )


def pseudonym(description: str, *, nullable: bool = False) -> dy.String:
    """The keyed hash of an identifier that stands for a person; made at the door, as that of a vehicle."""
    return dy.String(
        nullable=nullable,
        regex=VEHICLE_ID_REGEX,
        metadata={"pseudonym": True},
        description=description + " Keyed hash.",
    )


def is_pseudonym(column: dy.Column) -> bool:
    """The column holds keyed hashes of identifiers of persons."""
    return bool((column.metadata or {}).get("pseudonym"))


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
