"""A storage account that stutters: a month of a small fleet gets through, with the rows of an undisturbed run."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bench.siege.stutter import FAULTS, StutteringStorage
from lake import patience
from lake.settings import Settings
from lake.storage import Lake
from orchestration.building import build
from orchestration.landing import land
from orchestration.publishing import publish
from simulator import simulate
from tests.conftest import Azurite
from tests.integration.lakes import FEEDS, assert_same, content, opened
from transforms.sources.profile import load_profile

FLEET = {"vehicles": 2, "days": 28, "first_day": date(2025, 3, 1), "seed": 3, "partitions": 1, "window_s": 86400}
#: What is built of the fleet: a table that reads its day and its neighbours, one that carries on, and a KPI.
TABLES = ["core.trips", "core.vehicles", "core.vehicle_days", "core.latest", "kpi.driving"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as ever, but without waiting long in between."""
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(patience, "REQUEST_WAIT_S", 0.01)
    monkeypatch.setattr(patience, "LONGEST_REQUEST_WAIT_S", 0.02)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    simulate(folder, cadence_s=60, **FLEET)  # type: ignore[arg-type]
    return folder / "inbox" / "fleet"


def run(lake: Lake, settings: Settings, files: Path) -> None:
    """Land, build and publish, once."""
    land(lake, settings, load_profile(FEEDS / "fleet.toml"), [str(files)])
    build(lake, settings, tables=TABLES)
    publish(lake, settings)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_month_gets_through_by_itself(
    share: float, azurite: Azurite, fleet: Path, tmp_path: Path, quick: None
) -> None:
    undisturbed, settings = opened(tmp_path / "undisturbed")
    run(undisturbed, settings, fleet)
    expected = content(undisturbed)
    assert all(expected[name].height for name in (*TABLES, "raw.telemetry"))
    container = azurite.new_container()
    with StutteringStorage(azurite.connection_string, share=share, seed=1, delay_s=0.02) as storage:
        run(*opened(container, Azurite(storage.connection_string)), fleet)
    assert all(storage.counts[fault] > 0 for fault in FAULTS)
    hit = 1 - storage.counts["passed"] / storage.counts.total()
    assert hit == pytest.approx(share, abs=0.05)
    print(storage.counts)
    assert_same(content(opened(container, azurite)[0]), expected)


def test_an_account_that_is_not_there_is_told_in_a_line(azurite: Azurite, tmp_path: Path, quick: None) -> None:
    with StutteringStorage(azurite.connection_string, share=0, seed=1) as storage:
        gone = Azurite(storage.connection_string)
    with pytest.raises(Exception, match="cannot be reached") as caught:
        opened("az://nowhere/lake", gone)
    assert all(len(line) < 200 for line in str(caught.value).splitlines()), caught.value
    assert "\x1b" not in str(caught.value)
