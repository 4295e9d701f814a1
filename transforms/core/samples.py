"""Raw telemetry as arrays of samples: one per vehicle and moment, in order. The form in which trips are computed.

NumPy rather than Polars from here on: sums over slices of an array depend on nothing but the slice, so a trip has the
same distance to the last bit whatever else is computed in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.signals import BY_COLUMN
from transforms.core.messages import ARRIVAL_ORDER, deduplicate, in_range

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SIGNALS = ("speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")
_KEYS = ("vehicle_id", "event_at", "sequence", *ARRIVAL_ORDER)


@dataclass(frozen=True)
class Samples:
    """Samples sorted by vehicle and time, at most one per vehicle and moment. All arrays have one length.

    Attributes:
        vehicle: number of the vehicle, rising with its identifier.
        at: time, microseconds since 1970 UTC.
        messages: distinct messages that make up the sample; ``None`` where it is one each.
        speed: km/h, NaN where not sent; ``None`` where never sent.
        odometer: km, likewise.
        latitude: degrees, likewise; NaN wherever longitude is.
        longitude: degrees, likewise.
        off: the ignition was explicitly said to be off; ``None`` where never.
    """

    vehicle: npt.NDArray[np.uint32]
    at: Ints
    messages: Ints | None
    speed: Floats | None
    odometer: Floats | None
    latitude: Floats | None
    longitude: Floats | None
    off: Bools | None

    def __len__(self) -> int:
        return len(self.at)

    def between(self, start: int, stop: int) -> Samples:
        """The samples from position ``start`` up to, not including, ``stop``."""
        return self.apply(lambda array: array[start:stop])

    def signals(self) -> list[Any]:
        """The arrays of signals: speed, odometer, latitude, longitude and ``off``."""
        return [self.speed, self.odometer, self.latitude, self.longitude, self.off]

    def apply(self, function: Callable[[Any], Any]) -> Samples:
        """These samples with every array that there is put through a function."""
        arrays: list[Any] = [getattr(self, field.name) for field in fields(self)]
        applied: list[Any] = [None if array is None else function(array) for array in arrays]
        return Samples(*applied)

    def chunks(self, size: int) -> list[Samples]:
        """These samples in pieces of about ``size``, never dividing a vehicle."""
        starts = np.concatenate(([0], np.flatnonzero(np.diff(self.vehicle)) + 1, [len(self)]))
        wanted = np.searchsorted(starts, np.arange(0, len(self), size))
        bounds = np.unique(np.concatenate((starts[wanted], [len(self)])))
        return [self.between(a, b) for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]


def read_samples(telemetry: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime) -> tuple[Samples, pl.Series]:
    """Combine the plausible values of telemetry into samples.

    Rows of one vehicle and moment become one sample: resends count once, and of each signal the value with the
    greatest sequence number stays.

    Args:
        telemetry: rows of ``raw.telemetry`` in any order; signal columns may be missing.
        start: first moment to keep, UTC.
        end: first moment to leave out, UTC.

    Returns:
        The samples, and the identifiers of the vehicles that their numbers stand for.
    """
    frame = _read(telemetry, start, end)
    names, vehicle = _number(frame["vehicle_id"])
    at = frame["event_at"].to_physical().to_numpy()
    order = _order(vehicle, at, len(names))
    if order is not None:
        vehicle, at = vehicle[order], at[order]
    samples = Samples(vehicle, at, None, *_arrays(frame, order))
    repeated = (vehicle[1:] == vehicle[:-1]) & (at[1:] == at[:-1])
    if repeated.any():
        samples = _combine(samples, frame, order, repeated)
    return _with_whole_positions(samples), names


def _read(telemetry: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    lazy = telemetry.lazy()
    present = set(lazy.collect_schema().names())
    signals = [BY_COLUMN[name] for name in _SIGNALS if name in present]
    return (
        lazy.filter(pl.col("event_at") >= start, pl.col("event_at") < end)
        .select(
            *_KEYS,
            *(pl.when(in_range(signal)).then(pl.col(signal.column)).alias(signal.column) for signal in signals),
            *([pl.col("ignition_on")] if "ignition_on" in present else []),
        )
        .collect()
    )


def _number(vehicle_ids: pl.Series) -> tuple[pl.Series, npt.NDArray[np.uint32]]:
    """Distinct vehicles in order, and each row's place among them. Cheap where equal vehicles lie together."""
    if vehicle_ids.is_empty():
        return vehicle_ids, np.empty(0, dtype=np.uint32)
    starts = np.flatnonzero(vehicle_ids.ne_missing(vehicle_ids.shift(1)).to_numpy())
    heads = vehicle_ids.gather(starts)
    names = heads.unique().sort()
    numbers = names.to_frame().with_row_index("number")
    places = heads.to_frame().join(numbers, on=heads.name, how="left", maintain_order="left")["number"].to_numpy()
    return names, np.repeat(places, np.diff(starts, append=len(vehicle_ids)))


