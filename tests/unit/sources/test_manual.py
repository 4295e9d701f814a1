"""docs/feeds.md lists every key of a profile with its default."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from transforms.sources.keys import Delimited, KindProfile, Source, Table, TimeKey, VehicleKey
from transforms.sources.profile import FeedProfile, parse_profile

MANUAL = (Path(__file__).parents[3] / "docs" / "feeds.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_.*]+)` \| (.*?) \| .+ \|$", MANUAL, re.MULTILINE))
TABLES: dict[str, type[Table]] = {
    "": FeedProfile,
    "vehicle.": VehicleKey,
    "time.": TimeKey,
    "csv.": Delimited,
    "columns.*.": Source,
    "kinds.*.": KindProfile,
}
KEYS = {
    f"{prefix}{field.alias or name}": field
    for prefix, model in TABLES.items()
    for name, field in model.model_fields.items()
}
#: Where the default is not a value but a rule.
IN_WORDS = {
    "csv": "see below", "earliest_day": "setting", "vehicle.field": "none", "kinds.*.when": "required",
    "columns.*.unit": "that of the column",
}  # fmt: skip


def shown(default: Any) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "none"
    if isinstance(default, tuple) and default == ("**/*",):
        default = default[0]
    return f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_the_manual_with_its_default(key: str) -> None:
    assert ROWS.get(key) == (IN_WORDS.get(key) or shown(KEYS[key].default))


EXAMPLES = {
    str(content["name"]): content
    for content in map(tomllib.loads, re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL))
    if "name" in content
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_profiles(name: str) -> None:
    assert parse_profile(EXAMPLES[name], name).name == name


def test_the_manual_has_no_other_keys() -> None:
    assert ROWS.keys() == KEYS.keys()


def test_every_key_says_what_it_is() -> None:
    assert [key for key, field in KEYS.items() if not field.description] == []
