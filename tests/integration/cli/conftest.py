"""The command line, in this process, on an empty lake and on one with data."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import sillage
from orchestration.building import build
from orchestration.landing import land
from orchestration.publishing import publish
from tests.integration.lakes import environment, opened
from tests.integration.shuttles import Shuttles, write_shuttles
from transforms.sources.profile import load_profile


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@dataclass(frozen=True)
class Filled:
    """A lake with three days of shuttles: landed, built and published. Commands that write get a lake of their own."""

    feed: Shuttles
    variables: dict[str, str]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    feed = write_shuttles(tmp_path_factory.mktemp("feed"), days=3, vehicles=2)
    lake, settings = opened(tmp_path_factory.mktemp("filled"))
    land(lake, settings, load_profile(feed.profile), [str(feed.folder)])
    build(lake, settings)
    publish(lake, settings)
    return Filled(feed, environment(settings))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs ``sillage`` with arguments, in an empty folder; ``stdin`` is what it can read."""
    (tmp_path / "empty").mkdir()
    # Tests land what they have just written; the one of waiting says otherwise.
    monkeypatch.setenv("SILLAGE_INBOX_SETTLE_S", "0")

    def call(*arguments: object, stdin: str = "") -> Said:
        monkeypatch.chdir(tmp_path / "empty")
        monkeypatch.setattr(sys, "argv", ["sillage", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        monkeypatch.setenv("COLUMNS", "200")
        capsys.readouterr()
        code: object = 0
        try:
            sillage.main()
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        assert isinstance(code, int | None)
        return Said(code or 0, said.out, said.err)

    return call


@pytest.fixture
def on_filled(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> Filled:
    """The settings point to the lake with data."""
    for name, value in filled.variables.items():
        monkeypatch.setenv(name, value)
    return filled
