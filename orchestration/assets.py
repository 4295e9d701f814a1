"""The assets: raw tables that landing fills, a daily-partitioned table per recipe, and the published snapshot.

Each is thin: it opens the lake, calls one plain function and reports what came of it.
"""

from collections.abc import Iterator
from datetime import date

from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    Config,
    DailyPartitionsDefinition,
    MaterializeResult,
    asset,
    multi_asset,
)
from pydantic import Field

from lake.schemas import TABLES
from lake.tables import Table, open_table
from metrics.specs import table_specs
from orchestration.building import build_table
from orchestration.descriptions import (
    PLATFORM,
    asset_key,
    column_schema,
    labels,
    landing_metadata,
    snapshot_metadata,
    table_metadata,
)
from orchestration.feeds import land_feeds
from orchestration.partitions import CHANGED_ONLY, mapping_of
from orchestration.publishing import publish
from orchestration.recipes import Recipe, recipes
from orchestration.resources import LakeResource
from orchestration.retries import STORAGE_RETRIES, no_retry_of_mistakes

RAW = tuple(name for name, spec in TABLES.items() if spec.layer == "raw")
SNAPSHOT = AssetKey(["published", "snapshot"])
#: One run at a time in each pool, where the instance limits pools.
LAND_POOL, BUILD_POOL, PUBLISH_POOL = "land", "build", "publish"
#: Version of a raw table before a landing, in the metadata of its materialization.
VERSION_BEFORE = "version_before"


class LandConfig(Config):
    """Which feeds land."""

    feeds: list[str] = Field(default=[], description="Names of feeds, as in their profiles; all of them where empty.")


@multi_asset(
    name="land_feeds",
    specs=[
        AssetSpec(asset_key(name), metadata={"dagster/column_schema": column_schema(spec)}, **labels(spec))
        for name, spec in TABLES.items()
        if spec.layer == "raw"
    ],
    retry_policy=STORAGE_RETRIES,
    pool=LAND_POOL,
)
def raw_tables(config: LandConfig, lake: LakeResource) -> Iterator[MaterializeResult[None]]:
    """Files that wait in the inboxes become raw rows and rejects, each exactly once."""
    opened = lake.open()
    before = {name: open_table(opened, name).version() for name in RAW}
    with no_retry_of_mistakes():
        landings = land_feeds(opened, lake.settings(), config.feeds)
    for name in RAW:
        metadata = (
            landing_metadata(landings.reports) | {VERSION_BEFORE: before[name]} | table_metadata(opened, TABLES[name])
        )
        yield MaterializeResult(asset_key=asset_key(name), metadata=metadata)
    with no_retry_of_mistakes():
        landings.refuse_failures()


def computed_tables(partitions: DailyPartitionsDefinition) -> list[AssetsDefinition]:
    """One asset per recipe."""
    return [_computed(recipe, partitions) for recipe in recipes()]


@asset(
    key=SNAPSHOT,
    deps=[*(asset_key(name) for name in RAW), *(asset_key(recipe.table) for recipe in recipes())],
    group_name="published",
    description="One immutable DuckDB file with all KPIs and their contracts: what the dashboard and analysts read.",
    owners=[PLATFORM],
    kinds={"duckdb"},
    retry_policy=STORAGE_RETRIES,
    pool=PUBLISH_POOL,
)
def snapshot(lake: LakeResource) -> MaterializeResult[None]:
    """Write the snapshot and make it the current one."""
    with no_retry_of_mistakes():
        info = publish(lake.open(), lake.settings())
    return MaterializeResult(metadata=snapshot_metadata(info))


def _computed(recipe: Recipe, partitions: DailyPartitionsDefinition) -> AssetsDefinition:
    spec = table_specs()[recipe.table]
    inputs = {asset_key(name): None if name in RAW else mapping_of(reach) for name, reach in recipe.inputs.items()}

    @asset(  # type: ignore[untyped-decorator]
        key=asset_key(recipe.table),
        deps=[AssetDep(key, partition_mapping=mapping) for key, mapping in inputs.items()],
        partitions_def=partitions,
        backfill_policy=BackfillPolicy.single_run(),
        metadata={"dagster/column_schema": column_schema(spec)},
        retry_policy=STORAGE_RETRIES,
        pool=BUILD_POOL,
        **labels(spec),
    )
    def compute(context: AssetExecutionContext, lake: LakeResource) -> MaterializeResult[None]:
        opened = lake.open()
        first, last = (date.fromisoformat(context.partition_keys[n]) for n in (0, -1))
        changed_only = context.run.tags.get(CHANGED_ONLY) == "true"
        with no_retry_of_mistakes():
            report = build_table(opened, lake.settings(), recipe, first, last, changed_only=changed_only)
        rows = Table(opened, spec).rows_by_day()
        for day in report.changed[recipe.table] if spec.day_column else ():
            count = {"dagster/partition_row_count": rows.get(day, 0)}
            context.add_asset_metadata(count, partition_key=day.isoformat())
        computed = {
            "days_computed": len(report.days[recipe.table]),
            "days_changed": len(report.changed[recipe.table]),
            "rows_computed": report.rows[recipe.table],
        }
        return MaterializeResult(metadata=computed | table_metadata(opened, spec))

    made: AssetsDefinition = compute
    return made
