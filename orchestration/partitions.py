"""The days that core and KPI tables are partitioned by, and which of them a run is about."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta

from dagster import AllPartitionMapping, DailyPartitionsDefinition, TimeWindowPartitionMapping

from lake.errors import FeedError
from lake.settings import Settings
from lake.tables import days_between
from orchestration.due import DueBuild
from orchestration.feeds import load_profiles
from orchestration.recipes import recipes
from orchestration.staleness import Reach

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
#: A run with this tag computes, of its days, those that are behind their inputs.
CHANGED_ONLY = "sillage/changed_only"


def daily_partitions(settings: Settings) -> DailyPartitionsDefinition:
    """UTC days, from somewhat before the earliest event that may land to tomorrow.

    The day of a trip, or of a charging session, is looked at again when days after it change, hence the days before; a
    vehicle's clock may run a day ahead, hence tomorrow.
    """
    earliest = [settings.earliest_day]
    with suppress(FeedError):  # landing and its sensor say what is wrong with the profiles
        earliest += [profile.earliest_day for profile in load_profiles(settings)[0] if profile.earliest_day]
    forward = max(reach.forward for recipe in recipes() for reach in recipe.inputs.values())
    start = min(earliest) - timedelta(days=forward)
    return DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=2)


def mapping_of(reach: Reach) -> TimeWindowPartitionMapping | AllPartitionMapping:
    """Which days of an input a day needs."""
    if reach.onward or reach.throughout:
        return AllPartitionMapping()
    return TimeWindowPartitionMapping(
        start_offset=-reach.back, end_offset=reach.forward, allow_nonexistent_upstream_partitions=True
    )


def days_of_run(tags: Mapping[str, str]) -> list[date] | None:
    """The days a run is about, from its tags; ``None`` if it is not about days."""
    first = tags.get(RANGE_START) or tags.get(PARTITION)
    last = tags.get(RANGE_END) or tags.get(PARTITION)
    if not first or not last:
        return None
    return list(days_between(date.fromisoformat(first), date.fromisoformat(last)))


def tags_of(build: DueBuild) -> dict[str, str]:
    """Tags of the run that does a build that is due."""
    return {RANGE_START: build.first.isoformat(), RANGE_END: build.last.isoformat(), CHANGED_ONLY: "true"}
