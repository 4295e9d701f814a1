"""Cells to raw rows and rejects: what every format has in common once its records are cut into fields.

A ``Cells`` frame has one row per record with ``@row`` (number within the block), ``@offset``, ``@original``,
``@extras`` (JSON of unknown fields, or null) and the fields that the profile reads, by their names in the feed,
as text or already as number or boolean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial, reduce

import polars as pl

from transforms.sources.blocks import KEPT_BYTES, TOO_LONG
from transforms.sources.identity import KeyedIds, mask_vins_in_text
from transforms.sources.masking import mask_rejects
from transforms.sources.profile import FeedProfile, Kind, Target
from transforms.sources.times import instants, nanoseconds, since
from transforms.sources.values import Check, clean, columns_of, told

ROW, ITEM, OFFSET, ORIGINAL, EXTRAS, REASON = "@row", "@item", "@offset", "@original", "@extras", "@reason"
#: Of a cumulative clock: nanoseconds since the record before, and since the start.
DELTA, ELAPSED = "@delta", "@elapsed"
#: Of times since a start: the log began again before the record. Rows that are out of order by less have not.
_AGAIN, _BACK_NS = "@again", 10_000_000_000
#: Where records of several files are gathered: which of them it is, and when that was last written.
FILE, WRITTEN = "@file", "@written"


@dataclass
class FileContext:
    """What is known of a file beside its bytes.

    Attributes:
        name: path as it is shown and stored; VINs in it are masked.
        modified_at: when it was last written: the arrival of records that do not say theirs.
        vehicle: identifier that the path or the profile states.
        start: for relative times, what they count from.
        elapsed_ns: for cumulative times, the sum so far; None once a record did not say its part of it.
        furthest_ns: for times since a start, the furthest so far.
        went_back: they went back: the log began again, and the start of what follows is not known.
    """

    name: str
    modified_at: datetime
    vehicle: str | None = None
    start: datetime | None = None
    elapsed_ns: int | None = 0
    furthest_ns: int = 0
    went_back: bool = False


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
        ends: where several files were gathered, the number behind the last record of each.
    """

    records: int
    rows: dict[Kind, pl.DataFrame] = field(default_factory=dict)
    rejects: pl.DataFrame = field(default_factory=lambda: NO_REJECTS)
    ends: tuple[int, ...] = ()


def without_length(records: pl.DataFrame) -> pl.DataFrame:
    """Records that are too long, cut short, with ``@reason``."""
    return records.with_columns(pl.col(ORIGINAL).bin.head(KEPT_BYTES), pl.lit(TOO_LONG).alias(REASON))


def rejected(
    cells: pl.DataFrame, reason: pl.Expr | str, profile: FeedProfile, ids: Mapping[str, KeyedIds]
) -> pl.DataFrame:
    """Rejects for rows that have ``@row``, ``@offset`` and ``@original``, without identifiers."""
    if cells.is_empty():
        return NO_REJECTS
    frame = cells.select(
        pl.col(ROW).cast(pl.Int64).alias("record"),
        pl.col(OFFSET).cast(pl.Int64).alias("offset"),
        (pl.lit(reason) if isinstance(reason, str) else reason).alias("reason"),
        pl.col(ORIGINAL).cast(pl.Binary).alias("original"),
    )
    return mask_rejects(frame, cells, profile, ids)


def with_clock(
    cells: Mapping[Kind | None, pl.DataFrame],
    broken: pl.DataFrame | None,
    profile: FeedProfile,
    context: FileContext,
) -> dict[Kind | None, pl.DataFrame]:
    """Cells with the time since the start, where each record of a file says the time since the one before.

    All records of a block count, whatever their kind. Behind one that does not say its part, no time is known.
    ``context.elapsed_ns`` moves on.
    """
    timed = {
        kind: part.with_columns(_elapsed(_stated(part, profile), profile).alias(DELTA)) for kind, part in cells.items()
    }
    deltas = [part.select(pl.col(ROW).cast(pl.Int64), DELTA) for part in timed.values()]
    if broken is not None:
        deltas.append(broken.select(pl.col(ROW).cast(pl.Int64), pl.lit(None, pl.Int64).alias(DELTA)))
    clock = pl.concat(deltas).sort(ROW)
    known = clock[DELTA].is_not_null().cum_min() & (context.elapsed_ns is not None)
    running = clock[DELTA].fill_null(0).cum_sum() + (context.elapsed_ns or 0)
    clock = clock.with_columns(running.set(~known, None).alias(ELAPSED))
    if clock.height:
        context.elapsed_ns = clock[ELAPSED][-1]
    return {
        kind: part.with_columns(clock[ELAPSED].gather(clock[ROW].search_sorted(part[ROW].cast(pl.Int64))))
        for kind, part in timed.items()
    }


