"""Remote commands and how they ended. ``docs/core.md`` draws the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from lake.schemas.core import CommandOutcomes
from transforms.core.events import begins, between, bounds, last_where, of_those, one_per_message, read_events, seconds

_TABLE = "raw.commands"
_COMMAND = ("vehicle_id", "command_id")
_DETAILS = ("command", "channel", "account_id", "client_country")
#: Steps of one moment happened in this order.
_CODES = {"status": ("issued", "acknowledged", "succeeded", "failed", "expired")}
#: Of steps that contradict each other the first of these counts.
_FINAL = ("succeeded", "failed", "expired")


@dataclass(frozen=True)
class CommandRules:
    """The parameters of command outcomes. Times in s.

    Attributes:
        limit_s: what is not answered within this time of being issued is unanswered; the same command issued again
            after it is another. Platforms give a parked vehicle up to a day to wake up.
        clock_s: a step this long before the issue, or after the limit, still belongs to it: a step carries the
            vehicle's clock, an issue that of the platform, and a platform takes a moment to find that time is up.
    """

    limit_s: float = 86_400.0
    clock_s: float = 600.0

    def __post_init__(self) -> None:
        if not 0 <= self.clock_s < self.limit_s:
            raise ValueError("limit_s and clock_s are numbers of seconds, the second less than the first")

    @property
    def back(self) -> timedelta:
        """How far before a day steps matter to the commands issued in it."""
        return timedelta(seconds=self.limit_s + 2 * self.clock_s)

    @property
    def forward(self) -> timedelta:
        """How far after a day steps matter to the commands issued in it."""
        return timedelta(seconds=self.limit_s + self.clock_s)


def command_outcomes(
    commands: pl.LazyFrame | pl.DataFrame, first: date, last: date, rules: CommandRules | None = None
) -> pl.DataFrame:
    """The remote commands issued on the days from ``first`` to ``last``.

    They are the same whatever range of days they are asked for in: a command depends on the steps of ``rules.back``
    before and ``rules.forward`` after its day.

    Args:
        commands: rows of ``raw.commands`` in any order, resends included, of at least these days.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.command_outcomes``, sorted by (vehicle_id, issued_at, command_id).
    """
    rules = rules or CommandRules()
    start, end = bounds(first, last)
    rows = read_events(commands, _TABLE, (*_DETAILS, "reason"), _CODES).filter(
        between(start - rules.back, end + rules.forward)
    )
    followed = of_those(rows, _COMMAND, between(start, end))
    steps = one_per_message(followed, _TABLE, (*_COMMAND, "event_at", "status"))
    return _outcomes(_numbered(steps, rules)).filter(pl.col("date").is_between(first, last))


def _numbered(steps: pl.DataFrame, rules: CommandRules) -> pl.DataFrame:
    """The steps that belong to a command, with its number; sorted by (vehicle, command, time) as they come.

    A command opens with an issue before which no other was seen within the limit, or, where that was lost, with a step
    before which none was seen. An issue that follows the latter within ``clock_s`` belongs to it.
    """
    limit, clock = timedelta(seconds=rules.limit_s), timedelta(seconds=rules.clock_s)
    at, is_issue, is_first = pl.col("event_at"), pl.col("status") == "issued", begins(*_COMMAND)
    issued_before = last_where(is_issue, at, is_first).shift(1)
    again = ~is_first & (at - issued_before <= limit)
    lost = ~is_issue & (is_first | (at - at.shift(1) > limit + clock))
    early = at - last_where(pl.col("lost"), at, pl.col("is_first")) <= clock
    issues = is_issue & ~pl.col("again").fill_null(value=False) & ~early.fill_null(value=False)
    return (
        steps.with_columns(is_first=is_first, lost=lost, again=again)
        .with_columns(opens=pl.col("lost") | issues)
        .with_columns(number=pl.col("opens").cum_sum(), opened_at=pl.when("opens").then(at).forward_fill())
        .filter(at - pl.col("opened_at") <= limit + clock)
    )


def _outcomes(steps: pl.DataFrame) -> pl.DataFrame:
    at, status = pl.col("event_at"), pl.col("status")
    ends = [f"{name}_at" for name in _FINAL]
    latency = seconds(pl.col("finished_at") - pl.col("issued_at"))
    return (
        steps.with_columns(
            *(pl.when(status == name).then(at).alias(f"{name}_at") for name in ("issued", "acknowledged", *_FINAL)),
            *(pl.when(status == name).then("reason").alias(f"{name}_reason") for name in _FINAL[1:]),
        )
        .group_by("number", maintain_order=True)
        .agg(
            pl.col(*_COMMAND).first(),
            at.first().alias("opened_at"),
            pl.col("issued_at", "acknowledged_at", *ends).min(),
            pl.col(*_DETAILS, "failed_reason", "expired_reason").first(ignore_nulls=True),
        )
        .with_columns(
            issue_seen=pl.col("issued_at").is_not_null(),
            issued_at=pl.coalesce("issued_at", "opened_at"),
            finished_at=pl.coalesce(ends),
            outcome=pl.coalesce(
                *(
                    pl.when(pl.col(end).is_not_null()).then(pl.lit(name))
                    for name, end in zip(_FINAL, ends, strict=True)
                ),
                pl.lit("unanswered"),
            ),
        )
        .with_columns(
            date=pl.col("issued_at").dt.date(),
            reason=pl.coalesce(pl.when(pl.col("outcome") == name).then(f"{name}_reason") for name in _FINAL[1:]),
            # A clock that is behind the platform's would make it negative: then nobody knows.
            latency_s=pl.when("issue_seen", latency >= 0).then(latency),
        )
        .select(CommandOutcomes.column_names())
        .sort("vehicle_id", "issued_at", "command_id")
    )
