"""Each command of ``sillage`` with good and bad input: what it says, where, and the exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lake.errors import SillageError
from lake.settings import environment_names
from orchestration import landing
from simulator import begun
from tests.integration.cli.conftest import Filled, Run
from tests.integration.lakes import FEEDS

COMMANDS = ("demo", "simulate", "land", "build", "publish", "maintain", "serve", "sql", "status", "doctor")
TRIPS = "select count(*) as trips, sum(distance_km) as km from core.trips"


# all commands


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_options(run: Run, command: str) -> None:
    said = run(command, "--help")
    assert said.code == 0
    assert f"sillage {command}" in said.out
    assert len(said.out.split()) > 15


def test_without_a_command_all_are_listed(run: Run) -> None:
    said = run()
    assert said.code == 0
    assert all(re.search(rf"\b{command}\b", said.out) for command in COMMANDS)
    assert re.search(r"\d+\.\d+", run("--version").out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["lnad"],
        ["land"],
        ["land", "--feed"],
        ["build", "--from", "yesterday"],
        ["build", "--untill", "2025-01-01"],
        ["sql"],
        ["sql", "select 1", "--format", "xml"],
        ["simulate", "--vehicles", "many"],
        ["serve", "--port", "http"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2_and_no_traceback(run: Run, arguments: Sequence[str]) -> None:
    said = run(*arguments)
    assert said.code == 2
    assert "Traceback" not in said.out + said.err
    assert (said.out + said.err).strip()


NO_LAKE = [["build"], ["publish"], ["maintain"], ["sql", "select 1"], ["status"]]


@pytest.mark.parametrize("arguments", NO_LAKE, ids=" ".join)
def test_what_reads_a_lake_says_that_there_is_none_and_makes_none(
    run: Run, arguments: Sequence[str], tmp_path: Path
) -> None:
    said = run(*arguments)
    assert said.code == 1
    assert "There is no lake yet" in said.err
    assert "sillage land" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "lake").exists()


def test_maintenance_says_what_it_would_do_and_what_it_did(on_filled: Filled, run: Run) -> None:
    said = run("maintain", "--dry-run")
    assert said.code == 0
    assert "Nothing was changed" in said.out
    assert re.search(r"\d+ files in the place of \d+, 0 old ones removed", said.out)


@pytest.mark.parametrize(
    "arguments", [["status"], ["land", "--feed", "nothing.toml"], ["sql", "drop table core.trips"]]
)
def test_debug_shows_where_an_error_came_from(on_filled: Filled, run: Run, arguments: Sequence[str],
                                              monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("SILLAGE_VEHICLE_KEY", "not the key of this lake at all")
    assert run(*arguments).code > 0
    with pytest.raises(SillageError):
        run(*arguments, "--debug")


def test_settings_that_are_wrong_are_exit_code_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILLAGE_BUCKETS", "none")
    said = run("status")
    assert said.code == 2
    assert "SILLAGE_BUCKETS" in said.err
    assert "'none'" in said.err


def test_what_nobody_foresaw_is_said_without_a_traceback(
    on_filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a [bold]strange[/] thing")

    monkeypatch.setattr("orchestration.status.table_rows", fail)
    said = run("status")
    assert said.code == 1
    assert "ZeroDivisionError" in said.err
    assert "a [bold]strange[/] thing" in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err
    with pytest.raises(ZeroDivisionError):
        run("status", "--debug")


def test_an_interrupt_is_exit_code_130(on_filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestration.status.table_rows", interrupt)
    assert run("status").code == 130


# land, build, publish


def test_land_build_publish_and_again(filled: Filled, run: Run, tmp_path: Path) -> None:
    broken = sum(map(len, filled.feed.broken.values()))
    landing = ("land", "--feed", filled.feed.profile, filled.feed.folder)
    first = run(*landing)
    assert first.code == 0
    assert f"Landed {filled.feed.rows:,} of {filled.feed.rows + broken:,} records from 3 files" in first.err
    assert f"{broken} rejected" in first.err
    assert first.out == ""
    assert "Nothing new to land: 3 files had landed before." in run(*landing).err
    built = run("build")
    assert "Built core.trips: " in built.err
    assert "Built kpi.driving: 3 days from 2025-03-01 to 2025-03-03" in built.err
    assert "Nothing to build" in run("build").err
    named = run("build", "--from", "2025-03-02", "--to", "2025-03-02", "--table", "core.trips")
    assert re.search(r"Built core.trips: 1 days? from 2025-03-02 to 2025-03-02", named.err)
    assert "vehicle_days" not in named.err
    assert "no such days" in run("build", "--from", "2031-01-01").err
    published = run("publish")
    assert published.code == 0
    assert "to 2025-03-03" in published.err
    assert len(list((tmp_path / "lake" / "published").glob("snapshot-*.duckdb"))) == 1


def test_a_profile_is_tried_corrected_and_its_files_land_again(filled: Filled, run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(filled.feed.profile.read_text().replace('"odometer"', '"Odometer"') + '[csv]\nseparator = ";"\n')
    file = filled.feed.files[0]
    tried = run("land", "--feed", wrong, "--try", file)
    assert tried.code == 0
    assert "Would land 0 of" in tried.out
    assert "why: the header has no vehicle and no time (separator ';'): found 'vehicle,time," in tried.out
    assert not (tmp_path / "lake").exists()
    assert "and land them with --again" in run("land", "--feed", wrong, file).err
    wrong.write_text(wrong.read_text().replace(";", ","))
    tried = run("land", "--feed", wrong, "--try", file)
    assert "In no file: odometer_km (from Odometer)" in tried.out
    assert "in extras: odometer" in tried.out
    assert "speed_kmh" in tried.out
    assert "Nothing new to land" in run("land", "--feed", wrong, file).err
    again = run("land", "--feed", wrong, "--again", file)
    assert "from 1 file" in again.err
    assert "In no file: odometer_km (from Odometer)" in again.err
    assert "Nothing new to land" in run("land", "--feed", wrong, "--again", file).err


def test_land_takes_the_inbox_where_no_path_is_given(filled: Filled, run: Run, tmp_path: Path) -> None:
    inbox = tmp_path / "lake" / "inbox" / "shuttles"
    said = run("land", "-f", filled.feed.profile).err
    assert f"Nothing new to land: in {inbox} no file fits *.csv" in said.replace("\n", " ")
    inbox.mkdir(parents=True)
    (inbox / "a.csv").write_bytes(filled.feed.files[0].read_bytes())
    assert "from 1 file" in run("land", "-f", filled.feed.profile).err


def test_land_says_what_became_of_files_that_are_written_or_have_grown(
    filled: Filled, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SILLAGE_INBOX_SETTLE_S", "3600")
    file = tmp_path / "grows.csv"
    top, *rows = filled.feed.files[0].read_bytes().splitlines(keepends=True)
    file.write_bytes(top + b"".join(rows[:50]))
    land = ("land", "--feed", filled.feed.profile, file)
    left = "1 file was written within the last 3600 s and is left for the next landing; --now lands such files at once."
    said = run(*land)
    assert (said.code, said.err.strip()) == (0, left)
    assert "from 1 file" in run(*land, "--now").err
    file.write_bytes(file.read_bytes() + b"".join(rows[50:60]))
    long_ago = time.time() - 7200
    os.utime(file, (long_ago, long_ago))
    grown = run(*land).err
    assert "Of 1 file that had grown only what was new has landed." in grown
    assert "Landed 10 of 10 records from 1 file" in grown
    file.write_bytes(top + rows[70])
    anew = run(*land, "--now").err.replace("\n", " ")
    assert f"All of {file} has landed, though it had landed before: it does not begin with what has landed" in anew


def test_land_names_a_file_that_changes_while_it_is_read(
    filled: Filled, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "changes.csv"
    file.write_bytes(filled.feed.files[0].read_bytes())
    plan = landing.plan

    def change(*args: Any) -> None:
        plan(*args)
        os.truncate(file, 500)

    monkeypatch.setattr(landing, "plan", change)
    said = run("land", "--feed", filled.feed.profile, file).err
    assert f"Changed while it was read, and left for the next landing: {file}" in said.replace("\n", " ")


@pytest.mark.parametrize(
    ("path", "said"),
    [("nowhere", "no such file or folder"), (".", "Nothing in . fits the feed shuttles"), ("[b]", "no such file")],
)
def test_land_says_what_is_wrong_with_a_path(filled: Filled, run: Run, path: str, said: str) -> None:
    found = run("land", "--feed", filled.feed.profile, path)
    assert found.code == 2
    assert said in found.err
    assert path in found.err


def test_names_with_brackets_are_shown_as_they_are(filled: Filled, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a [red]day of [2025]"
    folder.mkdir()
    said = run("land", "--feed", filled.feed.profile, folder)
    assert said.code == 2
    assert str(folder) in said.err.replace("\n", "")


def test_land_says_what_is_wrong_with_a_profile(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "wrong.toml"
    text = (FEEDS / "nrel_cmap.toml").read_text(encoding="utf-8")
    profile.write_text(text.replace('zone = "America/Chicago"', 'zone = "America/Chicargo"'), encoding="utf-8")
    said = run("land", "--feed", profile)
    assert said.code == 2
    assert "time.zone" in said.err
    assert "America/Chicargo" in said.err
    assert "IANA" in said.err
    assert run("land", "--feed", tmp_path / "none.toml").code == 2


@pytest.mark.parametrize("table", ["core.tripz", "raw.telemetry"])
def test_build_of_a_table_that_is_not_built(table: str, run: Run) -> None:
    said = run("build", "--table", table)
    assert said.code > 0
    assert f"found: {table}" in said.err
    assert "core.trips" in said.err


def test_days_are_named_in_their_order(on_filled: Filled, run: Run) -> None:
    said = run("build", "--from", "2025-03-02", "--to", "2025-03-01")
    assert said.code == 1
    assert "found: from 2025-03-02 to 2025-03-01" in said.err


def test_a_lake_without_data_is_published_as_one(run: Run, filled: Filled) -> None:
    run("land", "-f", filled.feed.profile)  # makes the lake, and finds nothing
    assert "without any data" in run("publish").err


def test_the_demo_key_is_told_of_where_vehicles_land_that_are_not_simulated(
    filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    land = ("land", "-f", filled.feed.profile, filled.feed.folder)
    assert "hashed with the demo key" in run(*land).err
    assert "hashed with the demo key" in run("doctor").out
    monkeypatch.setenv("SILLAGE_VEHICLE_KEY", "a key of one's own")
    monkeypatch.setenv("SILLAGE_LAKE", str(tmp_path / "other"))
    assert "demo key" not in run(*land).err
    assert "hashed with the demo key" not in run("doctor").out


def test_who_has_no_key_reads_and_does_not_land(on_filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SILLAGE_VEHICLE_KEY")
    for command in (["sql", TRIPS], ["status"], ["build"], ["publish"], ["doctor"]):
        assert run(*command).code == 0
    said = run("land", "-f", on_filled.feed.profile, on_filled.feed.folder)
    assert said.code == 2
    assert "SILLAGE_VEHICLE_KEY is not set" in said.err


# status, doctor


def test_status_of_a_full_lake(on_filled: Filled, run: Run) -> None:
    said = run("status")
    assert said.code == 0
    rows = f"{on_filled.feed.rows:,}"
    assert re.search(rf"raw\.telemetry +{rows} +2025-03-01 +2025-03-03", said.out)
    assert re.search(r"core\.trips +14 +2025-03-01 +2025-03-03", said.out)
    assert re.search(r"core\.latest +2 ", said.out)
    broken = sum(map(len, on_filled.feed.broken.values()))
    assert re.search(rf"shuttles +3 +{on_filled.feed.rows + broken:,} +{broken} ", said.out)
    assert re.search(r"shuttles +no vehicle", said.out)


def test_status_of_an_empty_lake(run: Run, filled: Filled) -> None:
    run("land", "-f", filled.feed.profile)  # makes the lake, and finds nothing
    said = run("status")
    assert said.code == 0
    assert re.search(r"raw\.telemetry +0", said.out)
    assert "Feeds: none" in said.out
    assert "Rejects: none" in said.out


def test_doctor_of_a_full_lake(on_filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SILLAGE_FEEDS", str(FEEDS))
    monkeypatch.setenv("SILLAGE_LAEK", "a slip")
    said = run("doctor")
    assert said.code == 0
    assert all(name in said.out for name in environment_names())
    assert on_filled.variables["SILLAGE_VEHICLE_KEY"] not in said.out
    assert "SILLAGE_LAEK is set, but there is no such setting" in said.out
    assert "can be read" in said.out
    assert "and written" in said.out
    assert "nrel_cmap is sound" in said.out
    assert "data to 2025-03-03" in said.out


def test_doctor_without_a_lake_says_so_and_makes_none(run: Run, tmp_path: Path) -> None:
    said = run("doctor")
    assert said.code == 0
    assert "There is no lake at" in said.out
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SILLAGE_PORT", "0", "SILLAGE_PORT"),
        ("SILLAGE_VEHICLE_KEY", "another key than the lake was made with", "not the one this lake was made with"),
        ("SILLAGE_LAKE", "az://container/lake", "No credential"),
    ],
)
def test_doctor_names_what_is_wrong(
    on_filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    found = run("doctor")
    assert found.code == 1
    assert said in found.out


# simulate, demo, serve


def test_simulate_then_land_what_it_wrote(run: Run, tmp_path: Path) -> None:
    arguments = (
        "simulate",
        "--out",
        tmp_path / "sim",
        "--vehicles",
        3,
        "--days",
        2,
        "--from",
        "2025-06-02",
        "--seed",
        7,
    )
    said = run(*arguments)
    assert said.code == 0
    assert "Simulated 2 days of 3 vehicles" in said.err
    assert "Nothing to simulate" in run(*arguments).err
    landed = run("land", "--feed", FEEDS / "fleet.toml", tmp_path / "sim" / "inbox" / "fleet")
    assert landed.code == 0
    assert "none rejected" in landed.err


@pytest.mark.parametrize("arguments", [("--days", 1, "--from", "2099-01-01"), ("--stream", "--from", "2099-01-01")])
def test_nothing_is_simulated_that_lies_in_the_future(arguments: tuple[object, ...], run: Run, tmp_path: Path) -> None:
    said = run("simulate", "--out", tmp_path / "sim", *arguments)
    assert said.code == 1
    assert "into the future" in said.err
    assert not (tmp_path / "sim").exists()


def test_demo_without_serving_fills_a_lake_and_goes_on_where_it_ended(run: Run, tmp_path: Path) -> None:
    said = run("demo", "--vehicles", 4, "--days", 3, "--no-serve")
    assert said.code == 0, said.err
    assert "Published" in said.err
    known = begun(tmp_path / "lake")
    assert known is not None
    assert known.vehicles == 4
    again = run("demo", "--vehicles", 9, "--no-serve")
    assert again.code == 0
    assert "Nothing new to land" in again.err
    assert "Published" not in again.err
    assert run("sql", "select count(distinct vehicle_id) from raw.vehicles", "--format", "csv").out.endswith("4\n")


def test_no_demo_is_put_into_a_lake_of_other_feeds(on_filled: Filled, run: Run) -> None:
    before = run("sql", "select count(*) from raw.telemetry", "--format", "csv").out
    said = run("demo", "--vehicles", 2, "--days", 1, "--no-serve")
    assert said.code == 1
    assert "found: shuttles" in said.err
    assert "SILLAGE_LAKE" in said.err
    assert run("sql", "select count(*) from raw.telemetry", "--format", "csv").out == before


def test_serve_refuses_an_address_that_others_reach(on_filled: Filled, run: Run) -> None:
    said = run("serve", "--host", "0.0.0.0", "--port", 0)
    assert said.code > 0
    assert "0.0.0.0" in said.err
    assert "Traceback" not in said.err


# as a process


def test_as_a_process_the_streams_and_the_exit_code_are_those_of_a_command(on_filled: Filled, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sillage", "sql"]
    good = subprocess.run(
        [*command, TRIPS, "--format", "json"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)[0]["trips"] == 14
    bad = subprocess.run([*command, "drop table core.trips"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "not a single read" in bad.stderr
    debug = subprocess.run([*command, "selec", "--debug"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr
    assert "SILLAGE_LAKE" in os.environ
