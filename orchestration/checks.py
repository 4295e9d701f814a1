"""Checks of the data that was committed: the contract of each table, its row counts, and the rules of ``sql/checks``.

A check never stops anything by itself: it says how many rows break its rule, and the result is kept in
``ops.check_results``. What a failure holds up is decided by who runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import Any

import dataframely as dy
import duckdb
import polars as pl

from lake.catalog import connect
from lake.checks import Check, load_checks
from lake.patience import patiently
from lake.schemas import TableSpec
from lake.schemas.ops import CheckResults
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import open_table
from metrics.specs import table_specs
from orchestration.due import MOST_RANGES, day_ranges, unpublished
from orchestration.recipes import Recipe, recipes
from orchestration.survey import Survey

_EXAMPLES = 10
#: The newest days of which KPI tables are worked out again: what is about to be looked at, at a cost that has a bound.
_AGAIN = 7
#: Rows of a table that are held against its contract at once; more only where one bucket of a day has more.
_ROWS_AT_ONCE = 500_000
#: Checks that look at once; most wait for a file, or for the one thread that a KPI query has.
_AT_ONCE = 2
#: A sum of the same numbers in another order differs by less.
_SAME = 1e-9


@dataclass(frozen=True)
class Findings:
    """What a check found.

    Attributes:
        failing_rows: rows that break the rule.
        why: which part of the rule, where it has parts.
        examples: the first of these rows.
    """

    failing_rows: int = 0
    why: str = ""
    examples: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class CheckResult:
    """One run of one check.

    Attributes:
        check: name of the check.
        table: table it speaks of.
        rule: what should hold, in words.
        findings: what was found.
    """

    check: str
    table: str
    rule: str
    findings: Findings

    @property
    def passed(self) -> bool:
        """No row breaks the rule."""
        return self.findings.failing_rows == 0


@dataclass(frozen=True)
class Session:
    """What checks look at: the lake, the days that matter, and the tables.

    Attributes:
        lake: the lake.
        settings: memory of the session.
        days: these days only.
        tables: what the checks read, as of the moment at which the first of them looks.
    """

    lake: Lake
    settings: Settings
    days: Collection[date]
    tables: Collection[str] = ()

    @cached_property
    def survey(self) -> Survey:
        """The tables, opened once."""
        survey = Survey(self.lake)
        # What is landing, or is being computed, is in its table before it is said to be.
        for name in ("ops.batches", "ops.runs"):
            survey.handle(name)
        survey.open(self.tables)
        return survey

    @cached_property
    def sql(self) -> duckdb.DuckDBPyConnection:
        """A read-only view of what the rules of ``sql/checks`` read; each thread takes a cursor of it."""
        names = {name for check in load_checks() for name in check.inputs}
        specs = {name: spec for name, spec in table_specs().items() if name in names}
        return connect(self.lake, self.settings, specs=specs)


@dataclass(frozen=True)
class DataCheck:
    """One rule.

    Attributes:
        name: unique among all checks.
        table: the table it is shown at: the last one that it needs.
        rule: what should hold, in words.
        inputs: all tables it reads.
        examine: looks for rows that break it.
        generated: it follows from the contract of ``table`` alone; otherwise it compares tables with each other.
    """

    name: str
    table: str
    rule: str
    inputs: tuple[str, ...]
    examine: Callable[[Session], Findings] = field(repr=False)
    generated: bool = True


def data_checks() -> tuple[DataCheck, ...]:
    """Every check there is, those that follow from the contracts first."""
    return (*_generated(), *_kpis(), *(_from_file(check) for check in load_checks()))


def publication_checks() -> tuple[DataCheck, ...]:
    """What has to hold before a publication: all but the contracts of raw, which landing keeps row by row."""
    raw = {f"{name}.contract" for name, spec in table_specs().items() if spec.layer == "raw"}
    return tuple(check for check in data_checks() if check.name not in raw)


def run_checks(
    lake: Lake,
    settings: Settings,
    days: Collection[date] | None = None,
    *,
    checks: Sequence[DataCheck] | None = None,
) -> list[CheckResult]:
    """Run checks and write down how they ended.

    Args:
        lake: the lake.
        settings: memory of the session.
        days: days to look at; those computed since the last publication where ``None``.
        checks: these only; ``publication_checks`` where ``None``.

    Returns:
        One result per check, in the order of ``checks``.
    """
    checks = publication_checks() if checks is None else checks
    days = sorted(patiently(lambda: unpublished(lake)).days if days is None else days)
    session = Session(lake, settings, days, {name for check in checks for name in check.inputs})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda check: patiently(partial(check.examine, session)), checks))
    results = [CheckResult(check.name, check.table, check.rule, one) for check, one in zip(checks, found, strict=True)]
    now = datetime.now(UTC)
    rows = [
        {
            "date": now.date(), "check": result.check, "at": now,
            "failing_rows": result.findings.failing_rows, "passed": result.passed,
        }
        for result in results
    ]  # fmt: skip
    if rows:
        open_table(lake, "ops.check_results").append(pl.DataFrame(rows, schema=CheckResults.create_empty().schema))
    return results


def _generated() -> Iterator[DataCheck]:
    recorded = {recipe.table for recipe in recipes() if not recipe.folds}
    for name, spec in table_specs().items():
        if spec.layer == "ops":
            continue
        yield DataCheck(
            f"{name}.contract",
            name,
            f"The committed rows keep the contract of {name}.",
            (name,),
            partial(_examine_contract, spec),
        )
        if name in recorded:
            yield DataCheck(
                f"{name}.rows_as_recorded",
                name,
                f"Each day of {name} has the rows that were written down when it was computed.",
                (name,),
                partial(_examine_rows, spec),
            )
    yield DataCheck(
        "every_landed_record_is_there",
        "raw.telemetry",
        "The raw tables have as many rows as ops.batches says have landed.",
        tuple(name for name, spec in table_specs().items() if spec.layer == "raw"),
        _examine_landed,
    )


def _kpis() -> Iterator[DataCheck]:
    """That no KPI table is behind core, of each that there is."""
    for recipe in recipes():
        if recipe.table.startswith("kpi."):
            yield DataCheck(
                f"{recipe.table}.agrees_with_core",
                recipe.table,
                f"The newest {_AGAIN} days of {recipe.table} are what its query makes of core now.",
                (*recipe.inputs, recipe.table),
                partial(_examine_again, recipe),
                generated=False,
            )


def _from_file(check: Check) -> DataCheck:
    raw = [name for name, spec in table_specs().items() if spec.layer == "raw"]
    known = [name for name in (*raw, *(recipe.table for recipe in recipes())) if name in check.inputs]
    table = known[-1] if known else "raw.telemetry"
    return DataCheck(check.name, table, check.rule, check.inputs, partial(_examine_sql, check), generated=False)


def _examine_sql(check: Check, session: Session) -> Findings:
    failing = 0
    examples: list[dict[str, Any]] = []
    ranges = day_ranges(session.days, MOST_RANGES) if check.by_day else [(date.min, date.max)]
    for first, last in ranges:
        with session.sql.cursor() as cursor:
            rows = cursor.execute(check.sql, check.parameters(first, last)).pl()
        failing += rows.height
        examples += rows.head(_EXAMPLES - len(examples)).to_dicts()
    return Findings(failing, "", examples)


def _examine_again(recipe: Recipe, session: Session) -> Findings:
    """Rows of the newest days that another computation does not give, or gives otherwise."""
    spec = table_specs()[recipe.table]
    keys = [*spec.partition_by, *spec.sort_by]
    parts = [name for name in spec.schema.column_names() if name not in keys]
    days = sorted(session.days)[-_AGAIN:]
    failing = 0
    examples: list[dict[str, Any]] = []
    for first, last in day_ranges(days):
        again = recipe.compute(session.survey.rows, first, last)
        both = (
            session.survey.rows(recipe.table, first, last)
            .collect()
            .join(again, on=keys, how="full", coalesce=True, suffix="_again")
        )
        rows = both.filter(~pl.all_horizontal(_alike(name) for name in parts).fill_null(False))
        failing += rows.height
        examples += rows.head(_EXAMPLES - len(examples)).to_dicts()
    return Findings(failing, "", examples)


def _alike(part: str) -> pl.Expr:
    now, again = pl.col(part).cast(pl.Float64), pl.col(f"{part}_again").cast(pl.Float64)
    return (now - again).abs() <= _SAME * pl.max_horizontal(now.abs(), again.abs())


def _examine_contract(spec: TableSpec, session: Session) -> Findings:
    failing = 0
    broken: dict[str, int] = {}
    examples: list[dict[str, Any]] = []
    shown = [name for name in (*spec.partition_by, *spec.sort_by) if name in spec.schema.column_names()]
    for rows in _pieces(spec, session):
        try:
            failure = spec.schema.filter(rows).failure
        except dy.exc.SchemaError as error:
            return Findings(rows.height, str(error))
        failing += len(failure)
        for rule, count in failure.counts().items():
            broken[rule] = broken.get(rule, 0) + count
        examples += failure.invalid().head(_EXAMPLES - len(examples)).select(shown).to_dicts()
    return Findings(failing, ", ".join(f"{rule}: {count}" for rule, count in sorted(broken.items())), examples)


def _pieces(spec: TableSpec, session: Session) -> Iterator[pl.DataFrame]:
    """The rows to look at, as many at a time as memory allows: some days, and of a day with more one bucket of it."""
    table, handle = session.survey.table(spec.name), session.survey.handle(spec.name)
    if handle is None:
        return
    if spec.day_column is None:
        for where in _buckets(spec, session):
            yield table.scan(handle=handle, where=where).collect()
        return
    rows = session.survey.rows_by_day(spec.name)
    for days in _together(sorted(set(session.days) & set(rows)), rows):
        of_days = pl.col(spec.day_column).is_in(days)
        large = sum(rows[day] for day in days) > _ROWS_AT_ONCE
        for where in _buckets(spec, session) if large else [pl.lit(True)]:
            yield table.scan(days[0], days[-1], handle=handle, where=of_days & where).collect()


def _together(days: Iterable[date], rows: Mapping[date, int]) -> Iterator[list[date]]:
    """Days in runs of about so many rows as are looked at at once."""
    run: list[date] = []
    for day in days:
        if run and sum(rows[one] for one in run) + rows[day] > _ROWS_AT_ONCE:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _buckets(spec: TableSpec, session: Session) -> list[pl.Expr]:
    """Conditions that let one bucket of a table through each; one that lets all through where it has none."""
    if "bucket" not in spec.partition_by:
        return [pl.lit(True)]
    return [pl.col("bucket") == bucket for bucket in range(session.lake.buckets)]


def _examine_rows(spec: TableSpec, session: Session) -> Findings:
    wrong = _not_as_recorded(spec.name, session.survey, session.days)
    if wrong:
        # A build may have written the one before it was looked at, and the other after it.
        wrong = _not_as_recorded(spec.name, Survey(session.lake), session.days)
    return Findings(len(wrong), "", wrong[:_EXAMPLES])


def _not_as_recorded(name: str, survey: Survey, days: Collection[date]) -> list[dict[str, Any]]:
    runs = survey.runs.filter(pl.col("table") == name).drop_nulls("date").sort("finished_at")
    recorded = dict(runs.group_by("date").agg(pl.col("rows").last()).iter_rows())
    committed = survey.rows_by_day(name)
    return [
        {"date": day, "recorded": recorded[day], "committed": committed.get(day, 0)}
        for day in sorted(set(days) & set(recorded))
        if recorded[day] != committed.get(day, 0)
    ]


def _examine_landed(session: Session) -> Findings:
    # While this looks, files may land: they are in raw before ops.batches says so.
    before, _ = _landed(session.survey.rows("ops.batches"))
    names = [name for name, spec in table_specs().items() if spec.layer == "raw"]
    there = sum(sum(session.survey.rows_by_day(name).values()) for name in names)
    after, under_way = _landed(open_table(session.lake, "ops.batches").scan())
    if before <= there and (there <= after or under_way):
        return Findings()
    return Findings(max(before - there, there - after), "", [{"landed": after, "committed": there}])


def _landed(log: pl.LazyFrame) -> tuple[int, bool]:
    """Rows that have landed by what ``ops.batches`` says, and whether a batch is under way."""
    batches = log.collect()
    ended = batches.filter(pl.col("status") != "planned").select("source", "batch")
    return int(batches["landed"].sum()), batches.join(ended, on=["source", "batch"], how="anti").height > 0
