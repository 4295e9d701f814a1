"""Building: from raw to core to KPIs, only what changed unless told otherwise.

A day's partition is replaced as a whole, so computing it twice gives the same rows; where it would be replaced by the
rows it has, it is left as it is, and nothing that reads it is computed anew. What was computed from which version is
written down after it was committed: a run that was killed is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from math import ceil
from time import monotonic

import polars as pl
from deltalake import DeltaTable

from lake.commits import ConcurrentWriteError
from lake.patience import patiently
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table, bucket_of
from metrics.specs import table_specs
from orchestration.order import in_order
from orchestration.recipes import Recipe, recipes
from orchestration.staleness import Computed, Stale, find_stale, record
from orchestration.survey import Survey

_ATTEMPTS = 5
#: Days that are computed at once at most.
_DAYS = 120
#: Days between two that are computed at once at most.
_APART = 7
#: Seconds after which it is written down what of a table has been computed: what is not, a killed run does again.
_WRITTEN_DOWN_S = 15.0

#: Called with the table, days done and days in all; from several threads.
Progress = Callable[[str, int, int], None]
#: Buckets of vehicles, both ends included; all of them where ``None``.
Buckets = tuple[int, int] | None
#: Handles of tables, ``None`` where nothing was written yet.
Inputs = Mapping[str, DeltaTable | None]


@dataclass
class BuildReport:
    """What a build did.

    Attributes:
        days: for each table the days it computed.
        changed: those of them whose rows are other than before, or which were computed for the first time.
        rows: rows that the days computed have now.
    """

    days: dict[str, list[date]] = field(default_factory=dict)
    changed: dict[str, list[date]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def sorted_by(self, tables: Iterable[str]) -> BuildReport:
        """The same, with the tables in this order."""
        names = [name for name in tables if name in self.days]
        return BuildReport(
            {name: self.days[name] for name in names},
            {name: self.changed[name] for name in names},
            {name: self.rows[name] for name in names},
        )


@dataclass(frozen=True)
class _Done:
    """What became of some days: rows that each has now, those that differ from before, and the versions read."""

    rows: Mapping[date, int]
    changed: frozenset[date]
    versions: Mapping[str, int]


def build(
    lake: Lake,
    settings: Settings,
    first: date | None = None,
    last: date | None = None,
    *,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Compute the tables, each after what it reads, and those that do not read each other side by side.

    Args:
        lake: the lake.
        settings: how many tables are computed at once, and how much they read.
        first: with ``last``, the days to compute whether they changed or not; one alone is that day and all
            after it, or all before it. Without either, exactly the days behind their inputs.
        last: see ``first``.
        tables: these only; all where ``None``.
        progress: told about what is going on.

    Raises:
        ConcurrentWriteError: other runs kept changing the same days.
    """
    wanted = {recipe.table: recipe for recipe in recipes() if tables is None or recipe.table in tables}
    at_once = min(settings.build_tables, max(1, len(wanted)))
    share = settings.model_copy(update={"build_rows": settings.build_rows // at_once})
    report, survey = BuildReport(), Survey(lake)

    def work(name: str) -> None:
        build_table(lake, share, wanted[name], first, last, survey=survey, report=report, progress=progress)

    in_order({name: wanted.keys() & recipe.inputs.keys() for name, recipe in wanted.items()}, work, at_once)
    return report.sorted_by(wanted)


def build_table(
    lake: Lake,
    settings: Settings,
    recipe: Recipe,
    first: date | None = None,
    last: date | None = None,
    *,
    changed_only: bool = False,
    survey: Survey | None = None,
    report: BuildReport | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Compute one table; see ``build``. With ``changed_only``, of the days named only those behind their inputs."""
    report = report if report is not None else BuildReport()
    survey = survey or Survey(lake)
    stale = stale_days(survey, recipe)
    if changed_only or (first is None and last is None):
        wanted = stale.days
    else:
        wanted = stale.expected | survey.rows_by_day(recipe.table).keys()
    days = sorted(day for day in wanted if (first or day) <= day <= (last or day))
    known = survey.days_as_recorded(recipe.table) if days else set()
    done: dict[date, int] = {}
    changed: set[date] = set()
    told: list[Computed] = []
    since = monotonic()
    for step in _steps(survey, settings, recipe, days):
        found = patiently(partial(_compute, lake, recipe, step, _pieces(survey, settings, recipe, step)))
        done |= found.rows
        news = found.changed | (found.rows.keys() - known)
        changed |= news
        complete = len(done) == len(days) and stale.days <= done.keys()
        # The watermark speaks for the days that are as they were.
        rows = {day: rows for day, rows in found.rows.items() if day in news or not complete}
        told.append(Computed(rows, {**found.versions, **stale.definition}))
        if len(done) == len(days) or monotonic() > since + _WRITTEN_DOWN_S:
            record(lake, recipe.table, told, stale.versions if complete else {})
            told, since = [], monotonic()
        if progress:
            progress(recipe.table, len(done), len(days))
    if not days and not stale.days and _has_news(survey, recipe, stale):
        record(lake, recipe.table, [], stale.versions)
    if days:
        survey.changed(recipe.table)
    report.days[recipe.table] = days
    report.changed[recipe.table] = sorted(changed)
    report.rows[recipe.table] = sum(done.values())
    return report


def stale_days(survey: Survey, recipe: Recipe) -> Stale:
    """The days of a table that are behind its inputs."""
    return patiently(lambda: find_stale(survey, recipe.table, recipe.inputs, recipe.definition))


def _compute(lake: Lake, recipe: Recipe, days: list[date], pieces: Sequence[Buckets]) -> _Done:
    """Compute some days, and commit those that are not there already."""
    table = Table(lake, table_specs()[recipe.table])
    for attempt in range(_ATTEMPTS):
        # The handle comes first: what another run committed before it was read from inputs no newer than these, and
        # what it commits after is a conflict. So a result never takes the place of one from newer inputs.
        handle = table.handle()
        inputs = {name: Table(lake, table_specs()[name]).now() for name in recipe.inputs}
        versions = {name: -1 if opened is None else int(opened.version()) for name, opened in inputs.items()}
        readers = [partial(_read, lake, inputs, piece) for piece in pieces]
        try:
            if recipe.folds:
                return _fold(lake, recipe, table, days, inputs, versions, pieces)
            rows = pl.concat([recipe.compute(read, days[0], days[-1]) for read in readers])
            rows = rows.filter(pl.col("date").is_in(days))
            table.spec.schema.validate(rows)
            changed = table.differing_days(rows, days, handle=handle)
            if changed:
                table.replace_days(rows.filter(pl.col("date").is_in(changed)), changed, handle=handle)
        except ConcurrentWriteError:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        counts = dict(rows.group_by("date").len().iter_rows())
        return _Done({day: int(counts.get(day, 0)) for day in days}, frozenset(changed), versions)
    raise AssertionError("unreachable")


def _fold(
    lake: Lake,
    recipe: Recipe,
    table: Table,
    days: list[date],
    inputs: Inputs,
    versions: Mapping[str, int],
    pieces: Sequence[Buckets],
) -> _Done:
    """Fold days into a table that is partitioned by bucket alone."""
    for piece in pieces:
        low, high = piece or (0, lake.buckets - 1)
        handle = table.handle()
        read = partial(_read, lake, inputs, piece)
        rows = recipe.compute(read, days[0], days[-1])
        table.spec.schema.validate(rows)
        table.replace(rows, "bucket", range(low, high + 1), handle=handle)
    return _Done(dict.fromkeys(days, 0), frozenset(days), versions)


def _read(
    lake: Lake, inputs: Inputs, buckets: Buckets, name: str, first: date | None, last: date | None
) -> pl.LazyFrame:
    table = Table(lake, table_specs()[name])
    rows = table.scan(first, last, handle=inputs.get(name))
    if buckets is None:
        return rows
    has_bucket = "bucket" in table.spec.schema.column_names()
    bucket = pl.col("bucket") if has_bucket else bucket_of(lake.buckets)
    return rows.filter(bucket.is_between(*buckets))


def _steps(survey: Survey, settings: Settings, recipe: Recipe, days: Sequence[date]) -> Iterator[list[date]]:
    """Days in runs without long gaps, each reading about as many rows as the settings allow.

    Telemetry is read a bucket at a time, and little is left of it. A table that needs all days of an input is computed
    at once: each step would read them all.
    """
    if any(reach.throughout for reach in recipe.inputs.values()):
        if days:
            yield list(days)
        return
    step: list[date] = []
    for day in days:
        if step and (
            day - step[-1] > timedelta(_APART)
            or day - step[0] >= timedelta(_DAYS)
            or _load(survey, recipe, step[0], day) > settings.build_rows
        ):
            yield step
            step = []
        step.append(day)
    if step:
        yield step


def _pieces(survey: Survey, settings: Settings, recipe: Recipe, days: Sequence[date]) -> list[Buckets]:
    """As few ranges of buckets as keep what is read at once within the settings; one for all vehicles if that does."""
    buckets = survey.lake.buckets
    rows = sum(_rows_read(survey, recipe, days[0], days[-1]).values())
    pieces = min(buckets, ceil(rows / settings.build_rows)) if recipe.by_vehicle else 1
    if pieces <= 1:
        return [None]
    bounds = [buckets * n // pieces for n in range(pieces + 1)]
    return [(low, high - 1) for low, high in pairwise(bounds)]


def _load(survey: Survey, recipe: Recipe, first: date, last: date) -> int:
    """Rows that a step reads at once, if it takes telemetry a bucket at a time."""
    rows = _rows_read(survey, recipe, first, last)
    return rows.pop("raw.telemetry", 0) // survey.lake.buckets + sum(rows.values())


def _rows_read(survey: Survey, recipe: Recipe, first: date, last: date) -> dict[str, int]:
    """Rows of each input that the days from ``first`` to ``last`` need."""
    return {name: survey.rows_between(name, *reach.window(first, last)) for name, reach in recipe.inputs.items()}


def _has_news(survey: Survey, recipe: Recipe, stale: Stale) -> bool:
    """Inputs moved on without changing any day, as by compaction: the watermark may follow."""
    runs = survey.runs.filter((pl.col("table") == recipe.table) & pl.col("date").is_null())
    marks = dict(runs.select("input", "input_version").iter_rows())
    return any(version > marks.get(name, -1) for name, version in stale.versions.items())
