"""One vehicle's days, read from the lake: what happened to it, what its signals said, what its battery holds.

The only way to data of a single vehicle that the dashboard has. It reads one vehicle at a time, at most
``LONGEST_DAYS`` days of it, and no signal that says where somebody is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.errors import QueryError
from lake.settings import Settings
from lake.signals import SIGNALS, Privacy, Signal
from lake.storage import Lake

if TYPE_CHECKING:
    from lake.tables import Table

LONGEST_DAYS = 92
"""Days that are read at once, at most."""
#: Signals that may be looked at, by their column.
READABLE: dict[str, Signal] = {s.column: s for s in SIGNALS if s.privacy in (Privacy.TECHNICAL, Privacy.BEHAVIOUR)}
_ID = re.compile(r"[0-9a-f]{32}")

#: Of each lane its table, the columns of beginning and end, and those that say what it was.
LANES: dict[str, tuple[str, str, str | None, tuple[str, ...]]] = {
    "trips": ("core.trips", "started_at", "ended_at",
              ("distance_km", "duration_s", "mean_speed_kmh", "energy_used_kwh", "fuel_used_l")),
    "charging": ("core.charging_sessions", "started_at", "ended_at",
                 ("current_type", "place", "energy_in_kwh", "soc_start_pct", "soc_end_pct", "interrupted")),
    "faults": ("core.fault_episodes", "set_at", "cleared_at",
               ("code", "ecu", "sets", "malfunction_lamp_on", "cleared_by", "software_version", "freeze_speed_kmh",
                "freeze_odometer_km", "freeze_engine_speed_rpm", "freeze_coolant_temperature_c",
                "freeze_ambient_temperature_c", "freeze_soc_pct", "freeze_lv_battery_voltage_v")),
    "commands": ("core.command_outcomes", "issued_at", None, ("command", "outcome", "reason", "latency_s")),
    "software": ("core.software_installs", "first_step_at", "finished_at",
                 ("from_version", "to_version", "outcome", "attempts", "reason")),
    "services": ("core.service_sessions", "started_at", "ended_at", ("service", "uses")),
    "workshop": ("core.workshop_visits", "arrived_at", "completed_at", ("reason", "codes", "parts")),
}  # fmt: skip
#: What began before the period may reach into it: a fault stays open, a charge goes over midnight.
_BACK = {"faults": LONGEST_DAYS, "workshop": LONGEST_DAYS, "software": LONGEST_DAYS}


@dataclass(frozen=True)
class Happening:
    """Something that happened to the vehicle.

    Attributes:
        lane: kind, as ``LANES`` names it.
        began_at: UTC.
        ended_at: UTC; ``None`` while it goes on, or for a moment.
        facts: by column, those that are known.
    """

    lane: str
    began_at: datetime
    ended_at: datetime | None
    facts: dict[str, Any]


@dataclass(frozen=True)
class Readings:
    """One signal over a period, thinned.

    Attributes:
        signal: which.
        at: when, in order.
        values: then; truth is 1 and 0.
        read: readings that these stand for.
        implausible: further readings, outside what the signal can be, that were left out.
    """

    signal: Signal
    at: tuple[datetime, ...]
    values: tuple[float, ...]
    read: int
    implausible: int


class OneVehicle:
    """Reads a vehicle at a time.

    Args:
        lake: the lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    @classmethod
    def of(cls, settings: Settings) -> OneVehicle:
        """The reader of the settings' lake.

        Raises:
            LakeError: there is no lake, or it cannot be reached.
        """
        return cls(Lake.open(settings, create=False))

    def described(self, vehicle: str, last: date) -> dict[str, Any] | None:
        """What it is and what it last said, as of a day or the newest before; ``None`` where nobody knows it."""
        mine = _of(vehicle, last, last)
        days = _table(self._lake, "core.vehicle_days").scan(last - timedelta(LONGEST_DAYS - 1), last, where=mine)
        told = days.select("date", "market", "model", "model_year", "powertrain", "software_version")
        newest = told.sort("date").tail(1).collect().to_dicts()
        latest = _table(self._lake, "core.latest").scan(where=mine).select("last_event_at", "odometer_km")
        said = latest.collect().to_dicts()
        if not newest and not said:
            return None
        found = {**(newest[0] if newest else {}), **(said[0] if said else {})}
        if newest:
            day = newest[0]["date"]
            registry = _table(self._lake, "core.vehicles").scan(day, day, where=mine)
            of_registry = registry.select("delivered_on", "months_in_service", "automation_level").collect().to_dicts()
            found |= of_registry[0] if of_registry else {}
        return found

    def happenings(self, vehicle: str, first: date, last: date) -> list[Happening]:
        """All that happened in a period, in order; also what began before and reached into it.

        Raises:
            QueryError: the period is longer than ``LONGEST_DAYS``.
        """
        mine, begin = _of(vehicle, first, last), datetime.combine(first, time(), UTC)
        found: list[Happening] = []
        for lane, (table, began, ended, facts) in LANES.items():
            rows = _table(self._lake, table).scan(first - timedelta(_BACK.get(lane, 1)), last, where=mine)
            for row in rows.select(*dict.fromkeys((began, *([ended] if ended else []), *facts))).collect().to_dicts():
                start, end = row[began], row[ended] if ended else None
                over = end if ended and end is not None else start
                is_open = lane in ("faults", "workshop") and end is None
                if start is not None and (over >= begin or is_open):
                    known = {name: row[name] for name in facts if row[name] is not None}
                    found.append(Happening(lane, start, end, known))
        return sorted(found, key=lambda one: (one.began_at, one.lane))

    def readings(
        self, vehicle: str, signals: Sequence[str], first: date, last: date, at_most: int
    ) -> tuple[Readings, ...]:
        """Signals over a period, each thinned to its lowest and highest reading in equal stretches of time.

        Args:
            vehicle: its pseudonym.
            signals: columns out of ``READABLE``.
            first: first UTC day.
            last: last UTC day, included.
            at_most: points of one signal.

        Raises:
            QueryError: the period is longer than ``LONGEST_DAYS``, or a signal is none that may be looked at.
        """
        if unknown := [name for name in signals if name not in READABLE]:
            raise QueryError("No signal that may be looked at", found=", ".join(unknown))
        mine = _of(vehicle, first, last)
        rows = _table(self._lake, "raw.telemetry").scan(first, last, where=mine).select("event_at", *signals)
        known = rows.collect()
        days = (datetime.combine(first, time(), UTC), datetime.combine(last + timedelta(1), time(), UTC))
        return tuple(_thinned(known, READABLE[name], days, at_most) for name in signals)

    def capacities(self, vehicle: str, first: date, last: date) -> list[dict[str, Any]]:
        """The estimates of its traction battery's usable capacity in a period, in order.

        Raises:
            QueryError: the period is longer than ``LONGEST_DAYS``.
        """
        rows = _table(self._lake, "core.battery_health").scan(first, last, where=_of(vehicle, first, last))
        wanted = ("date", "capacity_kwh", "capacity_low_kwh", "capacity_high_kwh", "capacity_new_kwh", "sessions")
        return rows.select(wanted).sort("date").collect().to_dicts()


