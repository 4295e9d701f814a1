"""Building: from raw to core to KPIs, only what changed unless told otherwise.

A day's partition is replaced as a whole, so computing it twice gives the same rows. What was computed from which
version is written down after it was committed: a run that was killed is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import polars as pl

from lake.catalog import table_specs
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import ConcurrentWriteError, Table, bucket_of, days_between, open_table
from orchestration.recipes import Recipe, recipes
from orchestration.staleness import Stale, find_stale, record

_ATTEMPTS = 5
#: Days of a KPI table, or of a table that reads none of the telemetry, that are computed at once.
_DAYS = 120

#: Called with the table, days done and days in all.
Progress = Callable[[str, int, int], None]


@dataclass
class BuildReport:
    """What a build did: for each table the days it computed, and the rows they have now."""

    days: dict[str, list[date]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


def build(
    lake: Lake,
    settings: Settings,
    first: date | None = None,
    last: date | None = None,
    *,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Compute the tables, each after what it reads.

    Args:
        lake: the lake.
        settings: how much is read at once.
        first: with ``last``, the days to compute whether they changed or not; one alone is that day and all
            after it, or all before it. Without either, exactly the days behind their inputs.
        last: see ``first``.
        tables: these only; all where ``None``.
        progress: told about what is going on.

    Raises:
        ConcurrentWriteError: other runs kept changing the same days.
    """
    report = BuildReport()
    for recipe in recipes():
        if tables is None or recipe.table in tables:
            build_table(lake, settings, recipe, first, last, report=report, progress=progress)
    return report


