"""Values in the type and unit of their column."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lake.signals import SIGNALS, vss_unit
from tests.unit.sources.reading import profile, read
from transforms.sources.units import conversion

T = "2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("column", "unit", "value", "expected"),
    [
        ("speed_kmh", "mile/h", 10, 16.09344),
        ("speed_kmh", "m/s", 10, 36.0),
        ("odometer_km", "m", 54_054_555, 54_054.555),
        ("odometer_km", "mile", 1, 1.609344),
        ("ambient_temperature_c", "degF", 212, 100.0),
        ("ambient_temperature_c", "kelvin", 273.15, 0.0),
        ("tyre_pressure_front_left_kpa", "psi", 32, 220.632233),
        ("tyre_pressure_front_left_kpa", "bar", 2.2, 220.0),
        ("battery_power_kw", "W", 1500, 1.5),
        ("energy_used_kwh", "Wh", 500, 0.5),
        ("acceleration_longitudinal_mps2", "mile/hour/second", 1, 0.44704),
    ],
)
def test_units(column: str, unit: str, value: float, expected: float, tmp_path: Path) -> None:
    feed = profile(columns={column: {"field": "x", "unit": unit}})
    assert read(f"vehicle,at,x\na,{T},{value}\n", feed, tmp_path).column(column) == [pytest.approx(expected)]


@pytest.mark.parametrize("unit", ["parsec/fortnight/x", "kg", "", "km/", "1/0", "((", "m s**"])
def test_what_cannot_be_converted(unit: str) -> None:
    with pytest.raises(ValueError, match=r"unit|defined|measure"):
        conversion(unit, "km/h")


def test_every_unit_of_every_vss_version_can_be_converted() -> None:
    for signal in SIGNALS:
        for version in (3, 4, 5, 6):
            unit = vss_unit(signal, version)
            assert signal.unit is None or unit is None or conversion(unit, signal.unit).factor > 0


@pytest.mark.parametrize(("version", "expected"), [(5, 7.0), (6, 0.007)])
def test_the_vss_version_says_the_unit_of_the_odometer(version: int, expected: float, tmp_path: Path) -> None:
    feed = profile(vss=version, columns={})
    found = read(f"vehicle,at,Vehicle.TraveledDistance\na,{T},7\n", feed, tmp_path)
    assert found.column("odometer_km") == [expected]


def test_a_column_of_the_profile_comes_in_the_place_of_that_of_vss(tmp_path: Path) -> None:
    feed = profile(vss=6, columns={"odometer_km": "odo"})
    found = read(f"vehicle,at,Vehicle.TraveledDistance,odo\na,{T},7,5\n", feed, tmp_path)
    assert found.column("odometer_km") == [5.0]
    assert found.column("extras") == ['{"Vehicle.TraveledDistance":"7"}']


def test_rules_by_day(tmp_path: Path) -> None:
    ruled = [
        {"field": "v", "unit": "mile/h", "until": date(2015, 9, 7)},
        {"field": "v", "unit": "m/s", "from": date(2015, 12, 30)},
    ]
    feed = profile(columns={"speed_kmh": ruled})
    rows = ["2015-09-06T23:59:59Z", "2015-09-07T00:00:00Z", "2015-12-29T23:59:59Z", "2015-12-30T00:00:00Z"]
    found = read("vehicle,at,v\n" + "".join(f"a,{at},10\n" for at in rows) + f"a,{rows[1]},x\n", feed, tmp_path)
    assert found.column("speed_kmh") == [pytest.approx(16.09344), None, None, 36.0, None]


@pytest.mark.parametrize(
    ("text", "expected"), [("3", 3), ("3.0", 3), ("-1", -1), ("3e0", 3), ("", None), ("null", None), (" NaN ", None)]
)
def test_whole_numbers(text: str, expected: int | None, tmp_path: Path) -> None:
    found = read(f"vehicle,at,gear\na,{T},{text}\n", profile(columns={"gear": "gear"}), tmp_path)
    assert found.column("gear") == [expected]


@pytest.mark.parametrize("text", ["3.5", "x", "inf", "1e300", "1_0", "3,0", "0x3", "--3"])
def test_what_is_no_whole_number(text: str, tmp_path: Path) -> None:
    feed = profile(columns={"gear": "gear"}, csv={"separator": ";"})
    assert read(f"vehicle;at;gear\na;{T};{text}\n", feed, tmp_path).reasons == [f"gear: found '{text}'"]


def test_own_texts_for_nothing(tmp_path: Path) -> None:
    """An empty text is always nothing; the usual ones are so where the profile names none."""
    text = f"vehicle,at,speed\na,{T},x\na,{T},n/a\na,{T},\n"
    found = read(text, profile(nulls="x"), tmp_path)
    assert found.column("speed_kmh") == [None, None]
    assert found.reasons == ["speed_kmh: found 'n/a'"]
    assert read(text, profile(), tmp_path).reasons == ["speed_kmh: found 'x'"]


@pytest.mark.parametrize("encoding", ["shift_jis", "gb18030", "gbk", "big5", "euc_kr", "cp1252", "latin-1"])
def test_encodings_that_hold_ascii(encoding: str, tmp_path: Path) -> None:
    """Whatever a character is made of, no line and no quote is cut within."""
    for text in ("表", "乗", "ä", "é", "가"):
        try:
            note = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        data = b'vehicle,at,speed,note\na,%s,1,%s\na,%s,2,"%s,%s"\n' % (T.encode(), note, T.encode(), note, note)
        found = read(data, profile(csv={"encoding": encoding}), tmp_path)
        assert found.column("speed_kmh") == [1.0, 2.0]
        assert [json.loads(extras)["note"] for extras in found.column("extras")] == [text, f"{text},{text}"]


def test_all_that_is_wrong_with_a_record_is_said(tmp_path: Path) -> None:
    feed = profile(columns={"speed_kmh": "speed", "gear": "gear"})
    found = read("vehicle,at,speed,gear\n,noon,fast,1.5\n", feed, tmp_path)
    assert found.reasons == [
        "no vehicle in vehicle; the time is not ISO 8601 with an offset: found 'noon'; "
        "speed_kmh: found 'fast'; gear: found '1.5'"
    ]


def test_long_values_are_shown_in_part(tmp_path: Path) -> None:
    found = read(f"vehicle,at,speed\na,{T},{'x' * 500}\n", profile(), tmp_path)
    assert found.reasons == [f"speed_kmh: found '{'x' * 60}'"]


RENAMED: dict[str, Any] = {
    "kind": "faults",
    "columns": {
        "code": [{"field": "c1", "until": date(2024, 6, 1)}, {"field": "c2"}],
        "status": "status",
        "ecu": [{"field": "e1", "until": date(2024, 6, 1)}, {"field": "e2", "from": date(2024, 6, 1)}],
    },
}


def test_several_sources_of_a_text_and_of_a_column_that_is_needed(tmp_path: Path) -> None:
    rows = [f"a,{T},P0001,,set,x,y", "a,2024-07-01T00:00:00Z,P0001,P0002,set,x,y", f"a,{T},,P0003,set,,y"]
    found = read("vehicle,at,c1,c2,status,e1,e2\n" + "\n".join(rows), profile(**RENAMED), tmp_path)
    assert found.column("code", "faults") == ["P0001", "P0002", "P0003"]
    assert found.column("ecu", "faults") == ["x", "y", None]
    assert found.rejects.is_empty()


def test_no_source_of_a_column_that_is_needed_gives_a_value(tmp_path: Path) -> None:
    rows = [f"a,{T},,set", "a,2024-07-01T00:00:00Z,P0001,set", f"a,{T},P0001,set"]
    found = read("vehicle,at,c1,status\n" + "\n".join(rows), profile(**RENAMED), tmp_path)
    assert found.reasons == ["no code in c1 or c2"] * 2
    assert found.column("code", "faults") == ["P0001"]


def test_what_follows_a_value_is_not_read(tmp_path: Path) -> None:
    feed = profile(columns={"speed_kmh": [{"field": "v1"}, {"field": "v2"}]})
    found = read(f"vehicle,at,v1,v2\na,{T},5,n.b.\na,{T},,n.b.\na,{T},x,6\n", feed, tmp_path)
    assert found.column("speed_kmh") == [5.0]
    assert found.reasons == ["speed_kmh: found 'n.b.'", "speed_kmh: found 'x'"]


@pytest.mark.parametrize(
    ("kind", "column", "unit", "value", "expected"),
    [
        ("charging_events", "energy_kwh", "Wh", 1500, 1.5),
        ("charging_events", "power_kw", "W", 7400, 7.4),
        ("faults", "freeze_speed_kmh", "mile/h", 10, 16.09344),
        ("faults", "freeze_coolant_temperature_c", "degF", 212, 100.0),
        ("faults", "freeze_lv_battery_voltage_v", "mV", 12_600, 12.6),
        ("vehicles", "tank_capacity_l", "gallon", 1, 3.785412),
        ("workshop_visits", "odometer_km", "mile", 1, 1.609344),
    ],
)
def test_units_of_columns_that_are_no_signals(
    kind: str, column: str, unit: str, value: float, expected: float, tmp_path: Path
) -> None:
    needed = {
        "faults": {"code": "P0562", "status": "set"},
        "charging_events": {"event": "started"},
        "workshop_visits": {"visit_id": "v", "event": "arrived"},
        "vehicles": {},
    }[kind]
    feed = profile(kind=kind, columns={name: name for name in needed} | {column: {"field": "x", "unit": unit}})
    found = read(
        f"{','.join(['vehicle,at,x', *needed])}\n{','.join(['a', T, str(value), *needed.values()])}\n", feed, tmp_path
    )
    assert found.column(column, kind) == [pytest.approx(expected)]


def test_the_name_of_a_column_says_one_unit() -> None:
    units: dict[str, set[str]] = {}
    for signal in SIGNALS:
        if signal.unit:
            units.setdefault(signal.column.rpartition("_")[2], set()).add(signal.unit)
    assert [ending for ending, found in units.items() if len(found) > 1] == []


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_scale_and_offset_come_before_the_unit(kind: str, tmp_path: Path) -> None:
    columns = {
        "latitude_deg": {"field": "lat", "scale": 1e-7},
        "speed_kmh": {"field": "v", "scale": 0.1, "unit": "m/s"},
        "ambient_temperature_c": {"field": "t", "scale": 0.5, "offset": -40.0},
        "gear": {"field": "g", "offset": -1},
    }
    feed = profile(format=kind, columns=columns)
    data = f"vehicle,at,lat,v,t,g\na,{T},525200080,100,90,4\n"
    if kind == "jsonl":
        data = f'{{"vehicle":"a","at":"{T}","lat":525200080,"v":100,"t":90,"g":4}}'
    found = read(data, feed, tmp_path)
    values = {name: found.column(name) for name in columns}
    assert values == {
        "latitude_deg": [pytest.approx(52.520008)],
        "speed_kmh": [pytest.approx(36.0)],
        "ambient_temperature_c": [5.0],
        "gear": [3],
    }


def test_numbers_that_mean_nothing(tmp_path: Path) -> None:
    feed = profile(format="jsonl", nulls=["-999"])
    found = read(
        "".join(f'{{"vehicle":"a","at":"{T}","speed":{v}}}\n' for v in ("-999", "-999.0", "5")), feed, tmp_path
    )
    assert found.column("speed_kmh") == [None, None, 5.0]
