"""JSON lines: types, nulls, nested fields, arrays of messages, extras, and what is no JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sources.reading import VIN, Read, masked, profile, read

T = "2024-01-01T00:00:00Z"
FEED: dict[str, Any] = {
    "format": "jsonl",
    "columns": {
        "speed_kmh": ["speed", "spd"],
        "gear": "gear",
        "charging_on": "charging",
        "latitude_deg": "/pos/lat",
        "longitude_deg": "/pos/lon",
        "heading_deg": "/pos/x~1y/~0deg",
    },
}


def line(**fields: Any) -> str:
    return json.dumps({"vehicle": "a", "at": T} | fields)


def lines(tmp_path: Path, *texts: str | bytes, **changes: Any) -> Read:
    data = b"\n".join(text if isinstance(text, bytes) else text.encode() for text in texts)
    return read(data, profile(**(FEED | changes)), tmp_path)


def test_fields_of_several_types(tmp_path: Path) -> None:
    found = lines(tmp_path, line(speed=1.5, gear=3, charging=True), line(speed=2))
    assert found.column("speed_kmh") == [1.5, 2.0]
    assert found.column("gear") == [3, None]
    assert found.column("charging_on") == [True, None]
    assert found.column("extras") == [None, None]


def test_aliases_within_one_file(tmp_path: Path) -> None:
    found = lines(tmp_path, line(speed=1), line(spd=2), line(speed=3, spd=4), line(speed=None, spd=5))
    assert found.column("speed_kmh") == [1.0, 2.0, 3.0, 5.0]


def test_names_differ_by_case(tmp_path: Path) -> None:
    found = lines(tmp_path, line(Speed=1), line(speed=2))
    assert found.column("speed_kmh") == [None, 2.0]
    assert found.column("extras") == ['{"Speed":1}', None]


@pytest.mark.parametrize("text", ["3.5", " 3.5 ", "35e-1", "+3.5"])
def test_numbers_as_text(text: str, tmp_path: Path) -> None:
    assert lines(tmp_path, line(speed=text)).column("speed_kmh") == [3.5]


@pytest.mark.parametrize("value", [None, "", "null", " ", "NaN", float("nan")])
def test_nothing_was_measured(value: Any, tmp_path: Path) -> None:
    found = lines(tmp_path, line(speed=value), line(speed=1))
    assert found.column("speed_kmh") == [None, 1.0]


MISFITS: list[tuple[str, Any, str]] = [
    ("speed", True, "speed_kmh: found 'true'"),
    ("speed", False, "speed_kmh: found 'false'"),
    ("speed", "fast", "speed_kmh: found 'fast'"),
    ("speed", "1_000", "speed_kmh: found '1_000'"),
    ("speed", {"kmh": 1}, "speed_kmh: found '{\"kmh\":1}'"),
    ("speed", [1], "speed_kmh: found '[1]'"),
    ("speed", float("inf"), "speed_kmh: found 'inf'"),
    ("speed", "-Infinity", "speed_kmh: found '-inf'"),
    ("gear", 1.5, "gear: found '1.5'"),
    ("gear", 1e300, "gear: found '1e300'"),
    ("gear", True, "gear: found 'true'"),
    ("charging", 5, "charging_on: found '5'"),
    ("charging", "maybe", "charging_on: found 'maybe'"),
]


@pytest.mark.parametrize(("field", "value", "reason"), MISFITS)
@pytest.mark.parametrize("among", ["clean", "dirty"])
def test_a_value_of_another_type_is_rejected(field: str, value: Any, reason: str, among: str, tmp_path: Path) -> None:
    """Whatever else is in the file: clean records are read in one pass, others one by one."""
    bad, good = line(**{field: value}), line(speed=1, charging=True)
    found = lines(tmp_path, good, bad, good, *(["{"] if among == "dirty" else []))
    assert found.column("speed_kmh") == [1.0, 1.0]
    assert found.originals[0] == bad.encode()
    shown = found.reasons[0].lower().replace("infinity", "inf").replace("e+", "e")
    assert shown == reason


@pytest.mark.parametrize("value", [1, 0, "ON", "off", "Yes", "t", 1.0])
def test_what_may_stand_for_a_boolean(value: Any, tmp_path: Path) -> None:
    expected = str(value).lower() in ("1", "on", "yes", "t", "1.0")
    assert lines(tmp_path, line(charging=value)).column("charging_on") == [expected]


def test_texts_that_mean_true_and_false(tmp_path: Path) -> None:
    columns = {"charging_on": {"field": "state", "true": ["AC", "DC"], "false": ["NONE"]}}
    found = lines(tmp_path, line(state="dc"), line(state="NONE"), line(state="on"), line(state=True), columns=columns)
    assert found.column("charging_on") == [True, False]
    assert found.reasons == ["charging_on: found 'on'", "charging_on: found 'true'"]


def test_json_pointers(tmp_path: Path) -> None:
    found = lines(tmp_path, line(pos={"lat": 1, "lon": 2, "x/y": {"~deg": 90}}), line(pos={"lat": 3}), line(speed=1))
    assert found.column("latitude_deg") == [1.0, 3.0, None]
    assert found.column("longitude_deg") == [2.0, None, None]
    assert found.column("heading_deg") == [90.0, None, None]
    assert found.column("extras") == [None] * 3


def test_vehicle_and_time_by_json_pointer(tmp_path: Path) -> None:
    text = json.dumps({"head": {"id": "a", "at": T}, "speed": 1})
    found = lines(tmp_path, text, vehicle={"field": "/head/id"}, time={"field": "/head/at"})
    assert (found.column("speed_kmh"), found.reasons) == ([1.0], [])


def test_unknown_keys_go_to_extras(tmp_path: Path) -> None:
    unknown = {"new": {"a": [1, None]}, "pos": {"lat": 1, "z": 2}, "n": None}
    found = lines(tmp_path, line(speed=1), line(**unknown), line(speed=3))
    assert found.column("speed_kmh") == [1.0, None, 3.0]
    assert found.column("latitude_deg") == [None, 1.0, None]
    extras = found.column("extras")
    assert extras[::2] == [None, None]
    assert json.loads(extras[1]) == {"new": {"a": [1, None]}, "pos": {"z": 2}, "n": None}


@pytest.mark.parametrize("empty", [None, {}])
def test_an_empty_place_of_fields_is_nothing(empty: Any, tmp_path: Path) -> None:
    found = lines(tmp_path, line(pos=empty, speed=1))
    assert (found.column("speed_kmh"), found.column("extras")) == ([1.0], [None])


@pytest.mark.parametrize("value", [5, "x", [1, 2], True])
def test_something_else_where_an_object_of_fields_should_be(value: Any, tmp_path: Path) -> None:
    found = lines(tmp_path, line(pos=value), line(pos={"lat": 1}))
    assert found.column("latitude_deg") == [1.0]
    assert found.originals == [line(pos=value).encode()]
    assert found.reasons[0].startswith("no object at pos")


@pytest.mark.parametrize(
    "twice", ['"speed":1,"speed":2', '"speed":1,"speed":1', '"pos":{"lat":1,"lat":2}', '"x":1,"x":2']
)
def test_a_key_that_occurs_twice_is_rejected(twice: str, tmp_path: Path) -> None:
    text = f'{{"vehicle":"a","at":"{T}",{twice}}}'
    found = lines(tmp_path, text, line(speed=1))
    assert (found.reasons, found.originals) == (["a key occurs twice"], [text.encode()])
    assert found.column("speed_kmh") == [1.0]


def test_an_array_is_taken_apart(tmp_path: Path) -> None:
    array = f"[{line(speed=1)},{line(speed=2, new=1)},5,{line(speed='x')}]"
    found = lines(tmp_path, line(speed=0), array, line(speed=3), "[]")
    assert found.records == 7
    assert found.column("speed_kmh") == [0.0, 1.0, 2.0, 3.0]
    assert found.column("record") == [0, 1, 2, 5]
    assert found.rejects["record"].to_list() == [3, 4, 6]
    odd = "an element of a JSON array that is no object"
    assert found.reasons == [odd, "speed_kmh: found 'x'", "an empty JSON array"]
    compact = json.dumps(json.loads(line(speed="x")), separators=(",", ":"))
    assert found.originals == [b"5", compact.encode(), b"[]"]


def test_nothing_as_an_element_of_an_array(tmp_path: Path) -> None:
    found = lines(tmp_path, "[null]", f"[null,{line(speed=1)}]")
    assert (found.records, found.column("speed_kmh")) == (3, [1.0])
    assert found.originals == [b"null", b"null"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"5", "a JSON value that is no object"),
        (b"null", "a JSON value that is no object"),
        (b'"x"', "a JSON value that is no object"),
        (b"{", "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b"vehicle,at", "not JSON"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b'{"car":"\xe4"}', "not UTF-8 text"),
        (b"{}", "no vehicle in vehicle; no time in at"),
    ],
)
def test_what_is_no_message(text: bytes, reason: str, tmp_path: Path) -> None:
    found = lines(tmp_path, line(speed=1), text, line(speed=2))
    assert found.column("speed_kmh") == [1.0, 2.0]
    assert (found.reasons, found.originals) == ([reason], [text])
    assert found.rejects["offset"].to_list() == [len(line(speed=1)) + 1]


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_messages_nested_without_end_are_refused(pair: str, tmp_path: Path) -> None:
    opening = "[" if pair == "[]" else '{"a":'
    deep = opening * 200_000 + "1" + pair[1] * 200_000
    found = lines(tmp_path, line(speed=1), f'{{"vehicle":"a","at":"{T}","x":{deep}}}')
    assert found.column("speed_kmh") == [1.0]
    assert found.reasons == ["nested more than 500 levels deep"]


def test_many_brackets_that_are_not_deep_are_read(tmp_path: Path) -> None:
    found = lines(tmp_path, line(x=[[]] * 2_000, y='"[' * 2_000, speed=1), "{")
    assert found.column("speed_kmh") == [1.0]


def test_blank_lines_are_no_records(tmp_path: Path) -> None:
    found = lines(tmp_path, "", "   ", line(speed=1), "\r", "\t", line(speed=2), "")
    assert (found.records, found.landed) == (2, 2)


def test_sequence_numbers(tmp_path: Path) -> None:
    texts = [line(n=7), line(n="8"), line(n="x"), line(n=1.5), line(), line(n=None)]
    found = lines(tmp_path, *texts, sequence="n")
    assert found.column("sequence") == [7, 8, None, None]
    assert [r.partition(":")[0] for r in found.reasons] == ["the sequence is not a whole number"] * 2


def test_the_place_in_the_file_as_sequence(tmp_path: Path) -> None:
    found = lines(tmp_path, line(speed=1), line(speed=2), sequence="record")
    assert found.column("sequence") == [0, len(line(speed=1)) + 1]


def test_arrival(tmp_path: Path) -> None:
    texts = [line(got="2024-01-02T00:00:00Z"), line(got="2024-01-02 00:00:00"), line(got="soon"), line()]
    found = lines(tmp_path, *texts, received="got")
    assert [at.isoformat() for at in found.column("received_at")] == [
        "2024-01-02T00:00:00+00:00", "2024-01-02T00:00:00+00:00", "2024-06-01T12:00:00+00:00",
    ]  # fmt: skip
    assert found.reasons == ["the time of arrival cannot be read: found 'soon'"]


def test_vins_are_masked_in_extras_reasons_and_originals(tmp_path: Path) -> None:
    found = lines(tmp_path, line(note=f"of {VIN}", memo=VIN.lower()), line(speed=VIN))
    assert found.column("extras") == [json.dumps({"note": f"of {masked()}", "memo": masked()}, separators=(",", ":"))]
    assert found.reasons == [f"speed_kmh: found '{masked()}'"]
    assert found.originals == [line(speed=masked()).encode()]
