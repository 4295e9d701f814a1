"""Every command wherever the lake lies: names that one engine or another takes for something else than a name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.catalog import connect
from lake.errors import SettingsError
from lake.settings import get_settings
from lake.snapshot import Snapshot
from lake.storage import Lake
from metrics import macro_statements
from metrics.specs import table_specs
from orchestration.building import build
from orchestration.landing import land
from orchestration.maintenance import maintain
from orchestration.publishing import publish
from tests.conftest import Azurite
from tests.integration.cli.conftest import Run
from tests.integration.lakes import assert_same, content, environment, opened, rows, settings_for
from tests.integration.shuttles import PROFILE, Shuttles, write_shuttles
from transforms.sources.profile import load_profile

#: Every engine reaches what lies below these, in a folder and on Azure. The names of a row lie below each other.
NAMES = [
    ["two words", " leading", "trailing ", "no-break\u00a0space", "zero\u200bwidth"],
    ["ümläut", "e\u0301a\u0308", "日本", "עברית", "العربية", "emoji🚗", "…"],
    ["100%", "%zz", "50% off", "pl+us", "x" * 200],
    ["hash#x", "amp&x", "semi;x", "com,ma", "@x", "#"],
    ["quest?x", "q?x#y", "?", "col:on", "file:", "::x", "az:"],
    ["{x}", "${HOME}", "$x", "`x`", "<x>", "(x)", "~x", "~"],
    ['dq"x', "quo'te", "''", "!x", "-x", "..dots", ".hidden", "x."],
    ["a=b", "?a=b"],
    ["date=2024-01-01", "event_date=x", "="],
    ["st*r", "**", "*"],
]
#: delta-rs opens no table below these.
NOWHERE = ["per%20cent", "%2F", "per%cent", "back\\slash", "tab\tx", "new\nline", "\x01x", "del\x7f"]
#: Nor below these in a folder; on Azure it does.
NOT_IN_A_FOLDER = ["[br]", "[", "pi|pe", "^x"]

QUERY = "select vehicle_id, date, started_at, distance_km from core.trips order by all"
PUBLISHED = "select * from kpi.driving order by all"


@dataclass(frozen=True)
class Found:
    """What a lake answered: to Polars, to DuckDB, and the published snapshot."""

    tables: dict[str, pl.DataFrame]
    trips: str
    published: pl.DataFrame


Everything = Callable[[dict[str, str]], Found]


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Shuttles:
    return write_shuttles(tmp_path_factory.mktemp("feed"), days=5, vehicles=1, minutes=5, broken_every=30)


@pytest.fixture
def everything(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, feed: Shuttles) -> Everything:
    """Runs every command on a lake, each of which has to succeed, and returns what it answers then."""

    def good(*arguments: object) -> str:
        said = run(*arguments)
        assert said.code == 0, said.err
        return said.out

    def commands(variables: dict[str, str]) -> Found:
        # A batch of each file: enough small files for maintenance to merge.
        for name, value in {**variables, "SILLAGE_BATCH_BYTES": "1"}.items():
            monkeypatch.setenv(name, value)
        assert "Would land" in good("land", "--feed", feed.profile, "--try", feed.folder)
        good("land", "--feed", feed.profile, feed.folder)
        good("build")
        good("publish")
        orphan = _orphan(variables["SILLAGE_LAKE"])
        assert "ops.batches" in good("maintain")
        assert not orphan.exists()
        out = tmp_path / "trips.csv"
        good("sql", QUERY, "--output", out)
        assert "core.trips" in good("status")
        good("doctor")
        snapshot = Snapshot.open(get_settings())
        with snapshot.cursor() as cursor:
            published = cursor.execute(PUBLISHED).pl()
        snapshot.close()
        tables = content(Lake.open(get_settings()), leave_out=("file", "fingerprint"))
        return Found(tables, out.read_text(), published)

    return commands


def _orphan(lake: str) -> Path:
    """A file that no version of a table of a local lake has ever had, and old enough to be removed."""
    path = Path(lake) / "core" / "trips" / "date=2025-03-01" / "orphan.parquet"
    if not lake.startswith("az://"):
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, feed: Shuttles) -> Found:
    """What a lake with a plain name answers; without the command line."""
    lake, settings = opened(tmp_path_factory.mktemp("plain") / "lake", batch_bytes=1)
    land(lake, settings, load_profile(feed.profile), [str(feed.folder)])
    build(lake, settings)
    publish(lake, settings)
    with connect(lake, settings, specs=table_specs(), statements=macro_statements) as con:
        trips = con.sql(QUERY).pl().write_csv()
    with Snapshot.open(settings).cursor() as cursor:
        published = cursor.execute(PUBLISHED).pl()
    return Found(content(lake, leave_out=("file", "fingerprint")), trips, published)


def assert_alike(found: Found, expected: Found) -> None:
    assert expected.trips.count("\n") > 5
    assert found.trips == expected.trips
    assert_frame_equal(found.published, expected.published)
    assert_same(found.tables, expected.tables)


@pytest.mark.parametrize("names", NAMES, ids=ascii)
def test_every_command_in_a_folder(names: list[str], everything: Everything, plain: Found, tmp_path: Path) -> None:
    settings = settings_for(tmp_path.joinpath(*names, "lake"))
    assert_alike(everything(environment(settings)), plain)


@pytest.mark.parametrize("names", [*NAMES, NOT_IN_A_FOLDER], ids=ascii)
def test_tables_below_a_prefix(names: list[str], azurite: Azurite, plain: Found, feed: Shuttles) -> None:
    """What each engine reads and writes there. Every command runs below all of them at once: see the next test."""
    # The names come right behind the container, too.
    container = azurite.new_container().removesuffix("/lake")
    lake, settings = opened("/".join([container, *names]), azurite, batch_bytes=1)
    land(lake, settings, load_profile(feed.profile), [str(feed.folder)])
    maintain(lake, settings)
    build(lake, settings, tables=["core.vehicle_days", "core.trips"])
    with connect(lake, settings, QUERY, specs=table_specs(), statements=macro_statements) as con:
        assert con.sql(QUERY).pl().write_csv() == plain.trips
    found = content(lake, leave_out=("file", "fingerprint"))
    looked_at = ("raw.telemetry", "core.trips", "ops.batches", "ops.rejects")
    assert_same({name: found[name] for name in looked_at}, {name: plain.tables[name] for name in looked_at})


def test_every_command_below_a_prefix(everything: Everything, plain: Found, azurite: Azurite, tmp_path: Path) -> None:
    names = [name for row in NAMES for name in row if len(name) < 100] + NOT_IN_A_FOLDER
    cache = tmp_path.joinpath("quest?x", "[br]", "per%20cent", "new\nline", *names[:20])
    settings = settings_for("/".join([azurite.new_container(), *names]), azurite, cache=str(cache))
    assert_alike(everything(environment(settings)), plain)


@pytest.mark.parametrize("name", [*NOWHERE, *NOT_IN_A_FOLDER], ids=ascii)
def test_a_folder_that_an_engine_cannot_reach_is_refused(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, feed: Shuttles
) -> None:
    monkeypatch.setenv("SILLAGE_LAKE", str(tmp_path / name / "lake"))
    for command in (["land", "--feed", feed.profile, feed.folder], ["build"], ["status"], ["sql", "select 1"]):
        said = run(*command)
        assert said.code == 2, said.err
        assert said.err.startswith("The lake cannot lie there")
    assert "The lake cannot lie there" in run("doctor").out
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", [*NOWHERE, "", ".", ".."], ids=ascii)
def test_a_prefix_that_an_engine_cannot_reach_is_refused(name: str, azurite: Azurite) -> None:
    with pytest.raises(SettingsError, match="The lake cannot lie there"):
        opened(f"{azurite.new_container()}/{name}/x", azurite)


def test_files_of_any_name_land(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the inbox, and from a folder that is named."""
    lake = tmp_path / "lake"
    monkeypatch.setenv("SILLAGE_LAKE", str(lake))
    profile = tmp_path / "shuttles.toml"
    profile.write_text(PROFILE.format(format="csv").replace("*.csv", "**/*.csv"), encoding="utf-8")
    names = [name for row in (*NAMES, NOWHERE, NOT_IN_A_FOLDER) for name in row if not name.startswith((".", "_"))]
    sent: dict[str, int] = {}
    for folder in (lake / "inbox" / "shuttles", tmp_path / "sent"):
        for name in names:
            path = folder / name / f"{name}.csv"
            path.parent.mkdir(parents=True)
            path.write_text(f"vehicle,time,seq,speed\ns,2025-03-01T00:00:00Z,{len(sent)},{len(sent) % 100}\n")
            sent[str(path.relative_to(lake)) if path.is_relative_to(lake) else str(path)] = len(sent)
    for given in ([], [tmp_path / "sent"], [tmp_path / "sent" / name for name in names]):
        said = run("land", "--feed", profile, *given)
        assert said.code == 0, said.err
    tried = run("land", "--feed", profile, "--try", *(tmp_path / "sent" / name for name in names))
    assert f"Would land {len(names)} of {len(names)} records" in tried.out
    opened_lake = Lake.open(get_settings())
    landed = rows(opened_lake, "ops.batches").filter(status="landed")
    assert sorted(landed["file"]) == sorted(sent)
    assert set(landed["landed"]) == {1}
    assert sorted(rows(opened_lake, "raw.telemetry")["sequence"]) == list(range(2 * len(names)))


