"""Figures by the mile, for those who read them. What is stored, queried and exported is by the kilometre."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from metrics.contract import KpiTable, Metric
from metrics.loading import Contracts
from metrics.values import Evaluation, MetricValue

KM_PER_MILE = 1.609344
#: Of each unit with a kilometre in it, that with a mile, and what a value is multiplied by.
UNITS: dict[str, tuple[str, float]] = {
    "km": ("mi", 1 / KM_PER_MILE),
    "km/h": ("mph", 1 / KM_PER_MILE),
    "kWh/100 km": ("kWh/100 mi", KM_PER_MILE),
    "l/100 km": ("l/100 mi", KM_PER_MILE),
    "per 1,000 km": ("per 1,000 mi", KM_PER_MILE),
    "per million km": ("per million mi", KM_PER_MILE),
}
_WORDS = ((re.compile(r"\bkm\b(?!/h)"), "mi"), (re.compile(r"\bkilom[eè]tre(s?)\b"), r"mile\1"))


@lru_cache(maxsize=8)
def contracts_in_miles(contracts: Contracts) -> Contracts:
    """The contracts with units by the mile, and labels and definitions that say so."""
    return replace(contracts, tables=tuple(map(_table, contracts.tables)))


def in_miles(found: Evaluation, contracts: Contracts) -> Evaluation:
    """Values by the mile of values by the kilometre.

    Args:
        found: the values.
        contracts: as they are, by the kilometre.
    """
    factors = {
        name: UNITS[unit][1] for name in {v.metric for v in found} if (unit := contracts.metric(name).unit) in UNITS
    }
    if not factors:
        return found
    return replace(found, values=tuple(_value(v, factors[v.metric]) if v.metric in factors else v for v in found))


def _table(table: KpiTable) -> KpiTable:
    return table.model_copy(update={"metrics": tuple(map(_metric, table.metrics))})


def _metric(metric: Metric) -> Metric:
    if metric.unit not in UNITS:
        return metric
    unit, factor = UNITS[metric.unit]
    told = {name: _by_mile(getattr(metric, name)) for name in ("label", "short", "definition")}
    return metric.model_copy(update={"unit": unit, "scale": metric.scale * factor, **told})


def _by_mile(text: str) -> str:
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text


def _value(value: MetricValue, factor: float) -> MetricValue:
    value_, low, high = (end if end is None else end * factor for end in (value.value, value.low, value.high))
    before = value.previous and _value(value.previous, factor)
    return replace(value, value=value_, low=low, high=high, previous=before)
