"""The feed profile: how the files of one feed are to be read. A profile is a TOML file in ``feeds/``.

``docs/feeds.md`` explains every key with examples.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lake.errors import FeedError
from transforms.sources.keys import (
    RESERVED,
    Columns,
    Delimited,
    Fields,
    KindProfile,
    Names,
    Nulls,
    Table,
    TimeKey,
    VehicleKey,
)
from transforms.sources.keys import wrong as _wrong
from transforms.sources.targets import Kind, Target, check_columns, targets
from transforms.sources.times import NAMED_FORMATS, check_pattern

_SHOWN = 200
#: What is expected, by how the type of an error begins.
_IN_WORDS = {
    "string_pattern": "lower-case letters, digits and _, beginning with a letter",
    "string_type": "a text, in quotes",
    "string_too_long": "a single character",
    "string_too_short": "a text that is not empty",
    "tuple_type": "a text, or a list of texts",
    "too_short": "at least one text",
    "model_type": 'a table of keys, as { field = "…" }',
    "dict_type": "a table of keys",
    "bool": "true or false, without quotes",
    "int": "a whole number",
    "date": "a date as 2024-01-31, without quotes",
}


class FeedProfile(Table):
    """One feed."""

    like: str | None = Field(None, min_length=1, description="Profile in the same folder that this one builds on.")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name of the feed: its inbox folder, and source.")
    title: str = Field("", description="What the feed is, for people.")
    format: Literal["csv", "jsonl", "capture"] = Field(description="How the files are written.")
    files: Fields = Field(("**/*",), description="Patterns of the files below the inbox folder.")
    exclude: Names = Field((), description="Patterns of files that are left alone.")
    kind: Kind | None = Field(None, description="Raw table of all records; or else kind_field.")
    kind_field: str | None = Field(None, min_length=1, description="Field that tells the kinds of message apart.")
    kinds: dict[Kind, KindProfile] = Field({}, description="One table for each kind of message.")
    vehicle: VehicleKey = Field(description="Which vehicle a record is of.")
    time: TimeKey = Field(description="When it happened.")
    sequence: str | None = Field(
        None, min_length=1, description="Field with the source's own number, or 'record' for the place in the file."
    )
    received: str | None = Field(None, min_length=1, description="Field with the time of arrival.")
    received_format: str = Field("iso8601", description="How that is written; as time.format, but seconds.")
    earliest_day: date | None = Field(None, description="Events before this day are refused.")
    nulls: Nulls = Field(
        ("null", "NULL", "NaN", "nan", "None", "NA", "N/A", "n/a", "#N/A", "-"),
        validate_default=True,
        description="Texts that mean that nothing was measured, beside the empty one.",
    )
    ignore: Names = Field((), description="Fields that are not wanted; nothing else is left out.")
    csv: Delimited = Field(Delimited(), description="For CSV: how it is written.")
    long_name: str | None = Field(None, min_length=1, description="For one signal per record: field with its name.")
    long_value: str | None = Field(None, min_length=1, description="For one signal per record: field with its value.")
    vss: int | None = Field(None, ge=1, le=20, description="Field names are VSS paths, in the units of this version.")
    columns: Columns = Field({}, description="Column of the raw table = where its value comes from.")

    @model_validator(mode="after")
    def _fits_together(self) -> FeedProfile:
        if self.name == "vin":
            raise _wrong("name", "vin", "another name: vehicles known by VIN are hashed under this one")
        self._kinds_are_told_apart()
        if (self.long_name is None) != (self.long_value is None):
            missing = "long_value" if self.long_value is None else "long_name"
            raise _wrong(missing, "nothing", "a field: long_name and long_value go together")
        if self.format != "csv" and "csv" in self.model_fields_set:
            raise _wrong("csv", "a value", f'nothing: it belongs to format = "csv", and this is "{self.format}"')
        self._arrival_can_be_read()
        for kind, profile in self.by_kind.items():
            check_columns(kind, profile, f"kinds.{kind}." if self.kinds else "")
        if self.format != "csv":
            self._no_field_holds_another()
        if self.envelope and self.format != "capture":
            raise _wrong("format", self.format, f"capture: {self.envelope[0]} is of the envelope of an event")
        return self

    def _kinds_are_told_apart(self) -> None:
        if self.kind is not None:
            for key in ("kinds", "kind_field"):
                if key in self.model_fields_set:
                    raise _wrong(
                        key, "a value", "nothing, as kind is given: the feed has one kind of message, or several"
                    )
            return
        if not self.kinds:
            raise _wrong("kind", "nothing", "telemetry or vehicles; or kind_field with tables [kinds.…]")
        if self.kind_field is None:
            raise _wrong("kind_field", "nothing", "the field that tells the kinds of message apart")
        for key in ("columns", "vss"):
            if key in self.model_fields_set:
                raise _wrong(key, "a value", f"{key} in each of the tables [kinds.…]")
        seen: set[str] = set()
        for kind, profile in self.kinds.items():
            if not profile.when or seen.intersection(profile.when):
                found = ", ".join(profile.when) or "nothing"
                raise _wrong(f"kinds.{kind}.when", found, "values of kind_field of its own")
            seen.update(profile.when)

    def _arrival_can_be_read(self) -> None:
        if self.received_format in NAMED_FORMATS:
            return
        if self.received is None:
            raise _wrong("received_format", self.received_format, "nothing: it says how received is written")
        try:
            check_pattern(self.received_format)
        except ValueError as error:
            raise _wrong("received_format", self.received_format, str(error)) from None

    def _no_field_holds_another(self) -> None:
        pointers = sorted(f"{_pointer(name)}/" for name in self._all_fields() if name not in self.envelope)
        for outer, inner in pairwise(pointers):
            if outer != inner and inner.startswith(outer):
                raise _wrong(
                    "columns", inner[:-1], f"a field outside of {outer[:-1]}, which is read or ignored as a whole"
                )

    def _all_fields(self) -> Iterator[str]:
        yield from (*self.vehicle.field, *self.time.field, *self.ignore)
        told = (self.sequence, self.received, self.kind_field, self.long_name, self.long_value)
        yield from (name for name in told if name and name != "record")
        yield from (name for kind in self.targets.values() for target in kind for name in target.fields)

    @cached_property
    def envelope(self) -> tuple[str, ...]:
        """The fields of an event that are not in its body: ``@system/…`` and ``@property/…``, once each."""
        return tuple(dict.fromkeys(name for name in self._all_fields() if name.startswith(("@system/", "@property/"))))

    @property
    def by_kind(self) -> dict[Kind, KindProfile]:
        """The kinds of message; a feed of one kind has its columns at the top."""
        if self.kind is None:
            return self.kinds
        return {self.kind: KindProfile(vss=self.vss, columns=self.columns)}

    @cached_property
    def targets(self) -> dict[Kind, tuple[Target, ...]]:
        """For each kind, its columns with conversions, those that ``vss`` implies included."""
        return {kind: targets(kind, profile) for kind, profile in self.by_kind.items()}


def load_profile(path: Path) -> FeedProfile:
    """Read and check a profile. The keys at the top come in the place of those of the profile that it is ``like``.

    Raises:
        FeedError: the file is not there, is not TOML, or a key is wrong; names the key, what was found and what
            is allowed.
    """
    content = _content(path)
    like = content.get("like")
    if isinstance(like, str) and like:
        beneath = _content(path.with_name(f"{like}.toml"))
        if "like" in beneath:
            raise FeedError(
                f"The feed profile {path} is wrong at like",
                found=like, expected="a profile that builds on no other itself", action="name the one beneath it",
            )  # fmt: skip
        content = beneath | content
    return parse_profile(content, str(path))


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise FeedError(
            "There is no such feed profile", found=str(path), action="see feeds/ for those shipped"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FeedError("The feed profile is not valid TOML", found=f"{path}: {error}") from None


def parse_profile(content: dict[str, Any], where: str) -> FeedProfile:
    """Check a profile that was read. ``where`` names it in errors.

    Raises:
        FeedError: names the key, what was found and what is allowed.
    """
    try:
        return FeedProfile.model_validate(content)
    except ValidationError as error:
        # A key that does not exist is the cause where another one is missing.
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        key, found, expected = _explained(first, content)
        raise FeedError(
            f"The feed profile {where} is wrong at {key}",
            found=found,
            expected=expected,
            action="docs/feeds.md lists every key",
        ) from None


def _explained(error: ErrorDetails, content: dict[str, Any]) -> tuple[str, str, str]:
    """Key, what was found there, and what is allowed."""
    key, value = _shown_key(error["loc"], content), error["input"]
    found = (str(value) if isinstance(value, date) else repr(value))[:_SHOWN]
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    expected = next((words for kind, words in _IN_WORDS.items() if error["type"].startswith(kind)), said)
    if error["type"] == "missing":
        return key, "nothing", "this key: it is required"
    if error["type"] == "extra_forbidden":
        model = _model_at(error["loc"][:-1])
        allowed = (field.alias or name for name, field in model.model_fields.items())
        return key, f"the unknown key {error['loc'][-1]}", f"one of {', '.join(allowed)}"
    if error["type"] == "wrong":
        context = error["ctx"]
        own = str(context["key"])
        return ".".join(filter(None, (key, own))) or "the profile", str(context["found"])[:_SHOWN], expected
    return key or "the profile", found, expected


def _shown_key(loc: tuple[int | str, ...], content: Any) -> str:
    """``columns.speed_kmh[1].unit``: a number only where the profile has a list."""
    key = ""
    for part in loc:
        if isinstance(part, str) and part != "[key]":
            key += f".{part}" if key else part
            content = content.get(part) if isinstance(content, dict) else None
        elif isinstance(part, int) and isinstance(content, list):
            key += f"[{part}]"
            content = content[part] if part < len(content) else None
    return key


def _model_at(loc: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the table at a place of the profile."""
    model: type[BaseModel] = FeedProfile
    of_any_name = False
    for part in loc:
        if of_any_name or isinstance(part, int):
            of_any_name = False
            continue
        annotation = next(f.annotation for n, f in model.model_fields.items() if part in (n, f.alias))
        model, of_any_name = _model_in(annotation) or model, get_origin(annotation) is dict
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _pointer(name: str) -> str:
    """A field of JSON as a JSON Pointer."""
    return name if name.startswith("/") else "/" + name.replace("~", "~0").replace("/", "~1")


__all__ = ["RESERVED", "Delimited", "FeedProfile", "Kind", "Target", "TimeKey", "load_profile", "parse_profile"]
