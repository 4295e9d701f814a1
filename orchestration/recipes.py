"""How each table is computed: its inputs, how far they reach, and the pure function or SQL file that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from math import ceil

import polars as pl

from metrics import KpiTable, load_contracts
from orchestration.staleness import Reach
from transforms.core.activity import DAYS, activity
from transforms.core.arrivals import arrivals
from transforms.core.automation import AutomationRules, automation_segments
from transforms.core.charging import ChargingRules, HealthRules, battery_health, charging_sessions, plug_ins
from transforms.core.command_outcomes import CommandRules, command_outcomes
from transforms.core.doubts import doubts
from transforms.core.fault_episodes import fault_episodes
from transforms.core.implausible_values import implausible_values
from transforms.core.latest import latest
from transforms.core.service_sessions import SessionRules, service_sessions
from transforms.core.software_installs import software_installs
from transforms.core.subscription_days import subscription_days
from transforms.core.trips import TripRules, trips
from transforms.core.vehicle_conditions import vehicle_conditions
from transforms.core.vehicle_days import DayRules, vehicle_days
from transforms.core.vehicles import vehicles
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.workshop_visits import workshop_visits
from transforms.kpi import run_kpi

#: Reads days of an input: its name, the first day and the last; without an end where ``None``.
Read = Callable[[str, date | None, date | None], pl.LazyFrame]
Compute = Callable[[Read, date, date], pl.DataFrame]


@dataclass(frozen=True)
class Recipe:
    """One table.

    Attributes:
        table: its name.
        inputs: what it reads and how far around a day.
        compute: rows of the days from first to last, from a reader of the inputs.
        by_vehicle: a vehicle's rows depend on no other vehicle: it can be computed some vehicles at a time.
        folds: it is not partitioned by day: days are folded into what is there.
        definition: names the query that computes it, so that another computes all days anew; empty where a release
            says what must be computed anew.
    """

    table: str
    inputs: Mapping[str, Reach]
    compute: Compute
    by_vehicle: bool = True
    folds: bool = False
    definition: str = ""


def _of_days(function: Callable[..., pl.DataFrame], inputs: Mapping[str, Reach]) -> Compute:
    """Gives a function what each input has of the days that it needs, in the order of the inputs."""

    def compute(read: Read, first: date, last: date) -> pl.DataFrame:
        frames = (read(name, *reach.window(first, last)) for name, reach in inputs.items())
        return function(*frames, first, last)

    return compute


def _around(back: timedelta, forward: timedelta) -> Reach:
    """The whole days before and after a day that lie in what rules look at."""
    day = timedelta(days=1)
    return Reach(back=ceil(back / day), forward=ceil(forward / day))


def _core(name: str, function: Callable[..., pl.DataFrame], inputs: Mapping[str, Reach]) -> Recipe:
    return Recipe(f"core.{name}", inputs, _of_days(function, inputs))


def _charging_sessions(
    telemetry: pl.LazyFrame, events: pl.LazyFrame, driven: pl.LazyFrame, first: date, last: date
) -> pl.DataFrame:
    return charging_sessions(telemetry, events, first, last, trips=driven)


def _latest(read: Read, first: date, last: date) -> pl.DataFrame:
    return latest(read("core.latest", None, None).collect(), read("raw.telemetry", first, last))


def _kpi(name: str, reaches: Mapping[str, Reach], read: Read, first: date, last: date) -> pl.DataFrame:
    frames = {source: read(source, *reach.window(first, last)) for source, reach in reaches.items()}
    return run_kpi(load_contracts().table(name).sql, frames, first, last)


_TRIPS = _around(TripRules().context + WitnessRules().context, TripRules().context + WitnessRules().context)
_DAYS = _around(DayRules().context, timedelta())
_CHARGING = _around(ChargingRules().back, ChargingRules().forward)
_DRIVES = Reach(back=_CHARGING.back + 1, forward=_CHARGING.forward)
_PLUGS = _around(ChargingRules().plug_back, ChargingRules().plug_forward)
_HEALTH = _around(HealthRules().context, timedelta())
_COMMANDS = _around(CommandRules().back, CommandRules().forward)
_SESSIONS = _around(SessionRules().back, SessionRules().forward)
_SEGMENTS = _around(AutomationRules().context, AutomationRules().context)
_ONWARD, _THROUGHOUT = Reach(onward=True), Reach(throughout=True)
_DELIVERED = Reach(onward=True, from_delivery=True)

#: Inputs stand in the order in which the function takes them.
CORE: tuple[Recipe, ...] = (
    _core("vehicles", vehicles, {"raw.vehicles": _DELIVERED, "raw.software_events": _ONWARD}),
    _core("trips", trips, {"raw.telemetry": _TRIPS}),
    _core("vehicle_days", vehicle_days, {"raw.telemetry": _DAYS, "core.trips": _DAYS, "core.vehicles": Reach()}),
    _core("arrivals", arrivals, {"raw.telemetry": Reach()}),
    _core("implausible_values", implausible_values, {"raw.telemetry": Reach()}),
    _core("vehicle_conditions", vehicle_conditions, {"raw.telemetry": Reach()}),
    Recipe("core.latest", {"raw.telemetry": Reach()}, _latest, folds=True),
    _core(
        "charging_sessions",
        _charging_sessions,
        {"raw.telemetry": _CHARGING, "raw.charging_events": _CHARGING, "core.trips": _DRIVES},
    ),
    _core("doubts", doubts, {"raw.telemetry": _TRIPS, "core.charging_sessions": Reach()}),
    _core("plug_ins", plug_ins, {"raw.charging_events": _PLUGS, "core.charging_sessions": _PLUGS}),
    _core("battery_health", battery_health, {"core.charging_sessions": _HEALTH, "core.vehicles": Reach()}),
    _core("automation_segments", automation_segments, {"raw.automation_events": _SEGMENTS, "raw.telemetry": _SEGMENTS}),
    _core("fault_episodes", fault_episodes, {"raw.faults": _THROUGHOUT}),
    _core("software_installs", software_installs, {"raw.software_events": _THROUGHOUT}),
    _core("workshop_visits", workshop_visits, {"raw.workshop_visits": _THROUGHOUT}),
    _core("command_outcomes", command_outcomes, {"raw.commands": _COMMANDS}),
    _core("service_sessions", service_sessions, {"raw.service_events": _SESSIONS}),
    _core("activity", activity, {"core.vehicle_days": Reach(back=DAYS - 1)}),
    _core(
        "subscription_days",
        subscription_days,
        {"core.vehicles": Reach(), "raw.subscriptions": _ONWARD, "raw.consents": _ONWARD},
    ),
)


def recipes() -> tuple[Recipe, ...]:
    """Every table that is computed, each after what it reads."""
    return CORE + tuple(map(_of_kpi, load_contracts().tables))


def _of_kpi(table: KpiTable) -> Recipe:
    reaches = {name: Reach(**reach.model_dump()) for name, reach in table.inputs.items()}
    definition = sha256("\n".join((table.sql, *table.columns)).encode()).hexdigest()[:16]
    return Recipe(table.table, reaches, partial(_kpi, table.table, reaches), by_vehicle=False, definition=definition)