def canonical(
    cells: pl.DataFrame,
    profile: FeedProfile,
    context: FileContext,
    bounds: Bounds,
    ids: Mapping[str, KeyedIds],
    known: Kind | None = None,
) -> tuple[dict[Kind, pl.DataFrame], list[pl.DataFrame]]:
    """Raw rows by kind, and rejects.

    Args:
        cells: see the module.
        profile: the feed.
        context: the file.
        bounds: events outside are rejected.
        ids: ``vehicle`` and ``account`` hash the feed's identifiers, ``vin`` masks VINs elsewhere.
        known: the kind of all cells, where that is known.
    """
    rows: dict[Kind, pl.DataFrame] = {}
    rejects: list[pl.DataFrame] = []
    rest = cells
    for kind, settings in profile.by_kind.items():
        if known is not None and kind != known:
            continue
        if not settings.when or known is not None:
            mine, rest = rest, rest.clear()
        else:
            is_mine = _text(rest, profile.kind_field or "").is_in(list(settings.when)).fill_null(False)
            mine, rest = rest.filter(is_mine), rest.filter(~is_mine)
        if mine.height:
            good, bad = _rows(mine, profile.targets[kind], profile, context, bounds, ids)
            if good.height:
                rows[kind] = good
            rejects += [bad] if bad.height else []
    if rest.height:
        names = ", ".join(name for settings in profile.by_kind.values() for name in settings.when)
        named = rest.with_columns(_text(rest, profile.kind_field or "").alias("@kind"))
        reason = told(f"{profile.kind_field} is not one of {names}", pl.col("@kind"))
        rejects.append(rejected(named, reason, profile, ids))
    return rows, rejects


