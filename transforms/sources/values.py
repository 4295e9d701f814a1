"""Cells to the typed columns of a raw table, in its units; and what is to be refused on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from lake.distinct import coded
from transforms.sources.profile import FeedProfile
from transforms.sources.targets import Limits, Target

_TRUE = ("true", "1", "1.0", "on", "yes", "t", "y")
_FALSE = ("false", "0", "0.0", "off", "no", "f", "n")
_SHOWN = 60


@dataclass(frozen=True)
class Check:
    """Rows for which ``bad`` holds are rejected: ``what``, and the text that was found in ``shown``."""

    bad: pl.Expr
    what: str
    shown: pl.Expr | None = None

    @property
    def reason(self) -> pl.Expr:
        """Why, in words."""
        return pl.lit(self.what) if self.shown is None else told(self.what, self.shown)


def told(what: str, text: pl.Expr) -> pl.Expr:
    """``what: found '…'``."""
    shown = pl.lit("'") + text.cast(pl.String).str.slice(0, _SHOWN) + pl.lit("'")
    return pl.lit(f"{what}: found ") + shown.fill_null("nothing")


def columns_of(
    cells: pl.DataFrame, targets: tuple[Target, ...], profile: FeedProfile
) -> tuple[list[pl.Expr], list[Check]]:
    """Expressions for the columns that these cells have fields for, and for what is wrong with them.

    Args:
        cells: ``@event_at``, ``@place`` where the place is the sequence, and fields.
        targets: columns of one raw table.
        profile: the feed.
    """
    sequence, checks = _sequence(cells, profile)
    finite = _finite(cells)
    by_column: dict[str, list[Target]] = {}
    for target in targets:
        by_column.setdefault(target.column, []).append(target)
    columns = [sequence.alias("sequence")]
    for column, sources in by_column.items():
        read = [_source(cells, source, profile, finite) for source in sources]
        there = [source for source in read if source is not None]
        if there:
            columns.append(_first(there).alias(column))
            checks += _wrong(column, there)
        if sources[0].required:
            nothing = pl.all_horizontal(source.found.is_null() for source in there) if there else pl.lit(True)
            fields = dict.fromkeys(name for source in sources for name in source.fields)
            checks.append(Check(nothing, f"no {column} in {' or '.join(fields)}"))
    return columns, checks


@dataclass(frozen=True)
class _Read:
    """What one source says of a column: what stands there, the value, and where that is none (None: nowhere)."""

    found: pl.Expr
    value: pl.Expr
    bad: pl.Expr | None


def _source(cells: pl.DataFrame, target: Target, profile: FeedProfile, finite: frozenset[str]) -> _Read | None:
    """One source of a column; None where these cells have no field for it."""
    present = [name for name in target.fields if name in cells.columns]
    if not present:
        return None
    found, is_text = _found(cells, present, profile)
    bad: pl.Expr | None
    if target.kind == "bool":
        value, bad = _boolean(cells, present, target, profile)
    elif target.kind == "float" and target.limits == Limits() and not is_text and finite.issuperset(present):
        # Any number is right.
        value, bad = _scaled(found if _numeric_nulls(profile) else pl.coalesce(present), target), None
    else:
        value, bad = _typed(found, is_text, target, profile.csv.decimal)
    if target.from_ is not None or target.until is not None:
        holds = _within(target)
        found, value = pl.when(holds).then(found), pl.when(holds).then(value)
        bad = None if bad is None else bad & holds
    return _Read(found, value, bad)


def _first(sources: list[_Read]) -> pl.Expr:
    """The first value that is there."""
    return sources[0].value if len(sources) == 1 else pl.coalesce(source.value for source in sources)


def _wrong(column: str, sources: list[_Read]) -> list[Check]:
    """What cannot be read, in sources before which no other gave a value."""
    checks: list[Check] = []
    reached: pl.Expr | None = None
    for source in sources:
        if source.bad is not None:
            checks.append(Check(source.bad if reached is None else source.bad & reached, column, source.found))
        reached = source.value.is_null() if reached is None else reached & source.value.is_null()
    return checks


def clean_text(text: pl.Expr, profile: FeedProfile) -> pl.Expr:
    """Text without blanks at its ends; what the profile takes for nothing becomes null."""
    stripped = text.str.strip_chars()
    return pl.when(~stripped.is_in(list(profile.nulls))).then(stripped)


def clean(text: pl.Series, profile: FeedProfile) -> pl.Series:
    """The same for a series."""
    return text.to_frame("t").select(clean_text(pl.col("t"), profile)).to_series()


def _sequence(cells: pl.DataFrame, profile: FeedProfile) -> tuple[pl.Expr, list[Check]]:
    if profile.sequence == "record":
        return pl.col("@place").cast(pl.Int64), []
    if profile.sequence is None or profile.sequence not in cells.columns:
        return pl.lit(None, pl.Int64), []
    if cells.schema[profile.sequence] == pl.Float64:
        return pl.col(profile.sequence).cast(pl.Int64), []
    text = clean_text(pl.col(profile.sequence).cast(pl.String), profile)
    number = text.cast(pl.Int64, strict=False)
    return number, [Check(number.is_null() & text.is_not_null(), "the sequence is not a whole number", text)]


def _found(cells: pl.DataFrame, present: list[str], profile: FeedProfile) -> tuple[pl.Expr, bool]:
    """The first of some fields that is filled, and whether it is text (or a number already)."""
    if all(cells.schema[name] == pl.Float64 for name in present):
        nothing = _numeric_nulls(profile)
        numbers = (pl.col(name).fill_nan(None) for name in present)
        if nothing:
            numbers = (pl.when(~number.is_in(nothing)).then(number) for number in numbers)
        return pl.coalesce(numbers), False
    return pl.coalesce(clean_text(pl.col(name).cast(pl.String), profile) for name in present), True


def _numeric_nulls(profile: FeedProfile) -> list[float]:
    """Numbers that stand for nothing, for fields that are numbers already."""
    found = []
    for text in profile.nulls:
        try:
            found.append(float(text))
        except ValueError:
            continue
    return [number for number in found if math.isfinite(number)]


def _within(target: Target) -> pl.Expr:
    at, holds = pl.col("@event_at"), pl.lit(True)
    if target.from_ is not None:
        holds &= at >= target.from_
    if target.until is not None:
        holds &= at < target.until
    return holds


def _typed(found: pl.Expr, is_text: bool, target: Target, decimal: str) -> tuple[pl.Expr, pl.Expr]:
    """The value in the type and unit of the column, and where that is not possible."""
    if target.kind == "text":
        text = found.cast(pl.String)
        return text, ~text.str.contains(target.limits.pattern) if target.limits.pattern else pl.lit(False)
    if target.kind == "date":
        day = found.str.to_date("%Y-%m-%d", strict=False)
        return day, day.is_null() & found.is_not_null()
    number = found
    if is_text:
        if decimal == ",":
            # A point would be one of thousands, or none of this notation.
            number = pl.when(~found.str.contains(".", literal=True)).then(found.str.replace(",", ".", literal=True))
        number = number.cast(pl.Float64, strict=False)
    number = _scaled(number, target)
    if target.kind == "int":
        number = pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
        bad = number.is_null() & found.is_not_null()
    else:
        bad = ~number.is_finite()
        bad = (number.is_null() & found.is_not_null()) | bad if is_text else bad
    return number, _outside(number, target.limits, bad)


def _finite(cells: pl.DataFrame) -> frozenset[str]:
    """Columns of numbers, all of which are finite."""
    found = cells.select(pl.col(pl.Float64).is_finite().all())
    return frozenset(column.name for column in found if column[0])


def _scaled(number: pl.Expr, target: Target) -> pl.Expr:
    factor, offset = target.scale
    number = number * factor if factor != 1.0 else number
    return number + offset if offset else number


def _outside(number: pl.Expr, limits: Limits, bad: pl.Expr) -> pl.Expr:
    if limits.low is not None:
        bad |= number < limits.low
    if limits.high is not None:
        bad |= number > limits.high
    return bad


def _boolean(cells: pl.DataFrame, present: list[str], target: Target, profile: FeedProfile) -> tuple[pl.Expr, pl.Expr]:
    """A boolean is one of few texts: each of these is understood once."""
    true = [text.lower() for text in target.true] or list(_TRUE)
    false = [text.lower() for text in target.false] or list(_FALSE)
    codes = []
    for name in present:
        distinct, places = coded(cells[name].cast(pl.String))
        text = clean(distinct, profile).str.to_lowercase()
        meaning = [None if t is None else 1 if t in true else 0 if t in false else -1 for t in text]
        codes.append(pl.lit(pl.Series(meaning, dtype=pl.Int8).gather(places)))
    found = pl.coalesce(codes)
    return pl.when(found >= 0).then(found == 1), found < 0
