"""Several kinds of message in one feed: told apart by a field, each with its own columns, demands and rejects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.sources.reading import KEY, VIN, Read, masked, profile, read
from transforms.sources.identity import KeyedIds

T = "2024-01-01T00:00:00Z"
FEED: dict[str, Any] = {
    "format": "jsonl",
    "kind": None,
    "columns": None,
    "kind_field": "kind",
    "sequence": "seq",
    "kinds": {
        "telemetry": {"when": "telemetry", "columns": {"speed_kmh": "speed"}},
        "faults": {"when": "fault", "columns": {"code": "code", "status": "status", "ecu": "ecu"}},
        "commands": {
            "when": "command",
            "columns": {"command_id": "id", "command": "command", "status": "status", "account_id": "account"},
        },
    },
}


def said(kind: str, **fields: Any) -> str:
    return json.dumps({"kind": kind, "vehicle": "a", "at": T} | fields, separators=(",", ":"))


def lines(tmp_path: Path, *texts: str) -> Read:
    return read("\n".join(texts), profile(**FEED), tmp_path)


def test_each_kind_lands_in_its_table_with_its_columns_alone(tmp_path: Path) -> None:
    found = lines(
        tmp_path,
        said("fault", seq=1, code="P0562", status="set"),
        said("telemetry", seq=7, speed=3),
        said("command", id="c1", command="lock", status="issued"),
        said("telemetry", seq=8, speed=4),
    )
    assert {kind: rows["record"].to_list() for kind, rows in found.rows.items()} == {
        "telemetry": [1, 3],
        "faults": [0],
        "commands": [2],
    }
    assert found.column("sequence") == [7, 8]
    assert found.column("code", "faults") == ["P0562"]
    assert "speed_kmh" not in found.rows["faults"].columns
    assert found.rejects.is_empty()


def test_the_field_says_the_kind_not_a_text_like_it_elsewhere(tmp_path: Path) -> None:
    text = said("fault", code="P0562", status="set", note={"kind": "telemetry"})
    found = lines(tmp_path, text, said("telemetry", speed=1))
    assert found.column("code", "faults") == ["P0562"]
    assert found.column("extras", "faults") == ['{"note":{"kind":"telemetry"}}']
    assert found.column("speed_kmh") == [1.0]


def test_a_field_of_another_kind_is_kept_as_an_extra(tmp_path: Path) -> None:
    found = lines(tmp_path, said("telemetry", speed=1, code="P0562"))
    assert "code" not in found.rows["telemetry"].columns
    assert found.column("extras") == ['{"code":"P0562"}']


def test_an_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    found = lines(tmp_path, said("horoscope", speed=1), said("telemetry", speed=1))
    assert found.reasons == ["kind is not one of telemetry, fault, command: found 'horoscope'"]
    assert found.landed == 1


def test_what_a_table_needs_must_be_there(tmp_path: Path) -> None:
    found = lines(
        tmp_path,
        said("fault", code="P0562"),
        said("fault", status="set", code=None),
        said("fault", status="set", code="P0562"),
        said("fault", status="gone", code="PX"),
    )
    assert found.reasons == [
        "no status in status",
        "no code in code",
        "code: found 'PX'; status: found 'gone'",
    ]
    assert found.column("code", "faults") == ["P0562"]


def test_needed_fields_that_no_record_of_a_block_has(tmp_path: Path) -> None:
    found = lines(tmp_path, said("fault", ecu="x"), said("fault", ecu="y"))
    assert found.reasons == ["no code in code; no status in status"] * 2


def test_accounts_are_stored_as_keyed_hashes_only(tmp_path: Path) -> None:
    account = "max@example.org"
    command = {"id": "c1", "command": "lock", "status": "issued"}
    found = lines(tmp_path, said("command", account=account, **command), said("command", **command))
    ids = found.column("account_id", "commands")
    assert ids == [KeyedIds(KEY, "feed/account").of(account), None]
    assert account not in str(found.rows["commands"].to_dicts())
    assert ids[0] != KeyedIds(KEY, "feed").of(account)


def test_keys_with_blanks_before_the_colon_are_not_lost(tmp_path: Path) -> None:
    found = lines(tmp_path, f'{{"kind":"telemetry","vehicle":"a","at":"{T}","speed" : 1,"new":2}}')
    assert found.column("speed_kmh") == [1.0]
    assert found.column("extras") == ['{"new":2}']


def test_keys_of_one_record_do_not_stand_for_those_of_another(tmp_path: Path) -> None:
    blank = f'{{"kind":"telemetry","vehicle":"a","at":"{T}","speed" : 1}}'
    for other in (said("telemetry", speed=2, new=3), said("fault", code="P0562", status="set", new=3)):
        found = lines(tmp_path, other, blank)
        rows = found.rows["telemetry" if '"telemetry"' in other else "faults"]
        assert '{"new":3}' in rows["extras"].to_list()


def test_keys_with_escapes_are_not_lost(tmp_path: Path) -> None:
    found = lines(tmp_path, rf'{{"kind":"telemetry","vehicle":"a","at":"{T}","speed":1,"new\\":2}}')
    assert found.column("extras") == [r'{"new\\":2}']


def test_a_sequence_that_is_no_whole_number_is_refused(tmp_path: Path) -> None:
    sequences = [1.5, 2**53 + 1, 2**60 + 1, "12"]
    found = lines(tmp_path, *(said("telemetry", seq=sequence) for sequence in sequences))
    assert found.reasons == ["the sequence is not a whole number: found '1.5'"]
    assert found.column("sequence") == [2**53 + 1, 2**60 + 1, 12]


def test_a_vin_in_a_text_of_an_event_is_masked(tmp_path: Path) -> None:
    found = lines(tmp_path, said("fault", code="P0562", status="set", ecu=f"x {VIN}"))
    assert found.column("ecu", "faults") == [f"x {masked()}"]


def test_a_kind_may_have_several_names(tmp_path: Path) -> None:
    """However they are written: in the usual way, with blanks, with keys that are not known."""
    kinds = FEED["kinds"] | {"faults": FEED["kinds"]["faults"] | {"when": ["fault", "dtc", "it's"]}}
    texts = [
        said("fault", code="P0562", status="set"),
        said("dtc", code="P0563", status="set"),
        said("telemetry", speed=3),
        json.dumps({"kind": "dtc", "vehicle": "a", "at": T, "code": "P0564", "status": "set"}, indent=None),
        said("it's", code="P0565", status="set", new=1),
        said("other"),
    ]
    found = read("\n".join(texts), profile(**FEED | {"kinds": kinds}), tmp_path)
    assert found.column("code", "faults") == ["P0562", "P0563", "P0564", "P0565"]
    assert found.column("extras", "faults") == [None, None, None, '{"new":1}']
    assert found.column("speed_kmh") == [3.0]
    assert found.reasons == ["kind is not one of telemetry, fault, dtc, it's, command: found 'other'"]