def build_table(
    lake: Lake,
    settings: Settings,
    recipe: Recipe,
    first: date | None = None,
    last: date | None = None,
    *,
    changed_only: bool = False,
    report: BuildReport | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Compute one table; see ``build``. With ``changed_only``, of the days named only those behind their inputs."""
    report = report if report is not None else BuildReport()
    spine = _spine_of(lake, recipe)
    stale = stale_days(lake, recipe, spine)
    if changed_only or (first is None and last is None):
        days = sorted(day for day in stale.days if (first or day) <= day <= (last or day))
    else:
        low, high = _known_range(lake, spine)
        days = list(days_between(max(first or low, low), min(last or high, high))) if low <= high else []
    done: dict[date, int] = {}
    for chunk in _chunks(lake, settings, recipe, days):
        rows, versions = _compute(lake, recipe, chunk)
        done |= rows
        complete = len(done) == len(days) and stale.days <= done.keys()
        record(lake, recipe.table, rows, versions, stale.versions if complete else {})
        if progress:
            progress(recipe.table, len(done), len(days))
    if not days and not stale.days and _has_news(lake, recipe, stale):
        record(lake, recipe.table, {}, {}, stale.versions)
    report.days[recipe.table] = days
    report.rows[recipe.table] = sum(done.values())
    return report


def stale_days(lake: Lake, recipe: Recipe, spine: Sequence[date] | None = None) -> Stale:
    """The days of a table that are behind its inputs, up to the day of the newest telemetry."""
    known = _spine_of(lake, recipe) if spine is None else spine
    stale = find_stale(lake, recipe.table, recipe.inputs, known if recipe.spine else ())
    horizon = _horizon(lake)
    return Stale(frozenset(day for day in stale.days if day <= horizon), stale.versions)


def _compute(lake: Lake, recipe: Recipe, days: list[date]) -> tuple[dict[date, int], dict[str, int]]:
    """Compute and commit some days. Returns the rows that each of them has now, and the versions of the inputs."""
    table = Table(lake, table_specs()[recipe.table])
    for attempt in range(_ATTEMPTS):
        # The handle comes first: what another run committed before it was read from inputs no newer than these, and
        # what it commits after is a conflict. So a result never takes the place of one from newer inputs.
        handle = table.handle()
        versions = {name: Table(lake, table_specs()[name]).version() for name in recipe.inputs}
        try:
            if recipe.folds:
                return _fold(lake, recipe, table, days, versions), versions
            frames = [recipe.compute(read, days[0], days[-1]) for read in _readers(lake, recipe, versions)]
            rows = pl.concat(frames).filter(pl.col("date").is_in(days))
            table.spec.schema.validate(rows)
            table.replace_days(rows, days, handle=handle)
        except ConcurrentWriteError:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        counts = dict(rows.group_by("date").len().iter_rows())
        return {day: int(counts.get(day, 0)) for day in days}, versions
    raise AssertionError("unreachable")


def _fold(lake: Lake, recipe: Recipe, table: Table, days: list[date], versions: Mapping[str, int]) -> dict[date, int]:
    """Fold days into a table that is partitioned by bucket alone."""
    for bucket in range(lake.buckets):
        handle = table.handle()
        read = partial(_read, lake, versions, bucket)
        rows = recipe.compute(read, days[0], days[-1]).with_columns(pl.lit(bucket, pl.Int32).alias("bucket"))
        table.spec.schema.validate(rows)
        table.replace(rows, "bucket", [bucket], handle=handle)
    return dict.fromkeys(days, 0)


def _readers(lake: Lake, recipe: Recipe, versions: Mapping[str, int]) -> Iterator[Callable[..., pl.LazyFrame]]:
    """One reader of the inputs per bucket where the table is computed bucket by bucket, otherwise one for all."""
    for bucket in range(lake.buckets) if recipe.by_bucket and lake.buckets > 1 else [None]:
        yield partial(_read, lake, versions, bucket)


def _read(
    lake: Lake, versions: Mapping[str, int], bucket: int | None, name: str, first: date | None, last: date | None
) -> pl.LazyFrame:
    version = versions.get(name)
    table = Table(lake, table_specs()[name])
    rows = table.scan(first, last, version=version if version is not None and version >= 0 else None)
    if bucket is None or lake.buckets == 1:
        return rows
    if "bucket" in table.spec.schema.column_names():
        return rows.filter(pl.col("bucket") == bucket)
    return rows.filter(bucket_of(lake.buckets) == bucket)


def _chunks(lake: Lake, settings: Settings, recipe: Recipe, days: Sequence[date]) -> Iterator[list[date]]:
    """Days in runs without gaps, each reading about as many raw rows as the settings allow."""
    weights = open_table(lake, "raw.telemetry").rows_by_day() if recipe.by_bucket else {}
    per_day = settings.build_rows * lake.buckets
    chunk: list[date] = []
    weight = 0
    for day in days:
        more = weights.get(day, 0)
        adjacent = chunk and day - chunk[-1] == timedelta(days=1)
        if chunk and (not adjacent or weight + more > per_day or len(chunk) >= _DAYS):
            yield chunk
            chunk, weight = [], 0
        chunk.append(day)
        weight += more
    if chunk:
        yield chunk


def _spine_of(lake: Lake, recipe: Recipe) -> Sequence[date]:
    """The spine, for a table that follows it."""
    return _spine(lake) if recipe.spine or any(reach.onward for reach in recipe.inputs.values()) else ()


def _spine(lake: Lake) -> list[date]:
    """The days on which a vehicle may have been in the fleet: days with telemetry, and, from the first day of the
    registry on, every day to the newest telemetry."""
    heard = open_table(lake, "raw.telemetry").rows_by_day()
    if not heard:
        return []
    days = set(heard)
    registry = open_table(lake, "raw.vehicles").rows_by_day()
    if registry:
        days |= set(days_between(min(registry), max(heard)))
    return sorted(days)


def _horizon(lake: Lake) -> date:
    """The newest day that a table can have: that of the newest telemetry."""
    heard = open_table(lake, "raw.telemetry").rows_by_day()
    return max(heard) if heard else date.min


def _known_range(lake: Lake, spine: Sequence[date]) -> tuple[date, date]:
    heard = sorted(spine) or sorted(open_table(lake, "raw.telemetry").rows_by_day())
    return (heard[0], heard[-1]) if heard else (date.max, date.min)


def _has_news(lake: Lake, recipe: Recipe, stale: Stale) -> bool:
    """Inputs moved on without changing any day, as by compaction: the watermark may follow."""
    runs = open_table(lake, "ops.runs").scan(where=pl.col("table") == recipe.table).collect()
    marks = dict(runs.filter(pl.col("date").is_null()).group_by("input").agg(pl.col("input_version").max()).iter_rows())
    return any(version > marks.get(name, -1) for name, version in stale.versions.items())
