"""The weekly job: maintenance of the files of all tables, and its schedule."""

from dagster import DefaultScheduleStatus, OpExecutionContext, ScheduleDefinition, job, op

from orchestration.maintenance import maintain
from orchestration.resources import LakeResource
from orchestration.retries import STORAGE_RETRIES, no_retry_of_mistakes

_POOL = "maintain"


@op(pool=_POOL, retry_policy=STORAGE_RETRIES)
def maintain_tables(context: OpExecutionContext, lake: LakeResource) -> None:
    """Merge small files, and remove those that are too old to be read."""
    with no_retry_of_mistakes():
        report = maintain(
            lake.open(),
            lake.settings(),
            progress=lambda name, done, total: context.log.info(f"{done} of {total} tables; next: {name or 'none'}"),
        )
    context.add_output_metadata(
        {
            "files_before": report.before,
            "files_after": report.after,
            "files_removed": report.removed,
            "bytes_freed": report.freed,
            "runs_dropped": report.runs_dropped,
            "left_for_the_next_time": report.left,
        }
    )


@job(description="Merges small files of days that are no longer written to, and removes files too old to be read.")
def maintenance() -> None:
    """One op; it may run beside landings, builds and publications."""
    maintain_tables()


WEEKLY_SCHEDULE = ScheduleDefinition(
    name="every_week",
    job=maintenance,
    cron_schedule="0 4 * * 0",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Sundays at 04:00 UTC, when the nightly run has ended.",
)
