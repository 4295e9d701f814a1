"""Reading the contracts: ``sql/kpi/<family>/<table>.yml`` beside its query, every mistake named by file and key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from pydantic import BaseModel, ValidationError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lake.errors import ContractError, QueryError
from lake.metrics.contract import Dimension, KpiTable, MetricContract, Part, Population, ValueFormat
from lake.metrics.expressions import ExpressionError, check_expression

SQL_FOLDER = Path(__file__).resolve().parents[2] / "sql"
"""The folder of all SQL texts, beside the package in a checkout and in an installation alike."""

_DOC = "docs/metrics.md has the format"
_TABLE_KEYS = ("table", "description", "owner", "days_back", "dimensions", "parts", "metrics")
_PARAMETERS = {"first_day", "last_day"}
_NESTED: dict[str, type[BaseModel]] = {"format": ValueFormat, "population": Population}


@dataclass(frozen=True)
class Contracts:
    """All contracts, sorted by name.

    Attributes:
        tables: KPI tables.
        dimensions: every dimension there is, in the order of ``dimensions.yml``.
    """

    tables: tuple[KpiTable, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def metrics(self) -> tuple[MetricContract, ...]:
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

    def metric(self, name: str) -> MetricContract:
        """The metric of that name.

        Raises:
            QueryError: there is none; lists those there are.
        """
        for table in self.tables:
            for metric in table.metrics:
                if metric.name == name:
                    return metric
        raise QueryError("No such metric", found=name, expected=", ".join(m.name for m in self.metrics))

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
    strays = {p.with_suffix(".yml") for p in folder.glob("*/*.sql")} - set(folder.glob("*/*.yml"))
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
    for key in _TABLE_KEYS:
        if key not in content:
            raise _error(path, key, "nothing", "this key is needed")
    name, owner = content["table"], content["owner"]
    if name != f"kpi.{path.stem}":
        raise _error(path, "table", repr(name), f"kpi.{path.stem}, after the file's name")
    names = content["dimensions"]
    for dimension in names if isinstance(names, list) else [names]:
        if dimension not in known:
            raise _error(path, "dimensions", repr(dimension), "a list of " + ", ".join(known))
    parts = tuple(
        _model(Part, {"name": key}, fields, path, f"parts.{key}")
        for key, fields in _mapping(content["parts"], path, "parts").items()
    )
    if "vehicles" not in {p.name for p in parts if p.type == "int"}:
        raise _error(path, "parts", ", ".join(p.name for p in parts), "vehicles (int): small groups are known by it")
    metrics = tuple(
        _load_metric(key, fields, str(name), owner, path)
        for key, fields in _mapping(content["metrics"], path, "metrics").items()
    )
    for metric in metrics:
        _check_expressions(metric, {p.name for p in parts}, path)
        counts = [p.name for p in parts if p.type == "int"]
        if metric.rests_on not in counts:
            expected = "a part that counts vehicles: " + ", ".join(counts)
            raise _error(path, f"metrics.{metric.name}.rests_on", repr(metric.rests_on), expected)
    query = path.with_suffix(".sql")
    columns = ("date", *names, *(p.name for p in parts))
    sql, inputs = _load_query(query, columns)
    plain = {key: content[key] for key in ("description", "days_back")}
    given = {"table": name, "owner": owner, "family": path.parent.name, "sql": sql, "inputs": inputs}
    given |= {"dimensions": tuple(known[d] for d in names), "parts": parts, "metrics": metrics}
    table: KpiTable = _model(KpiTable, given, plain, path, "")
    return table


def _load_metric(name: str, fields: object, table: str, owner: object, path: Path) -> MetricContract:
    key = f"metrics.{name}"
    written = {"owner": owner, **_mapping(fields, path, key)}
    metric: MetricContract = _model(MetricContract, {"name": name, "table": table}, written, path, key)
    return metric


def _check_expressions(metric: MetricContract, parts: set[str], path: Path) -> None:
    expressions = {
        "numerator": metric.numerator,
        "denominator": metric.denominator,
        "population.counted": metric.population.counted,
        "population.of": metric.population.of,
    }
    for key, text in expressions.items():
        try:
            if text is not None:
                check_expression(text, parts)
        except ExpressionError as error:
            allowed = "arithmetic on sums of the parts " + ", ".join(sorted(parts))
            raise _error(path, f"metrics.{metric.name}.{key}", str(error), allowed) from None


def _load_query(path: Path, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The text of a query and the tables it reads."""
    try:
        sql = path.read_text(encoding="utf-8")
        query = sqlglot.parse_one(sql, read="duckdb")
    except FileNotFoundError:
        raise ContractError("A contract has no query", expected=str(path), action=_DOC) from None
    except SqlglotError as error:
        raise ContractError(f"{path.name} is not one SQL query", found=str(error).splitlines()[0]) from None
    if not isinstance(query, exp.Select):
        raise _error(path, "query", query.key, "one select")
    if tuple(query.named_selects) != columns:
        raise _error(path, "columns", ", ".join(query.named_selects), ", ".join(columns) + ", as the contract says")
    parameters = {p.name for p in query.find_all(exp.Placeholder, exp.Parameter)}
    if parameters != _PARAMETERS:
        raise _error(path, "parameters", ", ".join(sorted(parameters)) or "none", "$first_day and $last_day")
    inputs = {f"{t.db}.{t.name}" for t in query.find_all(exp.Table) if t.db}
    for name in inputs:
        if not name.startswith("core."):
            raise _error(path, "inputs", name, "tables of core")
    if not inputs:
        raise _error(path, "inputs", "none", "at least one table of core")
    return sql, tuple(sorted(inputs))


def _read_yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
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
        first = error.errors()[0]
        place = [str(p) for p in first["loc"]]
        full = ".".join([key, *place]) if key else ".".join(place)
        if first["type"] == "extra_forbidden":
            owner = _NESTED.get(place[0], model) if len(place) > 1 else model
            allowed = [name for name in owner.model_fields if name not in given]
            raise _error(path, full, "a key that is not known", "one of " + ", ".join(allowed)) from None
        missing = first["type"] == "missing"
        found = "nothing" if missing else repr(first.get("input"))
        expected = "this key is needed" if missing else first["msg"].removeprefix("Value error, ")
        raise _error(path, full, found, expected) from None


def _error(path: Path, key: str, found: str, expected: str) -> ContractError:
    return ContractError(f"{path.parent.name}/{path.name}: {key}", found=found, expected=expected, action=_DOC)
