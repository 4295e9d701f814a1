"""Reading the contracts: ``sql/kpi/<family>/<table>.yml`` beside its query, every mistake named by file and key.

The text of a query is looked at when a table's ``inputs`` are asked for (``metrics.queries``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from lake.errors import ContractError, QueryError
from metrics.contract import (
    Dimension,
    InputReach,
    Key,
    KindError,
    KpiTable,
    Metric,
    Part,
    Population,
    ValueFormat,
)
from metrics.expressions import ExpressionError, check_expression, metrics_of, written_out
from metrics.kinds import KINDS, NESTED
from metrics.shared import SHARED, with_shared

SQL_FOLDER = Path(__file__).resolve().parents[1] / "sql"
"""The folder of all SQL texts, beside the package in a checkout and in an installation alike."""

_DOC = "docs/metrics.md has the format"
_NEEDED = ("table", "description", "owner", "dimensions", "parts", "metrics")
_TABLE_KEYS = (*_NEEDED, "inputs", "overlapping", "cohorts", "keys", "population")
_REACHES = {"onward": InputReach(onward=True), "throughout": InputReach(throughout=True)}
_NESTED: dict[str, type[BaseModel]] = {"format": ValueFormat, "population": Population, **NESTED}
#: The loader of libyaml reads the same ten times as fast; it is missing where PyYAML was built without it.
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Contracts:
    """All contracts, sorted by name.

    Attributes:
        tables: KPI tables.
        dimensions: every dimension there is, in the order of ``dimensions.yml``.
    """

    tables: tuple[KpiTable, ...]
    dimensions: tuple[Dimension, ...]

    def as_published(self, protect: str) -> Contracts:
        """The contracts of a database that was published with this protection: ``none`` or ``cells``."""
        return self._protected if protect == "cells" else self

    @cached_property
    def _protected(self) -> Contracts:
        return replace(self, tables=tuple(table.model_copy(update={"protected": True}) for table in self.tables))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of all tables, sorted by name."""
        return tuple(sorted((m for t in self.tables for m in t.metrics), key=lambda m: m.name))

    def table(self, name: str) -> KpiTable:
        """The table of that name, with or without ``kpi.``.

        Raises:
            QueryError: there is none; lists those there are.
        """
        wanted = name if name.startswith("kpi.") else f"kpi.{name}"
        for table in self.tables:
            if table.table == wanted:
                return table
        raise QueryError("No such KPI table", found=name, expected=", ".join(t.table for t in self.tables))

    def metric(self, name: str) -> Metric:
        """The metric of that name.

        Raises:
            QueryError: there is none; names those that are most like it.
        """
        for table in self.tables:
            for metric in table.metrics:
                if metric.name == name:
                    return metric
        names = [m.name for m in self.metrics]
        alike = get_close_matches(name, names, n=5) or [one for one in names if name and name in one][:5]
        raise QueryError(
            "No such metric",
            found=name,
            expected=", ".join(alike) if alike else f"one of {len(names)}",
            action="`sillage metric --list` lists all",
        )

    def dimension(self, name: str) -> Dimension:
        """The dimension of that name.

        Raises:
            QueryError: there is none; lists those there are.
        """
        for dimension in self.dimensions:
            if dimension.name == name:
                return dimension
        raise QueryError("No such dimension", found=name, expected=", ".join(d.name for d in self.dimensions))


def load_contracts(folder: Path | None = None) -> Contracts:
    """Read and check every contract below a folder; each folder is read once per process.

    Args:
        folder: holds ``dimensions.yml`` and ``<family>/<table>.yml`` with ``.sql``; ``sql/kpi`` unless given.

    Raises:
        ContractError: names the file and the key, what was found and what is allowed.
    """
    return _load((folder or SQL_FOLDER / "kpi").resolve())


@lru_cache(maxsize=8)
def _load(folder: Path) -> Contracts:
    dimensions = _load_dimensions(folder / "dimensions.yml")
    known = {d.name: d for d in dimensions}
    tables = [_load_table(path, known) for path in sorted(folder.glob("*/*.yml"))]
    if not tables:
        raise ContractError("No metric contract found", found=str(folder), expected="<family>/<table>.yml")
    queries = {path for path in folder.glob("*/*.sql") if path.parent.name != SHARED}
    strays = {path.with_suffix(".yml") for path in queries} - set(folder.glob("*/*.yml"))
    if strays:
        raise ContractError("A KPI query has no contract", expected=str(min(strays)), action=_DOC)
    _refuse_doubles([(t.table, t.family) for t in tables], "KPI table")
    _refuse_doubles([(m.name, t.table) for t in tables for m in t.metrics], "metric")
    return Contracts(tuple(sorted(tables, key=lambda t: t.table)), dimensions)


