"""Fixtures for all tests: nothing of the developer's own settings, home or lake is seen by any of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in os.environ if n.startswith(("SILLAGE_", "AZURE_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SILLAGE_LAKE", str(tmp_path / "lake"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recordings from real vehicles that lies beside a development checkout."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the recordings (../shared/data) are not beside this checkout")
    return folder
