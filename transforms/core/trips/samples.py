"""Raw telemetry as arrays of samples: one per vehicle and moment, in order. The form in which trips are computed.

NumPy rather than Polars from here on: sums over slices of an array depend on nothing but the slice, so a trip has the
same distance to the last bit whatever else is computed in the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.signals import BY_COLUMN
from transforms.core.axis import Bools, Floats, Ints, Positions
from transforms.core.messages import plausible
from transforms.core.ordering import ORDER_KEYS, Ordered, in_order

#: Signals that decide when a vehicle moves and how far, one value per sample.
_MOTION = ("speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")
#: Signals that are kept as the readings that there are: most feeds send them rarely.
_READINGS = (
    "soc_pct", "battery_power_kw", "battery_voltage_v", "battery_current_a", "energy_used_kwh", "fuel_used_l",
    "fuel_level_pct", "fuel_level_l",
    "acceleration_longitudinal_mps2", "acceleration_lateral_mps2", "ambient_temperature_c", "coolant_temperature_c",
    "battery_temperature_c",
)  # fmt: skip


@dataclass(frozen=True)
class Readings:
    """Plausible values of one signal, in the order of the samples.

    Attributes:
        place: position of the sample that has the value, rising.
        value: the value, in the unit of the signal's column; never NaN.
    """

    place: Positions
    value: Floats

    def __len__(self) -> int:
        return len(self.place)

    def between(self, start: int, stop: int) -> Readings:
        """The readings of the samples from ``start`` to before ``stop``, counted from ``start``."""
        low, high = np.searchsorted(self.place, (start, stop))
        return Readings(self.place[low:high] - start, self.value[low:high])


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
        readings: the other signals, by column; without those that were never sent.
    """

    vehicle: npt.NDArray[np.uint32]
    at: Ints
    messages: Ints | None
    speed: Floats | None
    odometer: Floats | None
    latitude: Floats | None
    longitude: Floats | None
    off: Bools | None
    readings: Mapping[str, Readings]

    def __len__(self) -> int:
        return len(self.at)

    def between(self, start: int, stop: int) -> Samples:
        """The samples from position ``start`` up to, not including, ``stop``."""
        part = slice(start, stop)
        readings = {name: found.between(start, stop) for name, found in self.readings.items()}
        return Samples(
            vehicle=self.vehicle[part],
            at=self.at[part],
            messages=None if self.messages is None else self.messages[part],
            speed=None if self.speed is None else self.speed[part],
            odometer=None if self.odometer is None else self.odometer[part],
            latitude=None if self.latitude is None else self.latitude[part],
            longitude=None if self.longitude is None else self.longitude[part],
            off=None if self.off is None else self.off[part],
            readings={name: found for name, found in readings.items() if len(found)},
        )

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
    ordered = in_order(frame)
    merge = _Merge.of(ordered)
    with ThreadPoolExecutor(max_workers=pl.thread_pool_size()) as pool:
        dense = pool.map(lambda name: _dense(frame, name, merge), _MOTION)
        sparse = pool.map(lambda name: _readings(frame, name, merge), _READINGS)
    speed, odometer, latitude, longitude = dense
    readings = {name: found for name, found in zip(_READINGS, sparse, strict=True) if found is not None}
    first = slice(None) if merge.first is None else merge.first
    samples = Samples(
        vehicle=ordered.vehicle[first],
        at=ordered.at[first],
        messages=merge.messages(),
        speed=speed,
        odometer=odometer,
        latitude=latitude,
        longitude=longitude,
        off=_off(frame, merge),
        readings=readings,
    )
    return _with_whole_positions(samples), ordered.vehicle_ids


