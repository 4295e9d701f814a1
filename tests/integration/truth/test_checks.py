"""Every rule on the data holds in both fleets: dirt blocks no publication."""

from __future__ import annotations

from orchestration.checks import data_checks, run_checks
from orchestration.survey import Survey
from tests.integration.truth.fleets import Fleet, Ledger


def test_every_data_check_passes(clean: Fleet, dirty: Fleet, ledger: Ledger) -> None:
    for name, fleet in (("clean", clean), ("dirty", dirty)):
        days = Survey(fleet.lake).rows_by_day("raw.telemetry")
        results = run_checks(fleet.lake, fleet.settings, days, checks=data_checks())
        broken = [result for result in results if not result.passed]
        assert broken == []
        ledger.equal(f"data checks that pass, {name}", len(results), len(results) - len(broken))
