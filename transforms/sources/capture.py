"""Event Hubs Capture: Avro files whose records carry one JSON body each (or an array of messages).

DuckDB reads whole files. One that it refuses is read again record by record, so that what lies before the damage lands.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import polars as pl

from transforms.sources.blocks import KEPT_BYTES, LONGEST_RECORD

_ROWS = 16_384
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
    con = duckdb.connect(config={"threads": 1})
    try:
        _load_avro(con)
        source = con.read_avro(str(path)) if hasattr(con, "read_avro") else con.sql("from read_avro(?)", params=[str(path)])
        names = set(source.columns)
        present = [name for name in _SCHEMA if name in names]
        if "Body" not in names or "EnqueuedTimeUtc" not in names:
            raise duckdb.InvalidInputException("not the schema of Event Hubs Capture")
        for batch in source.select(*present).to_arrow_reader(_ROWS):
            frame = pl.DataFrame(batch)
            yield _conform(frame)
    finally:
        con.close()


def _by_record(path: Path, done: int) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """The events from number ``done`` on; behind the last readable one, the damage."""
    rows: list[dict[str, Any]] = []
    number = 0
    damage: str | None = None
    with path.open("rb") as stream:
        try:
            reader = fastavro.reader(stream)
            for record in reader:
                number += 1
                if number > done:
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


def texts(bodies: pl.Series) -> pl.Series:
    """Bodies as text; null where one is missing, not UTF-8, or longer than any message is."""
    try:
        found = bodies.cast(pl.String)
    except pl.exceptions.PolarsError:
        found = bodies.cast(pl.String, strict=False)
    long = found.str.len_bytes() > LONGEST_RECORD
    return found.set(long, None) if long.any() else found


def _load_avro(con: duckdb.DuckDBPyConnection) -> None:
    import duckdb_extension_avro

    folder = Path(next(iter(duckdb_extension_avro.__path__)))
    binary = next(iter(glob.glob(str(folder / "**" / "*.duckdb_extension"), recursive=True)))
    con.execute(f"load '{binary}'")
