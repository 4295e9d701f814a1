"""Automation segments as events tell them: from each engagement to what ends it, as far as that was sent."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from lake.signals import BY_COLUMN
from transforms.core.automation.rules import AutomationRules
from transforms.core.events import begins, between, last_where, one_per_message, read_events, seconds
from transforms.core.messages import in_range

_TABLE = "raw.automation_events"
#: Events of one moment happened in this order.
_CODES = {"event": ("takeover_requested", "disengaged", "engaged")}


def select_events(events: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """The events from ``start`` to before ``end``, resends left out, sorted by vehicle and time.

    Levels outside 1 to 5 and impossible odometer readings count as not sent. What engages level 0 disengages.
    """
    rows = read_events(events, _TABLE, ("level", "initiator", "reason", "odometer_km"), _CODES)
    wanted = rows.filter(between(start, end))
    nothing = (pl.col("event") == "engaged") & (pl.col("level") == 0).fill_null(value=False)
    return one_per_message(wanted, _TABLE, ("vehicle_id", "event_at", "sequence", "event")).with_columns(
        event=pl.when(nothing).then(pl.lit("disengaged")).otherwise(pl.col("event").cast(pl.String)),
        level=pl.when(pl.col("level").is_between(1, 5)).then("level"),
        odometer_km=pl.when(in_range(BY_COLUMN["odometer_km"])).then("odometer_km"),
    )


def engagements(events: pl.DataFrame, rules: AutomationRules) -> pl.DataFrame:
    """Segments as the events tell them.

    Each engagement begins a segment; of several in one moment the last. The first disengagement after it, and before
    the next engagement, ends it, when it comes within the longest length.

    Args:
        events: as from ``select_events``.
        rules: parameters.

    Returns:
        One row per segment, sorted by vehicle and time: ``vehicle_id, engaged_at, level, odometer_start, odometer_end,
        ended_at`` (null where no disengagement was seen), ``ended_by, reason, until`` (the next engagement, at most the
        longest length), ``superseded`` (it is the next engagement), ``changes`` (to another level), ``doubted`` (the
        end is so late that it has to be checked), ``takeover_at`` (the last request) and ``gain_km`` (null unless both
        readings are there and make sense).
    """
    longest, sure = timedelta(seconds=rules.longest_s), timedelta(seconds=rules.sure_s)
    engaged_at = pl.col("engaged_at")
    next_at, next_level = engaged_at.shift(-1), pl.col("level").shift(-1)
    last = begins("vehicle_id").shift(-1, fill_value=True)
    superseded = ~last & (next_at <= engaged_at + longest)
    return (
        _told(events, longest)
        .filter(last | (next_at > engaged_at))
        .with_columns(
            superseded=superseded,
            changes=(superseded & (next_level != pl.col("level"))).fill_null(value=False),
            until=pl.when(superseded).then(next_at).otherwise(engaged_at + longest),
            seen=(pl.col("ended_at") - engaged_at <= longest).fill_null(value=False),
        )
        .with_columns(
            pl.when("seen").then(pl.col(name)).alias(name)
            for name in ("ended_at", "ended_by", "reason", "odometer_end", "level_end")
        )
        .with_columns(
            pl.coalesce("level", "level_end"),
            gain_km=_gain(rules),
            doubted=(pl.col("ended_at") - engaged_at > sure).fill_null(value=False),
        )
        .drop("number", "seen", "level_end")
    )


def _told(events: pl.DataFrame, longest: timedelta) -> pl.DataFrame:
    """Each engagement with the first disengagement behind it, and the last request within the longest length."""
    at, event = pl.col("event_at"), pl.col("event")
    ends, since = event == "disengaged", at - pl.col("engaged_at")
    return (
        events.with_columns(
            engaged_at=last_where(event == "engaged", at, begins("vehicle_id")), number=(event == "engaged").cum_sum()
        )
        .filter(pl.col("engaged_at").is_not_null())
        .group_by("number", maintain_order=True)
        .agg(
            pl.col("vehicle_id", "engaged_at").first(),
            pl.col("level").first(),
            pl.col("level").filter(ends).first().alias("level_end"),
            pl.col("odometer_km").first().alias("odometer_start"),
            pl.col("odometer_km").filter(ends).first().alias("odometer_end"),
            at.filter(ends).first().alias("ended_at"),
            pl.col("initiator").filter(ends).first().alias("ended_by"),
            pl.col("reason").filter(ends).first(),
            at.filter(event == "takeover_requested", since <= longest).last().alias("takeover_at"),
        )
    )


def _gain(rules: AutomationRules) -> pl.Expr:
    gain = pl.col("odometer_end") - pl.col("odometer_start")
    most = seconds(pl.col("ended_at") - pl.col("engaged_at")) * (rules.fastest_kmh / 3600) + rules.coarse_km
    return pl.when((gain >= 0) & (gain <= most)).then(gain)


def with_takeovers(segments: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Count the requests to take over in each segment.

    Args:
        segments: segments that do not overlap, with ``vehicle_id, engaged_at, disengaged_at, end_seen``, sorted by
            vehicle and time.
        events: as from ``select_events``.

    Returns:
        The segments with ``takeover_requests`` and ``takeover_s``: from the last request to the disengagement, where
        that was seen.
    """
    asked = events.filter(pl.col("event") == "takeover_requested").select("vehicle_id", asked_at="event_at")
    known = segments.select("vehicle_id", "engaged_at", "disengaged_at")
    within = (
        asked.sort("asked_at")
        .join_asof(
            known.sort("engaged_at"),
            left_on="asked_at",
            right_on="engaged_at",
            by="vehicle_id",
            coalesce=False,
            check_sortedness=False,
        )
        .filter(pl.col("asked_at") <= pl.col("disengaged_at"))
        .group_by("vehicle_id", "engaged_at")
        .agg(takeover_requests=pl.len().cast(pl.Int64), asked_at=pl.col("asked_at").max())
    )
    return segments.join(within, on=["vehicle_id", "engaged_at"], how="left", maintain_order="left").with_columns(
        pl.col("takeover_requests").fill_null(0),
        takeover_s=pl.when("end_seen").then(seconds(pl.col("disengaged_at") - pl.col("asked_at"))),
    )
