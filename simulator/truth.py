"""The truth tables: the days' rows of all partitions joined, one Parquet file per table."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import polars as pl

from simulator.told import TRUTH_KEYS

TALLY = "tally"
UNDER_WAY = "under_way"  # per vehicle, since when messages are under way; not a truth table

_COUNTED = {"messages": "sent", "received": "received", "duplicates": "duplicate", "late": "late", "lost": "gap",
            "malformed": "malformed"}  # fmt: skip
_BY_HAND = ("sent", "received")  # in the tally, but not dirt


def publish(truth: Path, parts: list[Path], end_ms: int) -> None:
    """Writes ``truth/<table>.parquet`` from what the partitions keep.

    Args:
        truth: folder of the truth tables.
        parts: folders of the partitions.
        end_ms: end of the last day.
    """
    files: dict[str, list[Path]] = defaultdict(list)
    for part in parts:
        for path in sorted(part.glob("*-?????-?????.parquet")):
            files[path.stem[:-12]].append(path)
    kept = [max(part.glob("after-*")) for part in parts]
    under_way = pl.concat([pl.read_parquet(path / f"{UNDER_WAY}.parquet", glob=False) for path in kept])
    for table, paths in files.items():
        rows = pl.concat([pl.read_parquet(path, glob=False) for path in paths], how="diagonal_relaxed")
        if table == TALLY:
            _write(truth, "messages", _messages(rows))
            _write(truth, "dirt", _dirt(rows))
        else:
            _write(truth, table, _settled(table, rows, under_way, end_ms))


def _settled(table: str, rows: pl.DataFrame, under_way: pl.DataFrame, end_ms: int) -> pl.DataFrame:
    """One row per key, the last told, in order; ``last_ms`` becomes ``complete``: all its messages have arrived."""
    key = [name for name in TRUTH_KEYS.get(table, ()) if name in rows.columns]
    if key:
        rows = rows.unique(key, keep="last", maintain_order=True)
    if "last_ms" in rows.columns:
        since = rows.select("vin").join(under_way, on="vin", how="left", maintain_order="left")["since_ms"]
        complete = (pl.col("last_ms") < end_ms) & (pl.col("last_ms") < since.fill_null(2**62))
        rows = rows.with_columns(complete=complete.fill_null(value=False)).drop("last_ms")
    order = key or [name for name, dtype in rows.schema.items() if not dtype.is_nested()]
    return rows.sort(order, maintain_order=True)


def _messages(tally: pl.DataFrame) -> pl.DataFrame:
    counts = (
        pl.col("messages").filter(pl.col("what") == what).sum().alias(name) for name, what in _COUNTED.items()
    )  # fmt: skip
    return tally.group_by("vin", "date", "kind").agg(*counts).sort("vin", "date", "kind")


def _dirt(tally: pl.DataFrame) -> pl.DataFrame:
    dirty = tally.filter(~pl.col("what").is_in(_BY_HAND))
    by = ("vin", "date", "kind", "what")
    return dirty.group_by(by).agg(pl.col("messages").sum()).sort(by)


def _write(truth: Path, table: str, frame: pl.DataFrame) -> None:
    temporary = truth / f".{table}.part"
    frame.write_parquet(temporary)
    temporary.replace(truth / f"{table}.parquet")
