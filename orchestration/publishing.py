"""Publishing: the KPIs of the lake as one immutable file that the dashboard and analysts read."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from lake.patience import patiently
from lake.schemas.ops import Freshness
from lake.settings import Settings
from lake.snapshot import PUBLISHED, SnapshotInfo, Source, point_to, write_snapshot
from lake.storage import Lake
from lake.tables import open_table
from metrics import Contracts, load_contracts, macro_statements
from metrics.folding import fold_small_values
from metrics.protection import add_keys
from metrics.publication import contracts_frame
from orchestration.expected import expected_shares, keep_expected
from orchestration.kpi_rows import kpi_rows
from orchestration.operations import operations

_STATED = ("raw.telemetry", "core.trips", "core.vehicle_days")


def publish(lake: Lake, settings: Settings) -> SnapshotInfo:
    """Write a snapshot of all KPI tables and make it the current one.

    Readers keep the file they have open; the newest ``keep_snapshots`` files are kept.

    Returns:
        What was published.
    """
    # Taken before anything is read: what is built from now on counts as not published yet.
    at = datetime.now(UTC)
    fresh = patiently(lambda: refresh_freshness(lake))
    expected = patiently(lambda: expected_shares(lake, fresh, at.date()))
    to_come = patiently(lambda: keep_expected(lake, settings, expected))
    rejects = open_table(lake, "ops.rejects").scan().group_by("date", "source").agg(pl.len().alias("rejects"))
    how_it_is_run = operations(lake, settings, fresh)
    version = ", ".join(f"{name} {open_table(lake, name).version()}" for name in _STATED)
    kpis = [table.spec for table in load_contracts().tables]
    with TemporaryDirectory(prefix="sillage-") as folder, kpi_rows(lake, settings, kpis) as tables:
        target = Path(lake.path(PUBLISHED)) if lake.is_local else Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        info = patiently(
            lambda: write_figures(
                target,
                {
                    **tables,
                    "ops.freshness": fresh,
                    "ops.still_expected": to_come,
                    "ops.rejects_by_day": rejects.collect(),
                    **how_it_is_run,
                },
                version=version,
                provisional_days=settings.provisional_days,
                expected=expected,
                provisional_pct=settings.provisional_pct,
                secret=None if settings.protect == "none" else _secret(lake),
                published_at=at,
                newest_event_at=fresh["newest_event_at"].max(),
            )
        )
        if not lake.is_local:
            patiently(lambda: lake.filesystem.put_file(str(target / info.file), lake.path(PUBLISHED, info.file)))
    published = point_to(lake, info)
    _drop_old(lake, settings.keep_snapshots, published)
    return published


def write_figures(
    path: Path,
    tables: Mapping[str, Source],
    *,
    contracts: Contracts | None = None,
    secret: bytes | None = None,
    **how: Any,
) -> SnapshotInfo:
    """Write a snapshot of KPI tables with all that the contracts say of them; see ``lake.snapshot.write_snapshot``.

    Args:
        path: file to write, or the folder for it.
        tables: ``schema.table`` to its rows.
        contracts: the contracts; the shipped ones unless given.
        secret: from which the keys of rows are made, where what is told of them shall have noise.
        how: what else ``write_snapshot`` takes.
    """
    protect = "none" if secret is None else "cells"
    contracts = (contracts or load_contracts()).as_published(protect)

    def prepare(con: duckdb.DuckDBPyConnection) -> None:
        if secret is not None:  # before anything is folded: a value that is folded one day only keeps its keys
            add_keys(con, contracts, secret)
        fold_small_values(con, contracts)

    return write_snapshot(
        path,
        {**tables, "meta.metrics": contracts_frame(contracts)},
        kpis=[table.spec for table in contracts.tables],
        protect=protect,
        prepare=prepare,
        statements=lambda data_to: macro_statements(contracts, as_of=data_to),
        **how,
    )


def _secret(lake: Lake) -> bytes:
    """Of this lake alone, and none that would tell its vehicle key."""
    return hmac.new(lake.vehicle_key, b"sillage cells", sha256).digest()


def refresh_freshness(lake: Lake) -> pl.DataFrame:
    """Look up how new what each feed has sent is, and keep it in ``ops.freshness``."""
    batches = (
        open_table(lake, "ops.batches")
        .scan(where=pl.col("status") == "landed")
        .group_by("source")
        .agg(
            pl.col("at").max().alias("landed_at"),
            pl.col("batch").n_unique().cast(pl.Int64).alias("batches"),
            pl.col("records").sum(),
            pl.col("rejected").sum(),
            pl.col("newest_event_at").max(),
            pl.col("newest_received_at").max(),
        )
    )
    rows = (
        batches.with_columns(pl.lit(datetime.now(UTC)).dt.cast_time_unit("us").alias("checked_at"))
        .sort("source")
        .collect()
        .select(Freshness.column_names())
    )
    table = open_table(lake, "ops.freshness")
    table.replace_all(rows)
    return rows


def _drop_old(lake: Lake, keep: int, published: SnapshotInfo) -> None:
    folder = lake.path(PUBLISHED)
    names = sorted(map(str, patiently(lambda: lake.filesystem.ls(folder, detail=False))))
    for name in [n for n in names if n.endswith(".duckdb")][:-keep]:
        if not name.endswith(published.file):
            with suppress(FileNotFoundError):  # another publication was quicker, or the answer was lost
                patiently(partial(lake.filesystem.rm_file, name))
