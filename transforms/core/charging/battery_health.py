"""Usable capacity of traction batteries, from what charging sessions stored. ``docs/core.md`` explains the rules."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date, timedelta
from math import pi, sqrt

import numpy as np
import polars as pl

from lake.schemas.core import BatteryHealth
from lake.schemas.core.charging import CAPACITY_METHODS
from transforms.core.axis import Bools, Floats, Ints

#: Standard deviation of a normal distribution over its median absolute deviation (Rousseeuw and Croux, 1993).
_SIGMA_PER_MAD = 1.4826
#: Standard error of the median of a normal sample over that of its mean (Kendall and Stuart).
_MEDIAN_ERROR = sqrt(pi / 2)
_NORMAL_95 = 1.96
#: Weights are whole numbers of this part: their sums do not depend on the order.
_WEIGHT_UNIT = 1000


@dataclass(frozen=True)
class HealthRules:
    """The parameters of battery health.

    Attributes:
        window_days: days up to and including the row's, from which sessions speak for it. Longer than a season's
            change of temperature would blur it; shorter than a battery fades by a point.
        least_rise_pct: least rise of the state of charge (SoC) in a session, points. The error of two readings of SoC
            is shared out over it.
        full_rise_pct: rise from which a session has its full weight. Up to one and a half times ``least_rise_pct``: no
            session weighs more than one and a half others.
        least_sessions: sessions in the window from which there is an estimate at all.
        outliers_from: sessions in the window from which outliers are looked for.
        outlier_mads: a session further from the median than this many standard deviations, as the median absolute
            deviation (MAD) tells them, is an outlier.
        outlier_floor_pct: one that is nearer than this share of the median is none, however alike the others are.
        soc_resolution_pct: step in which SoC is read, points.
        least_soh_pct: a session that tells of less capacity than this share of the capacity as new is wrong.
        greatest_soh_pct: the same for more.
    """

    window_days: int = 90
    least_rise_pct: float = 20.0
    full_rise_pct: float = 30.0
    least_sessions: int = 3
    outliers_from: int = 6
    outlier_mads: float = 3.5
    outlier_floor_pct: float = 3.0
    soc_resolution_pct: float = 1.0
    least_soh_pct: float = 20.0
    greatest_soh_pct: float = 150.0

    def __post_init__(self) -> None:
        if min(astuple(self)) <= 0:
            raise ValueError("the parameters of battery health are positive numbers")
        if not self.least_rise_pct <= self.full_rise_pct <= 1.5 * self.least_rise_pct:
            raise ValueError("full_rise_pct is not from least_rise_pct to one and a half times it")
        if self.least_sessions < 3 or self.outliers_from < 6:
            raise ValueError("with least_sessions below 3 or outliers_from below 6 one session could carry the rest")
        if self.greatest_soh_pct > 150:
            raise ValueError("greatest_soh_pct is above 150")

    @property
    def context(self) -> timedelta:
        """How far before a day sessions start that matter to it: the window, and a session of two days."""
        return timedelta(days=self.window_days + 2)


def battery_health(
    sessions: pl.LazyFrame | pl.DataFrame,
    vehicles: pl.LazyFrame | pl.DataFrame,
    first: date,
    last: date,
    rules: HealthRules | None = None,
) -> pl.DataFrame:
    """What is known of each traction battery's usable capacity, as of the days from ``first`` to ``last``.

    There is a row for each vehicle and day on which a session ended that speaks for the capacity, from the third such
    session in the window on. Rows are the same, to the last bit, whatever range of days they are asked for in: a row
    depends on its vehicle's sessions that ended in its window, and on the registry as of its day.

    One session more, whatever it says, leaves the estimate between the smallest and the greatest capacity that the
    others tell of.

    Args:
        sessions: rows of ``core.charging_sessions`` in any order, of at least the days from ``rules.context`` before
            ``first`` to ``last``.
        vehicles: rows of ``core.vehicles`` of the days asked for: the capacity as new.
        first: first UTC day.
        last: last UTC day, inclusive.
        rules: parameters; the defaults where ``None``.

    Returns:
        Rows of ``core.battery_health``, sorted by (date, vehicle_id).
    """
    rules = rules or HealthRules()
    told = _capacities(sessions, first - timedelta(days=rules.window_days - 1), last, rules)
    new = vehicles.lazy().select(
        "date", "vehicle_id", capacity_new_kwh=pl.when(pl.col("battery_capacity_kwh") > 0).then("battery_capacity_kwh")
    )
    rows = (
        told.lazy().filter(pl.col("date").is_between(first, last)).select("vehicle_id", "date", "vehicle").unique()
        .join(new.unique(["date", "vehicle_id"], keep="any"), on=["date", "vehicle_id"], how="left")
        .sort("vehicle_id", "date")
        .collect()
    )  # fmt: skip
    if rows.is_empty():
        return BatteryHealth.create_empty()
    return _Windows(told, rows, rules).estimates().sort("date", "vehicle_id")


def _capacities(sessions: pl.LazyFrame | pl.DataFrame, first: date, last: date, rules: HealthRules) -> pl.DataFrame:
    """The sessions that speak for a capacity, by the day on which they ended, sorted by vehicle and end."""
    rise = pl.col("soc_end_pct") - pl.col("soc_start_pct")
    weight = (rise.clip(upper_bound=rules.full_rise_pct) / rules.least_rise_pct * _WEIGHT_UNIT).round()
    return (
        sessions.lazy()
        .filter(pl.col("ended_at").dt.date().is_between(first, last), rise >= rules.least_rise_pct)
        .filter(pl.col("energy_stored_kwh") > 0)
        .select(
            "vehicle_id", "ended_at", "started_at", date=pl.col("ended_at").dt.date(),
            capacity=100 * pl.col("energy_stored_kwh") / rise, rise=rise, weight=weight.cast(pl.Int64),
            by_power=pl.col("energy_stored_method") == "power",
        )
        .sort("vehicle_id", "ended_at", "started_at")
        .with_columns(vehicle=pl.col("vehicle_id").rle_id().cast(pl.Int64))
        .collect()
    )  # fmt: skip


class _Windows:
    """The sessions in the window of each row, side by side: one element per row and session."""

    def __init__(self, told: pl.DataFrame, rows: pl.DataFrame, rules: HealthRules) -> None:
        self.rows, self.rules = rows, rules
        line = _line(told)
        day = _line(rows)
        start = np.searchsorted(line, day - rules.window_days, side="right")
        stop = np.searchsorted(line, day, side="right")
        count = stop - start
        self.row = np.repeat(np.arange(len(rows)), count)
        session = np.arange(len(self.row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start, count)
        self.capacity = told["capacity"].to_numpy()[session]
        self.rise = told["rise"].to_numpy()[session]
        self.weight = told["weight"].to_numpy()[session]
        self.by_power = told["by_power"].to_numpy()[session]
        self.ended = told["ended_at"].to_physical().to_numpy()[session]

    def estimates(self) -> pl.DataFrame:
        """Rows of the table."""
        rules, rows = self.rules, self.rows
        speaks = self._speaks()
        sessions = self._count(speaks)
        capacity = self._median(self.capacity, speaks)
        spread = self._median(np.abs(self.capacity - capacity[self.row]), speaks)
        rise = self._median(self.rise, speaks)
        weight = self._count(speaks, self.weight)
        effective = weight**2 / np.maximum(self._count(speaks, self.weight**2), 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = _MEDIAN_ERROR * _SIGMA_PER_MAD * spread / np.sqrt(effective)
            least = capacity * rules.soc_resolution_pct / sqrt(6) / rise
        half = _NORMAL_95 * np.maximum(error, least)
        by_power = self._count(speaks & self.by_power)
        newest = np.full(len(rows), 0, dtype=np.int64)
        np.maximum.at(newest, self.row[speaks], self.ended[speaks])
        counter, power, mixed = CAPACITY_METHODS
        return (
            rows.with_columns(
                capacity_kwh=capacity, half=half, sessions=sessions, outliers=self._count(~speaks),
                newest_session_at=pl.Series(newest).cast(pl.Datetime("us", "UTC")),
                method=pl.Series(np.where(by_power == 0, counter, np.where(by_power == sessions, power, mixed))),
            )
            .filter(pl.col("sessions") >= rules.least_sessions)
            .with_columns(
                capacity_low_kwh=(pl.col("capacity_kwh") - pl.col("half")).clip(lower_bound=0),
                capacity_high_kwh=pl.col("capacity_kwh") + pl.col("half"),
                soh_pct=100 * pl.col("capacity_kwh") / pl.col("capacity_new_kwh"),
                soh_uncertainty_pct=100 * pl.col("half") / pl.col("capacity_new_kwh"),
            )
            .select(BatteryHealth.column_names())
        )  # fmt: skip

    def _speaks(self) -> Bools:
        """Which sessions speak for the capacity of their row; the others are outliers."""
        rules = self.rules
        new = self.rows["capacity_new_kwh"].fill_null(np.nan).to_numpy()[self.row]
        soh = 100 * self.capacity / new
        sound = np.isnan(new) | ((soh >= rules.least_soh_pct) & (soh <= rules.greatest_soh_pct))
        median = self._median(self.capacity, sound)[self.row]
        off = np.abs(self.capacity - median)
        limit = rules.outlier_mads * _SIGMA_PER_MAD * self._median(off, sound)[self.row]
        few = self._count(sound)[self.row] < rules.outliers_from
        near: Bools = few | (off <= np.maximum(limit, rules.outlier_floor_pct / 100 * median))
        near &= sound
        return near

    def _count(self, wanted: Bools, of: Ints | None = None) -> Ints:
        """Number of the wanted sessions of each row, or the sum of whole numbers over them."""
        total = np.zeros(len(self.rows), dtype=np.int64)
        np.add.at(total, self.row[wanted], 1 if of is None else of[wanted])
        return total

    def _median(self, value: Floats, wanted: Bools) -> Floats:
        """Weighted median over the wanted sessions of each row: the least value that half the weight is not above."""
        row, value, weight = self.row[wanted], value[wanted], self.weight[wanted]
        order = np.lexsort((value, row))
        row, value = row[order], value[order]
        reached = np.cumsum(weight[order])
        total = self._count(wanted, self.weight)
        before = np.cumsum(total) - total
        below = 2 * (reached - before[row]) < total[row]
        known = np.flatnonzero(total > 0)
        median = np.full(len(total), np.nan)
        median[known] = value[np.searchsorted(row, known) + np.bincount(row[below], minlength=len(total))[known]]
        return median


def _line(frame: pl.DataFrame) -> Ints:
    """Vehicles and days on one line: days, with vehicles further apart than any window."""
    day = frame["date"].to_physical().cast(pl.Int64).to_numpy()
    line: Ints = frame["vehicle"].to_numpy() * (1 << 32) + day + (1 << 31)
    return line
