"""CSV: blocks of records to cells, all as text. Ragged, undecodable and half-quoted records are rejects."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lake.signals import IDENTIFIER_PATHS
from transforms.sources.blocks import LONGEST_RECORD, Block, records, texts
from transforms.sources.canonical import EXTRAS, OFFSET, ORIGINAL, REASON, ROW, without_length
from transforms.sources.csv_records import CsvRecords, cells_of, read_header, trimmed
from transforms.sources.one_signal import signal_fields, widened
from transforms.sources.profile import FeedProfile
from transforms.sources.section import WHOLE, Section

_TEXT = "@text"


@dataclass(frozen=True)
class Cut:
    """Records of a block: those that are cells now, and those that could not be cut, with ``@reason``."""

    cells: pl.DataFrame
    broken: pl.DataFrame

    @property
    def records(self) -> int:
        """All of them."""
        return self.cells.height + self.broken.height


class DelimitedReader:
    """Cuts the records of one CSV file, block after block.

    Attributes:
        header: what stands at its top.
        start: byte at which the first record begins.
        record_ends: where records end.
        line_end: byte behind each line of the file.
    """

    def __init__(self, profile: FeedProfile, path: Path, section: Section = WHOLE) -> None:
        self._profile = profile
        self._format = profile.csv
        told = ((name,) for name in (profile.kind_field, profile.long_name, profile.long_value) if name)
        times = [(name,) for name in profile.time.field] if profile.time.join else [profile.time.field]
        needed = [names for names in (profile.vehicle.field, *times, *told) if names]
        self.header = read_header(path, profile.csv, needed, section.end)
        self._names = list(self.header.names)
        self.start, self.line_end = self.header.size, self.header.line_end
        self.record_ends = CsvRecords(profile.csv, len(self._names))
        self._place = section.first_record

    def pass_over(self) -> None:
        """A record that cannot be cut has a place in the file like any other."""
        self._place += 1

    def cut(self, block: Block) -> Cut:
        """The records of a block as cells; lines that hold nothing, but for separators, are left out."""
        starts, array = records(block)
        original = pl.Series(ORIGINAL, pl.from_arrow(array), dtype=pl.Binary)
        text = texts(original, self._format.encoding).str.strip_chars_end("\r\n")
        frame = pl.DataFrame({OFFSET: starts + block.offset, ORIGINAL: original, _TEXT: text})
        empty = pl.col(_TEXT).str.strip_chars(f"{self._format.separator} ") == ""
        frame = frame.filter(~empty.fill_null(False)).with_row_index(ROW)
        first, self._place = self._place, self._place + frame.height
        fault = pl.lit(self.header.fault, pl.String)
        undecodable = pl.lit(f"not {self._format.encoding} text")
        frame = frame.with_columns(pl.coalesce(fault, pl.when(pl.col(_TEXT).is_null()).then(undecodable)).alias(REASON))
        too_long = frame[ORIGINAL].bin.size() > LONGEST_RECORD
        if too_long.any():
            frame = pl.concat([frame.filter(~too_long), without_length(frame.filter(too_long))])
        cells, ragged = self._cells(frame.filter(pl.col(REASON).is_null()).drop(REASON))
        cells = cells.with_columns((pl.col(ROW).cast(pl.Int64) + first).alias("@place"))
        broken = frame.filter(pl.col(REASON).is_not_null()).drop(_TEXT)
        return Cut(cells, pl.concat([broken, ragged]).sort(ROW))

    def _cells(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Named cells, and records that have too few or too many, with ``@reason``."""
        if self._format.quote:
            quoted = frame[_TEXT].str.contains(self._format.quote, literal=True)
        else:
            quoted = pl.repeat(False, frame.height, eager=True)
        parts = [self._plain(frame.filter(~quoted))]
        cells, broken = [parts[0][0]], [parts[0][1]]
        if quoted.any():
            wrapped, rest = self._all_in_quotes(frame.filter(quoted))
            mixed, rest = self._some_in_quotes(rest)
            hard, unread = self._quoted(rest)
            cells, broken = [*cells, wrapped, mixed, hard], [*broken, unread]
        return self._with_extras(pl.concat(cells).sort(ROW)), pl.concat(broken)

    def _plain(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Records without a quote."""
        width, separator = len(self._names), self._format.separator
        parts = frame[_TEXT].str.splitn(separator, width + 1).struct.unnest()
        parts.columns = [f"@{number}" for number in range(width + 1)]
        # What follows the last column may be nothing but separators.
        surplus = parts[f"@{width}"].str.strip_chars(f"{separator} ").fill_null("") != ""
        ragged = surplus | parts[f"@{width - 1}"].is_null() if width else surplus
        cells = self._named(frame, parts.drop(f"@{width}")).filter(~ragged)
        found = pl.col(_TEXT).str.count_matches(separator, literal=True) + 1
        reason = pl.format(f"{{}} fields where the header has {width}", found).alias(REASON)
        return cells, frame.filter(ragged).with_columns(reason).drop(_TEXT)

    def _all_in_quotes(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The cells of records in which each is in quotes and holds none, and the other records."""
        width, quote, text = len(self._names), self._format.quote, pl.col(_TEXT).str
        even = text.count_matches(quote, literal=True) == 2 * width
        wrapped = frame.select(even & text.starts_with(quote) & text.ends_with(quote)).to_series()
        mine = frame.filter(wrapped)
        inner = mine[_TEXT].str.strip_prefix(quote).str.strip_suffix(quote)
        parts = inner.str.splitn(f"{quote}{self._format.separator}{quote}", width).struct.unnest()
        # Where all are there, no quote is left for the inside of a cell.
        fits = parts.to_series(-1).is_not_null()
        return self._named(mine, parts).filter(fits), pl.concat([frame.filter(~wrapped), mine.filter(~fits)])

    def _some_in_quotes(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The cells of records that hold no quote and no separator but around them, and the other records."""
        width, quote = len(self._names), self._format.quote
        parts = frame[_TEXT].str.splitn(self._format.separator, width + 1).struct.unnest()
        cell = pl.all().str
        quotes = cell.count_matches(quote, literal=True)
        wrapped = cell.starts_with(quote) & cell.ends_with(quote) & (quotes == 2)
        fits = parts.to_series(-1).is_null() & parts.to_series(-2).is_not_null()
        parts = parts[:, :-1]
        fits &= parts.select(pl.all_horizontal(wrapped | (quotes == 0))).to_series().fill_null(False)
        bare = parts.select(pl.when(wrapped).then(cell.strip_prefix(quote).str.strip_suffix(quote)).otherwise(pl.all()))
        return self._named(frame, bare).filter(fits), frame.filter(~fits)

    def _named(self, frame: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
        """Records with their cells in the place of their text."""
        parts.columns = self._names
        return pl.concat([frame.drop(_TEXT), parts], how="horizontal")

    def _quoted(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Records with a quote somewhere, one by one."""
        width = len(self._names)
        rows: list[list[str]] = []
        reasons: list[str | None] = []
        for text in frame[_TEXT]:
            try:
                cells = trimmed(cells_of(text, self._format), width)
            except csv.Error as error:
                reasons.append(f"not CSV: {error}")
                continue
            fits = len(cells) == width
            rows += [cells] if fits else []
            reasons.append(None if fits else f"{len(cells)} fields where the header has {width}")
        told = frame.drop(_TEXT).with_columns(pl.Series(REASON, reasons, dtype=pl.String))
        columns = list(zip(*rows, strict=True)) or [()] * width
        named = pl.DataFrame(
            {name: pl.Series(values, dtype=pl.String) for name, values in zip(self._names, columns, strict=True)}
        )
        fitting = told.filter(pl.col(REASON).is_null()).drop(REASON)
        return pl.concat([fitting, named], how="horizontal"), told.filter(pl.col(REASON).is_not_null())

    def _with_extras(self, cells: pl.DataFrame) -> pl.DataFrame:
        used = used_fields(self._profile)
        unknown = [name for name in self._names if name not in used]
        sent = pl.lit(None, pl.String)
        if unknown:
            filled = pl.any_horizontal(pl.col(name) != "" for name in unknown)
            sent = pl.when(filled).then(pl.struct(unknown).struct.json_encode())
        return widened(cells.with_columns(sent.alias(EXTRAS)), self._profile)


def used_fields(profile: FeedProfile) -> frozenset[str]:
    """Fields that the profile reads, leaves out on purpose, or must keep out of ``extras``."""
    used = {*profile.vehicle.field, *profile.time.field, *profile.ignore, *IDENTIFIER_PATHS}
    used |= {name for name in (profile.received, profile.kind_field, profile.long_name, profile.long_value) if name}
    if profile.sequence and profile.sequence != "record":
        used.add(profile.sequence)
    return frozenset(used | signal_fields(profile))
