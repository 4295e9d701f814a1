"""Event Hubs Capture: Avro files whose records carry one JSON body each (or an array of messages).

DuckDB reads whole files. One that it refuses is read again record by record, so that what lies before the damage lands.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import duckdb
import duckdb_extension_avro
import fastavro
import polars as pl

from transforms.sources.blocks import KEPT_BYTES

_ROWS = 32_768
_local = threading.local()
_SCHEMA = {"SequenceNumber": pl.Int64, "EnqueuedTimeUtc": pl.String, "Body": pl.Binary}


def events(path: Path) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """The events of a file in its order, some thousands at a time.

    Yields:
        A frame of SequenceNumber (null in files that IoT Hub wrote), EnqueuedTimeUtc and Body; and, at most once and
        last, a frame with the bytes behind the damage as its Body together with what is wrong.
    """
    done = 0
    try:
        for frame in _by_duckdb(path):
            yield frame, None
            done += frame.height
    except duckdb.Error:
        yield from _by_record(path, done)


def _by_duckdb(path: Path) -> Iterator[pl.DataFrame]:
    con = _connection()
    columns = {str(row[0]) for row in con.execute("describe from read_avro(?)", [str(path)]).fetchall()}
    if not {"Body", "EnqueuedTimeUtc"} <= columns:
        raise duckdb.InvalidInputException("not the schema of Event Hubs Capture")
    wanted = ", ".join(name for name in _SCHEMA if name in columns)
    con.execute(f"select {wanted} from read_avro(?)", [str(path)])
    for batch in con.to_arrow_reader(_ROWS):
        yield _conform(pl.DataFrame(batch))


def _by_record(path: Path, done: int) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """The events from number ``done`` on; behind the last readable one, the damage."""
    rows: list[dict[str, Any]] = []
    number = 0
    damage: str | None = None
    with path.open("rb") as stream:
        try:
            reader = fastavro.reader(stream)
            for record in cast(Iterator[dict[str, Any]], reader):
                number += 1
                if number > done and isinstance(record, dict):
                    rows.append({name: record.get(name) for name in _SCHEMA})
        except Exception as error:  # noqa: BLE001 - fastavro raises whatever the damaged bytes lead it to
            damage = f"the file is damaged behind record {number}: {type(error).__name__} {error}".strip()
        position = stream.tell()
        stream.seek(max(0, position - KEPT_BYTES))
        tail = stream.read(KEPT_BYTES)
    if rows:
        yield _conform(pl.DataFrame(rows, schema_overrides=_SCHEMA, infer_schema_length=None)), None
    if damage is not None:
        yield _conform(pl.DataFrame({"Body": [tail]})), damage


def _conform(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in _SCHEMA.items()
    )


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection for this thread that reads Avro."""
    if not hasattr(_local, "con"):
        binary = next(Path(next(iter(duckdb_extension_avro.__path__))).rglob("*.duckdb_extension"))
        con = duckdb.connect(config={"threads": 1})
        con.execute(f"load '{binary}'")
        _local.con = con
    found: duckdb.DuckDBPyConnection = _local.con
    return found
