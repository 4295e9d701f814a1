"""Event Hubs Capture: where its files lie, and Avro object container files as Capture writes them."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.encoding import BLOCK_MESSAGES, Encoder
from simulator.events import Events

NAMESPACE = "sillage-sim"
EVENT_HUB = "telemetry"

_VALUES = {"type": "map", "values": ["long", "double", "string", "bytes"]}
SCHEMA = {
    "type": "record",
    "name": "EventData",
    "namespace": "Microsoft.ServiceBus.Messaging",
    "fields": [
        {"name": "SequenceNumber", "type": "long"},
        {"name": "Offset", "type": "string"},
        {"name": "EnqueuedTimeUtc", "type": "string"},
        {"name": "SystemProperties", "type": _VALUES},
        {"name": "Properties", "type": _VALUES},
        {"name": "Body", "type": ["null", "bytes"]},
    ],
}


def file_path(root: Path, partition: int, window_ms: int) -> Path:
    """Returns where Capture puts the file of a partition's window that begins at ``window_ms``."""
    at = datetime.fromtimestamp(window_ms // 1000, tz=UTC)
    return root / NAMESPACE / EVENT_HUB / str(partition) / at.strftime("%Y/%m/%d/%H/%M/%S.avro")


def write_file(
    path: Path, events: Events, encoder: Encoder, sequence: int, offset: int, *, codec: str
) -> tuple[int, int]:
    """Writes one file at once.

    Args:
        path: the file; its folder is made.
        events: its messages in the order of arrival.
        encoder: of the fleet.
        sequence: SequenceNumber of the first message.
        offset: Offset of the first message.
        codec: ``null`` or ``deflate``.

    Returns:
        The size of the file in bytes, and the Offset after its last message.
    """
    sync = hashlib.md5(f"{path.name}/{sequence}/{offset}".encode(), usedforsecurity=False).digest()
    pieces = [_header(codec, sync)]
    for begin in range(0, len(events), BLOCK_MESSAGES):
        part = events.take(slice(begin, begin + BLOCK_MESSAGES))
        data, offset = encoder.records(part, sequence + begin, offset)
        if codec == "deflate":
            squeeze = zlib.compressobj(1, zlib.DEFLATED, -15)
            data = squeeze.compress(data) + squeeze.flush()
        pieces += [_long(len(part)), _long(len(data)), data, sync]
    return put(path, pieces), offset


def put(path: Path, pieces: list[bytes]) -> int:
    """Writes a file so that nobody reads half of it, and returns its size. One that is there already is left alone.

    A run that was killed writes its last files again, byte for byte; whoever has read them sees no change.
    """
    size = sum(map(len, pieces))
    if path.exists() and path.stat().st_size == size:
        return size
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as stream:
        stream.writelines(pieces)
    temporary.replace(path)
    return size


def windows(arrival_ms: NDArray[np.int64], window_s: int) -> Iterator[tuple[int, slice]]:
    """Yields the windows that sorted arrivals fall into: when each begins, and its slice. None is empty."""
    window = arrival_ms // (window_s * 1000)
    edges = np.flatnonzero(np.diff(window, prepend=-1, append=-1))
    for begin, end in pairwise(edges):
        yield int(window[begin]) * window_s * 1000, slice(int(begin), int(end))


def _header(codec: str, sync: bytes) -> bytes:
    meta = {"avro.schema": json.dumps(SCHEMA, separators=(",", ":")).encode(), "avro.codec": codec.encode()}
    entries = b"".join(_long(len(k)) + k.encode() + _long(len(v)) + v for k, v in meta.items())
    return b"Obj\x01" + _long(len(meta)) + entries + b"\x00" + sync


def _long(value: int) -> bytes:
    """A non-negative Avro long."""
    rest, out = value << 1, bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)
