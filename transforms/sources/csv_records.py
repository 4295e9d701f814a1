"""Where the records of a CSV file begin and end, and what its header says.

A quote that opens a cell may hold line ends, one that strayed into the text must not swallow the lines behind it.
So lines are joined only where that gives one well-formed record of the width of the header.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transforms.sources.blocks import BOM, LONGEST_RECORD, Ends, line_ends
from transforms.sources.compressed import DamagedFileError, chunks
from transforms.sources.profile import RESERVED, Delimited
from transforms.sources.section import Section

#: No record of several lines is longer.
LONGEST_JOINED = 1 << 20
#: So much of a header that is none is shown.
_SHOWN = 120
csv.field_size_limit(LONGEST_RECORD)


@dataclass(frozen=True)
class Header:
    """What stands at the top of a CSV file.

    Attributes:
        names: of the columns; as they are used, not as they are written.
        size: bytes of the text before the first record. A header that cannot be one is taken for a record.
        line_end: byte behind each line.
        fault: why it cannot be read, and no record of the file with it.
    """

    names: tuple[str, ...]
    size: int
    line_end: bytes = b"\n"
    fault: str | None = None


def cells_of(text: str, settings: Delimited) -> list[str]:
    """The cells of one record.

    Raises:
        csv.Error: a quote is not closed, or is closed in the middle of a cell.
    """
    if not settings.quote:
        return text.split(settings.separator)
    rows = list(csv.reader([text], delimiter=settings.separator, quotechar=settings.quote, strict=True))
    return rows[0] if rows else [""]


@dataclass(frozen=True)
class CsvRecords:
    """Finds the ends of records; see ``RecordEnds``.

    Attributes:
        settings: how the text is written.
        width: number of columns; None while the header is not known.
    """

    settings: Delimited
    width: int | None = None

    def __call__(self, data: bytes, last: bool) -> Ends:
        """Ends of the whole records of ``data``."""
        lines = line_ends(data, last)
        quote = self.settings.quote.encode(self.settings.encoding)
        if not quote or quote not in data or not len(lines):
            return lines
        quotes = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == quote[0]) + 1
        counts = np.diff(np.searchsorted(quotes, lines, side="right"), prepend=0)
        # Only a line with an odd number of quotes can open a cell that a later line closes.
        odd = np.flatnonzero(counts % 2).tolist()
        ends = np.ones(len(lines), dtype=np.bool_)
        at = 0
        while at < len(odd):
            first = odd[at]
            start = int(lines[first - 1]) if first else 0
            if at + 1 == len(odd):
                if not last and len(data) - start <= LONGEST_JOINED:
                    return lines[:first][ends[:first]]
                break
            final = odd[at + 1]
            joined = self._is_one_record(data, start, int(lines[final]))
            if joined:
                ends[first:final] = False
            at += 2 if joined else 1
        return lines[ends]

    def _is_one_record(self, data: bytes, start: int, end: int) -> bool:
        if end - start > LONGEST_JOINED:
            return False
        try:
            cells = cells_of(data[start:end].decode("latin-1").rstrip("\r\n"), self.settings)
        except csv.Error:
            return False
        return self.width is None or len(trimmed(cells, self.width)) == self.width


def trimmed(cells: list[str], width: int) -> list[str]:
    """Cells without the empty ones behind the last column."""
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    return cells


def read_header(
    path: Path, settings: Delimited, needed: Sequence[Collection[str]] = (), until: int | None = None
) -> Header:
    """The header of a file, or the columns that the profile gives it.

    Args:
        path: file, compressed or not.
        settings: how its text is written.
        needed: of each of these the header must have one, or no record can be read.
        until: byte up to which a file that is not compressed is read.
    """
    data = _top(path, until)
    # What there is of a file without one line feed was written where a carriage return ends the line.
    line_end = b"\r" if b"\r" in data and b"\n" not in data else b"\n"
    data = data.replace(line_end, b"\n")
    at = len(BOM) if data.startswith(BOM) else 0
    skipped = line_ends(data, last=True)[: settings.skip_rows]
    at = max(at, int(skipped[-1]) if len(skipped) else 0)
    if settings.header:
        return Header(_names(list(settings.header)), at, line_end)
    start = at
    for end in CsvRecords(settings)(data[at:], True):
        before, start = start, at + int(end)
        written = data[before:start]
        text = written.decode(settings.encoding, "replace").strip("\r\n ")
        if not text:
            continue
        try:
            names = _names(cells_of(text, settings))
        except csv.Error as error:
            return Header((), before, line_end, f"the header is not CSV: {error}")
        missing = [name for name in needed if not set(names).intersection(name)]
        if missing:
            return Header((), before, line_end, _no_header(missing, written, text, settings))
        return Header(names, start, line_end)
    return Header((), start, line_end)


def _no_header(missing: Sequence[Collection[str]], written: bytes, text: str, settings: Delimited) -> str:
    """Why this is no header."""
    if written.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "the file is UTF-16: save it as UTF-8"
    wanted = " and ".join(f"no {' or '.join(names)}" for names in missing)
    return f"the header has {wanted} (separator {settings.separator!r}): found '{text[:_SHOWN]}'"


def _top(path: Path, until: int | None) -> bytes:
    """As much of a file as its header can be long."""
    data = b""
    try:
        for piece in chunks(path, LONGEST_JOINED, Section(end=until)):
            data += piece
            if len(data) >= LONGEST_JOINED:
                break
    except DamagedFileError:
        pass  # whoever reads the records says so
    return data


def _names(cells: list[str]) -> tuple[str, ...]:
    """Header cells as names: stripped, the nameless numbered, a repeated one counted."""
    out: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = " ".join(cell.split()) or f"column_{number}"
        if name in RESERVED or name == "*" or (name.startswith("^") and name.endswith("$")):
            name += "_"
        times = 2
        unique = name
        while unique in out:
            unique, times = f"{name}__{times}", times + 1
        out.append(unique)
    return tuple(out)
