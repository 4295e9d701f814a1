"""A file as a sequence of blocks of whole records: decompressed, cut at line ends, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import zstandard

BLOCK_BYTES = 8 << 20
#: A longer record is refused: no vehicle sends one, and a file without line ends must not fill the memory.
LONGEST_RECORD = 4 << 20
#: No quoted cell with line ends in it is longer.
_LONGEST_CELL = 1 << 20
#: This much of a record that cannot be kept whole is kept.
KEPT_BYTES = 64 << 10


@dataclass(frozen=True)
class Block:
    """Some whole lines of a file.

    Attributes:
        offset: byte in the decompressed text at which it starts.
        data: the lines, line ends included; the last may have none.
        damage: set where ``data`` is what is left of something unreadable: why.
    """

    offset: int
    data: bytes
    damage: str | None = None


def open_bytes(path: Path) -> BinaryIO:
    """The decompressed bytes of a file; ``.gz`` and ``.zst`` by their ending."""
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix == ".zst":
        return cast(BinaryIO, zstandard.open(path, "rb"))
    return path.open("rb")


def line_blocks(path: Path, *, quote: str = "") -> Iterator[Block]:
    """Blocks of whole lines. With ``quote``, line ends inside quotes do not end a record."""
    offset = 0
    rest = b""
    skipping = False
    with open_bytes(path) as stream:
        while True:
            try:
                data = stream.read(BLOCK_BYTES)
            except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
                yield Block(offset, rest[:KEPT_BYTES], f"the file is damaged from byte {offset} on: {error}")
                return
            if not data:
                break
            data = rest + data
            if offset == 0 and data.startswith(b"\xef\xbb\xbf"):
                data, offset = data[3:], 3
            cut = _last_end(data, quote)
            if not cut and len(data) > _LONGEST_CELL:
                cut = _last_end(data, "")  # a quote that nothing closes: lines are all there is to go by
            if skipping and cut:
                first = data.index(b"\n") + 1
                data, offset, cut, skipping = data[first:], offset + first, cut - first, False
            elif skipping:
                offset, rest = offset + len(data), b""
                continue
            if cut:
                yield Block(offset, data[:cut])
            rest, offset = data[cut:], offset + cut
            if len(rest) > LONGEST_RECORD:
                yield Block(offset, rest[:KEPT_BYTES], f"the record is longer than {LONGEST_RECORD >> 20} MiB")
                offset, rest, skipping = offset + len(rest), b"", True
    if rest and not skipping:
        yield Block(offset, rest)


def record_ends(data: bytes, quote: str = "") -> npt.NDArray[np.int64]:
    """Positions just behind each record of ``data``."""
    codes = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(codes == ord("\n")) + 1
    if quote and quote.encode() in data:
        # A line end counts where the quotes before it are closed. A doubled quote closes and opens again.
        quotes = np.flatnonzero(codes == ord(quote))
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    if len(data) and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    return ends.astype(np.int64)


def records(data: bytes, quote: str = "") -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Start of each record, and the records themselves without a copy (line ends still on them)."""
    ends = record_ends(data, quote)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    return offsets[:-1], array


def _last_end(data: bytes, quote: str) -> int:
    """Where the last whole record of ``data`` ends; 0 where none does."""
    if not quote or quote.encode() not in data:
        return data.rfind(b"\n") + 1
    codes = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(codes == ord("\n")) + 1
    quotes = np.flatnonzero(codes == ord(quote))
    whole = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(whole[-1]) if len(whole) else 0
