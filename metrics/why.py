"""Why a metric moved: a split into size, mix and rate that adds up exactly, and the segments behind it.

Pure arithmetic on values of evaluations; ``metrics.reasons`` asks for them.

**Size, mix and rate.** Let a value be ``R = sum(w_s r_s)`` over the values ``s`` of a dimension, ``w_s`` the share of
a segment in the denominator and ``r_s`` its own value. With bars for averages of two periods,
``R1 - R0 = sum((w1_s - w0_s) (r_s - R)) + sum(w_s (r1_s - r0_s))``: mix and rate, with nothing left over (Bennet's
indicator; see B. M. Balk, "Price and Quantity Index Numbers", 2008). A total is a fleet times an amount per vehicle, so
it has a third part, size. What is withheld stands together as the rest.

**Segments.** What a segment explains of a change is the change less that of all others without it:
``(R1 - R0) - (R1_rest - R0_rest)``. It counts only beyond chance: segment and rest are set apart in both periods, with
standard errors from the intervals of their values, and the level is divided by the number of segments looked at
(Bonferroni's correction), so that where nothing happened nothing is named in 19 cases of 20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from metrics.contract import Metric
from metrics.values import Evaluation, MetricValue

#: Chance of naming anything where there is nothing.
_LEVEL = 0.05
#: A segment explains at least so much of the change.
_LEAST_SHARE = 0.2
#: A narrower segment is named instead where it explains so much of the wider with so much of its weight.
_NARROWER_SHARE, _NARROWER_WEIGHT = 0.8, 0.6
_NAMED = 3
_Z95 = NormalDist().inv_cdf(0.975)

Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Effect:
    """What one value of a dimension adds to mix and rate, in the metric's unit.

    Attributes:
        value: of the dimension; empty for all that is withheld, together.
        mix: because its share changed.
        rate: because its own value changed.
    """

    value: str
    mix: float
    rate: float


@dataclass(frozen=True)
class Split:
    """A change by one dimension. ``size + mix + rate`` is the change.

    Attributes:
        dimension: its name.
        size: because the fleet grew or shrank; 0 for what is no total.
        mix: because the shares of its values changed.
        rate: because the values changed within.
        effects: of each value, the largest first.
    """

    dimension: str
    size: float
    mix: float
    rate: float
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Segment:
    """One part of the platform that the change comes from.

    Attributes:
        where: dimension and value, one to three of them.
        value: its value, with that of the period before.
        explained: change that would not have been without it, in the metric's unit.
        weight: its share of the denominator, average of both periods.
        z: how many standard errors that is.
    """

    where: Where
    value: MetricValue
    explained: float
    weight: float
    z: float


@dataclass(frozen=True)
class Why:
    """The reasons of one change.

    Attributes:
        metric: its name.
        value: of the whole, with that of the period before.
        splits: by each dimension asked.
        segments: the few that explain most, the largest first; none where nothing is beyond chance.
        looked_at: segments among which they were sought.
    """

    metric: str
    value: MetricValue
    splits: tuple[Split, ...]
    segments: tuple[Segment, ...]
    looked_at: int


@dataclass(frozen=True)
class _Side:
    """Numerator and denominator of a value in one period, per day where days add up, with its standard error."""

    numerator: float
    denominator: float
    error: float = 0.0

    @property
    def rate(self) -> float:
        return self.numerator / self.denominator if self.denominator else 0.0

    def less(self, other: _Side) -> _Side:
        """The whole without a part; the errors of a part and its rest are independent."""
        weight = other.denominator / self.denominator if self.denominator else 0.0
        left = max(0.0, self.error**2 - (weight * other.error) ** 2)
        error = sqrt(left) / (1 - weight) if weight < 1 else 0.0
        return _Side(self.numerator - other.numerator, self.denominator - other.denominator, error)


_NONE = _Side(0.0, 0.0)
#: Now and before.
_Pair = tuple[_Side, _Side]


def explain(
    metric: Metric, total: MetricValue, segments: Mapping[tuple[str, ...], Evaluation], dimensions: Sequence[str]
) -> Why:
    """The reasons of one change.

    Args:
        metric: its contract.
        total: its value in the whole slice, with that of the period before.
        segments: by dimensions, one to three, the same metric split by them, with the period before.
        dimensions: those of which a split into mix and rate is given; each is a key of ``segments``.

    Returns:
        No split and no segment where the value or that of the period before is not known.
    """
    if total.value is None or total.previous is None or total.previous.value is None:
        return Why(metric.name, total, (), (), 0)
    whole = _sides(metric, total)
    splits = tuple(_split(metric, whole, name, segments[(name,)]) for name in dimensions)
    values = [
        (tuple(zip(by, value.group, strict=True)), value)
        for by, evaluation in segments.items()
        for value in evaluation.series(metric.name)
        if value.value is not None and not (value.previous is not None and value.previous.suppressed)
        if not value.change_dominated  # one vehicle explains no segment
    ]
    return Why(metric.name, total, splits, _named(metric, whole, values), len(values))


def _sides(metric: Metric, value: MetricValue) -> _Pair:
    """Now and before."""
    return _side(metric, value), _side(metric, value.previous) if value.previous else _NONE


def _side(metric: Metric, value: MetricValue) -> _Side:
    if value.value is None or value.numerator is None:
        return _NONE
    days = max(1, value.days) if metric.over_time == "sum" else 1
    if metric.is_total:
        fleet = value.population.of if value.population else 0.0
        numerator, denominator = value.numerator / days, fleet
    elif value.denominator:
        numerator, denominator = value.numerator / days, value.denominator / days
    else:
        return _NONE
    return _Side(numerator, denominator, _error(value) * (numerator / denominator if denominator else 0.0))


def _error(value: MetricValue) -> float:
    """Relative standard error: from the longer arm of the interval, else as sure as so many vehicles.

    Days of one vehicle are alike: vehicles count, not vehicle-days.
    """
    if value.value and value.low is not None and value.high is not None:
        return max(value.high - value.value, value.value - value.low) / _Z95 / abs(value.value)
    people = value.population
    return 1 / sqrt(people.counted) if people and people.counted > 0 else 1.0


def _value(metric: Metric, side: _Side) -> float:
    """The value in the metric's unit; per day where it is a total of days."""
    return metric.scale * (side.numerator if metric.is_total else side.rate)