def _refuse_doubles(named: list[tuple[str, str]], what: str) -> None:
    seen: dict[str, str] = {}
    for name, where in named:
        if name in seen:
            raise ContractError(f"Two of one name: {what} {name}", found=f"in {seen[name]} and in {where}")
        seen[name] = where


def _load_dimensions(path: Path) -> tuple[Dimension, ...]:
    entries = _mapping(_read_yaml(path), path, "")
    return tuple(_model(Dimension, {"name": name}, fields, path, name) for name, fields in entries.items())


def _load_table(path: Path, known: dict[str, Dimension]) -> KpiTable:
    content = _mapping(_read_yaml(path), path, "")
    for key in content:
        if key not in _TABLE_KEYS:
            raise _error(path, str(key), "a key that is not known", "one of " + ", ".join(_TABLE_KEYS))
    for key in _NEEDED:
        if key not in content:
            raise _error(path, key, "nothing", "this key is needed")
    name, owner = content["table"], content["owner"]
    if name != f"kpi.{path.stem}":
        raise _error(path, "table", repr(name), f"kpi.{path.stem}, after the file's name")
    names = content["dimensions"]
    for dimension in names if isinstance(names, list) else [names]:
        if dimension not in known:
            raise _error(path, "dimensions", repr(dimension), "a list of " + ", ".join(known))
    overlapping = content.get("overlapping", [])
    for dimension in overlapping if isinstance(overlapping, list) else [overlapping]:
        if dimension not in names:
            raise _error(path, "overlapping", repr(dimension), "a list of the table's dimensions: " + ", ".join(names))
    parts = _named(Part, content["parts"], path, "parts")
    keys = _named(Key, content.get("keys", {}), path, "keys")
    if "vehicles" not in {p.name for p in parts if p.type == "int"}:
        raise _error(path, "parts", ", ".join(p.name for p in parts), "vehicles (int): small groups are known by it")
    columns = [*(k.name for k in keys), *(p.name for p in parts), *(p.largest_name for p in parts if p.largest)]
    _refuse_columns_twice(["date", *names, *columns], path)
    given = {"table": name, "owner": owner, "family": path.parent.name}
    given |= {
        "dimensions": tuple(known[d] for d in names),
        "overlapping": tuple(overlapping),
        "cohorts": content.get("cohorts", False),
        "keys": keys,
        "parts": parts,
    }
    given |= {"reaches": _reaches(content.get("inputs", {}), path), "sql": _query(path.with_suffix(".sql"))}
    given |= {"metrics": _load_metrics(content, str(name), owner, path), "file": str(path.with_suffix(".sql"))}
    table: KpiTable = _model(KpiTable, given, {"description": content["description"]}, path, "")
    for metric in table.metrics:
        _check_metric(metric, table, path)
    return table


def _named(model: type[Any], entries: object, path: Path, key: str) -> tuple[Any, ...]:
    """Models of entries that stand under their names."""
    found = _mapping(entries, path, key)
    return tuple(_model(model, {"name": name}, fields, path, f"{key}.{name}") for name, fields in found.items())


def _refuse_columns_twice(columns: list[str], path: Path) -> None:
    for number, column in enumerate(columns):
        if column in columns[:number]:
            raise _error(path, column, "two columns of this name", "each date, dimension, key and part once")


def _reaches(entries: object, path: Path) -> dict[str, InputReach]:
    """How far inputs reach: ``{back: 27}``, ``onward`` or ``throughout``."""
    found: dict[str, InputReach] = {}
    for name, reach in _mapping(entries, path, "inputs").items():
        if isinstance(reach, dict):
            if strange := [str(key) for key in reach if key not in ("back", "forward")]:
                raise _error(path, f"inputs.{name}.{strange[0]}", "a key that is not known", "one of back, forward")
            found[name] = _model(InputReach, {}, reach, path, f"inputs.{name}")
        elif reach in _REACHES:
            found[name] = _REACHES[str(reach)]
        else:
            raise _error(path, f"inputs.{name}", repr(reach), "{back: days, forward: days}, onward or throughout")
    return found


def _load_metrics(content: dict[str, Any], table: str, owner: object, path: Path) -> tuple[Metric, ...]:
    entries = _mapping(content["metrics"], path, "metrics")
    default = {name: content[name] for name in ("population",) if name in content}
    fields = {name: {"owner": owner, **default, **_mapping(f, path, f"metrics.{name}")} for name, f in entries.items()}
    return tuple(_load_metric(name, fields, table, path) for name in fields)


