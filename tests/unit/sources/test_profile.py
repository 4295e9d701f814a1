"""Errors of profiles name the key, what was found and what is allowed; the shipped profiles are right."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.errors import FeedError
from tests.unit.sources.reading import FEED
from transforms.sources.profile import FeedProfile, load_profile, parse_profile

FEEDS = sorted((Path(__file__).parents[3] / "feeds").glob("*.toml"))
KINDS: dict[str, Any] = {
    "name": "fleet",
    "format": "capture",
    "kind_field": "kind",
    "vehicle": {"field": "vin"},
    "time": {"field": "ts"},
    "kinds": {"telemetry": {"when": "t", "vss": 6}, "vehicles": {"when": "v", "columns": {"market": "market"}}},
}
START = datetime(2024, 1, 1, tzinfo=UTC)


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a profile with a value at a dotted path; ``...`` takes it away."""
    out = table = deepcopy(base)
    *tables, last = path.split(".")
    for name in tables:
        table = table.setdefault(name, {})
    if value is ...:
        del table[last]
    else:
        table[last] = value
    return out


def error_of(content: dict[str, Any]) -> FeedError:
    with pytest.raises(FeedError) as caught:
        parse_profile(content, "x.toml")
    assert caught.value.action == "docs/feeds.md lists every key"
    return caught.value


