"""``core.plug_ins``: the times a cable was connected, with or without charging. ``docs/core.md`` draws the rules."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from lake.schemas.core import PlugIns
from lake.schemas.raw.events import CHARGING_EVENTS
from transforms.core.charging.rules import ChargingRules
from transforms.core.events import between, bounds, one_per_message, read_events

_TABLE = "raw.charging_events"
_CODES = {"event": CHARGING_EVENTS}
#: Of one moment the cable was pulled first: what is connected then is another time.
_UNPLUGGED, _PLUGGED = range(2)
_SESSION = ("vehicle_id", "started_at", "duration_s", "plugged_at", "unplugged_at")
_MOMENT = ("vehicle_id", "at", "kind")


def plug_ins(
    events: pl.LazyFrame | pl.DataFrame,
    sessions: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: ChargingRules | None = None,
) -> pl.DataFrame:
    """The times a cable was connected on the days from ``first`` to ``last``.

    They are the same whatever range of days they are asked for in: one depends on the events from ``rules.plug_back``
    before its day to ``rules.plug_forward`` behind it, on the sessions of these days, and on nothing else.

    Args:
        events: rows of ``raw.charging_events`` in any order, resends included, of at least these days.
        sessions: rows of ``core.charging_sessions``, likewise.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.plug_ins``, sorted by (vehicle_id, plugged_at).
    """
    rules = rules or ChargingRules()
    start, end = bounds(first, last)
    near = between(start - rules.plug_back, end + rules.plug_forward)
    told = one_per_message(
        read_events(events, _TABLE, (), _CODES).filter(near, pl.col("event").is_in(["plugged", "unplugged"])),
        _TABLE,
        ("vehicle_id", "event_at"),
    )
    known = sessions.lazy().select(*_SESSION, event_at="started_at").filter(near).collect()
    cables = _cables(_moments(told, known), rules)
    return (
        cables.join(_charged(cables, known), on=["vehicle_id", "plugged_at"], how="left")
        .with_columns(date=pl.col("plugged_at").dt.date(), sessions=pl.col("sessions").fill_null(0))
        .with_columns(charging_s=pl.when(pl.col("sessions") == 0).then(0.0).otherwise("charging_s"))
        .filter(pl.col("date").is_between(first, last))
        .select(PlugIns.column_names())
        .sort("vehicle_id", "plugged_at")
    )


def _moments(told: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """When cables were connected and pulled, by events and as sessions know it; one row per vehicle, time and kind."""
    plugged = (pl.col("event") == "plugged").cast(pl.Int32)
    by_events = told.select("vehicle_id", at="event_at", kind=plugged, told=True)
    by_sessions = (
        known.select("vehicle_id", at=name, kind=pl.lit(kind, pl.Int32), told=False).drop_nulls("at")
        for name, kind in (("plugged_at", _PLUGGED), ("unplugged_at", _UNPLUGGED))
    )
    return pl.concat([by_events, *by_sessions]).group_by(_MOMENT).agg(pl.col("told").any()).sort(_MOMENT)


def _cables(moments: pl.DataFrame, rules: ChargingRules) -> pl.DataFrame:
    """One row per time a cable was connected; ``until`` is how long a session that starts is of it.

    What is connected again within the jitter, and was not pulled between, is one time told twice.
    """
    at, plugged = pl.col("at"), pl.col("kind") == _PLUGGED
    again = plugged.shift(1) & (at - at.shift(1) <= timedelta(seconds=rules.jitter_s))
    begins = plugged & ~again.fill_null(value=False)
    longest = timedelta(seconds=rules.longest_s)
    cables = (
        moments.with_columns(number=begins.cum_sum().over("vehicle_id"))
        .filter(pl.col("number") > 0)
        .group_by("vehicle_id", "number", maintain_order=True)
        .agg(
            plugged_at=at.first(),
            unplugged_at=at.filter(~plugged).first(),
            told=(pl.col("told") & plugged).any(),
        )
    )
    since = pl.col("unplugged_at") - pl.col("plugged_at")
    return cables.with_columns(
        unplugged_at=pl.when(since <= longest).then("unplugged_at"),
        until=pl.min_horizontal(
            "unplugged_at", pl.col("plugged_at").shift(-1).over("vehicle_id"), pl.col("plugged_at") + longest
        ),
    )


def _charged(cables: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """How often vehicles charged at each, and how long; the time is null where that of a session is not known."""
    started = known.select("vehicle_id", "started_at", "duration_s").sort("vehicle_id", "started_at")
    at = cables.select("vehicle_id", "plugged_at", "until", started_at="plugged_at").sort("vehicle_id", "started_at")
    return (
        started.join_asof(at, on="started_at", by="vehicle_id", check_sortedness=False)
        .filter(pl.col("started_at") <= pl.col("until"))
        .group_by("vehicle_id", "plugged_at", maintain_order=True)
        .agg(
            sessions=pl.len().cast(pl.Int64),
            charging_s=pl.when(pl.col("duration_s").is_not_null().all()).then(pl.col("duration_s").sum()),
        )
    )
