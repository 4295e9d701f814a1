"""A day's KPIs: every table against its own query in bare DuckDB on bare Parquet, by size of the fleet and history.

The core tables are those of a small simulated fleet, repeated under other names of vehicles and, for a long history, on
later days: a KPI query sees as many rows as a fleet of that size gives, and nobody has to wait for its telemetry.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from bench.measure import Measured, compare
from bench.roles import FLEET, KPI_SECONDS, kpi_names
from lake.settings import get_settings
from lake.storage import Lake
from lake.tables import open_table
from orchestration.building import build
from orchestration.landing import land
from orchestration.recipes import CORE
from simulator import simulate
from transforms.sources.profile import load_profile

_FIRST_DAY = date(2025, 3, 3)
#: Days of the simulated fleet that are repeated; those before them are its beginning.
_DAYS, _BEGINNING = 35, 7
_VEHICLES = 250
_ROLES = ("duckdb_kpis", "sillage_kpis")


@dataclass(frozen=True)
class Size:
    """A fleet and the days that are known of it."""

    vehicles: int
    days: int


def kpi_tables(folder: Path, vehicles: Sequence[int], histories: Sequence[int], repeat: int) -> list[str]:
    """Measure a day of all KPI tables. Returns the sections of the page.

    Args:
        folder: for the lakes.
        vehicles: sizes of the fleet, the largest last.
        histories: days that are known of a fleet of 2,000 vehicles before the day that is worked out.
        repeat: runs of each role.
    """
    model = folder / "kpi-model"
    _simulate(model)
    by_size = {size: _measure(folder, model, size, repeat) for size in (Size(n, _DAYS) for n in vehicles)}
    before = (Size(2_000, days) for days in histories)
    by_history = {size: _measure(folder, model, size, repeat, build_before=True) for size in before}
    shutil.rmtree(model)
    return [*_each_table(*by_size[Size(vehicles[-1], _DAYS)][1:], vehicles[-1]), *_totals(by_size, by_history)]


_Found = tuple[dict[str, Measured], dict[str, float], dict[str, float]]


def _measure(folder: Path, model: Path, size: Size, repeat: int, *, build_before: bool = False) -> _Found:
    """Times of both roles, and the seconds of each table, the baseline's first."""
    place = folder / f"kpi-{size.vehicles}-{size.days}"
    _repeat(model, place, size)
    if build_before:
        settings = get_settings(lake=str(place))
        end = max(open_table(Lake.open(settings), "core.vehicle_days").rows_by_day())
        build(Lake.open(settings), settings, last=end - timedelta(1), tables=kpi_names())
    found = compare(_ROLES, place, repeat)
    seconds = [_medians(place / f"{role}-{KPI_SECONDS}") for role in _ROLES]
    shutil.rmtree(place)
    return found, seconds[0], seconds[1]


def _medians(file: Path) -> dict[str, float]:
    runs = [json.loads(line) for line in file.read_text().splitlines()]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _simulate(place: Path) -> None:
    """Core tables of a small fleet."""
    simulate(place / "feed", vehicles=_VEHICLES, days=_BEGINNING + _DAYS, first_day=_FIRST_DAY, partitions=2)
    settings = get_settings(lake=str(place))
    lake = Lake.open(settings)
    land(lake, settings, load_profile(FLEET), [str(place / "feed" / "inbox" / "fleet")])
    build(lake, settings, tables=[recipe.table for recipe in CORE])


def _repeat(model: Path, place: Path, size: Size) -> None:
    """Core tables of a larger fleet with a longer history, in Delta and as one Parquet file for each day."""
    small, large = (Lake.open(get_settings(lake=str(folder))) for folder in (model, place))
    first = _FIRST_DAY + timedelta(_BEGINNING)
    last, end = first + timedelta(_DAYS - 1), timedelta((size.days - 1) // _DAYS * _DAYS)
    # The newest day on which a vehicle was heard of is the newest that is worked out.
    heard = open_table(small, "raw.telemetry").scan(last, last).head(1).collect()
    open_table(large, "raw.telemetry").append(_moved(heard, end))
    for recipe in CORE:
        source, target = open_table(small, recipe.table), open_table(large, recipe.table)
        bare = place / "bare" / recipe.table
        bare.mkdir(parents=True)
        if recipe.folds:  # no KPI reads it
            continue
        for number in range(size.days):
            # The last day of a history is the last of the model, however long it is.
            ago = size.days - 1 - number
            day = last - timedelta(ago % _DAYS)
            later = end - timedelta(ago // _DAYS * _DAYS)
            rows = pl.concat(_copies(source.scan(day, day).collect(), size.vehicles // _VEHICLES, later))
            if rows.height:
                rows = rows.sort(target.spec.sort_by)
                target.append(rows)
                rows.write_parquet(bare / f"{day + later}.parquet", compression="zstd", compression_level=1)


def _moved(rows: pl.DataFrame, later: timedelta) -> pl.DataFrame:
    times = [name for name, kind in rows.schema.items() if kind == pl.Date or isinstance(kind, pl.Datetime)]
    return rows.with_columns(pl.col(times) + later)


def _copies(rows: pl.DataFrame, number: int, later: timedelta) -> Iterator[pl.DataFrame]:
    moved = _moved(rows, later)
    for copy in range(number):
        yield moved.with_columns(pl.col("vehicle_id") + f"{copy:x}")


def _each_table(bare: dict[str, float], ours: dict[str, float], vehicles: int) -> list[str]:
    lines = [
        "## A day of each KPI table", "",
        f"{vehicles:,} vehicles, {_DAYS} days of core. Baseline: the table's own query in bare DuckDB, with all its "
        "threads, on one Parquet file per table and day, to a Parquet file. Sillage: what is stale, the query, the "
        "contract, the comparison with what is there, committed Delta, the ledger; one table at a time.", "",
        "| table | baseline | Sillage | times the baseline |", "|---|---:|---:|---:|",
    ]  # fmt: skip
    lines += [
        f"| `{name}` | {1000 * bare[name]:,.0f} ms | {1000 * spent:,.0f} ms | {spent / bare[name]:.2f} |"
        for name, spent in ours.items()
    ]
    return [*lines, ""]


def _totals(by_size: dict[Size, _Found], by_history: dict[Size, _Found]) -> list[str]:
    lines = [
        "## A day of all KPI tables, by size of the fleet and by history", "",
        "| vehicles | days of core | baseline | Sillage | times the baseline | peak memory |",
        "|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for size, (found, bare, ours) in (by_size | by_history).items():
        base, spent = sum(bare.values()), sum(ours.values())
        lines.append(
            f"| {size.vehicles:,} | {size.days} | {base:.1f} s | {spent:.1f} s | {spent / base:.2f} "
            f"| {found['sillage_kpis'].peak_mb:,.0f} MB |"
        )
    return [*lines, ""]