def test_blobs_of_any_name_land(azurite: Azurite, tmp_path: Path) -> None:
    lake, settings = opened(azurite.new_container(), azurite)
    profile = tmp_path / "shuttles.toml"
    profile.write_text(PROFILE.format(format="csv").replace("*.csv", "**/*.csv"), encoding="utf-8")
    # Azure takes a backslash for a slash, and Azurite cannot list control characters.
    names = [name for row in (*NAMES, NOWHERE, NOT_IN_A_FOLDER) for name in row if not name.startswith((".", "_"))]
    names = [name for name in [*names, "🚗" * 100] if not re.search(r"[\\\x00-\x1f\x7f]", name)]
    for number, name in enumerate(names):
        text = f"vehicle,time,seq,speed\ns,2025-03-01T00:00:00Z,{number},{number % 100}\n"
        lake.filesystem.pipe_file(lake.path("inbox", "shuttles", name, f"{name}.csv"), text.encode())
    report = land(lake, settings, load_profile(profile))
    assert (report.landed, report.rejected) == (len(names), 0)
    found = rows(lake, "ops.batches").filter(status="landed")["file"]
    assert sorted(found) == sorted(f"inbox/shuttles/{name}/{name}.csv" for name in names)
    assert land(lake, settings, load_profile(profile)).skipped == len(names)
