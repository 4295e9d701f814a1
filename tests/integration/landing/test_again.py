"""Landing again: files of which no row came, once the profile is right. Whatever happens, their rows are there once."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Appender, AppTransaction, open_table
from orchestration.batches import fruitless, read_batches
from orchestration.landing import LandingReport, land
from tests.integration.lakes import assert_same, content, rows
from tests.integration.shuttles import Shuttles
from transforms.sources.profile import FeedProfile, load_profile

Place = tuple[Lake, Settings]


@pytest.fixture
def wrong(feed: Shuttles, tmp_path: Path) -> FeedProfile:
    """Its separator is another."""
    path = tmp_path / "wrong.toml"
    path.write_text(feed.profile.read_text() + '\n[csv]\nseparator = ";"\n')
    return load_profile(path)


def landed(place: Place, profile: FeedProfile, feed: Shuttles, *, again: bool = False) -> LandingReport:
    return land(*place, profile, [str(feed.folder)], again=again)


def telemetry(place: Place) -> int:
    return rows(place[0], "raw.telemetry").height


def test_a_file_of_which_nothing_landed_lands_again_when_it_is_told_to(
    place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile
) -> None:
    first = landed(place, wrong, feed)
    assert (first.files, first.landed, first.rejected) == (3, 0, first.records)
    assert landed(place, profile, feed).files == 0
    report = landed(place, profile, feed, again=True)
    assert (report.files, report.landed, telemetry(place)) == (3, feed.rows, feed.rows)
    before = content(place[0])
    for again in (True, False):
        assert landed(place, profile, feed, again=again).files == 0
    assert_same(content(place[0]), before)


def test_a_file_that_still_lands_nothing_is_read_once_in_a_run(
    place: Place, feed: Shuttles, wrong: FeedProfile
) -> None:
    landed(place, wrong, feed)
    assert landed(place, wrong, feed, again=True).batches == [3, 4, 5]


def test_a_file_of_which_some_rows_landed_does_not_land_again(
    place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile
) -> None:
    """Its broken lines were rejected: they would land with all the others."""
    land(*place, profile, [str(feed.files[0])])
    part = telemetry(place)
    land(*place, wrong, [str(feed.folder)])
    assert landed(place, profile, feed, again=True).files == 2
    assert telemetry(place) == feed.rows > part


class Interrupted(BaseException):
    """Stands for the end of the process."""


def interrupt(monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """Let a landing end just before its first commit of rows to a table."""
    commit = Appender.commit

    def stop(self: Appender) -> None:
        txn = self.txn or AppTransaction("", 0)
        if txn.app == f"shuttles/{table}" and self._actions:
            raise Interrupted
        commit(self)

    monkeypatch.setattr(Appender, "commit", stop)


@pytest.mark.parametrize("table", ["raw.telemetry", "ops.rejects", "landed"])
@pytest.mark.parametrize("again", [True, False])
def test_a_second_landing_that_is_killed_is_finished_by_the_next_run(
    table: str, again: bool, place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    landed(place, wrong, feed)
    with monkeypatch.context() as patch:
        interrupt(patch, table)
        with pytest.raises(Interrupted):
            landed(place, profile, feed, again=True)
    landed(place, profile, feed, again=again)
    landed(place, profile, feed, again=True)
    assert telemetry(place) == feed.rows


def test_two_second_landings_at_once_land_once(
    place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile
) -> None:
    def second(done: int, total: int, records: int, file: str) -> None:
        if records and not others:
            others.append(landed(place, profile, feed, again=True))

    others: list[LandingReport] = []
    landed(place, wrong, feed)
    land(*place, profile, [str(feed.folder)], again=True, progress=second)
    assert others[0].landed == feed.rows
    assert telemetry(place) == feed.rows


def test_from_when_a_file_may_land_again_nobody_adds_to_its_first_batch(
    place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile
) -> None:
    """Another run, with the right profile, may be about to commit rows of it."""
    landed(place, wrong, feed)
    assert len(fruitless(place[0], profile, read_batches(place[0], "shuttles"))) == 3
    assert Appender(open_table(place[0], "raw.telemetry"), AppTransaction("shuttles/raw.telemetry", 2)).done


def test_a_run_that_is_still_at_the_first_landing_adds_nothing_to_it_any_more(
    place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile
) -> None:
    """It read the profile profile; one with the wrong profile was quicker, and then all landed again."""

    def meanwhile(done: int, total: int, records: int, file: str) -> None:
        if records and not others:
            others.append(landed(place, wrong, feed))
            others.append(landed(place, profile, feed, again=True))

    others: list[LandingReport] = []
    land(*place, profile, [str(feed.folder)], progress=meanwhile)
    assert [report.landed for report in others] == [0, feed.rows]
    assert telemetry(place) == feed.rows


def test_a_batch_that_was_begun_with_the_right_profile_and_ended_with_a_wrong_one_is_left_alone(
    place: Place, feed: Shuttles, profile: FeedProfile, wrong: FeedProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are in the table, though the log says that there are none."""
    with monkeypatch.context() as patch:
        interrupt(patch, "ops.rejects")
        with pytest.raises(Interrupted):
            landed(place, profile, feed)
    begun = telemetry(place)
    assert begun > 0
    landed(place, wrong, feed)
    counted = rows(place[0], "ops.batches").filter(pl.col("status") == "landed")["landed"].to_list()
    assert counted == [0, 0, 0]
    assert landed(place, profile, feed, again=True).files == 2
    assert telemetry(place) == feed.rows
