"""Checks of settings, credential, lake and engines, each with what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import duckdb

from lake.engine import open_duckdb
from lake.errors import SillageError
from lake.settings import Settings, get_settings, unknown_names
from lake.snapshot import current
from lake.storage import Lake, load_extension
from transforms.sources.profile import load_profile


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    state: Literal["ok", "attention", "wrong"]
    what: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Look at one thing after the other; what builds on a thing that is wrong is left out."""
    yield Finding("ok", f"Python {sys.version.split()[0]}, DuckDB {duckdb.__version__}")
    try:
        settings = get_settings()
    except SillageError as error:
        yield _wrong(error)
        return
    yield from _settings(settings)
    yield from _extensions()
    yield from _feeds(settings)
    try:
        lake = Lake.open(settings, create=False)
    except SillageError as error:
        there = error.title != "There is no lake yet"
        yield _wrong(error) if there else Finding("attention", f"There is no lake at {settings.lake} yet", error.action)
        return
    yield Finding("ok", f"The lake {lake.uri} can be read")
    try:
        lake.write_bytes(b"ok", "ops", "_doctor")
        lake.filesystem.rm_file(lake.path("ops", "_doctor"))
        yield Finding("ok", "and written")
    except Exception as error:  # noqa: BLE001 - folders and Azure fail with errors of their own
        yield Finding(
            "wrong", f"The lake cannot be written: {error}", "check the rights on the folder or the container"
        )
    yield _key(lake)
    info = current(lake)
    if info is None:
        yield Finding("attention", "Nothing is published yet", "`sillage build`, then `sillage publish`")
    else:
        yield Finding("ok", f"Published {info.published_at:%Y-%m-%d %H:%M} UTC, data to {info.data_to}")


def _key(lake: Lake) -> Finding:
    if lake.key is None:
        return Finding("attention", "No vehicle key: the lake can be read only", "set SILLAGE_VEHICLE_KEY to land")
    if lake.has_demo_key:
        return Finding(
            "attention",
            "Vehicles are hashed with the demo key, which is in Sillage's source: whoever has a VIN finds its vehicle",
            "for real vehicles make a lake with a SILLAGE_VEHICLE_KEY of your own; a lake keeps the key it began with",
        )
    return Finding("ok", "The vehicle key is the lake's")


def _settings(settings: Settings) -> Iterator[Finding]:
    for name in unknown_names():
        yield Finding("attention", f"{name} is set, but there is no such setting", "see the list below for its name")
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        changed = " (set)" if name in settings.model_fields_set else ""
        yield Finding("ok", f"SILLAGE_{name.upper()} = {value}{changed}", str(field.description))


def _extensions() -> Iterator[Finding]:
    for name in ("avro", "azure", "delta"):
        try:
            load_extension(open_duckdb(), name)
        except (SillageError, duckdb.Error) as error:
            yield Finding(
                "wrong", str(error).splitlines()[0], f"uv pip install duckdb-extension-{name}=={duckdb.__version__}"
            )
        else:
            yield Finding("ok", f"DuckDB's {name} extension loads")


def _feeds(settings: Settings) -> Iterator[Finding]:
    paths = sorted(settings.feeds.glob("*.toml"))
    if not paths:
        yield Finding("attention", f"No feed profiles in {settings.feeds}", "set SILLAGE_FEEDS to their folder")
    for path in paths:
        try:
            yield Finding("ok", f"The feed profile {load_profile(path).name} is sound")
        except SillageError as error:
            yield _wrong(error)


def _wrong(error: SillageError) -> Finding:
    details = [f"found: {error.found}" if error.found else "", f"expected: {error.expected}" if error.expected else ""]
    return Finding(
        "wrong", error.title, "; ".join([d for d in details if d] + ([error.action] if error.action else []))
    )
