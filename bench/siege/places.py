"""Where a siege is played: a folder, on a small disk where that can be mounted, or an account behind a proxy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.siege.stutter import StutteringStorage

_DISK = "256m"


@dataclass(frozen=True)
class Place:
    """A lake that is besieged.

    Attributes:
        lake: its URI.
        variables: of the environment, by which commands reach it.
        disk: the small file system that it lies on, if it does.
        storage: the proxy that it lies behind, if it does.
    """

    lake: str
    variables: dict[str, str]
    disk: Path | None = None
    storage: StutteringStorage | None = None

    @contextmanager
    def full(self, leave: int) -> Iterator[None]:
        """Meanwhile so many bytes are left on the disk."""
        assert self.disk is not None
        ballast, free = self.disk / "ballast", os.statvfs(self.disk)
        with ballast.open("wb") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - leave))
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def stuttering(self, share: float) -> Iterator[None]:
        """Meanwhile a share of the requests is hit."""
        assert self.storage is not None
        self.storage.share = share
        try:
            yield
        finally:
            self.storage.share = 0.0


@contextmanager
def folder(root: Path) -> Iterator[Place]:
    """A lake in a folder; on a disk of its own if this user may mount one."""
    disk = root / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield Place(str(disk / "lake"), {"SILLAGE_LAKE": str(disk / "lake")}, disk if mounted else None)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=True)


@contextmanager
def account(connection_string: str, container: str, seed: int) -> Iterator[Place]:
    """A lake in a container of an account, with all requests through the proxy."""
    with StutteringStorage(connection_string, share=0.0, seed=seed, delay_s=0.2) as storage:
        variables = {"SILLAGE_LAKE": container, "SILLAGE_AZURE_CONNECTION_STRING": storage.connection_string}
        yield Place(container, variables, storage=storage)
