"""The nightly job: land, build everything that is behind, check, publish. And its schedule.

It calls the same plain functions as the assets do, and reports their events, so the catalogue shows what it did. It is
one job of ops, since a run of assets is about one range of days, and what is behind is rarely one. It does not depend
on the sensors: with them off, every day is still landed, built and published.
"""

import traceback

from dagster import (
    AssetMaterialization,
    DefaultScheduleStatus,
    Failure,
    In,
    Nothing,
    OpExecutionContext,
    ScheduleDefinition,
    job,
    op,
)

from lake.storage import Lake
from lake.tables import Table, open_table
from metrics.specs import table_specs
from orchestration.asset_checks import evaluation
from orchestration.assets import BUILD_POOL, LAND_POOL, PUBLISH_POOL, RAW, SNAPSHOT, VERSION_BEFORE
from orchestration.building import BuildReport, build
from orchestration.checks import run_checks
from orchestration.descriptions import asset_key, landing_metadata, snapshot_metadata, table_metadata
from orchestration.feeds import land_feeds
from orchestration.publishing import publish
from orchestration.resources import LakeResource
from orchestration.retries import STORAGE_RETRIES, no_retry_of_mistakes

_AFTER = {"before": In(Nothing)}


@op(pool=LAND_POOL, retry_policy=STORAGE_RETRIES)
def land_everything(context: OpExecutionContext, lake: LakeResource) -> dict[str, str]:
    """Land what waits in the inboxes of all feeds; what those that failed said, by name."""
    opened = lake.open()
    before = {name: open_table(opened, name).version() for name in RAW}
    with no_retry_of_mistakes():
        landings = land_feeds(opened, lake.settings())
    landing = landing_metadata(landings.reports)
    for name in RAW:
        if open_table(opened, name).version() > before[name]:
            metadata = landing | {VERSION_BEFORE: before[name]} | table_metadata(opened, table_specs()[name])
            context.log_event(AssetMaterialization(asset_key(name), metadata=metadata))
    for error in landings.failed.values():
        context.log.error("".join(traceback.format_exception(error)))
    # Texts, since not every error can be handed from step to step.
    return {name: str(error) for name, error in landings.failed.items()}


@op(pool=BUILD_POOL, retry_policy=STORAGE_RETRIES, ins=_AFTER)
def build_what_changed(context: OpExecutionContext, lake: LakeResource) -> None:
    """Compute all days that are behind their inputs."""
    opened = lake.open()
    with no_retry_of_mistakes():
        report = build(opened, lake.settings())
    _report_days(context, opened, report)


@op(pool=PUBLISH_POOL, retry_policy=STORAGE_RETRIES, ins=_AFTER)
def publish_what_holds(context: OpExecutionContext, lake: LakeResource) -> None:
    """Check the days computed since the last publication, and publish if all of them hold."""
    opened, settings = lake.open(), lake.settings()
    with no_retry_of_mistakes():
        results = run_checks(opened, settings)
        for result in results:
            context.log_event(evaluation(result))  # type: ignore[arg-type]
        broken = [result for result in results if not result.passed]
        if broken:
            raise Failure(
                f"Not published: {', '.join(result.check for result in broken)}",
                metadata={result.check: f"{result.findings.failing_rows} rows: {result.rule}" for result in broken},
                allow_retries=False,
            )
        info = publish(opened, settings)
    context.log_event(AssetMaterialization(SNAPSHOT, metadata=snapshot_metadata(info)))


@op(ins=_AFTER)
def refuse_failed_feeds(failed: dict[str, str]) -> None:
    """Fail if a feed has failed, now that what the others brought is published."""
    if failed:
        raise Failure(f"Landing failed for {', '.join(failed)}", metadata=failed, allow_retries=False)


@job(description="Lands, builds and publishes all that is due, whether or not the sensors are on.")
def nightly() -> None:
    """Land, build, publish; each after the one before. A feed that fails keeps none of it from the others."""
    failed = land_everything()
    refuse_failed_feeds(failed, before=publish_what_holds(build_what_changed(failed)))


NIGHTLY_SCHEDULE = ScheduleDefinition(
    name="every_night",
    job=nightly,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="At 02:00 UTC, when the UTC day has ended everywhere and its stragglers have had two hours.",
)


def _report_days(context: OpExecutionContext, lake: Lake, report: BuildReport) -> None:
    for name, days in report.changed.items():
        table = Table(lake, table_specs()[name])
        rows = table.rows_by_day()
        for day in days:
            count = {"dagster/partition_row_count": rows.get(day, 0)} if table.spec.day_column else {}
            context.log_event(AssetMaterialization(asset_key(name), partition=day.isoformat(), metadata=count))
