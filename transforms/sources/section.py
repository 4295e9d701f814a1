"""What of a file is read: all of it, or what stands behind what was read of it before."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """Some of the bytes of a file, from the start of a record on. Of a compressed file it is all, whatever it says.

    Attributes:
        start: byte at which it begins.
        end: byte behind it; the end of the file where there is none.
        first_record: records of the file before it.
    """

    start: int = 0
    end: int | None = None
    first_record: int = 0


WHOLE = Section()
