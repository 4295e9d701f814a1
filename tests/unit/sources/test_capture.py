"""Event Hubs Capture: both schemas, several kinds of message, damaged files."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pytest

from lake.errors import FeedError
from tests.unit.sources.reading import VIN, Read, masked, profile, read, vehicle_id
from transforms.sources import capture as events

ANNOTATIONS = {"type": "map", "values": ["long", "double", "string", "bytes"]}
EVENT_HUBS = fastavro.parse_schema(
    {
        "type": "record",
        "name": "EventData",
        "namespace": "Microsoft.ServiceBus.Messaging",
        "fields": [
            {"name": "SequenceNumber", "type": "long"},
            {"name": "Offset", "type": "string"},
            {"name": "EnqueuedTimeUtc", "type": "string"},
            {"name": "SystemProperties", "type": ANNOTATIONS},
            {"name": "Properties", "type": ANNOTATIONS | {"values": [*ANNOTATIONS["values"], "null"]}},
            {"name": "Body", "type": ["null", "bytes"]},
        ],
    }
)
IOT_HUB = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Message",
        "fields": [
            {"name": "EnqueuedTimeUtc", "type": "string"},
            {"name": "Properties", "type": {"type": "map", "values": "string"}},
            {"name": "SystemProperties", "type": {"type": "map", "values": "string"}},
            {"name": "Body", "type": ["null", "bytes"]},
        ],
    }
)
T = "2024-01-01T00:00:00Z"


def event(number: int, body: bytes | None, arrived: str = "1/2/2024 4:44:11 PM") -> dict[str, Any]:
    return {
        "SequenceNumber": number,
        "Offset": str(number * 100),
        "EnqueuedTimeUtc": arrived,
        "SystemProperties": {"x-opt-publisher": "p", "n": 1, "f": 0.5, "b": b"\x00"},
        "Properties": {"nothing": None, "n": 1},
        "Body": body,
    }


def body(**fields: Any) -> bytes:
    return json.dumps({"vehicle": "a", "at": T} | fields).encode()


def avro(records: list[dict[str, Any]], schema: Any = EVENT_HUBS, **options: Any) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, schema, records, **options)
    return out.getvalue()


def capture(data: bytes, tmp_path: Path, **changes: Any) -> Read:
    return read(data, profile(format="capture", **changes), tmp_path, "f.avro")


@pytest.mark.parametrize(
    "name", ["st*r.avro", "st?r.avro", "**/a.avro", "[ab].avro", "{a,b}/st*r.avro", "back\\sl*sh.avro"]
)
def test_a_file_is_read_by_its_name_and_not_by_a_pattern(name: str, tmp_path: Path) -> None:
    """Others that fit the name, taken as a pattern, lie beside it."""
    for other in (name, "star.avro", "stxr.avro", "a.avro", "x/a.avro", "a/star.avro", "b\\ash.avro"):
        path = tmp_path / other
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(avro([event(1, other.encode())]))
    found = [frame["Body"].to_list() for frame, _ in events.events(tmp_path / name)]
    assert found == [[name.encode()]]


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_events_with_their_arrival(codec: str, tmp_path: Path) -> None:
    records = [event(5, body(speed=1)), event(6, body(speed=2), "2024-01-02T16:44:11.8870000Z")]
    found = capture(avro(records, codec=codec), tmp_path)
    assert found.column("speed_kmh") == [1.0, 2.0]
    arrived = datetime(2024, 1, 2, 16, 44, 11, tzinfo=UTC)
    assert found.column("received_at") == [arrived, arrived.replace(microsecond=887_000)]


def test_the_sequence_number_of_the_hub_is_the_place(tmp_path: Path) -> None:
    data = avro([event(5, body(speed=1)), event(9, b"{")])
    found = capture(data, tmp_path, sequence="record")
    assert found.column("sequence") == [5]
    assert found.rejects["offset"].to_list() == [9]


def test_iot_hub_routing(tmp_path: Path) -> None:
    records = [
        {"EnqueuedTimeUtc": "2019-09-26T17:46:09.8870000Z", "Properties": {}, "SystemProperties": {}, "Body": text}
        for text in (body(speed=1), b"{", body(speed=3), b"[")
    ]
    found = capture(avro(records, IOT_HUB), tmp_path)
    assert found.column("speed_kmh") == [1.0, 3.0]
    assert found.column("received_at")[0] == datetime(2019, 9, 26, 17, 46, 9, 887_000, tzinfo=UTC)
    assert found.rejects["offset"].to_list() == [1, 3]


def test_places_in_a_file_of_many_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "TOGETHER_BYTES", 1)
    one = {"EnqueuedTimeUtc": T, "Properties": {}, "SystemProperties": {}}
    records = [one | {"Body": body() if number % 20_000 else b"{"} for number in range(70_000)]
    found = capture(avro(records, IOT_HUB), tmp_path)
    assert found.blocks > 1
    assert found.rejects["offset"].to_list() == found.rejects["record"].to_list() == [0, 20_000, 40_000, 60_000]


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_file_without_events(codec: str, tmp_path: Path) -> None:
    assert capture(avro([], codec=codec), tmp_path).records == 0


def test_bodies_that_are_no_message(tmp_path: Path) -> None:
    found = capture(avro([event(1, None), event(2, b""), event(3, b"\xff\x00"), event(4, body(speed=4))]), tmp_path)
    assert found.column("speed_kmh") == [4.0]
    assert found.reasons == ["the event has no body", "not JSON", "not UTF-8 text"]
    assert found.originals == [b"", b"", b"\xff\x00"]


def test_an_event_with_an_array_of_messages(tmp_path: Path) -> None:
    array = b"[" + body(speed=1) + b"," + body(speed=2) + b"]"
    found = capture(avro([event(1, array), event(2, body(speed=3))]), tmp_path)
    assert found.column("speed_kmh") == [1.0, 2.0, 3.0]
    assert (found.records, found.places()) == (3, [0, 1, 2])


def test_an_unreadable_arrival_is_rejected(tmp_path: Path) -> None:
    found = capture(avro([event(1, body(speed=1), "yesterday")]), tmp_path)
    assert found.reasons == ["the time of arrival cannot be read: found 'yesterday'"]


KINDS: dict[str, Any] = {
    "kind": None,
    "columns": None,
    "kind_field": "kind",
    "vehicle": {"field": "vin", "identifier": "vin"},
    "kinds": {
        "telemetry": {"when": "tel", "vss": 6},
        "vehicles": {
            "when": "car",
            "columns": {"market": "m", "model_year": "y", "model": "name", "delivered_on": "d"},
        },
    },
}


def test_several_kinds_are_told_apart(tmp_path: Path) -> None:
    odometer = {"Vehicle.TraveledDistance": 54_054_555, "Vehicle.Speed": 50}
    texts = [body(kind="tel", vin=VIN, **odometer), body(kind="car", vin=VIN.lower(), m="FR", y=2024, d="2024-02-03"),
             body(kind="boat", vin=VIN), body(vin=VIN), body(kind="tel", vin=None)]  # fmt: skip
    found = capture(avro([event(n, text) for n, text in enumerate(texts)]), tmp_path, **KINDS)
    assert found.column("odometer_km") == [54_054.555]
    assert found.column("market", "vehicles") == ["FR"]
    ids = {*found.column("vehicle_id"), *found.column("vehicle_id", "vehicles")}
    assert ids == {vehicle_id(VIN, "vin")}
    assert found.reasons == [
        "kind is not one of tel, car: found 'boat'", "kind is not one of tel, car: found nothing", "no vehicle in vin",
    ]  # fmt: skip
    assert VIN.encode() not in b"".join(found.originals)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"m": "fr"}, "market: found 'fr'"),
        ({"m": "FRA"}, "market: found 'FRA'"),
        ({"y": 1020}, "model_year: found '1020.0'"),
        ({"y": 2024.5}, "model_year: found '2024.5'"),
        ({"d": "03/02/2024"}, "delivered_on: found '03/02/2024'"),
    ],
)
def test_what_the_registry_does_not_allow(fields: dict[str, Any], reason: str, tmp_path: Path) -> None:
    found = capture(avro([event(1, body(kind="car", vin=VIN, **fields))]), tmp_path, **KINDS)
    assert found.reasons in ([reason], [reason.replace(".0", "")])


def test_vins_in_texts_of_the_registry_are_masked(tmp_path: Path) -> None:
    text = body(kind="car", vin=VIN, name=f"car {VIN}", note=VIN)
    found = capture(avro([event(1, text)]), tmp_path, **KINDS)
    assert found.column("model", "vehicles") == [f"car {masked()}"]
    assert VIN not in str(found.rows["vehicles"].to_dicts())


MANY = [event(n, body(speed=n)) for n in range(2_000)]


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.77, 0.9999])
def test_a_file_that_is_cut_off_lands_up_to_there(codec: str, share: float, tmp_path: Path) -> None:
    data = avro(MANY, codec=codec, sync_interval=2_000)
    cut = int(len(data) * share)
    found = capture(data[:cut], tmp_path)
    speeds = found.column("speed_kmh")
    assert speeds == [float(n) for n in range(len(speeds))]
    assert len(speeds) > 2_000 * share - 40
    assert found.reasons[0].endswith("is damaged: it ends within a block")
    assert (len(found.reasons), found.records) == (1, len(speeds) + 1)
    assert data[:cut].endswith(found.originals[0])


def test_a_file_that_is_cut_off_between_blocks_is_whole(tmp_path: Path) -> None:
    """Nothing in it says otherwise."""
    short, long = avro(MANY[:500], sync_interval=1), avro(MANY[:501], sync_interval=1)
    assert capture(long[: len(short)], tmp_path).landed == 500


@pytest.mark.parametrize("tail", [b"garbage", b"\x00" * 40, b"\x02\x02", b"\x02\xff\xa7\xd6\xb9\x07"])
def test_something_behind_the_last_block(tail: bytes, tmp_path: Path) -> None:
    found = capture(avro(MANY, sync_interval=2_000) + tail, tmp_path)
    assert found.column("speed_kmh") == [float(n) for n in range(2_000)]
    assert [original for original in found.originals if original] == [tail]


@pytest.mark.parametrize("together", [1, 10_000, events.TOGETHER_BYTES])
def test_a_damaged_block_does_not_take_the_others_with_it(
    together: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "TOGETHER_BYTES", together)
    monkeypatch.setattr(events, "_ROWS", 100)
    data = bytearray(avro(MANY, sync_interval=2_000))
    at = len(data) // 2
    data[at : at + 400] = b"\xff" * 400
    found = capture(bytes(data), tmp_path)
    speeds = found.column("speed_kmh")
    assert len(speeds) > 1_950
    assert len(set(speeds)) == len(speeds)
    assert speeds[-1] == 1_999.0
    assert all("damaged" in reason or reason == "not UTF-8 text" for reason in found.reasons)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no Avro file"),
        (b'{"vehicle":"a"}', "no Avro file: it does not begin as one"),
        (avro([])[:60], "no Avro file"),
        (
            avro([{"x": 1}], {"type": "record", "name": "R", "fields": [{"name": "x", "type": "int"}]}),
            "not the schema of",
        ),
    ],
)
def test_a_file_of_another_kind_is_one_reject(data: bytes, reason: str, tmp_path: Path) -> None:
    found = capture(data, tmp_path)
    assert (found.records, found.originals) == (1, [data])
    assert reason in found.reasons[0]


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    for speed in (1, 2, 3):
        assert capture(avro([event(1, body(speed=speed))]), tmp_path).column("speed_kmh") == [float(speed)]


# what stands beside the body

ENVELOPE: dict[str, Any] = {
    "vehicle": {"field": "@system/connectionDeviceId"},
    "time": {"field": "@system/enqueuedTime"},
    "kind": None,
    "columns": None,
    "kind_field": "@property/type",
    "kinds": {
        "telemetry": {"when": "tel", "columns": {"speed_kmh": "speed", "odometer_km": "@property/odo"}},
        "faults": {"when": "dtc", "columns": {"code": "code", "status": "@property/status"}},
    },
}


def routed(text: bytes, device: str | None = "truck-7", **properties: str) -> dict[str, Any]:
    system = {"enqueuedTime": "2024-01-01T00:00:01.1230000Z"} | ({"connectionDeviceId": device} if device else {})
    return {"EnqueuedTimeUtc": T, "Properties": properties, "SystemProperties": system, "Body": text}


ROUTED = [
    routed(b'{"speed":1}', type="tel", odo="12.5"),
    routed(b'{"speed":2,"new":3}', type="tel"),
    routed(b'{"code":"P0001"}', type="dtc", status="set"),
    routed(b'{"code":"P0002","new":3}', "truck-8", type="dtc", status="set"),
    routed(b"{}", type="tel", odo="13"),
    routed(b'[{"speed":3},{"speed":4}]', type="tel"),
    routed(b'{"speed":5}', None, type="tel"),
    routed(b'{"speed":6}', type="login"),
    routed(b'{"speed":7}'),
    routed(b'{"speed"', type="tel"),
    routed(b"8", type="tel"),
    routed(b'{"speed":9}', type="tel", odo="far"),
]


def check_routed(found: Read) -> None:
    assert found.column("speed_kmh") == [1.0, 2.0, None, 3.0, 4.0]
    assert found.column("odometer_km") == [12.5, None, 13.0, None, None]
    assert found.column("extras") == [None, '{"new":3}', None, None, None]
    assert found.column("vehicle_id") == [vehicle_id("truck-7")] * 5
    assert found.column("event_at")[0] == datetime(2024, 1, 1, 0, 0, 1, 123_000, tzinfo=UTC)
    assert found.column("code", "faults") == ["P0001", "P0002"]
    assert found.column("status", "faults") == ["set", "set"]
    assert found.column("extras", "faults") == [None, '{"new":3}']
    assert found.column("vehicle_id", "faults") == [vehicle_id("truck-7"), vehicle_id("truck-8")]
    assert found.reasons == [
        "no vehicle in @system/connectionDeviceId",
        "@property/type is not one of tel, dtc: found 'login'",
        "@property/type is not one of tel, dtc: found nothing",
        "not JSON",
        "a JSON value that is no object",
        "odometer_km: found 'far'",
    ]


def test_device_time_kind_and_values_beside_the_body(tmp_path: Path) -> None:
    check_routed(capture(avro(ROUTED, IOT_HUB), tmp_path, **ENVELOPE))


def test_the_same_one_by_one(tmp_path: Path) -> None:
    """What a message is does not depend on the others of its file."""
    found = Read()
    for number, record in enumerate(ROUTED):
        one = capture(avro([record], IOT_HUB), tmp_path, **ENVELOPE)
        for kind, rows in one.rows.items():
            before = [found.rows[kind]] if kind in found.rows else []
            found.rows[kind] = pl.concat([*before, rows], how="diagonal_relaxed")
        found.rejects = pl.concat([found.rejects, one.rejects])
        found.records += one.records
        assert one.records == one.landed + one.rejects.height, number
    check_routed(found)


def test_properties_of_event_hubs_are_numbers_and_bytes_too(tmp_path: Path) -> None:
    columns = {"speed_kmh": "@property/n", "odometer_km": "@system/f"}
    data = avro([event(1, body()), event(2, body())])
    for cut in (len(data), len(data) - 3):
        found = capture(data[:cut], tmp_path, vehicle={"field": "@system/x-opt-publisher"}, columns=columns)
        assert (found.column("speed_kmh"), found.column("odometer_km")) == ([1.0, 1.0], [0.5, 0.5])
        assert found.column("vehicle_id") == [vehicle_id("p")] * 2


def test_the_envelope_belongs_to_captured_events(tmp_path: Path) -> None:
    with pytest.raises(FeedError) as caught:
        profile(vehicle={"field": "@system/connectionDeviceId"})
    assert "@system/connectionDeviceId is of the envelope of an event" in caught.value.expected
