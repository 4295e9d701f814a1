"""Nothing lost, nothing counted twice: the same files, copies, newer versions, broken lines, two runs at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from lake.errors import FeedError
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Appender, AppTransaction, open_table
from orchestration.building import build
from orchestration.landing import LandingReport, land
from tests.conftest import Azurite
from tests.integration.lakes import assert_same, content, environment, opened, rejects, rows
from tests.integration.landing.commands import run
from tests.integration.shuttles import Shuttles, write_shuttles
from transforms.sources.profile import FeedProfile, load_profile


def landed(place: tuple[Lake, Settings], profile: FeedProfile, *paths: Path) -> LandingReport:
    return land(*place, profile, [str(path) for path in paths])


def test_the_same_files_add_nothing(place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile) -> None:
    first = landed(place, profile, feed.folder)
    assert (first.files, first.batches, first.landed) == (3, [0, 1, 2], feed.rows)
    before = content(place[0])
    again = landed(place, profile, feed.folder)
    assert (again.files, again.skipped, again.batches) == (0, 3, [])
    assert_same(content(place[0]), before)


def test_a_copy_under_another_name_or_a_touched_file_adds_nothing(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile
) -> None:
    landed(place, profile, feed.files[0])
    shutil.copy(feed.files[0], feed.folder / "copy of it.csv")
    os.utime(feed.files[0], (1.7e9, 1.7e9))
    report = landed(place, profile, feed.folder)
    assert (report.files, report.skipped) == (2, 2)
    assert rows(place[0], "raw.telemetry").height == feed.rows


def test_the_files_of_the_log_are_merged_before_they_become_many(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.batch_run._MOST_FILES", 3)
    report = landed(place, profile, feed.folder)
    log = open_table(place[0], "ops.batches")
    assert len(log.handle().file_uris()) <= 3
    assert log.scan().collect().height == 2 * len(report.batches) == 6
    assert landed(place, profile, feed.folder).batches == []


def test_two_copies_in_one_landing_land_once(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile
) -> None:
    for path in feed.files:
        shutil.copy(path, feed.folder / f"z{path.name}")
    report = landed(place, profile, feed.folder)
    assert (report.files, report.skipped, report.landed) == (3, 3, feed.rows)


def test_a_file_that_is_written_anew_adds_its_new_version_and_core_counts_each_message_once(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile
) -> None:
    path = feed.files[-1]
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[: len(whole) // 2]))
    landed(place, profile, feed.folder)
    build(*place)
    part = rows(place[0], "raw.telemetry").height
    path.write_bytes(b"".join(whole))
    report = landed(place, profile, feed.folder)
    assert (report.files, report.skipped) == (1, 2)
    build(*place)
    raw = rows(place[0], "raw.telemetry")
    assert raw.height == part + report.landed
    days = rows(place[0], "core.vehicle_days")
    distinct = raw.select("vehicle_id", "event_at", "sequence").n_unique()
    assert days["messages"].sum() == distinct
    assert days["duplicates"].sum() == raw.height - distinct
    # The same trips as if only the whole file had ever been there.
    lake = opened(Path(place[0].uri).parent / "another")
    landed(lake, profile, feed.folder)
    build(*lake)
    assert_same({"trips": content(place[0])["core.trips"]}, {"trips": content(lake[0])["core.trips"]})


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("where", ["local", "azurite"])
def test_one_broken_line_in_a_hundred_is_rejected_with_its_text_and_no_other(
    tmp_path: Path, form: Literal["csv", "jsonl"], where: str, request: pytest.FixtureRequest
) -> None:
    azurite: Azurite | None = request.getfixturevalue("azurite") if where == "azurite" else None
    feed = write_shuttles(tmp_path / "feed", days=4, form=form)
    place = opened(azurite.new_container() if azurite else tmp_path / "lake", azurite)
    report = landed(place, load_profile(feed.profile), feed.folder)
    broken = [line for path in feed.files for line in feed.broken[path.name]]
    assert len(broken) > 40
    assert (report.records, report.landed, report.rejected) == (feed.rows + len(broken), feed.rows, len(broken))
    assert rows(place[0], "raw.telemetry").height == feed.rows
    found = rejects(place[0])
    # The vehicle is masked, where the line could be cut; nothing else differs.
    hashed = re.compile(rb"vehicle_id:[0-9a-f]{32}")
    originals = [hashed.sub(b"shuttle-0", original) for original in found["original"]]
    assert [re.sub("shuttle-[0-9]+", "shuttle-0", line) for line in broken] == [
        re.sub("shuttle-[0-9]+", "shuttle-0", original.decode()) for original in originals
    ]
    assert found["reason"].str.len_chars().min() > 5
    # The file and the byte say where each stands.
    texts = {str(path): path.read_bytes() for path in feed.files}
    for file, offset, original in found.select("file", "offset", "original").iter_rows():
        line = texts[file][offset:].split(b"\n", 1)[0]
        assert re.sub(rb"shuttle-[0-9]+", b"x", line) == re.sub(rb"shuttle-[0-9]+", b"x", hashed.sub(b"x", original))
    # Every record of a batch has a number of its own, wherever it went.
    numbers = pl.concat([rows(place[0], "raw.telemetry")["record"], found["record"]]).sort()
    assert numbers.to_list() == list(range(report.records))


# two runs at once


@pytest.mark.parametrize("where", ["local", "azurite"])
def test_two_processes_that_land_the_same_inbox_count_nothing_twice(
    tmp_path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    azurite: Azurite | None = request.getfixturevalue("azurite") if where == "azurite" else None
    feed = write_shuttles(tmp_path / "feed", days=4, vehicles=2)
    small = {"batch_bytes": 1, "part_rows": 1000}
    lakes = [opened(azurite.new_container() if azurite else tmp_path / f"lake{n}", azurite, **small) for n in range(2)]
    for lake, _ in lakes:
        for path in feed.files:
            lake.write_bytes(path.read_bytes(), "inbox", "shuttles", path.name)
    land(*lakes[0], load_profile(feed.profile))
    variables = environment(lakes[1][1])
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(run, [["land", "--feed", str(feed.profile)]], variables, tmp_path / f"log{n}") for n in range(2)
        ]
        assert not any(future.result().killed for future in runs)
    times = ("received_at", "modified_at", "newest_received_at")
    assert_same(content(lakes[1][0], leave_out=times), content(lakes[0][0], leave_out=times))
    assert rows(lakes[1][0], "raw.telemetry").height == feed.rows


def test_a_run_that_starts_while_another_is_in_the_midst_of_a_batch_ends_with_the_same_rows(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile
) -> None:
    def second(done: int, total: int, records: int, file: str) -> None:
        if records and not others:
            others.append(landed(place, profile, feed.folder))

    others: list[LandingReport] = []
    land(*place, profile, [str(feed.folder)], progress=second)
    assert others[0].landed == feed.rows
    assert rows(place[0], "raw.telemetry").height == feed.rows
    assert rows(place[0], "ops.batches").group_by("status").len().sort("status").rows() == [
        ("landed", 3),
        ("planned", 3),
    ]


# files that are gone


class Interrupted(BaseException):
    """Stands for the end of the process."""


def interrupt(place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile, monkeypatch: pytest.MonkeyPatch,
              before: str) -> None:  # fmt: skip
    """A landing that ends just before a commit: that to a table, or what it has ``decided``."""
    commit = Appender.commit

    def stop(self: Appender) -> None:
        if self.txn == AppTransaction(f"shuttles/{before}", 0):
            raise Interrupted
        commit(self)

    with monkeypatch.context() as patch:
        patch.setattr(Appender, "commit", stop)
        with pytest.raises(Interrupted):
            landed(place, profile, feed.folder)


def test_a_file_gone_after_planning_is_abandoned_and_the_others_land_once(
    tmp_path: Path, feed: Shuttles, profile: FeedProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = opened(tmp_path / "lake")  # all files in one batch
    interrupt(place, feed, profile, monkeypatch, "decided")
    gone = feed.files[1]
    kept = gone.read_bytes()
    gone.unlink()
    report = landed(place, profile, feed.folder)
    assert report.abandoned == [str(gone)]
    assert (report.batches, report.files) == ([1], 2)
    batches = rows(place[0], "ops.batches")
    assert batches.filter(pl.col("status") == "abandoned").height == 3
    assert landed(place, profile, feed.folder).files == 0
    gone.write_bytes(kept)
    assert landed(place, profile, feed.folder).files == 1
    assert rows(place[0], "raw.telemetry").height == feed.rows


@pytest.mark.parametrize("before", ["raw.telemetry", "ops.rejects", "landed"])
def test_a_file_gone_after_its_batch_was_decided_on_is_an_error_until_it_is_back(
    before: str, place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(place, feed, profile, monkeypatch, before)
    gone = feed.files[0]
    kept = gone.read_bytes()
    gone.unlink()
    for _ in range(2):
        with pytest.raises(FeedError, match="Batch 0 of shuttles was interrupted") as stopped:
            landed(place, profile, feed.folder)
        assert stopped.value.found == str(gone)
        assert "put the file back" in stopped.value.action
    gone.write_bytes(kept[:-1])
    with pytest.raises(FeedError, match="gone or has changed"):
        landed(place, profile, feed.folder)
    elsewhere = feed.folder / "put back.csv"
    gone.rename(elsewhere)
    elsewhere.write_bytes(kept)
    report = landed(place, profile, feed.folder)
    assert (report.files, report.landed) == (3, feed.rows)
    assert rows(place[0], "raw.telemetry").height == feed.rows
    assert rejects(place[0]).height == sum(map(len, feed.broken.values()))


def test_a_run_whose_batch_is_abandoned_while_it_reads_lands_the_rest_in_another(
    tmp_path: Path, feed: Shuttles, profile: FeedProfile
) -> None:
    place = opened(tmp_path / "lake")  # all files in one batch
    others: list[LandingReport] = []

    def second(done: int, total: int, records: int, file: str) -> None:
        """A run that does not find one of the files."""
        if records and not others:
            away = feed.files[0].rename(tmp_path / "away")
            others.append(landed(place, profile, feed.folder))
            away.rename(feed.folder / others[0].abandoned[0])

    report = land(*place, profile, [str(feed.folder)], progress=second)
    assert (others[0].files, report.files) == (2, 1)
    assert others[0].landed + report.landed == feed.rows
    assert rows(place[0], "raw.telemetry").height == feed.rows
    by_status = {status: set(of["batch"]) for (status,), of in rows(place[0], "ops.batches").group_by("status")}
    assert by_status == {"planned": {0, 1, 2}, "abandoned": {0}, "landed": {1, 2}}


def test_another_feed_is_not_held_up_by_one_that_is(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(place, feed, profile, monkeypatch, "ops.rejects")
    other = profile.model_copy(update={"name": "other"})
    assert landed(place, other, feed.folder).landed == feed.rows


def test_the_inbox_leaves_files_alone_that_are_still_being_written(
    place: tuple[Lake, Settings], feed: Shuttles, profile: FeedProfile
) -> None:
    lake, settings = place
    for number, path in enumerate(feed.files):
        lake.write_bytes(path.read_bytes(), "inbox", "shuttles", path.name)
        if number:
            written = datetime.now(UTC) - timedelta(seconds=settings.inbox_settle_s + 60)
            os.utime(lake.path("inbox", "shuttles", path.name), (written.timestamp(),) * 2)
    lake.write_bytes(b"half", "inbox", "shuttles", "half.csv.part")
    assert land(lake, settings, profile, settle=True).files == 2
    assert land(lake, settings, profile).files == 1


# memory

FLOOD = """
import resource
import sys
from pathlib import Path
from lake.storage import Lake
from lake.settings import Settings
from orchestration.landing import land
from transforms.sources.profile import load_profile
settings = Settings(_env_file=None, lake=sys.argv[1], part_rows=20_000)
lake, profile = Lake.open(settings), load_profile(Path(sys.argv[2]))
land(lake, settings, profile, [sys.argv[3]])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = land(lake, settings, profile, [sys.argv[4]])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(report.rejected, before * 1024, after * 1024)
"""


def test_a_flood_of_rejects_stays_within_the_memory_of_a_trickle(tmp_path: Path) -> None:
    """More broken lines take less memory than half of what they are long."""
    profile = write_shuttles(tmp_path / "feed", days=1, vehicles=1).profile
    line = b"shuttle-1,no time at all,1,2," + b"9." * 500 + b"\n"
    counts = (30_000, 80_000)
    for count in counts:
        (tmp_path / f"{count}.csv").write_bytes(b"vehicle,time,seq,speed,odometer\n" + line * count)
    paths = [str(tmp_path / "lake"), str(profile), *(str(tmp_path / f"{count}.csv") for count in counts)]
    ended = subprocess.run([sys.executable, "-c", FLOOD, *paths], capture_output=True, text=True, check=True)
    rejected, before, after = map(int, ended.stdout.split())
    assert rejected == counts[1]
    assert after - before < len(line) * counts[1] / 2
