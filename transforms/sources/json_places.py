"""Places in a JSON object, as keys one within the other: from a profile, to JSON Pointers, SQL and merge patches."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def keys_at(place: tuple[str, ...]) -> str:
    """SQL for the keys of the object at a place in the record."""
    if not place:
        return "json_keys(t)"
    return f"json_keys(t, '{quoted(pointer_to(place))}')"


def pointer_to(place: tuple[str, ...]) -> str:
    """The JSON Pointer (RFC 6901) to a place."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in place)


def pointer(name: str) -> list[str]:
    """The place that a field of a profile means: a key, or a JSON Pointer."""
    if not name.startswith("/"):
        return [name]
    return [part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/")]


def taking(paths: Iterable[tuple[str, ...]]) -> str:
    """A merge patch (RFC 7396) that takes keys out of an object."""
    return json.dumps(nest(dict.fromkeys(paths)))


def nest(leaves: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """Values by their places, as objects within objects."""
    tree: dict[str, Any] = {}
    for path, value in leaves.items():
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = value
    return tree


def quoted(text: str) -> str:
    """What may stand between quotes in SQL."""
    return text.replace("'", "''")
