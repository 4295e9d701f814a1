"""The outside of an Avro file: its header and its chain of blocks, without looking into them.

A reader that is satisfied with what it finds may stop early in a file that was cut off. This says what there is.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import fastavro

_MAGIC = b"Obj\x01"
_SYNC = 16
#: A header is a schema and little else.
_LONGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class AvroBlock:
    """Some records that were written together.

    Attributes:
        start: byte at which it begins.
        end: byte behind it, its sync marker included.
        records: how many it says it holds.
    """

    start: int
    end: int
    records: int


@dataclass(frozen=True)
class Container:
    """An Avro file from outside.

    Attributes:
        header: its first bytes, up to the first block; empty where they are no header of Avro.
        fields: names of the fields of its records.
        blocks: the whole ones, up to the first that is not.
        end: byte behind the last whole block.
        damage: why the file does not end there.
    """

    header: bytes = b""
    fields: frozenset[str] = frozenset()
    blocks: list[AvroBlock] = field(default_factory=list)
    end: int = 0
    damage: str | None = None


def container(path: Path) -> Container:
    """Walk through a file from block to block."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        try:
            header, fields = _header(stream)
        except (EOFError, ValueError, KeyError, TypeError) as error:
            return Container(damage=f"no Avro file: {str(error) or 'it ends within its header'}")
        found = Container(header, fields)
        blocks, at, damage = found.blocks, len(header), None
        while at < size and damage is None:
            stream.seek(at)
            try:
                records, length = _long(stream), _long(stream)
            except EOFError:
                damage = "it ends within a block"
                break
            data = stream.tell()
            if records < 0 or not 0 <= length <= size:
                damage = "no block begins there"
            elif data + length + _SYNC > size:
                damage = "it ends within a block"
            else:
                stream.seek(data + length)
                if stream.read(_SYNC) != header[-_SYNC:]:
                    damage = "a block does not end where it should"
                else:
                    blocks.append(AvroBlock(at, stream.tell(), records))
                    at = stream.tell()
    return Container(header, fields, blocks, at, damage)


def read_block(header: bytes, data: bytes) -> Iterator[dict[str, Any]]:
    """The records of one block, given with the header of its file.

    Raises:
        ValueError: behind the last record that can be read; says what the damage is.
    """
    try:
        yield from cast(Iterator[dict[str, Any]], fastavro.reader(io.BytesIO(header + data)))
    except Exception as error:  # noqa: BLE001 - fastavro raises whatever the damaged bytes lead it to
        raise ValueError(f"{type(error).__name__} {error}".strip()) from None


def _header(stream: BinaryIO) -> tuple[bytes, frozenset[str]]:
    """The bytes of the header, and the names of the fields of the schema in it."""
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one")
    entries: dict[bytes, bytes] = {}
    while count := _long(stream):
        if count < 0:
            _long(stream)
        for _ in range(abs(count)):
            key = _bytes(stream)
            entries[key] = _bytes(stream)
    if len(stream.read(_SYNC)) != _SYNC:
        raise EOFError
    schema = json.loads(entries[b"avro.schema"])
    end = stream.tell()
    stream.seek(0)
    return stream.read(end), frozenset(str(part["name"]) for part in schema["fields"])


def _bytes(stream: BinaryIO) -> bytes:
    length = _long(stream)
    if not 0 <= length <= _LONGEST_HEADER:
        raise ValueError("its header is damaged")
    data = stream.read(length)
    if len(data) != length:
        raise EOFError
    return data


def _long(stream: BinaryIO) -> int:
    """A number as Avro writes it: seven bits a byte, the sign in the last bit."""
    value = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")
