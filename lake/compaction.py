"""Fewer files with the same rows, and no files that nobody reads any more.

Readers and appends go on meanwhile. Where another run replaces the same rows, one of the two fails: a build begins
anew, and what is not merged now is merged the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from lake.commits import are_in, files_of, write_actions
from lake.distinct import sorted_by
from lake.errors import LakeError
from lake.files import write_file
from lake.patience import patiently
from lake.places import relative_file
from lake.scanning import PLAIN_READER
from lake.tables import Table

#: A file of so many bytes is large, however few its rows.
_LARGE_BYTES = 128 << 20
_READ_AT_ONCE = 8
#: Of a table of ops, as many as are merged into one file.
_MANY_ROWS = 1_000_000
_ATTEMPTS = 5

_FILE = ("path", "size_bytes", "modification_time", "num_records")


@dataclass(frozen=True)
class Group:
    """Files of one partition that may become one.

    Attributes:
        partition: values of the partition columns.
        paths: the files, oldest first, relative to the table.
        sizes: their bytes.
        rows: rows in all.
        written_at: when the newest was written, milliseconds since 1970.
    """

    partition: tuple[tuple[str, str], ...]
    paths: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: int
    written_at: int


def small_files(
    table: Table, handle: DeltaTable, *, most_files: int, rows: int, before: date | None = None
) -> list[list[Group]]:
    """What to merge: of each partition with more than ``most_files`` small files, these, in groups of about ``rows``.

    Args:
        table: the table.
        handle: as of which version.
        most_files: so many small files may stay.
        rows: a file with fewer is small, and merged ones have no more.
        before: days from this one on are left alone.

    Returns:
        The groups, those of one day together; no group where a file cannot be read without the log.
    """
    files = files_of(handle)
    if files.is_empty() or handle.protocol().min_reader_version > PLAIN_READER:
        return []
    day = table.spec.day_column
    keys = [f"partition.{name}" for name in table.spec.partition_by]
    small = files.filter(pl.col("num_records") < rows, pl.col("size_bytes") < _LARGE_BYTES)
    if day and before:
        small = small.filter(pl.col(f"partition.{day}").cast(pl.Date) < before)
    if keys:
        small = small.filter(pl.len().over(keys) > most_files)
    elif small.height <= most_files:
        return []
    by_day: dict[str, list[Group]] = {}
    ordered = small.select(*_FILE, *keys).sort(*keys, "modification_time", "path")
    for part in ordered.partition_by(keys, maintain_order=True) if keys else [ordered]:
        partition = tuple((name.removeprefix("partition."), str(part[0, name])) for name in keys)
        groups = [_group(partition, members) for members in _bins(part, rows)]
        by_day.setdefault(dict(partition).get(day or "", ""), []).extend(groups)
    return [groups for groups in by_day.values() if groups]


def merge(table: Table, groups: Sequence[Group]) -> bool:
    """Put one file in the place of each group, sorted as the table is, in one commit that changes no data.

    Returns:
        False where another run was quicker; nothing has changed then.

    Raises:
        LakeError: files have other rows than the log says.
    """
    adds = []
    for group in groups:
        rows = _read(table, group)
        ordered = sorted_by(rows, [name for name in table.spec.sort_by if name in rows.columns])
        partition, at = dict(group.partition), group.written_at
        adds.append(write_file(table.lake, table.place, partition, ordered, written_at=at, data_change=False))
    for _ in range(_ATTEMPTS):
        # A commit is held against those after its handle only: what was replaced before that must not come back.
        handle = table.handle()
        there = set(files_of(handle)["path"])
        if not all(there.issuperset(group.paths) for group in groups):
            return False
        # It fails where rows of another day were replaced meanwhile, too.
        if _commit(table, handle, groups, adds):
            return True
    return False


def tidy(table: Table, files: int) -> None:
    """Merge the files of a table that takes many small appends, if there are more than so many.

    Where another run is quicker, they stay for the next time.
    """
    handle = table.now()
    if handle is not None:
        for groups in small_files(table, handle, most_files=files, rows=_MANY_ROWS):
            merge(table, groups)


def reduce(table: Table, handle: DeltaTable, shorten: Callable[[pl.DataFrame], pl.DataFrame]) -> int:
    """Put what ``shorten`` makes of all rows in their place; for a small table without partitions.

    What is appended meanwhile stays as it is.

    Returns:
        By how many rows the table is shorter; none where another run was quicker.
    """
    files = files_of(handle).sort("modification_time", "path")
    if files.is_empty() or handle.protocol().min_reader_version > PLAIN_READER:
        return 0
    whole = _group((), files)
    # With the columns of the contract that are null throughout.
    rows = pl.concat([table.spec.schema.create_empty(), _read(table, whole)], how="diagonal_relaxed")
    kept = shorten(rows)
    if kept.height == rows.height:
        return 0
    ordered = sorted_by(kept, table.spec.sort_by)
    add = write_file(table.lake, table.place, {}, ordered, written_at=whole.written_at, data_change=False)
    return rows.height - kept.height if _commit(table, handle, [whole], [add]) else 0


def sweep(table: Table, handle: DeltaTable, *, days: int, dry_run: bool) -> tuple[int, int]:
    """Remove the files that no version of the last ``days`` reads, and as old ones that no version ever did.

    Returns:
        How many files these are, and their bytes.
    """
    # The log tells of files long after they were removed.
    paths = patiently(lambda: handle.vacuum(retention_hours=24 * days, dry_run=True, full=True))
    lake = table.lake
    listed = patiently(lambda: lake.filesystem.find(table.place.fsspec, detail=True)) if paths else {}
    places = [(table.place / relative_file(path)).fsspec for path in paths]
    sizes = [int(listed[place]["size"]) for place in places if place in listed]
    if sizes and not dry_run:
        patiently(lambda: handle.vacuum(retention_hours=24 * days, dry_run=False, full=True))
    return len(sizes), sum(sizes)


def sweep_leftovers(folder: str, *, older_than: timedelta, dry_run: bool) -> tuple[int, int]:
    """Remove unfinished files (``*.tmp``, and their logs) of a local folder, last written so long ago; as ``sweep``."""
    limit = (datetime.now(UTC) - older_than).timestamp()
    found = [(path, path.stat()) for path in Path(folder).glob("*.tmp*") if path.is_file()]
    old = [(path, stat.st_size) for path, stat in found if stat.st_mtime < limit]
    for path, _ in old:
        if not dry_run:
            path.unlink(missing_ok=True)
    return len(old), sum(size for _, size in old)


def _bins(files: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Files in runs of about so many rows and bytes at most; a run of one is left as it is."""
    first = count = size = 0
    counts, sizes = files["num_records"].to_list(), files["size_bytes"].to_list()
    for place, (more, larger) in enumerate(zip(counts, sizes, strict=True)):
        if place > first and (count + more > rows or size + larger > _LARGE_BYTES):
            if place - first > 1:
                yield files[first:place]
            first, count, size = place, 0, 0
        count, size = count + more, size + larger
    if files.height - first > 1:
        yield files[first:]


