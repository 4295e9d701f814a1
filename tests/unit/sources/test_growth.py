"""A file that has grown: reading goes on where the first record begins that was not the same before."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.unit.sources.reading import BOUNDS, KEY, WRITTEN, Read, profile, read_file
from transforms.sources.growth import section_behind
from transforms.sources.profile import FeedProfile
from transforms.sources.reader import FeedReader
from transforms.sources.section import Section

CSV = profile(sequence="record")
JSON = profile(format="jsonl", sequence="record")
HEADER = "vehicle,at,speed,note\n"
CELLS = ['a,2024-01-01T00:00:{:02},{},x\n', 'a,2024-01-01T00:00:{:02},{},"two\nlines"\n', "a,broken,{},{}\n", "\n",
         'a,2024-01-01T00:00:{:02},{},a "stray\r\n', "b,2024-01-01T00:00:{:02},{}\r\n"]  # fmt: skip
LINES = ['{{"vehicle": "a", "at": "2024-01-01T00:00:{:02}", "speed": {}}}\n', "no JSON {} {}\n", "\r\n",
         '[{{"vehicle": "a", "at": "2024-01-01T00:00:{:02}", "speed": {}}}, {{"vehicle": "b"}}]\n']  # fmt: skip


def behind(path: Path, feed: FeedProfile, before: Section, records: int) -> Section | str:
    reader = FeedReader(feed, KEY, BOUNDS)
    return section_behind(reader, path, path.name, WRITTEN, before, records, path.stat().st_size)


def grown(path: Path, feed: FeedProfile, data: bytes, cut: int) -> tuple[Section | str, Read]:
    """What is new when a file is first read up to a byte and then is whole; and what was read first."""
    path.write_bytes(data[:cut])
    first = read_file(path, feed)
    path.write_bytes(data)
    return behind(path, feed, Section(end=cut), first.records), first


def agree(path: Path, feed: FeedProfile, data: bytes, cut: int, *leave_out: str) -> None:
    """What is new is what a reading of the whole file has from there on, with the same places and sequences."""
    section, _ = grown(path, feed, data, cut)
    if isinstance(section, str):
        assert section == "its header was not whole"
        return
    assert section.start <= cut
    whole, new = read_file(path, feed), read_file(path, feed, section=section)
    assert new.records == whole.records - section.first_record
    shift = whole.records - new.records
    for kind, rows in whole.rows.items():
        later = rows.filter(rows["record"] >= shift)
        if later.height:
            assert_frame_equal(new.rows[kind].drop("record"), later.drop("record"))
    later = whole.rejects.filter(whole.rejects["record"] >= shift)
    assert_frame_equal(new.rejects.drop("record", *leave_out), later.drop("record", *leave_out))


def text(pieces: list[int], forms: list[str]) -> bytes:
    return "".join(forms[piece].format(number, number) for number, piece in enumerate(pieces)).encode()


COMMON = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


@COMMON
@given(pieces=st.lists(st.integers(0, len(CELLS) - 1), max_size=6), at=st.floats(0, 1))
def test_a_grown_csv_file_goes_on_as_if_it_was_read_as_a_whole(pieces: list[int], at: float, tmp_path: Path) -> None:
    data = HEADER.encode() + text(pieces, CELLS)
    agree(tmp_path / "file", CSV, data, int(at * len(data)))


@COMMON
@given(pieces=st.lists(st.integers(0, len(LINES) - 1), max_size=6), at=st.floats(0, 1))
def test_grown_lines_go_on_as_if_they_were_read_as_a_whole(pieces: list[int], at: float, tmp_path: Path) -> None:
    data = text(pieces, LINES)
    agree(tmp_path / "file", JSON, data, int(at * len(data)))


ROW = "a,2024-01-01T00:00:{:02},{},x\n"
ONE, TWO = ROW.format(1, 1).encode(), ROW.format(2, 2).encode()
QUOTED = b'a,2024-01-01T00:00:03,3,"two\nlines"\n'
BEGUN = HEADER.encode() + ONE

#: What the file holds first, what is written behind it, and where reading goes on: from the end of what was first.
GROWN = [
    (BEGUN, TWO, 0, 1),
    (BEGUN + TWO[:9], TWO[9:], -9, 1),
    (BEGUN[:-1], b"\n" + TWO, 0, 1),
    (BEGUN[:-1], b"\r\n" + TWO, 0, 1),
    (BEGUN[:-1], b"7\n" + TWO, 1 - len(ONE), 0),
    (BEGUN + QUOTED[:28], QUOTED[28:] + TWO, -28, 1),
    (BEGUN + QUOTED[: QUOTED.index(b"lines")], QUOTED[QUOTED.index(b"lines") :], -QUOTED.index(b"lines"), 1),
    (BEGUN + b'a,2024-01-01T00:00:04,4,a "stray\n', TWO, 0, 2),
    (HEADER.encode(), ONE, 0, 0),
]


@pytest.mark.parametrize(("first", "more", "back", "record"), GROWN)
def test_where_reading_goes_on(first: bytes, more: bytes, back: int, record: int, tmp_path: Path) -> None:
    section, _ = grown(tmp_path / "file", CSV, first + more, len(first))
    assert section == Section(len(first) + back, len(first + more), record)


def test_a_header_that_was_cut_makes_a_file_new(tmp_path: Path) -> None:
    data = BEGUN + TWO
    for cut in (4, len(HEADER) - 1):
        assert grown(tmp_path / "file", CSV, data, cut)[0] == "its header was not whole"


def test_a_file_that_grows_again_goes_on_behind_the_part_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BEGUN + TWO + QUOTED)
    assert behind(path, CSV, Section(len(BEGUN), len(BEGUN + TWO), 1), 1) == Section(
        len(BEGUN + TWO), len(BEGUN + TWO + QUOTED), 2
    )


def test_a_record_that_is_too_long_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.sources.blocks.LONGEST_RECORD", 200)
    monkeypatch.setattr("transforms.sources.blocks.BLOCK_BYTES", 100)
    long = b"a,2024-01-01T00:00:01,1," + b"x" * 900 + b"\n"
    for cut in (len(BEGUN) + 500, len(BEGUN + long), len(BEGUN + long) - 1):
        # How much of it is kept hangs on where a block ends.
        agree(tmp_path / "file", CSV, BEGUN + long + TWO, cut, "original")


@pytest.mark.parametrize(
    ("feed", "data", "said"),
    [
        (profile(format="capture"), b"Obj\x01", "Capture files are read as a whole"),
        (CSV, gzip.compress(BEGUN, mtime=0), "compressed files are read as a whole"),
        (
            profile(time={"field": "at", "format": "seconds", "start": date(2024, 1, 1), "cumulative": True}),
            BEGUN,
            "its times count from record to record",
        ),
    ],
)
def test_what_is_read_as_a_whole(feed: FeedProfile, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data + data)
    assert behind(path, feed, Section(end=len(data)), 1) == said
