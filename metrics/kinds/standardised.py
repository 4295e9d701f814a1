"""``standardised``: a group's rate as it would be at the whole slice's mix of another dimension.

Direct standardisation: the rates of the group's strata, weighed by each stratum's share of the denominator of the whole
slice.
Source: N. E. Breslow, N. E. Day, "Statistical Methods in Cancer Research", volume II (1987), section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, ClassVar

from pydantic import PrivateAttr

from metrics.contract import KindError, KpiTable, Name, OverTime
from metrics.expressions import parts_of, sum_sql
from metrics.intervals import Z95, poisson_interval, wilson_interval
from metrics.kinds.keyed import Keyed
from metrics.kinds.rate import Rate
from metrics.kinds.ratio import Ratio
from metrics.values import Cell, Interval


class Standardised(Keyed):
    """A ratio or rate at the mix of the whole slice.

    Strata that a group does not have are left out, and the weight of those it has is told (``covered``).

    Attributes:
        base: the metric of the same table that is standardised.
        over: dimension whose mix is that of the whole slice.
    """

    kind: ClassVar[str] = "standardised"

    over_time: OverTime = "sum"  # type: ignore[assignment]
    base: Name
    over: Name

    _base: Ratio | Rate = PrivateAttr()

    def check(self, table: KpiTable) -> None:
        """The base is a ratio or rate of the table, whose days combine in the same way; ``over`` is a dimension."""
        bases = {m.name: m for m in table.metrics if isinstance(m, (Ratio, Rate))}
        if self.base not in bases:
            raise KindError("base", repr(self.base), "a ratio or rate of this table: " + ", ".join(bases))
        if self.over not in table.dimension_names:
            raise KindError("over", repr(self.over), "a dimension of this table: " + ", ".join(table.dimension_names))
        base = bases[self.base]
        for name in ("over_time", "scale", "unit"):
            if getattr(self, name) != getattr(base, name):
                raise KindError(name, repr(getattr(self, name)), f"{getattr(base, name)!r}, as {self.base} has it")
        self._base = base

    @property
    def is_share(self) -> bool:
        """Of the exposure of its strata."""
        return True

    @property
    def read_by(self) -> str:
        """The dimension whose mix is standardised."""
        return self.over

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the base."""
        return tuple(sorted({*parts_of(self._base.numerator), *parts_of(self._base.denominator)}))

    @property
    def interval_name(self) -> str:
        """``delta``, or ``none`` as the base has it."""
        return "none" if self._base.interval_name == "none" else "delta"

    @property
    def formula(self) -> str:
        """The base, and over what."""
        return f"{self.base} at the mix of {self.over} of the whole slice"

    @property
    def holes(self) -> Mapping[str, Any]:
        """The base's expressions, and the variance of a stratum's rate."""
        newest = "filter (where date = newest)" if self.over_time == "last" else ""

        def total(part: str) -> str:
            return f'coalesce(sum("{part}") {newest}, 0)'

        trials = "exposure / days" if self.over_time != "last" else "exposure"  # as the base's own interval has it
        variance = {
            "wilson": f"events * (exposure - events) / (exposure * cast(exposure as double)) / ({trials})",
            "poisson": "events / (exposure * cast(exposure as double))",
            "none": "cast(null as double)",
        }
        return {
            "numerator": sum_sql(self._base.numerator, total),
            "denominator": sum_sql(self._base.denominator, total),
            "variance": variance[self._base.interval_name],
        }

    def bounds(self, cell: Cell) -> Interval:
        """Plus and minus 1.96 standard deviations by the delta method: the variances of the strata's rates, each by its
        squared weight, add up. It does not leave what the rate can be.

        Where each stratum has none or all, these variances are 0 and say nothing: there the interval is that of the
        base, Wilson's or that of a Poisson count, of the group's cases taken together.
        """
        if cell.value is None or cell.variance is None or cell.variance < 0:
            return None, None
        if cell.variance == 0 and cell.denominator:
            return self._ends_of_none_or_all(cell.value, cell.denominator, cell.days)
        half = self.scale * Z95 * sqrt(cell.variance)
        high = cell.value + half
        return max(0.0, cell.value - half), min(self.scale, high) if self._base.interval_name == "wilson" else high

    def _ends_of_none_or_all(self, value: float, exposure: float, days: int) -> Interval:
        if self._base.interval_name == "wilson":
            cases = exposure if self.over_time == "last" else exposure / max(1, days)
            low, high = wilson_interval(min(1.0, value / self.scale) * cases, cases)
            return self.scale * low, self.scale * high
        low, high = poisson_interval(0)
        return self.scale * low / exposure, self.scale * high / exposure