def _load_metric(name: str, fields: dict[str, dict[str, Any]], table: str, path: Path) -> Metric:
    key, written = f"metrics.{name}", dict(fields[name])
    kind = written.pop("kind", None)
    if kind not in KINDS:
        found = "nothing" if kind is None else repr(kind)
        raise _error(path, f"{key}.kind", found, "one of " + ", ".join(KINDS))
    for place in KINDS[kind].expressions:
        if isinstance(written.get(place), str):
            written[place] = _written_out(written[place], (name,), fields, path, f"{key}.{place}")
    metric: Metric = _model(KINDS[kind], {"name": name, "table": table}, written, path, key)
    return metric


def _written_out(text: str, above: tuple[str, ...], fields: dict[str, dict[str, Any]], path: Path, key: str) -> str:
    """An expression with the counts that it names in the place of their names."""

    def meaning(name: str) -> str:
        counts = [other for other, given in fields.items() if given.get("kind") == "count"]
        if name in above:
            raise _error(path, key, " -> ".join([*above, name]), "metrics that do not go round in a circle")
        if name not in counts or not isinstance(fields[name].get("numerator"), str):
            raise _error(path, key, f"metric({name})", "a count of this table: " + ", ".join(counts))
        whole = _written_out(fields[name]["numerator"], (*above, name), fields, path, key)
        scale = fields[name].get("scale", 1)
        return whole if scale == 1 else f"{scale} * ({whole})"

    try:
        return written_out(text, meaning) if metrics_of(text) else text
    except ExpressionError as error:
        raise _error(path, key, str(error), "arithmetic on sums of parts and on counts") from None


def _check_metric(metric: Metric, table: KpiTable, path: Path) -> None:
    key, parts = f"metrics.{metric.name}", set(table.part_names)
    texts = {name: getattr(metric, name) for name in metric.expressions}
    texts |= {"population.counted": metric.population.counted, "population.of": metric.population.of}
    for name, text in texts.items():
        try:
            check_expression(text, parts)
        except ExpressionError as error:
            allowed = "arithmetic on sums of the parts " + ", ".join(sorted(parts))
            raise _error(path, f"{key}.{name}", str(error), allowed) from None
    counts = ", ".join(table.counts)
    if metric.rests_on not in table.counts:
        raise _error(path, f"{key}.rests_on", repr(metric.rests_on), f"a part that counts vehicles: {counts}")
    for name in metric.named_parts:
        if getattr(metric, name) not in table.counts:
            raise _error(path, f"{key}.{name}", repr(getattr(metric, name)), f"a part that is a count: {counts}")
    for name, type_ in metric.key.items():
        if (name, type_) not in [(k.name, k.type) for k in table.keys]:
            found = ", ".join(f"{k.name} ({k.type})" for k in table.keys) or "no keys"
            raise _error(path, f"{key}.kind", f"{metric.kind} in a table with {found}",
                         f"a table with the key {name} ({type_})")  # fmt: skip
    try:
        metric.check(table)
    except KindError as error:
        raise _error(path, f"{key}.{error.key}", error.found, error.expected) from None


def _query(path: Path) -> str:
    try:
        sql = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContractError("A contract has no query", expected=str(path), action=_DOC) from None
    return with_shared(sql, path.parents[1] / SHARED, f"{path.parent.name}/{path.name}")


def _read_yaml(path: Path) -> object:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_YAML)
    except FileNotFoundError:
        raise ContractError("A contract file is missing", expected=str(path), action=_DOC) from None
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name} is not YAML", found=" ".join(str(error).split()), action=_DOC) from None


def _mapping(value: object, path: Path, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _error(path, key or "file", type(value).__name__, "keys with values")
    return value


def _model(model: type[Any], given: dict[str, Any], fields: object, path: Path, key: str) -> Any:
    """Build a model of what the file's place says and what is written there."""
    written = _mapping(fields, path, key)
    for name in given:
        if name in written:
            raise _error(path, f"{key}.{name}", "stated again", "its name is the key it stands under")
    try:
        return model(**given, **written)
    except ValidationError as error:
        # What is misspelt is also missing: the unknown key says more.
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        place = [str(p) for p in first["loc"]]
        full = ".".join([key, *place]) if key else ".".join(place)
        if first["type"] == "extra_forbidden":
            owner = _NESTED.get(place[0], model) if len(place) > 1 else model
            allowed = [name for name in owner.model_fields if owner is not model or name not in given]
            found = "a key that is not known"
            if issubclass(model, Metric) and owner is model:
                found, allowed = f"no key of the kind {model.kind}", ["kind", *allowed]
            raise _error(path, full, found, "one of " + ", ".join(allowed)) from None
        missing = first["type"] == "missing"
        found = "nothing" if missing else repr(first.get("input"))
        expected = "this key is needed" if missing else first["msg"].removeprefix("Value error, ")
        raise _error(path, full, found, expected) from None


def _error(path: Path, key: str, found: str, expected: str) -> ContractError:
    return ContractError(f"{path.parent.name}/{path.name}: {key}", found=found, expected=expected, action=_DOC)
