"""The recordings of real vehicles, landed and built once in a folder and once on the emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from lake.settings import Settings
from lake.storage import Lake
from orchestration.building import BuildReport, build
from orchestration.landing import LandingReport, land
from tests.conftest import Azurite
from tests.integration.lakes import FEEDS, opened
from transforms.sources.profile import load_profile

RECORDED = ("nrel_cmap", "capmetro", "eclipse_fms")


@dataclass(frozen=True)
class Recorded:
    """A lake with all recordings in it."""

    lake: Lake
    settings: Settings
    landed: dict[str, LandingReport]
    built: BuildReport


def _recorded(recordings: Path, place: str | Path, azurite: Azurite | None = None) -> Recorded:
    lake, settings = opened(place, azurite)
    landed = {
        name: land(lake, settings, load_profile(FEEDS / f"{name}.toml"), [str(recordings / name)]) for name in RECORDED
    }
    return Recorded(lake, settings, landed, build(lake, settings))


@pytest.fixture(scope="session")
def recorded(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """In a folder."""
    return _recorded(recordings, tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def recorded_on_azure(recordings: Path, azurite: Azurite) -> Recorded:
    """On the emulator."""
    return _recorded(recordings, azurite.new_container(), azurite)
