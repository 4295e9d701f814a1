"""``sillage sql``: one query in, one result out, in the format that was asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import psutil
import pytest

from tests.integration.cli.conftest import Filled, Run

TRIPS = "select count(*) as trips, sum(distance_km) as km from core.trips"


def test_sql_shows_a_table(on_filled: Filled, run: Run) -> None:
    said = run("sql", TRIPS)
    assert said.code == 0
    assert "trips" in said.out
    assert "km" in said.out
    assert "14" in said.out


def test_sql_in_every_format_says_the_same(on_filled: Filled, run: Run, tmp_path: Path) -> None:
    query = "select date, vehicle_id, started_at, distance_km, messages from core.trips order by all"
    as_json = json.loads(run("sql", query, "--format", "json").out)
    as_csv = pl.read_csv(run("sql", query, "--format", "csv").out.encode(), try_parse_dates=True)
    target = tmp_path / "out.parquet"
    assert run("sql", query, "--format", "parquet", "--output", target).code == 0
    as_parquet = pl.read_parquet(target)
    assert as_parquet.height == as_csv.height == len(as_json) == 14
    for row, plain, text in zip(as_parquet.rows(named=True), as_json, as_csv.rows(named=True), strict=True):
        assert row["vehicle_id"] == plain["vehicle_id"] == text["vehicle_id"]
        assert row["distance_km"] == plain["distance_km"] == text["distance_km"]
        assert row["messages"] == plain["messages"] == text["messages"]
        assert str(row["date"]) == plain["date"] == str(text["date"])
    assert as_parquet["date"].dtype == pl.Date


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_sql_writes_the_format_that_the_file_is_named_for(
    on_filled: Filled, run: Run, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"trips.{ending}"
    said = run("sql", TRIPS, "-o", target)
    assert (said.code, said.out) == (0, "")
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[ending]
    assert read(target)["trips"].to_list() == [14]


def test_sums_are_numbers_in_json_and_what_is_no_number_is_null(on_filled: Filled, run: Run) -> None:
    query = "select sum(messages) as n, 1.5::decimal(9, 2) as d, 'nan'::double as x, '-inf'::double as y, null as z"
    said = run("sql", f"{query} from core.trips", "--format", "json")

    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    (row,) = json.loads(said.out, parse_constant=refuse)
    assert row["n"] > 1000
    assert row["d"] == 1.5
    assert (row["x"], row["y"], row["z"]) == (None, None, None)


def test_sql_reads_the_query_from_standard_input(on_filled: Filled, run: Run) -> None:
    assert run("sql", "-", "--format", "csv", stdin=f"-- from a file\n{TRIPS}\n").out.startswith("trips,km\n14,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["selec 1"], "syntax error"),
        (["select * from core.tripz"], "core.trips"),
        (["delete from core.trips"], "not a single read"),
        (["select 1; select 2"], "2 statements"),
        (["explain analyze copy (select 1) to 'leak.csv'"], "not a single read"),
        (["-"], "0 statements"),
        (["select 1", "--format", "parquet"], "--output"),
        (["select 1", "--output", "result.xlsx"], ".parquet"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_sql_that_cannot_be_run(
    on_filled: Filled, run: Run, tmp_path: Path, arguments: Sequence[str], said: str
) -> None:
    found = run("sql", *arguments)
    assert found.code == 1
    assert said in found.err
    assert "Traceback" not in found.err
    assert found.out == ""
    assert list((tmp_path / "empty").iterdir()) == []


def processes() -> list[str]:
    """Those of queries that this process has started."""
    commands = (child.cmdline() for child in psutil.Process().children())
    return [" ".join(command) for command in commands if "sillage.query" in command]


TOO_LONG, TOO_MUCH = ("too long", "SILLAGE_QUERY_TIMEOUT_S"), ("too much memory", "SILLAGE_QUERY_MEMORY")
BOMBS = [
    ("select count(*) from range(100000000) a, range(100000000) b where hash(a.range) = hash(b.range) + 1", TOO_LONG),
    ("select levenshtein(repeat('a', 1000000), repeat('b', 1000000))", TOO_LONG),
    ("select jaro_winkler_similarity(repeat('ab', 1000000), repeat('ba', 1000000))", TOO_LONG),
    ("from read_text('{fifo}')", TOO_LONG),
    ("select length(lpad('x', 2147483647, 'y'))", TOO_MUCH),
    ("select length(repeat('x', 3000000000))", TOO_MUCH),
    ("select length(range(1000000000))", TOO_MUCH),
    ("select length(format('{{:2000000000}}', 1))", TOO_MUCH),
    ("select bit_count(bitstring('1', 2000000000))", TOO_MUCH),
    ("select list(range) from range(1000000000)", TOO_MUCH),
]


@pytest.mark.parametrize(("query", "said"), BOMBS, ids=[query[:40] for query, _ in BOMBS])
def test_time_and_memory_are_bounds(
    on_filled: Filled, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, query: str, said: tuple[str, str]
) -> None:
    """Whichever is met first is said, and the process has ended; the other limit is far away."""
    monkeypatch.setenv("SILLAGE_QUERY_TIMEOUT_S", "1" if said is TOO_LONG else "3600")
    monkeypatch.setenv("SILLAGE_QUERY_MEMORY", "64GB" if said is TOO_LONG else "100MB")
    os.mkfifo(tmp_path / "fifo")
    target = tmp_path / "out.csv"
    target.write_text("as it was", encoding="utf-8")
    found = run("sql", query.format(fifo=tmp_path / "fifo"), "-o", target)
    assert found.code == 1
    assert all(words in found.err for words in said)
    assert processes() == []
    assert target.read_text(encoding="utf-8") == "as it was"
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "fifo", "out.csv"}


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_the_process_of_a_query_ends_with_the_command(on_filled: Filled, tmp_path: Path, sent: signal.Signals) -> None:
    command = [sys.executable, "-m", "sillage", "sql", "from read_text('fifo')", "-o", "out.csv"]
    os.mkfifo(tmp_path / "fifo")
    asking = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    writer = os.open(tmp_path / "fifo", os.O_WRONLY)  # opens once the query reads
    try:
        (child,) = psutil.Process(asking.pid).children()
        asking.send_signal(sent)
        asking.communicate()
        child.wait()
    finally:
        os.close(writer)
    assert asking.returncode == (130 if sent is signal.SIGINT else -sent)
    assert not (tmp_path / "out.csv").exists()


def test_a_result_goes_through_a_pipe_and_a_link(on_filled: Filled, run: Run, tmp_path: Path) -> None:
    """What is no file is written to, and never replaced by one."""
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old", encoding="utf-8")
    link.symlink_to(real)
    assert run("sql", "select 1 as a", "-o", link).code == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "a\n1\n"
    assert run("sql", "select 1 as a", "--format", "csv", "-o", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("interval 3 minute", "00:03:00"),
        ("[1, 2]", '"[1,2]"'),
        ("{'a': 1, 'b': ['x']}", '"{""a"":1,""b"":[""x""]}"'),
        ("map {'a': 1}", '"{""a"":1}"'),
        ("'x'::blob", "x"),
    ],
)
def test_sql_writes_every_type_of_column(on_filled: Filled, run: Run, tmp_path: Path, column: str, text: str) -> None:
    query = f"select {column} as it"
    assert run("sql", query, "--format", "csv").out == f"it\n{text}\n"
    assert json.loads(run("sql", query, "--format", "json").out)[0].keys() == {"it"}
    assert run("sql", query).code == 0
    assert run("sql", query, "-o", tmp_path / "out.parquet").code == 0
