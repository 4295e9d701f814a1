"""Platforms to test on. A fresh one per test; work that is not the point of a test is done by the plain functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.orchestration.platform import Platform


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return Platform(tmp_path)
