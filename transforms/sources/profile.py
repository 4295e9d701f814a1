"""The feed profile: how the files of one feed are to be read. A profile is a TOML file in ``feeds/``.

``docs/feeds.md`` explains every key with examples.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from lake.errors import FeedError
from lake.schemas import TABLES
from lake.schemas.raw import RawRow
from lake.signals import BY_COLUMN, BY_VSS, SIGNALS, vss_unit
from transforms.sources.units import Conversion, conversion

Kind = Literal["telemetry", "vehicles"]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Delimited(_Model):
    """How the text of a CSV file is cut into cells."""

    separator: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', max_length=1)
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    header: tuple[str, ...] | None = Field(None, description="Names of the columns where the file has no header.")
    skip_rows: int = Field(0, ge=0, description="Lines before the header.")

    @field_validator("encoding")
    @classmethod
    def _one_byte_or_utf8(cls, value: str) -> str:
        try:
            name = codecs.lookup(value).name
        except LookupError:
            raise ValueError("must be an encoding that Python knows, as utf-8, latin-1 or cp1252") from None
        if name not in ("utf-8", "utf-8-sig") and len("é€".encode(name, "ignore")) > 2:
            raise ValueError("must be utf-8 or an encoding of one byte per character, as latin-1 or cp1252")
        return "utf-8" if name == "utf-8-sig" else name


class VehicleKey(_Model):
    """Where the identifier of the vehicle is. Exactly one of ``field``, ``path`` and ``constant``."""

    field: Names = ()
    path: str | None = Field(None, description="Regular expression on the path; its first group is the identifier.")
    constant: str | None = None
    identifier: Literal["local", "vin"] = Field(
        "local", description="vin: one vehicle is the same in all feeds. local: the identifier is this feed's own."
    )

    @model_validator(mode="after")
    def _one_place(self) -> VehicleKey:
        if sum(map(bool, (self.field, self.path, self.constant))) != 1:
            raise ValueError("needs exactly one of field, path, constant")
        return self

    @field_validator("path")
    @classmethod
    def _path_has_a_group(cls, value: str | None) -> str | None:
        return _with_group(value)


class TimeKey(_Model):
    """Where the time of an event is and how it is written."""

    field: Names
    format: str = Field(
        "iso8601", description="iso8601, epoch_s, epoch_ms, epoch_us, epoch_ns, seconds (since start), or strptime."
    )
    zone: str | None = Field(None, description="Time zone of times that carry no offset.")
    ambiguous: Literal["earliest", "latest", "reject"] = "earliest"
    start: datetime | None = Field(None, description="For seconds: what they count from.")
    start_path: str | None = Field(None, description="For seconds: regular expression on the path for the start.")
    start_format: str = "%Y-%m-%dT%H-%M-%S"
    cumulative: bool = Field(False, description="For seconds: each row says the time since the row before.")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("must be a zone of the IANA database, as Europe/Paris")
        return value

    @field_validator("start_path")
    @classmethod
    def _path_has_a_group(cls, value: str | None) -> str | None:
        return _with_group(value)

    @model_validator(mode="after")
    def _format_is_known(self) -> TimeKey:
        named = ("iso8601", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "seconds")
        if self.format not in named and "%" not in self.format:
            raise ValueError(f"format must be one of {', '.join(named)} or a strptime pattern with %")
        if self.format == "seconds":
            if (self.start is None) == (self.start_path is None):
                raise ValueError("seconds need exactly one of start and start_path")
            if self.start is not None and self.start.tzinfo is None:
                raise ValueError("start needs an offset, as 2024-01-01T00:00:00Z")
        return self


class Source(_Model):
    """Where the value of one column comes from and what is done to it."""

    field: Names
    unit: str | None = Field(None, description="Unit in the feed; left out where it is the column's own.")
    true: tuple[str, ...] = Field((), description="Texts that mean true.")
    false: tuple[str, ...] = Field((), description="Texts that mean false.")
    from_: datetime | date | None = Field(None, alias="from", description="Holds for events from here on.")
    until: datetime | date | None = Field(None, description="Holds for events before this.")


def _sources(value: Any) -> Any:
    if isinstance(value, tuple):
        return value
    values = value if isinstance(value, list) and any(isinstance(v, dict) for v in value) else [value]
    return tuple({"field": v} if isinstance(v, str | list) else v for v in values)


class KindProfile(_Model):
    """How one kind of message becomes rows of one raw table."""

    when: str | None = None
    vss: int | None = Field(None, ge=1, le=20, description="Field names are VSS paths, in the units of this version.")
    columns: dict[str, Annotated[tuple[Source, ...], BeforeValidator(_sources)]] = {}


class FeedProfile(_Model):
    """One feed."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = ""
    format: Literal["csv", "jsonl", "capture"]
    files: Names = ("**/*",)
    exclude: Names = ()
    kind: Kind | None = None
    kind_field: str | None = None
    kinds: dict[Kind, KindProfile] = {}
    vehicle: VehicleKey
    time: TimeKey
    sequence: str | Literal[False] = Field(
        False, description="Field with the source's own number, or 'record' for the place in the file."
    )
    received: str | None = Field(None, description="Field with the time of arrival, ISO 8601.")
    earliest_day: date | None = None
    nulls: tuple[str, ...] = ("", "null", "NULL", "NaN", "nan", "None")
    ignore: Names = Field((), description="Fields that are not wanted; nothing else is left out.")
    csv: Delimited = Delimited()
    long_name: str | None = Field(None, description="For one signal per row: field with its name.")
    long_value: str | None = Field(None, description="For one signal per row: field with its value.")
    vss: int | None = Field(None, ge=1, le=20)
    columns: dict[str, Annotated[tuple[Source, ...], BeforeValidator(_sources)]] = {}

    @model_validator(mode="after")
    def _kinds_are_told_apart(self) -> FeedProfile:
        if (self.kind is None) == (not self.kinds):
            raise ValueError("needs either kind, or kind_field with [kinds.…]")
        if self.kinds and (not self.kind_field or any(k.when is None for k in self.kinds.values())):
            raise ValueError("kinds need kind_field, and each kind needs when")
        if (self.long_name is None) != (self.long_value is None):
            raise ValueError("long_name and long_value go together")
        for kind, profile in self.by_kind.items():
            _check_columns(kind, profile)
        return self

    @property
    def by_kind(self) -> dict[Kind, KindProfile]:
        """The kinds of message; a feed of one kind has its columns at the top."""
        if self.kind is None:
            return self.kinds
        return {self.kind: KindProfile(when=None, vss=self.vss, columns=self.columns)}

    @cached_property
    def targets(self) -> dict[Kind, tuple[Target, ...]]:
        """For each kind, its columns with conversions, those that ``vss`` implies included."""
        return {kind: tuple(_targets(kind, profile)) for kind, profile in self.by_kind.items()}

    @property
    def identifying_fields(self) -> frozenset[str]:
        """Fields whose value names the vehicle: they never reach ``extras``."""
        return frozenset(self.vehicle.field)


