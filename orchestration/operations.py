"""How the lake is run, as small tables for the published snapshot: feeds, refusals, batches, days, checks, tables.

They are of the moment of the publication. What a record held is not among them: of refused ones there is the reason, as
far as it says nothing of what was found, and where the record stands in ``ops.rejects`` for those who may read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

import polars as pl

from lake.patience import patiently
from lake.schemas import TABLES
from lake.settings import Settings
from lake.snapshot import PUBLISHED, published_at_of
from lake.storage import Lake
from lake.tables import days_between, open_table
from metrics import SQL_FOLDER
from metrics.shared import SHARED, with_shared
from metrics.specs import table_specs
from orchestration.building import stale_days
from orchestration.checks import data_checks
from orchestration.recipes import recipes
from orchestration.survey import REGISTRIES, Survey
from transforms.kpi import run_kpi

_BATCHES = 200
#: Days of which lags are told, while they hold no more rows than a step of the build reads.
_LAG_DAYS = 7
#: Classes of lags: the quantity read back is the middle of its class, at most 1 % off.
_BASE = 1.02
_BUCKET = (
    ((pl.col("received_at") - pl.col("event_at")).dt.total_microseconds() / 1e6)
    .clip(lower_bound=1e-3)
    .log(_BASE)
    .ceil()
    .cast(pl.Int32)
    .alias("bucket")
)
_HISTOGRAM = {"source": pl.String, "bucket": pl.Int32, "messages": pl.Int64}
_LINKS = {"name": pl.String, "url": pl.String}
_VEHICLES = {"vehicle_id": pl.String, "market": pl.String, "model": pl.String, "reason": pl.String}
_TO_ACT_ON = SQL_FOLDER / "operations" / "vehicles_to_act_on.sql"
_QUANTILES = {"lag_p50_s": 0.5, "lag_p95_s": 0.95, "lag_p99_s": 0.99}


def operations(lake: Lake, settings: Settings, fresh: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """All of them, by name.

    Args:
        lake: the lake.
        settings: how many rows are read at most for lags, and where Dagster is.
        fresh: ``ops.freshness`` as it is now.
    """
    survey = Survey(lake)
    return {
        "ops.feeds": feeds(survey, settings.build_rows, fresh),
        "ops.rejects_by_reason": rejects_by_reason(lake),
        "ops.batches_landed": newest_batches(lake),
        "ops.table_days": table_days(survey),
        "ops.checks": newest_checks(lake),
        "ops.tables": tables(survey),
        "ops.snapshots": snapshots(lake),
        "ops.vehicles_to_act_on": vehicles_to_act_on(survey, settings),
        "ops.links": pl.DataFrame({"name": ["Dagster"], "url": [settings.dagster_url]}, _LINKS).drop_nulls(),
    }


def feeds(survey: Survey, at_most: int, fresh: pl.DataFrame) -> pl.DataFrame:
    """Each feed: how new what it has sent is, how much was refused, and how long messages took to arrive.

    Lags are from event to arrival, over the newest days of each raw table, at most seven.

    Args:
        survey: what the logs say.
        at_most: rows that are read of a table; the newest day is read however many it has.
        fresh: ``ops.freshness``.
    """
    found = [pl.DataFrame(schema=_HISTOGRAM)]
    for name, spec in TABLES.items():
        if spec.layer != "raw" or name in REGISTRIES:
            continue
        if days := _newest(survey.rows_by_day(name), survey.horizon, at_most):
            rows = survey.table(name).scan(min(days), max(days)).select("source", _BUCKET).drop_nulls()
            counts = rows.group_by("source", "bucket").agg(pl.len().cast(pl.Int64).alias("messages"))
            found.append(patiently(partial(_collected, counts)))
    histogram = pl.concat(found).group_by("source", "bucket").agg(pl.col("messages").sum()).sort("source", "bucket")
    lags = [
        {"source": source, **_quantiles(part)} for (source,), part in histogram.group_by("source", maintain_order=True)
    ]
    schema = {"source": pl.String, "lags_of": pl.Int64, **dict.fromkeys(_QUANTILES, pl.Float64)}
    return fresh.join(pl.DataFrame(lags, schema), on="source", how="left").sort("source")


def _collected(rows: pl.LazyFrame) -> pl.DataFrame:
    return rows.collect(engine="streaming")


def _newest(rows: Mapping[date, int], horizon: date, at_most: int) -> list[date]:
    """The newest days up to the horizon that hold no more rows than that; one at least, if there is one."""
    days: list[date] = []
    read = 0
    for day in sorted((day for day in rows if day <= horizon), reverse=True)[:_LAG_DAYS]:
        if days and read + rows[day] > at_most:
            break
        days.append(day)
        read += rows[day]
    return days


def _quantiles(counts: pl.DataFrame) -> dict[str, float | int]:
    """Quantiles of a histogram by logarithm: columns ``bucket`` and ``messages``, in order."""
    whole = int(counts["messages"].sum())
    up_to = counts["messages"].cum_sum()
    told: dict[str, float | int] = {"lags_of": whole}
    for name, share in _QUANTILES.items():
        place = int(up_to.search_sorted(ceil(share * whole)))
        told[name] = 2 * _BASE ** counts["bucket"][place] / (1 + _BASE)
    return told


def rejects_by_reason(lake: Lake) -> pl.DataFrame:
    """By feed and reason, without what was found: how many, when last, and where one of the last day stands."""
    reason = pl.col("reason").str.split(": found").list.first()
    newest = [pl.col("batch", "record").sort_by("batch", "record").last()]
    return (
        open_table(lake, "ops.rejects")
        .scan()
        .group_by("source", reason)
        .agg(pl.len().cast(pl.Int64).alias("records"), pl.col("date").max().alias("last"), *newest)
        .sort("records", "source", "reason", descending=[True, False, False])
        .collect()
    )


def newest_batches(lake: Lake) -> pl.DataFrame:
    """The newest batches of all feeds: how far each has got, and what it brought."""
    sums = ("size_bytes", "records", "landed", "rejected")
    by_status = (
        open_table(lake, "ops.batches")
        .scan()
        .group_by("source", "batch", "status")
        .agg(pl.col("at").max(), pl.len().cast(pl.Int64).alias("files"), *(pl.col(name).sum() for name in sums))
        .collect()
    )
    order = {"planned": 0, "landed": 1, "abandoned": 1}
    planned = by_status.filter(status="planned").select("source", "batch", pl.col("at").alias("planned_at"))
    newest = (
        by_status.sort(pl.col("status").replace_strict(order, return_dtype=pl.Int8))
        .group_by("source", "batch")
        .last()
        .join(planned, on=["source", "batch"], how="left")
    )
    columns = ["source", "batch", "status", "planned_at", "at", "files", *sums]
    return newest.sort("at", "source", "batch", descending=True).head(_BATCHES).select(columns)


def table_days(survey: Survey) -> pl.DataFrame:
    """Of each table the days that it has, those that were never worked out, and those that are behind their inputs.

    Of raw telemetry a day is missing on which nothing came, between the first and the newest. Those with most to do
    come first.
    """
    rows = []
    there = {day for day in survey.rows_by_day("raw.telemetry") if day <= survey.horizon}
    every = days_between(min(there), max(there)) if there else ()
    rows.append(_days("raw.telemetry", there, set(every) - there, set()))
    for recipe in recipes():
        there, stale = set(survey.rows_by_day(recipe.table)), stale_days(survey, recipe)
        known = set(survey.runs.filter(pl.col("table") == recipe.table)["date"].drop_nulls())
        missing = set(stale.days - known)
        rows.append(_days(recipe.table, there, missing, set(stale.days) - missing))
    return pl.DataFrame(
        rows,
        schema={
            "table": pl.String, "first": pl.Date, "last": pl.Date, "days": pl.Int64, "missing": pl.Int64,
            "stale": pl.Int64, "first_behind": pl.Date, "last_behind": pl.Date,
        },
    ).sort(pl.col("missing") + pl.col("stale"), descending=True, maintain_order=True)  # fmt: skip


def _days(table: str, there: set[date], missing: set[date], stale: set[date]) -> dict[str, object]:
    behind = missing | stale
    ends = {"first": min(there, default=None), "last": max(there, default=None), "days": len(there)}
    late = {"first_behind": min(behind, default=None), "last_behind": max(behind, default=None)}
    return {"table": table, **ends, "missing": len(missing), "stale": len(stale), **late}


def newest_checks(lake: Lake) -> pl.DataFrame:
    """The newest result of each check that there still is, those that fail first."""
    known = {check.name: check for check in data_checks()}
    newest = open_table(lake, "ops.check_results").scan().sort("at").group_by("check").last().collect()
    told = newest.filter(pl.col("check").is_in(list(known))).with_columns(
        pl.col("check").replace_strict({name: check.table for name, check in known.items()}).alias("table"),
        pl.col("check").replace_strict({name: check.rule for name, check in known.items()}).alias("rule"),
    )
    return told.sort("passed", "check").select("check", "table", "rule", "at", "failing_rows", "passed")


def tables(survey: Survey) -> pl.DataFrame:
    """Every table that something was written to, as its log has it: rows, files, bytes and version; largest first."""
    rows = [{"table": name, **vars(extent)} for name in table_specs() if (extent := survey.extent(name)) is not None]
    schema = {"table": pl.String, "rows": pl.Int64, "files": pl.Int64, "bytes": pl.Int64, "version": pl.Int64}
    return pl.DataFrame(rows, schema=schema).sort("bytes", "table", descending=[True, False])


def snapshots(lake: Lake) -> pl.DataFrame:
    """The snapshots that were there before this one, the newest first."""
    found: list[tuple[str, datetime, int]] = []
    for entry in patiently(lambda: _listing(lake)):
        name = str(entry["name"]).rpartition("/")[2]
        if (at := published_at_of(name)) is not None:
            found.append((name, at, int(entry["size"])))
    columns = {"file": pl.String(), "published_at": pl.Datetime("us", "UTC"), "bytes": pl.Int64()}
    return pl.DataFrame(found, columns, orient="row").sort("published_at", descending=True)


def vehicles_to_act_on(survey: Survey, settings: Settings) -> pl.DataFrame:
    """The vehicles of the newest day that is over for all that is built whose health says act now, worst first.

    They are told by their pseudonym: a list to work through, for those who see to vehicles.
    """
    there = survey.rows_by_day("core.vehicle_days")
    last = max((day for day in there if day < datetime.now(UTC).date()), default=max(there, default=None))
    if last is None:
        return pl.DataFrame(schema=_VEHICLES)
    sql = with_shared(_TO_ACT_ON.read_text(encoding="utf-8"), SQL_FOLDER / "kpi" / SHARED, _TO_ACT_ON.name)
    reach = {"core.vehicle_days": 0, "core.vehicles": 0, "core.vehicle_conditions": 27, "core.battery_health": 89}
    frames = {name: survey.table(name).scan(last - timedelta(days=back), last) for name, back in reach.items()}
    frames["core.fault_episodes"] = survey.table("core.fault_episodes").scan(None, last)
    found = patiently(lambda: run_kpi(sql, frames, last, last, memory=settings.query_memory))
    return found.with_columns(pl.lit(last).alias("date"))


def _listing(lake: Lake) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = lake.filesystem.ls(lake.path(PUBLISHED), detail=True)
    except FileNotFoundError:
        return []
    return entries
