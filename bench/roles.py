"""What is measured: each function prepares and returns the work, which returns the rows that went through."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb

from bench.data import json_profile
from lake.engine import open_duckdb
from lake.settings import Settings, get_settings
from lake.storage import Lake, load_extension
from lake.tables import Table, open_table
from metrics import KpiTable, load_contracts
from metrics.specs import table_specs
from orchestration.building import build, build_table
from orchestration.landing import land
from orchestration.recipes import CORE, Recipe, recipes
from orchestration.staleness import Reach
from transforms.core.trips import trips
from transforms.sources.profile import FeedProfile, load_profile, parse_profile

Work = Callable[[], int]
FLEET = Path(__file__).parent.parent / "feeds" / "fleet.toml"
#: In the folder of a measurement: seconds that each core table took.
CORE_SECONDS = "core-seconds.json"
#: Behind the name of a role: a line for each run, the seconds of each KPI table.
KPI_SECONDS = "seconds.jsonl"
#: As Sillage writes.
PARQUET = "(format parquet, compression zstd, compression_level 1)"
TWO_STAGES = Path(__file__).with_name("two_stage_trips.sql")


def duckdb_json(folder: Path) -> Work:
    """Bare DuckDB: JSON lines to one Parquet file."""
    return _duckdb_json(folder, "columns")


def duckdb_json_vss(folder: Path) -> Work:
    """The same for lines whose fields are VSS paths."""
    return _duckdb_json(folder, "vss")


def sillage_json(folder: Path) -> Work:
    """Landing the same JSON lines: fingerprint, plan, hash of the vehicle, checks, sorted Delta, accounting."""
    return _sillage_json(folder, "columns")


def sillage_json_vss(folder: Path) -> Work:
    """The same for lines whose fields are VSS paths."""
    return _sillage_json(folder, "vss")


def duckdb_capture(folder: Path) -> Work:
    """Bare DuckDB: Capture Avro files, all fields of their bodies in typed columns, to one Parquet file."""
    profile = load_profile(FLEET)
    fields = {
        name: "DOUBLE" if target.kind in ("float", "int") else "VARCHAR"
        for targets in profile.targets.values()
        for target in targets
        for name in target.fields
    }
    fields |= dict.fromkeys([*profile.vehicle.field, *profile.time.field, str(profile.kind_field)], "VARCHAR")
    structure = json.dumps(fields | {str(profile.sequence): "DOUBLE"})
    return _duckdb_capture(folder, f"EnqueuedTimeUtc, unnest(from_json(decode(Body), '{structure}'))")


def duckdb_envelopes(folder: Path) -> Work:
    """Bare DuckDB: Capture Avro files, envelopes with their bodies as they are, to one Parquet file."""
    return _duckdb_capture(folder, "*")


def sillage_capture(folder: Path) -> Work:
    """Landing the same Capture files: bodies decoded into typed columns, and all that landing is."""
    return _landing(folder / "capture" / "inbox" / "fleet", load_profile(FLEET), folder / "lake-capture")


def duckdb_sorted_copy(folder: Path) -> Work:
    """Bare DuckDB: the columns that trips are made of, from the same Delta table, sorted, to one Parquet file."""
    con, uri = _raw(folder)
    columns = "vehicle_id, event_at, sequence, speed_kmh, odometer_km, latitude_deg, longitude_deg, ignition_on"
    target = folder / "bare.parquet"
    query = f"select {columns} from delta_scan('{uri}') order by vehicle_id, event_at"
    return lambda: _count(con, f"copy ({query}) to '{target}' {PARQUET}")


def duckdb_two_stages(folder: Path) -> Work:
    """A hand-written query in DuckDB: runs by windows, then trips, from the same Delta table to Parquet."""
    con, uri = _raw(folder)
    query = TWO_STAGES.read_text().replace("raw.telemetry", f"delta_scan('{uri}')")
    rows = con.execute(f"select count(*) from delta_scan('{uri}')").fetchone()
    target = folder / "bare.parquet"

    def work() -> int:
        con.execute(f"copy ({query}) to '{target}' {PARQUET}")
        return int(rows[0]) if rows else 0

    return work


def sillage_trips(folder: Path) -> Work:
    """The function alone: raw rows from Delta to trips in memory."""
    _, lake = _lake(folder / "lake-capture")
    table = open_table(lake, "raw.telemetry")
    days = table.rows_by_day()

    def work() -> int:
        trips(table.scan(), min(days), max(days))
        return sum(days.values())

    return work


def sillage_build_trips(folder: Path) -> Work:
    """The build of ``core.trips`` as it runs: what is stale, days in steps, checks, committed Delta."""
    settings, lake = _lake(folder / "lake-capture")
    _forget(lake, ["core.trips"])
    days = open_table(lake, "raw.telemetry").rows_by_day()
    recipe = next(r for r in CORE if r.table == "core.trips")

    def work() -> int:
        build_table(lake, settings, recipe, min(days) - timedelta(days=1), max(days))
        return sum(days.values())

    return work


def duckdb_sorted_day(folder: Path) -> Work:
    """Bare DuckDB: all columns of the same Delta table, sorted by vehicle and time, streamed out and dropped."""
    con, uri = _raw(folder)
    query = f"select * from delta_scan('{uri}') order by vehicle_id, event_at, sequence"
    return lambda: sum(batch.num_rows for batch in con.execute(query).to_arrow_reader(100_000))


def sillage_core(folder: Path) -> Work:
    """The build of all core tables as it runs, table after table; the seconds of each go to a file."""
    settings, lake = _lake(folder / "lake-capture")
    names = [recipe.table for recipe in CORE]
    _forget(lake, names)
    rows = sum(open_table(lake, "raw.telemetry").rows_by_day().values())

    def work() -> int:
        seconds = {}
        for name in names:
            began = time.perf_counter()
            build(lake, settings, tables=[name])
            seconds[name] = time.perf_counter() - began
        (folder / CORE_SECONDS).write_text(json.dumps(seconds))
        return rows

    return work


def duckdb_kpis(folder: Path) -> Work:
    """Bare DuckDB: the newest day of each KPI table by its own query, from Parquet files of core to a Parquet file."""
    contracts = load_contracts()
    day = date.fromisoformat(max((folder / "bare" / "core.vehicle_days").iterdir()).stem)

    def one(table: KpiTable) -> None:
        with open_duckdb() as con:
            con.execute("set timezone = 'UTC'")
            con.execute("create schema core")
            for name, reach in table.inputs.items():
                first, last = Reach(**reach.model_dump()).window(day, day)
                files = [
                    str(file)
                    for file in sorted((folder / "bare" / name).iterdir())
                    if (first or day.min).isoformat() <= file.stem <= (last or day.max).isoformat()
                ]
                con.execute(f"create view {name} as select * from read_parquet({files})")
            con.execute(
                f"copy ({table.sql.rstrip().rstrip(';')}) to '{folder / 'bare.parquet'}' {PARQUET}",
                {"first_day": day, "last_day": day},
            )

    return lambda: _each(folder, "duckdb_kpis", {table.table: partial(one, table) for table in contracts.tables})


def sillage_kpis(folder: Path) -> Work:
    """The newest day of each KPI table as it is built, table after table."""
    settings, lake = _lake(folder)
    kpis = {recipe.table: recipe for recipe in recipes() if recipe.table.startswith("kpi.")}
    day = max(open_table(lake, "core.vehicle_days").rows_by_day())
    for name in kpis:  # the newest day is new each time
        table = Table(lake, table_specs()[name])
        table.replace_days(table.scan(day, day).collect().clear(), [day])

    def one(recipe: Recipe) -> None:
        if build_table(lake, settings, recipe, day, day).days != {recipe.table: [day]}:
            raise RuntimeError(f"{recipe.table} was not worked out")

    return lambda: _each(folder, "sillage_kpis", {name: partial(one, recipe) for name, recipe in kpis.items()})


def kpi_names() -> list[str]:
    """The KPI tables, each after what it reads."""
    return [recipe.table for recipe in recipes() if recipe.table.startswith("kpi.")]


def _each(folder: Path, role: str, work: Mapping[str, Callable[[], None]]) -> int:
    seconds = {}
    for name, one in work.items():
        began = time.perf_counter()
        one()
        seconds[name] = time.perf_counter() - began
    with (folder / f"{role}-{KPI_SECONDS}").open("a") as file:
        file.write(json.dumps(seconds) + "\n")
    return len(seconds)


def _forget(lake: Lake, names: Sequence[str]) -> None:
    """Take computed tables out of a local lake, and what was written down about them."""
    for name in [*names, "ops.runs"]:
        shutil.rmtree(lake.table_place(name).plain, ignore_errors=True)


def _duckdb_json(folder: Path, names: str) -> Work:
    con = open_duckdb()
    source, target = folder / f"json-{names}" / "*.jsonl", folder / "bare.parquet"
    query = f"from read_json('{source}', format = 'newline_delimited')"
    return lambda: _count(con, f"copy ({query}) to '{target}' {PARQUET}")


def _sillage_json(folder: Path, names: str) -> Work:
    profile = parse_profile(json_profile(names), "bench")
    return _landing(folder / f"json-{names}", profile, folder / "lake-json")


def _duckdb_capture(folder: Path, columns: str) -> Work:
    con = open_duckdb()
    load_extension(con, "avro")
    source, target = folder / "capture" / "inbox" / "fleet" / "**" / "*.avro", folder / "bare.parquet"
    return lambda: _count(con, f"copy (select {columns} from read_avro('{source}')) to '{target}' {PARQUET}")


def _landing(source: Path, profile: FeedProfile, target: Path) -> Work:
    shutil.rmtree(target, ignore_errors=True)
    settings, lake = _lake(target)
    return lambda: land(lake, settings, profile, [str(source)]).records


def _lake(target: Path) -> tuple[Settings, Lake]:
    settings = get_settings(lake=str(target), earliest_day=date(2000, 1, 1))
    return settings, Lake.open(settings)


def _raw(folder: Path) -> tuple[duckdb.DuckDBPyConnection, str]:
    con = open_duckdb()
    _, lake = _lake(folder / "lake-capture")
    lake.prepare_duckdb(con)
    return con, lake.table_place("raw.telemetry").url


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
