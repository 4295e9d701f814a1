"""JSON texts (lines of a file, bodies of events) to cells, by DuckDB.

Most blocks are clean: one typed pass reads them whole, and the number of keys that were sent equals the number of
values that were found. Only where it does not, or where a text is not JSON, the records are looked at more closely.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection
from itertools import accumulate
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from lake.signals import IDENTIFIER_PATHS
from transforms.sources.canonical import EXTRAS, ITEM, ORIGINAL, ROW
from transforms.sources.profile import FeedProfile

_local = threading.local()
#: Queries after which a connection is made anew.
_USES = 8
#: Deeper messages are refused: far deeper ones would exhaust the stack of whoever walks them.
_DEEPEST = 500


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection for this thread, with a single thread of its own: blocks are what runs in parallel.

    It is made anew now and then: a connection holds on to memory of every query it has run.
    """
    _local.uses = getattr(_local, "uses", 0) + 1
    if _local.uses % _USES == 1:
        _local.con = duckdb.connect(config={"threads": 1})
    con: duckdb.DuckDBPyConnection = _local.con
    return con


class JsonReader:
    """Cuts JSON objects into the fields that a profile reads.

    Fields are keys of the object, or JSON Pointers (RFC 6901) into it where they begin with ``/``.
    """

    def __init__(self, profile: FeedProfile) -> None:
        typed: dict[str, str] = {}
        for targets in profile.targets.values():
            for target in targets:
                kind = "DOUBLE" if target.kind in ("float", "int") else "VARCHAR"
                typed |= {name: kind if typed.get(name) in (None, kind) else "VARCHAR" for name in target.fields}
        keys = [*profile.vehicle.field, *profile.time.field, profile.sequence, profile.received, profile.kind_field]
        typed |= {name: "VARCHAR" for name in keys if isinstance(name, str) and name != "record"}
        self._paths = {name: tuple(_pointer(name)) for name in typed}
        nested = [path for path in self._paths.values() if len(path) > 1]
        #: Objects within the record that hold fields, outer ones first.
        self._containers = sorted({path[:n] for path in nested for n in range(1, len(path))}, key=len)
        self._types = typed
        #: The fields met so far. Reading only these is what makes sparse messages of a wide catalogue fast.
        self._met: frozenset[str] = frozenset()
        self._texts = json.dumps(self._structure(dict.fromkeys(typed, "VARCHAR")))
        dropped = [*self._paths.values(), *map(tuple, map(_pointer, profile.ignore)), *((p,) for p in IDENTIFIER_PATHS)]
        self._known = json.dumps(_nest(dict.fromkeys(dropped)))

    def cut(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Cells and broken records.

        Args:
            frame: columns ``@row``, ``@offset``, ``@original`` and ``@text`` (null where it is not UTF-8).

        Returns:
            Cells with ``@extras``, and broken records with ``@reason``. Rows keep their columns; the elements of an
            array have the same ``@row``, are told apart by ``@item``, and each is its own ``@original``.
        """
        try:
            cells, clean = self._clean(frame)
        except duckdb.InvalidInputException:
            clean = None
        if clean is None:
            return self._closely(frame)
        if clean.all():
            return cells, frame.clear().with_columns(pl.lit(None, dtype=pl.String).alias("@reason"))
        others, broken = self._closely(frame.filter(~clean))
        return pl.concat([cells.filter(clean), others], how="diagonal_relaxed").sort(ROW), broken

    def _clean(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series | None]:
        """Typed cells, and for each record whether they hold all that was sent."""
        if frame["@text"].null_count():
            return frame, None
        met = self._met or self._meet(frame)
        while True:
            values, keys = self._read(frame, met)
            filled = sum(frame.height - column.null_count() for column in values)
            whole = filled == keys.sum() and (keys.min() or 0) > 0  # type: ignore[operator]
            if whole or (wider := self._meet(frame)) == met:
                break
            met = wider
        cells = frame.drop("@text").hstack([c for c in values if c.null_count() < frame.height])
        cells = cells.with_columns(pl.lit(None, dtype=pl.String).alias(EXTRAS))
        misread = _misread(frame["@text"], values)
        if whole:
            return cells, ~misread
        per_row = pl.DataFrame(values).select(pl.sum_horizontal(pl.all().is_not_null())).to_series()
        return cells, (per_row.cast(pl.Int64) == keys) & (keys > 0) & ~misread

    def _read(self, frame: pl.DataFrame, fields: frozenset[str]) -> tuple[list[pl.Series], pl.Series]:
        """The values of some fields in one typed pass, and how many keys each record has."""
        structure = json.dumps(self._structure({name: kind for name, kind in self._types.items() if name in fields}))
        query = f"select from_json(t, '{_quoted(structure)}') as s, {self._key_count()} as k from texts"
        found = self._query(frame, query)
        return self._flat(found["s"], fields), found["k"]

    def _meet(self, frame: pl.DataFrame) -> frozenset[str]:
        """Add the fields that occur in these records to those met so far. There is always at least one."""
        places: list[tuple[str, ...]] = [(), *self._containers]
        met: set[tuple[str, ...]] = set()
        for place in places:
            keys = self._query(frame, f"select distinct unnest({_keys_at(place)}) as k from texts")
            met |= {(*place, key) for key in keys["k"]}
        found = {name for name, path in self._paths.items() if path in met} or {next(iter(self._paths))}
        self._met = self._met | found
        return self._met

    def _closely(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """All as text, unknown keys to extras, arrays of messages taken apart, what is no object set aside."""
        frame = frame.with_columns(pl.lit(0, pl.UInt32).alias(ITEM))
        undecodable, deep = frame["@text"].is_null(), _too_deep(frame["@text"])
        texts = frame.filter(~undecodable & ~deep)
        known = _quoted(self._known)
        found = self._query(
            texts,
            "select json_valid(t) as ok, case when json_valid(t) then json_type(t) end as kind, "
            "case when json_valid(t) and json_type(t) = 'ARRAY' then from_json(t, '[\"JSON\"]')::varchar[] end "
            "as items from texts",
        )
        texts = pl.concat([texts, found], how="horizontal")
        arrays = texts.filter(pl.col("kind") == "ARRAY")
        empty = arrays.filter(pl.col("items").list.len() == 0)
        items = arrays.filter(pl.col("items").list.len() > 0).drop("@text", ITEM).rename({"items": "@text"})
        items = items.explode("@text").with_columns(pl.col("@text").fill_null("null")).with_row_index(ITEM)
        items = items.with_columns(pl.col("@text").cast(pl.Binary).alias(ORIGINAL))
        if items.height:
            kinds = self._query(items, "select json_type(t) as kind from texts")
            items = items.with_columns(kinds["kind"])
        objects = pl.concat([texts.filter(pl.col("kind") == "OBJECT").drop("items"), items], how="diagonal_relaxed")
        objects, odd = objects.filter(pl.col("kind") == "OBJECT"), objects.filter(pl.col("kind") != "OBJECT")
        read = self._query(
            objects,
            f"select from_json(t, '{_quoted(self._texts)}') as s, json_merge_patch(t, '{known}')::varchar as extras, "
            f"{self._any_key_twice()} as twice, {self._no_object()} as flat from texts",
        )
        cells = objects.drop("@text", "ok", "kind").hstack(self._flat(read["s"]))
        cells = cells.with_columns(self._without_hulls(read["extras"]).alias(EXTRAS))
        twice = read["twice"].fill_null(False)
        flat = read["flat"].fill_null(False) & ~twice
        told = [
            (frame.filter(undecodable), "not UTF-8 text"),
            (frame.filter(deep), f"nested more than {_DEEPEST} levels deep"),
            (texts.filter(~pl.col("ok")), "not JSON"),
            (texts.filter(pl.col("ok") & ~pl.col("kind").is_in(["OBJECT", "ARRAY"])), "a JSON value that is no object"),
            (empty, "an empty JSON array"),
            (odd, "an element of a JSON array that is no object"),
            (cells.filter(twice), "a key occurs twice"),
            (cells.filter(flat), f"no object at {' or '.join(map('.'.join, self._containers))}"),
        ]
        keep = [c for c in frame.columns if c != "@text"]
        broken = [part.select(keep).with_columns(pl.lit(reason).alias("@reason")) for part, reason in told]
        return cells.filter(~twice & ~flat), pl.concat(broken)

    def _query(self, frame: pl.DataFrame, query: str) -> pl.DataFrame:
        con = _connection()
        con.register("texts", pa.table({"t": frame["@text"].to_arrow()}))
        try:
            return pl.DataFrame(con.execute(query).to_arrow_table())
        finally:
            con.unregister("texts")

    def _structure(self, types: dict[str, str]) -> dict[str, Any]:
        return _nest({self._paths[name]: kind for name, kind in types.items()})

    def _key_count(self) -> str:
        """SQL for the number of keys that were sent; an object that holds fields counts for its keys."""
        parts = ["coalesce(len(json_keys(t)), 0)"]
        parts += [f"coalesce(nullif(len({_keys_at(place)}), 0) - 1, 0)" for place in self._containers]
        return "(" + " + ".join(parts) + ")::bigint"

    def _any_key_twice(self) -> str:
        """SQL: one of the objects that hold fields has two keys of one name."""
        keys = map(_keys_at, [(), *self._containers])
        return " or ".join(f"coalesce(len({k}) > len(list_distinct({k})), false)" for k in keys)

    def _no_object(self) -> str:
        """SQL: something else stands where an object that holds fields should be."""
        kinds = (f"json_type(t, '{_quoted(_pointer_to(place))}')" for place in self._containers)
        return " or ".join(f"coalesce({kind} not in ('OBJECT', 'NULL'), false)" for kind in kinds) or "false"

    def _without_hulls(self, extras: pl.Series) -> pl.Series:
        """Extras without objects of which nothing is left."""
        for place in reversed(self._containers):
            hull = extras.str.contains("{}", literal=True).fill_null(False)
            if not hull.any():
                break
            patch = _quoted(json.dumps(_nest({place: None})))
            emptied = f"case when len({_keys_at(place)}) = 0 then json_merge_patch(t, '{patch}')::varchar else t end"
            left = self._query(extras.filter(hull).to_frame("@text"), f"select {emptied} as extras from texts")
            extras = extras.scatter(hull.arg_true(), left["extras"])
        return extras.set(extras.is_in(["{}", ""]).fill_null(True), None)

    def _flat(self, struct: pl.Series, fields: Collection[str] | None = None) -> list[pl.Series]:
        """The fields of the struct, under their names in the profile; all of them unless ``fields`` are given."""
        objects: dict[tuple[str, ...], pl.DataFrame] = {(): struct.struct.unnest()}
        for place in self._containers:
            parent = objects.get(place[:-1])
            if parent is not None and place[-1] in parent.columns:
                objects[place] = parent[place[-1]].struct.unnest()
        return [
            objects[path[:-1]][path[-1]].alias(name)
            for name, path in self._paths.items()
            if fields is None or name in fields
        ]


def _misread(texts: pl.Series, values: list[pl.Series]) -> pl.Series:
    """Records of which DuckDB may have made numbers that they do not hold: of booleans, or of texts as ``1_000``."""
    read = [column for column in values if column.dtype == pl.String and column.null_count() < len(texts)]
    columns = [column.alias(f"{number}") for number, column in enumerate(read)]
    # All booleans are where a text was wanted.
    as_text = pl.sum_horizontal(pl.lit(0, pl.UInt32), *(pl.col(c.name).is_in(["true", "false"]) for c in columns))
    booleans = pl.col("t").str.count_matches("true|false") != as_text
    grouped = pl.col("t").str.contains(r'[0-9]_[0-9][^"]*"')
    found = pl.DataFrame([texts.alias("t"), *columns]).select(booleans.alias("booleans"), grouped.alias("grouped"))
    misread = found["booleans"]
    if found["grouped"].any():
        misread |= found["grouped"] & texts.str.contains(r'"\s*[-+.]?[0-9][-+.0-9eE]*_[-+.0-9eE_]*\s*"')
    return misread


def _too_deep(texts: pl.Series) -> pl.Series:
    """Texts that may be nested too deeply to be walked."""
    suspect = (texts.str.count_matches(r"[\[{]") > _DEEPEST).fill_null(False)
    for row in suspect.arg_true():
        suspect[row] = _depth(texts[row]) > _DEEPEST
    return suspect


def _depth(text: str) -> int:
    """Levels of objects and arrays in a JSON text."""
    brackets = re.sub(r"[^\[\]{}]", "", re.sub(r'"(?:[^"\\]|\\.)*"', "", text))
    return max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0)


def _keys_at(place: tuple[str, ...]) -> str:
    """SQL for the keys of the object at a place in the record."""
    if not place:
        return "json_keys(t)"
    return f"json_keys(t, '{_quoted(_pointer_to(place))}')"


def _pointer_to(place: tuple[str, ...]) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in place)


def _pointer(name: str) -> list[str]:
    if not name.startswith("/"):
        return [name]
    return [part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/")]


def _nest(leaves: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in leaves.items():
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = value
    return tree


def _quoted(text: str) -> str:
    return text.replace("'", "''")
