"""A feed of shuttles and an empty lake; and the recordings of real vehicles, landed and built once."""

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
from tests.integration.shuttles import Shuttles, write_shuttles
from transforms.sources.profile import FeedProfile, load_profile

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


@pytest.fixture
def feed(tmp_path: Path) -> Shuttles:
    return write_shuttles(tmp_path / "feed", days=3, vehicles=2)


@pytest.fixture
def profile(feed: Shuttles) -> FeedProfile:
    return load_profile(feed.profile)


@pytest.fixture
def place(tmp_path: Path) -> tuple[Lake, Settings]:
    """A lake in a folder, a batch per file."""
    return opened(tmp_path / "lake", batch_bytes=1)
