"""What a profile says of columns, resolved: which field is read as what, in which unit, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl

from lake.schemas import TABLES
from lake.schemas.raw import RawRow
from lake.schemas.raw.rows import is_pseudonym
from lake.signals import SIGNALS, vss_unit
from transforms.sources.keys import KindProfile, Source, wrong
from transforms.sources.units import SAME, Conversion, conversion

Kind = Literal[
    "telemetry", "faults", "service_events", "commands", "charging_events", "automation_events", "software_events",
    "workshop_visits", "vehicles", "subscriptions", "consents",
]  # fmt: skip
ValueKind = Literal["float", "int", "bool", "text", "date"]

_OWN = frozenset(RawRow.column_names()) | {"bucket", "extras"}
_DTYPES: dict[Any, ValueKind] = {
    pl.Float64: "float", pl.Int64: "int", pl.Boolean: "bool", pl.String: "text", pl.Date: "date",
}  # fmt: skip
#: How the name of a column ends, and the unit that this says.
_UNITS = {signal.column.rpartition("_")[2]: signal.unit for signal in SIGNALS if signal.unit}


@dataclass(frozen=True)
class Limits:
    """What the contract of a raw table demands of a value; None where it demands nothing."""

    low: float | None = None
    high: float | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Target:
    """One source of one column.

    Attributes:
        column: name in the raw table.
        kind: type of the column.
        fields: names in the feed; the first that is filled counts.
        scale: from the numbers of the feed to the unit of the column.
        true: texts that mean true; the usual ones where empty.
        false: texts that mean false; likewise.
        from_: events before this are not read from here.
        until: events from here on are not.
        limits: values outside are refused.
        required: a record without it is refused.
        pseudonym: it stands for a person: its keyed hash is stored.
    """

    column: str
    kind: ValueKind
    fields: tuple[str, ...]
    scale: Conversion
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    from_: datetime | None = None
    until: datetime | None = None
    limits: Limits = Limits()
    required: bool = False
    pseudonym: bool = False


def check_columns(kind: Kind, profile: KindProfile, key: str) -> None:
    """Refuse columns that the raw table does not have, and what does not fit their type.

    Raises:
        PydanticCustomError: names the key below ``key``, what was found and what is allowed.
    """
    if profile.vss is not None and kind != "telemetry":
        raise wrong(f"{key}vss", profile.vss, "nothing: only telemetry has VSS paths")
    if not profile.columns and profile.vss is None:
        raise wrong(f"{key}columns", "nothing", f"at least one column of raw.{kind}")
    known = value_kinds(kind)
    contract = TABLES[f"raw.{kind}"].schema.columns()
    for column in known:
        if not contract[column].nullable and column not in profile.columns:
            raise wrong(f"{key}columns", ", ".join(profile.columns) or "nothing", f"{column} too: raw.{kind} needs it")
    for column, sources in profile.columns.items():
        at = f"{key}columns.{column}"
        if column not in known:
            near = [c for c in known if c.split("_")[0] == column.split("_")[0]] or sorted(known)
            raise wrong(at, column, f"a column of raw.{kind}: {', '.join(near)}")
        for source in sources:
            if (source.true or source.false) and known[column] != "bool":
                raise wrong(f"{at}.true", source.true or source.false, f"nothing: {column} is no boolean")
            if known[column] not in ("float", "int"):
                for name in ("scale", "offset"):
                    if name in source.model_fields_set:
                        raise wrong(f"{at}.{name}", getattr(source, name), f"nothing: {column} is no number")
            try:
                _conversion(column, source)
            except ValueError as error:
                raise wrong(f"{at}.unit", source.unit, str(error)) from None


def targets(kind: Kind, profile: KindProfile) -> tuple[Target, ...]:
    """All columns that a profile fills, those that ``vss`` implies included; its own come in their place."""
    kinds, limits, contract = value_kinds(kind), _limits(kind), TABLES[f"raw.{kind}"].schema.columns()
    columns: dict[str, tuple[Source, ...]] = {}
    if profile.vss is not None:
        columns = {s.column: (Source(field=(s.vss,), unit=vss_unit(s, profile.vss)),) for s in SIGNALS}
    columns |= profile.columns
    return tuple(
        Target(
            column=column,
            kind=kinds[column],
            fields=source.field,
            scale=_conversion(column, source),
            true=source.true,
            false=source.false,
            from_=source.from_,
            until=source.until,
            limits=limits[column],
            required=not contract[column].nullable,
            pseudonym=is_pseudonym(contract[column]),
        )
        for column, sources in columns.items()
        for source in sources
    )


def value_kinds(kind: Kind) -> Mapping[str, ValueKind]:
    """The columns that a profile may fill, with their types."""
    schema = TABLES[f"raw.{kind}"].schema.create_empty().schema
    return {name: _DTYPES[type(dtype)] for name, dtype in schema.items() if name not in _OWN}


def _limits(kind: Kind) -> Mapping[str, Limits]:
    columns = TABLES[f"raw.{kind}"].schema.columns()
    return {
        name: Limits(
            getattr(column, "min", None),
            getattr(column, "max", None),
            None if is_pseudonym(column) else getattr(column, "regex", None),
        )
        for name, column in columns.items()
        if name not in _OWN
    }


def _unit_of(column: str) -> str | None:
    """The unit of a column of any raw table: its name ends with that, in the way of the signal catalogue."""
    return _UNITS.get(column.rpartition("_")[2]) if "_" in column else None


def _conversion(column: str, source: Source) -> Conversion:
    own = _unit_of(column)
    converted = SAME
    if source.unit is not None and source.unit != own:
        if own is None:
            raise ValueError("nothing: the column has no unit")
        converted = conversion(source.unit, own)
    return Conversion(source.scale * converted.factor, source.offset * converted.factor + converted.offset)
