"""What is due: files that wait in an inbox, days behind their inputs, computed days that are not published yet.

All of it is read from the lake, so it is the same whoever did the work before: a sensor, the schedule or the command
line. What is done about it is not known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from lake.settings import Settings
from lake.snapshot import current
from lake.storage import Lake
from lake.tables import open_table
from orchestration.building import stale_days
from orchestration.inbox import FoundFile, at_rest, find_files
from orchestration.landing import waiting_files
from orchestration.recipes import recipes
from orchestration.survey import Survey
from transforms.sources.profile import FeedProfile

#: Ranges of days that one table is worked out in at most; a flood of scattered days is worked out in wider ones.
MOST_RANGES = 10

DayRange = tuple[date, date]


@dataclass(frozen=True)
class DueBuild:
    """Tables that are behind in a range of days, and whose own inputs are not.

    Attributes:
        tables: their names, each after what it reads.
        first: first day.
        last: last day, included. Where days were scattered, not every day between them is behind.
        key: names the days, the tables and the versions of their inputs: the same state of the lake, the same key.
    """

    tables: tuple[str, ...]
    first: date
    last: date
    key: str


@dataclass(frozen=True)
class Unpublished:
    """Days of which some table was computed since the last publication.

    Attributes:
        days: these days, sorted.
        key: names the state of the lake, for a request to publish it.
    """

    days: tuple[date, ...]
    key: str


def due_files(lake: Lake, settings: Settings, profile: FeedProfile) -> tuple[FoundFile, ...]:
    """Files in the inbox of a feed that have not landed and are no longer being written."""
    resting, _ = at_rest(settings, find_files(lake, profile))
    return tuple(waiting_files(lake, profile, resting))


def fingerprint(files: Collection[FoundFile]) -> str:
    """What tells one set of files from another, without reading them."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        digest.update(f"{file.path}\0{file.size_bytes}\0{file.modified_at.isoformat()}\0".encode())
    return digest.hexdigest()[:32]


def due_builds(lake: Lake, at_most: int = MOST_RANGES) -> tuple[DueBuild, ...]:
    """What can be worked out now. A table waits until nothing it reads is itself behind: then its days are final.

    Args:
        lake: the lake.
        at_most: ranges per table.
    """
    survey = Survey(lake)
    behind = {recipe.table: stale_days(survey, recipe) for recipe in recipes()}
    tables: dict[DayRange, list[str]] = {}
    for recipe in recipes():
        if not any(behind[name].days for name in recipe.inputs if name in behind):
            # What needs all days of an input is worked out at once, however scattered its days.
            at_once = any(reach.throughout for reach in recipe.inputs.values())
            for days in day_ranges(behind[recipe.table].days, 1 if at_once else at_most):
                tables.setdefault(days, []).append(recipe.table)
    due = []
    for (first, last), names in sorted(tables.items()):
        versions = {name: version for table in names for name, version in behind[table].versions.items()}
        read = " ".join(f"{name}@{version}" for name, version in sorted(versions.items()))
        due.append(DueBuild(tuple(names), first, last, f"{first}..{last} {' '.join(names)} from {read}"))
    return tuple(due)


def unpublished(lake: Lake) -> Unpublished:
    """What was computed since the last publication; before the first, all that was."""
    info = current(lake)
    runs = open_table(lake, "ops.runs").scan().drop_nulls("date")
    if info is not None:
        runs = runs.filter(pl.col("finished_at") >= info.published_at)
    found = runs.select(pl.col("date").unique(), pl.col("finished_at").max().alias("newest")).sort("date").collect()
    return Unpublished(tuple(found["date"]), str(found["newest"].max()))


def day_ranges(days: Collection[date], at_most: int | None = None) -> list[DayRange]:
    """The days as ranges without gaps, or, with ``at_most``, as that many with the narrowest gaps bridged."""
    ordered = sorted(days)
    gaps = [n for n in range(1, len(ordered)) if ordered[n] - ordered[n - 1] > timedelta(days=1)]
    if at_most is not None:
        gaps = sorted(sorted(gaps, key=lambda n: ordered[n] - ordered[n - 1], reverse=True)[: at_most - 1])
    bounds = [0, *gaps, len(ordered)]
    return [(ordered[low], ordered[high - 1]) for low, high in pairwise(bounds) if low < high]
