"""What moved most, in sentences: only what the additive parts can say for certain.

A total is the sum of its segments, so the segments' own changes add up to it and are named. A ratio moved because
its numerator and its denominator moved, and these two are named. How much of a change is size, mix and rate, and
which segments are behind it beyond chance, is worked out by ``metrics.why``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from dashboard.view import wording
from dashboard.view.names import value_name
from dashboard.view.published import Answers
from dashboard.view.reader import ENGLISH, Reader
from dashboard.view.texts import Text
from metrics import Contracts, Evaluation, Metric, MetricValue, poisson_interval, wilson_interval
from metrics.why import Where, Why, explain

_SMALLEST = 0.005
_SMALLEST_POINTS = 0.15
_NAMED = 2

Interval = tuple[float, float]


@dataclass(frozen=True)
class Move:
    """One change worth a sentence.

    Attributes:
        contract: of the metric.
        change: as it is shown.
        value: now, with unit.
        reason: why, as far as the parts say.
        size: relative change, above 0.
        where: dimension and value of what is behind it most; empty where nothing is beyond chance.
    """

    contract: Metric
    change: wording.Change
    value: str
    reason: str
    size: float
    where: Where = ()


def largest(found: Answers, totals: Evaluation, most: int = 4) -> list[MetricValue]:
    """The largest changes that lie beyond chance, largest first.

    Args:
        found: the answers that the changes come from.
        totals: of the whole slice, one per metric, with their comparison.
        most: how many are told at most.
    """
    beyond = [v for v in totals if not v.change_dominated and _beyond(found.metric(v.metric), v)]
    return sorted(beyond, key=lambda value: -abs(value.relative_change or 0.0))[:most]


#: By dimensions, one or two, the same metrics split by them, with their comparison.
Segments = Mapping[tuple[str, ...], Evaluation]


def moves(reader: Reader, found: Answers, values: Sequence[MetricValue], segments: Segments) -> list[Move]:
    """The sentences on changes.

    Args:
        reader: for whom they are written.
        found: the answers that the changes come from.
        values: as ``largest`` finds them.
        segments: the metrics by dimensions.
    """
    return [_move(reader, found.metric(value.metric), value, segments, found.contracts) for value in values]


def _move(reader: Reader, contract: Metric, value: MetricValue, segments: Segments, contracts: Contracts) -> Move:
    change = wording.change(reader, contract, value)
    assert change is not None
    alone = {name: evaluation for (name, *more), evaluation in segments.items() if not more}
    told = [_total(reader, contract, value, alone, contracts) if contract.is_total else _ratio(reader, contract, value)]
    where: Where = ()
    if contract.is_total or contract.has_parts:
        why = explain(contract, value, segments, tuple(alone))
        told += [_split(reader, contract, why, contracts), _behind(reader, contract, why)]
        where = why.segments[0].where if why.segments else ()
    size = abs(value.relative_change or 0.0)
    now = wording.amount(reader, contract, value.value)
    return Move(contract, change, now, " ".join(filter(None, told)), size, where)


def _split(reader: Reader, contract: Metric, why: Why, contracts: Contracts) -> str:
    """How much is rate and how much mix, by the dimension whose mix moved most; of a total also how much is size."""
    split = max(why.splits, key=lambda one: abs(one.mix), default=None)
    if split is None:
        return ""
    unit = wording.unit_of_difference(reader, contract)
    told = {
        "rate": _signed(reader, contract, split.rate),
        "mix": _signed(reader, contract, split.mix),
        "of": wording.nouns_of(contracts.dimension(split.dimension))[1],
        "unit": reader.say(Text.PER_DAY, unit=unit) if wording.adds_up(contract) else unit,
    }
    if not contract.is_total:
        return reader.say(Text.RATE_AND_MIX, **told).replace(" .", ".")
    size = _signed(reader, contract, split.size)
    return reader.say(Text.RATE_MIX_AND_SIZE, size=size, **told).replace(" .", ".")


def _behind(reader: Reader, contract: Metric, why: Why) -> str:
    """The segment that explains most of it beyond chance."""
    if not why.segments or not why.splits:
        return ""
    segment, split = why.segments[0], why.splits[0]
    whole = split.size + split.mix + split.rate
    last, *others = (value_name(reader, dimension, code) for dimension, code in reversed(segment.where))
    names = reader.say(Text.IN_SEGMENT, name=last, where=others[0]) if others else last
    before = segment.value.previous.value if segment.value.previous else None
    then, now = (wording.amount(reader, contract, amount) for amount in (before, segment.value.value))
    share = wording.percent(reader, segment.explained / whole, 0)
    return reader.say(Text.EXPLAINS, names=names, share=share, then=then, now=now)


def _beyond(contract: Metric, value: MetricValue) -> bool:
    """The change is more than rounding, and more than chance."""
    before = value.previous
    if before is None or value.relative_change is None or abs(value.relative_change) < _SMALLEST:
        return False
    if contract.unit == "%" and abs(value.change or 0.0) < _SMALLEST_POINTS:
        return False
    change = wording.change(ENGLISH, contract, value)
    if change is None or change.arrow == wording.UNCHANGED:
        return False
    if contract.is_total:
        return _is_count_beyond_chance(contract, value, before)
    if value.low is None or value.high is None or before.low is None or before.high is None:
        return True
    return _are_apart((value.low, value.high), (before.low, before.high))


def _is_count_beyond_chance(contract: Metric, value: MetricValue, before: MetricValue) -> bool:
    """Counts have no interval in their contract: here they are taken with that of what they rest on.

    Vehicles moved if their share did, or the fleet. A total moved if that many vehicle-days do not vary as much.
    """
    if contract.over_time == "last":
        return _has_share_moved(value, before) or _are_apart(_fleet(value), _fleet(before))
    return _are_apart(_total_interval(contract, value), _total_interval(contract, before))


def _are_apart(now: Interval, then: Interval) -> bool:
    return now[0] > then[1] or now[1] < then[0]


def _has_share_moved(value: MetricValue, before: MetricValue) -> bool:
    now, then = value.population, before.population
    if now is None or then is None or not now.of or not then.of:
        return False
    return _are_apart(wilson_interval(now.counted, now.of), wilson_interval(then.counted, then.of))


def _fleet(value: MetricValue) -> Interval:
    return poisson_interval(value.population.of) if value.population else (0.0, inf)


def _total_interval(contract: Metric, value: MetricValue) -> Interval:
    """A total is as sure as the number of vehicle-days that it is the sum of."""
    if value.value is None or value.population is None or not value.population.counted:
        return 0.0, inf
    is_daily = (contract.population.over_time or contract.over_time) == "mean"
    counted = value.population.counted * (value.days if is_daily else 1)
    low, high = poisson_interval(counted)
    return value.value * low / counted, value.value * high / counted


def _total(
    reader: Reader, contract: Metric, value: MetricValue, segments: Mapping[str, Evaluation], contracts: Contracts
) -> str:
    assert value.change is not None
    sentences: list[str] = []
    for dimension, evaluation in segments.items():
        changes = [
            (value_name(reader, dimension, v.group[0]), v.change)
            for v in evaluation.series(contract.name)
            if v.change is not None and not v.change_dominated
        ]
        if len(changes) < 2:
            continue
        with_it = sorted((c for c in changes if c[1] * value.change > 0), key=lambda c: -abs(c[1]))[:_NAMED]
        against = max((c for c in changes if c[1] * value.change < 0), key=lambda c: abs(c[1]), default=None)
        words = ", ".join(f"{name} {_signed(reader, contract, change)}" for name, change in with_it)
        if not words:
            continue
        if against is not None and abs(against[1]) >= 0.1 * abs(value.change):
            change = _signed(reader, contract, against[1])
            words = reader.say(Text.AGAINST_IT, words=words, name=against[0], change=change)
        label = contracts.dimension(dimension).label.lower()
        sentences.append(reader.say(Text.BY_DIMENSION, dimension=label, words=words) if sentences else words)
    total = f"{_signed(reader, contract, value.change)} {wording.unit_of(reader, contract)}".strip()
    told = reader.say(Text.OF_TOTAL, total=total, told="; ".join(sentences)) if sentences else f"{total}."
    return f"{_of_fleet(reader, contract, value)} {told}".strip() if contract.over_time == "last" else told


def _of_fleet(reader: Reader, contract: Metric, value: MetricValue) -> str:
    """How much of a number of vehicles is the fleet, and how much its share."""
    before = value.previous
    if before is None or value.population is None or before.population is None:
        return ""
    now, then = value.population, before.population
    change = _signed(reader, contract, now.of - then.of)
    if not _has_share_moved(value, before):
        return reader.say(Text.FLEET_CHANGED_ALONE if now.of != then.of else Text.FLEET_SAME_ALONE, change=change)
    shares = {
        name: wording.percent(reader, people.counted / people.of, 1) for name, people in (("now", now), ("then", then))
    }
    return reader.say(Text.FLEET_CHANGED if now.of != then.of else Text.FLEET_SAME, change=change, **shares)


def _ratio(reader: Reader, contract: Metric, value: MetricValue) -> str:
    labels, before = contract.labels, value.previous
    if labels is None:
        return ""
    assert before is not None
    is_uneven = contract.over_time == "sum" and value.days != before.days
    days = (value.days, before.days) if is_uneven else (1, 1)
    said = Text.PART_CHANGED_PER_DAY if is_uneven else Text.PART_CHANGED
    parts = [
        reader.say(said, name=name, change=_percent(reader, now / days[0], then / days[1]))
        for name, now, then in (
            (labels[0], value.numerator, before.numerator),
            (labels[1], value.denominator, before.denominator),
        )
        if now is not None and then is not None and now > 0 and then > 0 and all(days)
    ]
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _signed(reader: Reader, contract: Metric, change: float) -> str:
    return wording.signed(wording.digits(reader, contract, change))


def _percent(reader: Reader, now: float, then: float) -> str:
    change = now / then - 1
    if change >= wording.TELLING:
        return reader.say(Text.TIMES_AS_MUCH, times=now / then)
    return wording.signed(wording.percent(reader, change, 1))
