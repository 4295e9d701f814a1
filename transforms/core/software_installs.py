"""Over-the-air campaigns on vehicles. ``docs/core.md`` explains the rules."""

from __future__ import annotations

from datetime import date

import polars as pl

from lake.schemas.core import SoftwareInstalls
from transforms.core.events import begins, between, bounds, of_those, one_per_message, read_events

_TABLE = "raw.software_events"
_CAMPAIGN = ("vehicle_id", "campaign_id")
#: Steps of one moment happened in this order.
_CODES = {"step": ("targeted", "notified", "downloaded", "install_started", "failed", "rolled_back", "installed")}
_FAILURES = ("failed", "rolled_back")
_FIRST = {"targeted": "targeted_at", "downloaded": "downloaded_at", "install_started": "started_at"}


def software_installs(software_events: pl.LazyFrame | pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """The campaigns whose first step on a vehicle was on the days from ``first`` to ``last``.

    Args:
        software_events: rows of ``raw.software_events`` in any order, resends included, of all days there are, before
            and after: a campaign may take months to reach a vehicle.
        first: first UTC day.
        last: last UTC day, inclusive.

    Returns:
        Rows of ``core.software_installs``, sorted by (vehicle_id, campaign_id).
    """
    start, end = bounds(first, last)
    rows = read_events(software_events, _TABLE, ("from_version", "to_version", "reason"), _CODES)
    followed = of_those(rows, _CAMPAIGN, between(start, end))
    steps = one_per_message(followed, _TABLE, (*_CAMPAIGN, "event_at", "sequence", "step"))
    return _installs(steps).filter(pl.col("date").is_between(first, last))


def _installs(steps: pl.DataFrame) -> pl.DataFrame:
    at, step = pl.col("event_at"), pl.col("step")
    failed = step.is_in(_FAILURES)
    ends = failed | (step == "installed")
    return (
        steps.with_columns(
            *(pl.when(step == name).then(at).alias(column) for name, column in _FIRST.items()),
            finished_at=pl.when(ends).then(at),
            outcome=pl.when(ends).then(step.cast(pl.String)),
            # What fails and is then rolled back has failed once.
            fails=failed & (begins(*_CAMPAIGN) | (step == "failed") | (step.shift(1) != "failed")),
            reason=pl.when(failed).then("reason"),
        )
        .group_by(_CAMPAIGN, maintain_order=True)
        .agg(
            at.first().alias("first_step_at"),
            pl.col("from_version", "to_version").first(ignore_nulls=True),
            pl.col(*_FIRST.values()).min(),
            pl.col("finished_at").max(),
            starts=(step == "install_started").sum().cast(pl.Int64),
            failures=pl.col("fails").sum().cast(pl.Int64),
            outcome=pl.col("outcome").last(ignore_nulls=True).fill_null("pending"),
            reason=pl.col("reason").last(ignore_nulls=True),
        )
        .with_columns(
            date=pl.col("first_step_at").dt.date(),
            # A start can be lost; what ended had started.
            attempts=pl.max_horizontal(
                "starts", pl.col("failures") + (pl.col("outcome") == "installed").cast(pl.Int64)
            ),
        )
        .select(SoftwareInstalls.column_names())
        .sort(_CAMPAIGN)
    )
