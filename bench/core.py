"""From raw to all core tables: fleets of several sizes, and several days, against bare DuckDB on the same rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from pathlib import Path

from bench.measure import Measured, compare
from bench.roles import CORE_SECONDS, FLEET
from lake.settings import get_settings
from lake.storage import Lake
from orchestration.landing import land
from simulator import simulate
from transforms.sources.profile import load_profile

_ROLES = ("duckdb_sorted_day", "duckdb_two_stages", "sillage_core", "sillage_trips", "sillage_build_trips")
_FIRST_DAY = date(2026, 3, 2)
#: Vehicles of one partition of the simulation: a day of them is held in memory.
_PARTITION = 2_500


@dataclass(frozen=True)
class Size:
    """A fleet and the days it is watched for."""

    vehicles: int
    days: int


def core_tables(folder: Path, vehicles: Sequence[int], days: Sequence[int], buckets: int, repeat: int) -> list[str]:
    """Measure the build of core. Returns the sections of the page.

    Args:
        folder: for the lakes.
        vehicles: sizes of the fleet, each for the first of ``days``.
        days: numbers of days; those after the first are measured with the smallest fleet.
        buckets: of the lakes.
        repeat: runs of each role.
    """
    sizes = [Size(number, days[0]) for number in vehicles] + [Size(min(vehicles), number) for number in days[1:]]
    found: dict[Size, dict[str, Measured]] = {}
    seconds: dict[str, float] = {}
    for size in sizes:
        place = folder / f"core-{size.vehicles}-{size.days}"
        _prepare(place, size, buckets)
        found[size] = compare(_ROLES, place, repeat)
        if size.vehicles == max(vehicles):
            seconds = json.loads((place / CORE_SECONDS).read_text())
        shutil.rmtree(place)
    return [*_all_tables(found, buckets), *_each_table(seconds, max(vehicles)), *_trips(found)]


def _prepare(place: Path, size: Size, buckets: int) -> None:
    """Simulate a fleet and land it; the files that it sent are not kept."""
    feed = place / "feed"
    partitions = ceil(size.vehicles / _PARTITION)
    simulate(
        feed, vehicles=size.vehicles, days=size.days, first_day=_FIRST_DAY, partitions=partitions, codec="deflate"
    )  # fmt: skip
    settings = get_settings(lake=str(place / "lake-capture"), buckets=buckets)
    land(Lake.open(settings), settings, load_profile(FLEET), [str(feed / "inbox" / "fleet")])
    shutil.rmtree(feed)


def _all_tables(found: dict[Size, dict[str, Measured]], buckets: int) -> list[str]:
    lines = [
        "## All core tables from raw", "",
        f"Simulated fleets, a message every 10 s while driving, {buckets} buckets. Baseline: bare DuckDB scans and "
        "sorts all columns of the same telemetry. Rows are those of telemetry; the events are read besides.", "",
        "| vehicles | days | rows | baseline, rows/s | core, rows/s | ratio | peak memory | baseline's |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for size, by in found.items():
        base, core = by["duckdb_sorted_day"], by["sillage_core"]
        lines.append(
            f"| {size.vehicles:,} | {size.days} | {core.rows:,} | {base.rows_per_s:,.0f} | {core.rows_per_s:,.0f} "
            f"| {core.rows_per_s / base.rows_per_s:.2f} | {core.peak_mb:,.0f} MB | {base.peak_mb:,.0f} MB |"
        )
    return [*lines, ""]


def _each_table(seconds: dict[str, float], vehicles: int) -> list[str]:
    whole = sum(seconds.values())
    lines = [f"Of the time for {vehicles:,} vehicles:", "", "| table | share |", "|---|---:|"]
    return [*lines, *(f"| `{name}` | {spent / whole:.0%} |" for name, spent in seconds.items()), ""]


def _trips(found: dict[Size, dict[str, Measured]]) -> list[str]:
    lines = [
        "## Trips alone, by size of the fleet", "",
        "Baseline: a hand-written window query in two stages, DuckDB, from the same Delta table to Parquet.", "",
        "| vehicles | days | baseline, rows/s | `trips()`, rows/s | ratio | built and committed, rows/s | ratio |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for size, by in found.items():
        base, alone, built = (
            by[name].rows_per_s for name in ("duckdb_two_stages", "sillage_trips", "sillage_build_trips")
        )
        lines.append(
            f"| {size.vehicles:,} | {size.days} | {base:,.0f} | {alone:,.0f} | {alone / base:.2f} | {built:,.0f} "
            f"| {built / base:.2f} |"
        )
    return [*lines, ""]