@cache
def is_pseudonym(text: str) -> bool:
    """The text is formed as the pseudonym of a vehicle."""
    return _ID.fullmatch(text) is not None


def _table(lake: Lake, name: str) -> Table:
    """A table of the lake. What reads Delta is slow to import, and few look at a vehicle."""
    from lake.tables import open_table

    return open_table(lake, name)


def _of(vehicle: str, first: date, last: date) -> pl.Expr:
    """The condition that lets one vehicle through.

    Raises:
        QueryError: it is none, or the period is too long.
    """
    if not is_pseudonym(vehicle):
        raise QueryError("No vehicle", found="another text", expected="a pseudonym of 32 digits and letters a to f")
    if (last - first).days >= LONGEST_DAYS:
        days = f"{(last - first).days + 1} days"
        raise QueryError("Too many days of one vehicle", found=days, expected=f"at most {LONGEST_DAYS}")
    return pl.col("vehicle_id") == vehicle


def _thinned(rows: pl.DataFrame, signal: Signal, days: tuple[datetime, datetime], at_most: int) -> Readings:
    """The lowest and the highest reading of each of as many stretches as there may be pairs of points."""
    said = rows.select("event_at", pl.col(signal.column).cast(pl.Float64).alias("value")).drop_nulls()
    within = pl.lit(True)
    if signal.low is not None and signal.high is not None:
        within = pl.col("value").is_between(signal.low, signal.high)
    known = said.filter(within & pl.col("value").is_finite()).sort("event_at", "value")
    drawn = known
    if known.height > at_most:
        stretch_us = (days[1] - days[0]) / timedelta(microseconds=1) / (at_most // 2)
        since_us = (pl.col("event_at") - days[0]).dt.total_microseconds()
        placed = known.with_columns((since_us / stretch_us).floor().alias("place"))
        low = placed.group_by("place").agg(pl.all().sort_by("value", "event_at").first())
        high = placed.group_by("place").agg(pl.all().sort_by("value", "event_at").last())
        drawn = pl.concat([low, high]).select("event_at", "value").unique().sort("event_at", "value")
    return Readings(signal, tuple(drawn["event_at"]), tuple(drawn["value"]), known.height, said.height - known.height)
