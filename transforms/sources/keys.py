"""The tables of a feed profile, as models: how a file is cut, where vehicle, time and values are.

What concerns one key is checked here; what concerns several tables at once, in ``profile``.
"""

from __future__ import annotations

import codecs
import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from transforms.sources.times import NAMED_FORMATS, check_pattern, states_offset

#: Names under which the readers keep what they know of a record.
RESERVED = frozenset(
    f"@{name}"
    for name in (
        "row", "item", "offset", "original", "extras", "text", "reason", "place", "arrived", "kind",
        "vehicle_id", "event_at", "received_at", "stated", "file", "written", "delta", "elapsed", "named",
    )
)  # fmt: skip

_ASCII = "".join(map(chr, range(128)))
_OTHERS = "".join(map(chr, (*range(128, 0xD800), *range(0xE000, 0x10000))))


def wrong(key: str, found: object, expected: str) -> PydanticCustomError:
    """An error at ``key`` of the table that is being checked."""
    return PydanticCustomError("wrong", "{expected}", {"key": key, "found": found, "expected": expected})


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _filled(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not all(name.strip() for name in value):
        raise ValueError("must be a text or a list of texts, none of them empty")
    if reserved := RESERVED & set(value):
        raise ValueError(f"{', '.join(reserved)}: a name that is used inside")
    return value


def _with_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    if groups < 1:
        raise ValueError("must have a group in parentheses that catches the value")
    return pattern


def _point(value: Any) -> Any:
    """A TOML date or time as an instant."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("needs an offset, as 2024-01-31T00:00:00Z")
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise ValueError("must be a date as 2024-01-31, or a time with an offset as 2024-01-31T00:00:00Z, without quotes")


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Fields = Annotated[Names, AfterValidator(_filled)]
#: Nothing is nothing, whatever else is.
Nulls = Annotated[Names, AfterValidator(lambda value: tuple(dict.fromkeys(("", *value))))]
PathPattern = Annotated[str, AfterValidator(_with_group)]
Point = Annotated[datetime, BeforeValidator(_point)]


class Table(BaseModel):
    """A table of a profile: no key but those of the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Delimited(Table):
    """How the text of a CSV file is cut into cells."""

    separator: str = Field(",", min_length=1, max_length=1, description="Character between cells.")
    quote: str = Field('"', max_length=1, description="Character around cells that hold separators; empty for none.")
    encoding: str = Field("utf-8", description="utf-8, latin-1, cp1252, shift_jis, gb18030, …")
    decimal: Literal[".", ","] = Field(".", description="What stands before decimals.")
    header: Names | None = Field(None, description="Names of the columns where the file has no header.")
    skip_rows: int = Field(0, ge=0, description="Lines before the header.")

    @field_validator("encoding")
    @classmethod
    def _lines_can_be_told(cls, value: str) -> str:
        """Lines are cut and quotes counted before the text is decoded: their bytes must stand for nothing else."""
        try:
            name = codecs.lookup(value).name
            same = _ASCII.encode(name) == _ASCII.encode() and _ASCII.encode().decode(name) == _ASCII
            others = _OTHERS.encode(name, "ignore") if same else b""
        except (LookupError, UnicodeError):
            raise ValueError("must be an encoding that Python knows, as utf-8, latin-1 or cp1252") from None
        if not same or any(byte in others for byte in b"\n\r\"',;\t"):
            raise ValueError(
                "must be an encoding in which ASCII is written as such: utf-8, latin-1, shift_jis, gb18030"
            )
        return "utf-8" if name == "utf-8-sig" else name

    @field_validator("separator", "quote")
    @classmethod
    def _cuts(cls, value: str) -> str:
        if value in ("\n", "\r") or not value.isascii():
            raise ValueError("must be an ASCII character, and no line end")
        return value

    @model_validator(mode="after")
    def _differ(self) -> Delimited:
        if self.quote and self.quote.encode() in _OTHERS.encode(self.encoding, "ignore"):
            raise wrong("quote", self.quote, f"a character that is no part of others in {self.encoding}")
        if self.separator == self.quote:
            raise wrong("quote", self.quote, "another character than the separator, or '' for none")
        return self


class VehicleKey(Table):
    """Where the identifier of the vehicle is. Exactly one of ``field``, ``path`` and ``constant``."""

    field: Fields = Field((), description="Field with the identifier; of several, the first that is filled.")
    path: PathPattern | None = Field(
        None, description="Regular expression on the path; its first group is the identifier."
    )
    constant: str | None = Field(None, min_length=1, description="Identifier, where all files are of one vehicle.")
    identifier: Literal["local", "vin"] = Field(
        "local", description="vin: one vehicle is the same in all feeds. local: the identifier is this feed's own."
    )

    @model_validator(mode="after")
    def _one_place(self) -> VehicleKey:
        given = [name for name in ("field", "path", "constant") if getattr(self, name)]
        if len(given) != 1:
            raise wrong("", ", ".join(given) or "none of them", "exactly one of field, path, constant")
        return self


class TimeKey(Table):
    """Where the time of an event is and how it is written."""

    field: Fields = Field(description="Field with the time; of several, the first that is filled.")
    join: bool = Field(False, description="The fields are parts of one time, a day and a time of day: all are needed.")
    format: str = Field(
        "iso8601", description="iso8601, epoch_s, epoch_ms, epoch_us, epoch_ns, seconds (since start), or a pattern."
    )
    zone: str | None = Field(None, description="Time zone of times that carry no offset.")
    ambiguous: Literal["earliest", "latest", "reject"] = Field(
        "reject", description="Which of the two instants a local time means that occurs twice."
    )
    start: Point | None = Field(None, description="For seconds: what they count from.")
    start_path: PathPattern | None = Field(
        None, description="For seconds: regular expression on the path; its first group is the start."
    )
    start_format: str = Field("%Y-%m-%dT%H-%M-%S", description="How that start is written; as format.")
    cumulative: bool = Field(False, description="For seconds: each row says the time since the row before.")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError("must be a zone of the IANA database, as Europe/Paris")
        return value

    @field_validator("format", "start_format")
    @classmethod
    def _format_is_known(cls, value: str) -> str:
        if value not in NAMED_FORMATS and value != "seconds":
            check_pattern(value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> TimeKey:
        if self.join and len(self.field) < 2:
            raise wrong("join", True, "false, or several fields that are joined")
        if self.format != "seconds":
            for key in ("start", "start_path", "start_format", "cumulative"):
                if key in self.model_fields_set:
                    raise wrong(key, getattr(self, key), 'nothing: it belongs to format = "seconds"')
            self._needs_zone("format")
        elif self.join:
            raise wrong("join", True, 'false, with format = "seconds"')
        elif (self.start is None) == (self.start_path is None):
            given = "neither" if self.start is None else "both"
            raise wrong("", given, 'exactly one of start and start_path, with format = "seconds"')
        if self.start_format == "seconds":
            raise wrong("start_format", "seconds", "a way to write a point in time")
        if self.start_path is not None:
            self._needs_zone("start_format")
        return self

    def _needs_zone(self, key: str) -> None:
        pattern = getattr(self, key)
        if self.zone is None and pattern not in NAMED_FORMATS and not states_offset(pattern):
            raise wrong("zone", "nothing", f"a time zone, as UTC or Europe/Paris: {key} {pattern!r} has no offset")


class Source(Table):
    """Where the value of one column comes from and what is done to it."""

    field: Fields = Field(description="Field with the value; of several, the first that is filled.")
    unit: str | None = Field(None, description="Unit in the feed; left out where it is the column's own.")
    scale: float = Field(
        1.0, allow_inf_nan=False, description="What a number is multiplied by to give that unit: 0.1 for tenths."
    )
    offset: float = Field(0.0, allow_inf_nan=False, description="What is added to it then.")
    true: Names = Field((), description="Texts that mean true.")
    false: Names = Field((), description="Texts that mean false.")
    from_: Point | None = Field(None, alias="from", description="Holds for events from here on.")
    until: Point | None = Field(None, description="Holds for events before this.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Source:
        if both := {text.lower() for text in self.true} & {text.lower() for text in self.false}:
            raise wrong("false", sorted(both), "other texts than in true")
        if self.scale == 0:
            raise wrong("scale", 0, "a number other than 0")
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise wrong("until", self.until.isoformat(), f"a time after from, {self.from_.isoformat()}")
        return self


def _sources(value: Any) -> Any:
    if isinstance(value, tuple):
        return value
    values = value if isinstance(value, list) and any(isinstance(v, dict) for v in value) else [value]
    return tuple({"field": v} if isinstance(v, str | list) else v for v in values)


Columns = dict[str, Annotated[tuple[Source, ...], BeforeValidator(_sources)]]


class KindProfile(Table):
    """How one kind of message becomes rows of one raw table."""

    when: Names = Field((), description="What kind_field says in messages of this kind; any of several.")
    vss: int | None = Field(None, ge=1, le=20, description="Field names are VSS paths, in the units of this version.")
    columns: Columns = Field({}, description="Column of the raw table = where its value comes from.")
