"""The weekly job: maintenance as Dagster runs it."""

from __future__ import annotations

from lake.tables import open_table
from orchestration.feeds import land_feeds
from tests.integration.orchestration.platform import Platform


def test_the_weekly_job_merges_files_and_leaves_nothing_due(platform: Platform) -> None:
    for number in range(10):
        platform.send(f"{number}.csv", [0], hour=number)
        land_feeds(platform.lake, platform.settings).refuse_failures()
    platform.work()
    batches = open_table(platform.lake, "ops.batches")
    assert len(batches.handle().file_uris()) == 20
    assert platform.settle() == []
    result = platform.definitions.resolve_job_def("maintenance").execute_in_process(instance=platform.instance)
    assert result.success
    assert len(batches.handle().file_uris()) == 1
    assert len(open_table(platform.lake, "raw.telemetry").handle().file_uris()) == 1
    assert platform.settle() == []
