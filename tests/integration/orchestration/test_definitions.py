"""What Dagster loads: the same assets, dependencies, checks, jobs, schedules and sensors as the golden file says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, Definitions, ExecutorDefinition, TableSchema, TimeWindowPartitionMapping

from metrics.specs import table_specs
from orchestration.definitions import build_definitions
from orchestration.recipes import recipes

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "definitions.txt"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return build_definitions()


def _described(definitions: Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        policy = "one run" if node.backfill_policy and node.backfill_policy.policy_type.value == "SINGLE_RUN" else ""
        parts = "daily" if node.partitions_def else ""
        labels = [node.group_name, parts, policy, *sorted(node.kinds), *node.owners]
        yield f"asset {key.to_user_string()}: {', '.join(filter(None, labels))}"
        for parent in sorted(node.parent_keys):
            mapping = node.partition_mappings.get(parent)
            is_window = isinstance(mapping, TimeWindowPartitionMapping)
            offsets = f" days {mapping.start_offset:+} to {mapping.end_offset:+}" if is_window else " all days"
            offsets = offsets if mapping else ""
            yield f"  from {parent.to_user_string()}{offsets}"
        for check in sorted(graph.get_check_keys_for_assets({key})):
            blocking = "blocking" if graph.get_check_spec(check).blocking else "not blocking"
            yield f"  check {check.name}: {blocking}"
    for job in sorted(definitions.resolve_all_job_defs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            yield f"job {job.name}: {', '.join(sorted(node.name for node in job.nodes))}"
    for schedule in definitions.schedules or ():
        when = f"{schedule.cron_schedule} {schedule.execution_timezone}"
        yield f"schedule {schedule.name}: {when}, job {schedule.job_name}, {schedule.default_status.value}"
    for sensor in sorted(definitions.sensors or (), key=lambda sensor: sensor.name):
        yield f"sensor {sensor.name}: job {sensor.job_name}, {sensor.default_status.value}"


def test_definitions_are_as_written_down(definitions: Definitions) -> None:
    text = "\n".join(_described(definitions)) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text(), "if this is meant: UPDATE_GOLDEN=1 pytest " + Path(__file__).name


def test_everything_runs_in_one_process(definitions: Definitions) -> None:
    assert isinstance(definitions.executor, ExecutorDefinition)
    assert definitions.executor.name == "in_process"


def test_every_table_is_an_asset_that_says_what_its_columns_mean(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for name, spec in table_specs().items():
        if spec.layer == "ops":
            continue
        node = graph.get(AssetKey(name.split(".")))
        assert node.description == spec.description
        schema = node.metadata["dagster/column_schema"]
        columns = schema if isinstance(schema, TableSchema) else schema.value
        assert [column.name for column in columns.columns] == spec.schema.column_names()
        assert all(column.description for column in columns.columns)


def test_every_computed_table_depends_on_what_its_recipe_reads(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for recipe in recipes():
        parents = graph.get(AssetKey(recipe.table.split("."))).parent_keys
        assert {".".join(key.path) for key in parents} == set(recipe.inputs)


def test_dagster_accepts_the_definitions(tmp_path: Path) -> None:
    # Without this file Dagster would report its use to its makers.
    (tmp_path / "dagster.yaml").write_text((ROOT / "orchestration" / "dagster.yaml").read_text())
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-m", "orchestration.definitions"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"DAGSTER_HOME": str(tmp_path)}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "All code locations passed validation" in done.stderr + done.stdout


def test_the_command_line_does_not_load_dagster() -> None:
    plain = ("building", "checks", "due", "feeds", "inbox", "landing", "publishing", "recipes", "staleness")
    imports = "; ".join(f"import orchestration.{name}" for name in plain)
    program = f"import sys; {imports}; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
