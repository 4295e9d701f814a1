"""JSON of one signal per message, as OpenXC traces and gateways write it: name, value, time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.unit.sources.reading import Read, profile, read

TRACE: dict[str, Any] = {
    "format": "jsonl",
    "vehicle": {"constant": "truck"},
    "time": {"field": "timestamp", "format": "epoch_s"},
    "long_name": "name",
    "long_value": "value",
    "columns": {
        "speed_kmh": "vehicle_speed",
        "odometer_km": {"field": "odometer", "unit": "mile"},
        "ignition_on": {"field": "ignition_status", "true": ["run", "start"], "false": ["off"]},
        "gear": "gear",
        "parking_brake_on": "parking_brake_status",
    },
}


def trace(tmp_path: Path, *messages: dict[str, Any] | str, **changes: Any) -> Read:
    lines = [text if isinstance(text, str) else json.dumps({"timestamp": 1361454211.483} | text) for text in messages]
    return read("\n".join(lines) + "\n", profile(**TRACE | changes), tmp_path)


def test_numbers_texts_and_booleans(tmp_path: Path) -> None:
    found = trace(
        tmp_path,
        {"name": "vehicle_speed", "value": 51.25},
        {"name": "odometer", "value": 1000},
        {"name": "ignition_status", "value": "run"},
        {"name": "gear", "value": "3"},
        {"name": "parking_brake_status", "value": True},
        {"name": "vehicle_speed", "value": None},
    )
    assert found.rejects.is_empty()
    assert found.column("speed_kmh") == [51.25, None, None, None, None, None]
    assert found.column("odometer_km")[1] == 1609.344
    assert found.column("ignition_on")[2] is True
    assert found.column("gear")[3] == 3
    assert found.column("parking_brake_on")[4] is True
    assert found.column("extras") == [None] * 6
    assert set(found.column("event_at")) == {datetime(2013, 2, 21, 13, 43, 31, 483_000, tzinfo=UTC)}


def test_signals_without_a_column_and_other_keys_are_kept(tmp_path: Path) -> None:
    found = trace(
        tmp_path,
        {"name": "door_status", "value": "driver", "event": True},
        {"name": "steering_wheel_angle", "value": -3.5},
        {"name": "horn", "value": True},
        {"vehicle_speed": 7},
        ignore=["horn"],
    )
    assert [text and json.loads(text) for text in found.column("extras")] == [
        {"door_status": "driver", "event": True},
        {"steering_wheel_angle": "-3.5"},
        None,
        {"vehicle_speed": 7},
    ]
    assert found.landed == 4


def test_what_does_not_fit_is_rejected_as_it_is(tmp_path: Path) -> None:
    found = trace(tmp_path, {"name": "vehicle_speed", "value": "fast"}, "{", {"name": "vehicle_speed", "value": True})
    assert found.reasons == ["speed_kmh: found 'fast'", "not JSON", "speed_kmh: found 'true'"]


def test_identifiers_are_not_kept(tmp_path: Path) -> None:
    plate = {"name": "Vehicle.VehicleIdentification.LicensePlate", "value": "AB-123-C"}
    found = trace(tmp_path, plate, plate | {"timestamp": "never"}, json.dumps(plate)[:-1])
    assert found.landed == 1
    assert found.column("extras") == [None]
    assert len(found.originals) == 2
    assert not any(b"AB-123-C" in original for original in found.originals)
    assert all(b"identifier:" in original for original in found.originals)
