"""What each vehicle is, as of each day: by the registry, and by the software it has installed since."""

from __future__ import annotations

from datetime import date

import polars as pl

from lake.schemas.core import Vehicles
from transforms.core.events import begins
from transforms.core.registry import as_of_days, statements

_VEHICLE = ("vehicle_id",)
_STATED = (
    "market", "model", "trim", "model_year", "powertrain", "automation_level", "delivered_on", "services",
    "telematics_unit", "battery_capacity_kwh", "tank_capacity_l",
)  # fmt: skip


def vehicles(
    registry: pl.LazyFrame | pl.DataFrame, software_events: pl.LazyFrame | pl.DataFrame, first: date, last: date
) -> pl.DataFrame:
    """The vehicles that the registry knows, as they are at the end of each day from ``first`` to ``last``.

    The latest statement up to the day's end holds, and replaces the one before it wholly; of statements of one moment,
    that with the greatest sequence number. The first statement about a vehicle holds from its delivery on: a registry
    may be exported long after its vehicles were first heard of. The software version is what was said of it last: by a
    statement that names one, or by an installation that ended (the version it brought) or was rolled back (the version
    before).

    Args:
        registry: rows of ``raw.vehicles`` in any order, resends included, of all days there are, before and after.
        software_events: rows of ``raw.software_events``, likewise, of all days up to ``last``; may be empty.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.vehicles``, sorted by (date, vehicle_id): none before the first statement about a vehicle and
        its delivery. A row depends on its own vehicle, and on nothing after its day but the first statement.
    """
    told = statements("raw.vehicles", registry).select(*_VEHICLE, "event_at", "day", "software_version", *_STATED)
    versions = _versions(told.filter(pl.col("day") <= last), software_events, last)
    states = told.with_columns(day=_holds_from()).filter(pl.col("day") <= last)
    return (
        as_of_days(states.select(*_VEHICLE, "day", *_STATED), _VEHICLE, first, last)
        .join(as_of_days(versions, _VEHICLE, first, last), on=["date", *_VEHICLE], how="left")
        .with_columns(registered=(pl.col("delivered_on") <= pl.col("date")).fill_null(value=True))
        .with_columns(months_in_service=_months_in_service())
        .select(Vehicles.column_names())
        .sort("date", *_VEHICLE)
        .collect()
    )


def _holds_from() -> pl.Expr:
    """The day from which on a statement holds: its own, of the first about a vehicle also the one of delivery."""
    return pl.when(begins(*_VEHICLE)).then(pl.min_horizontal("day", "delivered_on")).otherwise("day")


def _versions(told: pl.LazyFrame, software_events: pl.LazyFrame | pl.DataFrame, last: date) -> pl.LazyFrame:
    """Each time something was said of a vehicle's software version: vehicle, day and version, in order of time.

    An installation is newer than a statement of the same moment.
    """
    installed = pl.when(pl.col("step") == "installed").then("to_version")
    steps = statements("raw.software_events", software_events, last).select(
        *_VEHICLE,
        "event_at",
        "day",
        software_version=installed.when(pl.col("step") == "rolled_back").then("from_version"),
    )
    said = pl.concat([told.select(*_VEHICLE, "event_at", "day", "software_version"), steps])
    return (
        said.drop_nulls("software_version")
        .sort(*_VEHICLE, "event_at", maintain_order=True)
        .select(*_VEHICLE, "day", "software_version")
    )


def _months_in_service() -> pl.Expr:
    """Whole months from the day of delivery to the day: the one is full on the same day of the next month."""
    now, then = pl.col("date").dt, pl.col("delivered_on").dt
    months = (now.year() - then.year()) * 12 + now.month().cast(pl.Int32) - then.month().cast(pl.Int32)
    whole = months - (now.day() < then.day()).cast(pl.Int32)
    return pl.when(pl.col("delivered_on") <= pl.col("date")).then(whole.cast(pl.Int64))
