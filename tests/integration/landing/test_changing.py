"""Files that change or grow: nothing is lost, and no line that has landed lands again."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.errors import FeedError
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Appender, AppTransaction
from orchestration import landing
from orchestration.building import build
from orchestration.landing import LandingReport, land
from tests.conftest import Azurite
from tests.integration.lakes import environment, opened, rejects, rows
from tests.integration.landing.commands import run
from transforms.sources.profile import FeedProfile, load_profile

PROFILE = """
name = "vans"
format = "{form}"
files = "*.{form}"
kind = "telemetry"
sequence = "record"

[vehicle]
field = "vehicle"

[time]
field = "time"
format = "epoch_s"

[columns]
speed_kmh = "speed"
"""
BEGIN = 1_740_000_000


def lines(first: int, last: int, form: str = "jsonl", vehicle: str = "van-1") -> bytes:
    """So many records; of a CSV file the header, too, where they begin with the first."""
    if form == "jsonl":
        each = (f'{{"vehicle":"{vehicle}","time":{BEGIN + n},"speed":{n % 90 + 10}}}\n' for n in range(first, last))
    else:
        each = (f"{vehicle},{BEGIN + n},{n % 90 + 10}\n" for n in range(first, last))
    top = "vehicle,time,speed\n" if form == "csv" and not first else ""
    return (top + "".join(each)).encode()


class Vans:
    """A lake and a feed of one growing file beside another that rests."""

    def __init__(self, folder: Path, form: str = "jsonl", place: tuple[Lake, Settings] | None = None) -> None:
        self.lake, self.settings = place or opened(folder / "lake")
        self.toml = folder / "vans.toml"
        self.toml.write_text(PROFILE.format(form=form))
        self.profile: FeedProfile = load_profile(self.toml)
        self.inbox = folder / "in"
        self.inbox.mkdir()
        self.file = self.inbox / f"a.{form}"

    def land(self, **how: object) -> LandingReport:
        return land(self.lake, self.settings, self.profile, [str(self.inbox)], **how)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        self.file.write_bytes(data)

    def add(self, data: bytes) -> None:
        with self.file.open("ab") as stream:
            stream.write(data)

    @property
    def seconds(self) -> list[int]:
        """What has landed: the second of each row, sorted."""
        return sorted((rows(self.lake, "raw.telemetry")["event_at"].dt.epoch("s") - BEGIN).to_list())

    @property
    def landed(self) -> pl.DataFrame:
        """What the log says has landed."""
        return rows(self.lake, "ops.batches").filter(pl.col("status") == "landed").sort("batch", "file_number")


@pytest.fixture
def vans(tmp_path: Path) -> Vans:
    return Vans(tmp_path)


@pytest.fixture(params=["csv", "jsonl"])
def growing(request: pytest.FixtureRequest, tmp_path: Path) -> Vans:
    return Vans(tmp_path, request.param)


def form_of(vans: Vans) -> str:
    return vans.file.suffix[1:]


def once_planned(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Change something once, between the fingerprint of the files and their reading."""
    plan, done = landing.plan, []

    def planned(*args: object) -> None:
        plan(*args)  # type: ignore[arg-type]
        if not done:
            done.append(change())

    monkeypatch.setattr(landing, "plan", planned)


# changed while it is read


def cut(vans: Vans) -> None:
    os.truncate(vans.file, 2000)


def emptied(vans: Vans) -> None:
    os.truncate(vans.file, 0)


def replaced(vans: Vans) -> None:
    """By as many bytes."""
    vans.write(lines(0, 300, vehicle="van-2"))


