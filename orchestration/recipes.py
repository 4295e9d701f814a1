"""How each table is computed: its inputs, how far they reach, and the pure function or SQL file that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import polars as pl

from lake.metrics import load_contracts
from orchestration.staleness import Reach
from transforms.core.latest import latest
from transforms.core.trips import trips
from transforms.core.vehicle_days import vehicle_days
from transforms.kpi import run_kpi

#: Reads days of an input: its name, the first day (or None for all before) and the last.
Read = Callable[[str, date | None, date | None], pl.LazyFrame]
Compute = Callable[[Read, date, date], pl.DataFrame]


@dataclass(frozen=True)
class Recipe:
    """One table.

    Attributes:
        table: its name.
        inputs: what it reads and how far around a day.
        compute: rows of the days from first to last, from a reader of the inputs.
        by_bucket: it reads telemetry, and can be computed bucket by bucket.
        spine: it has rows for days on which nothing was sent.
        folds: it is not partitioned by day: days are folded into what is there.
    """

    table: str
    inputs: Mapping[str, Reach]
    compute: Compute
    by_bucket: bool = False
    spine: bool = False
    folds: bool = False


def _trips(read: Read, first: date, last: date) -> pl.DataFrame:
    around = timedelta(days=1)
    return trips(read("raw.telemetry", first - around, last + around), first, last)


def _vehicle_days(read: Read, first: date, last: date) -> pl.DataFrame:
    found = read("core.trips", first, last).collect()
    return vehicle_days(
        read("raw.telemetry", first, last), found, read("raw.vehicles", None, last).collect(), first, last
    )


def _latest(read: Read, first: date, last: date) -> pl.DataFrame:
    return latest(read("core.latest", None, None).collect(), read("raw.telemetry", first, last))


def _kpi(name: str, read: Read, first: date, last: date) -> pl.DataFrame:
    table = load_contracts().table(name)
    back = timedelta(days=table.days_back)
    return run_kpi(table.sql, {source: read(source, first - back, last) for source in table.inputs}, first, last)


CORE: tuple[Recipe, ...] = (
    Recipe("core.trips", {"raw.telemetry": Reach(back=1, forward=1)}, _trips, by_bucket=True),
    Recipe(
        "core.vehicle_days",
        {"raw.telemetry": Reach(), "core.trips": Reach(), "raw.vehicles": Reach(onward=True)},
        _vehicle_days,
        by_bucket=True,
        spine=True,
    ),
    Recipe("core.latest", {"raw.telemetry": Reach()}, _latest, by_bucket=True, folds=True),
)


def recipes() -> tuple[Recipe, ...]:
    """Every table that is computed, each after what it reads."""
    kpis = tuple(
        Recipe(
            table.table,
            {source: Reach(back=table.days_back) for source in table.inputs},
            partial(_kpi, table.table),
        )
        for table in load_contracts().tables
    )
    return CORE + kpis
