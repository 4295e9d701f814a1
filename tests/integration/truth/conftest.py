"""The fleets that the truth tests look at, made once, and the ledger of truth against found.

A test writes what it compares into the ledger, and the run ends with all of it::

    def test_trips_are_found(clean: Fleet, ledger: Ledger) -> None:
        truth = clean.truth("trips").filter("complete")
        ledger.equal("core.trips: trips", truth.height, ...)
"""

from __future__ import annotations

import pytest

from tests.integration.truth.fleets import Fleet, Ledger, live

_LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Sixty vehicles and fourteen days, of which every message arrives once and as it was measured."""
    return live(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The same vehicles and days with the default dirt: resends, late and lost messages, values that cannot be."""
    return live(tmp_path_factory.mktemp("dirty"), dirt="default")


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Takes truth and found, and compares them."""
    lines = request.config.stash.setdefault(_LINES, [])
    return Ledger(lines.append)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell truth against found."""
    if lines := config.stash.get(_LINES, []):
        terminalreporter.section("truth against found")
        for line in lines:
            terminalreporter.write_line(line)
