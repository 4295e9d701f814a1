"""Everything that Dagster loads: ``dagster dev -m orchestration.definitions``."""

from collections.abc import Mapping
from warnings import catch_warnings, simplefilter

from dagster import BetaWarning, Definitions, in_process_executor

from orchestration.asset_checks import contract_checks, rule_checks
from orchestration.assets import computed_tables, raw_tables, snapshot
from orchestration.jobs import BUILD, LAND, PUBLISH
from orchestration.nightly import NIGHTLY_SCHEDULE, nightly
from orchestration.partitions import daily_partitions
from orchestration.resources import LakeResource
from orchestration.sensors import changed_days_sensor, inbox_sensor, unpublished_sensor
from orchestration.weekly import WEEKLY_SCHEDULE, maintenance


def build_definitions(resources: Mapping[str, LakeResource] | None = None) -> Definitions:
    """All assets, checks, jobs, schedules and sensors.

    Args:
        resources: ``lake``, for another lake than that of the settings.

    Raises:
        SettingsError: a setting is not usable.
    """
    lake = (resources or {}).get("lake") or LakeResource()
    with catch_warnings():
        # Backfills in one run are marked beta; the version of Dagster is pinned, and a test runs one.
        simplefilter("ignore", BetaWarning)
        tables = computed_tables(daily_partitions(lake.settings()))
    return Definitions(
        assets=[raw_tables, *tables, snapshot],
        asset_checks=[*contract_checks(), rule_checks()],
        jobs=[LAND, BUILD, PUBLISH, nightly, maintenance],
        schedules=[NIGHTLY_SCHEDULE, WEEKLY_SCHEDULE],
        sensors=[inbox_sensor, changed_days_sensor, unpublished_sensor],
        resources={"lake": lake},
        # Tables are large and steps few: one process per run, no copy of the libraries per step.
        executor=in_process_executor,
    )


defs = build_definitions()
