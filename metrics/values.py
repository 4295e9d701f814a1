"""What is asked of a metric and what comes back: ``Slice``, ``MetricValue``, ``Evaluation``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from lake.errors import QueryError

if TYPE_CHECKING:
    import polars as pl

Interval = tuple[float, float] | tuple[None, None]
#: One vehicle dominates a sum of which it has more than this share.
DOMINATES = 0.5


@dataclass(frozen=True)
class Cell:
    """What the kind of a metric works out an interval from.

    Attributes:
        days: number of days that have data.
        numerator: of the value; of the average day where the metric says ``over_time: mean``.
        denominator: the same.
        squares: sum of squares of the measure, likewise.
        value: what SQL worked out.
        ends: of the interval, where SQL works them out.
        variance: of the value by its scale.
        before_denominator: of the share of the step before.
    """

    days: int
    numerator: float | None = None
    denominator: float | None = None
    squares: float | None = None
    value: float | None = None
    ends: Interval = (None, None)
    variance: float | None = None
    before_denominator: float | None = None


@dataclass(frozen=True)
class Slice:
    """The part of the platform that is looked at.

    Attributes:
        first: first UTC day.
        last: last UTC day, included.
        filters: dimension -> values that are let through. A dimension that is absent or empty lets all through.

    Raises:
        QueryError: ``first`` is after ``last``.
    """

    first: date
    last: date
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise QueryError("A slice ends before it starts", found=f"{self.first} to {self.last}")

    @property
    def days(self) -> int:
        """Number of days in it."""
        return (self.last - self.first).days + 1

    def before(self) -> Slice:
        """The slice of as many days that ends the day before, with the same filters."""
        return Slice(self.first - timedelta(self.days), self.first - timedelta(1), self.filters)


@dataclass(frozen=True)
class Question:
    """What is asked: metrics of a slice, split and compared.

    Attributes:
        metrics: names; they may lie in different tables.
        slice: days and filters.
        by: dimensions to split by, at most one of ``date``, ``week`` (from Monday) and ``month``, and the axis of the
            metrics' kind: ``step`` of a funnel, ``age_weeks`` of cohorts.
        compare: slice to set against, with the same filters; fills ``previous``.
    """

    metrics: tuple[str, ...]
    slice: Slice
    by: tuple[str, ...] = ()
    compare: Slice | None = None


@dataclass(frozen=True)
class Counted:
    """The *n of N* of a value: ``counted`` of ``of``, and what N is. Averages of days are not whole numbers."""

    counted: float
    of: float
    label: str

    @property
    def text(self) -> str:
        """As a tile writes it: "412,806 of 498,120 in the fleet"."""
        return f"{self.counted:,.0f} of {self.of:,.0f} {self.label}"


@dataclass(frozen=True)
class Share:
    """A share beside the value, with its 95% interval."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class MetricValue:
    """One metric of one group in one period.

    Attributes:
        metric: its name.
        group: values of the dimensions asked for, in that order; empty for the whole slice. An axis of the metric's
            kind (``step``, ``age_weeks``) stands among them.
        period: the day for ``date``, the Monday for ``week``, the first for ``month``, ``None`` for the whole range.
        as_of: newest day in it that has data; ``None`` if none has.
        days: number of days that have data.
        value: ``scale * numerator / denominator``. ``None`` if suppressed, without data, or the denominator is zero.
        numerator: ``None`` if suppressed or the value is not a numerator by a denominator.
        denominator: ``None`` if suppressed or the metric is a count. Of a quantile or a survival, the number of cases.
        low: lower end of the 95% interval, ``None`` where the contract has no interval.
        high: upper end.
        vehicles: vehicles in the group: as of the newest day for a stock, on the largest day otherwise. ``None`` if
            suppressed.
        suppressed: withheld because the group, or one that could be worked out from it, is too small.
        population: the *n of N*; ``None`` if suppressed or without data.
        immature: days left out because what is asked of them is not over yet: cohorts too young for a step or an age.
        covered: of a standardised rate, the share of the whole slice's mix that the group has strata of.
        of_before: of a step, the share of the step before.
        largest: so much of a sum that the value is made of is, at least, one vehicle's on one day; ``None`` where that
            is not known. It is no figure to show: ``dominated`` is.
        previous: the same in the slice of comparison; ``None`` if no comparison was asked for, or it has no such group.
    """

    metric: str
    group: tuple[str, ...] = ()
    period: date | None = None
    as_of: date | None = None
    days: int = 0
    value: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    low: float | None = None
    high: float | None = None
    vehicles: int | None = 0
    suppressed: bool = False
    population: Counted | None = None
    immature: int = 0
    covered: float | None = None
    of_before: Share | None = None
    largest: float | None = None
    previous: MetricValue | None = None

    @property
    def dominated(self) -> bool:
        """One vehicle has more than half of a sum that the value is made of: a replaced odometer, a clone."""
        return self.largest is not None and self.largest > DOMINATES

    @property
    def change_dominated(self) -> bool:
        """One vehicle leads the change: it dominates one of the values, or made more than half of the difference.

        What it has now, less the most that it can have had before, is more than half of the change; or the other way
        round. For a numerator, which is where a single vehicle stands out.
        """
        before = self.previous
        if before is None:
            return self.dominated
        if self.dominated or before.dominated:
            return True
        if self.numerator is None or before.numerator is None or self.largest is None or before.largest is None:
            return False
        now, then = abs(self.numerator) * self.largest, abs(before.numerator) * before.largest
        change = abs(self.numerator - before.numerator)
        return max(now - before.days * then, then - self.days * now) > DOMINATES * change > 0

    @property
    def change(self) -> float | None:
        """Difference to the slice of comparison, in the metric's ``difference_unit``."""
        if self.value is None or self.previous is None or self.previous.value is None:
            return None
        return self.value - self.previous.value

    @property
    def relative_change(self) -> float | None:
        """Difference as a share of the value in the slice of comparison: 0.018 is +1.8%."""
        if self.change is None or self.previous is None or not self.previous.value:
            return None
        return self.change / abs(self.previous.value)


