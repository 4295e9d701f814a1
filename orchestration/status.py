"""What is in the lake, as rows of text for the command line."""

from __future__ import annotations

import polars as pl

from lake.storage import Lake
from lake.tables import Table, open_table
from metrics.specs import table_specs


def table_rows(lake: Lake) -> list[tuple[str, ...]]:
    """For each table: name, rows, first and last day, version. All from the logs."""
    rows: list[tuple[str, ...]] = []
    for name, spec in table_specs().items():
        table = Table(lake, spec)
        if not table.exists():
            rows.append((name, "0", "", "", ""))
            continue
        days = table.rows_by_day()
        count = sum(days.values()) if spec.day_column else table.scan().select(pl.len()).collect().item()
        first, last = (str(min(days)), str(max(days))) if days else ("", "")
        rows.append((name, f"{count:,}", first, last, str(table.version())))
    return rows


def feed_rows(lake: Lake) -> list[tuple[str, ...]]:
    """For each feed: name, files, records, rejected, newest event, last landed."""
    landed = open_table(lake, "ops.batches").scan(where=pl.col("status") == "landed")
    sums = landed.group_by("source").agg(
        pl.len().alias("files"), pl.col("records", "rejected").sum(), pl.col("newest_event_at", "at").max()
    )
    return [
        (source, f"{files:,}", f"{records:,}", f"{rejected:,}", _moment(newest), _moment(at))
        for source, files, records, rejected, newest, at in sums.sort("source").collect().iter_rows()
    ]


def reject_rows(lake: Lake) -> list[tuple[str, ...]]:
    """The commonest reasons of rejects, without what was found: feed, reason, records."""
    reason = pl.col("reason").str.split(": found").list.first()
    counts = open_table(lake, "ops.rejects").scan().group_by("source", reason).len().sort("len", descending=True)
    return [(source, why, f"{number:,}") for source, why, number in counts.head(20).collect().iter_rows()]


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
