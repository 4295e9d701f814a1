"""Running one KPI query over frames: rows of core in, rows of one KPI table out. What is counted is in ``sql/kpi``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from lake.engine import open_duckdb

Frame = pl.DataFrame | pl.LazyFrame | duckdb.DuckDBPyRelation


def run_kpi(
    sql: str, frames: Mapping[str, Frame], first: date, last: date, *, memory: str | None = None
) -> pl.DataFrame:
    """Run a KPI query over frames.

    Args:
        sql: the query; reads the tables in ``frames`` and takes ``$first_day`` and ``$last_day``.
        frames: ``core.<name>`` to its rows. They must cover the days that those from ``first`` to ``last`` need by
            the table's ``inputs``; further ones do no harm. A lazy frame is read with the query's columns and filters
            pushed down to it. A relation must come from a connection that stays open.
        first: first UTC day to work out.
        last: last UTC day, included.
        memory: memory that the query may use, as DuckDB writes it (``2GB``); past it, it spills to disk.

    Returns:
        One row per day and group of dimensions and keys, sorted by these, with the columns of the query.
    """
    # One thread: a sum of floats depends on its order, and twice gives the same rows.
    with open_duckdb(config={"threads": 1}) as con:
        con.execute("set timezone = 'UTC'")
        if memory:
            con.execute(f"set memory_limit = '{memory}'")
        for number, (name, frame) in enumerate(frames.items()):
            schema, _, table = name.partition(".")
            rows = frame.to_arrow_table() if isinstance(frame, duckdb.DuckDBPyRelation) else frame
            con.register(f"frame_{number}", rows)
            con.execute(f'create schema if not exists "{schema}"')
            con.execute(f'create view "{schema}"."{table}" as select * from frame_{number}')
        counted = con.execute(sql, {"first_day": first, "last_day": last}).pl()
    return counted.sort(counted.columns)
