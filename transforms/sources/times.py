"""Texts and numbers to UTC instants with microseconds. What cannot be read becomes null, and its row a reject."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from transforms.sources.profile import TimeKey

_INSTANT = pl.Datetime("us", "UTC")
_PER_SECOND = {"epoch_s": 1, "epoch_ms": 10**3, "epoch_us": 10**6, "epoch_ns": 10**9}
#: With an offset, in the order of how often they are met; the first is tried on all rows at once.
_WITH_OFFSET = ("%+", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_WITHOUT_OFFSET = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
#: Event Hubs writes arrival as US display text; IoT Hub's routing as ISO 8601.
_DISPLAY = ("%m/%d/%Y %I:%M:%S %p",)


def instants(values: pl.Series, key: TimeKey) -> pl.Series:
    """The instants that ``values`` (text or numbers) state, by the rules of ``key``.

    ``seconds`` are not read here: they need the start of their file.
    """
    if key.format == "iso8601":
        return iso8601(values, key.zone, key.ambiguous)
    if key.format in _PER_SECOND:
        return _epoch(values, _PER_SECOND[key.format])
    if "%z" in key.format or "%#z" in key.format or "%:z" in key.format:
        return values.str.to_datetime(key.format, strict=False, time_unit="us", time_zone="UTC")
    return _local(_parse(values, (key.format,)), key.zone or "UTC", key.ambiguous)


def iso8601(values: pl.Series, zone: str | None, ambiguous: str = "earliest") -> pl.Series:
    """ISO 8601 with an offset, or without one where ``zone`` says which local time it is."""
    found = _parse(values, _WITH_OFFSET, zoned=True)
    if zone is not None and found.null_count() > values.null_count():
        found = found.zip_with(found.is_not_null(), _local(_parse(values, _WITHOUT_OFFSET), zone, ambiguous))
    return found


def arrivals(values: pl.Series) -> pl.Series:
    """Arrival at an event hub: ``11/16/2016 4:44:11 PM`` (UTC) or ISO 8601."""
    found = _local(_parse(values, _DISPLAY), "UTC", "earliest")
    if found.null_count() > values.null_count():
        found = found.zip_with(found.is_not_null(), iso8601(values, "UTC"))
    return found


def since(start: datetime, seconds: pl.Series) -> pl.Series:
    """``start`` plus seconds, to the microsecond."""
    micros = (seconds * 1_000_000).round().cast(pl.Int64, strict=False)
    return (micros.cast(pl.Duration("us")) + start).cast(_INSTANT)


def _parse(values: pl.Series, formats: tuple[str, ...], *, zoned: bool = False) -> pl.Series:
    zone = "UTC" if zoned else None
    found = values.str.to_datetime(formats[0], strict=False, time_unit="us", time_zone=zone)
    for pattern in formats[1:]:
        if found.null_count() <= values.null_count():
            break
        missing = found.is_null()
        more = values.filter(missing).str.to_datetime(pattern, strict=False, time_unit="us", time_zone=zone)
        found = found.scatter(missing.arg_true(), more) if more.null_count() < len(more) else found
    return found


def _local(found: pl.Series, zone: str, ambiguous: str) -> pl.Series:
    """Local times to UTC. A time that the zone skips becomes null, as does an ambiguous one under ``reject``."""
    rule = "null" if ambiguous == "reject" else ambiguous
    local = found.dt.replace_time_zone(zone, ambiguous=rule, non_existent="null")  # type: ignore[arg-type]
    return local.dt.convert_time_zone("UTC")


def _epoch(values: pl.Series, per_second: int) -> pl.Series:
    whole = values.cast(pl.Int64, strict=False)
    if per_second == 10**9:
        return (whole // 1_000).cast(_INSTANT)
    scale = 10**6 // per_second
    micros = whole * scale
    if micros.null_count() > values.null_count():
        # Fractions of the unit: read as a float, exact to the microsecond until the year 2255.
        fraction = (values.cast(pl.Float64, strict=False) * scale).round().cast(pl.Int64, strict=False)
        micros = micros.zip_with(micros.is_not_null(), fraction)
    return micros.cast(_INSTANT)
