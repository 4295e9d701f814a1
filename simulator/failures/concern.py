"""Failures as a concern of the vehicles' life: messages of kind fault and workshop, and the truth about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.failures import course, hazards, workshop
from simulator.failures.ailments import NEVER_MS, Ailments
from simulator.failures.causes import (
    AMBIENT,
    BRAKE,
    CAUSES,
    CODE_OF,
    CODES,
    IS_PART,
    LABELS,
    TYRE_SENSOR,
    Regression,
)
from simulator.failures.course import Changes
from simulator.failures.freeze import FREEZE, freeze_frames
from simulator.failures.hearing import Hearing
from simulator.failures.signs import PADS_WORN_PCT, Signs, healthy
from simulator.failures.workshop import Visits
from simulator.fleet import VERSIONS, Fleet
from simulator.messages import tyre_pressures
from simulator.software import NAME as NAME_OF_SOFTWARE
from simulator.software import version_at
from simulator.streams import Purpose, stream
from simulator.told import Lived, Told
from simulator.world import DAY_MS, ambient_c, day_ms, weather_c

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAME = "failures"

_PADS_KM = 42_000.0  # median life of brake pads without regenerative braking
_STICKING = 0.08  # share of vehicles whose brakes drag, and eat their pads four times as fast
_SPARES_PADS = np.array([1.0, 1.6, 1.8, 2.2])  # by powertrain
_SERVICE_KM = np.array([15_000.0, 15_000.0, 20_000.0, 30_000.0])  # interval, by powertrain
_FIRST_SIGN_PCT = 70.0  # wear at which brake wear is said to have begun
_CLEARED_BY = np.array(["self", "workshop", "remote"])
_CODE, _ECU = (np.array([getattr(code, name) for code in CODES]) for name in ("code", "ecu"))
_LAMP = np.array([code.lamp for code in CODES])


class Failures:
    """The failures of one partition.

    Args:
        seed: of the simulation.
        partition: number of the partition.
        fleet: its vehicles.
        first_day: first day of the simulation.
        regressions: software versions that set a code more often.
    """

    name = NAME

    def __init__(
        self, seed: int, partition: int, fleet: Fleet, first_day: date, regressions: tuple[Regression, ...] = ()
    ) -> None:
        self._seed, self._partition, self._fleet, self._first_day = seed, partition, fleet, first_day
        self._regressions = regressions

    def initial(self) -> pl.DataFrame:
        """Returns failures that are under way, pads and services at all stages, and no code set."""
        fleet, n = self._fleet, len(self._fleet)
        rng = stream(self._seed, Purpose.FAILURES, self._partition)
        ails = Ailments.none(n, len(CAUSES))
        ails.pads_life_km = _PADS_KM * _SPARES_PADS[fleet.powertrain] * rng.lognormal(0, 0.25, n)
        ails.pads_life_km *= np.where(rng.random(n) < _STICKING, 0.25, 1.0)
        ails.service_every_km = _SERVICE_KM[fleet.powertrain]
        ails.late_km = workshop.late_km(rng, n)
        ails.pads_km[:] = ails.service_km[:] = np.nan
        age_days = np.maximum(self._first_day.toordinal() - fleet.delivered, 0)
        rate = hazards.per_day(fleet, self._first_day, age_days * 36.0, np.zeros(n))
        vehicle, cause = course.under_way(ails, rate * fleet.connected[:, None], day_ms(self._first_day), rng)
        self._hold(ails, vehicle, cause, self._first_day, weather_c(self._seed, self._first_day), rng)
        return ails.to_frame()

    def live(self, day: date, state: pl.DataFrame, lived: Lived) -> Told:
        """Lives a UTC day: failures begin and grow, codes come and go, workshops repair."""
        ails, fleet, begin_ms = Ailments.from_frame(state), self._fleet, day_ms(day)
        rng = lived.stream(Purpose.FAILURES)
        odometer_km = _odometers(lived)
        self._know(ails, odometer_km)
        course.wake(ails)
        software = versions(lived)
        faded = np.where(fleet.battery_kwh > 0, 1 - lived.capacity_kwh / np.maximum(fleet.battery_kwh, 1e-9), 0)
        rate = hazards.per_day(fleet, day, odometer_km, faded, software, self._regressions)
        vehicle, cause = course.begin(ails, rate * fleet.connected[:, None], begin_ms, rng)
        self._hold(ails, vehicle, cause, day, lived.weather, rng)
        _wear(ails, odometer_km, begin_ms)
        visits = workshop.visits_of_day(fleet, ails, lived.parks, day, odometer_km, rng)
        before_ms = np.full(len(fleet), NEVER_MS, dtype=np.int64)
        before_ms[visits.vehicle] = visits.arrived_ms
        hearing = Hearing(lived.legs, lived.cadence_s, begin_ms)
        changes = course.change_codes(ails, hearing, before_ms, begin_ms + DAY_MS, rng)
        cleared, mended, pads = workshop.repair(ails, visits, rng)
        joined = Changes.joined([*changes, cleared])
        events = {
            "fault": self._faults(ails, joined, lived, software),
            "workshop": self._visits(ails, visits, mended, pads),
        }
        truth = {
            "fault_episodes": _episodes(ails, joined, lived),
            "failures": _failures(ails, begin_ms, day == self._first_day, lived),
            "workshop_visits": _visit_truth(events["workshop"], lived),
        }
        return Told(events, truth, ails.to_frame())

    def _know(self, ails: Ailments, odometer_km: Floats) -> None:
        """On the first day: when pads and service were new, from how far the vehicles have come."""
        new = np.isnan(ails.pads_km)
        if not new.any():
            return
        rng = stream(self._seed, Purpose.FAILURES, self._partition, 1)
        worn, since = rng.uniform(0, 0.9, len(new)), rng.random(len(new))
        ails.pads_km[new] = np.maximum(odometer_km - worn * ails.pads_life_km, 0)[new]
        ails.service_km[new] = (np.maximum(odometer_km - since * ails.service_every_km, 0) + ails.service_every_km)[new]
        ails.pads_were_km[new], ails.service_was_km[new] = ails.pads_km[new], ails.service_km[new]

    def _hold(
        self, ails: Ailments, vehicle: Ints, cause: Ints, day: date, weather: Floats, rng: np.random.Generator
    ) -> None:
        """Half of the sensors that begin to fail go on showing what they showed then."""
        frozen = course.freezes(cause, rng.random(len(vehicle)))
        vehicle, cause = vehicle[frozen], cause[frozen]
        at_ms = ails.began_ms[vehicle, cause]
        outside_c = ambient_c(self._fleet.city[vehicle], at_ms, day, weather)
        pressure = tyre_pressures(self._fleet, vehicle, at_ms, outside_c, np.zeros(len(vehicle)))
        wheel = np.where(cause == TYRE_SENSOR, ails.mode[vehicle, cause], 0)
        held = np.where(cause == AMBIENT, outside_c, pressure[np.arange(len(vehicle)), wheel])
        ails.held[vehicle, cause] = held

    def _faults(self, ails: Ailments, changes: Changes, lived: Lived, software: NDArray[np.str_]) -> pl.DataFrame:
        code = CODE_OF[changes.cause, ails.mode[changes.vehicle, changes.cause]]
        frame = pl.DataFrame(
            {
                "vehicle": changes.vehicle,
                "event_ms": changes.at_ms,
                "code": _CODE[code],
                "status": np.where(changes.set, "set", "cleared"),
                "ecu": _ECU[code],
                "clearedBy": _CLEARED_BY[changes.by],
                "mil": _LAMP[code],
                "softwareVersion": software[changes.vehicle],
            },
            schema_overrides={"vehicle": pl.Int64, "event_ms": pl.Int64, **dict.fromkeys(_TEXTS, pl.String)},
        )
        is_set = pl.col("status") == "set"
        frozen = freeze_frames(lived, Signs.of(ails), changes.vehicle, changes.at_ms, changes.set)
        return pl.concat([frame, frozen], how="horizontal").with_columns(
            pl.when(~is_set).then("clearedBy").alias("clearedBy"), *(pl.when(is_set).then(c).alias(c) for c in FREEZE)
        )

    def _visits(
        self, ails: Ailments, visits: Visits, mended: NDArray[np.bool_], pads: NDArray[np.bool_]
    ) -> pl.DataFrame:
        number, count = self._fleet.number[visits.vehicle], ails.visits[visits.vehicle]
        arrived = pl.DataFrame(
            {
                "vehicle": visits.vehicle,
                "event_ms": visits.arrived_ms,
                "visitId": [f"W{n:06d}-{k:03d}" for n, k in zip(number.tolist(), count.tolist(), strict=True)],
                "event": ["arrived"] * len(visits),
                "reason": [workshop.REASONS[reason] for reason in visits.reason],
                "odometer": np.round(visits.odometer_km, 1),
                "codes": workshop.codes_of(ails, visits, mended),
                "parts": workshop.parts_of(self._fleet, visits, mended, pads),
            },
            schema_overrides=_VISIT,
        )
        none = pl.lit(None, dtype=pl.String)
        completed = arrived.with_columns(event_ms=pl.Series(visits.completed_ms), event=pl.lit("completed"))
        return pl.concat([arrived.with_columns(codes=none, parts=none), completed])


_TEXTS = ("code", "status", "ecu", "clearedBy", "softwareVersion")
_VISIT = {
    "vehicle": pl.Int64,
    "event_ms": pl.Int64,
    "visitId": pl.String,
    "event": pl.String,
    "reason": pl.String,
    "odometer": pl.Float64,
    "codes": pl.String,
    "parts": pl.String,
}


def versions(lived: Lived) -> NDArray[np.str_]:
    """Returns the software version of each vehicle when the day begins."""
    if NAME_OF_SOFTWARE not in lived.states:
        return np.array(VERSIONS)[lived.fleet.software]
    every = np.arange(len(lived.fleet))
    begin_ms = np.full(len(every), day_ms(lived.day))
    return np.asarray(version_at(lived.states[NAME_OF_SOFTWARE], every, begin_ms).to_numpy().astype(str))


def signs_of(told: Mapping[str, Told], vehicles: int) -> Signs:
    """Returns the condition of the vehicles over a day, from what the concerns have told of it."""
    if NAME not in told:
        return healthy(vehicles)
    return Signs.of(Ailments.from_frame(told[NAME].state), told[NAME].events["fault"])


def _odometers(lived: Lived) -> Floats:
    """Odometers when the day begins."""
    odometer_km = np.full(len(lived.fleet), np.inf)
    np.minimum.at(odometer_km, lived.parks.vehicle, lived.parks.state.odometer_km)
    return odometer_km


def _wear(ails: Ailments, odometer_km: Floats, begin_ms: int) -> None:
    """Brake pads wear with distance: from some wear on it has begun, from more on the code is due."""
    worn_pct = (odometer_km - ails.pads_km) / ails.pads_life_km * 100
    begins = (worn_pct >= _FIRST_SIGN_PCT) & (ails.began_ms[:, BRAKE] == 0) & (begin_ms >= ails.quiet_ms[:, BRAKE])
    ails.began_ms[begins, BRAKE] = begin_ms
    fails = (ails.began_ms[:, BRAKE] > 0) & (ails.sets[:, BRAKE] == 0) & (worn_pct >= PADS_WORN_PCT)
    ails.next_ms[fails, BRAKE] = np.minimum(ails.next_ms[fails, BRAKE], begin_ms)


def _instants(ms: Ints) -> pl.Series:
    """UTC instants of ms since 1970; 0 is null."""
    series = pl.Series(ms, dtype=pl.Int64)
    known = pl.select(pl.when(series > 0).then(series)).to_series()
    return known.cast(pl.Datetime("ms", "UTC")).cast(pl.Datetime("us", "UTC"))


def _episodes(ails: Ailments, changes: Changes, lived: Lived) -> pl.DataFrame:
    """The episodes of which something was said today."""
    said = np.zeros(ails.on.shape, dtype=np.bool_)
    said[changes.vehicle, changes.cause] = True
    vehicle, cause = np.nonzero(said)
    last_ms, on = ails.last_ms[vehicle, cause], ails.on[vehicle, cause]
    return pl.DataFrame(
        {
            "vin": lived.vin(vehicle),
            "code": pl.Series(_CODE[CODE_OF[cause, ails.mode[vehicle, cause]]], dtype=pl.String),
            "set_at": _instants(ails.set_ms[vehicle, cause]),
            "cleared_at": _instants(np.where(on, 0, last_ms)),
            "sets": ails.sets[vehicle, cause],
            "cause": pl.Series(np.array(LABELS)[cause], dtype=pl.String),
            "last_ms": last_ms,
        }
    )


def _failures(ails: Ailments, begin_ms: int, first: bool, lived: Lived) -> pl.DataFrame:
    """The failures of parts that began, set their first code or ended today; on the first day, all there are."""
    new = (ails.began_ms >= begin_ms) | (ails.failed_ms >= begin_ms) | (ails.ended_ms > 0)
    vehicle, cause = np.nonzero((ails.began_ms > 0) & IS_PART & (new | first))
    began, failed, ended = (ms[vehicle, cause] for ms in (ails.began_ms, ails.failed_ms, ails.ended_ms))
    days = [pl.Series(_instants(ms)).dt.date() for ms in (began, failed, ended)]
    return pl.DataFrame(
        {
            "vin": lived.vin(vehicle),
            "cause": pl.Series(np.array(LABELS)[cause], dtype=pl.String),
            "began_on": days[0],
            "failed_on": days[1],
            "repaired_on": days[2],
            "last_ms": np.maximum(np.maximum(began, failed), ended),
        }
    )


def _visit_truth(events: pl.DataFrame, lived: Lived) -> pl.DataFrame:
    half = events.height // 2
    arrived, completed = events[:half], events[half:]
    return pl.DataFrame(
        {
            "vin": lived.vin(completed["vehicle"].to_numpy()),
            "visit_id": completed["visitId"],
            "arrived_at": _instants(arrived["event_ms"].to_numpy()),
            "completed_at": _instants(completed["event_ms"].to_numpy()),
            "reason": completed["reason"],
            "codes": completed["codes"],
            "parts": completed["parts"],
            "last_ms": completed["event_ms"],
        }
    )
