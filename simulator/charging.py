"""Charging as charge points and vehicles report it in events, and the truth about sessions and batteries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.fleet import Fleet
from simulator.sessions import CURRENTS, INTERRUPTED, NEVER_MS, PLACES, REASONS, Sessions
from simulator.told import Lived, Told
from simulator.world import DAY_MS, day_ms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Steps of a session, in their order: event and instant.
_STEPS = (
    ("plugged", "plugged_ms"), ("started", "starts_ms"), ("stopped", "pauses_ms"), ("started", "resumes_ms"),
    ("stopped", "stops_ms"), ("unplugged", "unplugged_ms"),
)  # fmt: skip
EVENTS: dict[str, type[pl.DataType]] = {
    "vehicle": pl.Int64, "event_ms": pl.Int64, "event": pl.String, "sessionId": pl.String, "currentType": pl.String,
    "place": pl.String, "energy": pl.Float64, "power": pl.Float64, "stateOfCharge": pl.Float64, "reason": pl.String,
}  # fmt: skip
_TRUTH: dict[str, type[pl.DataType]] = {
    "vin": pl.String, "session_id": pl.String, "plugged_at": pl.Int64, "started_at": pl.Int64, "ended_at": pl.Int64,
    "unplugged_at": pl.Int64, "current_type": pl.String, "place": pl.String, "energy_in_kwh": pl.Float64,
    "energy_stored_kwh": pl.Float64, "soc_start_pct": pl.Float64, "soc_end_pct": pl.Float64,
    "power_max_kw": pl.Float64, "interruptions": pl.Int64, "interrupted": pl.Boolean, "end_reason": pl.String,
    "events_sent": pl.Boolean, "last_ms": pl.Int64,
}  # fmt: skip
_FLOWS, _PAUSED, _ENDED = (1, 3), 2, 4  # steps with power, and with a reason
_PAUSE_REASONS = ("load_management", "communication")
_NO_REASON = len(REASONS) + len(_PAUSE_REASONS)
_EVENT = pl.Series([event for event, _ in _STEPS])
_CURRENT, _PLACE, _REASON = pl.Series(CURRENTS), pl.Series(PLACES), pl.Series([*REASONS, *_PAUSE_REASONS, None])


@dataclass(frozen=True)
class Charging:
    """The concern of charging. It carries nothing: a session is decided when the vehicle is parked."""

    seed: int
    partition: int
    fleet: Fleet
    first_day: date

    @property
    def name(self) -> str:
        """Names it."""
        return "charging"

    def initial(self) -> pl.DataFrame:
        """Returns what it carries: nothing."""
        return pl.DataFrame()

    def live(self, day: date, state: pl.DataFrame, lived: Lived) -> Told:
        """Tells the events of the day, the sessions plugged in on it, and monthly how the batteries are."""
        begin_ms, parks = day_ms(day), lived.parks
        session, vehicle = parks.state.session, parks.vehicle
        touches = session.exists & (session.plugged_ms < begin_ms + DAY_MS) & (session.unplugged_ms >= begin_ms)
        here = np.flatnonzero(touches & (session.plugged_ms < parks.until_ms))
        found, of = session.take(here), vehicle[here]
        events = charging_events(found, of, lived.vin(of))
        inside = pl.col("event_ms").is_between(begin_ms, begin_ms + DAY_MS, closed="left")
        plugged = np.flatnonzero(found.plugged_ms >= begin_ms)
        truth = {"charging_sessions": sessions_truth(found.take(plugged), lived.vin(of[plugged]))}
        if day.day == 1 or day == lived.first_day:
            truth["battery"] = batteries_truth(lived.fleet, day, lived.capacity_kwh)
        return Told({"charging": events.filter(inside)}, truth, state)


def session_ids(session: Sessions, vin: pl.Series) -> pl.Series:
    """Returns the numbers of sessions: the vehicle's serial number and the second in which the cable went in."""
    names = pl.DataFrame({"vin": vin, "second": session.plugged_ms // 1000})
    return names.select(pl.format("CS-{}-{}", pl.col("vin").str.slice(11), "second")).to_series()


def charging_events(session: Sessions, vehicle: Ints, vin: pl.Series) -> pl.DataFrame:
    """Returns the events of sessions that report them, sorted by vehicle and time; columns as ``Told.events``.

    The energy is what the meter at the connector has counted in the session; an AC charge point in public does not know
    the state of charge.
    """
    at_ms = np.stack([getattr(session, instant) for _, instant in _STEPS])
    step, row = np.nonzero((at_ms < NEVER_MS) & session.reports)
    order = np.lexsort((at_ms[step, row], vehicle[row]))
    step, row = step[order], row[order]
    told, when = session.take(row), at_ms[step, row]
    energy = np.where(step > 0, np.round(told.stored_kwh(when) / told.efficiency, 3), np.nan)
    power = np.where(np.isin(step, _FLOWS), np.round(told.power_at(when) / told.efficiency, 2), np.nan)
    blind = (told.place == PLACES.index("public")) & (told.current == CURRENTS.index("AC"))
    paused = len(REASONS) + told.plugged_ms % len(_PAUSE_REASONS)
    reason = np.select([step == _PAUSED, step == _ENDED], [paused, told.reason], default=_NO_REASON)
    return pl.DataFrame(
        {
            "vehicle": vehicle[row],
            "event_ms": when,
            "event": _EVENT.gather(step),
            "sessionId": session_ids(session, vin).gather(row),
            "currentType": _CURRENT.gather(told.current),
            "place": _PLACE.gather(told.place),
            "energy": energy,
            "power": power,
            "stateOfCharge": np.where(blind, np.nan, np.round(told.soc_at(when), 1)),
            "reason": _REASON.gather(reason),
        },
        schema_overrides=EVENTS,
        nan_to_null=True,
    )


def sessions_truth(session: Sessions, vin: pl.Series) -> pl.DataFrame:
    """Returns what is true about sessions: the columns of ``truth/charging_sessions.parquet``, ``last_ms`` included.

    ``power_max_kw`` is at the connector; ``reported`` says where the session can be known from.
    """
    stored = session.stored_kwh(session.stops_ms)
    instants = {
        "plugged_at": session.plugged_ms, "started_at": session.starts_ms, "ended_at": session.stops_ms,
        "unplugged_at": session.unplugged_ms,
    }  # fmt: skip
    return pl.DataFrame(
        {
            "vin": vin,
            "session_id": session_ids(session, vin),
            **instants,
            "current_type": _CURRENT.gather(session.current),
            "place": _PLACE.gather(session.place),
            "energy_in_kwh": stored / session.efficiency,
            "energy_stored_kwh": stored,
            "soc_start_pct": session.soc,
            "soc_end_pct": session.soc_at(session.stops_ms),
            "power_max_kw": session.power_at(session.starts_ms) / session.efficiency,
            "interruptions": (session.pauses_ms < NEVER_MS).astype(np.int64),
            "interrupted": np.array(INTERRUPTED)[session.reason],
            "end_reason": _REASON.gather(session.reason),
            "events_sent": session.reports,
            "last_ms": session.unplugged_ms,
        },
        schema_overrides=_TRUTH,
    ).with_columns(pl.col(*instants).cast(pl.Datetime("ms")).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))


def batteries_truth(fleet: Fleet, day: date, capacity_kwh: Floats) -> pl.DataFrame:
    """Returns the usable capacity of the traction batteries that are on the road, today and as new."""
    rows = np.flatnonzero((fleet.battery_kwh > 0) & (fleet.delivered <= day.toordinal()))
    return pl.DataFrame(
        {
            "vin": fleet.vin_texts.gather(rows),
            "capacity_kwh": capacity_kwh[rows],
            "capacity_new_kwh": fleet.battery_kwh[rows],
        }
    ).select("vin", pl.lit(day).alias("date"), "capacity_kwh", "capacity_new_kwh")
