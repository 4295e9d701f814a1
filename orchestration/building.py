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
from threading import RLock
from time import monotonic

import polars as pl

from lake.commits import ConcurrentWriteError
from lake.patience import patiently
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import bucket_of
from orchestration.order import in_order
from orchestration.recipes import Recipe, recipes
from orchestration.staleness import Computed, Stale, find_stale, record
from orchestration.survey import Survey

_ATTEMPTS = 5
#: Days that are computed at once at most.
_DAYS = 120
#: Days between two that are computed at once at most.
_APART = 7
#: Seconds after which it is written down what has been computed: what is not, a killed run does again.
_WRITTEN_DOWN_S = 15.0

#: Called with the table, days done and days in all; from several threads.
Progress = Callable[[str, int, int], None]
#: Buckets of vehicles, both ends included; all of them where ``None``.
Buckets = tuple[int, int] | None


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


class _Diary:
    """What has been computed, written down for many tables together.

    Each time is a commit, and the more there are the longer it takes to read them. Several threads may share one.
    """

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._computed: list[Computed] = []
        self._since = monotonic()
        self._lock = RLock()

    def note(self, one: Computed) -> None:
        """Take it down, now or somewhat later."""
        with self._lock:
            self._computed.append(one)
            if monotonic() > self._since + _WRITTEN_DOWN_S:
                self.write()

    def write(self) -> None:
        """Write down all that has not been yet."""
        with self._lock:
            if self._computed:
                record(self._survey.lake, self._computed)
                self._survey.recorded()
            self._computed, self._since = [], monotonic()


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
    diary = _Diary(survey)

    def work(name: str) -> None:
        _build_table(survey, share, wanted[name], _Wanted(first, last), diary, report, progress)

    in_order({name: wanted.keys() & recipe.inputs.keys() for name, recipe in wanted.items()}, work, at_once)
    diary.write()
    return report.sorted_by(wanted)


def build_table(
    lake: Lake,
    settings: Settings,
    recipe: Recipe,
    first: date | None = None,
    last: date | None = None,
    *,
    changed_only: bool = False,
) -> BuildReport:
    """Compute one table; see ``build``. With ``changed_only``, of the days named only those behind their inputs."""
    report, survey = BuildReport(), Survey(lake)
    diary = _Diary(survey)
    _build_table(survey, settings, recipe, _Wanted(first, last, changed_only), diary, report, None)
    diary.write()
    return report


@dataclass(frozen=True)
class _Wanted:
    """The days to compute; see ``build`` and ``build_table``."""

    first: date | None
    last: date | None
    changed_only: bool = False

    def days(self, survey: Survey, table: str, stale: Stale) -> list[date]:
        if self.changed_only or (self.first is None and self.last is None):
            wanted = stale.days
        else:
            wanted = stale.expected | survey.rows_by_day(table).keys()
        return sorted(day for day in wanted if (self.first or day) <= day <= (self.last or day))


def _build_table(
    survey: Survey,
    settings: Settings,
    recipe: Recipe,
    wanted: _Wanted,
    diary: _Diary,
    report: BuildReport,
    progress: Progress | None,
) -> None:
    stale = stale_days(survey, recipe)
    days = wanted.days(survey, recipe.table, stale)
    known = survey.days_as_recorded(recipe.table) if days else set()
    done: dict[date, int] = {}
    changed: set[date] = set()
    for step in _steps(survey, settings, recipe, days):
        found = patiently(partial(_compute, survey, recipe, step, _pieces(survey, settings, recipe, step)))
        done |= found.rows
        news = found.changed | (found.rows.keys() - known)
        changed |= news
        complete = len(done) == len(days) and stale.days <= done.keys()
        # The watermark speaks for the days that are as they were.
        rows = {day: rows for day, rows in found.rows.items() if day in news or not complete}
        versions = {**found.versions, **stale.definition}
        diary.note(Computed(recipe.table, rows, versions, stale.versions if complete else {}))
        if progress:
            progress(recipe.table, len(done), len(days))
    if not days and not stale.days and _has_news(survey, recipe, stale):
        diary.note(Computed(recipe.table, {}, {}, stale.versions))
    if days:
        survey.changed(recipe.table)
    report.days[recipe.table] = days
    report.changed[recipe.table] = sorted(changed)
    report.rows[recipe.table] = sum(done.values())


def stale_days(survey: Survey, recipe: Recipe) -> Stale:
    """The days of a table that are behind its inputs."""
    return patiently(lambda: find_stale(survey, recipe.table, recipe.inputs, recipe.definition))


def _compute(survey: Survey, recipe: Recipe, days: list[date], pieces: Sequence[Buckets]) -> _Done:
    """Compute some days, and commit those that are not there already."""
    table = survey.table(recipe.table)
    for attempt in range(_ATTEMPTS):
        # The handle comes first: what another run committed before it was read from inputs no newer than these, and
        # what it commits after is a conflict. So a result never takes the place of one from newer inputs.
        handle = table.handle()
        for name in recipe.inputs:
            survey.newest(name)
        versions = {name: survey.version(name) for name in recipe.inputs}
        readers = [partial(_read, survey, piece) for piece in pieces]
        try:
            if recipe.folds:
                return _fold(survey, recipe, days, versions, pieces)
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
    survey: Survey, recipe: Recipe, days: list[date], versions: Mapping[str, int], pieces: Sequence[Buckets]
) -> _Done:
    """Fold days into a table that is partitioned by bucket alone."""
    table = survey.table(recipe.table)
    for piece in pieces:
        low, high = piece or (0, survey.lake.buckets - 1)
        handle = table.handle()
        read = partial(_read, survey, piece)
        survey.newest(recipe.table)
        rows = recipe.compute(read, days[0], days[-1])
        table.spec.schema.validate(rows)
        table.replace(rows, "bucket", range(low, high + 1), handle=handle)
    return _Done(dict.fromkeys(days, 0), frozenset(days), versions)


def _read(survey: Survey, buckets: Buckets, name: str, first: date | None, last: date | None) -> pl.LazyFrame:
    rows = survey.rows(name, first, last)
    if buckets is None:
        return rows
    has_bucket = "bucket" in survey.table(name).spec.schema.column_names()
    bucket = pl.col("bucket") if has_bucket else bucket_of(survey.lake.buckets)
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
