"""Which files are a feed's, and when two files are the same."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lake.errors import FeedError
from lake.settings import Settings
from lake.storage import Lake
from orchestration import inbox
from orchestration.inbox import FoundFile, at_rest, find_files, reopen
from transforms.sources.profile import FeedProfile, parse_profile


def feed(**changes: Any) -> FeedProfile:
    content: dict[str, Any] = {
        "name": "feed",
        "format": "csv",
        "kind": "telemetry",
        "vehicle": {"field": "v"},
        "time": {"field": "t"},
    }
    content["columns"] = {"speed_kmh": "s"}
    return parse_profile(content | changes, "x")


@pytest.fixture
def lake() -> Lake:
    return Lake.open(Settings())


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def found(lake: Lake, profile: FeedProfile, *paths: Path) -> list[str]:
    """Names below the folder that was searched."""
    base = paths[0] if paths else Path(lake.uri) / "inbox" / profile.name
    files = find_files(lake, profile, [str(path) for path in paths])
    return [str(inside(Path(file.path if paths else Path(lake.uri) / file.path), base)) for file in files]


def inside(path: Path, base: Path) -> Path:
    return path.relative_to(base) if path.is_relative_to(base) else path


TREE = ["a.csv", "b.csv.gz", "c.csv.zst", "d.CSV", "x/a.csv", "x/y/a.csv", "x/y/z/b.csv.gz", "notes.txt", "a.csv.bz2",
        ".hidden.csv", "_delta.csv", ".git/a.csv", "_tmp/a.csv", "x/.part/a.csv", "e.csv.tmp", "f.csv.part",
        "aXcsv"]  # fmt: skip

PATTERNS: list[tuple[list[str], list[str]]] = [
    (["*.csv"], ["a.csv", "b.csv.gz", "c.csv.zst", "d.CSV"]),
    (["**/*.csv"], ["a.csv", "b.csv.gz", "c.csv.zst", "d.CSV", "x/a.csv", "x/y/a.csv", "x/y/z/b.csv.gz"]),
    (["*/*.csv"], ["x/a.csv"]),
    (["x/**/*.csv"], ["x/a.csv", "x/y/a.csv", "x/y/z/b.csv.gz"]),
    (["x/**"], ["x/a.csv", "x/y/a.csv", "x/y/z/b.csv.gz"]),
    (["**/a.csv"], ["a.csv", "x/a.csv", "x/y/a.csv"]),
    (["?.csv"], ["a.csv", "b.csv.gz", "c.csv.zst", "d.CSV"]),
    (["[ab].csv"], ["a.csv", "b.csv.gz"]),
    (["[!a-b].csv"], ["c.csv.zst", "d.CSV"]),
    (["x?a.csv"], []),
    (["*.csv.gz"], ["b.csv.gz"]),
    (["a.csv", "notes.*"], ["a.csv", "notes.txt"]),
    (["*.CSV"], ["a.csv", "b.csv.gz", "c.csv.zst", "d.CSV"]),
    (["[.csv"], []),
]


@pytest.mark.parametrize(("patterns", "expected"), PATTERNS)
@pytest.mark.parametrize("place", ["inbox", "folder"])
def test_patterns(patterns: list[str], expected: list[str], place: str, lake: Lake, tmp_path: Path) -> None:
    profile = feed(files=patterns)
    folder = Path(lake.uri) / "inbox" / "feed" if place == "inbox" else tmp_path / "data"
    fill(folder, *TREE)
    if place == "inbox":
        assert found(lake, profile) == expected
    elif expected:
        assert found(lake, profile, folder) == expected
    else:
        with pytest.raises(FeedError, match="Nothing in"):
            find_files(lake, profile, [str(folder)])


def test_what_is_left_out(lake: Lake) -> None:
    fill(Path(lake.uri) / "inbox" / "feed", *TREE)
    assert found(lake, feed(files="**/*.csv", exclude=["x/**", "*.gz"])) == ["a.csv", "c.csv.zst", "d.CSV"]


def test_capture_files_are_compressed_inside_or_not_at_all(lake: Lake) -> None:
    fill(Path(lake.uri) / "inbox" / "feed", "0/a.avro", "0/b.avro.gz")
    assert found(lake, feed(format="capture", files="**/*.avro")) == ["0/a.avro"]


def test_an_inbox_that_is_not_there_is_empty(lake: Lake) -> None:
    assert find_files(lake, feed()) == []


def test_files_that_are_named_are_taken_as_they_are(lake: Lake, tmp_path: Path) -> None:
    fill(tmp_path, "b.dat", ".hidden", "sub/a.csv")
    paths = [tmp_path / "b.dat", tmp_path / ".hidden", tmp_path / "sub", tmp_path / "b.dat"]
    files = find_files(lake, feed(files="*.csv"), [str(path) for path in paths])
    assert [Path(file.path).name for file in files] == [".hidden", "b.dat", "a.csv"]
    assert all(Path(file.path).is_absolute() for file in files)


def test_relative_paths_and_links(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "real/a.csv")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in find_files(lake, feed(files="*.csv"), ["link", "real"])] == [
        str(tmp_path / "real/a.csv")
    ]


def test_what_is_not_there(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="There is no such file or folder"):
        find_files(lake, feed(), [str(tmp_path / "none")])
    fill(tmp_path, "data/x/a.txt")
    with pytest.raises(FeedError) as caught:
        find_files(lake, feed(files=["*.csv", "*.tsv"]), [str(tmp_path / "data")])
    assert "a.txt" in caught.value.found
    assert caught.value.expected == "files like *.csv or *.tsv"


def test_a_file_that_vanishes_meanwhile_is_left_out(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(lake.uri) / "inbox" / "feed"
    fill(folder, "a.csv", "b.csv")
    fits = inbox._fits

    def moving(profile: FeedProfile, name: str) -> bool:
        if name == "a.csv":
            (folder / name).unlink()
        return fits(profile, name)

    monkeypatch.setattr(inbox, "_fits", moving)
    assert found(lake, feed(files="*.csv")) == ["b.csv"]


BY_PATH = {"vehicle": {"path": r"([^/]+)/[^/]+\.csv$"}, "files": "**/*.csv"}


def test_a_path_that_does_not_say_the_vehicle_is_told_before_anything_is_planned(lake: Lake) -> None:
    fill(Path(lake.uri) / "inbox" / "feed", "car/a.csv")
    profile = feed(**BY_PATH)
    assert found(lake, profile) == ["car/a.csv"]
    with pytest.raises(FeedError, match="The path does not say the vehicle"):
        find_files(lake, feed(vehicle={"path": r"car-(\d+)/"}))


def mark(lake: Lake, profile: FeedProfile, path: Path) -> str:
    (file,) = find_files(lake, profile, [str(path)])
    return file.fingerprint(lake, profile)


def test_when_files_are_the_same(lake: Lake, tmp_path: Path) -> None:
    fill(tmp_path, "car/a.csv", "bus/x.csv")
    first = tmp_path / "car/a.csv"
    for name in ("car/copy.csv", "bus/a.csv"):
        shutil.copy(first, tmp_path / name)
    (tmp_path / "car/a.csv.gz").write_bytes(gzip.compress(first.read_bytes()))
    by_column, by_path = feed(files="**/*.csv"), feed(**BY_PATH)
    for profile in (by_column, by_path):
        assert mark(lake, profile, tmp_path / "car/copy.csv") == mark(lake, profile, first)
        assert mark(lake, profile, tmp_path / "bus/x.csv") != mark(lake, profile, first)
        assert mark(lake, profile, tmp_path / "car/a.csv.gz") != mark(lake, profile, first)
    assert mark(lake, by_column, tmp_path / "bus/a.csv") == mark(lake, by_column, first)
    assert mark(lake, by_path, tmp_path / "bus/a.csv") != mark(lake, by_path, first)
    before = mark(lake, by_column, first)
    first.write_text("rewritten")
    assert mark(lake, by_column, first) != before


def test_files_are_found_again_by_the_path_that_was_stored(lake: Lake, tmp_path: Path) -> None:
    fill(Path(lake.uri) / "inbox" / "feed", "a.csv")
    fill(tmp_path, "b.csv")
    files = [*find_files(lake, feed()), *find_files(lake, feed(), [str(tmp_path / "b.csv")])]
    for file in files:
        assert reopen(lake, file.path) == file
        with file.local(lake) as path:
            assert path.read_text() == path.name
    assert reopen(lake, "inbox/feed/none.csv") is None


def test_sizes_and_times_are_those_of_the_file(lake: Lake, tmp_path: Path) -> None:
    fill(tmp_path, "a.csv")
    (file,) = find_files(lake, feed(), [str(tmp_path / "a.csv")])
    stat = (tmp_path / "a.csv").stat()
    assert isinstance(file, FoundFile)
    assert (file.size_bytes, file.remote) == (5, False)
    assert abs(file.modified_at.timestamp() - stat.st_mtime) < 1e-5


def test_the_fingerprints_of_beginnings_are_those_of_files_that_are_no_longer(lake: Lake, tmp_path: Path) -> None:
    whole = tmp_path / "a.csv"
    whole.write_bytes(bytes(range(256)) * 9000)
    (file,) = find_files(lake, feed(), [str(whole)])
    sizes = [1, 1 << 20, (1 << 20) + 1, file.size_bytes, file.size_bytes + 1]
    marks = file.fingerprints(lake, feed(), sizes)
    assert list(marks) == sizes[:-1]
    for size, found in marks.items():
        (tmp_path / "part.csv").write_bytes(whole.read_bytes()[:size])
        assert found == mark(lake, feed(), tmp_path / "part.csv")


def test_files_that_were_written_moments_ago_are_not_at_rest(lake: Lake, tmp_path: Path) -> None:
    """One that was written in the future was written by a clock that is wrong."""
    now = time.time()
    fill(tmp_path, "now.csv", "before.csv", "ahead.csv")
    os.utime(tmp_path / "before.csv", (now - 100, now - 100))
    os.utime(tmp_path / "ahead.csv", (now + 100, now + 100))
    resting, written = at_rest(Settings(inbox_settle_s=60), find_files(lake, feed(files="*.csv"), [str(tmp_path)]))
    assert [Path(file.path).name for file in resting] == ["ahead.csv", "before.csv"]
    assert [Path(file.path).name for file in written] == ["now.csv"]


def test_a_file_is_read_once_more_only_where_its_times_do_not_say(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a.csv")
    path = tmp_path / "a.csv"
    (file,) = find_files(lake, feed(), [str(path)])
    certain = replace(file, doubtful=False)
    content = file.fingerprint(lake, feed())
    reads: list[str] = []
    fingerprints = FoundFile.fingerprints

    def counted(self: FoundFile, *args: Any) -> dict[int, str]:
        reads.append(self.path)
        return fingerprints(self, *args)

    monkeypatch.setattr(FoundFile, "fingerprints", counted)
    assert certain.is_unchanged(lake, feed(), 5, content)
    assert not reads
    assert file.doubtful
    assert file.is_unchanged(lake, feed(), 5, content)
    assert not file.is_unchanged(lake, feed(), 5, "another")
    assert len(reads) == 2
    stat = path.stat()
    path.write_text("b.csv")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not replace(certain, touched_ns=0).is_unchanged(lake, feed(), 5, content)
    path.write_text("a.csv")
    assert not certain.is_unchanged(lake, feed(), 5, content)
    path.unlink()
    assert not certain.is_unchanged(lake, feed(), 5, content)
