"""Contracts in a language other than English: labels, headings, definitions, and the words beside numbers.

``sql/kpi/<language>.yml`` has them, one file per language: dimensions and metrics by name, and ``phrases`` for what
many metrics say alike. Nothing else of a contract changes, so a figure is the same in every language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lake.errors import ContractError
from metrics.contract import Dimension, Heading, KpiTable, Metric, Model, Name, Words
from metrics.loading import SQL_FOLDER, Contracts


class DimensionWords(Model):
    """What a dimension is called, one value of it and several, and what its values are."""

    label: Words
    plural: Words
    description: Words


class MetricWords(Model):
    """How a metric is headed, and what it says."""

    label: Words
    short: Heading
    definition: Words


class Translation(Model):
    """One language.

    Attributes:
        dimensions: by name.
        metrics: by name.
        phrases: by their English words: numerators and denominators, steps, and whom a value speaks for.
    """

    dimensions: dict[Name, DimensionWords]
    metrics: dict[Name, MetricWords]
    phrases: dict[str, Words]


def in_language(contracts: Contracts, language: str, folder: Path | None = None) -> Contracts:
    """The contracts in a language; as they are in English.

    Args:
        contracts: in English.
        language: ISO 639-1.
        folder: that has the file of the language; ``sql/kpi`` unless given.

    Raises:
        ContractError: the file lacks words of a contract; names which.
    """
    if language == "en":
        return contracts
    return _translated(contracts, (folder or SQL_FOLDER / "kpi") / f"{language}.yml")


@lru_cache(maxsize=8)
def _translated(contracts: Contracts, path: Path) -> Contracts:
    words = load_translation(path)
    dimensions = {d.name: _dimension(d, words, path) for d in contracts.dimensions}
    tables = tuple(_table(table, dimensions, words, path) for table in contracts.tables)
    return replace(contracts, tables=tables, dimensions=tuple(dimensions.values()))


@lru_cache(maxsize=8)
def load_translation(path: Path) -> Translation:
    """Read the file of a language.

    Raises:
        ContractError: it is missing or not formed as it must be.
    """
    try:
        return Translation.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ContractError("There are no contracts in this language", expected=str(path)) from None
    except (ValidationError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name} cannot be read", found=" ".join(str(error).split())) from None


def phrases_of(metric: Metric) -> set[str]:
    """The words beside the numbers of a metric, which ``phrases`` has."""
    found: set[str] = set()
    _with_phrases(metric, lambda phrase: found.add(phrase) or phrase)  # type: ignore[func-returns-value]
    return found


def _dimension(dimension: Dimension, words: Translation, path: Path) -> Dimension:
    known = words.dimensions.get(dimension.name)
    if known is None:
        raise _lacking(path, f"dimensions.{dimension.name}")
    return dimension.model_copy(update=known.model_dump())


def _table(table: KpiTable, dimensions: dict[str, Dimension], words: Translation, path: Path) -> KpiTable:
    told = {
        "dimensions": tuple(dimensions[name] for name in table.dimension_names),
        "metrics": tuple(_metric(metric, words, path) for metric in table.metrics),
    }
    return table.model_copy(update=told)


def _metric(metric: Metric, words: Translation, path: Path) -> Metric:
    known = words.metrics.get(metric.name)
    if known is None:
        raise _lacking(path, f"metrics.{metric.name}")

    def phrase(english: str) -> str:
        if english not in words.phrases:
            raise _lacking(path, f"phrases.{english}")
        return words.phrases[english]

    return metric.model_copy(update=known.model_dump() | _with_phrases(metric, phrase))


def _with_phrases(metric: Metric, phrase: Callable[[str], str]) -> dict[str, Any]:
    """The fields of a metric that hold phrases, each phrase put into another."""
    found: dict[str, Any] = {
        name: phrase(getattr(metric, name)) for name in type(metric).model_fields if name.endswith("_label")
    }
    population = metric.population
    found["population"] = population.model_copy(update={"label": phrase(population.label)})
    if steps := getattr(metric, "steps", None):
        found["steps"] = tuple(step.model_copy(update={"label": phrase(step.label)}) for step in steps)
    return found


def _lacking(path: Path, key: str) -> ContractError:
    return ContractError(f"{path.name}: {key}", found="nothing", expected="words in this language")
