"""The decompressed bytes of a file, up to the very byte at which it is damaged or cut off."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import zstandard

from transforms.sources.section import WHOLE, Section

#: Compressed bytes that are read at a time. So few, because a byte of Zstandard may stand for many thousands.
_STEP = 4 << 10
_READ = 1 << 20
_ENDING = re.compile(r"\.(gz|zst)$", re.IGNORECASE)
#: How a member begins.
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class DamagedFileError(Exception):
    """What follows cannot be decompressed; all that comes before was given."""


class _Machine(Protocol):
    """What decompressors of the standard library and of zstandard have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def compression(path: Path) -> Literal["gz", "zst"] | None:
    """How a file is compressed: as its first bytes say, whatever its name; and where they do not, as its ending says.

    No text begins with such bytes.
    """
    with path.open("rb") as stream:
        head = stream.read(len(_ZSTD))
    if head.startswith(_GZIP):
        return "gz"
    if head == _ZSTD:
        return "zst"
    ending = _ENDING.search(path.name)
    return None if ending is None else "gz" if ending[1].lower() == "gz" else "zst"


def without_ending(name: str) -> str:
    """The name of a file without the ending of a compressed one."""
    return _ENDING.sub("", name)


def chunks(path: Path, size: int, section: Section = WHOLE) -> Iterator[bytes]:
    """The text of a file, compressed or not, in pieces of about ``size`` bytes.

    Args:
        path: file.
        size: of a piece.
        section: what is wanted of a file that is not compressed.

    Raises:
        DamagedFileError: behind the last byte that can be read.
    """
    kind = compression(path)
    if kind == "gz":
        yield from _gathered(_inflated(path, lambda: zlib.decompressobj(wbits=31)), size)
    elif kind == "zst":
        yield from _gathered(_inflated(path, lambda: zstandard.ZstdDecompressor().decompressobj()), size)
    else:
        with path.open("rb") as stream:
            stream.seek(section.start)
            at = section.start
            while data := stream.read(size if section.end is None else max(0, min(size, section.end - at))):
                yield data
                at += len(data)


def _gathered(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    waiting: list[bytes] = []
    length = 0
    try:
        for piece in pieces:
            waiting.append(piece)
            length += len(piece)
            if length >= size:
                yield b"".join(waiting)
                waiting, length = [], 0
    except DamagedFileError:
        yield b"".join(waiting)
        raise
    yield b"".join(waiting)


def _inflated(path: Path, new: Callable[[], _Machine]) -> Iterator[bytes]:
    """All that can be decompressed.

    A decompressor that meets damage keeps what it had made of the same input. So the input is then read again, and
    byte by byte where the damage is.
    """
    made = read = 0
    try:
        for piece, position in _members(path, new, None):
            yield piece
            made, read = made + len(piece), position
        return
    except (zlib.error, zstandard.ZstdError, EOFError):
        pass
    again = 0
    try:
        for piece, _ in _members(path, new, read):
            yield piece[max(0, made - again) :]
            again += len(piece)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        follows = again and "incorrect header check" in str(error)
        raise DamagedFileError("something follows its end that is no gzip" if follows else str(error)) from None


def _members(path: Path, new: Callable[[], _Machine], slow_from: int | None) -> Iterator[tuple[bytes, int]]:
    """Decompressed pieces, each with how much of the file was read for them; members one behind the other."""
    machine: _Machine | None = None
    position = 0
    with path.open("rb", buffering=_READ) as stream:
        while data := stream.read(_STEP if slow_from is None or position < slow_from else 1):
            position += len(data)
            while data:
                if machine is None:
                    data = data.lstrip(b"\0")  # padding behind a member
                    if not data:
                        break
                    machine = new()
                yield machine.decompress(data), position
                if not machine.eof:
                    break
                data, machine = machine.unused_data, None
    if machine is not None:
        raise EOFError("it ends too early")
