"""The rows of a version of a Delta table as a lazy frame of Polars, wherever the table lies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import polars as pl
from deltalake import DeltaTable

from lake.commits import files_of
from lake.places import Place, relative_file

#: What Polars names as delta-rs does, and takes for nothing else.
_PLAIN = re.compile(r"(az://)?[\w./-]+", re.ASCII)
#: Further features (deletion vectors, renamed columns) say that a file is not to be read as it is.
PLAIN_READER = 1
#: Another writer may have used narrower types.
_CASTS = pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast")
_FILE = "file of the table"


def scan(
    folder: Place, handle: DeltaTable, options: dict[str, Any] | None, within: Sequence[pl.Expr] = ()
) -> pl.LazyFrame:
    """The rows of a version.

    Polars reads the log by itself where it can name the files. Elsewhere it is given their list: what ``scan_delta``
    has from delta-rs are URLs, of which it decodes nothing, and it takes patterns and columns out of them.

    Args:
        folder: the table's.
        handle: the version.
        options: of the storage.
        within: conditions on partition columns: rows that do not fulfil them need not be there.
    """
    rows = pl.scan_delta(handle, storage_options=options)
    if _PLAIN.fullmatch(folder.plain) or handle.protocol().min_reader_version > PLAIN_READER:
        return rows
    schema = rows.collect_schema()
    keys = list(handle.metadata().partition_columns)
    files = _files(folder, handle, schema, keys)
    for condition in within:
        files = files.filter(condition)
    if files.is_empty():
        return pl.LazyFrame(schema=schema)
    hive = bool(keys) and not folder.says_columns
    told = [] if hive else [_told(files, key, schema[key]) for key in keys]
    rows = pl.scan_parquet(
        files[_FILE].to_list(),
        glob=False,
        hive_partitioning=hive,
        hive_schema={key: schema[key] for key in keys} if hive else None,
        schema={name: dtype for name, dtype in schema.items() if hive or name not in keys},
        include_file_paths=_FILE if told else None,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=_CASTS,
        storage_options=options,
    )
    return rows.with_columns(told).select(schema.names())


def _told(files: pl.DataFrame, key: str, dtype: pl.DataType) -> pl.Expr:
    """A partition column, from which file a row is of."""
    if files[key].n_unique() == 1:
        return pl.lit(files[0, key], dtype).alias(key)
    return pl.col(_FILE).replace_strict(files[_FILE], files[key], return_dtype=dtype).alias(key)


def _files(folder: Place, handle: DeltaTable, schema: pl.Schema, keys: list[str]) -> pl.DataFrame:
    """The files of a version, as Polars names them, with the values of the partition columns."""
    actions = files_of(handle)
    return actions.select(
        pl.Series(_FILE, [(folder / relative_file(path)).polars for path in actions["path"]], pl.String),
        *(pl.col(f"partition.{key}").cast(schema[key]).alias(key) for key in keys),
    )