def _read(telemetry: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    lazy = telemetry.lazy()
    present = set(lazy.collect_schema().names())
    signals = [name for name in (*_MOTION, "ignition_on", *_READINGS) if name in present]
    within = (pl.col("event_at") >= start) & (pl.col("event_at") < end)
    return lazy.filter(within).select(*ORDER_KEYS, *signals).collect()


@dataclass(frozen=True)
class _Merge:
    """How rows in order become samples: where rows share a moment, the last value of each signal stays.

    Attributes:
        ordered: the rows in order.
        first: per row, whether it begins a sample; ``None`` where every row is one.
        sample: per row, the sample it belongs to; ``None`` likewise.
    """

    ordered: Ordered
    first: Bools | None
    sample: Positions | None

    @classmethod
    def of(cls, ordered: Ordered) -> _Merge:
        if ordered.repeated is None:
            return cls(ordered, None, None)
        first = np.concatenate(([True], ~ordered.repeated))
        return cls(ordered, first, np.cumsum(first) - 1)

    def messages(self) -> Ints | None:
        """Distinct messages of each sample."""
        if self.first is None:
            return None
        copies = self.ordered.copies
        distinct = np.ones(len(self.ordered), dtype=np.int64) if copies is None else (~copies).astype(np.int64)
        return np.add.reduceat(distinct, np.flatnonzero(self.first))

    def lasting(self, known: Bools) -> tuple[Positions, Positions]:
        """The rows (in order) whose values stay, and the samples that they are the value of."""
        row = np.flatnonzero(self.ordered.counting(known))
        if self.sample is None or not len(row):
            return row, row
        sample = self.sample[row]
        stays = np.append(sample[1:] != sample[:-1], True)
        return row[stays], sample[stays]


def _readings(frame: pl.DataFrame, name: str, merge: _Merge) -> Readings | None:
    """The plausible values of a signal; ``None`` where there is none."""
    if name not in frame.columns or frame[name].null_count() == len(frame):
        return None
    column, rows = frame[name], merge.ordered.rows
    known = column.is_not_null().to_numpy().copy()
    known[known] = plausible(BY_COLUMN[name], column.drop_nulls().to_numpy())
    row, sample = merge.lasting(merge.ordered.take(known))
    return Readings(sample, column.gather(row if rows is None else rows[row]).to_numpy()) if len(row) else None


def _dense(frame: pl.DataFrame, name: str, merge: _Merge) -> Floats | None:
    """The plausible values of a signal per sample, NaN where there is none; ``None`` where there is no value at all."""
    if name not in frame.columns or frame[name].null_count() == len(frame):
        return None
    values: Floats = merge.ordered.take(frame[name].to_numpy())
    known = plausible(BY_COLUMN[name], values)
    if merge.first is None and known.all():
        return values
    row, sample = merge.lasting(known)
    dense = np.full(len(values) if merge.first is None else int(merge.first.sum()), np.nan)
    dense[sample] = values[row]
    return dense


def _off(frame: pl.DataFrame, merge: _Merge) -> Bools | None:
    """Per sample, whether the ignition was explicitly off; ``None`` where it never was."""
    if "ignition_on" not in frame.columns or frame["ignition_on"].all():
        return None
    column = frame["ignition_on"]
    off: Bools = merge.ordered.take((~column).fill_null(value=False).to_numpy())
    if merge.first is None:
        return off
    row, sample = merge.lasting(merge.ordered.take(column.is_not_null().to_numpy()))
    merged = np.zeros(int(merge.first.sum()), dtype=bool)
    merged[sample] = off[row]
    return merged


def _with_whole_positions(samples: Samples) -> Samples:
    """Half a position is none, nor is exactly 0, 0: that is a receiver without a fix."""
    latitude, longitude = samples.latitude, samples.longitude
    if latitude is None or longitude is None:
        return replace(samples, latitude=None, longitude=None)
    none = (np.isnan(latitude) != np.isnan(longitude)) | ((latitude == 0) & (longitude == 0))
    if not none.any():
        return samples
    return replace(samples, latitude=np.where(none, np.nan, latitude), longitude=np.where(none, np.nan, longitude))
