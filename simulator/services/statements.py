"""What the back office states about consents and subscriptions on a day.

Vehicles that are on the road when the simulation begins have a past. It is not told again step by step: on the first
day the back office states how each of their services stands.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.services.adoption import NEVER_MS, Fates
from simulator.world import DAY_MS

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

POLICY_VERSION = "2025-01"  # of the text that customers agree to

_SECOND_MS = 1000
_RENEWS_MS = 2 * 3_600_000  # after midnight of the last day that is paid
_EXPIRES_MS = 60 * _SECOND_MS  # after midnight
_BOOK_MS = 2 * _SECOND_MS  # after the first midnight: the registry has stated the vehicles by then

#: Columns of statements: ``cell`` is vehicle times services plus service; ``until`` the last day covered, since 1970.
SCHEMA = pl.Schema({
    "cell": pl.Int64, "event_ms": pl.Int64, "event": pl.String, "plan": pl.String, "until": pl.Int64,
})  # fmt: skip


def statements(fates: Fates, begin_ms: int) -> pl.DataFrame:
    """Returns the day's statements, unordered; columns as ``SCHEMA``.

    ``event`` is ``granted`` or ``withdrawn`` for a consent, else that of a subscription.

    Args:
        fates: what becomes of the services.
        begin_ms: beginning of the UTC day; on the first one the past is stated, before anything else happens.
    """
    first = begin_ms <= fates.opened_ms < begin_ms + DAY_MS
    parts = _steps(fates, begin_ms, fates.opened_ms if first else begin_ms)
    return pl.concat(parts + _past(fates, begin_ms) if first else parts)


def _rows(
    said: Flags, at_ms: Ints | int, event: str, plan: NDArray[np.str_] | str | None = None, until: Ints | None = None
) -> pl.DataFrame:
    cell = np.flatnonzero(said)
    at = np.broadcast_to(at_ms, said.shape).reshape(-1)[cell]
    plans = (
        pl.Series(plan.reshape(-1)[cell]) if isinstance(plan, np.ndarray) else pl.repeat(plan, len(cell), eager=True)
    )
    covered = pl.repeat(None, len(cell), eager=True) if until is None else pl.Series(until.reshape(-1)[cell])
    columns = {"cell": cell, "event_ms": at, "event": pl.repeat(event, len(cell), eager=True)}
    return pl.DataFrame(columns | {"plan": plans, "until": covered}).cast(SCHEMA)


def _paid_plan(fates: Fates) -> NDArray[np.str_]:
    return np.where(fates.period_days > 31, "annual", "monthly")


def _activated(fates: Fates, said: Flags, at_ms: Ints) -> list[pl.DataFrame]:
    free = said & fates.included
    return [_rows(free, at_ms, "activated", "included"), _rows(said & ~fates.included, at_ms, "activated")]


def _steps(f: Fates, begin: int, opened: int) -> list[pl.DataFrame]:
    """What happens on the day from ``opened`` on."""

    def today(at_ms: Ints) -> Flags:
        return (at_ms >= opened) & (at_ms < begin + DAY_MS) & (at_ms < f.withdrawn_ms)

    day = begin // DAY_MS
    trial_ms = np.where(f.trial_until >= 0, f.activated_ms + _SECOND_MS, NEVER_MS)
    paid_days = day - f.paid_from + 1
    ends_period = (paid_days > 0) & (day <= f.paid_until) & (paid_days % f.period_days == 0)
    renewed_ms = begin + _RENEWS_MS + _apart(f)
    expired_ms = begin + _EXPIRES_MS + _apart(f)
    trial_over = (f.trial_until + 1 == day) & (f.trial_until >= 0) & (f.paid_from > day)
    left = (f.paid_until + 1 == day) & (f.paid_until >= 0)
    gone = (f.withdrawn_ms >= opened) & (f.withdrawn_ms < begin + DAY_MS)
    plan, paid_until = _paid_plan(f), f.paid_from + f.period_days - 1
    return [
        _rows(today(f.consented_ms), f.consented_ms, "granted"),
        *_activated(f, today(f.activated_ms), f.activated_ms),
        _rows(today(f.activated_ms) & (f.trial_until >= 0), trial_ms, "trial_started", "trial", f.trial_until),
        _rows(today(f.paid_ms), f.paid_ms, "started", plan, paid_until),
        _rows(ends_period & (day < f.paid_until) & today(renewed_ms), renewed_ms, "renewed", plan, day + f.period_days),
        _rows(today(f.cancelled_ms), f.cancelled_ms, "cancelled", None, f.paid_until),
        _rows(trial_over & today(expired_ms), expired_ms, "expired", None, f.trial_until),
        _rows(left & today(expired_ms), expired_ms, "expired", None, f.paid_until),
        _rows(gone, f.withdrawn_ms, "withdrawn"),
        _rows(gone & (f.activated_ms < NEVER_MS), f.withdrawn_ms + 2 * _SECOND_MS, "deactivated"),
    ]


def _past(f: Fates, begin: int) -> list[pl.DataFrame]:
    """How the services stand that were decided on before the simulation began."""
    day, opened = begin // DAY_MS, f.opened_ms
    at = begin + _BOOK_MS + _apart(f)
    consents = (f.consented_ms < opened) & (f.withdrawn_ms >= opened)
    activated = (f.activated_ms < opened) & consents
    has_paid = f.paid_ms < opened
    pays = activated & has_paid & (f.paid_until >= day)
    tries = activated & (f.trial_until >= day)
    last_covered = np.where(has_paid, f.paid_until, f.trial_until)
    lapsed = activated & ~f.included & (last_covered + 1 < day)  # what ended yesterday is told by today's step
    paid_until = f.paid_from + f.period_days * ((day - f.paid_from) // f.period_days + 1) - 1
    return [
        _rows(consents, at, "granted"),
        *_activated(f, activated, at + _SECOND_MS),
        _rows(tries, at + 2 * _SECOND_MS, "trial_started", "trial", f.trial_until),
        _rows(pays, at + 2 * _SECOND_MS, "started", _paid_plan(f), paid_until),
        _rows(pays & (f.cancelled_ms < opened), at + 3 * _SECOND_MS, "cancelled", None, f.paid_until),
        _rows(lapsed, at + 2 * _SECOND_MS, "expired", None, last_covered),
    ]


def _apart(f: Fates) -> Ints:
    """So that the statements about a vehicle are not made in one instant: ms, under a minute."""
    vehicles, services = f.has.shape
    return np.arange(vehicles)[:, None] * 7919 % 1_000 + np.arange(services) * 5_003
