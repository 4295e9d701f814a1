"""A full disk: one line that says what is full and what to do, whole data, and the same rows once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from lake.storage import Lake
from tests.integration.lakes import assert_same, content, environment, settings_for
from tests.integration.shuttles import Shuttles, write_shuttles

#: Commands in their order. None is to say more than this of a full disk.
MOST_LINES, MOST_CHARACTERS = 4, 250


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def feed(tmp_path: Path) -> Shuttles:
    return write_shuttles(tmp_path / "feed", days=3, vehicles=2)


def sillage(command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command in a process of its own: its exit code, and all that it said, panics of Rust included."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("SILLAGE_")}
    ended = subprocess.run(
        [sys.executable, "-m", "sillage", *command],
        env=known | dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def fill(disk: Path, leave: int) -> Path:
    """A file that leaves so many bytes."""
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - leave)
    return ballast


@pytest.mark.parametrize("leave", [0, 8 << 10, 40 << 10, 200 << 10])
def test_each_command_says_so_in_a_line_and_goes_on_when_there_is_room(
    leave: int, small_disk: Path, feed: Shuttles, tmp_path: Path
) -> None:
    commands = {
        "land": ["land", "--feed", str(feed.profile), str(feed.folder)],
        "build": ["build"],
        "publish": ["publish", "--unchecked"],
    }
    undisturbed = settings_for(tmp_path / "undisturbed")
    settings = settings_for(small_disk / "lake")
    for command in commands.values():
        code, said = sillage(command, environment(undisturbed))
        assert code == 0, said
    failed = 0
    for name, command in commands.items():
        ballast = fill(small_disk, leave)
        code, said = sillage(command, environment(settings))
        print(name, code, said)
        if code:
            failed += 1
            assert said.startswith("No space is left\n"), said
            assert "MB are left for the lake" in said
            assert "make room there" in said
            assert len(said.splitlines()) <= MOST_LINES
            assert all(len(line) <= MOST_CHARACTERS for line in said.splitlines())
        ballast.unlink()
        code, said = sillage(command, environment(settings))
        assert code == 0, said
    assert failed
    assert_same(content(Lake.open(settings)), content(Lake.open(undisturbed)))
    assert not [path for path in (small_disk / "lake").rglob("*") if ".tmp" in path.name]
