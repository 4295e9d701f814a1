"""Event Hubs Capture: Avro files whose records carry one JSON body each (or an array of messages).

DuckDB reads whole files. One that is damaged is read block by block, so that what can be read of it lands.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_avro
import polars as pl

from lake.engine import open_duckdb
from transforms.sources.avro_container import Container, container, read_block
from transforms.sources.blocks import KEPT_BYTES, TOGETHER_BYTES

_ROWS = 32_768
_local = threading.local()
_SCHEMA = {"SequenceNumber": pl.Int64, "EnqueuedTimeUtc": pl.String, "Body": pl.Binary}
_NEEDED = {"EnqueuedTimeUtc", "Body"}
#: The maps beside the body, by how fields of them are named.
_MAPS = {"@system": "SystemProperties", "@property": "Properties"}
#: No more of a file is looked at behind its last whole block.
_LONGEST_BLOCK = 64 << 20


def events(path: Path, envelope: Sequence[str] = ()) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """The events of a file in its order, some thousands at a time.

    Args:
        path: file.
        envelope: fields beside the body, as ``@system/connectionDeviceId`` and ``@property/type``.

    Yields:
        A frame of SequenceNumber (null in files that IoT Hub wrote), EnqueuedTimeUtc and Body, and of the fields of
        the envelope as text under their names. For each place where
        the file is damaged, a frame of one row with the bytes from there on as its Body, and what is wrong.
    """
    found = container(path)
    if found.header and not found.fields >= _NEEDED:
        found = Container(damage=f"not the schema of Event Hubs Capture: {', '.join(sorted(found.fields))}")
    done = 0
    if found.damage is None:
        try:
            for frame in _by_duckdb(path, found.fields, envelope):
                yield frame, None
                done += frame.height
        except duckdb.Error:
            pass
    if found.damage is not None or done != sum(block.records for block in found.blocks):
        for frame, damage in _by_block(path, found, done, envelope):
            yield _conform(frame, envelope), damage


def _by_duckdb(path: Path, fields: frozenset[str], envelope: Sequence[str]) -> Iterator[pl.DataFrame]:
    con = _connection()
    places = {name: name.split("/", 1) for name in envelope}
    there = {name: (_MAPS[map_], key) for name, (map_, key) in places.items() if _MAPS[map_] in fields}
    wanted = [name for name in _SCHEMA if name in fields]
    wanted += [f"{map_}[?]::varchar as f{number}" for number, (map_, _) in enumerate(there.values())]
    keys = [key for _, key in there.values()]
    con.execute(f"select {', '.join(wanted)} from read_avro(?)", [*keys, _literally(path)])
    waiting: list[pl.DataFrame] = []
    size = 0
    for batch in con.to_arrow_reader(_ROWS):
        frame = pl.DataFrame(batch)
        waiting.append(_conform(frame.rename({f"f{number}": name for number, name in enumerate(there)}), envelope))
        size += int(frame["Body"].estimated_size())
        if size >= TOGETHER_BYTES:
            yield pl.concat(waiting, rechunk=True)
            waiting, size = [], 0
    if waiting:
        yield pl.concat(waiting, rechunk=True)


def _literally(path: Path) -> str:
    """A path as DuckDB takes it for one file: its ``*`` and ``?`` stand for other characters, too."""
    return re.sub(r"([*?[])", r"[\1]", str(path))


def _by_block(
    path: Path, found: Container, done: int, envelope: Sequence[str]
) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """The events from number ``done`` on. What cannot be read of a block does not keep the next from being read."""
    first = 0
    with path.open("rb") as stream:
        for block in found.blocks:
            if first + block.records > done:
                stream.seek(block.start)
                data = stream.read(block.end - block.start)
                place = f"the block at byte {block.start}"
                yield from _salvaged(found.header, data, max(0, done - first), place, envelope)
            first += block.records
        if found.damage is not None:
            stream.seek(found.end)
            data = stream.read(_LONGEST_BLOCK)
            place = f"the file from byte {found.end} on"
            if found.header:
                yield from _salvaged(found.header, data, 0, place, envelope, found.damage)
            else:
                yield _lost(data, f"{place}: {found.damage}")


def _salvaged(
    header: bytes, data: bytes, skip: int, place: str, envelope: Sequence[str], damage: str | None = None
) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """The events of a block that can be read, and the block as a whole if there are others or ``damage`` is known."""
    rows: list[dict[str, Any]] = []
    error = ""
    try:
        for number, record in enumerate(read_block(header, data)):
            if number >= skip:
                row = {name: record.get(name) for name in _SCHEMA}
                rows.append(row | {name: _property(record, name) for name in envelope})
    except ValueError as found:
        error = str(found)
    if rows:
        yield pl.DataFrame(rows, schema=_SCHEMA | dict.fromkeys(envelope, pl.String)), None
    if damage or error:
        yield _lost(data, f"{place} is damaged: {damage or error}")


def _lost(data: bytes, damage: str) -> tuple[pl.DataFrame, str]:
    return pl.DataFrame({"Body": [data[:KEPT_BYTES]]}), damage


def _property(record: dict[str, Any], name: str) -> str | None:
    """A field of the envelope of an event."""
    map_, key = name.split("/", 1)
    value = (record.get(_MAPS[map_]) or {}).get(key)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return None if value is None else str(value)


def _conform(frame: pl.DataFrame, envelope: Sequence[str]) -> pl.DataFrame:
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in (_SCHEMA | dict.fromkeys(envelope, pl.String)).items()
    )


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection for this thread that reads Avro."""
    if not hasattr(_local, "con"):
        binary = next(Path(next(iter(duckdb_extension_avro.__path__))).rglob("*.duckdb_extension"))
        con = open_duckdb(config={"threads": 1})
        con.load_extension(str(binary))
        # A file is read once, and a cached part of it would be stale if it was written anew within a second.
        con.execute("set enable_external_file_cache = false")
        _local.con = con
    found: duckdb.DuckDBPyConnection = _local.con
    return found
