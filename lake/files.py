"""A Parquet file of a table, as Sillage writes it: compressed, with the bounds that readers skip files by."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
from deltalake.transaction import AddAction

from lake.patience import patiently
from lake.places import Place
from lake.storage import Lake

_ROW_GROUP = 128_000
_STATISTICS = ("vehicle_id", "event_at")


def write_file(
    lake: Lake,
    folder: Place,
    partition: Mapping[str, str],
    rows: pl.DataFrame,
    *,
    written_at: int | None = None,
    data_change: bool = True,
) -> AddAction:
    """Write rows as a file that no reader sees until the action is committed.

    Args:
        lake: where to.
        folder: that of the table.
        partition: values of the partition columns, which ``rows`` does not have.
        rows: sorted rows. Columns that are null throughout are left out.
        written_at: what the log is to say of the time of writing, milliseconds since 1970; now where ``None``.
        data_change: the rows are not those of files that the same commit removes.
    """
    filled = [c for c in rows.columns if rows[c].null_count() < rows.height]
    path = "/".join([*(f"{key}={value}" for key, value in partition.items()), f"part-{uuid.uuid4()}.zstd.parquet"])
    size = patiently(partial(_write, lake, folder / path, rows.select(filled)))
    now = int(datetime.now(UTC).timestamp() * 1000)
    return AddAction(path, size, dict(partition), written_at or now, data_change, _statistics(rows))


def _write(lake: Lake, target: Place, rows: pl.DataFrame) -> int:
    """Write a file, and look up how large it has become. What is left of one that could not be written is removed."""
    try:
        rows.write_parquet(
            target.polars,
            compression="zstd",
            compression_level=1,
            row_group_size=_ROW_GROUP,
            storage_options=lake.polars_options,
            mkdir=lake.is_local,
        )
        return int(lake.filesystem.size(target.fsspec))
    except BaseException as error:
        if lake.is_local:
            # Polars may tell of a full disk as of a file that is not Parquet.
            full = shutil.disk_usage(lake.uri).free < rows.estimated_size()
            Path(target.plain).unlink(missing_ok=True)
            if full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), target.plain) from error
        raise


def _statistics(part: pl.DataFrame) -> str:
    """Row count and bounds of the columns that readers skip files by, as Delta writes them."""
    low: dict[str, str] = {}
    high: dict[str, str] = {}
    for name in _STATISTICS:
        if name not in part.columns:
            continue
        least, most = part[name].min(), part[name].max()
        if isinstance(least, datetime) and isinstance(most, datetime):
            # Delta keeps milliseconds: the upper bound is rounded up.
            low[name] = _milliseconds(least)
            high[name] = _milliseconds(most + timedelta(microseconds=999))
        elif isinstance(least, str) and isinstance(most, str):
            low[name], high[name] = least, most
    nulls = dict.fromkeys(low, 0)
    return json.dumps({"numRecords": part.height, "minValues": low, "maxValues": high, "nullCount": nulls})


def _milliseconds(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
