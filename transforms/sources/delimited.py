"""CSV: blocks of lines to cells, all as text. Ragged, undecodable and half-quoted records are rejects."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from lake.signals import IDENTIFIER_PATHS
from transforms.sources.blocks import Block, records
from transforms.sources.canonical import EXTRAS, OFFSET, ORIGINAL, ROW
from transforms.sources.profile import FeedProfile


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
    """Reads one CSV file, block after block; the header is taken from the first."""

    def __init__(self, profile: FeedProfile) -> None:
        self._profile = profile
        self._format = profile.csv
        self._header: list[str] = list(profile.csv.header or ())
        self._skip = profile.csv.skip_rows
        self._place = 0

    def cut(self, block: Block) -> Cut:
        """The records of a block as cells."""
        starts, array = records(block.data, self._format.quote)
        raw = pl.Series(ORIGINAL, pl.from_arrow(array), dtype=pl.Binary)
        text, undecodable = self._decode(raw)
        frame = pl.DataFrame({OFFSET: starts + block.offset, ORIGINAL: raw, "@text": text, "@bad": undecodable})
        if self._skip:
            skipped = min(self._skip, frame.height)
            self._skip -= skipped
            frame = frame.slice(skipped)
        frame = frame.filter(pl.col("@bad") | (pl.col("@text") != ""))
        if not self._header and frame.height:
            self._header = _unique(self._split_one(str(frame[0, "@text"] or "")))
            frame = frame.slice(1)
        frame = self._unravel(frame)
        cells, broken = self._to_cells(frame.with_row_index(ROW))
        cells = cells.with_columns((pl.col(ROW) + self._place).cast(pl.Int64).alias("@place"))
        self._place += frame.height
        return Cut(cells, broken)

    def _decode(self, raw: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Text without its line end, and which records are not in the encoding."""
        if self._format.encoding == "utf-8":
            try:
                text = raw.cast(pl.String)
                bad = pl.repeat(False, len(raw), eager=True)
            except pl.exceptions.PolarsError:
                text = raw.cast(pl.String, strict=False)
                bad = text.is_null()
        else:
            decoded = [_decoded(r, self._format.encoding) for r in raw]
            text = pl.Series(decoded, dtype=pl.String)
            bad = text.is_null()
        return text.str.strip_chars_end("\r\n"), bad

    def _split_one(self, text: str) -> list[str]:
        settings = self._format
        if not settings.quote:
            return text.split(settings.separator)
        return next(csv.reader([text], delimiter=settings.separator, quotechar=settings.quote), [])

    def _unravel(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A record that spans lines only because of a stray quote is taken line by line."""
        spans = frame["@text"].str.contains("\n", literal=True).fill_null(False)
        if not spans.any():
            return frame
        width = len(self._header)
        stray = [
            spanning and len(self._split_one(text)) != width
            for text, spanning in zip(frame["@text"], spans, strict=True)
        ]
        lines = pl.concat(_lines(row) for row in frame.filter(pl.Series(stray)).iter_rows(named=True)) if any(stray) else None
        if lines is None:
            return frame
        return pl.concat([frame.filter(~pl.Series(stray)), lines.cast(dict(frame.schema))]).sort(OFFSET)

    def _to_cells(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        width = len(self._header)
        quote = self._format.quote
        quoted = (
            frame["@text"].str.contains(quote, literal=True).fill_null(False)
            if quote
            else pl.repeat(False, frame.height, eager=True)
        )
        plain = frame.filter(~quoted & ~frame["@bad"])
        parts = plain["@text"].str.splitn(self._format.separator, width + 1).struct.unnest()
        parts.columns = [f"@{n}" for n in range(width + 1)]
        # What follows the last column may be nothing but separators.
        surplus = parts[f"@{width}"].str.strip_chars(f"{self._format.separator} ").fill_null("") != ""
        short = parts[f"@{width - 1}"].is_null() if width else surplus
        ragged = surplus | short
        named = parts.drop(f"@{width}")
        named.columns = self._header
        cells = [pl.concat([plain.select(ROW, OFFSET, ORIGINAL), named], how="horizontal").filter(~ragged)]
        found = plain["@text"].str.count_matches(self._format.separator, literal=True) + 1
        broken = [
            plain.with_columns(pl.format("{} fields where the header has {}", found, pl.lit(width)).alias("@reason")).filter(ragged),
            frame.filter(frame["@bad"]).with_columns(pl.lit(f"not {self._format.encoding} text").alias("@reason")),
        ]
        if quoted.any():
            good, bad = self._quoted(frame.filter(quoted))
            cells.append(good)
            broken.append(bad)
        keep = [ROW, OFFSET, ORIGINAL, "@reason"]
        return self._with_extras(pl.concat(cells).sort(ROW)), pl.concat([b.select(keep) for b in broken])

    def _quoted(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        width = len(self._header)
        rows: list[list[str] | None] = []
        reasons: list[str | None] = []
        for text in frame["@text"]:
            try:
                cells = self._split_one(text)
            except csv.Error as error:
                rows.append(None)
                reasons.append(f"not CSV: {error}")
                continue
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            fits = len(cells) == width
            rows.append(cells if fits else None)
            reasons.append(None if fits else f"{len(cells)} fields where the header has {width}")
        reason = pl.Series("@reason", reasons, dtype=pl.String)
        good = pl.DataFrame([r for r in rows if r is not None], schema=dict.fromkeys(self._header, pl.String), orient="row")
        kept = frame.filter(reason.is_null()).select(ROW, OFFSET, ORIGINAL)
        return pl.concat([kept, good], how="horizontal"), frame.with_columns(reason).filter(reason.is_not_null())

    def _with_extras(self, cells: pl.DataFrame) -> pl.DataFrame:
        if self._profile.long_name:
            return _long(cells, self._profile)
        unknown = [name for name in self._header if name not in used_fields(self._profile)]
        if not unknown:
            return cells.with_columns(pl.lit(None, dtype=pl.String).alias(EXTRAS))
        filled = pl.any_horizontal(pl.col(name) != "" for name in unknown)
        return cells.with_columns(pl.when(filled).then(pl.struct(unknown).struct.json_encode()).alias(EXTRAS))


def used_fields(profile: FeedProfile) -> frozenset[str]:
    """Fields that the profile reads, leaves out on purpose, or must keep out of ``extras``."""
    used = {*profile.vehicle.field, *profile.time.field, *profile.ignore, *IDENTIFIER_PATHS}
    used |= {name for name in (profile.received, profile.kind_field, profile.long_name, profile.long_value) if name}
    if profile.sequence and profile.sequence != "record":
        used.add(profile.sequence)
    return frozenset(used | {name for targets in profile.targets.values() for t in targets for name in t.fields})


def _long(cells: pl.DataFrame, profile: FeedProfile) -> pl.DataFrame:
    """One signal per row: its value goes to a column of the signal's name, or to ``extras``."""
    name, value = pl.col(profile.long_name or ""), pl.col(profile.long_value or "")
    wanted = used_fields(profile)
    names = cells[profile.long_name or ""].unique().to_list()
    known = [n for n in names if n in wanted and n not in cells.columns]
    other = ~name.is_in(list(wanted)) & (value != "")
    return cells.with_columns(
        *(pl.when(name == n).then(value).alias(n) for n in known),
        pl.when(other)
        .then(pl.concat_str(pl.lit("{"), _json_text(name), pl.lit(":"), _json_text(value), pl.lit("}")))
        .alias(EXTRAS),
    )


def _json_text(expr: pl.Expr) -> pl.Expr:
    """A JSON string: what ``json_encode`` makes of a struct of one field, without the field."""
    encoded = pl.struct(expr.alias("t")).struct.json_encode()
    return encoded.str.slice(5).str.head(-1)


def _lines(row: dict[str, object]) -> Iterator[pl.DataFrame] | pl.DataFrame:
    original = row[ORIGINAL]
    assert isinstance(original, bytes)
    pieces = [line for line in original.splitlines(keepends=True) if line.strip()]
    starts = np.cumsum([0, *map(len, original.splitlines(keepends=True))])
    kept = [int(s) for s, line in zip(starts, original.splitlines(keepends=True), strict=False) if line.strip()]
    return pl.DataFrame(
        {
            OFFSET: [int(str(row[OFFSET])) + s for s in kept],
            ORIGINAL: pieces,
            "@text": [line.decode("utf-8", "replace").strip("\r\n") for line in pieces],
            "@bad": [False] * len(pieces),
        }
    )


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _unique(names: list[str]) -> list[str]:
    """Header cells as names: stripped, the nameless numbered, a repeated one counted."""
    out: list[str] = []
    for number, raw in enumerate(names, start=1):
        name = " ".join(raw.split()) or f"column_{number}"
        times = 2
        unique = name
        while unique in out:
            unique, times = f"{name}__{times}", times + 1
        out.append(unique)
    return out