def _split(metric: Metric, whole: _Pair, dimension: str, found: Evaluation) -> Split:
    sides: dict[str, _Pair] = {}
    for value in found.series(metric.name):
        now, before = _sides(metric, value)
        hidden = value.suppressed or (value.previous is not None and value.previous.suppressed)
        if not hidden and (now.denominator or before.denominator):
            sides[value.group[0]] = (now, before)
    rest = tuple(_without(side, [pair[place] for pair in sides.values()]) for place, side in enumerate(whole))
    if any(side.denominator > 0 for side in rest):
        sides[""] = (rest[0], rest[1])
    size, scale = 0.0, metric.scale
    if metric.is_total:
        size = scale * (whole[0].denominator - whole[1].denominator) * (whole[0].rate + whole[1].rate) / 2
        scale *= (whole[0].denominator + whole[1].denominator) / 2
    middle = (whole[0].rate + whole[1].rate) / 2
    effects = [_effect(name, pair, whole, middle, scale) for name, pair in sides.items()]
    effects.sort(key=lambda effect: -abs(effect.mix + effect.rate))
    mix, rate = (sum(getattr(effect, name) for effect in effects) for name in ("mix", "rate"))
    return Split(dimension, size, mix, rate, tuple(effects))


def _without(whole: _Side, shown: Sequence[_Side]) -> _Side:
    numerator = whole.numerator - sum(side.numerator for side in shown)
    denominator = whole.denominator - sum(side.denominator for side in shown)
    nothing = denominator <= 1e-9 * whole.denominator
    return _NONE if nothing else _Side(numerator, denominator)


def _effect(name: str, pair: _Pair, whole: _Pair, middle: float, scale: float) -> Effect:
    now, before = pair
    weights = [
        side.denominator / all_.denominator if all_.denominator else 0.0 for side, all_ in zip(pair, whole, strict=True)
    ]
    # A value that is there in one period only has no rate of its own to move: all of it is mix.
    rates = (now.rate if now.denominator else before.rate, before.rate if before.denominator else now.rate)
    mix = (weights[0] - weights[1]) * ((rates[0] + rates[1]) / 2 - middle)
    rate = (weights[0] + weights[1]) / 2 * (rates[0] - rates[1])
    return Effect(name, scale * mix, scale * rate)


def _segment(metric: Metric, whole: _Pair, left: _Pair, where: Where, value: MetricValue) -> Segment | None:
    """What a segment explains beside what is left of the whole; ``None`` where nothing is left beside it."""
    explained = variance = weight = 0.0
    for side, all_, remaining, sign in zip(_sides(metric, value), whole, left, (1, -1), strict=True):
        rest = remaining.less(side)
        if not all_.denominator or rest.denominator <= 0:
            return None
        share = side.denominator / all_.denominator
        scale = metric.scale * (all_.denominator if metric.is_total else 1.0)
        explained += sign * scale * share * (side.rate - rest.rate)
        variance += (scale * share) ** 2 * (side.error**2 + rest.error**2)
        weight += share / 2
    return Segment(where, value, explained, weight, explained / sqrt(variance) if variance > 0 else 0.0)


def _named(metric: Metric, whole: _Pair, values: Sequence[tuple[Where, MetricValue]]) -> tuple[Segment, ...]:
    """The few segments that explain most, one after the other, each set against what the others leave."""
    change = _value(metric, whole[0]) - _value(metric, whole[1])
    if not values or not change:
        return ()
    limit = NormalDist().inv_cdf(1 - _LEVEL / 2 / len(values))
    named: list[Segment] = []
    left = whole
    while len(named) < _NAMED:
        free = [v for v in values if all(_apart(v[0], other.where) for other in named)]
        found = [_segment(metric, whole, left, where, value) for where, value in free]
        telling = [s for s in found if s and abs(s.z) > limit and s.explained / change >= _LEAST_SHARE]
        if not telling:
            break
        best = min(telling, key=lambda s: (-round(s.explained / change, 2), len(s.where), -abs(s.z)))
        named.append(_narrowed(best, telling))
        now, before = _sides(metric, named[-1].value)
        left = (left[0].less(now), left[1].less(before))
    return tuple(named)


def _narrowed(segment: Segment, telling: Sequence[Segment]) -> Segment:
    """The narrowest part of a segment that explains nearly as much with much less of the platform."""
    inside = [
        other
        for other in telling
        if set(other.where) > set(segment.where)
        and other.explained / segment.explained >= _NARROWER_SHARE
        and other.weight <= _NARROWER_WEIGHT * segment.weight
    ]
    return min(inside, key=lambda s: s.weight, default=segment)


def _apart(one: Where, other: Where) -> bool:
    """The two hold different values of a dimension that both name: no vehicle is in both."""
    values = dict(other)
    return any(values.get(name, value) != value for name, value in one)
