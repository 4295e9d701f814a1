"""Which days of a table are behind its inputs, read from the Delta logs and from ``ops.runs``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from lake.catalog import table_specs
from lake.schemas.ops import Runs
from lake.storage import Lake
from lake.tables import Table, open_table


@dataclass(frozen=True)
class Reach:
    """How far a changed day of an input reaches.

    Attributes:
        back: the table's day needs this many earlier days of the input.
        forward: and this many later ones.
        onward: a changed day of the input changes all later days of the table.
    """

    back: int = 0
    forward: int = 0
    onward: bool = False


@dataclass(frozen=True)
class Stale:
    """What is to be computed.

    Attributes:
        days: days of the table that are behind.
        versions: the version of each input that brings them up to date.
    """

    days: frozenset[date]
    versions: Mapping[str, int]


def find_stale(lake: Lake, table: str, reaches: Mapping[str, Reach], spine: Collection[date] = ()) -> Stale:
    """The days of ``table`` that are behind.

    Args:
        lake: the lake.
        table: name of the table.
        reaches: its inputs.
        spine: days that must have been computed once even where no input changed.
    """
    runs = _runs(lake, table)
    versions: dict[str, int] = {}
    stale: set[date] = set()
    for name, reach in reaches.items():
        source = Table(lake, table_specs()[name])
        versions[name] = source.version()
        mine = runs.filter(pl.col("input") == name)
        marks = mine.filter(pl.col("date").is_null())["input_version"]
        watermark = max(marks, default=-1)
        built = dict(mine.drop_nulls("date").group_by("date").agg(pl.col("input_version").max()).iter_rows())
        changed = source.changed_days(watermark)
        for day, version in changed.items():
            for affected in _affected(day, reach, spine):
                if built.get(affected, -1) < version:
                    stale.add(affected)
    computed = set(runs["date"].drop_nulls())
    return Stale(frozenset(stale | (set(spine) - computed)), versions)


def record(
    lake: Lake, table: str, done: Mapping[date, int], versions: Mapping[str, int], watermark: Mapping[str, int]
) -> None:
    """Write down which days were computed from which versions.

    Args:
        lake: the lake.
        table: the table.
        done: days computed, each with the rows it has now.
        versions: versions of the inputs that were read for them.
        watermark: versions of the inputs up to which every change has been computed; empty where more is to do.
    """
    now = datetime.now(UTC)
    rows = [
        {"table": table, "input": name, "date": day, "input_version": version, "finished_at": now, "rows": count}
        for name, version in versions.items()
        if version >= 0
        for day, count in done.items()
    ]
    rows += [
        {"table": table, "input": name, "date": None, "input_version": version, "finished_at": now, "rows": None}
        for name, version in watermark.items()
        if version >= 0
    ]
    if rows:
        open_table(lake, "ops.runs").append(pl.DataFrame(rows, schema=Runs.create_empty().schema))


def _affected(day: date, reach: Reach, spine: Collection[date]) -> Iterable[date]:
    if reach.onward:
        return [other for other in spine if other >= day]
    return (day + timedelta(days=n) for n in range(-reach.forward, reach.back + 1))


def _runs(lake: Lake, table: str) -> pl.DataFrame:
    return open_table(lake, "ops.runs").scan(where=pl.col("table") == table).collect()
