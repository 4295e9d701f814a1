"""Driving automation as vehicles report it in events: engaged, takeover requested, disengaged; and the truth of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.driving import Drive
from simulator.fleet import Fleet
from simulator.segments import Segments
from simulator.streams import Purpose
from simulator.told import Lived, Told

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INITIATORS = ("driver", "system")
EVENTS: dict[str, type[pl.DataType]] = {
    "vehicle": pl.Int64, "event_ms": pl.Int64, "event": pl.String, "level": pl.Int64, "initiator": pl.String,
    "reason": pl.String, "speed": pl.Float64, "odometer": pl.Float64,
}  # fmt: skip
_TRUTH: dict[str, type[pl.DataType]] = {
    "vin": pl.String, "engaged_at": pl.Int64, "disengaged_at": pl.Int64, "level": pl.Int64, "distance_km": pl.Float64,
    "ended_by": pl.String, "reason": pl.String, "takeover_requests": pl.Int64, "last_ms": pl.Int64,
}  # fmt: skip
_BY_DRIVER = ("driver_override", "destination", "lane_change", "comfort")
_BY_SYSTEM = ("speed", "lane_markings", "weather", "construction_zone", "sensor_blocked")
_REASONS = (*_BY_DRIVER, *_BY_SYSTEM)
_REQUESTED = np.array([0, 0, 0.14, 0.5])  # share of the stretches that end after a request to take over, by level
_SYSTEM_ENDS = 0.25  # share of the other stretches that the system ends
_NOTICE_S = 10  # from the request to the disengagement, at least
_TAKES_LONG = 0.25  # share of the requests that take another sample


@dataclass(frozen=True)
class Ends:
    """How stretches with automation end, one array element each.

    Attributes:
        request: sample at which the driver is asked to take over; -1 if not.
        initiator: index into ``INITIATORS``: who disengages.
        reason: index into the reasons.
    """

    request: Ints
    initiator: Ints
    reason: Ints


@dataclass(frozen=True)
class Automation:
    """The concern of driving automation. It carries nothing from day to day."""

    seed: int
    partition: int
    fleet: Fleet
    first_day: date

    @property
    def name(self) -> str:
        """Names it."""
        return "automation"

    def initial(self) -> pl.DataFrame:
        """Returns what it carries: nothing."""
        return pl.DataFrame()

    def live(self, day: date, state: pl.DataFrame, lived: Lived) -> Told:  # noqa: ARG002 - the legs are the day's
        """Tells the events and the truth of the legs that begin on the day."""
        segments = lived.driven.segments
        ends = draw_ends(lived.driven, segments, lived.cadence_s, lived.stream(Purpose.AUTOMATION))
        return Told(
            {"automation": events(lived, segments, ends)}, {"automation_segments": truth(lived, segments, ends)}, state
        )


def draw_ends(driven: Drive, segments: Segments, cadence_s: int, rng: np.random.Generator) -> Ends:
    """Draws how stretches end. Where the vehicle has become too slow, the system is at its limit."""
    n = len(segments)
    slow = driven.speed_kmh[segments.end] < 0.72 * driven.speed_kmh[segments.begin]
    asks = rng.random(n) < np.where(slow, 1.6, 0.8) * _REQUESTED[segments.level]
    notice = max(1, -(-_NOTICE_S // cadence_s)) + (rng.random(n) < _TAKES_LONG)
    request = np.maximum(segments.end - notice, segments.begin + 1)
    asks &= request < segments.end
    by_system = ~asks & (rng.random(n) < _SYSTEM_ENDS)
    drawn = rng.random((2, n))
    limit = len(_BY_DRIVER) + np.where(slow, 0, 1 + (drawn[0] * (len(_BY_SYSTEM) - 1)).astype(np.int64))
    free = (drawn[1] * len(_BY_DRIVER)).astype(np.int64)
    return Ends(np.where(asks, request, -1), by_system.astype(np.int64), np.where(asks | by_system, limit, free))


def events(lived: Lived, segments: Segments, ends: Ends) -> pl.DataFrame:
    """Returns the events, each at the time of a sample, sorted by vehicle and time; columns as ``Told.events``."""
    asked = np.flatnonzero(ends.request >= 0)
    driver, system = INITIATORS
    parts = [
        _said(lived, segments.begin, segments.level, "engaged", pl.repeat(driver, len(segments), eager=True), None),
        _said(
            lived, ends.request[asked], segments.level[asked], "takeover_requested",
            pl.repeat(system, len(asked), eager=True), pl.Series(_REASONS).gather(ends.reason[asked]),
        ),
        _said(
            lived, segments.end, segments.level, "disengaged", pl.Series(INITIATORS).gather(ends.initiator),
            pl.Series(_REASONS).gather(ends.reason),
        ),
    ]  # fmt: skip
    return pl.concat(parts).sort("vehicle", "event_ms")


def _said(
    lived: Lived, sample: Ints, level: Ints, event: str, initiator: pl.Series, reason: pl.Series | None
) -> pl.DataFrame:
    driven, legs = lived.driven, lived.legs
    leg = driven.leg[sample]
    return pl.DataFrame(
        {
            "vehicle": legs.vehicle[leg],
            "event_ms": _at_ms(lived, sample),
            "event": pl.repeat(event, len(sample), eager=True),
            "level": level,
            "initiator": initiator,
            "reason": reason,
            "speed": driven.speed_kmh[sample],
            "odometer": np.round(lived.start.odometer_km[leg] + driven.driven_km[sample], 3),
        },
        schema_overrides=EVENTS,
    )


def truth(lived: Lived, segments: Segments, ends: Ends) -> pl.DataFrame:
    """Returns what is true about the stretches: the columns of ``truth/automation_segments.parquet``, ``last_ms``."""
    driven, last_ms = lived.driven, _at_ms(lived, segments.end)
    return pl.DataFrame(
        {
            "vin": lived.vin(lived.legs.vehicle[segments.leg]),
            "engaged_at": _at_ms(lived, segments.begin),
            "disengaged_at": last_ms,
            "level": segments.level,
            "distance_km": driven.driven_km[segments.end] - driven.driven_km[segments.begin],
            "ended_by": pl.Series(INITIATORS).gather(ends.initiator),
            "reason": pl.Series(_REASONS).gather(ends.reason),
            "takeover_requests": (ends.request >= 0).astype(np.int64),
            "last_ms": last_ms,
        },
        schema_overrides=_TRUTH,
    ).with_columns(
        pl.col("engaged_at", "disengaged_at")
        .cast(pl.Datetime("ms")).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )  # fmt: skip


def _at_ms(lived: Lived, sample: Ints) -> Ints:
    leg = lived.driven.leg[sample]
    return np.asarray(lived.legs.start_ms[leg] + lived.driven.step[sample] * (lived.cadence_s * 1000))
