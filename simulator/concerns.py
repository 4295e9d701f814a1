"""Which concerns a partition's vehicles have, and in which order they live a day. A later one sees the earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from simulator.automation import Automation
from simulator.charging import Charging
from simulator.failures.causes import Regression
from simulator.failures.concern import Failures
from simulator.fleet import Fleet
from simulator.services.concern import Services
from simulator.software import WORSE, Software
from simulator.told import Concern

#: Makes a concern from the seed, the number of the partition, its fleet and the first day of the simulation.
Maker = Callable[[int, int, Fleet, date], Concern]

#: What the worse version of the software does to the vehicles that run it.
REGRESSIONS = (Regression(WORSE), Regression(WORSE, "lv_battery", 3.0))

CONCERNS: tuple[Maker, ...] = (
    Software, partial(Failures, regressions=REGRESSIONS), Charging, Automation, Services,
)  # fmt: skip


def concerns(seed: int, partition: int, fleet: Fleet, first_day: date) -> tuple[Concern, ...]:
    """Returns the concerns of a partition in the order in which they live a day."""
    return tuple(make(seed, partition, fleet, first_day) for make in CONCERNS)
