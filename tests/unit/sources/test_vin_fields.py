"""No VIN is readable at an edge, and none in a field that by its name holds one."""

from __future__ import annotations

import json
import string
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.reading import KEY, VIN, masked, profile, read
from transforms.sources.identity import KeyedIds, mask_vins, mask_vins_in_text
from transforms.sources.vin_fields import names_a_vin

VINS = KeyedIds(KEY, "vin")
T = "2024-01-01T00:00:00Z"
OWN = "ZOOX-17"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%3D", ""), ("%3d", "%26x"), ("https://x/?u=%3Fvin%3D", "%26a%3D1"), ("%253D", "%2526"), ("%25253D", ""),
        ("%2525253d", ""), ("%2F", "%2F"), ("%20", "%20"), ("vin", ""), ("VIN", "."), ("id=fin", " "), ("%0A", ""),
    ],
)  # fmt: skip
def test_an_escape_of_a_url_and_its_own_name_are_edges(before: str, after: str) -> None:
    text, expected = f"{before}{VIN}{after}", f"{before}{masked()}{after}"
    assert mask_vins(text.encode(), VINS).decode() == expected
    assert mask_vins_in_text(pl.Series([text, None]), VINS).to_list() == [expected, None]


@pytest.mark.parametrize("text", [f"%3{VIN}", f"D{VIN}", f"x3D{VIN}", f"{VIN}0001", f"bin{VIN}", "bus number 12345678"])
def test_letters_and_digits_that_touch_make_it_another_word(text: str) -> None:
    assert mask_vins(text.encode(), VINS) == text.encode()


EDGES = st.text(string.punctuation + " \n\t", max_size=3) | st.sampled_from(["%3D", "%252F", "%3a", "vin", "\\n", "é"])
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@given(
    vin=st.text(LETTERS, min_size=15, max_size=15).map(lambda text: f"W{text}7"),
    lower=st.booleans(), before=EDGES, after=st.text(string.punctuation + " \n", max_size=3),
    left=st.text(max_size=5).map(lambda text: f"{text} "), right=st.text(max_size=5).map(lambda text: f" {text}"),
)  # fmt: skip
def test_no_vin_is_readable_at_an_edge(vin: str, lower: bool, before: str, after: str, left: str, right: str) -> None:
    sent = vin.lower() if lower else vin
    stored = mask_vins(f"{left}{before}{sent}{after}{right}".encode(), VINS).decode()
    assert sent not in stored


NAMES = [
    "vin", "VIN", "Vin", "fin", "FIN", "chassis", "Chassis", "chassis_number", "chassisNumber", "ChassisNo",
    "vehicle_identification_number", "vehicleIdentificationNumber", "VehicleIdentificationNumber",
    "fahrgestellnummer", "numero_de_chassis",
    "Fahrgestell-Nr", "fahrgestell_nr", "fahrzeugidentifizierungsnummer", "FahrzeugIdentNr", "vehicle_vin", "carVin",
    "carVIN", "vehicle.vin", "Vehicle.VehicleIdentification.VIN", "vin_number", "vinCode", "vin-id",
    "numero_de_bastidor", "numero_telaio", "frame_no", "ident_nr",
]  # fmt: skip
OTHERS = ["kevin", "calvin", "ving", "vine", "finish", "final", "fine", "dolphin", "chassis_temp_c", "vinyl", "number"]


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_is_called_so_is_masked_whatever_its_form(name: str) -> None:
    assert names_a_vin(name)
    stands = f"vin:{VINS.of(OWN)}"
    for value in (OWN, [OWN, OWN], {"value": OWN, "from": OWN}, f"{OWN}\\"):
        text = json.dumps({"a": {"b": [{name: value, "x": "stays"}]}, "n": 1})
        found = mask_vins_in_text(pl.Series([text]), VINS)[0]
        assert OWN not in found
        json.loads(found)
        assert "stays" in found
    assert json.loads(mask_vins(json.dumps({name: OWN, "x": OWN}).encode(), VINS)) == {name: stands, "x": OWN}
    assert json.loads(mask_vins(json.dumps({name: 4711}).encode(), VINS)) == {name: f"vin:{VINS.of('4711')}"}
    within = json.dumps({"payload": json.dumps({name: OWN, "x": 1})})
    assert json.loads(json.loads(mask_vins(within.encode(), VINS))["payload"]) == {name: stands, "x": 1}
    assert OWN.encode() not in mask_vins(f'{{"{name}": "{OWN}'.encode(), VINS)


@pytest.mark.parametrize("name", OTHERS)
def test_a_field_that_is_called_otherwise_stays(name: str) -> None:
    text = json.dumps({name: OWN, "vin": None, "fin": True, "chassis": ""})
    assert mask_vins(text.encode(), VINS) == text.encode()


def test_a_masked_field_has_the_hash_of_the_vehicle() -> None:
    """And masking it again changes nothing."""
    once = mask_vins(json.dumps({"vin": f" {VIN.lower()} ", "car": VIN}).encode(), VINS)
    assert json.loads(once) == {"vin": masked(), "car": masked()}


@pytest.mark.parametrize("style", ["csv", "jsonl"])
def test_nothing_of_it_is_stored(style: str, tmp_path: Path) -> None:
    lines = [
        {"vehicle": "a", "at": at, "speed": 1, "Chassis_Number": OWN, "note": f"u%3Dvin%3D{VIN}"} for at in (T, "bad")
    ]
    data = "\n".join(map(json.dumps, lines))
    if style == "csv":
        data = "\n".join([",".join(lines[0]), *(",".join(map(str, line.values())) for line in lines)]) + "\n"
    found = read(data, profile(format=style), tmp_path)
    assert (found.landed, found.rejects.height) == (1, 1)
    stored = str([frame.to_dicts() for frame in (*found.rows.values(), found.rejects)])
    assert OWN not in stored
    assert VIN not in stored
    assert masked() in stored
    assert f"vin:{VINS.of(OWN)}" in stored
