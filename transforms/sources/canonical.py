"""Cells to raw rows and rejects: what every format has in common once its records are cut into fields.

A ``Cells`` frame has one row per record with ``@row`` (number within the block), ``@offset``, ``@original``,
``@extras`` (JSON of unknown fields, or null) and the fields that the profile reads, by their names in the feed,
as text or already as number or boolean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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


NO_REJECTS = pl.DataFrame(
    schema={"record": pl.Int64, "offset": pl.Int64, "reason": pl.String, "original": pl.Binary}
)


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
    return frame.with_columns(
        mask_vins_in_text(frame["reason"], vins), pl.Series("original", masked, dtype=pl.Binary)
    )


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
        found = pl.concat_str(
            pl.lit(f"{profile.kind_field} is not one of {names}: found "), _shown(_text(rest, profile.kind_field or ""))
        )
        rejects.append(rejected(rest, found, ids["vin"]))
    return rows, rejects


def _rows(
    cells: pl.DataFrame,
    targets: tuple[Target, ...],
    profile: FeedProfile,
    context: FileContext,
    bounds: Bounds,
    ids: Mapping[str, VehicleIds],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    problems: dict[str, pl.Series] = {}
    vehicle = _vehicle(cells, profile, context)
    event_at, stated = _event_times(cells, profile, context)
    problems["no vehicle"] = vehicle.is_null()
    problems["no time"] = stated.is_null()
    unread = event_at.is_null() & stated.is_not_null()
    problems[f"the time is not {profile.time.format}: found "] = unread
    early = (event_at < bounds.earliest).fill_null(False)
    late = (event_at > bounds.latest).fill_null(False)
    problems[f"the time is before {bounds.earliest:%Y-%m-%d}: found "] = early
    problems[f"the time is after {bounds.latest:%Y-%m-%d %H:%M} UTC: found "] = late
    stated_as = stated.cast(pl.String)

    columns: list[pl.Series] = []
    shown: dict[str, pl.Series] = dict.fromkeys(list(problems)[2:], stated_as)
    for name, value, bad, text in _values(cells, targets, profile, event_at):
        columns.append(value.alias(name))
        if bad is not None and bad.any():
            reason = f"{name}: found "
            problems[reason], shown[reason] = bad, text
    sequence, bad, text = _sequence(cells, profile)
    if bad is not None and bad.any():
        problems["sequence is not a whole number: found "] = bad
        shown["sequence is not a whole number: found "] = text

    frame = pl.DataFrame(
        [
            ids["vehicle"].of_series(vehicle).alias("vehicle_id"),
            event_at.alias("event_at"),
            _received(cells, profile, context).alias("received_at"),
            cells[ROW].cast(pl.Int64).alias("record"),
            sequence.alias("sequence"),
            *columns,
            mask_vins_in_text(cells[EXTRAS], ids["vin"]).alias("extras"),
        ]
    )
    bad_rows = pl.Series(pl.select(pl.any_horizontal(*problems.values())).to_series())
    if not bad_rows.any():
        return frame, NO_REJECTS
    reasons = pl.concat_str(
        *[
            pl.when(mask).then(pl.lit(reason) + (_shown(shown[reason]) if reason in shown else pl.lit("")))
            for reason, mask in problems.items()
            if mask.any()
        ],
        separator="; ",
        ignore_nulls=True,
    )
    told = cells.select(ROW, OFFSET, ORIGINAL, reasons.alias("@reason")).filter(bad_rows)
    return frame.filter(~bad_rows), rejected(told, pl.col("@reason"), ids["vin"])


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


def _sequence(cells: pl.DataFrame, profile: FeedProfile) -> tuple[pl.Series, pl.Series | None, pl.Series]:
    nothing = pl.Series([], dtype=pl.String)
    if profile.sequence is False or (profile.sequence != "record" and profile.sequence not in cells.columns):
        return pl.repeat(None, cells.height, dtype=pl.Int64, eager=True), None, nothing
    if profile.sequence == "record":
        return cells["@place"].cast(pl.Int64), None, nothing
    text = _clean(_text(cells, profile.sequence), profile)
    number = text.cast(pl.Int64, strict=False)
    return number, number.is_null() & text.is_not_null(), text


def _values(
    cells: pl.DataFrame, targets: tuple[Target, ...], profile: FeedProfile, event_at: pl.Series
) -> list[tuple[str, pl.Series, pl.Series | None, pl.Series]]:
    """For each column that has a field in the block: name, values, which are bad, and what was found there."""
    out: dict[str, tuple[str, pl.Series, pl.Series | None, pl.Series]] = {}
    for target in targets:
        present = [name for name in target.fields if name in cells.columns]
        if not present:
            continue
        found = cells[present[0]]
        if found.dtype == pl.String:
            found = _clean(_first_text(cells, tuple(present)), profile)
        value, bad = _typed(found, target, profile.csv.decimal)
        if target.from_ is not None or target.until is not None:
            holds = _holds(event_at, target)
            value, bad = value.set(~holds, None), None if bad is None else bad & holds
        if target.column in out:
            _, earlier, worse, text = out[target.column]
            value = earlier.zip_with(earlier.is_not_null(), value)
            bad = bad if worse is None else worse if bad is None else worse | bad
            found = text
        out[target.column] = (target.column, value, bad, found)
    return list(out.values())


def _holds(event_at: pl.Series, target: Target) -> pl.Series:
    far = timedelta(days=1)
    low = target.from_ or (event_at.min() or datetime.now(UTC)) - far  # type: ignore[operator]
    high = target.until or (event_at.max() or datetime.now(UTC)) + far  # type: ignore[operator]
    return ((event_at >= low) & (event_at < high)).fill_null(False)


def _typed(found: pl.Series, target: Target, decimal: str) -> tuple[pl.Series, pl.Series | None]:
    """Values in the type and unit of the column, and where that was not possible."""
    if target.kind == "text":
        return found.cast(pl.String), None
    if target.kind == "date":
        day = found.str.to_date("%Y-%m-%d", strict=False)
        return day, day.is_null() & found.is_not_null()
    if target.kind == "bool":
        return _boolean(found, target)
    if found.dtype == pl.String:
        text = found.str.replace(",", ".", literal=True) if decimal == "," else found
        number = text.cast(pl.Float64, strict=False)
    else:
        number = found.cast(pl.Float64)
        number = number.set(number.is_nan(), None) if number.is_nan().any() else number
        found = found if number.null_count() == found.null_count() else number
    bad = (number.is_null() & found.is_not_null()) | ~number.is_finite().fill_null(True)
    factor, offset = target.scale
    if factor != 1.0:
        number = number * factor
    if offset:
        number = number + offset
    if target.kind == "int":
        bad |= (number != number.round()).fill_null(False)
        return number.set(bad, None).round().cast(pl.Int64, strict=False), bad
    return number, bad


def _boolean(found: pl.Series, target: Target) -> tuple[pl.Series, pl.Series]:
    if found.dtype == pl.Boolean:
        return found, pl.repeat(False, len(found), eager=True)
    text = found.cast(pl.String).str.to_lowercase()
    true = text.is_in([t.lower() for t in target.true] or list(_TRUE))
    false = text.is_in([t.lower() for t in target.false] or list(_FALSE))
    value = true.set(~true & ~false, None)
    return value, value.is_null() & found.is_not_null()


def _clean(text: pl.Series, profile: FeedProfile) -> pl.Series:
    """Text without blanks at its ends; what the profile takes for nothing becomes null."""
    stripped = text.str.strip_chars()
    nothing = stripped.is_in(list(profile.nulls)).fill_null(False)
    return stripped.set(nothing, None) if nothing.any() else stripped


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


def _shown(text: pl.Series) -> pl.Expr:
    return pl.lit("'") + pl.lit(text.cast(pl.String).fill_null("nothing").str.slice(0, _SHOWN)) + pl.lit("'")
