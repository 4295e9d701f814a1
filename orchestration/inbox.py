"""Finding the files of a feed: in the lake's inbox, or where the user says."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blake3 import blake3

from lake.errors import FeedError
from lake.places import at_home
from lake.settings import Settings
from lake.storage import Lake
from transforms.sources.canonical import Bounds
from transforms.sources.compressed import without_ending
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader, caught

INBOX = "inbox"
#: A file is read in pieces of so many bytes.
_READ_BYTES = 1 << 20
#: A file that was written less than so long ago may be written again with the same times: some storage counts them in
#: steps of two seconds.
_COARSE_NS = 2_000_000_000
_PIECES = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class FileChangedError(FeedError):
    """A file is not what it was when it was found."""


@dataclass(frozen=True)
class FoundFile:
    """A file that is there, as it was when it was found.

    Attributes:
        path: how it is named: below the lake for the inbox, absolute otherwise.
        size_bytes: its size.
        modified_at: when it was last written.
        remote: it is on the lake's storage account.
        md5: hash of its content as the storage account knows it; empty for a local file, and for one that was
            uploaded in blocks.
        version: another one where it has been written since: the ETag, or inode and time of writing.
        touched_ns: another one where anything at all was done to a local file: when its inode was changed.
        doubtful: it was touched just now, so that these times may be those of its next content, too.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    remote: bool = False
    md5: str = ""
    version: str = ""
    touched_ns: int = 0
    doubtful: bool = field(default=False, compare=False)

    def fingerprint(self, lake: Lake, profile: FeedProfile) -> str:
        """What makes two files the same: their content, and what the profile reads from their path."""
        return self.fingerprints(lake, profile)[self.size_bytes]

    def fingerprints(self, lake: Lake, profile: FeedProfile, sizes: Collection[int] = ()) -> dict[int, str]:
        """Its fingerprint, and those it had when it was only so many bytes long, by these sizes. It is read once."""
        wanted = sorted({size for size in sizes if size < self.size_bytes} | {self.size_bytes})
        by_path = b""
        for pattern in (profile.vehicle.path, profile.time.start_path):
            by_path += b"\0" + (caught(pattern, self.path) if pattern else "").encode("utf-8", "surrogateescape")
        if self.remote:
            known = {self.size_bytes: self.md5} if self.md5 else {}
            marks = known if known.keys() == set(wanted) else self._md5s(lake, wanted) | known
            return {size: blake3(f"{mark}:{size}".encode() + by_path).hexdigest() for size, mark in marks.items()}
        out, digest, at = {}, blake3(), 0
        piece = memoryview(bytearray(_READ_BYTES))
        with self._local(lake).open("rb", buffering=0) as stream:
            for size in wanted:
                while at < size and (read := stream.readinto(piece[: size - at])):
                    digest.update(piece[:read])
                    at += read
                whole = digest.copy()
                whole.update(by_path)
                out[size] = whole.hexdigest()
        return out

    def is_unchanged(self, lake: Lake, profile: FeedProfile, size: int, fingerprint: str) -> bool:
        """It is still what it was when it was found, so that all that was read of it since is one content.

        Where its times do not say, it is read once more.

        Args:
            lake: the lake.
            profile: the feed.
            size: bytes that were read of it.
            fingerprint: of these.
        """
        now = reopen(lake, self.path)
        if now is None or (now.size_bytes, now.version) != (self.size_bytes, self.version):
            return False
        if now.touched_ns == self.touched_ns and not self.doubtful:
            return True
        try:
            return now.fingerprints(lake, profile, [size])[size] == fingerprint
        except FileNotFoundError:
            return False

    @contextmanager
    def local(self, lake: Lake) -> Iterator[Path]:
        """A local path with its content; a remote file is downloaded for as long as it is needed.

        Raises:
            FileChangedError: what was downloaded is not what was found.
        """
        if not self.remote:
            yield self._local(lake)
            return
        with TemporaryDirectory(prefix="sillage-") as folder:
            # What a blob may be called is too long for a file; how its name ends says how it is read.
            copy = Path(folder) / Path(self.path).name[-60:]
            lake.filesystem.get_file(lake.path(self.path), str(copy))
            now = reopen(lake, self.path)
            if now is None or now.version != self.version or copy.stat().st_size != self.size_bytes:
                raise FileChangedError("A file changed while it was read", found=self.path)
            yield copy

    def _md5s(self, lake: Lake, sizes: Sequence[int]) -> dict[int, str]:
        """Hashes of its first bytes, by rising numbers of them."""
        out, digest, at = {}, hashlib.md5(usedforsecurity=False), 0
        with lake.filesystem.open(lake.path(self.path), "rb", cache_type="readahead") as stream:
            for size in sizes:
                while at < size and (data := stream.read(min(_READ_BYTES, size - at))):
                    digest.update(data)
                    at += len(data)
                out[size] = digest.copy().hexdigest()
        return out

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


def at_rest(settings: Settings, files: Iterable[FoundFile]) -> tuple[list[FoundFile], list[FoundFile]]:
    """The files that are not being written any more, and those that may be: they were, moments ago.

    A time of writing that lies ahead is another machine's mistake, and nothing to wait for.
    """
    now, moments = datetime.now(UTC), timedelta(seconds=settings.inbox_settle_s)
    resting: list[FoundFile] = []
    written: list[FoundFile] = []
    for file in files:
        (written if abs(now - file.modified_at) < moments else resting).append(file)
    return resting, written


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
        return next(iter(_all_stated([(path, local)])), None) if local.is_file() else None
    try:
        return _remote(path, lake.filesystem.info(lake.path(path), refresh=True))
    except FileNotFoundError:
        return None


def _inbox(lake: Lake, profile: FeedProfile) -> list[FoundFile]:
    base = f"{INBOX}/{profile.name}"
    if lake.is_local:
        folder = Path(lake.uri) / base
        paths = [(p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file()]
        return _all_stated((f"{base}/{name}", p) for name, p in paths if _fits(profile, name))
    root = lake.path(base)
    listing: dict[str, dict[str, Any]] = lake.filesystem.find(root, detail=True)
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
    written = datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1e6, UTC)
    version = f"{stat.st_dev}:{stat.st_ino}:{stat.st_mtime_ns}"
    doubtful = time.time_ns() - stat.st_ctime_ns < _COARSE_NS
    return FoundFile(name, stat.st_size, written, version=version, touched_ns=stat.st_ctime_ns, doubtful=doubtful)


def _remote(name: str, info: dict[str, Any]) -> FoundFile:
    settings = info.get("content_settings") or {}
    md5 = bytes(settings.get("content_md5") or b"").hex()
    etag = str(info.get("etag") or info["last_modified"]).strip('"')
    return FoundFile(name, int(info["size"]), info["last_modified"], remote=True, md5=md5, version=etag)
