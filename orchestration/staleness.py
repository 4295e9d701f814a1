"""Which days of a table are behind its inputs, read from the Delta logs and from ``ops.runs``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product

import polars as pl

from lake.compaction import tidy
from lake.schemas.ops import Runs
from lake.storage import Lake
from lake.tables import days_between, open_table
from orchestration.survey import Survey

#: Each build adds small files to ``ops.runs``; so many are merged.
_MOST_FILES = 100
#: How a query stands among the inputs in ``ops.runs``, with its name behind.
_DEFINITION = "definition:"


@dataclass(frozen=True)
class Reach:
    """How far a day of an input reaches.

    Attributes:
        back: the table's day needs this many earlier days of the input.
        forward: and this many later ones.
        onward: it needs all earlier days: a day of the input reaches all later days of the table, up to the newest
            on which a vehicle was heard of.
        from_delivery: with ``onward``, of statements about vehicles: it needs later days as well, for the first one
            about a vehicle holds from its delivery on.
        throughout: it needs all days there are. The table has no day that the input does not have.
    """

    back: int = 0
    forward: int = 0
    onward: bool = False
    from_delivery: bool = False
    throughout: bool = False

    def window(self, first: date, last: date) -> tuple[date | None, date | None]:
        """The days of the input that the table's days from ``first`` to ``last`` need; ``None`` is without end."""
        if self.throughout or self.from_delivery:
            return None, None
        if self.onward:
            return None, last
        return first - timedelta(days=self.back), last + timedelta(days=self.forward)


@dataclass(frozen=True)
class Stale:
    """What is to be computed.

    Attributes:
        days: days of the table that are behind.
        expected: all days that the table has, or may have.
        versions: the version of each input that brings them up to date, the definition among them.
        definition: of a table whose query may change, that query and its version; empty for others.
    """

    days: frozenset[date]
    expected: frozenset[date]
    versions: Mapping[str, int]
    definition: Mapping[str, int]


def find_stale(survey: Survey, table: str, reaches: Mapping[str, Reach], definition: str = "") -> Stale:
    """The days of ``table`` that are behind, up to the newest day on which a vehicle was heard of.

    A day is behind if a day of an input that reaches it has changed since it was computed, or if it was never computed
    and some day of an input reaches it. Every day is behind that was computed by another definition.

    Args:
        survey: what the logs say.
        table: name of the table.
        reaches: its inputs.
        definition: names what it is computed by; empty where that does not change.
    """
    runs = survey.runs.filter(pl.col("table") == table)
    expected: set[date] = set()
    stale: set[date] = set()
    for name, reach in reaches.items():
        there = survey.rows_by_day(name)
        told_from = survey.told_from(name) if reach.from_delivery else {}
        expected |= _reached(_moved(dict.fromkeys(there, 0), told_from), there, reach, survey.horizon).keys()
        mine = runs.filter(pl.col("input") == name)
        watermark = max(mine.filter(pl.col("date").is_null())["input_version"], default=-1)
        if watermark == survey.version(name):
            continue
        computed = dict(mine.drop_nulls("date").select("date", "input_version").iter_rows())
        changed = survey.changed_days(name, watermark)
        newest = _reached(_moved(changed, told_from), there, reach, survey.horizon)
        stale |= {day for day, version in newest.items() if computed.get(day, -1) < version}
    known = set(runs["date"].drop_nulls())
    own = _definition(runs, definition)
    stale |= _defined_otherwise(runs, known, own)
    versions = {name: survey.version(name) for name in reaches} | own
    # The horizon goes back where a feed begins to say when its messages arrive; what was computed must stay right.
    within = {day for day in stale | (expected - known) if day <= survey.horizon or day in known}
    return Stale(frozenset(within), frozenset(day for day in expected if day <= survey.horizon), versions, own)


def _definition(runs: pl.DataFrame, definition: str) -> dict[str, int]:
    """The definition with its version: that of the newest, if it is the newest, else the next."""
    if not definition:
        return {}
    name = f"{_DEFINITION}{definition}"
    defined = runs.filter(pl.col("input").str.starts_with(_DEFINITION))
    newest = max(defined["input_version"], default=-1)
    mine = max(defined.filter(pl.col("input") == name)["input_version"], default=-1)
    return {name: newest if mine == newest >= 0 else newest + 1}


def _defined_otherwise(runs: pl.DataFrame, known: Collection[date], definition: Mapping[str, int]) -> set[date]:
    """The days that were computed by another definition than this."""
    behind: set[date] = set()
    for name, version in definition.items():
        mine = runs.filter(pl.col("input") == name, pl.col("input_version") == version)
        if not mine["date"].has_nulls():
            behind |= set(known) - set(mine["date"])
    return behind


@dataclass(frozen=True)
class Computed:
    """Days of a table that were computed together, or none, where only the watermark moves on.

    Attributes:
        table: its name.
        rows: rows that each day has now.
        versions: versions of the inputs that were read for them.
        watermark: versions of the inputs up to which every change has been computed; empty where more is to do.
    """

    table: str
    rows: Mapping[date, int]
    versions: Mapping[str, int]
    watermark: Mapping[str, int]


def record(lake: Lake, computed: Iterable[Computed]) -> None:
    """Write down which days were computed from which versions, all in one commit."""
    at = datetime.now(UTC)
    rows: list[dict[str, object]] = []
    for one in computed:
        told = [*product(one.versions.items(), one.rows.items()), *product(one.watermark.items(), [(None, None)])]
        rows += [
            {"table": one.table, "input": name, "date": day, "input_version": version, "finished_at": at, "rows": count}
            for (name, version), (day, count) in told
            if version >= 0
        ]
    if rows:
        runs = open_table(lake, "ops.runs")
        runs.append(pl.DataFrame(rows, schema=Runs.create_empty().schema))
        tidy(runs, _MOST_FILES)


def _moved(changed: Mapping[date, int], told_from: Mapping[date, date]) -> Mapping[date, int]:
    """Changed days, and with them the earlier days from which on statements of theirs hold."""
    moved = dict(changed)
    for day in told_from.keys() & changed.keys():
        moved[told_from[day]] = max(moved.get(told_from[day], -1), changed[day])
    return moved


def _reached(changed: Mapping[date, int], there: Collection[date], reach: Reach, horizon: date) -> dict[date, int]:
    """The days of a table that changed days of an input reach, each with the newest version that does."""
    if not changed:
        return {}
    if reach.throughout:
        return dict.fromkeys({*there, *changed}, max(changed.values()))
    reached: dict[date, int] = {}
    if reach.onward:
        version = -1
        for day in days_between(min(changed), horizon):
            version = max(version, changed.get(day, -1))
            reached[day] = version
        return reached
    for day, version in changed.items():
        for n in range(-reach.forward, reach.back + 1):
            other = day + timedelta(days=n)
            reached[other] = max(version, reached.get(other, -1))
    return reached
