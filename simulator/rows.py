"""A block of texts under construction: a template at full width, and a mask that says which bytes really count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.events import Bytes

_ZERO = ord("0")
_ALL = slice(None)


class Rows:
    """A block of records under construction: a cursor moves right, every call writes one piece of all rows.

    Literals stand at the same place in every block, so they are not written again: a block begins as copies of
    ``base``, a row that holds them. Without a base, the literals are recorded for one.
    """

    def __init__(self, data: Bytes, mask: NDArray[np.bool_], base: tuple[Bytes, NDArray[np.bool_]] | None) -> None:
        self.data, self.mask = data, mask
        self.recording = base is None
        self.data[:], self.mask[:] = (0, False) if base is None else base
        self.at = 0

    def lengths(self) -> NDArray[np.int64]:
        """Returns how many bytes each row has so far: eight flags are counted at a time, lane by lane."""
        lanes = self.mask.view(np.uint64).sum(axis=1)
        return np.asarray(lanes.view(np.uint8).reshape(-1, 8).sum(axis=1), dtype=np.int64)

    def literal(self, text: bytes, rows: NDArray[np.int64] | None = None) -> None:
        """Writes the same bytes to all rows, or to some; the choice between the two is part of the template."""
        begin, self.at = self.at, self.at + len(text)
        if self.recording:
            self.data[:, begin : self.at] = np.frombuffer(text, dtype=np.uint8)
            self.mask[:, begin : self.at] = rows is None
        elif rows is not None and len(rows):
            self.mask[rows, begin : self.at] = True

    def table(self, table: Bytes, index: NDArray[np.int64], lengths: NDArray[np.int64] | None = None) -> None:
        """Writes the row ``index`` of a table of texts; ``lengths`` says how much of each row counts, all if None."""
        begin, self.at = self.at, self.at + table.shape[1]
        if self.recording:
            return
        self.data[:, begin : self.at] = table.take(index, axis=0)
        within = True if lengths is None else (np.arange(table.shape[1]) < lengths[:, None]).take(index, axis=0)
        self.mask[:, begin : self.at] = within

    def number(
        self, value: NDArray[np.int64], digits: int, decimals: int = 0, rows: NDArray[np.int64] | None = None
    ) -> None:
        """Writes whole numbers of the last decimal to all rows, or to some.

        Args:
            value: the numbers, one per row written.
            digits: room for digits before the point.
            decimals: digits after the point.
            rows: which rows, all if None.

        Raises:
            OverflowError: if a number has no room.
        """
        self.at = end = at = self.at + 1 + digits + (decimals + 1 if decimals else 0)
        if self.recording or len(value) == 0:
            return
        where = _ALL if rows is None else rows
        largest, least = int(value.max()), int(value.min())
        if max(largest, -least) >= 10 ** (digits + decimals):
            raise OverflowError(f"{largest} or {least} has no room in {digits}+{decimals} digits")
        absolute = np.abs(value) if least < 0 else value
        rest: NDArray[Any] = absolute.astype(np.int32 if max(largest, -least) < 2**31 else np.int64)
        if least < 0:
            sign = end - digits - (decimals + 1 if decimals else 0) - 1
            self.data[where, sign] = ord("-")
            self.mask[where, sign] = value < 0
        self.mask[where, end - (decimals + 2 if decimals else 1) : end] = True
        for k in range(digits + decimals):
            if k > decimals and 10**k > max(largest, -least):
                break
            at -= 1
            if decimals and k == decimals:
                self.data[where, at] = ord(".")
                at -= 1
            if k > decimals:
                self.mask[where, at] = rest > 0
            tenth = rest // 10
            self.data[where, at] = rest - tenth * 10 + _ZERO
            rest = tenth

    def varint(self, value: NDArray[np.int64], room: int) -> None:
        """Writes non-negative numbers as Avro longs (zig-zag, seven bits a byte, least first)."""
        begin, self.at = self.at, self.at + room
        if self.recording:
            return
        rest = value * 2
        if int(rest.max()) >= 1 << (7 * room):
            raise OverflowError(f"{value.max()} has no room in {room} bytes")
        for at in range(begin, self.at):
            self.mask[:, at] = (rest > 0) | (at == begin)
            more = rest >> 7
            self.data[:, at] = (rest & 127) | np.where(more > 0, 128, 0)
            rest = more


def texts_table(texts: list[str]) -> Bytes:
    """Returns ASCII texts as a table, one per row, filled up with blanks."""
    width = max(map(len, texts))
    return np.frombuffer("".join(text.ljust(width) for text in texts).encode(), dtype=np.uint8).reshape(-1, width)
