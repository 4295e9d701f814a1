"""Whether two lakes hold the same, whatever batches and files it came in."""

from __future__ import annotations

import polars as pl
from polars.testing import assert_frame_equal

from lake.storage import Lake
from lake.tables import Table
from metrics.specs import table_specs

#: How a row came in, which may be otherwise, and not what it says.
_ARRIVAL = ("batch", "record")


def rows_of(lake: Lake) -> dict[str, pl.DataFrame]:
    """The rows of all tables of raw, core and kpi, in an order that only they decide."""
    frames = {}
    for name, spec in table_specs().items():
        if spec.layer in ("raw", "core", "kpi"):
            rows = Table(lake, spec).scan().collect()
            rows = rows.drop([column for column in _ARRIVAL if column in rows.columns])
            frames[name] = rows.sort([c for c, dtype in rows.schema.items() if dtype != pl.Float64], nulls_last=True)
    return frames


def differing(lake: Lake, undisturbed: Lake) -> dict[str, str]:
    """Tables that do not have the same rows, each with how they differ. Sums may differ in their order."""
    found, expected = rows_of(lake), rows_of(undisturbed)
    wrong = {}
    for name, rows in expected.items():
        try:
            assert_frame_equal(found[name], rows, rel_tol=1e-9, abs_tol=1e-9)
        except AssertionError as error:
            wrong[name] = f"{found[name].height} rows, {rows.height} undisturbed: {str(error).splitlines()[0]}"
    return wrong
