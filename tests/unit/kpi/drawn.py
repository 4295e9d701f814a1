"""Rows of core drawn at random, of three vehicles and two months: what a query may meet, and need not make sense."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import dataframely as dy
import polars as pl

from lake.schemas import TABLES

FIRST = date(2028, 1, 20)  # a leap day is among the days
DAYS = 60
_VEHICLES = "abc"
#: Few rows show how far back a query looks, many how it sums.
_ROWS = (30, 120)
#: The tables that events are joined to have most of the days.
_SPINES = ("core.vehicle_days", "core.vehicles")
_TRUE = (0.1, 0.5, 0.9)
_WORDS = ("FR", "DE", "media", "media,social")
_MOST = 100
#: Of the cells that may be null, how many are.
_NULL = 0.2


def drawn_rows(table: str, random: Random) -> pl.DataFrame:
    """Rows of a core table, in any order.

    Times of a row begin on its day, and each is no earlier than those of the columns before it.
    """
    schema = TABLES[table].schema
    columns = {name: column for name, column in schema.columns().items() if name not in ("date", "vehicle_id")}
    generator = dy.random.Generator(random.getrandbits(32))
    count, true = 240 if table in _SPINES else random.choice(_ROWS), random.choice(_TRUE)
    coded = {
        name: column.sample(generator, count).to_list()
        for name, column in columns.items()
        if isinstance(column, dy.String) and column.regex
    }
    rows = []
    for number in range(count):
        day = FIRST + timedelta(random.randrange(DAYS))
        row: dict[str, Any] = {"date": day, "vehicle_id": random.choice(_VEHICLES).encode().hex().rjust(32, "0")}
        at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=random.randrange(86_400))
        for name, column in columns.items():
            if isinstance(column, dy.Datetime):
                row[name] = at
                at += timedelta(seconds=random.randrange(3 * 86_400))
            elif name in coded:
                row[name] = coded[name][number]
            else:
                row[name] = _value(column, day, true, random)
            if column.nullable and random.random() < _NULL:
                row[name] = None
        rows.append(row)
    frame = pl.DataFrame(rows, schema=schema.create_empty().schema, orient="row")
    return frame.unique(schema.primary_key(), keep="first", maintain_order=True)


def _value(column: dy.Column, day: date, true: float, random: Random) -> Any:
    if isinstance(column, dy.Bool):
        return random.random() < true
    if isinstance(column, dy.Date):
        return day if random.random() < 0.5 else day + timedelta(random.randrange(-40, 40))
    if isinstance(column, dy.String):
        return random.choice(_WORDS)
    low, high = max(0, getattr(column, "min", None) or 0), min(_MOST, getattr(column, "max", None) or _MOST)
    return random.randint(low, high) if isinstance(column, dy.Int64) else random.uniform(low, high)
