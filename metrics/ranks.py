"""Groups in the order of a rate: how sure a place is, and how much of the gap to all is mix and how much rate.

Pure arithmetic on values of evaluations; ``metrics.reasons`` asks for them.

**Places.** A group is above another beyond chance where the lower limit of the difference of both is above 0. That
limit is ``a - b - sqrt((a - a_low)^2 + (b_high - b)^2)``, from the arms of the two intervals (G. Y. Zou, A. Donner,
"Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008), which are widened so that
all comparisons of the list together err once in twenty lists (Bonferroni's correction). A place is then between one
more than the groups that are surely above, and as many as are not surely below: all places of a list hold together at
95 % (M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm, "Inference for ranks", Review of Economic Studies 91, 2024).

**Mix and rate.** ``rate`` is what is left of a gap at the mix of the whole slice, ``mix`` is what goes with it: both
add up to the gap. What a group lacks strata of is in the rate; ``covered`` of its value at the mix says how much it
has. The rate of the whole over the strata that the group has would set like against like, and tell of those that it
lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from metrics.intervals import Z95
from metrics.values import MetricValue

if TYPE_CHECKING:
    import polars as pl

#: Chance that any comparison of a list errs.
_LEVEL = 0.05


@dataclass(frozen=True)
class Ranked:
    """One group in its place.

    Attributes:
        value: its value.
        at_mix: the same at the mix of the whole slice; ``None`` where the metric has no such.
        rank: its place; 1 is the highest value, and equal values share a place.
        highest: the highest place that it may have; ``None`` where values have no interval.
        lowest: the lowest.
        gap: its value less that of all.
        mix: what of the gap its mix is; ``None`` where it has no value at the mix of all.
        rate: the rest of it.
    """

    value: MetricValue
    at_mix: MetricValue | None
    rank: int
    highest: int | None
    lowest: int | None
    gap: float | None
    mix: float | None
    rate: float | None

    @property
    def places(self) -> str:
        """``2`` or ``2 to 4``; empty where nobody knows how sure it is."""
        if self.highest is None or self.lowest is None:
            return ""
        return f"{self.highest}" if self.highest == self.lowest else f"{self.highest} to {self.lowest}"


def ranked(
    whole: MetricValue, groups: Sequence[MetricValue], at_mix: Mapping[tuple[str, ...], MetricValue]
) -> tuple[Ranked, ...]:
    """Groups from the highest value to the lowest; those that are withheld or have no data have no place.

    Args:
        whole: the value of the whole slice.
        groups: the values of its groups.
        at_mix: by group the value at the mix of the whole slice; empty where the metric has no such.
    """
    shown = sorted((value for value in groups if value.value is not None), key=lambda v: (-(v.value or 0.0), v.group))
    return tuple(_ranked(value, whole, shown, at_mix.get(value.group)) for value in shown)


def _ranked(value: MetricValue, whole: MetricValue, shown: Sequence[MetricValue], at_mix: MetricValue | None) -> Ranked:
    rank = 1 + sum((other.value or 0.0) > (value.value or 0.0) for other in shown)
    places: tuple[int | None, int | None] = (None, None)
    if all(other.low is not None and other.high is not None for other in shown):
        factor = widening(len(shown))
        above = sum(_surely_above(other, value, factor) for other in shown)
        below = sum(_surely_above(value, other, factor) for other in shown)
        places = (1 + above, len(shown) - below)
    gap = None if whole.value is None or value.value is None else _less(value.value, whole.value)
    mixed = None if at_mix is None or whole.value is None else at_mix.value
    rate = None if mixed is None or whole.value is None else _less(mixed, whole.value)
    mix = None if gap is None or rate is None else gap - rate
    return Ranked(value, at_mix, rank, *places, gap, mix, rate)


def _less(one: float, other: float) -> float:
    """The difference; none where it is but that of sums of the same numbers in another order."""
    return 0.0 if isclose(one, other, rel_tol=1e-12) else one - other


def widening(groups: int) -> float:
    """By how much 95% intervals are widened for all comparisons of so many groups."""
    pairs = max(1, groups * (groups - 1) // 2)
    return NormalDist().inv_cdf(1 - _LEVEL / 2 / pairs) / Z95


def _surely_above(one: MetricValue, other: MetricValue, factor: float) -> bool:
    if one.value is None or other.value is None or one.low is None or other.high is None:
        return False
    return one.value - other.value > factor * sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)


def frame_of(found: Sequence[Ranked], by: str) -> pl.DataFrame:
    """One row per group, as an export has it."""
    import polars as pl

    rows = [
        {
            "rank": r.rank, "highest": r.highest, "lowest": r.lowest, by: r.value.group[0], "value": r.value.value,
            "low": r.value.low, "high": r.value.high, "at_mix": r.at_mix.value if r.at_mix else None,
            "covered": r.at_mix.covered if r.at_mix else None, "gap": r.gap, "mix": r.mix, "rate": r.rate,
        }
        for r in found
    ]  # fmt: skip
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(("rank", "highest", "lowest"), pl.Int64)
    schema |= {by: pl.String}
    schema |= dict.fromkeys(("value", "low", "high", "at_mix", "covered", "gap", "mix", "rate"), pl.Float64)
    return pl.DataFrame(rows, schema=schema)