def _rows(
    cells: pl.DataFrame,
    targets: tuple[Target, ...],
    profile: FeedProfile,
    context: FileContext,
    bounds: Bounds,
    ids: Mapping[str, KeyedIds],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    event_at, stated = _event_times(cells, profile, context)
    received_at, arrived = _arrivals(cells, profile)
    keyed = cells.with_columns(
        _vehicle_ids(cells, profile, context, ids["vehicle"]).alias("@vehicle_id"),
        event_at.alias("@event_at"),
        stated.alias("@stated"),
        received_at.alias("@received_at"),
        arrived.alias("@arrived"),
        _began_again(cells, profile, context).alias(_AGAIN),
    )
    columns, checks = columns_of(keyed, targets, profile)
    checks = [*_checks(profile, bounds), *checks]
    flags = [check.bad.fill_null(False).alias(f"!{number}") for number, check in enumerate(checks)]
    written = pl.col(WRITTEN) if WRITTEN in cells.columns else pl.lit(context.modified_at.astimezone(UTC))
    frame = keyed.select(
        pl.col("@vehicle_id").alias("vehicle_id"),
        pl.col("@event_at").alias("event_at"),
        pl.col("@received_at").fill_null(written).alias("received_at"),
        pl.col(ROW).cast(pl.Int64).alias("record"),
        pl.col(EXTRAS).alias("extras"),
        *columns,
        *flags,
    )
    marks = [flag.meta.output_name() for flag in flags]
    texts = dict.fromkeys(["extras", *(target.column for target in targets if target.kind == "text")])
    persons = {target.column for target in targets if target.pseudonym}
    rows = frame.drop(marks)
    rows = rows.with_columns(
        ids["account"].of_series(rows[name]) if name in persons else mask_vins_in_text(rows[name], ids["vin"])
        for name in texts
        if name in rows.columns
    )
    if not frame.select(pl.any_horizontal(pl.col(marks).any())).item():
        return rows, NO_REJECTS
    reasons = pl.concat_str(
        *[pl.when(pl.col(mark)).then(check.reason) for mark, check in zip(marks, checks, strict=True)],
        separator="; ",
        ignore_nulls=True,
    )
    bad = frame.select(pl.any_horizontal(marks)).to_series()
    marked = keyed.hstack(frame.select(marks)).filter(bad)
    return rows.filter(~bad), rejected(marked, reasons, profile, ids)


def _checks(profile: FeedProfile, bounds: Bounds) -> list[Check]:
    """What may be wrong with a record apart from its values."""
    at, stated = pl.col("@event_at"), pl.col("@stated")
    arrived, received_at = pl.col("@arrived"), pl.col("@received_at")
    unread, checks = at.is_null() & stated.is_not_null(), []
    if profile.time.cumulative:
        lost = "the time is not known: it counts on from that of an earlier record, which cannot be read"
        checks.append(Check(unread & pl.col(DELTA).is_not_null(), lost))
        unread &= pl.col(DELTA).is_null()
    again = "the time since the start goes back: the log began again, and when is not known"
    return [
        *checks,
        Check(pl.col(_AGAIN), again, stated),
        Check(pl.col("@vehicle_id").is_null(), "no vehicle" + _where(profile.vehicle.field)),
        Check(stated.is_null(), "no time" + _where(profile.time.field, "and" if profile.time.join else "or")),
        Check(unread, f"the time is not {_written(profile)}", stated),
        Check(at < bounds.earliest, f"the time is before {bounds.earliest:%Y-%m-%d}", stated),
        Check(at > bounds.latest, f"the time is after {bounds.latest:%Y-%m-%d %H:%M} UTC", stated),
        Check(received_at.is_null() & arrived.is_not_null(), "the time of arrival cannot be read", arrived),
    ]


def _where(fields: tuple[str, ...], between: str = "or") -> str:
    return f" in {f' {between} '.join(fields)}" if fields else ""


def _written(profile: FeedProfile) -> str:
    """How a time should have been written, and what else may be wrong with it."""
    key = profile.time
    plain = "ISO 8601" if key.zone else "ISO 8601 with an offset"
    written = plain if key.format == "iso8601" else key.format
    if key.zone in (None, "UTC"):
        return written
    unclear = ", or stands for two instants there" if key.ambiguous == "reject" else ""
    return f"{written}, or is skipped in {key.zone}{unclear}"


def _vehicle_ids(cells: pl.DataFrame, profile: FeedProfile, context: FileContext, ids: KeyedIds) -> pl.Series:
    if not profile.vehicle.field:
        vehicle = None if context.vehicle is None else ids.of(context.vehicle)
        return pl.repeat(vehicle, cells.height, dtype=pl.String, eager=True)
    tidy = partial(clean, profile=profile)
    return _first(ids.of_series(_text(cells, name), tidy) for name in profile.vehicle.field)


def _event_times(cells: pl.DataFrame, profile: FeedProfile, context: FileContext) -> tuple[pl.Series, pl.Series]:
    """The instants, and what was stated."""
    key = profile.time
    stated = _stated(cells, profile)
    if key.format != "seconds":
        return instants(_decimals(stated, profile), key.format, key.zone, key.ambiguous), stated
    elapsed = cells[ELAPSED] if key.cumulative else _elapsed(stated, profile)
    if context.start is None:
        return pl.repeat(None, cells.height, dtype=pl.Datetime("us", "UTC"), eager=True), stated
    return since(context.start, elapsed), stated


def _began_again(cells: pl.DataFrame, profile: FeedProfile, context: FileContext) -> pl.Series:
    """Records at and behind one whose time since the start goes back, in a file of one vehicle that is read in order.

    ``context`` moves on.
    """
    key = profile.time
    if key.format != "seconds" or key.cumulative or profile.vehicle.field or profile.format != "csv":
        return pl.repeat(False, cells.height, dtype=pl.Boolean, eager=True)
    elapsed = _elapsed(_stated(cells, profile), profile)
    furthest = pl.concat([pl.Series([context.furthest_ns], dtype=pl.Int64), elapsed.fill_null(0)]).cum_max()
    back = (furthest.head(cells.height) - elapsed > _BACK_NS).fill_null(value=False)
    again = back.cum_max() | context.went_back
    if cells.height:
        context.furthest_ns, context.went_back = int(furthest[-1]), bool(again[-1])
    return again


def _stated(cells: pl.DataFrame, profile: FeedProfile) -> pl.Series:
    if not profile.time.join:
        return _first_text(cells, profile.time.field, profile)
    parts = [clean(_text(cells, name), profile).alias(name) for name in profile.time.field]
    return pl.select(pl.concat_str(parts, separator=" ")).to_series()


def _elapsed(stated: pl.Series, profile: FeedProfile) -> pl.Series:
    return nanoseconds(_decimals(stated, profile))


def _decimals(stated: pl.Series, profile: FeedProfile) -> pl.Series:
    """Numbers with a point before their decimals."""
    number = profile.time.format == "seconds" or profile.time.format.startswith("epoch_")
    if profile.csv.decimal != "," or not number:
        return stated
    return stated.str.replace(",", ".", literal=True)


def _arrivals(cells: pl.DataFrame, profile: FeedProfile) -> tuple[pl.Series, pl.Series]:
    """When the platform received the records, and what was stated; null where they do not say."""
    if "@arrived" in cells.columns:
        return cells["@arrived_at"], cells["@arrived"]
    stated = clean(_text(cells, profile.received or ""), profile)
    return instants(stated, profile.received_format, profile.time.zone or "UTC", "earliest"), stated


def _text(cells: pl.DataFrame, name: str) -> pl.Series:
    if name not in cells.columns:
        return pl.repeat(None, cells.height, dtype=pl.String, eager=True)
    return cells[name].cast(pl.String)


def _first_text(cells: pl.DataFrame, names: tuple[str, ...], profile: FeedProfile) -> pl.Series:
    """The first of several fields that is there and filled."""
    return _first(clean(_text(cells, name), profile) for name in names)


def _first(columns: Iterable[pl.Series]) -> pl.Series:
    """The first that is filled."""
    return reduce(lambda found, other: found.zip_with(found.is_not_null(), other), columns)