#: Where, what is put there; the key that the error names, what it says was found, and what it says is allowed.
WRONG: list[tuple[str, Any, str, str, str]] = [
    ("format", "xlsx", "format", "'xlsx'", "'csv', 'jsonl' or 'capture'"),
    ("format", ..., "format", "nothing", "it is required"),
    ("name", "NREL", "name", "'NREL'", "lower-case letters"),
    ("name", "vin", "name", "vin", "another name"),
    ("name", 5, "name", "5", "a text, in quotes"),
    ("colums", {}, "colums", "unknown key colums", "one of like, name, title, format, files"),
    ("kind", ..., "kind", "nothing", "telemetry or vehicles"),
    ("kind", "cars", "kind", "'cars'", "'subscriptions' or 'consents'"),
    ("kind_field", "kind", "kind_field", "a value", "one kind of message"),
    ("files", [], "files", "[]", "a list of texts, none of them empty"),
    ("files", 5, "files", "5", "a text, or a list of texts"),
    ("vehicle", ..., "vehicle", "nothing", "it is required"),
    ("vehicle", "x", "vehicle", "'x'", "a table of keys"),
    ("vehicle.path", "(x)", "vehicle", "field, path", "exactly one of field, path, constant"),
    ("vehicle.field", ..., "vehicle", "none of them", "exactly one of field, path, constant"),
    ("vehicle.field", " ", "vehicle.field", "' '", "none of them empty"),
    ("vehicle.field", "@row", "vehicle.field", "'@row'", "used inside"),
    ("vehicle", {"path": "abc"}, "vehicle.path", "'abc'", "a group in parentheses"),
    ("vehicle", {"path": "(abc"}, "vehicle.path", "'(abc'", "a regular expression: missing )"),
    ("vehicle", {"constant": ""}, "vehicle.constant", "''", "not empty"),
    ("vehicle.identifier", "VIN", "vehicle.identifier", "'VIN'", "'local' or 'vin'"),
    ("time", {}, "time.field", "nothing", "it is required"),
    ("time", {"feld": "x"}, "time.feld", "unknown key feld", "one of field, join, format, zone"),
    ("time.format", "epoch", "time.format", "'epoch'", "epoch_ms"),
    ("time.format", "%H:%M", "time.format", "'%H:%M'", "year, month and day"),
    ("time.format", "%Q", "time.format", "'%Q'", "year, month and day"),
    ("time.format", "%Y-%m-%d %S.%f", "time.format", "'%Y-%m-%d %S.%f'", "%.f for the fraction"),
    ("time.format", "%Y-%m-%d", "time.zone", "nothing", "Europe/Paris"),
    ("time.format", "seconds", "time", "neither", "exactly one of start and start_path"),
    ("time.zone", "Chicago", "time.zone", "'Chicago'", "IANA"),
    ("time.ambiguous", "first", "time.ambiguous", "'first'", "'earliest', 'latest' or 'reject'"),
    ("time.start", START, "time.start", "2024-01-01 00:00:00+00:00", 'belongs to format = "seconds"'),
    ("time.cumulative", True, "time.cumulative", "True", 'belongs to format = "seconds"'),
    ("time", {"field": "x", "format": "seconds", "start": START, "start_path": "(x)"}, "time", "both", "exactly one"),
    ("time", {"field": "x", "format": "seconds", "start": START.replace(tzinfo=None)}, "time.start",
     "2024-01-01 00:00:00", "needs an offset"),
    ("time", {"field": "x", "format": "seconds", "start": "2024"}, "time.start", "'2024'", "without quotes"),
    ("time", {"field": "x", "format": "seconds", "start_path": "(x)"}, "time.zone", "nothing", "start_format"),
    ("time", {"field": "x", "format": "seconds", "start_path": "(x)", "start_format": "seconds"}, "time.start_format",
     "seconds", "a point in time"),
    ("time", {"field": "x", "format": "seconds", "start": START, "cumulative": "x"}, "time.cumulative", "'x'",
     "true or false"),
    ("sequence", 5, "sequence", "5", "a text, in quotes"),
    ("received_format", "seconds", "received_format", "seconds", "how received is written"),
    ("time.format", "%d.%m.%Y %H", "time.format", "'%d.%m.%Y %H'", "with an hour also its minute"),
    ("earliest_day", "soon", "earliest_day", "'soon'", "a date as 2024-01-31"),
    ("csv.separator", "::", "csv.separator", "'::'", "a single character"),
    ("csv.separator", "\n", "csv.separator", "'\\n'", "no line end"),
    ("csv.quote", ",", "csv.quote", ",", "another character than the separator"),
    ("csv.encoding", "utf-16", "csv.encoding", "'utf-16'", "ASCII is written as such"),
    ("csv.encoding", "iso2022_jp", "csv.encoding", "'iso2022_jp'", "ASCII is written as such"),
    ("csv.encoding", "cp037", "csv.encoding", "'cp037'", "ASCII is written as such"),
    ("csv", {"encoding": "gb18030", "quote": "0"}, "csv.quote", "0", "no part of others in gb18030"),
    ("nulls", 5, "nulls", "5", "a text, or a list of texts"),
    ("columns", {}, "columns", "nothing", "at least one column of raw.telemetry"),
    ("csv.encoding", "klingon", "csv.encoding", "'klingon'", "that Python knows"),
    ("csv.encoding", "hex", "csv.encoding", "'hex'", "that Python knows"),
    ("csv.decimal", ";", "csv.decimal", "';'", "'.' or ','"),
    ("csv.skip_rows", -1, "csv.skip_rows", "-1", "greater than or equal to 0"),
    ("csv.skip_rows", "x", "csv.skip_rows", "'x'", "a whole number"),
    ("long_name", "x", "long_value", "nothing", "go together"),
    ("vss", 99, "vss", "99", "less than or equal to 20"),
    ("columns.speed_kph", "x", "columns.speed_kph", "speed_kph", "a column of raw.telemetry: speed_kmh"),
    ("columns.speed_kmh", 5, "columns.speed_kmh", "5", "a table of keys"),
    ("columns.speed_kmh", {"unit": "m/s"}, "columns.speed_kmh.field", "nothing", "it is required"),
    ("columns.speed_kmh", {"field": "x", "unit": "kg"}, "columns.speed_kmh.unit", "kg", "measure different things"),
    ("columns.speed_kmh", {"field": "x", "unit": "mphh"}, "columns.speed_kmh.unit", "mphh", "not defined"),
    ("columns.speed_kmh", {"field": "x", "units": "m/s"}, "columns.speed_kmh.units", "unknown key", "field, unit"),
    ("columns.speed_kmh", [{"field": "x"}, {"field": "y", "from": "2015"}], "columns.speed_kmh[1].from", "'2015'",
     "a date as 2024-01-31"),
    ("columns.speed_kmh", {"field": "x", "from": date(2015, 1, 2), "until": date(2015, 1, 2)},
     "columns.speed_kmh.until", "2015-01-02", "a time after from"),
    ("columns.speed_kmh", {"field": "x", "true": "y"}, "columns.speed_kmh.true", "('y',)", "speed_kmh is no boolean"),
    ("columns.ignition_on", {"field": "x", "true": "Y", "false": ["n", "y"]}, "columns.ignition_on.false", "['y']",
     "other texts than in true"),
    ("columns.ignition_on", {"field": "x", "scale": 2}, "columns.ignition_on.scale", "2", "ignition_on is no number"),
    ("columns.speed_kmh", {"field": "x", "scale": 0}, "columns.speed_kmh.scale", "0", "other than 0"),
    ("columns.speed_kmh", {"field": "x", "unit": "0.1 km/h"}, "columns.speed_kmh.unit", "0.1 km/h", "given as scale"),
    ("columns.acceleration_lateral_mps2", {"field": "x", "unit": "g"}, "columns.acceleration_lateral_mps2.unit", "g",
     "write g_0"),
    ("columns.ignition_on", {"field": "x", "unit": "V"}, "columns.ignition_on.unit", "V", "has no unit"),
]  # fmt: skip