def replaced_in_disguise(vans: Vans) -> None:
    """By as many bytes, with the time of writing of before."""
    stat = vans.file.stat()
    replaced(vans)
    os.utime(vans.file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def moved_over(vans: Vans) -> None:
    """By another file of as many bytes and the same time."""
    other = vans.file.with_suffix(".new")
    other.write_bytes(lines(0, 300, vehicle="van-2"))
    stat = vans.file.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(vans.file)


def grown(vans: Vans) -> None:
    vans.add(lines(300, 310))


def deleted(vans: Vans) -> None:
    vans.file.unlink()


def touched(vans: Vans) -> None:
    os.utime(vans.file)


CHANGES = [cut, emptied, replaced, replaced_in_disguise, moved_over, grown, deleted, touched]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("when", ["before it is read", "behind its last block"])
def test_of_a_file_that_changes_while_it_is_read_nothing_lands_and_the_others_do(
    change: Callable[[Vans], None], when: str, vans: Vans, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lines(0, 300)
    vans.write(whole)
    (vans.inbox / "b.jsonl").write_bytes(lines(1000, 1010))
    done: list[str] = []

    def progress(*_: object) -> None:
        if not done:
            done.append("changed")
            change(vans)

    # A file by itself is looked at behind its last block, one that is gathered with others behind theirs.
    if when == "before it is read":
        once_planned(monkeypatch, lambda: change(vans))
    report = vans.land(progress=progress if when != "before it is read" else None)
    assert report.changed == [str(vans.file)]
    assert (report.files, report.landed, report.skipped) == (1, 10, 0)
    assert vans.seconds == list(range(1000, 1010))
    # The writer is done, and the file is what its fingerprint was of.
    vans.write(whole)
    later = vans.land()
    assert (later.landed, later.changed) == (300, [])
    assert vans.seconds == [*range(300), *range(1000, 1010)]
    assert vans.land().files == 0


def test_a_large_file_that_changes_while_it_is_read(vans: Vans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.batch_run._SMALL_FILE", 1000)
    monkeypatch.setattr("transforms.sources.blocks.BLOCK_BYTES", 1000)
    vans.write(lines(0, 300))
    (vans.inbox / "b.jsonl").write_bytes(lines(1000, 1100))
    seen: list[int] = []

    def progress(_done: int, _total: int, records: int, _file: str) -> None:
        if not seen and records:
            os.truncate(vans.file, 2000)
        seen.append(records)

    report = vans.land(progress=progress)
    assert (report.changed, report.landed) == ([str(vans.file)], 100)
    vans.write(lines(0, 300))
    assert vans.land().landed == 300


def test_both_of_two_contents_of_one_size_land(vans: Vans, monkeypatch: pytest.MonkeyPatch) -> None:
    vans.write(lines(0, 300))
    once_planned(monkeypatch, lambda: replaced(vans))
    assert vans.land().changed
    second = vans.land()
    assert second.landed == 300
    vans.write(lines(0, 300))
    third = vans.land()
    assert (third.landed, list(third.anew)) == (300, [str(vans.file)])
    assert rows(vans.lake, "raw.telemetry")["vehicle_id"].n_unique() == 2
    replaced(vans)
    assert vans.land().files == 0


def test_a_batch_that_was_decided_on_waits_for_its_file(vans: Vans, monkeypatch: pytest.MonkeyPatch) -> None:
    vans.write(lines(0, 300))
    interrupted(vans, monkeypatch, "raw.telemetry")
    with monkeypatch.context() as patch:
        patch.setattr(landing, "abandon", lambda *_: False)  # nobody may
        holding = landing.Contents.holding

        def change(self: landing.Contents, planned: object) -> object:
            found = holding(self, planned)  # type: ignore[arg-type]
            replaced(vans)
            return found

        patch.setattr(landing.Contents, "holding", change)
        with pytest.raises(FeedError, match="changed while it was read"):
            vans.land()
    assert vans.seconds == []
    vans.write(lines(0, 300))
    assert vans.land().landed == 300


def test_a_file_that_is_touched_between_two_landings_does_not_land_again(vans: Vans) -> None:
    vans.write(lines(0, 300))
    vans.land()
    for _ in range(2):
        touched(vans)
        report = vans.land()
        assert (report.files, report.skipped, report.changed) == (0, 1, [])


def test_a_file_that_goes_away_before_it_is_read_is_left(vans: Vans, monkeypatch: pytest.MonkeyPatch) -> None:
    vans.write(lines(0, 300))
    (vans.inbox / "b.jsonl").write_bytes(lines(1000, 1010))
    find = landing.find_files

    def found(*args: object) -> object:
        files = find(*args)  # type: ignore[arg-type]
        vans.file.unlink()
        return files

    monkeypatch.setattr(landing, "find_files", found)
    assert vans.land().landed == 10


# grown


def test_of_a_file_that_has_grown_what_is_new_lands(growing: Vans) -> None:
    form = form_of(growing)
    size = 0
    for first, last in [(0, 300), (300, 350), (350, 351), (351, 700)]:
        growing.add(lines(first, last, form))
        report = growing.land()
        assert (report.files, report.records, report.landed) == (1, last - first, last - first)
        assert report.grown == ([str(growing.file)] if first else [])
        part = growing.landed.row(-1, named=True)
        assert (part["start_byte"], part["first_record"], part["records"]) == (size, first, last - first)
        size = growing.file.stat().st_size
        assert part["size_bytes"] == size
        assert growing.land().files == 0
    assert growing.seconds == list(range(700))
    # Whatever landed when, a record has the number that it has in the whole file.
    other = opened(growing.inbox.parent / "other")
    land(*other, growing.profile, [str(growing.inbox)])
    names = ("event_at", "sequence", "speed_kmh")
    ours, whole = (rows(lake, "raw.telemetry").select(names).sort("event_at") for lake in (growing.lake, other[0]))
    assert ours.equals(whole)


def test_a_line_that_was_cut_lands_as_a_whole_and_nothing_else_again(growing: Vans) -> None:
    form = form_of(growing)
    whole = lines(0, 400, form)
    ends = [len(lines(0, n, form)) for n in (100, 200, 300)]
    for at in (ends[0] - 9, ends[1], ends[2] - 1, len(whole)):
        growing.write(whole[:at])
        growing.land()
    assert growing.seconds == list(range(400))
    refused = rejects(growing.lake)
    assert refused.height == 1
    assert refused[0, "offset"] == len(lines(0, 99, form))
    log = growing.landed
    assert (log["records"] == log["landed"] + log["rejected"]).all()
    assert log["records"].sum() == 401
    assert log["first_record"].to_list() == [0, 99, 200, 300]


def test_a_value_that_was_cut_is_a_conflict_for_core(tmp_path: Path) -> None:
    vans = Vans(tmp_path, "csv")
    whole = lines(0, 40, "csv")
    vans.write(whole[:-2])
    vans.land()
    vans.write(whole)
    assert vans.land().landed == 1
    build(vans.lake, vans.settings)
    days = rows(vans.lake, "core.vehicle_days")
    assert [days[name].sum() for name in ("messages", "duplicates", "conflicts")] == [40, 0, 1]


def test_rejects_of_what_is_new_say_where_they_stand_in_the_file(growing: Vans) -> None:
    form = form_of(growing)
    growing.write(lines(0, 100, form))
    growing.land()
    growing.add(lines(100, 110, form) + b"neither\n" + lines(110, 120, form))
    report = growing.land()
    assert (report.records, report.landed, report.rejected) == (21, 20, 1)
    assert rejects(growing.lake)["offset"].to_list() == [len(lines(0, 110, form))]


def test_a_file_that_was_written_anew_lands_as_a_whole_and_grows_from_there(growing: Vans) -> None:
    form = form_of(growing)
    growing.write(lines(0, 300, form))
    growing.land()
    growing.write(lines(0, 1, form) + lines(1000, 1100, form))
    report = growing.land()
    assert (report.landed, report.grown) == (101, [])
    assert report.anew == {str(growing.file): "it does not begin with what has landed of it"}
    growing.add(lines(1100, 1500, form))
    later = growing.land()
    assert (later.landed, later.grown, later.anew) == (400, [str(growing.file)], {})


def test_a_compressed_file_that_has_grown_lands_as_a_whole(tmp_path: Path) -> None:
    vans = Vans(tmp_path)
    vans.file = vans.inbox / "a.jsonl.gz"
    vans.write(gzip.compress(lines(0, 100)))
    vans.land()
    vans.add(gzip.compress(lines(100, 150)))
    report = vans.land()
    assert (report.landed, report.anew) == (150, {str(vans.file): "compressed files are read as a whole"})


def test_a_copy_of_what_has_grown_adds_nothing(vans: Vans) -> None:
    vans.file = vans.inbox / "b.jsonl"
    vans.write(lines(0, 100))
    vans.land()
    vans.add(lines(100, 150))
    (vans.inbox / "a.jsonl").write_bytes(vans.file.read_bytes())
    report = vans.land()
    assert (report.landed, report.grown, report.skipped) == (50, [str(vans.file)], 1)


def test_a_beginning_of_which_nothing_came_lands_again_with_what_is_new_when_it_is_told_to(vans: Vans) -> None:
    right = vans.profile
    vans.profile = vans.profile.model_copy(update={"earliest_day": date(2030, 1, 1)})
    vans.write(lines(0, 100))
    assert vans.land().rejected == 100
    vans.profile = right
    vans.add(lines(100, 150))
    assert vans.land(again=True).landed == 150
    assert vans.land(again=True).files == 0


def test_a_log_from_before_parts_were_written_down_goes_on(vans: Vans) -> None:
    vans.write(lines(0, 100))
    vans.land()
    log = rows(vans.lake, "ops.batches").drop("start_byte", "first_record")
    folder = vans.lake.table_place("ops.batches").plain
    shutil.rmtree(folder)
    log.write_delta(folder)
    vans.add(lines(100, 150))
    assert vans.land().landed == 50
    assert vans.landed["start_byte"].to_list() == [None, len(lines(0, 100))]


# killed, two at once


class Interrupted(BaseException):
    """Stands for the end of the process."""


def interrupted(vans: Vans, monkeypatch: pytest.MonkeyPatch, before: str, number: int = 0) -> None:
    """A landing that ends just before a commit."""
    commit = Appender.commit

    def stop(self: Appender) -> None:
        if self.txn == AppTransaction(f"vans/{before}", number):
            raise Interrupted
        commit(self)

    with monkeypatch.context() as patch:
        patch.setattr(Appender, "commit", stop)
        with pytest.raises(Interrupted):
            vans.land()


@pytest.mark.parametrize("before", ["planned", "decided", "raw.telemetry", "ops.rejects", "landed"])
def test_a_file_that_grows_after_its_landing_was_killed_lands_once(
    before: str, growing: Vans, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_of(growing)
    for number, first in enumerate((0, 100)):
        growing.add(lines(first, first + 50, form) + b"neither\n")
        interrupted(growing, monkeypatch, before, growing.landed.height)
        growing.add(lines(first + 50, first + 100, form))
        growing.land()
        assert growing.seconds == list(range(first + 100))
        assert rejects(growing.lake).height == number + 1
    assert growing.land().files == 0


@pytest.mark.parametrize("where", ["local", "azurite"])
def test_killed_while_files_grow_gives_every_line_once(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    azurite: Azurite | None = request.getfixturevalue("azurite") if where == "azurite" else None
    place = opened(azurite.new_container() if azurite else tmp_path / "lake", azurite, batch_bytes=1)
    vans = Vans(tmp_path, "csv", place)
    files = [vans.inbox / f"{n}.csv" for n in range(3)]
    variables, log = environment(vans.settings), tmp_path / "log"
    command = [["land", "--feed", str(vans.toml), str(vans.inbox)]]
    run([["status"]], variables, log)
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    moments, ends = random.Random(seed), [0, 0, 0]
    killed = 0
    for _ in range(12):
        for number, path in enumerate(files):
            first, ends[number] = ends[number], ends[number] + moments.randrange(1, 200)
            with path.open("ab") as stream:
                stream.write(lines(first, ends[number], "csv", f"van-{number}"))
        killed += run(command, variables, log, kill_after=moments.uniform(0.05, 1.5)).killed
    run(command, variables, log)
    print(f"{killed} kills")
    raw = rows(vans.lake, "raw.telemetry")
    assert raw.height == raw.select("vehicle_id", "event_at").n_unique() == sum(ends)
    assert "Nothing new to land: 3 files had landed before" in run(command, variables, log).said


@pytest.mark.parametrize("large", [False, True])
def test_two_landings_of_a_file_that_grows_between_them_land_it_once(
    large: bool, growing: Vans, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr("orchestration.batch_run._SMALL_FILE", 1000)
    form = form_of(growing)
    growing.write(lines(0, 300, form))
    others: list[LandingReport] = []

    def second(_done: int, _total: int, records: int, _file: str) -> None:
        if records and not others:
            growing.add(lines(300, 350, form))
            others.append(growing.land())

    first = growing.land(progress=second)
    assert (others[0].landed, first.landed) == (350, 0)
    assert growing.seconds == list(range(350))
    assert growing.land().files == 0


def test_two_processes_land_a_growing_file_once(tmp_path: Path) -> None:
    vans = Vans(tmp_path)
    variables = environment(vans.settings)
    command = [["land", "--feed", str(vans.toml), str(vans.inbox)]]
    end = 0
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            runs = []
            for number in range(2):
                vans.add(lines(end, end + 1000))
                end += 1000
                runs.append(pool.submit(run, command, variables, tmp_path / f"log{number}"))
            assert not any(future.result().killed for future in runs)
    vans.land()
    assert vans.seconds == list(range(end))


# on Azure


def on_azure(azurite: Azurite, tmp_path: Path) -> Vans:
    vans = Vans(tmp_path, "jsonl", opened(azurite.new_container(), azurite))
    vans.land = lambda **how: land(vans.lake, vans.settings, vans.profile, **how)  # type: ignore[method-assign]
    return vans


def test_a_blob_that_is_overwritten_before_it_is_downloaded_does_not_land(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vans = on_azure(azurite, tmp_path)

    def put(data: bytes, name: str = "a.jsonl") -> None:
        vans.lake.write_bytes(data, "inbox", "vans", name)

    put(lines(0, 300))
    put(lines(1000, 1010), "b.jsonl")
    once_planned(monkeypatch, lambda: put(lines(0, 300, vehicle="van-2")))
    report = vans.land()
    assert (report.changed, report.landed) == (["inbox/vans/a.jsonl"], 10)
    assert vans.seconds == list(range(1000, 1010))
    put(lines(0, 300))
    assert vans.land().landed == 300
    assert vans.land().files == 0


def test_a_blob_that_grows_lands_what_is_new(azurite: Azurite, tmp_path: Path) -> None:
    vans = on_azure(azurite, tmp_path)
    for last in (100, 150, 400):
        vans.lake.write_bytes(lines(0, last), "inbox", "vans", "a.jsonl")
        vans.land()
        assert vans.seconds == list(range(last))
    assert vans.landed["records"].to_list() == [100, 50, 250]
