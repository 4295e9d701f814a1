"""Rejects without identifiers: what stands for a vehicle or a person in their bytes is replaced by its keyed hash."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import polars as pl

from lake.signals import IDENTIFIER_PATHS
from transforms.sources.identity import KeyedIds, mask_vins
from transforms.sources.profile import FeedProfile
from transforms.sources.vin_fields import names_a_vin

_SHOWN = 60
_MASKED = re.compile(rb'"vin:[0-9a-f]{32}"')


class _Mask(NamedTuple):
    """What a value is replaced by: ``label:hash``."""

    label: str
    ids: KeyedIds

    def of(self, value: str) -> str:
        return f"{self.label}:{self.ids.of(value)}"


def mask_rejects(
    rejects: pl.DataFrame, cells: pl.DataFrame, profile: FeedProfile, ids: Mapping[str, KeyedIds]
) -> pl.DataFrame:
    """Rejects with ``reason`` and ``original`` masked.

    In JSON an identifier is known by its key, also where the text is broken; in CSV by its cell, and so only where the
    record could be cut. Everything that has the form of a VIN is masked wherever it stands.

    Args:
        rejects: columns ``reason`` and ``original``.
        cells: one row for each of them, with the fields that were read, if they were.
        profile: the feed.
        ids: those of the reader.
    """
    masks = _masks(profile, ids)
    values = _values(cells, masks, profile, ids["vin"])
    originals, reasons = [mask_vins(original, ids["vin"]) for original in rejects["original"]], []
    if profile.format == "csv":
        for number, found in enumerate(values):
            for value, mask in found:
                originals[number] = _without_cell(originals[number], value, mask, profile)
    else:
        pattern, keys = _by_key(masks)
        originals = [pattern.sub(lambda match: _without_value(match, keys), original) for original in originals]
        if profile.long_value:
            originals = [_without_signal(original, masks, profile.long_value) for original in originals]
    for text, found in zip(rejects["reason"], values, strict=True):
        reason = text
        for value, mask in found:
            reason = reason.replace(f"'{value[:_SHOWN]}'", f"'{mask.of(value)}'")
        reasons.append(mask_vins(reason.encode(), ids["vin"]).decode())
    return rejects.with_columns(
        pl.Series("reason", reasons, dtype=pl.String),
        pl.Series("original", originals, dtype=pl.Binary),
    )


def mask_path(path: str, caught: str | None, ids: Mapping[str, KeyedIds]) -> str:
    """A path without the identifier that ``vehicle.path`` catches in it, and without VINs."""
    if caught:
        path = path.replace(caught, _vehicle_mask(ids).of(caught))
    return mask_vins(path.encode("utf-8", "replace"), ids["vin"]).decode("utf-8", "replace")


def _vehicle_mask(ids: Mapping[str, KeyedIds]) -> _Mask:
    return _Mask("vin" if ids["vehicle"].namespace == "vin" else "vehicle_id", ids["vehicle"])


def _masks(profile: FeedProfile, ids: Mapping[str, KeyedIds]) -> dict[str, _Mask]:
    """By field: identifiers of persons, of the catalogue and of the profile, and that of the vehicle."""
    found = {path: _Mask("identifier", ids["account"]) for path in IDENTIFIER_PATHS}
    for targets in profile.targets.values():
        found |= {name: _Mask(t.column, ids["account"]) for t in targets if t.pseudonym for name in t.fields}
    return found | dict.fromkeys(profile.vehicle.field, _vehicle_mask(ids))


def _values(
    cells: pl.DataFrame, masks: Mapping[str, _Mask], profile: FeedProfile, vins: KeyedIds
) -> list[list[tuple[str, _Mask]]]:
    """For each row, the identifiers in its cells."""
    found: list[list[tuple[str, _Mask]]] = [[] for _ in range(cells.height)]
    for name in masks.keys() & set(cells.columns):
        for values, value in zip(found, cells[name].cast(pl.String), strict=True):
            if value is not None and value.strip() and value.strip() not in profile.nulls:
                values.append((value.strip(), masks[name]))
    if "@extras" in cells.columns:
        for values, extras in zip(found, cells["@extras"], strict=True):
            named = (v for k, v in json.loads(extras or "{}").items() if isinstance(v, str) and names_a_vin(k))
            values.extend((value.strip(), _Mask("vin", vins)) for value in named if value.strip())
    if profile.long_name in cells.columns and profile.long_value in cells.columns:
        pairs = zip(cells[profile.long_name or ""], cells[profile.long_value or ""], strict=True)
        for values, (name, value) in zip(found, pairs, strict=True):
            if name in masks and value and value.strip():
                values.append((value.strip(), masks[name]))
    return found


def _without_cell(original: bytes, value: str, mask: _Mask, profile: FeedProfile) -> bytes:
    """A record of CSV without the cells that hold a value."""
    style = profile.csv
    edge = re.escape(f"{style.separator}{style.quote} \r\n".encode())
    written = value.replace(style.quote, style.quote * 2) if style.quote else value
    cell = rb"(?<![^%s])%s(?![^%s])" % (edge, re.escape(written.encode(style.encoding, "ignore")), edge)
    return re.sub(cell, mask.of(value).encode(), original)


def _by_key(masks: Mapping[str, _Mask]) -> tuple[re.Pattern[bytes], dict[str, _Mask]]:
    """A pattern that finds key and value of identifiers in JSON, and what is for which key."""
    keys = {_last(name): mask for name, mask in masks.items()}
    names = b"|".join(re.escape(json.dumps(key, ensure_ascii=False).encode()) for key in keys)
    return re.compile(rb'(%s)(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,"{}\[\]]+)' % names), keys


def _without_signal(original: bytes, masks: Mapping[str, _Mask], field: str) -> bytes:
    """A record of one signal without its value, if it is an identifier."""
    for name, mask in masks.items():
        if json.dumps(name, ensure_ascii=False).encode() in original:
            pattern, keys = _by_key({field: mask})
            original = pattern.sub(partial(_without_value, masks=keys), original)
    return original


def _without_value(match: re.Match[bytes], masks: Mapping[str, _Mask]) -> bytes:
    key, between, value = match.groups()
    try:
        text = str(json.loads(value)) if value.startswith(b'"') else value.decode()
    except ValueError:
        text = value.decode("utf-8", "replace")
    if value in (b"null", b'""') or _MASKED.fullmatch(value):
        return match.group()
    return key + between + json.dumps(masks[json.loads(key)].of(text)).encode()


def _last(name: str) -> str:
    """The key that the last part of a field is."""
    return name.rpartition("/")[2].replace("~1", "/").replace("~0", "~") if name.startswith("/") else name