class Target(_Model):
    """One source of one column, resolved: what to read, as what, and how it is converted."""

    column: str
    kind: Literal["float", "int", "bool", "text", "date"]
    fields: tuple[str, ...]
    scale: Conversion
    true: tuple[str, ...]
    false: tuple[str, ...]
    from_: datetime | None
    until: datetime | None


def load_profile(path: Path) -> FeedProfile:
    """Read and check a profile.

    Raises:
        FeedError: the file is not there, is not TOML, or a key is wrong; names the key, what was found and what
            is allowed.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FeedError("There is no such feed profile", found=str(path), action="see feeds/ for those shipped") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FeedError("The feed profile is not valid TOML", found=f"{path}: {error}") from None
    return parse_profile(content, str(path))


def parse_profile(content: dict[str, Any], where: str) -> FeedProfile:
    """Check a profile that was read. ``where`` names it in errors."""
    try:
        return FeedProfile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the profile"
        found = first.get("input")
        raise FeedError(
            f"The feed profile {where} is wrong at {key}",
            found="nothing" if first["type"] == "missing" else repr(found)[:200],
            expected=first["msg"].removeprefix("Value error, "),
            action="docs/feeds.md lists every key",
        ) from None


def _with_group(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    if groups < 1:
        raise ValueError("must have a group in parentheses that catches the value")
    return pattern


_OWN = frozenset(RawRow.column_names()) | {"bucket", "extras"}
_DTYPES: dict[Any, Literal["float", "int", "bool", "text", "date"]] = {
    pl.Float64: "float", pl.Int64: "int", pl.Boolean: "bool", pl.String: "text", pl.Date: "date",
}  # fmt: skip


def _column_kinds(kind: Kind) -> dict[str, Literal["float", "int", "bool", "text", "date"]]:
    schema = TABLES[f"raw.{kind}"].schema.create_empty().schema
    return {name: _DTYPES[type(dtype)] for name, dtype in schema.items() if name not in _OWN}


def _check_columns(kind: Kind, profile: KindProfile) -> None:
    known = _column_kinds(kind)
    for column, sources in profile.columns.items():
        if column not in known:
            near = [c for c in known if c.split("_")[0] == column.split("_")[0]] or sorted(known)
            raise ValueError(f"columns.{column} is no column of raw.{kind}; allowed here: {', '.join(near)}")
        for source in sources:
            _conversion(column, source)


def _conversion(column: str, source: Source) -> Conversion:
    signal = BY_COLUMN.get(column)
    own = signal.unit if signal else None
    if source.unit is None or source.unit == own:
        return Conversion(1.0, 0.0)
    if own is None:
        raise ValueError(f"columns.{column} has no unit, so none can be converted: found {source.unit!r}")
    try:
        return conversion(source.unit, own)
    except ValueError as error:
        raise ValueError(f"columns.{column}.unit: {error}") from None


def _targets(kind: Kind, profile: KindProfile) -> list[Target]:
    kinds = _column_kinds(kind)
    columns: dict[str, tuple[Source, ...]] = {}
    if profile.vss is not None and kind == "telemetry":
        columns = {s.column: (Source(field=(s.vss,), unit=vss_unit(s, profile.vss)),) for s in SIGNALS}
    columns |= profile.columns
    return [
        Target(
            column=column,
            kind=kinds[column],
            fields=source.field,
            scale=_conversion(column, source),
            true=source.true,
            false=source.false,
            from_=_instant(source.from_),
            until=_instant(source.until),
        )
        for column, sources in columns.items()
        for source in sources
    ]


def _instant(value: datetime | date | None) -> datetime | None:
    from datetime import UTC

    if value is None:
        return None
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return value if value.tzinfo else value.replace(tzinfo=UTC)


__all__ = ["BY_VSS", "FeedProfile", "Kind", "Target", "load_profile", "parse_profile"]
