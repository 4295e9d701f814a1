"""A small fleet in which much goes wrong, and its twin in which nothing does: the same drives, the same weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest

from simulator import life
from simulator.events import Events, Sent
from simulator.failures import concern, hazards
from simulator.failures.causes import TRACTION, Regression
from simulator.failures.concern import Failures
from simulator.fleet import Fleet, make_fleet
from simulator.life import Partition
from simulator.told import TRUTH_KEYS
from simulator.world import MARKET_WEIGHTS

FIRST_DAY, DAYS, SEED = date(2026, 1, 10), 50, 5
SIGNALS = (
    "speed", "odometer", "ignition", "coolant", "low_voltage", "tyre_0", "tyre_1", "tyre_2", "tyre_3", "ambient", "soc",
    "battery_temperature", "pad_wear", "mil", "dtc_count", "service_distance",
)  # fmt: skip


@dataclass(frozen=True)
class Lives:
    """What a fleet said over ``DAYS`` days.

    Attributes:
        fleet: the vehicles.
        telemetry: the messages with all signals, in the units of the columns of events, sorted by vehicle and time.
        faults: messages of kind ``fault``.
        visits: messages of kind ``workshop``.
        truth: tables as they stand at the end, with ``vehicle``.
    """

    fleet: Fleet
    telemetry: pl.DataFrame
    faults: pl.DataFrame
    visits: pl.DataFrame
    truth: dict[str, pl.DataFrame]


def live(vehicles: int, days: int, regressions: tuple[Regression, ...] = ()) -> Lives:
    """Lives days of a fleet that nobody clones."""
    fleet = make_fleet(SEED, vehicles, 0, 1, FIRST_DAY, tuple(sorted(MARKET_WEIGHTS)))
    partition = Partition(SEED, 0, fleet, FIRST_DAY, 10, (Failures(SEED, 0, fleet, FIRST_DAY, regressions),))
    carried, said, frames, truths = partition.begin(), [], [], []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(life, "cloned", lambda _, sent: (sent, pl.DataFrame()))
        for k in range(days):
            day = partition.live(FIRST_DAY + timedelta(days=k), carried)
            said.append(_slow(day.telemetry))
            frames.append(day.frames)
            truths.append(day.truth)
    number = pl.DataFrame({"vin": fleet.vins, "vehicle": range(vehicles)})
    truth = {
        table: pl.concat([truth[table] for truth in truths if table in truth])
        .unique(TRUTH_KEYS[table], keep="last", maintain_order=True)
        .join(number, on="vin")
        for table in ("fault_episodes", "failures", "workshop_visits")
    }
    faults, visits = (pl.concat([f[kind] for f in frames if kind in f]) for kind in ("fault", "workshop"))
    return Lives(fleet, pl.concat(said).sort("vehicle", "event_ms"), faults, visits, truth)


def _slow(events: Events) -> pl.DataFrame:
    said = pl.DataFrame({name: events[name] for name in ("vehicle", "event_ms", "sent", *SIGNALS)})
    return said.filter(pl.col("sent") & int(Sent.UPKEEP) > 0)


def _with(rate: float) -> Lives:
    """Rates of failures times ``rate``; brake pads and service intervals are those of a fleet in a hurry."""
    with pytest.MonkeyPatch.context() as patched:
        per_day = hazards._PER_DAY * rate
        per_day[TRACTION] *= 6
        patched.setattr(hazards, "_PER_DAY", per_day)
        patched.setattr(concern, "_PADS_KM", concern._PADS_KM * 0.25)
        patched.setattr(concern, "_SERVICE_KM", concern._SERVICE_KM * 0.3)
        return live(110, DAYS)


@pytest.fixture(scope="session")
def lives() -> Lives:
    """Many times the failures that a fleet has."""
    return _with(16.0)


@pytest.fixture(scope="session")
def twin() -> Lives:
    """The same fleet without failures that begin by chance; brake pads still wear."""
    return _with(0.0)
