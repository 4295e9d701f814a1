"""Finding the files of a feed: in the lake's inbox, or where the user says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blake3 import blake3

from lake.errors import FeedError
from lake.patience import patiently
from lake.places import at_home
from lake.storage import Lake
from transforms.sources.canonical import Bounds
from transforms.sources.compressed import without_ending
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader, caught

INBOX = "inbox"
#: A file is read in pieces of so many bytes.
_READ_BYTES = 1 << 20
_PIECES = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


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
        digest = blake3()
        if self.remote:
            digest.update(f"{self.md5 or patiently(lambda: self._md5(lake))}:{self.size_bytes}".encode())
        else:
            piece = memoryview(bytearray(_READ_BYTES))
            with self._local(lake).open("rb", buffering=0) as stream:
                while read := stream.readinto(piece):
                    digest.update(piece[:read])
        for pattern in (profile.vehicle.path, profile.time.start_path):
            digest.update(b"\0" + (caught(pattern, self.path) if pattern else "").encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    @contextmanager
    def local(self, lake: Lake) -> Iterator[Path]:
        """A local path with its content; a remote file is downloaded for as long as it is needed."""
        if not self.remote:
            yield self._local(lake)
            return
        with TemporaryDirectory(prefix="sillage-") as folder:
            # What a blob may be called is too long for a file; how its name ends says how it is read.
            copy = Path(folder) / Path(self.path).name[-60:]
            patiently(lambda: lake.filesystem.get_file(lake.path(self.path), str(copy)))
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
        FeedError: a path does not exist, nothing below a folder fits the profile, or the path of a file does not say
            which vehicle or which start it is of, where the profile takes them from there.
    """
    files = named_files(profile, paths) if paths else _inbox(lake, profile)
    if profile.vehicle.path or profile.time.start_path:
        reader = FeedReader(profile, lake.vehicle_key, Bounds(datetime.min, datetime.max))  # noqa: DTZ901 - reads paths only
        for file in files:
            reader.context(file.path, file.modified_at)
    return sorted(files, key=lambda file: file.path)


def named_files(profile: FeedProfile, paths: Sequence[str]) -> list[FoundFile]:
    """The files that were named, and those below the folders that were, in the order of their paths.

    Raises:
        FeedError: a path does not exist, or nothing below a folder fits the profile.
    """
    found: dict[str, FoundFile] = {}
    for given in paths:
        path = at_home(Path(given)).resolve()
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
        found |= {file.path: file for file in _all_stated((str(p), p) for p in fitting)}
    return sorted(found.values(), key=lambda file: file.path)


def reopen(lake: Lake, path: str) -> FoundFile | None:
    """A file by the path that was stored for it, if it is still there."""
    local = Path(path) if Path(path).is_absolute() else Path(lake.uri) / path
    if lake.is_local or Path(path).is_absolute():
        return _stated(path, local) if local.is_file() else None
    try:
        return _remote(path, patiently(lambda: lake.filesystem.info(lake.path(path))))
    except FileNotFoundError:
        return None


def _inbox(lake: Lake, profile: FeedProfile) -> list[FoundFile]:
    base = f"{INBOX}/{profile.name}"
    if lake.is_local:
        folder = Path(lake.uri) / base
        paths = [(p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file()]
        return _all_stated((f"{base}/{name}", p) for name, p in paths if _fits(profile, name))
    root = lake.path(base)
    listing: dict[str, dict[str, Any]] = patiently(lambda: lake.filesystem.find(root, detail=True))
    names = {name.removeprefix(root).lstrip("/"): info for name, info in listing.items()}
    return [_remote(f"{base}/{name}", info) for name, info in names.items() if _fits(profile, name)]


def _fits(profile: FeedProfile, name: str) -> bool:
    """A file is the feed's, by its path below the folder; text may be compressed."""
    if any(part.startswith((".", "_")) for part in name.split("/")) or name.endswith((".tmp", ".part")):
        return False
    names = {name} if profile.format == "capture" else {name, without_ending(name)}

    def match(patterns: Sequence[str]) -> bool:
        return any(_matches(name, pattern) for name in names for pattern in patterns)

    return match(profile.files) and not match(profile.exclude)


def _matches(name: str, pattern: str) -> bool:
    """Shell pattern in which ``*`` and ``?`` stay within a folder, and ``**/`` is any number of folders.

    Capitals are as good as small letters: loggers write ``X.CSV``.
    """
    regex = "".join(
        _PIECES.get(piece) or _escaped(piece) for piece in re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern)
    )
    return re.fullmatch(regex, name, re.IGNORECASE | re.DOTALL) is not None


def _escaped(piece: str) -> str:
    """A set of characters as a regular expression has it, anything else literally."""
    if re.fullmatch(r"\[[^]]+\]", piece):
        return piece.replace("[!", "[^").replace("\\", r"\\")
    return re.escape(piece)


def _all_stated(files: Iterable[tuple[str, Path]]) -> list[FoundFile]:
    """The files that are still there when their turn comes: others may be moving them about."""
    found = []
    for name, path in files:
        with suppress(FileNotFoundError):
            found.append(_stated(name, path))
    return found


def _stated(name: str, path: Path) -> FoundFile:
    stat = path.stat()
    return FoundFile(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1e6, UTC))


def _remote(name: str, info: dict[str, Any]) -> FoundFile:
    settings = info.get("content_settings") or {}
    md5 = bytes(settings.get("content_md5") or b"").hex()
    return FoundFile(name, int(info["size"]), info["last_modified"], remote=True, md5=md5)
