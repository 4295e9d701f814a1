"""Cases from the field: small inputs after public reports, whose right result was decided before they were tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from lake.settings import Settings
from lake.storage import Lake
from orchestration.building import build
from orchestration.landing import LandingReport, land
from tests.conftest import SHARED
from tests.integration.lakes import opened, rows
from transforms.sources.profile import load_profile


@dataclass(frozen=True)
class Case:
    """A case that was landed and built.

    Attributes:
        lake: its lake.
        settings: of the lake.
        landed: what landing told.
    """

    lake: Lake
    settings: Settings
    landed: LandingReport

    def table(self, name: str) -> pl.DataFrame:
        """All rows of a table, as ``core.trips``."""
        return rows(self.lake, name)


@pytest.fixture
def case(tmp_path: Path) -> Callable[[str], Case]:
    """Lands and builds a case by its name."""
    folder = SHARED / "cases"
    if not folder.is_dir():
        pytest.skip("the cases (../shared/cases) are not beside this checkout")

    def tried(name: str, *tables: str) -> Case:
        lake, settings = opened(tmp_path / "lake")
        profile = load_profile(folder / name / "profile.toml")
        report = land(lake, settings, profile, [str(folder / name)])
        build(lake, settings, tables=list(tables))
        return Case(lake, settings, report)

    return tried
