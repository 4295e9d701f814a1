"""Finding the files of a feed: in the lake's inbox, or where the user says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lake.errors import FeedError
from lake.storage import Lake
from transforms.sources.profile import FeedProfile

INBOX = "inbox"


@dataclass(frozen=True)
class FoundFile:
    """A file that is there.

    Attributes:
        path: how it is named: below the lake for the inbox, absolute otherwise.
        size_bytes: its size.
        modified_at: when it was last written.
        remote: it is on the lake's storage account.
        md5: hash of its content as the storage account knows it; empty for a local file, and for one that was
            uploaded in blocks.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    remote: bool = False
    md5: str = ""

    def fingerprint(self, lake: Lake, profile: FeedProfile) -> str:
        """What makes two files the same: their content, and what the profile reads from their path."""
        digest = hashlib.sha256()
        if self.remote:
            digest.update(f"{self.md5 or self._md5(lake)}:{self.size_bytes}".encode())
        else:
            with self._local(lake).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256")
        for pattern in (profile.vehicle.path, profile.time.start_path):
            match = re.search(pattern, self.path) if pattern else None
            digest.update(b"\0" + (match.group(1) if match else "").encode())
        return digest.hexdigest()

    @contextmanager
    def local(self, lake: Lake) -> Iterator[Path]:
        """A local path with its content; a remote file is downloaded for as long as it is needed."""
        if not self.remote:
            yield self._local(lake)
            return
        with TemporaryDirectory(prefix="sillage-") as folder:
            copy = Path(folder) / Path(self.path).name
            lake.filesystem.get_file(lake.path(self.path), str(copy))
            yield copy

    def _md5(self, lake: Lake) -> str:
        with lake.filesystem.open(lake.path(self.path), "rb", cache_type="readahead") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest()

    def _local(self, lake: Lake) -> Path:
        path = Path(self.path)
        return path if path.is_absolute() else Path(lake.uri) / path


def find_files(lake: Lake, profile: FeedProfile, paths: Sequence[str] = ()) -> list[FoundFile]:
    """The files of a feed, in the order of their paths.

    Args:
        lake: its inbox is searched where no ``paths`` are given.
        profile: ``files`` and ``exclude`` are patterns below the inbox folder of the feed, or below a given folder.
        paths: files, which are taken as they are, and folders.

    Raises:
        FeedError: a path does not exist, or nothing below a folder fits the profile.
    """
    if not paths:
        return sorted(_inbox(lake, profile), key=lambda file: file.path)
    found: dict[str, FoundFile] = {}
    for given in paths:
        path = Path(given).expanduser().resolve()
        if not path.exists():
            raise FeedError("There is no such file or folder", found=given)
        files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
        fitting = [p for p in files if path.is_file() or _fits(profile, p.relative_to(path).as_posix())]
        if not fitting:
            raise FeedError(
                f"Nothing in {given} fits the feed {profile.name}",
                found=f"{len(files)} files" + (f", as {files[0].relative_to(path)}" if files else ""),
                expected=f"files like {' or '.join(profile.files)}",
                action="give the folder that the profile's patterns start from, or the files themselves",
            )
        found |= {str(p): _stated(str(p), p) for p in fitting}
    return [found[name] for name in sorted(found)]


def reopen(lake: Lake, path: str) -> FoundFile | None:
    """A file by the path that was stored for it, if it is still there."""
    local = Path(path) if Path(path).is_absolute() else Path(lake.uri) / path
    if lake.is_local or Path(path).is_absolute():
        return _stated(path, local) if local.is_file() else None
    try:
        return _remote(path, lake.filesystem.info(lake.path(path)))
    except FileNotFoundError:
        return None


def _inbox(lake: Lake, profile: FeedProfile) -> list[FoundFile]:
    base = f"{INBOX}/{profile.name}"
    if lake.is_local:
        folder = Path(lake.uri) / base
        paths = [(p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file()]
        return [_stated(f"{base}/{name}", p) for name, p in paths if _fits(profile, name)]
    root = lake.path(base)
    listing: dict[str, dict[str, Any]] = lake.filesystem.find(root, detail=True)
    names = {name.removeprefix(root).lstrip("/"): info for name, info in listing.items()}
    return [_remote(f"{base}/{name}", info) for name, info in names.items() if _fits(profile, name)]


def _fits(profile: FeedProfile, name: str) -> bool:
    def matches(patterns: Sequence[str]) -> bool:
        return any(_matches(name, pattern) for pattern in patterns)

    hidden = any(part.startswith((".", "_")) for part in name.split("/")) or name.endswith((".tmp", ".part"))
    return not hidden and matches(profile.files) and not matches(profile.exclude)


def _matches(name: str, pattern: str) -> bool:
    """Shell pattern in which ``*`` stays within a folder and ``**/`` is any number of them.

    A pattern also fits with ``.gz`` or ``.zst`` behind it.
    """
    regex = "".join(
        "(?:.*/)?" if piece == "**/" else "[^/]*" if piece == "*" else translate(piece)[4:-3] if piece else ""
        for piece in re.split(r"(\*\*/|\*)", pattern)
    )
    return re.fullmatch(regex + r"(?:\.gz|\.zst)?", name) is not None


def _stated(name: str, path: Path) -> FoundFile:
    stat = path.stat()
    return FoundFile(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1e6, UTC))


def _remote(name: str, info: dict[str, Any]) -> FoundFile:
    settings = info.get("content_settings") or {}
    md5 = bytes(settings.get("content_md5") or b"").hex()
    return FoundFile(name, int(info["size"]), info["last_modified"], remote=True, md5=md5)
