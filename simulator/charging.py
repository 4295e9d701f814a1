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

#: Steps of a session, in their order: event, the instant, and whether it ends charging.
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
_PAUSED, _ENDED = 2, 4  # steps with a reason
_PAUSE_REASONS = ("load_management", "communication")


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
    rows = np.flatnonzero(session.reports)
    told, numbers = session.take(rows), session_ids(session, vin).gather(rows)
    names = {name: pl.Series(values) for name, values in (("c", CURRENTS), ("p", PLACES), ("r", REASONS))}
    knows_soc = (told.place != PLACES.index("public")) | (told.current == CURRENTS.index("DC"))
    parts = []
    for step, (event, instant) in enumerate(_STEPS):
        at_ms = getattr(told, instant)
        reason = names["r"].gather(told.reason) if step == _ENDED else _pause_reasons(told, step)
        flows = event == "started"
        metered = step > 0
        parts.append(
            pl.DataFrame(
                {
                    "vehicle": vehicle[rows],
                    "event_ms": at_ms,
                    "event": pl.repeat(event, len(rows), eager=True),
                    "sessionId": numbers,
                    "currentType": names["c"].gather(told.current),
                    "place": names["p"].gather(told.place),
                    "energy": np.round(told.stored_kwh(at_ms) / told.efficiency, 3) if metered else None,
                    "power": np.round(told.power_at(at_ms) / told.efficiency, 2) if flows else None,
                    "stateOfCharge": pl.Series(np.round(told.soc_at(at_ms), 1)).zip_with(
                        pl.Series(knows_soc), pl.Series([None], dtype=pl.Float64).new_from_index(0, len(rows))
                    ),
                    "reason": reason,
                },
                schema_overrides=EVENTS,
            )
        )
    return pl.concat(parts).filter(pl.col("event_ms") < NEVER_MS).sort("vehicle", "event_ms")


def _pause_reasons(session: Sessions, step: int) -> pl.Series | None:
    if step != _PAUSED:
        return None
    return pl.Series(_PAUSE_REASONS).gather(session.plugged_ms % len(_PAUSE_REASONS))


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
            "current_type": pl.Series(CURRENTS).gather(session.current),
            "place": pl.Series(PLACES).gather(session.place),
            "energy_in_kwh": stored / session.efficiency,
            "energy_stored_kwh": stored,
            "soc_start_pct": session.soc,
            "soc_end_pct": session.soc_at(session.stops_ms),
            "power_max_kw": session.power_at(session.starts_ms) / session.efficiency,
            "interruptions": (session.pauses_ms < NEVER_MS).astype(np.int64),
            "interrupted": np.array(INTERRUPTED)[session.reason],
            "end_reason": pl.Series(REASONS).gather(session.reason),
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