def _order(vehicle: npt.NDArray[np.uint32], at: Ints, vehicles: int) -> npt.NDArray[np.intp] | None:
    """The permutation that sorts by vehicle and time; ``None`` where they are sorted.

    NumPy's stable sort finds the sorted runs of its input: files that are sorted inside cost a merge.
    """
    same = vehicle[1:] == vehicle[:-1]
    if bool(((vehicle[1:] > vehicle[:-1]) | (same & (at[1:] >= at[:-1]))).all()):
        return None
    first = at.min()
    span = int(at.max() - first) + 1
    if span * vehicles < 2**63:
        return np.argsort(vehicle * np.int64(span) + (at - first), kind="stable")
    return np.lexsort((at, vehicle))


def _arrays(frame: pl.DataFrame, order: npt.NDArray[np.intp] | None = None) -> list[Any]:
    """Speed, odometer, latitude, longitude and ``off`` as arrays; ``None`` for what no row says."""
    arrays: list[Any] = []
    for name in _SIGNALS:
        known = name in frame.columns and frame[name].null_count() < len(frame)
        arrays.append(frame[name].to_numpy() if known else None)
    off = ~frame["ignition_on"].fill_null(value=True) if "ignition_on" in frame.columns else None
    arrays.append(off.to_numpy() if off is not None and off.any() else None)
    return [array if array is None or order is None else array[order] for array in arrays]


def _combine(samples: Samples, frame: pl.DataFrame, order: npt.NDArray[np.intp] | None, repeated: Bools) -> Samples:
    """Make one sample of the rows of one vehicle and moment; ``repeated`` says that a row joins its predecessor."""
    shared = np.concatenate((repeated, [False])) | np.concatenate(([False], repeated))
    rows = np.flatnonzero(shared)
    signals = [name for name in (*_SIGNALS, "ignition_on") if name in frame.columns]
    combined = (
        deduplicate(frame[rows if order is None else order[rows]])
        .group_by("vehicle_id", "event_at", maintain_order=True)
        .agg(*(pl.col(name).drop_nulls().last() for name in signals), messages=pl.len().cast(pl.Int64))
        .collect()
    )
    first = np.concatenate(([True], ~repeated))
    target = np.flatnonzero(shared[first])
    messages = np.ones(int(first.sum()), dtype=np.int64)
    messages[target] = combined["messages"].to_numpy()
    kept = samples.apply(lambda array: array[first])
    for whole, part in zip(kept.signals(), _arrays(combined), strict=True):
        if whole is not None:
            whole[target] = (False if whole.dtype == np.bool_ else np.nan) if part is None else part
    return replace(kept, messages=messages)


def _with_whole_positions(samples: Samples) -> Samples:
    """Half a position is none."""
    latitude, longitude = samples.latitude, samples.longitude
    if latitude is None or longitude is None:
        return replace(samples, latitude=None, longitude=None)
    half = np.isnan(latitude) != np.isnan(longitude)
    if not half.any():
        return samples
    return replace(samples, latitude=np.where(half, np.nan, latitude), longitude=np.where(half, np.nan, longitude))
