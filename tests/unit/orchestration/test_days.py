"""Days as ranges, as partitions and as tags of a run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from dagster import DagsterInstance, Failure
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import FeedError, LakeError
from lake.settings import get_settings
from orchestration.due import DueBuild, day_ranges
from orchestration.partitions import daily_partitions, days_of_run, mapping_of, tags_of
from orchestration.retries import no_retry_of_mistakes
from orchestration.staleness import Reach

MONDAY = date(2026, 3, 2)

days = st.sets(st.integers(0, 400).map(lambda n: MONDAY + timedelta(n)), max_size=60)


def _covered(ranges: list[tuple[date, date]]) -> list[date]:
    return [first + timedelta(n) for first, last in ranges for n in range((last - first).days + 1)]


@given(days)
def test_ranges_hold_exactly_the_days(found: set[date]) -> None:
    ranges = day_ranges(found)
    assert _covered(ranges) == sorted(found)
    assert all(after[0] - before[1] > timedelta(1) for before, after in pairwise(ranges))


@given(days, st.integers(1, 8))
def test_a_flood_of_days_becomes_few_ranges_that_cover_them(found: set[date], at_most: int) -> None:
    ranges = day_ranges(found, at_most)
    assert len(ranges) == min(at_most, len(day_ranges(found)))
    assert set(_covered(ranges)) >= found
    assert all(end in found for pair in ranges for end in pair)


def test_the_widest_gaps_are_kept() -> None:
    found = [MONDAY + timedelta(n) for n in (0, 2, 30, 33, 90)]
    assert day_ranges(found, 3) == [(found[0], found[1]), (found[2], found[3]), (found[4], found[4])]


def test_a_run_is_about_the_days_of_its_tags() -> None:
    build = DueBuild(("core.trips",), MONDAY, MONDAY + timedelta(2), "key")
    assert days_of_run(tags_of(build)) == [MONDAY + timedelta(n) for n in range(3)]
    assert days_of_run({"dagster/partition": "2026-03-02"}) == [MONDAY]
    assert days_of_run({"owner": "me"}) is None


def test_partitions_reach_from_days_before_the_earliest_event_to_tomorrow(tmp_path: Path) -> None:
    profile = 'name = "old"\nformat = "csv"\nkind = "telemetry"\ncolumns.speed_kmh = "s"\nearliest_day = 1998-05-01\n'
    (tmp_path / "old.toml").write_text(profile + '[vehicle]\nfield = "v"\n[time]\nfield = "t"\n')
    today = datetime.now(UTC).date()
    # A cohort of deliveries is looked at again when one of the 90 days after it changes.
    for feeds, first in ((tmp_path, "1998-01-31"), (tmp_path / "none", "1999-10-03")):
        keys = daily_partitions(get_settings(feeds=feeds)).get_partition_keys()
        assert (keys[0], keys[-1]) == (first, (today + timedelta(1)).isoformat())


def test_a_table_that_looks_back_depends_on_the_days_before() -> None:
    partitions = daily_partitions(get_settings())
    wanted = partitions.subset_with_partition_keys(["2026-03-28"])
    upstream = mapping_of(Reach(back=27)).get_upstream_mapped_partitions_result_for_partitions(
        wanted, partitions, partitions
    )
    keys = sorted(upstream.partitions_subset.get_partition_keys())
    assert (keys[0], keys[-1], len(keys)) == ("2026-03-01", "2026-03-28", 28)


def test_mistakes_are_not_retried_and_storage_is() -> None:
    with pytest.raises(Failure) as caught, no_retry_of_mistakes():
        raise FeedError("The feed profile is wrong", found="speeed", action="correct it")
    assert caught.value.allow_retries is False
    assert caught.value.metadata["found"].value == "speeed"
    for error in (OSError("connection reset"), LakeError("The lake cannot be reached")):
        with pytest.raises(LakeError), no_retry_of_mistakes():  # which is no Failure
            raise error


def test_the_instance_says_nothing_to_anyone_and_limits_what_runs_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Path(__file__).resolve().parents[3] / "orchestration" / "dagster.yaml"
    (tmp_path / "dagster.yaml").write_text(shipped.read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with DagsterInstance.get() as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.global_op_concurrency_default_limit == 1
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
