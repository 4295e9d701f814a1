"""The docs say what the code does: the dictionary is current, commands and links exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sillage.dictionary import dictionary
from sillage.entry import app

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
FENCES = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_data_dictionary_is_current() -> None:
    assert (ROOT / "docs" / "data-dictionary.md").read_text() == dictionary(), "run: make dictionary"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for block in FENCES.findall(page.read_text()):
        for command in re.findall(r"(?:^|/|&& )sillage ([a-z]+)", block, re.MULTILINE):
            assert command in {name for name in app if not name.startswith("-")}, command
        for target in re.findall(r"^make ([a-z]+)", block, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_readme_says_first_what_a_new_user_needs() -> None:
    screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:25])
    assert all(text in screen for text in ("make run", "make test", "connected vehicles", "http://127.0.0.1:8050"))


@pytest.mark.parametrize(
    ("room", "foreign"),
    [
        ("dashboard.app", ("dagster", "transforms", "orchestration", "simulator")),
        ("orchestration.landing", ("dagster", "dash")),
        ("orchestration.building", ("dagster", "dash")),
        ("sillage", ("dagster", "dash", "polars", "duckdb", "simulator")),
        ("metrics", ("dataframely", "polars", "sqlglot", "dagster", "dash", "lake.schemas", "lake.storage")),
        ("simulator", ("dagster", "dash", "transforms", "orchestration")),
    ],
)
def test_a_room_does_not_pull_in_another(room: str, foreign: tuple[str, ...]) -> None:
    code = f"import {room}, sys; print([m for m in {foreign!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [["build"], ["publish"], ["status"]], ids=" ".join)
def test_a_command_starts_without_what_only_dagster_needs(command: list[str], tmp_path: Path) -> None:
    code = (
        f"import sys; from sillage.__main__ import alone; sys.argv = ['sillage', *{command}]\n"
        "try:\n    alone()\n"
        "finally:\n    print([m for m in ('dagster', 'sqlalchemy.sql') if m in sys.modules], 'polars' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "There is no lake yet" in found.stderr
    assert found.stdout.strip() == "[] True"
