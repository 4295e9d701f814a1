"""Frames of messages to JSON bodies, column by column: ``{"kind":…,"vin":…,"ts":…,"seq":…,…}``; nulls are left out."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.events import Bytes, Events, Ints, ready
from simulator.told import KINDS

_HEAD = ("vehicle", "event_ms", "sequence")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"} | {
    chr(code): f"\\u{code:04x}" for code in range(32) if code not in (9, 10, 13)
}


def encode(kind: str, frame: pl.DataFrame, vins: pl.Series) -> Events:
    """Returns messages with ready bodies.

    Args:
        kind: one of ``told.KINDS``.
        frame: ``vehicle`` (index into ``vins``), ``event_ms`` (ms since 1970 UTC), ``sequence``, and the fields under
            the names they have in the JSON, as text, whole or other numbers, Booleans or dates.
        vins: VINs of the fleet.

    Raises:
        TypeError: if a field has another type.
    """
    text, size = texts(kind, frame, vins)
    vehicle, event_ms, sequence = (frame[name].cast(pl.Int64).to_numpy() for name in _HEAD)
    return ready(KINDS.index(kind), vehicle, event_ms, sequence, text, size)


def texts(kind: str, frame: pl.DataFrame, vins: pl.Series) -> tuple[Bytes, Ints]:
    """Returns the bodies of :func:`encode` end to end, and the length of each in bytes."""
    if frame.is_empty():
        return np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int64)
    ts = pl.col("event_ms").cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%dT%H:%M:%S%.3fZ")
    fields = [_field(name, dtype) for name, dtype in frame.schema.items() if name not in _HEAD]
    body = pl.concat_str(
        pl.lit(f'{{"kind":"{kind}","vin":"'), vins.gather(frame["vehicle"]), pl.lit('","ts":"'), ts,
        pl.lit('","seq":'), pl.col("sequence").cast(pl.String), *fields, pl.lit("}"), ignore_nulls=True,
    )  # fmt: skip
    said = frame.select(body.alias("body"))["body"]
    joined: str = said.str.join("").item()
    return np.frombuffer(joined.encode(), dtype=np.uint8), said.str.len_bytes().cast(pl.Int64).to_numpy()


def _field(name: str, dtype: pl.DataType) -> pl.Expr:
    """Returns ``,"name":value``, null where there is no value."""
    return pl.concat_str(pl.lit(f',"{name}":'), _value(name, dtype), ignore_nulls=False)


def _value(name: str, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(name)
    if dtype.is_integer() or dtype == pl.Boolean:
        return value.cast(pl.String)
    if dtype.is_float():
        return pl.when(value.is_finite()).then(value).cast(pl.String)
    if dtype == pl.Date:
        return pl.concat_str(pl.lit('"'), value.dt.to_string("%Y-%m-%d"), pl.lit('"'), ignore_nulls=False)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        escaped = value.cast(pl.String).str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
        return pl.concat_str(pl.lit('"'), escaped, pl.lit('"'), ignore_nulls=False)
    if dtype == pl.Null:
        return pl.lit(None, dtype=pl.String)
    raise TypeError(f"{name} is {dtype}, which no body holds: text, numbers, Booleans and dates only")
