"""Cells to raw rows and rejects: what every format has in common once its records are cut into fields.

A ``Cells`` frame has one row per record with ``@row`` (number within the block), ``@offset``, ``@original``,
``@extras`` (JSON of unknown fields, or null) and the fields that the profile reads, by their names in the feed,
as text or already as number or boolean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from transforms.sources.identity import VehicleIds, mask_vins, mask_vins_in_text
from transforms.sources.profile import FeedProfile, Kind, Target
from transforms.sources.times import arrivals, instants, iso8601, since

ROW, OFFSET, ORIGINAL, EXTRAS = "@row", "@offset", "@original", "@extras"
_TRUE = ("true", "1", "1.0", "on", "yes", "t", "y")
_FALSE = ("false", "0", "0.0", "off", "no", "f", "n")
_SHOWN = 60


@dataclass
class FileContext:
    """What is known of a file beside its bytes.

    Attributes:
        name: path as it is shown and stored; VINs in it are masked.
        modified_at: when it was last written: the arrival of records that do not say theirs.
        vehicle: identifier that the path or the profile states.
        start: for relative times, what they count from.
        elapsed_s: for cumulative times, the sum so far.
    """

    name: str
    modified_at: datetime
    vehicle: str | None = None
    start: datetime | None = None
    elapsed_s: float = 0.0


@dataclass(frozen=True)
class Bounds:
    """Events outside are refused."""

    earliest: datetime
    latest: datetime


NO_REJECTS = pl.DataFrame(schema={"record": pl.Int64, "offset": pl.Int64, "reason": pl.String, "original": pl.Binary})


@dataclass(frozen=True)
class Decoded:
    """What one block of a file became.

    Attributes:
        records: records in the block; each is in exactly one of the frames.
        rows: for each kind, raw rows without ``source``, ``batch``, ``event_date`` and ``bucket``; ``record`` counts
            within the block.
        rejects: columns record, offset, reason, original.
    """

    records: int
    rows: dict[Kind, pl.DataFrame] = field(default_factory=dict)
    rejects: pl.DataFrame = field(default_factory=lambda: NO_REJECTS)


def rejected(cells: pl.DataFrame, reason: pl.Expr | str, vins: VehicleIds) -> pl.DataFrame:
    """Rejects for rows that have ``@row``, ``@offset`` and ``@original``."""
    if cells.is_empty():
        return NO_REJECTS
    frame = cells.select(
        pl.col(ROW).cast(pl.Int64).alias("record"),
        pl.col(OFFSET).cast(pl.Int64).alias("offset"),
        (pl.lit(reason) if isinstance(reason, str) else reason).alias("reason"),
        pl.col(ORIGINAL).cast(pl.Binary).alias("original"),
    )
    masked = [mask_vins(o.rstrip(b"\r\n"), vins) for o in frame["original"]]
    return frame.with_columns(mask_vins_in_text(frame["reason"], vins), pl.Series("original", masked, dtype=pl.Binary))


def canonical(
    cells: pl.DataFrame, profile: FeedProfile, context: FileContext, bounds: Bounds, ids: Mapping[str, VehicleIds]
) -> tuple[dict[Kind, pl.DataFrame], list[pl.DataFrame]]:
    """Raw rows by kind, and rejects.

    Args:
        cells: see the module.
        profile: the feed.
        context: the file; ``elapsed_s`` moves on where times are cumulative.
        bounds: events outside are rejected.
        ids: ``vehicle`` hashes the feed's identifiers, ``vin`` masks VINs elsewhere.
    """
    rows: dict[Kind, pl.DataFrame] = {}
    rejects: list[pl.DataFrame] = []
    rest = cells
    for kind, settings in profile.by_kind.items():
        if settings.when is None:
            mine, rest = rest, rest.clear()
        else:
            is_mine = _text(rest, profile.kind_field or "").eq_missing(settings.when)
            mine, rest = rest.filter(is_mine), rest.filter(~is_mine)
        if mine.height:
            good, bad = _rows(mine, profile.targets[kind], profile, context, bounds, ids)
            if good.height:
                rows[kind] = good
            rejects += [bad] if bad.height else []
    if rest.height:
        names = ", ".join(str(k.when) for k in profile.by_kind.values())
        told = rest.with_columns(_text(rest, profile.kind_field or "").alias("@kind"))
        reason = _found(f"{profile.kind_field} is not one of {names}", pl.col("@kind"))
        rejects.append(rejected(told, reason, ids["vin"]))
    return rows, rejects


def _rows(
    cells: pl.DataFrame,
    targets: tuple[Target, ...],
    profile: FeedProfile,
    context: FileContext,
    bounds: Bounds,
    ids: Mapping[str, VehicleIds],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    vehicle = _vehicle(cells, profile, context)
    event_at, stated = _event_times(cells, profile, context)
    keyed = cells.with_columns(
        ids["vehicle"].of_series(vehicle).alias("@vehicle_id"),
        event_at.alias("@event_at"),
        _received(cells, profile, context).alias("@received_at"),
        stated.cast(pl.String).alias("@stated"),
    )
    columns, checks = _plan(keyed, targets, profile, bounds)
    flags = [check.bad.fill_null(False).alias(f"!{number}") for number, check in enumerate(checks)]
    frame = keyed.select(
        pl.col("@vehicle_id").alias("vehicle_id"),
        pl.col("@event_at").alias("event_at"),
        pl.col("@received_at").alias("received_at"),
        pl.col(ROW).cast(pl.Int64).alias("record"),
        pl.col(EXTRAS).alias("extras"),
        *columns,
        *flags,
    )
    marks = [flag.meta.output_name() for flag in flags]
    rows = frame.drop(marks).with_columns(mask_vins_in_text(frame["extras"], ids["vin"]))
    if not frame.select(pl.any_horizontal(pl.col(marks).any())).item():
        return rows, NO_REJECTS
    reasons = pl.concat_str(
        *[pl.when(pl.col(mark)).then(check.reason) for mark, check in zip(marks, checks, strict=True)],
        separator="; ",
        ignore_nulls=True,
    )
    bad = frame.select(pl.any_horizontal(marks)).to_series()
    told = keyed.hstack(frame.select(marks)).filter(bad)
    return rows.filter(~bad), rejected(told, reasons, ids["vin"])


@dataclass(frozen=True)
class _Check:
    """Rows for which ``bad`` holds are rejected: ``what``, and the text that was found in ``shown``."""

    bad: pl.Expr
    what: str
    shown: pl.Expr | None = None

    @property
    def reason(self) -> pl.Expr:
        """Why, in words."""
        return pl.lit(self.what) if self.shown is None else _found(self.what, self.shown)


def _plan(
    cells: pl.DataFrame, targets: tuple[Target, ...], profile: FeedProfile, bounds: Bounds
) -> tuple[list[pl.Expr], list[_Check]]:
    """Expressions for the columns that this block has fields for, and what may be wrong with a row."""
    at, stated = pl.col("@event_at"), pl.col("@stated")
    checks = [
        _Check(pl.col("@vehicle_id").is_null(), "no vehicle"),
        _Check(stated.is_null(), "no time"),
        _Check(at.is_null() & stated.is_not_null(), f"the time is not {profile.time.format}", stated),
        _Check(at < bounds.earliest, f"the time is before {bounds.earliest:%Y-%m-%d}", stated),
        _Check(at > bounds.latest, f"the time is after {bounds.latest:%Y-%m-%d %H:%M} UTC", stated),
    ]
    sequence: pl.Expr = pl.lit(None, pl.Int64)
    if profile.sequence == "record":
        sequence = pl.col("@place").cast(pl.Int64)
    elif profile.sequence and profile.sequence in cells.columns:
        text = _clean_expr(pl.col(profile.sequence).cast(pl.String), profile)
        sequence = text.cast(pl.Int64, strict=False)
        checks.append(_Check(sequence.is_null() & text.is_not_null(), "the sequence is not a whole number", text))
    values: dict[str, pl.Expr] = {}
    for target in targets:
        present = [name for name in target.fields if name in cells.columns]
        if not present:
            continue
        found = pl.col(present[0])
        if cells.schema[present[0]] == pl.String:
            found = pl.coalesce(_clean_expr(pl.col(name).cast(pl.String), profile) for name in present)
        value, bad = _typed(found, cells.schema[present[0]], target, profile.csv.decimal)
        if target.from_ is not None or target.until is not None:
            holds = pl.lit(True)
            if target.from_ is not None:
                holds &= at >= target.from_
            if target.until is not None:
                holds &= at < target.until
            value = pl.when(holds).then(value)
            bad = None if bad is None else bad & holds
        earlier = values.get(target.column)
        values[target.column] = value if earlier is None else pl.coalesce(earlier, value)
        if bad is not None:
            checks.append(_Check(bad, target.column, found))
    return [sequence.alias("sequence"), *(value.alias(name) for name, value in values.items())], checks


def _vehicle(cells: pl.DataFrame, profile: FeedProfile, context: FileContext) -> pl.Series:
    if not profile.vehicle.field:
        return pl.repeat(context.vehicle, cells.height, dtype=pl.String, eager=True)
    found = _clean(_first_text(cells, profile.vehicle.field), profile)
    return found if context.vehicle is None else found.fill_null(context.vehicle)


def _event_times(cells: pl.DataFrame, profile: FeedProfile, context: FileContext) -> tuple[pl.Series, pl.Series]:
    """The instants, and what was stated."""
    key = profile.time
    stated = _clean(_first_text(cells, key.field), profile)
    if key.format != "seconds":
        return instants(stated, key), stated
    seconds = stated.cast(pl.Float64, strict=False)
    seconds = seconds.set(~seconds.is_finite(), None) if seconds.len() else seconds
    if key.cumulative:
        running = seconds.fill_null(0.0).cum_sum() + context.elapsed_s
        context.elapsed_s = float(running[-1]) if len(running) else context.elapsed_s
        seconds = running.set(seconds.is_null(), None)
    if context.start is None:
        return pl.repeat(None, cells.height, dtype=pl.Datetime("us", "UTC"), eager=True), stated
    return since(context.start, seconds), stated


def _received(cells: pl.DataFrame, profile: FeedProfile, context: FileContext) -> pl.Series:
    if "@arrived" in cells.columns:
        found = arrivals(cells["@arrived"])
    elif profile.received and profile.received in cells.columns:
        found = iso8601(_clean(_text(cells, profile.received), profile), profile.time.zone or "UTC")
    else:
        found = pl.repeat(None, cells.height, dtype=pl.Datetime("us", "UTC"), eager=True)
    return found.fill_null(pl.lit(context.modified_at.astimezone(UTC))) if found.null_count() else found


def _typed(found: pl.Expr, dtype: pl.DataType, target: Target, decimal: str) -> tuple[pl.Expr, pl.Expr | None]:
    """The value in the type and unit of the column, and where that is not possible."""
    if target.kind == "text":
        return found.cast(pl.String), None
    if target.kind == "date":
        day = found.str.to_date("%Y-%m-%d", strict=False)
        return day, day.is_null() & found.is_not_null()
    if target.kind == "bool":
        return _boolean(found, dtype, target)
    if dtype == pl.String:
        text = found.str.replace(",", ".", literal=True) if decimal == "," else found
        number = text.cast(pl.Float64, strict=False)
        bad = (number.is_null() & found.is_not_null()) | ~number.is_finite()
    else:
        number = found.cast(pl.Float64).fill_nan(None)
        bad = ~number.is_finite()
    factor, offset = target.scale
    if factor != 1.0:
        number = number * factor
    if offset:
        number = number + offset
    if target.kind == "int":
        fraction = number != number.round()
        return pl.when(~fraction).then(number).cast(pl.Int64, strict=False), bad | fraction
    return number, bad


def _boolean(found: pl.Expr, dtype: pl.DataType, target: Target) -> tuple[pl.Expr, pl.Expr | None]:
    if dtype == pl.Boolean:
        return found, None
    text = found.cast(pl.String).str.to_lowercase()
    true = text.is_in([t.lower() for t in target.true] or list(_TRUE))
    false = text.is_in([t.lower() for t in target.false] or list(_FALSE))
    return pl.when(true | false).then(true), ~(true | false)


def _clean_expr(text: pl.Expr, profile: FeedProfile) -> pl.Expr:
    """Text without blanks at its ends; what the profile takes for nothing becomes null."""
    stripped = text.str.strip_chars()
    return pl.when(~stripped.is_in(list(profile.nulls))).then(stripped)


def _clean(text: pl.Series, profile: FeedProfile) -> pl.Series:
    return text.to_frame("t").select(_clean_expr(pl.col("t"), profile)).to_series()


def _text(cells: pl.DataFrame, name: str) -> pl.Series:
    if name not in cells.columns:
        return pl.repeat(None, cells.height, dtype=pl.String, eager=True)
    return cells[name].cast(pl.String)


def _first_text(cells: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """The first of several fields that is there and filled."""
    present = [name for name in names if name in cells.columns]
    found = _text(cells, present[0] if present else "")
    for name in present[1:]:
        empty = found.is_null() | (found == "")
        found = found.zip_with(~empty.fill_null(True), _text(cells, name))
    return found


def _found(what: str, text: pl.Expr) -> pl.Expr:
    """``what: found '…'``."""
    return pl.lit(f"{what}: found '") + text.cast(pl.String).fill_null("nothing").str.slice(0, _SHOWN) + pl.lit("'")
