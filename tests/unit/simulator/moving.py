"""Days of a fleet as it drives, charges and automates: its messages in columns, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl

from simulator.automation import Automation
from simulator.charging import Charging
from simulator.days import Days, trips_truth
from simulator.energy import State
from simulator.events import concat
from simulator.failures.signs import healthy
from simulator.fleet import Fleet, make_fleet
from simulator.messages import driving_messages, resting_messages
from simulator.told import Lived
from simulator.world import MARKET_WEIGHTS

FIRST_DAY = date(2026, 2, 20)
CADENCE_S, VEHICLES, DAYS, SEED = 10, 260, 8, 11


@dataclass(frozen=True)
class Story:
    """What a fleet has sent and what is true.

    Attributes:
        fleet: the vehicles.
        days: how they live.
        telemetry: messages by vehicle and time, columns of ``events.FIELDS`` in the units of ``encoding.BODY``.
        trips: truth, with ``vehicle`` and ``trip``, its number, in the order of vehicle and time.
        sessions: truth, with ``vehicle``.
        batteries: truth.
        segments: truth, with ``vehicle``.
        charging: events.
        automation: events.
        state: of the vehicles at the end.
    """

    fleet: Fleet
    days: Days
    telemetry: pl.DataFrame
    trips: pl.DataFrame
    sessions: pl.DataFrame
    batteries: pl.DataFrame
    segments: pl.DataFrame
    charging: pl.DataFrame
    automation: pl.DataFrame
    state: State

    def driven(self) -> pl.DataFrame:
        """Returns the messages of trips, with the columns of their trip."""
        trips = self.trips.with_columns(pl.col("started_at", "ended_at").dt.epoch("ms"))
        joined = self.telemetry.sort("event_ms").join_asof(
            trips.sort("started_at"), left_on="event_ms", right_on="started_at", by="vehicle", check_sortedness=False
        )
        return joined.filter(pl.col("event_ms") <= pl.col("ended_at")).sort("trip", "event_ms")


@cache
def story() -> Story:
    """Lives the days, once for all tests."""
    fleet = make_fleet(SEED, VEHICLES, 0, 1, FIRST_DAY, tuple(sorted(MARKET_WEIGHTS)))
    days = Days(SEED, 0, fleet, FIRST_DAY, CADENCE_S)
    state, signs = days.initial_state(), healthy(len(fleet))
    concerns = {"charging": Charging(SEED, 0, fleet, FIRST_DAY), "automation": Automation(SEED, 0, fleet, FIRST_DAY)}
    tables = ("trips", "charging_sessions", "battery", "automation_segments", "charging", "automation")
    sent, parts = [], {name: list[pl.DataFrame]() for name in tables}
    for day in (FIRST_DAY + timedelta(days=k) for k in range(DAYS)):
        moved = days.move(day, state)
        lived = Lived(
            seed=SEED, partition=0, first_day=FIRST_DAY, day=day, cadence_s=CADENCE_S, fleet=fleet, traits=days.traits,
            state=state, **{f.name: getattr(moved, f.name) for f in fields(moved)},
        )  # fmt: skip
        sent += [
            driving_messages(fleet, moved.legs, moved.driven, moved.used, moved.start, moved.outside_c, CADENCE_S,
                             days.traits, signs),
            resting_messages(fleet, days.traits, moved.parks, day, moved.weather, signs),
        ]  # fmt: skip
        parts["trips"].append(trips_truth(fleet, moved, CADENCE_S))
        for concern in concerns.values():
            told = concern.live(day, pl.DataFrame(), lived)
            for name, frame in {**told.events, **told.truth}.items():
                parts[name].append(frame)
    vehicle = pl.DataFrame({"vin": fleet.vins, "vehicle": np.arange(len(fleet))})
    of = {name: pl.concat(frames) for name, frames in parts.items()}
    numbered = {name: frame.join(vehicle, on="vin") for name, frame in of.items() if "vin" in frame.columns}
    return Story(
        fleet=fleet,
        days=days,
        telemetry=pl.DataFrame(concat(sent).columns).sort("vehicle", "event_ms"),
        trips=numbered["trips"].sort("vehicle", "started_at").with_row_index("trip"),
        sessions=numbered["charging_sessions"].sort("vehicle", "plugged_at"),
        batteries=numbered["battery"],
        segments=numbered["automation_segments"].sort("vehicle", "engaged_at"),
        charging=of["charging"].sort("vehicle", "event_ms"),
        automation=of["automation"].sort("vehicle", "event_ms"),
        state=state,
    )
