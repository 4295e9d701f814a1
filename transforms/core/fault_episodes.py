"""Fault episodes: from the moment a code is set to the moment it stays cleared. ``docs/core.md`` draws the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from lake.schemas.core import FaultEpisodes
from transforms.core.events import begins, between, bounds, of_those, one_per_message, read_events, seconds

_TABLE = "raw.faults"
_FAULT = ("vehicle_id", "code")
_FREEZE_FRAME = (
    "ecu", "malfunction_lamp_on", "software_version", "freeze_speed_kmh", "freeze_odometer_km",
    "freeze_engine_speed_rpm", "freeze_coolant_temperature_c", "freeze_ambient_temperature_c", "freeze_soc_pct",
    "freeze_lv_battery_voltage_v",
)  # fmt: skip
#: Of one moment, without numbers to tell: a fault that is cleared and set is there.
_CODES = {"status": ("cleared", "set")}


@dataclass(frozen=True)
class FaultRules:
    """The parameter of fault episodes.

    Attributes:
        flap_s: a code that is set again within this time (s) of being cleared has flapped: the episode goes on. A day
            covers a fault that shows once per drive.
    """

    flap_s: float = 86_400.0

    def __post_init__(self) -> None:
        if not self.flap_s >= 0:
            raise ValueError("flap_s is a number of seconds, 0 or more")


def fault_episodes(
    faults: pl.LazyFrame | pl.DataFrame, first: date, last: date, rules: FaultRules | None = None
) -> pl.DataFrame:
    """The fault episodes that start on the days from ``first`` to ``last``.

    An episode may have begun long before its code is cleared, and what came before decides whether it is new: each
    (vehicle, code) is followed through its whole history.

    Args:
        faults: rows of ``raw.faults`` in any order, resends included, of all days there are, before and after.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.fault_episodes``, sorted by (vehicle_id, set_at, code). Every message that sets a code is in
        exactly one episode.
    """
    rules = rules or FaultRules()
    start, end = bounds(first, last)
    rows = read_events(faults, _TABLE, (*_FREEZE_FRAME, "cleared_by"), _CODES)
    followed = of_those(rows, _FAULT, (pl.col("status") == "set") & between(start, end))
    messages = one_per_message(followed, _TABLE, (*_FAULT, "event_at", "sequence"))
    return _episodes(_with_state(messages), timedelta(seconds=rules.flap_s)).filter(
        pl.col("date").is_between(first, last)
    )


def _with_state(messages: pl.DataFrame) -> pl.DataFrame:
    """Whether the fault is there after each message: some control unit has set its code and not cleared it.

    *cleared* without a unit is said of all, and *set* without one is cleared by any.
    """
    sets, unit = pl.col("status") == "set", pl.col("ecu")
    own = [*_FAULT, "all_clear", "ecu"]
    nameless = pl.when(sets & unit.is_null()).then(1).when(~sets).then(0)
    return (
        messages.with_columns(sets=sets, all_clear=(~sets & unit.is_null()).cum_sum().over(_FAULT))
        .with_columns(rises=pl.col("sets").cast(pl.Int32) - pl.col("sets").shift(1, fill_value=False).over(own))
        .with_columns(
            named=pl.when(unit.is_not_null()).then("rises").otherwise(0).cum_sum().over([*_FAULT, "all_clear"]),
            nameless=nameless.forward_fill().over(_FAULT).fill_null(0),
        )
        .with_columns(is_set=pl.col("named") + pl.col("nameless") > 0)
        .drop("sets", "all_clear", "rises", "named", "nameless")
    )


def _episodes(messages: pl.DataFrame, flap: timedelta) -> pl.DataFrame:
    """All episodes of the faults in ``messages``, which are sorted by (vehicle, code, time) and have ``is_set``."""
    is_set, at = pl.col("is_set"), pl.col("event_at")
    turns = begins(*_FAULT, "is_set")
    cleared_for = at - pl.col("turned_at").shift(1)
    return (
        # Runs of one state; a run that clears what was never set opens nothing.
        messages.with_columns(turns=turns, is_first=pl.when(turns).then(begins(*_FAULT)).forward_fill())
        .filter(is_set | ~pl.col("is_first"))
        .with_columns(turned_at=pl.when("turns").then(at).forward_fill())
        .with_columns(opens=is_set & pl.col("turns") & (begins(*_FAULT) | (cleared_for > flap)))
        .group_by(pl.col("opens").cum_sum(), maintain_order=True)
        .agg(
            pl.col(*_FAULT).first(),
            pl.col(*_FREEZE_FRAME).first(),
            at.first().alias("set_at"),
            cleared=~is_set.last(),
            cleared_at=pl.col("turned_at").last(),
            cleared_by=pl.col("cleared_by").filter(~is_set, "turns").last(),
            sets=(is_set & pl.col("turns")).sum().cast(pl.Int64),
        )
        .with_columns(pl.when("cleared").then(pl.col(name)).alias(name) for name in ("cleared_at", "cleared_by"))
        .with_columns(date=pl.col("set_at").dt.date(), duration_s=seconds(pl.col("cleared_at") - pl.col("set_at")))
        .select(FaultEpisodes.column_names())
        .sort("vehicle_id", "set_at", "code")
    )
