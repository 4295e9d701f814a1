"""Texts and numbers to UTC instants with microseconds. What cannot be read becomes null, and its row a reject."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime

import polars as pl

from lake.distinct import coded

_INSTANT = pl.Datetime("us", "UTC")
_PER_SECOND = {"epoch_s": 1, "epoch_ms": 10**3, "epoch_us": 10**6, "epoch_ns": 10**9}
NAMED_FORMATS = ("iso8601", *_PER_SECOND)
#: With an offset, in the order of how often they are met; the first is tried on all rows at once.
_WITH_OFFSET = (
    "%+", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z",
    "%Y%m%dT%H%M%S%.f%#z",
)  # fmt: skip
_WITHOUT_OFFSET = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y%m%dT%H%M%S%.f",
)  # fmt: skip
#: Of a time that is written so, as of UTC or of a local time, every character has its place.
_OF_ONE_LENGTH = re.compile(
    r"\d{4}-\d\d-\d\d(?P<between>[T ])\d\d:\d\d:\d\d(\.(?P<fraction>\d{3}|\d{6}|\d{9}))?(?P<offset>Z|\+00:00)?"
)
#: Event Hubs writes arrival as US display text; IoT Hub's routing as ISO 8601.
_DISPLAY = ("%m/%d/%Y %I:%M:%S %p",)
_LATEST_S = 253_402_300_800  # the year 10000
_PROBE = datetime(2024, 11, 23, 13, 45, 36, 250_000, tzinfo=UTC)


def check_pattern(pattern: str) -> None:
    """Refuse a pattern by which no point in time can be read.

    Raises:
        ValueError: says what is wrong with it.
    """
    if "%" not in pattern:
        raise ValueError(f"must be one of {', '.join(NAMED_FORMATS)}, seconds, or a pattern as %d/%m/%Y %H:%M")
    if re.search(r"(?<!%)(%%)*%f", pattern):
        raise ValueError("must have %.f for the fraction of a second, its point included (%f is nanoseconds here)")
    probe = pl.Series([_PROBE], dtype=_INSTANT)
    try:
        found = _patterned(probe.dt.strftime(pattern), pattern, "UTC", "earliest")[0]
    except pl.exceptions.PolarsError:
        found = None
    if found is None or found.date() != _PROBE.date():
        raise ValueError(
            "must be a pattern that says year, month and day, and with an hour also its minute, and with %I also %p "
            "(strftime codes of chrono, as %Y-%m-%d %H:%M)"
        )


def states_offset(pattern: str) -> bool:
    """A time that is written so says its instant, without a zone."""
    return any(code in pattern for code in ("%z", "%#z", "%:z", "%+", "%s"))


def instants(values: pl.Series, pattern: str, zone: str | None, ambiguous: str = "reject") -> pl.Series:
    """The instants that ``values`` (text) state.

    Args:
        values: text.
        pattern: one of ``NAMED_FORMATS``, or a strftime pattern.
        zone: time zone of what has no offset.
        ambiguous: which instant a local time means that occurs twice: earliest, latest, or reject for neither.
    """
    if pattern == "iso8601":
        return iso8601(values, zone, ambiguous)
    if pattern in _PER_SECOND:
        return _epoch(values, _PER_SECOND[pattern])
    return _patterned(values, pattern, zone or "UTC", ambiguous)


def iso8601(values: pl.Series, zone: str | None, ambiguous: str = "reject") -> pl.Series:
    """ISO 8601 with an offset, or without one where ``zone`` says which local time it is.

    Before the fraction of a second stands a point or a comma.
    """
    found = _iso8601(values, zone, ambiguous)
    if found.null_count() > values.null_count():
        comma = values.str.contains(",", literal=True).fill_null(False)
        if comma.any():
            # Those with a comma again, with a point in its place.
            pointed = _iso8601(values.filter(comma).str.replace(",", ".", literal=True), zone, ambiguous)
            found = found.scatter(comma.arg_true(), pointed)
    return found


def _iso8601(values: pl.Series, zone: str | None, ambiguous: str) -> pl.Series:
    found = _written_as_the_first(values, zone, ambiguous)
    if found.null_count() > values.null_count():
        missing = found.is_null()
        found = found.scatter(missing.arg_true(), _written_anyhow(values.filter(missing), zone, ambiguous))
    return found


def _written_as_the_first(values: pl.Series, zone: str | None, ambiguous: str) -> pl.Series:
    """Those that are written as the first is: of patterns in which all has its length Polars reads many times more."""
    first = values.drop_nulls().head(1)
    written = _OF_ONE_LENGTH.fullmatch(first[0]) if len(first) else None
    if written is None or not (written["offset"] or zone):
        return pl.repeat(None, len(values), dtype=_INSTANT, eager=True).alias(values.name)
    fraction = f".%{len(written['fraction'])}f" if written["fraction"] else ""
    pattern = f"%Y-%m-%d{written['between']}%H:%M:%S{fraction}{written['offset'] or ''}"
    if written["offset"]:
        return _strptime(values, pattern, "UTC")
    return _local(_strptime(values, pattern, None), zone or "UTC", ambiguous)


def _written_anyhow(values: pl.Series, zone: str | None, ambiguous: str) -> pl.Series:
    found = _parse(values, _WITH_OFFSET, zoned=True)
    if zone is not None and found.null_count() > values.null_count():
        found = found.zip_with(found.is_not_null(), _local(_parse(values, _WITHOUT_OFFSET), zone, ambiguous))
    return found


def arrivals(values: pl.Series) -> pl.Series:
    """Arrival at an event hub: ``11/16/2016 4:44:11 PM`` (UTC) or ISO 8601."""
    # A hub writes whole seconds: there are few.
    distinct, places = coded(values)
    found = _local(_parse(distinct, _DISPLAY), "UTC", "earliest")
    if found.null_count() > distinct.null_count():
        found = found.zip_with(found.is_not_null(), iso8601(distinct, "UTC"))
    return found.gather(places)


def since(start: datetime, nanoseconds: pl.Series) -> pl.Series:
    """``start`` plus some nanoseconds, to the nearest microsecond."""
    return (((nanoseconds + 500) // 1_000).cast(pl.Duration("us")) + start).cast(_INSTANT)


def nanoseconds(seconds: pl.Series) -> pl.Series:
    """Seconds as text to whole nanoseconds; null where it is none, or more than two centuries."""
    number = seconds.cast(pl.Float64, strict=False)
    number = number.set((number.abs() > 2**63 / 1.4e9).fill_null(False) | ~number.is_finite().fill_null(True), None)
    return (number * 1e9).round().cast(pl.Int64, strict=False)


def _patterned(values: pl.Series, pattern: str, zone: str, ambiguous: str) -> pl.Series:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.exceptions.ChronoFormatWarning)
        if states_offset(pattern):
            return _strptime(values, pattern, "UTC")
        return _local(_parse(values, (pattern,)), zone, ambiguous)


def _parse(values: pl.Series, formats: tuple[str, ...], *, zoned: bool = False) -> pl.Series:
    zone = "UTC" if zoned else None
    found = _strptime(values, formats[0], zone)
    for pattern in formats[1:]:
        if found.null_count() <= values.null_count():
            break
        missing = found.is_null()
        more = _strptime(values.filter(missing), pattern, zone)
        found = found.scatter(missing.arg_true(), more) if more.null_count() < len(more) else found
    return found


def _strptime(values: pl.Series, pattern: str, zone: str | None) -> pl.Series:
    # Few times occur twice: remembering them costs more than it saves.
    return values.str.to_datetime(pattern, strict=False, time_unit="us", time_zone=zone, cache=False)


def _local(found: pl.Series, zone: str, ambiguous: str) -> pl.Series:
    """Local times to UTC. A time that the zone skips becomes null, as does an ambiguous one under ``reject``."""
    rule = "null" if ambiguous == "reject" else ambiguous
    local = found.dt.replace_time_zone(zone, ambiguous=rule, non_existent="null")  # type: ignore[arg-type]
    return local.dt.convert_time_zone("UTC")


def _epoch(values: pl.Series, per_second: int) -> pl.Series:
    """Times since 1970; null where they are none, or beyond the year 10000 on either side."""
    whole = values.cast(pl.Int64, strict=False)
    limit = _LATEST_S * per_second
    whole = whole.set(((whole > limit) | (whole < -limit)).fill_null(False), None) if limit < 2**63 else whole
    if per_second == 10**9:
        return (whole // 1_000).cast(_INSTANT)
    scale = 10**6 // per_second
    micros = whole * scale
    if micros.null_count() > values.null_count():
        # Fractions of the unit: read as a float, exact to the microsecond until the year 2255.
        number = values.cast(pl.Float64, strict=False)
        number = number.set((number.abs() > limit).fill_null(False), None)
        micros = micros.zip_with(micros.is_not_null(), (number * scale).round().cast(pl.Int64, strict=False))
    return micros.cast(_INSTANT)
