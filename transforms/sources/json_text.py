"""JSON texts (lines of a file, bodies of events) to cells, by DuckDB.

Most records are clean: one typed pass reads them whole, and the number of keys that were sent equals the number of
values that were found. Only where it does not, or where a text is not JSON, a record is looked at more closely.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from lake.engine import open_duckdb
from lake.signals import IDENTIFIER_PATHS
from transforms.sources.canonical import EXTRAS, ITEM, ORIGINAL
from transforms.sources.json_doubts import DEEPEST, misread, too_deep
from transforms.sources.json_places import keys_at, nest, pointer, pointer_to, quoted, taking
from transforms.sources.profile import FeedProfile, Kind, Target

_local = threading.local()
#: Stands for the fields of a kind that has none in the body.
_NOTHING = "@nothing"
#: Records in which the fields of a kind are met first; those of others are met when they come.
_FIRST = 1_000
#: A key whose value is null, in records that are plainly written.
_NULL = '":null|": null'
#: Queries after which a connection is made anew.
_USES = 64
#: Texts go to DuckDB as they are, without a copy, and come back so.
_VIEWS = pl.CompatLevel.newest()
_CONFIG = {
    "threads": 1,
    "arrow_output_version": "1.4",
    "produce_arrow_string_view": True,
}


def _connection() -> duckdb.DuckDBPyConnection:
    """A connection for this thread, with a single thread of its own: blocks are what runs in parallel.

    It is made anew now and then: a connection holds on to memory of every query it has run.
    """
    _local.uses = getattr(_local, "uses", 0) + 1
    if _local.uses % _USES == 1:
        _local.con = open_duckdb(config=_CONFIG)
    con: duckdb.DuckDBPyConnection = _local.con
    return con


@dataclass(frozen=True)
class Cut:
    """Records cut into cells.

    Attributes:
        cells: by kind; those under ``None`` say their kind in a field, if the feed has several.
        broken: records that are none, with ``@reason``.
    """

    cells: dict[Kind | None, pl.DataFrame]
    broken: pl.DataFrame


@dataclass(frozen=True)
class _Typed:
    """What a typed pass has found.

    Attributes:
        fields: that were looked for.
        values: their columns.
        objects: one like them for each object that holds fields.
        odd: records that may have been understood as something that they do not say.
    """

    fields: frozenset[str]
    values: list[pl.Series]
    objects: list[pl.Series]
    odd: pl.Series

    @property
    def filled(self) -> int:
        """Values found, an object that holds any being one itself."""
        return sum(len(column) - column.null_count() for column in (*self.values, *self.objects))

    def per_record(self) -> pl.Series:
        """The same for each record."""
        frame = pl.DataFrame([c.alias(f"{n}") for n, c in enumerate((*self.values, *self.objects))])
        return frame.select(pl.sum_horizontal(pl.all().is_not_null()).cast(pl.Int64)).to_series()


class JsonReader:
    """Cuts JSON objects into the fields that a profile reads.

    Fields are keys of the object, or JSON Pointers (RFC 6901) into it where they begin with ``/``.
    """

    def __init__(self, profile: FeedProfile) -> None:
        keys = [*profile.vehicle.field, *profile.time.field, profile.received, profile.kind_field]
        keys += [profile.long_name, profile.long_value]
        self._envelope = frozenset(profile.envelope)
        common = {name: "VARCHAR" for name in keys if name}
        if profile.sequence not in (None, "record", *common):
            common[profile.sequence or ""] = "DOUBLE"
        self._sequence, self._time_fields = profile.sequence, profile.time.field
        self._kind_field = profile.kind_field
        # With one signal per record no key is the name of a signal.
        targets = dict.fromkeys(profile.by_kind, ()) if profile.long_name else profile.targets
        self._typed = {
            kind: {n: t for n, t in _types(targets[kind], common).items() if n not in self._envelope}
            or {_NOTHING: "VARCHAR"}
            for kind in profile.by_kind
        }
        names = {name for typed in self._typed.values() for name in typed}
        self._paths = {name: tuple(pointer(name)) for name in names}
        nested = [path for path in self._paths.values() if len(path) > 1]
        #: Objects within the record that hold fields, outer ones first.
        self._containers = sorted({path[:n] for path in nested for n in range(1, len(path))}, key=len)
        #: The fields met so far, by kind. Reading only these is what makes sparse messages of a wide catalogue fast.
        self._met: dict[Kind, frozenset[str]] = {}
        #: A record was met that is not JSON.
        self._careful = False
        self._when = {kind: settings.when for kind, settings in profile.by_kind.items()}
        self._texts = json.dumps(self._structure(dict.fromkeys(names, "VARCHAR")))
        ignored = [*map(tuple, map(pointer, profile.ignore)), *((path,) for path in IDENTIFIER_PATHS)]
        #: What takes the fields of a kind out of a record, what takes those out that are not wanted, and both.
        self._fields = {kind: taking(self._paths[name] for name in typed) for kind, typed in self._typed.items()}
        self._unwanted = taking(ignored)
        self._known = {
            kind: taking([*(self._paths[name] for name in typed), *ignored]) for kind, typed in self._typed.items()
        }

    def cut(self, frame: pl.DataFrame, keys: int | None = None) -> Cut:
        """Cells and broken records.

        Args:
            frame: columns ``@row``, ``@offset``, ``@original`` and ``@text`` (null where it is not UTF-8).
            keys: how many keys all texts have, if they are written plainly; counted for each where it is not known.

        Returns:
            Cells with ``@extras``, and broken records with ``@reason``. Rows keep their columns; the elements of an
            array have the same ``@row``, are told apart by ``@item``, and each is its own ``@original``.
        """
        by_kind, unclear = self._by_kind(frame)
        typed = {kind: self._read(kind, part) for kind, part in by_kind.items()}
        # Where keys of one record may be counted wrongly, those of all together say nothing of another.
        plain = not any(found.odd.any() for found in typed.values())
        whole = plain and keys == sum(found.filled for found in typed.values())
        cells: dict[Kind | None, pl.DataFrame] = {}
        for kind, part in by_kind.items():
            cells[kind], odd = self._clean(kind, part, typed[kind], whole=whole)
            unclear.append(odd)
        others = pl.concat(unclear)
        if not others.height:
            return Cut(cells, others.drop("@text").with_columns(pl.lit(None, dtype=pl.String).alias("@reason")))
        cells[None], broken = self._closely(others)
        return Cut({kind: part for kind, part in cells.items() if part.height}, broken)

    def _by_kind(self, frame: pl.DataFrame) -> tuple[dict[Kind, pl.DataFrame], list[pl.DataFrame]]:
        """The records by the kind that they seem to be of, and those that do not tell."""
        rest, unclear = frame, frame.clear()
        if frame["@text"].null_count():
            is_text = frame["@text"].is_not_null()
            rest, unclear = frame.filter(is_text), frame.filter(~is_text)
        if self._kind_field is None:
            return {next(iter(self._when)): rest} if rest.height else {}, [unclear]
        found: dict[Kind, pl.DataFrame] = {}
        for kind, when in self._when.items():
            if not rest.height:
                break
            if self._kind_field in self._envelope:
                says = rest[self._kind_field].is_in(list(when)).fill_null(False)
            else:
                says = rest["@text"].str.contains(_said(self._kind_field, when))
            if says.any():
                found[kind], rest = rest.filter(says), rest.filter(~says)
        return found, [unclear, rest]

    def _clean(
        self, kind: Kind, frame: pl.DataFrame, typed: _Typed, *, whole: bool
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Typed cells of the records that these hold wholly, and the other records.

        Args:
            kind: of the records.
            frame: the records.
            typed: what was read of the fields met so far.
            whole: it is known already that no key was left out.
        """
        keys = None
        if not whole:
            keys = frame["@text"].str.count_matches('":', literal=True).cast(pl.Int64)
            while typed.filled != keys.sum() and self._meet(kind, frame) != typed.fields:
                typed = self._read(kind, frame)
        odd = typed.odd | self._untold(kind, typed.values, frame.height)
        extras = pl.repeat(None, frame.height, dtype=pl.String, eager=True).alias(EXTRAS)
        if keys is not None:
            more = keys - typed.per_record()
            if (more != 0).any():
                odd |= too_deep(frame["@text"])
            left = ((more != 0) & ~odd).arg_true()
            found, sound = self._left_over(kind, frame[left], more[left])
            extras, odd = extras.scatter(left, found), odd.scatter(left, ~sound)
        cells = frame.drop("@text").with_columns(extras, *(c for c in typed.values if c.null_count() < frame.height))
        if not odd.any():
            return cells, frame.clear()
        return cells.filter(~odd), frame.filter(odd)

    def _left_over(self, kind: Kind, frame: pl.DataFrame, more: pl.Series) -> tuple[pl.Series, pl.Series]:
        """What plain records hold beside the fields of their kind: unknown keys, and fields that are null.

        Args:
            kind: of the records.
            frame: the records. Their keys are counted rightly.
            more: how many keys each has beyond the values that were found in it.

        Returns:
            The unknown keys as JSON, and whether they and the nulls are all there was; if not, a field was not
            understood, or a key occurs twice.
        """
        if frame.is_empty():
            return pl.Series(dtype=pl.String), pl.Series(dtype=pl.Boolean)
        fields, unwanted = quoted(self._fields[kind]), quoted(self._unwanted)
        read = self._query(
            frame,
            f"select rest::varchar as rest, json_merge_patch(rest, '{unwanted}')::varchar as extras "
            f"from (select json_merge_patch(t, '{fields}') as rest from texts)",
        )
        rest, extras = self._without_hulls(read["rest"]).fill_null(""), self._without_hulls(read["extras"])
        nulls = frame["@text"].str.count_matches(_NULL) - rest.str.count_matches(_NULL)
        unknown = rest.str.count_matches('":', literal=True)
        sound = (nulls + unknown).cast(pl.Int64) == more
        for place in self._containers:
            # An object that holds fields as well was counted among the values that were found.
            sound &= ~rest.str.contains(f"{json.dumps(place[-1])}:", literal=True)
        for texts, several in ((rest, unknown > 1), (frame["@text"], nulls > 0)):
            suspect = (sound & several).arg_true()
            if len(suspect):
                query = f"select {self._any_key_twice()} as twice from texts"
                sound = sound.scatter(suspect, ~self._query(texts[suspect].to_frame("@text"), query)["twice"])
        return extras, sound

    def _read(self, kind: Kind, frame: pl.DataFrame) -> _Typed:
        """The values of the fields met so far in one typed pass."""
        fields = self._met.get(kind) or self._meet(kind, frame.head(_FIRST))
        types = {name: type_ for name, type_ in self._typed[kind].items() if name in fields}
        structure = quoted(json.dumps(self._structure(types)))
        found = self._understood(frame, structure)
        values, objects = self._flat(found["s"], fields)
        return _Typed(fields, values, objects, misread(frame["@text"], values, self._sequence))

    def _understood(self, frame: pl.DataFrame, structure: str) -> pl.DataFrame:
        """The records by a structure. Those that are not JSON are empty, and are looked at closely."""
        if not self._careful:
            try:
                return self._query(frame, f"select from_json(t, '{structure}') as s from texts")
            except duckdb.Error:
                self._careful = True  # such records rarely come alone
        # TRY alone would look at records one by one.
        valid = f"case when json_valid(t) then from_json(t, '{structure}') end"
        return self._query(frame, f"select try({valid}) as s from texts")

    def _untold(self, kind: Kind, values: list[pl.Series], count: int) -> pl.Series:
        """Records that do not say their kind, or when they happened: they may not even be objects."""
        by_name = {column.name: column for column in values}
        told = pl.repeat(False, count, eager=True)
        # Where the body need not say when, anything that is found in it shows that it is an object.
        for name in by_name if self._envelope.intersection(self._time_fields) else self._time_fields:
            if name in by_name:
                told |= by_name[name].is_not_null()
        if self._kind_field is not None and self._kind_field not in self._envelope:
            says = by_name.get(self._kind_field)
            told &= False if says is None else says.is_in(list(self._when[kind])).fill_null(False)
        return ~told

    def _meet(self, kind: Kind, frame: pl.DataFrame) -> frozenset[str]:
        """Add the fields that occur in these records to those met so far. There is always at least one."""
        valid = self._query(frame, "select json_valid(t) as ok from texts")["ok"]
        frame = frame.filter(valid)
        places: list[tuple[str, ...]] = [(), *self._containers]
        met: set[tuple[str, ...]] = set()
        for place in places:
            keys = self._query(frame, f"select distinct unnest({keys_at(place)}) as k from texts")
            met |= {(*place, key) for key in keys["k"]}
        mine = self._typed[kind]
        found = {name for name in mine if self._paths[name] in met} or {next(iter(mine))}
        self._met[kind] = self._met.get(kind, frozenset()) | found
        return self._met[kind]

    def _closely(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """All as text, unknown keys to extras, arrays of messages taken apart, what is no object set aside."""
        frame = frame.with_columns(pl.lit(0, pl.UInt32).alias(ITEM))
        undecodable, deep = frame["@text"].is_null(), too_deep(frame["@text"])
        texts = frame.filter(~undecodable & ~deep)
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
            f"select from_json(t, '{quoted(self._texts)}') as s, "
            f"json_merge_patch(t, {self._patch()})::varchar as extras, "
            f"{self._any_key_twice()} as twice, {self._no_object()} as flat from texts",
        )
        cells = objects.drop("@text", "ok", "kind").hstack(self._flat(read["s"])[0])
        cells = cells.with_columns(self._without_hulls(read["extras"]).alias(EXTRAS))
        twice = read["twice"].fill_null(False)
        flat = read["flat"].fill_null(False) & ~twice
        told = [
            (frame.filter(undecodable), "not UTF-8 text"),
            (frame.filter(deep), f"nested more than {DEEPEST} levels deep"),
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
        columns = {"t": frame["@text"].to_arrow(compat_level=_VIEWS)}
        if self._kind_field in self._envelope and self._kind_field in frame.columns:
            columns["k"] = frame[self._kind_field].to_arrow(compat_level=_VIEWS)
        con.register("texts", pa.table(columns))
        try:
            return pl.DataFrame(con.sql(query).to_arrow_table())
        finally:
            con.unregister("texts")

    def _structure(self, types: dict[str, str]) -> dict[str, Any]:
        return nest({self._paths[name]: kind for name, kind in types.items()})

    def _patch(self) -> str:
        """SQL for what takes all fields out of a record that are read from one of its kind."""
        if self._kind_field is None:
            return f"'{quoted(next(iter(self._known.values())))}'"
        said = "k"
        if self._kind_field not in self._envelope:
            said = f"json_extract_string(t, '{quoted(pointer_to(self._paths[self._kind_field]))}')"
        known = ((name, fields) for kind, fields in self._known.items() for name in self._when[kind])
        cases = (f"when '{quoted(name)}' then '{quoted(fields)}'" for name, fields in known)
        return f"case {said} {' '.join(cases)} else '{{}}' end"

    def _any_key_twice(self) -> str:
        """SQL: one of the objects that hold fields has two keys of one name."""
        keys = map(keys_at, [(), *self._containers])
        return " or ".join(f"coalesce(len({k}) > len(list_distinct({k})), false)" for k in keys)

    def _no_object(self) -> str:
        """SQL: something else stands where an object that holds fields should be."""
        kinds = (f"json_type(t, '{quoted(pointer_to(place))}')" for place in self._containers)
        return " or ".join(f"coalesce({kind} not in ('OBJECT', 'NULL'), false)" for kind in kinds) or "false"

    def _without_hulls(self, extras: pl.Series) -> pl.Series:
        """Extras without objects of which nothing is left."""
        for place in reversed(self._containers):
            hull = extras.str.contains("{}", literal=True).fill_null(False)
            if not hull.any():
                break
            patch = quoted(json.dumps(nest({place: None})))
            emptied = f"case when len({keys_at(place)}) = 0 then json_merge_patch(t, '{patch}')::varchar else t end"
            left = self._query(extras.filter(hull).to_frame("@text"), f"select {emptied} as extras from texts")
            extras = extras.scatter(hull.arg_true(), left["extras"])
        return extras.set(extras.is_in(["{}", ""]).fill_null(True), None)

    def _flat(
        self, struct: pl.Series, fields: Collection[str] | None = None
    ) -> tuple[list[pl.Series], list[pl.Series]]:
        """The fields of the struct under their names in the profile, all unless ``fields`` are given.

        And for each object within that holds fields a column that is null where it is not there, or holds none.
        """
        objects: dict[tuple[str, ...], pl.DataFrame] = {(): struct.struct.unnest()}
        for place in self._containers:
            parent = objects.get(place[:-1])
            if parent is not None and place[-1] in parent.columns:
                objects[place] = parent[place[-1]].struct.unnest()
        leaves = [
            objects[path[:-1]][path[-1]].alias(name)
            for name, path in self._paths.items()
            if fields is None or name in fields
        ]
        hulls: list[pl.Series] = []
        for place in reversed(self._containers):
            if place in objects:
                filled = objects[place].select(pl.when(pl.any_horizontal(pl.all().is_not_null())).then(True))
                hulls.append(filled.to_series())
                objects[place[:-1]] = objects[place[:-1]].with_columns(hulls[-1].alias(place[-1]))
        return leaves, hulls


def _types(targets: Iterable[Target], common: Mapping[str, str]) -> dict[str, str]:
    """The type as which each field is read: a number where nobody wants it as text."""
    typed: dict[str, str] = {}
    for target in targets:
        kind = "DOUBLE" if target.kind in ("float", "int") else "VARCHAR"
        typed |= {name: kind if typed.get(name) in (None, kind) else "VARCHAR" for name in target.fields}
    shared = {name: kind if typed.get(name) in (None, kind) else "VARCHAR" for name, kind in common.items()}
    return typed | shared


def _said(field: str, when: tuple[str, ...]) -> str:
    """A pattern that finds the records which say that they are of a kind; what it misses is looked at closely.

    A few literals are found many times faster than one with a class.
    """
    key = re.escape(json.dumps(pointer(field)[-1]))
    values = [re.escape(json.dumps(name)) for name in when]
    return "|".join(f"{key}:{value}|{key}: {value}" for value in values)
