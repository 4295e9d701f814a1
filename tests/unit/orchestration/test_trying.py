"""Trying a profile: what would land, why the rest would not, what is not in the files; and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lake.errors import FeedError
from lake.settings import Settings
from orchestration.trying import Trial, attempt
from tests.unit.sources.reading import profile
from transforms.sources.profile import FeedProfile

T = "2024-01-01T00:00:00Z"
CSV = f"vehicle,at,speed,x1\na,{T},1,\na,{T},fast,\na,noon,2,u\na,{T},slow,\na,{T},4,v\n"
KINDS: dict[str, Any] = {
    "format": "jsonl",
    "kind": None,
    "columns": None,
    "kind_field": "type",
    "kinds": {
        "telemetry": {"when": "t", "columns": {"speed_kmh": "speed", "gear": ["Gear", "Gang"]}},
        "faults": {"when": "f", "columns": {"code": "code", "status": "status"}},
    },
}


def tried(data: str, feed: FeedProfile, tmp_path: Path) -> Trial:
    path = tmp_path / "data" / "file"
    path.parent.mkdir()
    path.write_text(data)
    return attempt(Settings(), feed, [str(path)])


def test_counts_reasons_with_an_example_each_and_rows(tmp_path: Path) -> None:
    trial = tried(CSV, profile(), tmp_path)
    assert (trial.files, trial.records, trial.landed, trial.rejected) == (1, 5, 2, 3)
    assert {reason.why: reason.records for reason in trial.reasons.values()} == {
        "speed_kmh": 2,
        "the time is not ISO 8601 with an offset": 1,
    }
    found = trial.reasons["speed_kmh"]
    assert (found.example, found.original[43:]) == ("speed_kmh: found 'fast'", f",{T},fast,".encode())
    assert found.place.endswith("/data/file at 46")
    assert trial.rows["telemetry"]["speed_kmh"].to_list() == [1.0, 4.0]


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tried(CSV, profile(), tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "file"]


def test_a_column_that_no_file_has_and_a_field_that_no_column_reads(tmp_path: Path) -> None:
    """A header names its columns, whether their cells are filled or not."""
    text = f"vehicle,at,Speed,gear\na,{T},1,\n"
    trial = tried(text, profile(columns={"speed_kmh": ["speed", "v"], "gear": "gear"}), tmp_path)
    assert trial.never_found == ["speed_kmh (from speed or v)"]
    assert trial.not_read == ["Speed"]


def test_of_messages_a_column_is_found_if_any_has_it(tmp_path: Path) -> None:
    text = f'{{"type":"t","vehicle":"a","at":"{T}","speed":1}}\n{{"type":"t","vehicle":"a","at":"{T}","x":2}}\n'
    trial = tried(text, profile(**KINDS), tmp_path)
    # Of faults there were none, and so nothing is missed of them.
    assert trial.never_found == ["telemetry.gear (from Gear or Gang)"]
    assert trial.not_read == ["x"]


def test_rows_of_each_kind(tmp_path: Path) -> None:
    messages = [f'{{"type":"t","vehicle":"a","at":"{T}","speed":{n},"Gear":1}}' for n in range(9)]
    messages += [f'{{"type":"f","vehicle":"a","at":"{T}","code":"P0001","status":"set"}}']
    trial = tried("\n".join(messages), profile(**KINDS), tmp_path)
    assert {kind: rows.height for kind, rows in trial.rows.items()} == {"telemetry": 3, "faults": 1}
    assert (trial.landed, trial.never_found, trial.not_read) == (10, [], [])


def test_files_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="There is nothing to try"):
        attempt(Settings(), profile(), [])
    with pytest.raises(FeedError, match="There is no such file or folder"):
        attempt(Settings(), profile(), [str(tmp_path / "none")])
