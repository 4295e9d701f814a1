"""Files block by block: the size of blocks changes nothing, compressed or damaged; records that are too long."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.reading import Read, profile, read
from transforms.sources import blocks, csv_records, delimited, reader

T = "2024-01-01T00:00:00Z"
JSON = profile(format="jsonl")
CSV = profile()


def message(number: int) -> str:
    return f'{{"vehicle":"a","at":"{T}","speed":{number}}}'


def shown(found: Read) -> tuple[Any, ...]:
    """All there is to know of a file that was read, apart from its blocks."""
    rows = {kind: frame.sort("record").to_dicts() for kind, frame in found.rows.items()}
    return found.records, rows, found.rejects.sort("record").to_dicts()


#: Pieces of which lines are made: good records, broken ones, quotes that open and never close.
PIECES = [
    "a",
    "b",
    "1",
    "2.5",
    T,
    ",",
    ",",
    ",",
    '"',
    '""',
    "\n",
    "\n",
    "\r\n",
    " ",
    "x",
    "é",
    f"a,{T},1",
    f'a,"{T}",2',
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    size=st.integers(1, 60),
    longest=st.integers(8, 90),
)
def test_csv_is_the_same_in_blocks_of_any_size(text: str, size: int, longest: int, tmp_path: Path) -> None:
    data = f"vehicle,at,speed\n{text}".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "LONGEST_JOINED", longest)
        whole = read(data, CSV, tmp_path)
        patch.setattr(blocks, "BLOCK_BYTES", size)
        assert shown(read(data, CSV, tmp_path)) == shown(whole)


JSON_PIECES = [
    message(1),
    message(2),
    "\n",
    "\n",
    "{",
    "[" + message(3) + "," + message(4) + "]",
    "5",
    " ",
    "é",
    "\r\n",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(st.sampled_from([*map(str.encode, JSON_PIECES), b"\xff"]), max_size=30).map(b"".join),
    size=st.integers(1, 200),
)
def test_json_is_the_same_in_blocks_of_any_size(data: bytes, size: int, tmp_path: Path) -> None:
    whole = read(data, JSON, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        assert shown(read(data, JSON, tmp_path)) == shown(whole)


@pytest.mark.parametrize("size", [9, 1 << 20])
def test_joined_lines_have_a_limit(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(csv_records, "LONGEST_JOINED", 100)
    short, long = (f'a,{T},1,"{"x" * 20}\n{"y" * length}"' for length in (20, 80))
    found = read(f"vehicle,at,speed,note\n{short}\n{long}\n", CSV, tmp_path)
    assert (found.landed, found.originals) == (1, [line.encode() for line in long.split("\n")])


def test_the_place_in_a_csv_file_is_counted_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 50)
    lines = [f"a,{T},{n}" if n % 3 else "x" for n in range(20)]
    found = read("\n".join(["vehicle,at,speed", *lines]), profile(sequence="record"), tmp_path)
    assert found.column("sequence") == found.column("record") == [n for n in range(20) if n % 3]


def test_cumulative_time_runs_on_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = {"format": "seconds", "start": datetime(2024, 1, 1, tzinfo=UTC), "cumulative": True}
    feed = profile(time={"field": "at"} | start)
    data = "vehicle,at,speed\n" + "".join(f"a,0.{n % 7}3,{n}\n" for n in range(500))
    whole = read(data, feed, tmp_path)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 50)
    cut = read(data, feed, tmp_path)
    assert cut.blocks > 50
    assert cut.column("event_at") == whole.column("event_at")


@pytest.mark.parametrize("size", [1, 2, 5, 1 << 20])
def test_a_byte_order_mark_is_no_part_of_the_text(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    found = read(b"\xef\xbb\xbf" + message(1).encode() + b"\n{", JSON, tmp_path)
    assert found.column("speed_kmh") == [1.0]
    assert found.rejects["offset"].to_list() == [len(message(1)) + 4]
    without = profile(csv={"header": ["vehicle", "at", "speed"]})
    assert read(b"\xef\xbb\xbf" + f"a,{T},1\n".encode(), without, tmp_path).column("speed_kmh") == [1.0]


# Compressed

LINES = "".join(message(n) + "\n" for n in range(20_000)).encode()


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


PACKERS = {"gz": gzip.compress, "zst": zst}


@pytest.fixture(params=PACKERS)
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pack(ending: str) -> Callable[[bytes], bytes]:
    return PACKERS[ending]


def test_compressed_files(ending: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    half = LINES.rfind(b"\n", 0, len(LINES) // 2) - 5
    for data in (pack(LINES), pack(LINES[:half]) + pack(LINES[half:]), pack(LINES) + bytes(40)):
        found = read(data, JSON, tmp_path, f"f.jsonl.{ending}")
        assert found.column("speed_kmh") == [float(n) for n in range(20_000)]
        assert found.reasons == []


def test_what_follows_a_compressed_file_is_told_and_all_of_it_lands(tmp_path: Path) -> None:
    found = read(gzip.compress(LINES) + b"junk", JSON, tmp_path, "f.jsonl.gz")
    assert len(found.column("speed_kmh")) == 20_000
    assert [reason.split(": ")[1] for reason in found.reasons] == ["something follows its end that is no gzip"]


@pytest.mark.parametrize("data", [b"", b"\n"])
def test_compressed_files_without_records(
    data: bytes, ending: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    assert read(pack(data), JSON, tmp_path, f"f.jsonl.{ending}").records == 0
    assert read(b"", JSON, tmp_path, f"f.jsonl.{ending}").records == 0


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.9999])
def test_a_file_that_is_cut_off_lands_up_to_there(
    share: float, ending: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    packed = pack(LINES)
    found = read(packed[: int(len(packed) * share)], JSON, tmp_path, f"f.jsonl.{ending}")
    speeds = found.column("speed_kmh")
    assert speeds == [float(n) for n in range(len(speeds))]
    assert len(speeds) > 20_000 * share - (6_000 if ending == "zst" else 500)
    assert found.rejects.height == 1
    assert found.reasons[0].startswith("the file is damaged from byte ")
    assert found.reasons[0].endswith("it ends too early")
    landed = "".join(message(n) + "\n" for n in range(len(speeds)))
    assert found.rejects["offset"].to_list() == [len(landed)]
    assert LINES[len(landed) :].startswith(found.originals[0])


def test_a_file_that_is_damaged_lands_up_to_there(ending: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = bytearray(pack(LINES))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(64)
    found = read(bytes(packed), JSON, tmp_path, f"f.jsonl.{ending}")
    good = [speed for speed in found.column("speed_kmh") if speed is not None]
    assert len(good) > 5_000
    assert sum(reason.startswith("the file is damaged from byte") for reason in found.reasons) == 1


def test_what_was_decompressed_together_with_the_damage_lands(
    ending: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """All of it is right but the checksum behind it."""
    packed = bytearray(pack(LINES[:30_000]))
    packed[-6 if ending == "gz" else -2] ^= 0xFF
    found = read(bytes(packed), JSON, tmp_path, f"f.jsonl.{ending}")
    whole = LINES[:30_000].count(b"\n")
    assert found.column("speed_kmh") == [float(n) for n in range(whole)]
    assert LINES[:30_000].endswith(found.originals[0])
    assert "damaged from byte 30000 on" in found.reasons[0]


def test_the_damage_does_not_depend_on_blocks(
    ending: str, pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = pack(LINES)[:20_000]
    name = f"f.jsonl.{ending}"
    whole = read(packed, JSON, tmp_path, name)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 10_000)
    assert shown(read(packed, JSON, tmp_path, name)) == shown(whole)


def test_a_csv_file_that_is_cut_off(ending: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """An open quote before the damage swallows nothing."""
    data = f'vehicle,at,speed\na,{T},1\na,{T},"2\na,{T},3\na,{T},4'.encode()
    found = read(pack(data)[: -8 if ending == "gz" else -4], CSV, tmp_path, f"f.csv.{ending}")
    assert found.column("speed_kmh") in ([1.0, 3.0], [])
    assert found.reasons[-1].startswith("the file is damaged from byte")


def test_what_is_not_compressed_at_all(ending: str, tmp_path: Path) -> None:
    found = read(LINES[:1000], JSON, tmp_path, f"f.jsonl.{ending}")
    assert (found.records, found.rejects.height) == (1, 1)
    assert found.reasons[0].startswith("the file is damaged from byte 0 on")


# Records that are too long


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (blocks, delimited, reader):
        monkeypatch.setattr(module, "LONGEST_RECORD", 300)


@pytest.mark.parametrize("size", [7, 64, 1 << 20])
@pytest.mark.parametrize("last", [b"\n", b""])
def test_a_record_that_is_too_long_is_rejected_alone(
    size: int, last: bytes, short_limits: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    long = f'{{"vehicle":"a","at":"{T}","x":"{"y" * 400}"}}'.encode()
    data = message(1).encode() + b"\n" + long + b"\n" + message(2).encode() + b"\n" + long + last
    found = read(data, JSON, tmp_path)
    assert found.column("speed_kmh") == [1.0, 2.0]
    assert found.reasons == ["the record is longer than 4 MiB"] * 2
    assert all(long.startswith(original) for original in found.originals)
    assert found.rejects["offset"].to_list() == [len(message(1)) + 1, len(message(1)) * 2 + len(long) + 3]


@pytest.mark.parametrize("size", [7, 64, 1 << 20])
def test_a_csv_record_that_is_too_long(
    size: int, short_limits: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    long = f"a,{T},{'9' * 400}"
    found = read(f"vehicle,at,speed\na,{T},1\n{long}\na,{T},2\n", CSV, tmp_path)
    assert found.column("speed_kmh") == [1.0, 2.0]
    assert found.reasons == ["the record is longer than 4 MiB"]
    assert long.encode().startswith(found.originals[0])


def test_a_file_without_line_ends_does_not_fill_the_memory(tmp_path: Path) -> None:
    found = read(b"x" * (9 << 20), JSON, tmp_path)
    assert (found.records, found.reasons) == (1, ["the record is longer than 4 MiB"])
    assert [len(original) for original in found.originals] == [blocks.KEPT_BYTES]


def test_memory_is_written_over_only_when_nobody_looks_at_it(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    lines = [message(number).encode() + b"\n" for number in range(6)]
    path.write_bytes(b"".join(lines))
    stretches = [
        partial(blocks._stretch, path.open("rb", buffering=0), at, at + len(line)) for at, line in places(lines)
    ]

    first = stretches[0]()
    _, looked_at = blocks.records(first)
    second = stretches[1]().data
    assert second is not first.data
    assert looked_at.to_pylist() == [lines[0]]
    assert stretches[2]().data is second
    assert bytes(second) == lines[2]

    del looked_at
    assert {id(stretch().data) for stretch in stretches[3:]} <= {id(first.data), id(second)}


def places(lines: list[bytes]) -> list[tuple[int, bytes]]:
    """Where each line begins in the file."""
    return list(zip(accumulate(map(len, lines), initial=0), lines, strict=False))
