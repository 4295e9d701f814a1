"""A full disk: one line that says what is full and what to do, whole data, and the same rows once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from lake.storage import Lake
from orchestration.building import build
from orchestration.landing import land
from orchestration.publishing import publish
from tests.integration.lakes import assert_same, content, environment, opened, settings_for
from tests.integration.shuttles import Shuttles, write_shuttles
from transforms.sources.profile import load_profile

#: Commands in their order. None is to say more than this of a full disk.
MOST_LINES, MOST_CHARACTERS = 4, 250
#: Bytes that the disk has left, at first and then: a command fails at one moment, and later at another.
LEFT = (0, 8 << 10, 200 << 10)


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


def test_each_command_says_so_in_a_line_and_goes_on_when_there_is_room(
    small_disk: Path, feed: Shuttles, tmp_path: Path
) -> None:
    undisturbed, known = opened(tmp_path / "undisturbed")
    land(undisturbed, known, load_profile(feed.profile), [str(feed.folder)])
    build(undisturbed, known)
    publish(undisturbed, known)
    settings = settings_for(small_disk / "lake")
    failed: Counter[str] = Counter()
    for name, command in {
        "land": ["land", "--now", "--feed", str(feed.profile), str(feed.folder)],
        "build": ["build"],
        "publish": ["publish", "--unchecked"],
    }.items():
        for leave in LEFT:
            ballast = fill(small_disk, leave)
            code, said = sillage(command, environment(settings))
            ballast.unlink()
            if code:
                failed[name] += 1
                assert said.startswith("No space is left\n"), said
                assert "MB are left for the lake" in said
                assert "make room there" in said
                assert len(said.splitlines()) <= MOST_LINES
                assert all(len(line) <= MOST_CHARACTERS for line in said.splitlines())
        code, said = sillage(command, environment(settings))
        assert code == 0, said
    assert failed.keys() == {"land", "build", "publish"}
    assert_same(content(Lake.open(settings)), content(undisturbed))
    assert not [path for path in (small_disk / "lake").rglob("*") if ".tmp" in path.name]
