"""What stands for a vehicle or a person is in no reject, and in no path that is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.sources.reading import BOUNDS, KEY, VIN, masked, profile, read, vehicle_id
from transforms.sources.identity import KeyedIds
from transforms.sources.reader import FeedReader

T = "2024-01-01T00:00:00Z"
PLATE, PERSON = "B-XY 1234", "alice@example.com"
COMMANDS: dict[str, Any] = {
    "kind": "commands",
    "columns": {"command_id": "id", "command": "command", "status": "status", "account_id": "acc"},
}


def clear(originals: list[bytes], reasons: list[str]) -> list[str]:
    """The identifiers that can be read in rejects."""
    text = b"\n".join([*originals, *(reason.encode() for reason in reasons)])
    return [secret for secret in (PLATE, PERSON, "DRIVER-7") if secret.encode() in text]


@pytest.mark.parametrize("style", ["csv", "jsonl"])
@pytest.mark.parametrize("at", ["bad", T])
def test_rejects_hold_hashes(style: str, at: str, tmp_path: Path) -> None:
    driver = "Vehicle.Driver.Identifier.Subject"
    data = f"vehicle,at,id,command,status,acc,{driver}\n{PLATE},{at},c1,lock,gone,{PERSON},DRIVER-7\n"
    if style == "jsonl":
        data = (
            f'{{"vehicle": "{PLATE}", "at":"{at}","id":"c1","command":"lock","status":"gone","acc":"{PERSON}",'
            f'"{driver}":"DRIVER-7"}}'
        )
    found = read(data, profile(format=style, **COMMANDS), tmp_path)
    raw = found.rejects["original"].to_list()
    assert clear(raw, found.reasons) == []
    assert f"vehicle_id:{vehicle_id(PLATE)}".encode() in raw[0]
    assert f"account_id:{KeyedIds(KEY, 'feed/account').of(PERSON)}".encode() in raw[0]


def test_a_cell_is_masked_as_a_whole(tmp_path: Path) -> None:
    found = read("vehicle,at,speed\n1,2024-01-01,1.1\n", profile(), tmp_path)
    mask = f"vehicle_id:{vehicle_id('1')}".encode()
    assert found.rejects["original"].to_list() == [mask + b",2024-01-01,1.1"]


def test_a_json_record_that_is_cut_off(tmp_path: Path) -> None:
    found = read(f'{{"at":"{T}","vehicle":"{PLATE}","spe', profile(format="jsonl"), tmp_path)
    assert clear(found.rejects["original"].to_list(), found.reasons) == []


def test_a_local_identifier_that_is_a_vin_is_masked_as_one(tmp_path: Path) -> None:
    for style, data in (("csv", f"vehicle,at,speed\n{VIN},bad,1\n"), ("jsonl", f'{{"vehicle":"{VIN}","at":"bad"}}')):
        found = read(data, profile(format=style), tmp_path)
        assert masked().encode() in found.rejects["original"][0]
        assert VIN.encode() not in found.rejects["original"][0]


@pytest.mark.parametrize("identifier", ["ZOOX-17", "YV2E4C3A5VB18O691", f"{VIN}1"])
def test_prototypes_and_mistyped_vins_land_and_are_stored_nowhere(identifier: str, tmp_path: Path) -> None:
    feed = profile(vehicle={"field": "vehicle", "identifier": "vin"})
    found = read(f"vehicle,at,speed\n{identifier},{T},1\n{identifier},bad,1\n", feed, tmp_path)
    assert found.landed == 1
    assert identifier.encode() not in found.rejects["original"][0]


def test_the_vehicle_in_a_path_is_not_stored() -> None:
    reader = FeedReader(profile(vehicle={"path": r"([^/]+)/[^/]+\.csv$"}), KEY, BOUNDS)
    shown = reader.shown_path("inbox/feed/B-XY-1234/a.csv.gz")
    assert shown == f"inbox/feed/vehicle_id:{vehicle_id('B-XY-1234')}/a.csv.gz"
