"""A file as a sequence of blocks of whole records: decompressed, cut where records end, in bounded memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import FileIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from transforms.sources.compressed import DamagedFileError, chunks, compression
from transforms.sources.section import WHOLE, Section

BLOCK_BYTES = 32 << 20
#: Events, and small files, that are decoded together: what that costs, however few they are, it costs for each kind.
TOGETHER_BYTES = 48 << 20
#: A longer record is refused: no vehicle sends one, and a file without line ends must not fill the memory.
LONGEST_RECORD = 4 << 20
#: This much of a record that cannot be kept whole is kept.
KEPT_BYTES = 64 << 10
TOO_LONG = f"the record is longer than {LONGEST_RECORD >> 20} MiB"
BOM = b"\xef\xbb\xbf"
_NEWLINE = ord("\n")
#: Bytes that are looked at together: they fit a cache of the processor.
_AT_ONCE = 1 << 20
#: Blocks of a thread that are kept to be written over: the one before may still be looked at.
_BUFFERS = 2
_local = threading.local()

Ends = npt.NDArray[np.int64]
#: Given some text that starts with a record, and whether nothing follows it: positions just behind each record of
#: it that is whole.
RecordEnds = Callable[[bytes, bool], Ends]


@dataclass(frozen=True)
class Block:
    """Some whole records of a file.

    Attributes:
        offset: byte in the decompressed text at which it starts.
        data: the records, line ends included; the last may have none.
        ends: positions just behind each record, where they are not simply the line ends.
        damage: set where ``data`` is what is left of something unreadable: why.
    """

    offset: int
    data: bytes | bytearray
    ends: Ends | None = None
    damage: str | None = None


def line_blocks(
    path: Path,
    record_ends: RecordEnds | None = None,
    *,
    start: int = 0,
    line_end: bytes = b"\n",
    section: Section = WHOLE,
) -> Iterator[Block]:
    """The records of a file. Every byte of it is in exactly one block, but for the middle of what is too long.

    Args:
        path: file, compressed or not.
        record_ends: where records end; lines are records where it is not given.
        start: byte of the text at which the first record begins.
        line_end: a byte; in blocks it is ``\\n``, whatever it is in the file.
        section: what is wanted of a file that is not compressed.
    """
    offset, rest, skipping = section.start, b"", False
    source = _read(path, section)
    last, damage = False, None
    while not last:
        data, last, damage = next(source)
        if line_end != b"\n":
            data = data.replace(line_end, b"\n")
        data = rest + data
        if offset == 0 and data.startswith(BOM):
            data, offset = data[len(BOM) :], len(BOM)
        if offset < start:
            before = min(len(data), start - offset)
            data, offset = data[before:], offset + before
        if skipping:
            first = data.find(b"\n") + 1
            skipping = not first
            data, offset = data[first or len(data) :], offset + (first or len(data))
        block = _whole(offset, data, record_ends, last, damage is not None)
        if block.data:
            yield block
        rest, offset = data[len(block.data) :], offset + len(block.data)
        if len(rest) > LONGEST_RECORD:
            yield Block(offset, rest[:KEPT_BYTES], damage=TOO_LONG)
            offset, rest, skipping = offset + len(rest), b"", True
    if damage is not None:
        yield Block(
            offset, rest[:KEPT_BYTES], damage=f"the file is damaged from byte {offset + len(rest)} on: {damage}"
        )


def record_start(
    path: Path, at: int, record_ends: RecordEnds | None = None, *, line_end: bytes = b"\n", section: Section = WHOLE
) -> int:
    """The byte at which the record begins that the byte ``at`` of an uncompressed file belongs to.

    Args:
        path: file.
        at: a byte.
        record_ends: as for ``line_blocks``.
        line_end: likewise.
        section: where to look; it begins with a record, at or before the byte.
    """
    found = section.start
    for block in line_blocks(path, record_ends, line_end=line_end, section=section):
        if block.offset > at:
            break
        found = block.offset
        if block.damage is None:
            ends = (line_ends(block.data, last=True) if block.ends is None else block.ends) + block.offset
            found = max(found, int(ends[ends <= at].max(initial=0)))
    return found


def line_stretches(path: Path, section: Section = WHOLE) -> Iterator[Callable[[], Block]]:
    """The lines of a file as blocks; those of an uncompressed one are read no sooner than they are called for.

    Every byte is in exactly one block, as with ``line_blocks``.

    Args:
        path: file.
        section: what is wanted of a file that is not compressed.
    """
    if compression(path):
        yield from map(_as_it_is, line_blocks(path))
        return
    stream = path.open("rb", buffering=0)
    size = os.fstat(stream.fileno()).st_size
    size = size if section.end is None else min(size, section.end)
    start = max(section.start, len(BOM) if os.pread(stream.fileno(), len(BOM), 0) == BOM else 0)
    while start < size:
        end = _line_end(stream, start + BLOCK_BYTES, size)
        if end is None:
            yield from map(_as_it_is, line_blocks(path, section=replace(section, start=start)))
            return
        yield partial(_stretch, stream, start, end)
        start = end


def _as_it_is(block: Block) -> Callable[[], Block]:
    return lambda: block


def _line_end(stream: FileIO, near: int, size: int) -> int | None:
    """The first place from ``near`` on that is behind a line end, or the end of the file; ``None`` if it is far."""
    if near >= size:
        return size
    for at in range(near - 1, min(size, near + LONGEST_RECORD), KEPT_BYTES):
        found = os.pread(stream.fileno(), KEPT_BYTES, at).find(b"\n")
        if found >= 0:
            return at + found + 1
    return None if near + LONGEST_RECORD < size else size


def _stretch(stream: FileIO, start: int, end: int) -> Block:
    """Some bytes of a file. The file is kept open by those who have yet to read from it."""
    data = _buffer(end - start)
    done = 0
    with memoryview(data) as rest:
        while start + done < end and (read := os.preadv(stream.fileno(), [rest[done:]], start + done)):
            done += read
    del data[done:]
    return Block(start, data)


def _buffer(size: int) -> bytearray:
    """Memory for a block: that of an earlier block of this thread, if nobody looks at it any more.

    Python does not let the size of an array change while there is a view of it, in Arrow as anywhere.
    """
    kept: list[bytearray] = _local.__dict__.setdefault("buffers", [])
    for place, buffer in enumerate(kept):
        try:
            buffer.extend(bytes(max(1, size - len(buffer))))
        except BufferError:
            continue
        del buffer[size:]
        kept.append(kept.pop(place))
        return buffer
    kept[:] = [*kept[1 - _BUFFERS :], bytearray(size)]
    return kept[-1]


def line_ends(data: bytes | bytearray, last: bool) -> Ends:
    """Positions behind each line; behind a text that does not end with a line end as well, if it is the ``last``."""
    array = np.frombuffer(data, dtype=np.uint8)
    found = [np.flatnonzero(array[at : at + _AT_ONCE] == _NEWLINE) + (at + 1) for at in range(0, len(array), _AT_ONCE)]
    ends = np.concatenate([np.empty(0, np.int64), *found])
    if last and data and data[-1] != _NEWLINE:
        ends = np.append(ends, len(data))
    return ends


def records(block: Block) -> tuple[Ends, pa.Array]:
    """Start of each record in the block, and the records themselves without a copy (line ends still on them)."""
    ends = line_ends(block.data, last=True) if block.ends is None else block.ends
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(block.data)]
    )
    return offsets[:-1], array


def texts(raw: pl.Series, encoding: str = "utf-8") -> pl.Series:
    """Bytes as text; null where there are none, or they are not in the encoding."""
    if encoding == "utf-8":
        try:
            return raw.cast(pl.String)
        except pl.exceptions.PolarsError:
            pass
    return pl.Series(raw.name, [_decoded(record, encoding) for record in raw], dtype=pl.String)


def _decoded(raw: bytes | None, encoding: str) -> str | None:
    try:
        return None if raw is None else raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _read(path: Path, section: Section) -> Iterator[tuple[bytes, bool, str | None]]:
    """Pieces of the text; with the last, empty one, why the file cannot be read further, if it is so."""
    try:
        for data in chunks(path, BLOCK_BYTES, section):
            yield data, False, None
    except DamagedFileError as error:
        yield b"", True, str(error)
    else:
        yield b"", True, None


def _whole(offset: int, data: bytes, record_ends: RecordEnds | None, last: bool, damaged: bool) -> Block:
    """The whole records that ``data`` starts with; what follows the last line end of a damaged file is none."""
    if damaged:
        data = data[: data.rfind(b"\n") + 1]
    if record_ends is None:
        return Block(offset, data if last else data[: data.rfind(b"\n") + 1])
    ends = record_ends(data, last)
    return Block(offset, data[: ends[-1]] if len(ends) else b"", ends)