@dataclass(frozen=True)
class Evaluation(Sequence[MetricValue]):
    """All values of one evaluation: by metric in the order asked, then by period, then by group.

    Attributes:
        by: dimensions of the groups, without ``date``, ``week`` and ``month``.
        values: the values.
        protected: they have noise (``metrics.protection``).
    """

    by: tuple[str, ...]
    values: tuple[MetricValue, ...]
    protected: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[MetricValue]:
        return iter(self.values)

    def __getitem__(self, index: int | slice) -> MetricValue | Sequence[MetricValue]:  # type: ignore[override]
        return self.values[index]

    def one(self, metric: str) -> MetricValue:
        """The single value of a metric that was asked for without ``by``."""
        (value,) = self.series(metric)
        return value

    def series(self, metric: str, group: tuple[str, ...] | None = None) -> tuple[MetricValue, ...]:
        """The values of a metric, of one group if it is given, by period and group."""
        return tuple(v for v in self.values if v.metric == metric and (group is None or v.group == group))

    def groups(self, metric: str) -> tuple[tuple[str, ...], ...]:
        """The groups of a metric, sorted."""
        return tuple(sorted({v.group for v in self.series(metric)}))

    def frame(self) -> pl.DataFrame:
        """One row per value, for exports: metric, period, dimensions, value, parts, interval, vehicles, marks."""
        import polars as pl

        rows = [
            {
                "metric": v.metric,
                "period": v.period,
                **dict(zip(self.by, v.group, strict=True)),
                "as_of": v.as_of,
                "days": v.days,
                "value": v.value,
                "numerator": v.numerator,
                "denominator": v.denominator,
                "low": v.low,
                "high": v.high,
                "vehicles": v.vehicles,
                "suppressed": v.suppressed,
                "dominated": v.dominated,
                "protected": self.protected,
            }
            for v in self.values
        ]
        texts = dict.fromkeys(("metric", *self.by), pl.String())
        numbers = dict.fromkeys(("value", "numerator", "denominator", "low", "high"), pl.Float64())
        schema: dict[str, pl.DataType] = {
            "metric": pl.String(),
            "period": pl.Date(),
            **texts,
            "as_of": pl.Date(),
            "days": pl.Int64(),
            **numbers,
            "vehicles": pl.Int64(),
            "suppressed": pl.Boolean(),
            "dominated": pl.Boolean(),
            "protected": pl.Boolean(),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")
