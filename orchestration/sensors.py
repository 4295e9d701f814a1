"""The sensors: one on the inboxes, one on the logs of the tables, one on what is not published yet.

All of them read the lake, not what Dagster remembers, so they also see what the command line did. A request is named
by the state of the lake it was made for; the same state is never requested twice. While runs of a kind are under way,
nothing more of the kind is requested: what they leave undone is requested after them, all at once.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunConfig,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from lake.errors import FeedError
from orchestration.assets import LandConfig
from orchestration.descriptions import asset_key
from orchestration.due import due_builds, due_files, fingerprint, unpublished
from orchestration.feeds import load_profiles
from orchestration.jobs import BUILD, LAND, PUBLISH, contract_keys
from orchestration.nightly import nightly
from orchestration.partitions import tags_of
from orchestration.resources import LakeResource

FEED = "sillage/feed"
_INTERVAL_S = 30
#: A run that began longer ago does not hold up others: its process may be gone without a word.
_LONGEST_WAIT = timedelta(hours=6)
_BY_HAND = "__ASSET_JOB"
_OPEN = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

Requests = Iterator[RunRequest | SkipReason]


@sensor(
    job=LAND,
    minimum_interval_seconds=_INTERVAL_S,
    default_status=DefaultSensorStatus.RUNNING,
    description="Files that wait in the inbox of a feed, no longer being written, request a landing of the feed.",
)
def inbox_sensor(context: SensorEvaluationContext, lake: LakeResource) -> Requests:
    """One run per feed with new files. The cursor holds, for each feed, the set of files last requested."""
    opened, settings = lake.open(), lake.settings()
    requested: dict[str, str] = json.loads(context.cursor or "{}")
    waiting = 0
    profiles, wrong = load_profiles(settings)
    for error in wrong.values():
        context.log.warning(str(error))
    for profile in profiles:
        try:
            files = due_files(opened, settings, profile)
        except FeedError as error:
            context.log.warning(str(error))
            continue
        mark = fingerprint(files)
        if not files or requested.get(profile.name) == mark:
            continue
        waiting += 1
        if _under_way(context, LAND.name, {FEED: profile.name}) or _under_way(context, nightly.name):
            continue
        requested[profile.name] = mark
        yield RunRequest(
            run_key=f"{profile.name} {mark}",
            run_config=RunConfig(ops={"land_feeds": LandConfig(feeds=[profile.name])}),
            tags={FEED: profile.name},
        )
    context.update_cursor(json.dumps(requested))
    if not waiting:
        names = ", ".join(profile.name for profile in profiles)
        yield SkipReason(f"No new file in the inbox of {names}." if names else f"No profile in {settings.feeds}.")


@sensor(
    job=BUILD,
    minimum_interval_seconds=_INTERVAL_S,
    default_status=DefaultSensorStatus.RUNNING,
    description="Days of a table whose input changed request a build of exactly these days.",
)
def changed_days_sensor(context: SensorEvaluationContext, lake: LakeResource) -> Requests:
    """A run per range of days; tables that are behind in the same days share it."""
    if _building(context):
        yield SkipReason("A build is under way; what it leaves behind is requested after it.")
        return
    due = due_builds(lake.open())
    for build in due:
        yield RunRequest(
            run_key=build.key,
            asset_selection=[asset_key(name) for name in build.tables],
            asset_check_keys=contract_keys(build.tables),
            tags=tags_of(build),
        )
    if not due:
        yield SkipReason("No day is behind its inputs.")


@sensor(
    job=PUBLISH,
    minimum_interval_seconds=_INTERVAL_S,
    default_status=DefaultSensorStatus.RUNNING,
    description="When no day is behind and some were computed since the last publication, requests a publication.",
)
def unpublished_sensor(context: SensorEvaluationContext, lake: LakeResource) -> Requests:
    """One run. If its checks fail, the next is requested once something was computed anew."""
    opened = lake.open()
    state = unpublished(opened)
    if not state.days:
        yield SkipReason("All that was computed is published.")
    elif _building(context) or _under_way(context, PUBLISH.name):
        yield SkipReason("A build or a publication is under way.")
    elif due_builds(opened):
        yield SkipReason("Some days are still behind their inputs.")
    else:
        yield RunRequest(run_key=state.key)


def _building(context: SensorEvaluationContext) -> bool:
    return any(_under_way(context, name) for name in (BUILD.name, nightly.name, _BY_HAND))


def _under_way(context: SensorEvaluationContext, job: str, tags: dict[str, str] | None = None) -> bool:
    began = datetime.now(UTC) - _LONGEST_WAIT
    runs = RunsFilter(job_name=job, statuses=_OPEN, tags=tags or {}, created_after=began)
    return bool(context.instance.get_run_ids(runs, limit=1))
