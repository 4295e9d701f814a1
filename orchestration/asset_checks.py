"""The data checks as Dagster asset checks. A failed one blocks what depends on its table in the same run.

A check looks at the days of its run. In a run without days, such as the publication, it looks at the days computed
since the last publication; at a raw table, at the days that the last landing changed.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSpec,
    DagsterInstance,
    multi_asset_check,
)

from lake.storage import Lake
from lake.tables import open_table
from orchestration.assets import RAW, VERSION_BEFORE
from orchestration.checks import CheckResult, DataCheck, data_checks, run_checks
from orchestration.descriptions import asset_key
from orchestration.partitions import days_of_run
from orchestration.resources import LakeResource
from orchestration.retries import STORAGE_RETRIES, no_retry_of_mistakes


def check_key(check: DataCheck | CheckResult) -> AssetCheckKey:
    """The key of a check: its table, and its name without it."""
    name = check.name if isinstance(check, DataCheck) else check.check
    return AssetCheckKey(asset_key(check.table), name.removeprefix(f"{check.table}."))


def contract_checks() -> list[AssetChecksDefinition]:
    """The checks that follow from the contract of a table, table by table; they run wherever the table is made."""
    checks = [check for check in data_checks() if check.generated]
    tables = sorted({check.table for check in checks})
    return [
        _definition(f"{table.replace('.', '_')}_contract", [c for c in checks if c.table == table]) for table in tables
    ]


def rule_checks() -> AssetChecksDefinition:
    """The rules of ``sql/checks``. They compare tables with each other, so they run before a publication, when no table
    is behind another."""
    return _definition("data_rules", [check for check in data_checks() if not check.generated])


def evaluation(result: CheckResult) -> AssetCheckEvaluation:
    """A result as the event that an op logs, which is not a check itself."""
    key, told = check_key(result), _told(result)
    return AssetCheckEvaluation(
        asset_key=key.asset_key, check_name=key.name, passed=told.passed, metadata=told.metadata, blocking=True
    )


def _definition(name: str, checks: Sequence[DataCheck]) -> AssetChecksDefinition:
    """One step that runs some checks, or those of them that are asked for."""

    @multi_asset_check(
        name=name, specs=[_spec(check) for check in checks], can_subset=True, retry_policy=STORAGE_RETRIES
    )
    def examine(context: AssetCheckExecutionContext, lake: LakeResource) -> Iterator[AssetCheckResult]:
        wanted = [check for check in checks if check_key(check) in context.selected_asset_check_keys]
        opened = lake.open()
        days = days_of_run(context.run.tags)
        landed = {check.table for check in wanted if check.generated and check.table in RAW}
        if days is None and landed:
            days = _landed_days(opened, context.instance, landed.pop())
        with no_retry_of_mistakes():
            results = run_checks(opened, lake.settings(), days, checks=wanted)
        yield from map(_told, results)

    return examine


def _spec(check: DataCheck) -> AssetCheckSpec:
    key = check_key(check)
    others = [asset_key(name) for name in check.inputs if name != check.table and not name.startswith("ops.")]
    return AssetCheckSpec(key.name, asset=key.asset_key, description=check.rule, additional_deps=others, blocking=True)


def _landed_days(lake: Lake, instance: DagsterInstance, table: str) -> list[date]:
    """The days of a raw table that the last landing changed; all that are there where no landing is known."""
    event = instance.get_latest_materialization_event(asset_key(table))
    materialization = event.asset_materialization if event else None
    before = materialization.metadata.get(VERSION_BEFORE) if materialization else None
    since = before.value if before is not None and isinstance(before.value, int) else -1
    return sorted(open_table(lake, table).changed_days(since))


def _told(result: CheckResult) -> AssetCheckResult:
    key = check_key(result)
    metadata: dict[str, Any] = {"failing_rows": result.findings.failing_rows}
    if result.findings.why:
        metadata["rules_broken"] = result.findings.why
    if result.findings.examples:
        metadata["examples"] = [{name: str(value) for name, value in row.items()} for row in result.findings.examples]
    return AssetCheckResult(
        passed=result.passed, asset_key=key.asset_key, check_name=key.name, metadata=metadata, description=result.rule
    )
