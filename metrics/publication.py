"""What a snapshot holds of the metrics beside the KPI tables: the contracts as a table."""

from __future__ import annotations

import json

import polars as pl

from metrics.loading import Contracts, load_contracts

_PLAIN = ("name", "table", "label", "short", "definition", "unit", "direction", "over_time", "owner")


def contracts_frame(contracts: Contracts | None = None) -> pl.DataFrame:
    """The contracts, a row per metric, sorted by name: what readers ask for as columns, and all of it as JSON.

    Args:
        contracts: the contracts; the shipped ones unless given.
    """
    rows = []
    for metric in (contracts or load_contracts()).metrics:
        plain = {name: getattr(metric, name) for name in _PLAIN}
        own = {"kind": metric.kind, "interval": metric.interval_name, "smallest_group": metric.smallest_group}
        rows.append(plain | own | {"contract": json.dumps(metric.described)})
    return pl.DataFrame(rows)
