"""What share of a day's messages is still to come, learned from how late those of earlier days came.

A lag is only seen once its message is there: of yesterday, none of a week. Such lags are right-truncated, and taking
those that were seen for all would call every young day whole. So the distribution is put together from the far end:
of the messages of days old enough to show a time u, that came within u, the share that came just then is the reverse
hazard at u, and the share that has come by u is the product of one less that over all longer times.
Source: J. D. Kalbfleisch, J. F. Lawless, "Regression models for right truncated data with applications to AIDS
incubation times and reporting lags", Statistica Sinica 1 (1991); insurers know it as the chain ladder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import floor, log

import numpy as np
import polars as pl
from numpy.typing import NDArray

#: Days back from the newest that are learned from; later than this, nothing is expected.
WINDOW_DAYS = 56
#: A feed is known once so many days were over since it was first heard.
_LEAST_DAYS = 7
#: Days back from the newest whose messages are the weight of a feed.
_WEIGHT_DAYS = 28
#: A feed from which nothing has come for so long while others came has ended: nothing is expected of it.
_SILENT = timedelta(days=7)
_DAY = timedelta(days=1)
_GROWTH = 1.02
#: Class of the messages that came within their day.
_WITHIN = -32768


@dataclass(frozen=True)
class _Feed:
    """What is known of one feed.

    Attributes:
        arrived: up to when all that arrived has been counted.
        classes: classes of times after the end of the day, rising, the first for what came within it.
        share: of a day's messages, the share that has come by the end of each class.
        weight: messages of the newest days that can be learned from.
    """

    arrived: datetime
    classes: NDArray[np.int64]
    share: NDArray[np.float64]
    weight: float

    def expected(self, day: date) -> float:
        """The share of a day's messages that is still to come."""
        age = self.arrived - _end(day)
        if age < timedelta():  # not told to its end: the rest of the day is still to come, spread evenly
            told = max(0.0, 1 + age / _DAY)
            return float(1 - told * self.share[0])
        place = int(np.searchsorted(self.classes, _whole_class(age), side="right")) - 1
        return float(1 - self.share[place])


def still_expected(
    counted: pl.DataFrame, newest_received_at: Mapping[str, datetime], days: Iterable[date]
) -> dict[date, float]:
    """The share of each day's messages that is still to come, over all feeds by their messages.

    Lags longer than the window are not known, and taken not to be. Days before a feed was first heard are of an
    archive, and tell nothing of how late it is.

    Args:
        counted: ``source, date, log_bucket, messages, messages_after_day``: sums of ``kpi.arrivals``.
        newest_received_at: newest arrival of each feed that has landed.
        days: days asked for.

    Returns:
        Shares from 0 to 1 by day; empty where no feed is known well enough.
    """
    known = [
        feed
        for name, rows in sorted(counted.partition_by("source", as_dict=True).items())
        if (feed := _learn(rows, newest_received_at.get(str(name[0])))) is not None
    ]
    latest = max((feed.arrived for feed in known), default=None)
    alive = [feed for feed in known if latest is not None and feed.arrived >= latest - _SILENT]
    weight = sum(feed.weight for feed in alive)
    if not weight:
        return {}
    return {day: max(0.0, sum(feed.weight * feed.expected(day) for feed in alive) / weight) for day in days}


def _learn(rows: pl.DataFrame, newest: datetime | None) -> _Feed | None:
    """One feed, from its rows; ``None`` where too few days are known."""
    if newest is None or rows.is_empty():
        return None
    last: date = rows["date"].max()  # type: ignore[assignment]
    rows = rows.filter(pl.col("date") > last - timedelta(WINDOW_DAYS))
    by_day = rows.group_by("date").agg(pl.col("messages", "messages_after_day").sum())
    late = rows.filter(pl.col("messages_after_day") > 0, pl.col("log_bucket") > _WITHIN)
    arrived = _counted_until(late, last, newest)
    begun = _first_heard(by_day, late)
    followed = sorted(day for day in by_day["date"] if begun <= _end(day) - _DAY and _end(day) <= arrived)
    if len(followed) < _LEAST_DAYS:
        return None
    classes = np.array([_WITHIN, *late["log_bucket"].unique().sort()], dtype=np.int64)
    rank = {day: number for number, day in enumerate(followed)}
    counts = np.zeros((len(followed), len(classes)))
    for day, messages, after in by_day.select("date", "messages", "messages_after_day").iter_rows():
        if day in rank:
            counts[rank[day], 0] = messages - after
    summed = late.group_by("date", "log_bucket").agg(pl.col("messages_after_day").sum())
    for day, bucket, after in summed.iter_rows():
        if day in rank:
            counts[rank[day], np.searchsorted(classes, bucket)] = after
    seen = classes[None, :] <= np.array([_whole_class(arrived - _end(day)) for day in followed])[:, None]
    weight = sum(counts[rank[day]].sum() for day in followed if day > last - timedelta(_WEIGHT_DAYS))
    return _Feed(arrived, classes, _share_by_class(counts * seen, seen), float(weight))


def _share_by_class(counts: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share that has come by the end of each class.

    Args:
        counts: messages by day and class, 0 where the day is too young for the class.
        seen: whether the day is old enough.
    """
    at_risk = (np.cumsum(counts, axis=1) * seen).sum(axis=0)
    hazard = np.divide(counts.sum(axis=0), at_risk, out=np.zeros(len(at_risk)), where=at_risk > 0)
    longer = np.cumprod((1 - hazard)[::-1])[::-1]
    return np.append(longer[1:], 1.0)


def _counted_until(late: pl.DataFrame, last: date, newest: datetime) -> datetime:
    """Up to when what arrived has been counted.

    What has landed may not be built yet: then it is the end of the newest day with messages, or what came after it.
    """
    longest = late.group_by("date").agg(pl.col("log_bucket").max())
    seen = [_end(day) + timedelta(seconds=_GROWTH ** (bucket - 1)) for day, bucket in longest.iter_rows()]
    return min(newest, max([_end(last), *seen]))


def _first_heard(by_day: pl.DataFrame, late: pl.DataFrame) -> datetime:
    """When the first message of the window came, or a little later: a class says it to 2 % of its time."""
    within = by_day.filter(pl.col("messages") > pl.col("messages_after_day"))["date"]
    shortest = late.group_by("date").agg(pl.col("log_bucket").min())
    seen = [_end(day) + timedelta(seconds=_GROWTH**bucket) for day, bucket in shortest.iter_rows()]
    return min([*(_end(day) for day in within), *seen])


def _whole_class(age: timedelta) -> int:
    """The highest class whose times a day of this age, since its end, has all seen."""
    seconds = age.total_seconds()
    return _WITHIN if seconds <= 0 else max(_WITHIN, floor(log(seconds) / log(_GROWTH)))


def _end(day: date) -> datetime:
    """The moment at which a UTC day is over."""
    return datetime.combine(day, time(), tzinfo=UTC) + _DAY
