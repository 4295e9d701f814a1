"""How the services of a partition stand, as of the end of a day: what the statements and uses so far amount to."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.services.offers import OFFERS, SERVICES
from simulator.services.usage import instants
from simulator.told import Lived
from simulator.world import DAY_MS

Ints = NDArray[np.int64]

_TIMES = ("consented_at", "activated_at", "first_used_at", "cancelled_at", "deactivated_at", "withdrawn_at")
_DAYS = ("trial_from", "trial_until", "paid_from", "ended_on")

#: Columns of the state: times in ms and days, both since 1970, -1 where nothing is known.
COLUMNS = (*_TIMES, *_DAYS, "renewals")


def opening(vehicles: int) -> pl.DataFrame:
    """Returns the state of services of which nothing has been said: one row per vehicle and service, vehicle first."""
    nothing = np.full(vehicles * len(OFFERS), -1, dtype=np.int64)
    return pl.DataFrame({name: nothing if name != "renewals" else np.zeros_like(nothing) for name in COLUMNS})


def carried(state: pl.DataFrame, said: pl.DataFrame, used: pl.DataFrame) -> tuple[pl.DataFrame, Ints]:
    """Returns the state after a day, and the rows of it that the day has changed.

    Args:
        state: before the day.
        said: the day's statements, columns as ``statements.SCHEMA``.
        used: the day's uses, columns as ``usage.SCHEMA``.
    """
    now = {name: state[name].to_numpy().copy() for name in COLUMNS}
    steps = {event: rows for (event,), rows in said.sort("event_ms").partition_by("event", as_dict=True).items()}

    def step(event: str) -> tuple[Ints, Ints, Ints]:
        rows = steps.get(event, said.head(0))
        return rows["cell"].to_numpy(), rows["event_ms"].to_numpy(), rows["until"].fill_null(-1).to_numpy()

    for event, name in (
        ("granted", "consented_at"), ("activated", "activated_at"), ("withdrawn", "withdrawn_at"),
        ("deactivated", "deactivated_at"), ("cancelled", "cancelled_at"),
    ):  # fmt: skip
        cell, at, _ = step(event)
        now[name][cell] = at
    cell, at, until = step("trial_started")
    now["trial_from"][cell], now["trial_until"][cell] = at // DAY_MS, until
    cell, _, until = step("expired")
    now["ended_on"][cell] = until
    cell, at, _ = step("started")  # after an expiry, if both are said on one day
    now["paid_from"][cell], now["ended_on"][cell] = at // DAY_MS, -1
    now["renewals"][step("renewed")[0]] += 1
    cell, at, _ = step("deactivated")
    now["ended_on"][cell] = np.where(now["ended_on"][cell] < 0, at // DAY_MS, now["ended_on"][cell])
    first = used.group_by(cell=pl.col("vehicle") * len(OFFERS) + pl.col("service")).agg(pl.col("start_ms").min())
    cell = first["cell"].to_numpy()
    new = now["first_used_at"][cell] < 0
    now["first_used_at"][cell[new]] = first["start_ms"].to_numpy()[new]
    changed = np.union1d(said["cell"].to_numpy(), cell[new])
    return pl.DataFrame(now), changed


def truth(lived: Lived, has: NDArray[np.bool_], state: pl.DataFrame, changed: Ints) -> pl.DataFrame:
    """Returns rows of the truth table ``services``: those that changed, and those of vehicles new to the fleet.

    Args:
        lived: the day.
        has: which services the vehicles have, shape (vehicles, services).
        state: as of the end of the day.
        changed: rows of it that changed.
    """
    delivered, today = lived.fleet.delivered, lived.day.toordinal()
    new = (delivered <= today) if lived.day == lived.first_day else (delivered == today)
    cell = np.union1d(changed, np.flatnonzero(has & new[:, None])).astype(np.int64)
    rows = state[cell].with_columns(pl.when(pl.col(name) >= 0).then(name).alias(name) for name in (*_TIMES, *_DAYS))
    return rows.select(
        lived.vin(cell // len(OFFERS)),
        pl.Series("service", SERVICES, dtype=pl.String).gather(cell % len(OFFERS)),
        pl.lit(value=True).alias("equipped"),
        *(instants(name).alias(name) for name in ("consented_at", "activated_at", "first_used_at")),
        *(pl.from_epoch(name, time_unit="d").alias(name) for name in ("trial_from", "trial_until", "paid_from")),
        "renewals",
        instants("cancelled_at"),
        pl.from_epoch("ended_on", time_unit="d"),
        *(instants(name).alias(name) for name in ("deactivated_at", "withdrawn_at")),
    )
