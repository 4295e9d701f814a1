"""Sessions of connected services. ``docs/core.md`` draws the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from lake.schemas.core import ServiceSessions
from transforms.core.events import begins, between, bounds, of_those, one_per_message, read_events, seconds

_TABLE = "raw.service_events"
_SESSION = ("vehicle_id", "service", "session_id")
#: Events of one moment happened in this order.
_CODES = {"event": ("session_started", "used", "session_ended")}


@dataclass(frozen=True)
class SessionRules:
    """The parameters of service sessions. Times in s.

    Attributes:
        inactivity_s: without a session's name, events of a service that are further apart are of two sessions. Half an
            hour is what web analytics take.
        longest_s: a session is not longer than this; what its name is used for later is another.
    """

    inactivity_s: float = 1_800.0
    longest_s: float = 86_400.0

    def __post_init__(self) -> None:
        if not 0 < self.inactivity_s <= self.longest_s:
            raise ValueError("inactivity_s is a positive number of seconds, and longest_s is not less")

    @property
    def back(self) -> timedelta:
        """How far before a day events matter to the sessions that start in it."""
        return timedelta(seconds=2 * self.longest_s)

    @property
    def forward(self) -> timedelta:
        """How far after a day events matter to the sessions that start in it."""
        return timedelta(seconds=self.longest_s)


def service_sessions(
    service_events: pl.LazyFrame | pl.DataFrame, first: date, last: date, rules: SessionRules | None = None
) -> pl.DataFrame:
    """The sessions of connected services that start on the days from ``first`` to ``last``.

    They are the same whatever range of days they are asked for in: a session depends on the events of ``rules.back``
    before and ``rules.forward`` after its day.

    Args:
        service_events: rows of ``raw.service_events`` in any order, resends included, of at least these days.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.service_sessions``, sorted by (vehicle_id, started_at, service, session_id). Every event is in
        exactly one session.
    """
    rules = rules or SessionRules()
    start, end = bounds(first, last)
    rows = (
        read_events(service_events, _TABLE, ("feature", "account_id"), _CODES)
        .filter(between(start - rules.back, end + rules.forward))
        .with_columns(pl.col("session_id").fill_null(""))
    )
    followed = of_those(rows, _SESSION, between(start, end))
    events = one_per_message(followed, _TABLE, (*_SESSION, "event_at", "sequence", "event"))
    return _sessions(_numbered(events, rules)).filter(pl.col("date").is_between(first, last))


def _numbered(events: pl.DataFrame, rules: SessionRules) -> pl.DataFrame:
    """The events with the number of their session; sorted by (vehicle, service, session, time) as they come.

    Events follow on each other where they lie close enough. What follows on for longer than ``longest_s`` is divided
    there, and then at the end of each UTC day.
    """
    at, event = pl.col("event_at"), pl.col("event")
    longest = timedelta(seconds=rules.longest_s)
    since = at - at.shift(1)
    after_end = event.shift(1) == "session_ended"
    near = (since <= timedelta(seconds=rules.inactivity_s)) & (event != "session_started")
    nameless = (near | ((event == "session_ended") & (since <= longest))) & ~after_end
    follows = pl.when(pl.col("session_id") != "").then(since <= longest).otherwise(nameless | (since == timedelta()))
    late, day = pl.col("late"), at.dt.date()
    return (
        events.with_columns(begins=begins(*_SESSION) | ~follows)
        .with_columns(late=at - pl.when("begins").then(at).forward_fill() > longest)
        .with_columns(begins=pl.col("begins") | (late & (~late.shift(1) | (day != day.shift(1)))))
        .with_columns(number=pl.col("begins").cum_sum())
    )


def _sessions(events: pl.DataFrame) -> pl.DataFrame:
    at, event = pl.col("event_at"), pl.col("event")
    sessions = (
        events.with_columns(end_at=pl.when(event == "session_ended").then(at), used=event == "used")
        .group_by("number", maintain_order=True)
        .agg(
            pl.col(*_SESSION).first(),
            at.first().alias("started_at"),
            at.last().alias("last_at"),
            pl.col("end_at").max(),
            uses=pl.col("used").sum().cast(pl.Int64),
            account_id=pl.col("account_id").first(ignore_nulls=True),
        )
    )
    features = (
        events.select("number", "feature").drop_nulls().unique().sort("number", "feature")
        .group_by("number", maintain_order=True).agg(features=pl.col("feature").str.join(","))
    )  # fmt: skip
    return (
        sessions.join(features, on="number", how="left")
        .with_columns(
            date=pl.col("started_at").dt.date(),
            ended_at=pl.coalesce("end_at", "last_at"),
            end_seen=pl.col("end_at").is_not_null(),
        )
        .with_columns(duration_s=seconds(pl.col("ended_at") - pl.col("started_at")))
        .select(ServiceSessions.column_names())
        .sort("vehicle_id", "started_at", "service", "session_id")
    )
