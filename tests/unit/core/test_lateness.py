"""What is still to come of a day, learned from how late those of earlier days came."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl
import pytest

from metrics.kinds.quantile import bucket_of
from transforms.lateness import WINDOW_DAYS, still_expected

TODAY = date(2026, 3, 31)
SCHEMA = {
    "source": pl.String, "date": pl.Date, "log_bucket": pl.Int64, "messages": pl.Int64, "messages_after_day": pl.Int64,
}  # fmt: skip


def end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)


def sent(day: date, within: int, late: dict[float, int], as_of: datetime, source: str = "fleet") -> list[tuple]:  # type: ignore[type-arg]
    """What is counted of a day: messages that came in it, and others so many hours after it, those that are there."""
    there = {hours: n for hours, n in late.items() if end(day) + timedelta(hours=hours) <= as_of}
    rows = [(source, day, bucket_of(5), within + sum(there.values()), 0)]
    return rows + [(source, day, bucket_of(hours * 3600), 0, n) for hours, n in there.items()]


def history(
    days: int, as_of: datetime, within: int = 900, late: dict[float, int] | None = None, source: str = "fleet"
) -> pl.DataFrame:
    """So many days that end with the one before ``as_of``, all alike: of 1,000 messages, 100 come late."""
    late = {10: 60, 30: 30, 195: 10} if late is None else late
    last = (as_of - timedelta(microseconds=1)).date()
    whole = [day for n in range(days) if end(day := last - timedelta(n)) <= as_of]
    rows = [row for day in whole for row in sent(day, within, late, as_of, source)]
    if last not in whole:  # the day that is under way
        rows += sent(last, 1, {}, as_of, source)
    return pl.DataFrame(rows, SCHEMA, orient="row")


def test_what_is_still_to_come_is_what_came_late_before() -> None:
    as_of = end(TODAY) + timedelta(hours=11)
    shares = still_expected(history(50, as_of), {"fleet": as_of}, [TODAY - timedelta(n) for n in range(12)])
    told = [round(1000 * share, 6) for share in shares.values()]
    # 11 hours after its end a day lacks what comes after 30 and 195 hours, 35 hours after it, only the latter.
    assert told == [40, 10, 10, 10, 10, 10, 10, 10, 0, 0, 0, 0]


def test_a_day_of_few_messages_is_as_late_as_others() -> None:
    as_of = end(TODAY) + timedelta(hours=11)
    sunday = TODAY - timedelta(2)
    rest = history(50, as_of).filter(pl.col("date") != sunday)
    few = pl.DataFrame(sent(sunday, 90, {10: 6, 30: 3, 200: 1}, as_of), SCHEMA, orient="row")
    shares = still_expected(pl.concat([rest, few]), {"fleet": as_of}, [TODAY, sunday])
    assert list(shares.values()) == pytest.approx([0.04, 0.01])


def test_young_days_do_not_pass_for_whole_ones() -> None:
    """The half of a feed's messages that takes five days: of ten days, half could not show it yet."""
    as_of = end(TODAY)
    shares = still_expected(history(10, as_of, 500, {110: 500}), {"fleet": as_of}, [TODAY])
    assert shares[TODAY] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(5))
def test_of_random_lags_the_true_share_is_found(seed: int) -> None:
    """Exponential lags of a day in the mean, for a third of the messages: within a tenth of the true share."""
    random, as_of, counts = Random(seed), end(TODAY) + timedelta(hours=6), Counter[tuple[date, int]]()
    for n in range(40):
        day = TODAY - timedelta(n)
        for _ in range(1_500):
            hours = random.expovariate(1 / 24) if random.random() < 1 / 3 else 0
            if end(day) + timedelta(hours=hours) <= as_of:
                counts[day, bucket_of(hours * 3600)] += 1
    rows = [("fleet", day, bucket, n, n if bucket > -32768 else 0) for (day, bucket), n in counts.items()]
    shares = still_expected(pl.DataFrame(rows, SCHEMA, orient="row"), {"fleet": as_of}, [TODAY, TODAY - timedelta(1)])
    for age, share in zip((6, 30), shares.values(), strict=True):
        assert share == pytest.approx(2.718281828 ** (-age / 24) / 3, rel=0.1)


def test_feeds_weigh_by_their_messages() -> None:
    as_of = end(TODAY)
    punctual, slow = history(20, as_of, 9_000, {}), history(20, as_of, 500, {30: 500}, "slow")
    shares = still_expected(pl.concat([punctual, slow]), {"fleet": as_of, "slow": as_of}, [TODAY])
    assert shares[TODAY] == pytest.approx(0.5 * 18 / 189)  # the first day tells nothing, of two half is there


def test_a_lake_without_history_says_nothing() -> None:
    as_of = end(TODAY)
    assert still_expected(history(7, as_of), {"fleet": as_of}, [TODAY]) == {}
    assert still_expected(history(20, as_of), {}, [TODAY]) == {}
    assert still_expected(pl.DataFrame(schema=SCHEMA), {"fleet": as_of}, [TODAY]) == {}
    assert TODAY in still_expected(history(9, as_of), {"fleet": as_of}, [TODAY])


def test_an_archive_tells_nothing_of_lags() -> None:
    """Fifty days that arrive at one moment, a year later or the next morning: a week of live days is needed."""
    for landed in (timedelta(hours=7), timedelta(365)):
        as_of = end(TODAY) + landed
        rows = []
        for n in range(50):
            day = TODAY - timedelta(n)
            hours = (as_of - end(day)) / timedelta(hours=1)
            rows += sent(day, 0, {hours: 1000}, as_of)
        archive = pl.DataFrame(rows, SCHEMA, orient="row")
        assert still_expected(archive, {"fleet": as_of}, [TODAY]) == {}
        later = as_of + timedelta(20)
        live = history(18, later)
        shares = still_expected(pl.concat([archive, live]), {"fleet": later}, [later.date() - timedelta(1)])
        assert list(shares.values()) == pytest.approx([0.1]), "an archive must not count as late"


def test_a_feed_that_has_ended_is_not_waited_for() -> None:
    as_of, ended = end(TODAY), end(TODAY - timedelta(9))
    old = history(20, ended, 500, {30: 500}, "old")
    both = pl.concat([old, history(30, as_of, 1000, {})])
    days = [TODAY - timedelta(n) for n in range(20)]
    assert set(still_expected(both, {"fleet": as_of, "old": ended}, days).values()) == {0.0}


def test_what_has_landed_and_is_not_built_does_not_pass_for_whole() -> None:
    as_of = end(TODAY)
    built = history(30, as_of)
    assert still_expected(built, {"fleet": as_of + timedelta(2)}, [TODAY]) == still_expected(
        built, {"fleet": as_of}, [TODAY]
    )


def test_of_a_day_not_told_to_its_end_the_rest_is_still_to_come() -> None:
    as_of = end(TODAY) - timedelta(hours=6)
    shares = still_expected(history(30, as_of), {"fleet": as_of}, [TODAY, TODAY + timedelta(1)])
    assert shares[TODAY] == pytest.approx(1 - 0.75 * 0.9)
    assert shares[TODAY + timedelta(1)] == 1


def test_what_is_later_than_the_window_is_not_waited_for() -> None:
    as_of = end(TODAY)
    rows = history(WINDOW_DAYS + 40, as_of, 900, {24.0 * (WINDOW_DAYS + 10): 100})
    assert still_expected(rows, {"fleet": as_of}, [TODAY]) == {TODAY: 0.0}