WRONG_KINDS: list[tuple[str, Any, str, str, str]] = [
    ("kind_field", ..., "kind_field", "nothing", "tells the kinds of message apart"),
    ("kinds.vehicles.when", ..., "kinds.vehicles.when", "nothing", "values of kind_field of its own"),
    ("kinds.vehicles.when", "t", "kinds.vehicles.when", "t", "values of kind_field of its own"),
    ("kinds.vehicles.wen", "x", "kinds.vehicles.wen", "unknown key wen", "one of when, vss, columns"),
    ("kinds.cars", {"when": "x"}, "kinds.cars", "'cars'", "'subscriptions' or 'consents'"),
    ("kinds.vehicles.vss", 6, "kinds.vehicles.vss", "6", "only telemetry has VSS paths"),
    ("kinds.vehicles.columns.markt", "x", "kinds.vehicles.columns.markt", "markt", "raw.vehicles: automation_level"),
    (
        "kinds.vehicles.columns.model",
        {"field": "x", "unit": "km"},
        "kinds.vehicles.columns.model.unit",
        "km",
        "no unit",
    ),
    ("columns", {"speed_kmh": "x"}, "columns", "a value", "in each of the tables"),
    ("vss", 6, "vss", "a value", "in each of the tables"),
    ("csv", {}, "csv", "a value", 'format = "csv"'),
    ("ignore", ["/a"], "columns", "/a/b", "a field outside of /a"),
]


def cases(wrong: list[tuple[str, Any, str, str, str]]) -> Callable[..., Any]:
    return pytest.mark.parametrize(("path", "value", "key", "found", "expected"), wrong)


@cases(WRONG)
def test_errors(path: str, value: Any, key: str, found: str, expected: str) -> None:
    error = error_of(changed(FEED, path, value))
    assert error.title == f"The feed profile x.toml is wrong at {key}"
    assert found in error.found
    assert expected in error.expected


@cases(WRONG_KINDS)
def test_errors_of_feeds_of_several_kinds(path: str, value: Any, key: str, found: str, expected: str) -> None:
    base = changed(KINDS, "kinds.vehicles.columns.model", "/a/b")
    error = error_of(changed(base, path, value))
    assert error.title == f"The feed profile x.toml is wrong at {key}"
    assert found in error.found
    assert expected in error.expected


def test_an_unknown_key_is_told_before_the_one_that_is_missing_for_it() -> None:
    error = error_of(changed(FEED, "time", {"feild": "x"}))
    assert error.title.endswith("time.feild")


def test_one_field_may_not_hold_another() -> None:
    content = changed(changed(KINDS, "kinds.vehicles.columns.model", "pos"), "kinds.vehicles.columns.market", "/pos/x")
    assert error_of(content).found == "/pos/x"


@pytest.mark.parametrize(
    ("text", "found"), [("name = ", "Invalid value"), ("a = 1\na = 2", "Cannot overwrite"), ("\x00", "")]
)
def test_what_is_not_toml(text: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(FeedError, match="not valid TOML") as caught:
        load_profile(path)
    assert found in caught.value.found


@pytest.mark.parametrize("name", ["none.toml", ""])
def test_a_profile_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="There is no such feed profile"):
        load_profile(tmp_path / name)


@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.stem)
def test_shipped_profiles(path: Path) -> None:
    found = load_profile(path)
    assert found.name == path.stem
    assert found.title
    assert all(found.targets.values())


BENEATH = """
name = "a"
format = "csv"
files = "*.a"
kind = "telemetry"
[vehicle]
field = "v"
[time]
field = "t"
[columns]
speed_kmh = "s"
"""


def test_a_profile_builds_on_another_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(BENEATH)
    (tmp_path / "b.toml").write_text('like = "a"\nname = "b"\nsequence = "n"\n[vehicle]\nconstant = "x"\n')
    beneath, found = load_profile(tmp_path / "a.toml"), load_profile(tmp_path / "b.toml")
    assert (found.name, found.sequence, found.vehicle.constant, found.vehicle.field) == ("b", "n", "x", ())
    own = {"like", "name", "sequence", "vehicle"}
    assert found.model_dump(exclude=own) == beneath.model_dump(exclude=own)


@pytest.mark.parametrize(
    ("own", "title", "found"),
    [
        ('like = "none"', "There is no such feed profile", "none.toml"),
        ('like = "b"', "wrong at like", "b"),
        ("like = 5", "wrong at like", "5"),
        ('like = "a"\ncolor = 1', "wrong at color", "the unknown key color"),
    ],
)
def test_what_a_profile_cannot_build_on(own: str, title: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(BENEATH)
    (tmp_path / "b.toml").write_text(f"{own}\n")
    with pytest.raises(FeedError, match=title) as caught:
        load_profile(tmp_path / "b.toml")
    assert found in str(caught.value.found)


def test_short_and_long_forms_are_the_same() -> None:
    short = parse_profile(changed(FEED, "columns", {"speed_kmh": "v"}), "x")
    for value in (["v"], {"field": "v"}, [{"field": ["v"]}], {"field": "v", "unit": "km/h"}):
        assert parse_profile(changed(FEED, "columns", {"speed_kmh": value}), "x").targets == short.targets


def test_profiles_do_not_change() -> None:
    found = parse_profile(FEED, "x")
    with pytest.raises(ValueError, match="frozen"):
        found.name = "other"


def test_every_profile_of_the_manual_is_right() -> None:
    text = (Path(__file__).parents[3] / "docs" / "feeds.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    whole = [block for block in blocks if "\nname = " in f"\n{block}"]
    assert len(whole) >= 3
    for block in whole:
        assert isinstance(parse_profile(tomllib.loads(block), "docs/feeds.md"), FeedProfile)