def _group(partition: tuple[tuple[str, str], ...], files: pl.DataFrame) -> Group:
    return Group(
        partition,
        tuple(files["path"]),
        tuple(files["size_bytes"]),
        int(files["num_records"].sum()),
        int(files["modification_time"].max()),  # type: ignore[arg-type]
    )


def _read(table: Table, group: Group) -> pl.DataFrame:
    """The rows of a group, files in their order. A file lacks columns that are null throughout."""
    options = table.lake.polars_options

    def read(path: str) -> pl.DataFrame:
        file = (table.place / relative_file(path)).polars
        return pl.read_parquet(file, glob=False, hive_partitioning=False, storage_options=options)

    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        rows = pl.concat(pool.map(lambda path: patiently(partial(read, path)), group.paths), how="diagonal_relaxed")
    if rows.height != group.rows:
        raise LakeError(
            f"Files of {table.spec.name} have other rows than its log says",
            found=f"{rows.height} rows in {len(group.paths)} files, the first {group.paths[0]}",
            expected=f"{group.rows} rows",
            action="nothing was changed; compare the table with a copy",
        )
    return rows


def _commit(table: Table, handle: DeltaTable, groups: Collection[Group], adds: Sequence[AddAction]) -> bool:
    # Said to change no data: an append at the same moment would fail otherwise.
    now = int(datetime.now(UTC).timestamp() * 1000)
    removes = [
        RemoveAction(path, False, now, size, dict(group.partition))
        for group in groups
        for path, size in zip(group.paths, group.sizes, strict=True)
    ]
    keys, tried = list(table.spec.partition_by), False

    def attempt() -> bool:
        nonlocal tried
        if tried and are_in(table.handle(), adds):  # the answer was lost, not the commit
            return True
        tried = True
        try:
            write_actions(handle, [*adds, *removes], keys, CommitProperties(max_commit_retries=50))
        except CommitFailedError:
            return are_in(table.handle(), adds)
        return True

    return patiently(attempt)
