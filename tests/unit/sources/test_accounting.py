"""Every record of any input is in exactly one place, whatever it looks like, and a reject is what was in the file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import fastavro
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.reading import VIN, Read, masked, profile, read
from tests.unit.sources.test_capture import EVENT_HUBS, event

T = "2024-01-01T00:00:00Z"
some = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

GOOD = f"a,{T},1,note"
BAD_LINES = [f"a,{T}", f"a,{T},fast,", f",{T},1,", "a,noon,1,", f'a,{T},1,"', f'a,{T},1,"x"y', ",,1,", f"{VIN},{T},x,",
             "a,1990-01-01T00:00:00Z,1,", "\x00", "'", "\\", f"a,{T},1,2,3", "ÿ", f"a,{T},inf,",
             f"a,{T},1e999,"]  # fmt: skip


def complete(found: Read) -> None:
    assert found.records == found.landed + found.rejects.height
    assert found.places() == list(range(found.records))


@some
@given(lines=st.lists(st.sampled_from([GOOD, *BAD_LINES]) | st.text(max_size=30), max_size=30))
def test_csv(lines: list[str], tmp_path: Path) -> None:
    data = "\n".join(["vehicle,at,speed,note", *lines]).encode("utf-8", "surrogatepass")
    complete(read(data, profile(), tmp_path))


@some
@given(order=st.permutations([*[GOOD] * 5, *BAD_LINES]))
def test_csv_rejects_are_the_lines(order: list[str], tmp_path: Path) -> None:
    found = read("\n".join(["vehicle,at,speed,note", *order]), profile(), tmp_path)
    complete(found)
    assert found.landed == 5
    expected = [line.replace(VIN, masked()).encode() for line in order if line != GOOD]
    assert found.originals == expected


def message(**fields: Any) -> str:
    return json.dumps({"vehicle": "a", "at": T} | fields)


LANDS = [
    message(speed=1),
    message(speed=None),
    message(speed="2", new={"x": [1, True]}),
    message(pos={"lat": 1, "q": 2}),
]
BROKEN = [message(speed="x"), message(speed=True), message(pos=1), message(speed=[VIN]), "{}", "{", "7", "[]", "null",
          f'{{"vehicle":"a","vehicle":"a","at":"{T}"}}', message(at=5), message(vehicle=None),
          message(at="1990-01-01")]  # fmt: skip
FIELDS = {"speed_kmh": "speed", "latitude_deg": "/pos/lat", "charging_on": "on"}


@some
@given(order=st.permutations([*LANDS, *BROKEN]), cut=st.integers(0, 17))
def test_json_rejects_are_the_lines(order: list[str], cut: int, tmp_path: Path) -> None:
    found = read("\n".join(order[:cut]), profile(format="jsonl", columns=FIELDS), tmp_path)
    complete(found)
    assert found.originals == [line.replace(VIN, masked()).encode() for line in order[:cut] if line in BROKEN]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "1", "true", "1_0", "x", T, VIN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lat", "x", ""]), inner, max_size=3),
    max_leaves=6,
)
messages = st.dictionaries(st.sampled_from(["vehicle", "at", "speed", "pos", "on", "new", "Speed", ""]), values)
bodies = st.lists(
    messages.map(lambda m: {"vehicle": "a", "at": T} | m) | messages | values | st.lists(messages, max_size=3),
    max_size=12,
)


@some
@given(bodies=bodies)
def test_json_of_any_shape(bodies: list[Any], tmp_path: Path) -> None:
    feed = profile(format="jsonl", columns=FIELDS)
    found = read("\n".join(map(json.dumps, bodies)), feed, tmp_path)
    complete(found)
    assert found.records == sum(len(body) or 1 if isinstance(body, list) else 1 for body in bodies)
    assert VIN not in str(found)


@some
@given(bodies=bodies)
def test_a_message_is_read_the_same_alone_and_among_others(bodies: list[Any], tmp_path: Path) -> None:
    feed = profile(format="jsonl", columns=FIELDS)
    lines = [json.dumps(body) for body in bodies if not isinstance(body, list)]
    together = read("\n".join(lines), feed, tmp_path)
    for number, line in enumerate(lines):
        alone = read(line, feed, tmp_path)
        reasons = together.rejects.filter(together.rejects["record"] == number)["reason"].to_list()
        assert reasons == alone.reasons
        for kind, frame in alone.rows.items():
            row = together.rows[kind].filter(together.rows[kind]["record"] == number).to_dicts()[0]
            expected = frame.to_dicts()[0] | {"record": number}
            assert {name: row.get(name) for name in expected} == expected


@some
@given(bodies=st.lists(st.none() | st.binary(max_size=20) | st.sampled_from([b.encode() for b in [*LANDS, *BROKEN]])))
def test_capture(bodies: list[bytes | None], tmp_path: Path) -> None:
    out = io.BytesIO()
    fastavro.writer(out, EVENT_HUBS, [event(number, body) for number, body in enumerate(bodies)], sync_interval=200)
    found = read(out.getvalue(), profile(format="capture", columns=FIELDS), tmp_path, "f.avro")
    complete(found)
    if found.records == len(bodies):
        rejected = dict(zip(found.rejects["offset"].to_list(), found.originals, strict=True))
        assert all(
            original == (bodies[n] or b"").replace(VIN.encode(), masked().encode()) for n, original in rejected.items()
        )


@some
@given(data=st.binary(max_size=300))
def test_bytes_of_any_kind(data: bytes, tmp_path: Path) -> None:
    for kind, name in (
        ("csv", "f.csv"),
        ("jsonl", "f.jsonl"),
        ("capture", "f.avro"),
        ("csv", "f.gz"),
        ("csv", "f.zst"),
    ):
        complete(read(data, profile(format=kind), tmp_path, name))
        complete(read(b"vehicle,at\n" + data, profile(format=kind), tmp_path, name))
