"""Files become published KPIs through Dagster alone, late ones restate exactly their days, replays nothing."""

from __future__ import annotations

import json
from datetime import date, timedelta
from uuid import uuid4

import polars as pl
import pytest
from dagster import AssetKey, DagsterRun, DagsterRunStatus, RunRequest

from lake.errors import FeedError
from lake.snapshot import current
from lake.tables import open_table
from orchestration import feeds, landing
from orchestration.building import build
from orchestration.due import MOST_RANGES
from orchestration.feeds import land_feeds
from tests.integration.orchestration.platform import MONDAY, PROFILE, Platform, shown


def day(number: int) -> str:
    return (MONDAY + timedelta(number)).isoformat()


#: The KPI tables that are followed here: one of the day alone, one of 28 days.
FOLLOWED = ("kpi.driving", "kpi.active_vehicles")


def is_followed(table: str) -> bool:
    """Whether a table is of core and more than one day's own telemetry, or one of the followed."""
    alone = ("core.vehicle_conditions", "core.arrivals", "core.implausible_values", "core.doubts")
    return table not in alone if table.startswith("core.") else table in FOLLOWED


def followed(builds: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Builds of the tables that are followed."""
    kept = [(" ".join(filter(is_followed, tables.split())), first, last) for tables, first, last in builds]
    return [build for build in kept if build[0]]


def computed(platform: Platform) -> dict[tuple[str, str], int]:
    """How many times each day of each table was computed."""
    runs = open_table(platform.lake, "ops.runs").scan().drop_nulls("date")
    once = runs.select("table", pl.col("date").cast(pl.String), "finished_at").unique().collect()
    return {(table, on): count for table, on, count in once.group_by("table", "date").len().iter_rows()}


def test_files_become_kpis_and_late_ones_restate_exactly_their_days(platform: Platform) -> None:
    platform.send("first.csv", range(5))
    builds = followed(platform.settle())
    every = [(day(0), day(4))]
    assert builds == [
        ("core.trips core.automation_segments", day(-1), day(4)),
        ("core.latest", *every[0]),
        ("core.charging_sessions", day(-3), day(4)),
        ("core.vehicle_days", *every[0]),
        ("core.activity kpi.active_vehicles kpi.driving", *every[0]),
    ]
    info = current(platform.lake)
    assert info is not None
    assert (info.data_from, info.data_to) == (MONDAY, MONDAY + timedelta(4))
    event = platform.instance.get_latest_materialization_event(AssetKey(["raw", "telemetry"]))
    assert event is not None
    assert event.asset_materialization is not None
    told = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert (told["records"], told["landed"], told["rejected"], told["batches"]) == (100, 100, 0, 1)

    # Nothing new: nothing is requested. The same file under another name: it is looked at once, and nothing is built.
    assert platform.settle() == []
    platform.send("again.csv", range(5))
    assert platform.settle() == []
    assert current(platform.lake) == info

    before = computed(platform)
    platform.send("late.csv", [2], hour=18)
    assert followed(platform.settle()) == [
        ("core.trips core.automation_segments", day(1), day(3)),
        ("core.latest", day(2), day(2)),
        ("core.charging_sessions", day(-1), day(4)),
        ("core.vehicle_days", day(2), day(3)),
        ("kpi.driving", day(2), day(2)),
        ("core.activity kpi.active_vehicles", day(2), day(4)),
    ]
    # Of the days that might have changed, these came out otherwise; the others are left as they are.
    again = {key for key, n in computed(platform).items() if n > before.get(key, 0) and is_followed(key[0])}
    assert again == {
        *((table, day(2)) for table in ("core.trips", "core.latest", "core.vehicle_days", "kpi.driving")),
    }
    published = current(platform.lake)
    assert published is not None
    assert published.published_at > info.published_at


def test_a_flood_of_scattered_days_is_a_few_runs_that_compute_only_these_days(platform: Platform) -> None:
    platform.send("all.csv", range(130), buses=["7"])
    platform.work()
    platform.send("late.csv", range(0, 130, 4), buses=["7"], hour=18)
    land_feeds(platform.lake, platform.settings)
    before = computed(platform)
    requests = platform.tick("changed_days_sensor")
    latest = [request for request in requests if "core.latest" in shown(request)[0].split()]
    assert len(latest) == MOST_RANGES
    widest = max(
        latest, key=lambda request: date.fromisoformat(shown(request)[2]) - date.fromisoformat(shown(request)[1])
    )
    platform.run(widest, "build")
    again = {key for key, count in computed(platform).items() if count > before.get(key, 0) and is_followed(key[0])}
    _, first, last = shown(widest)
    late = [on for on in map(day, range(0, 130, 4)) if first <= on <= last]
    assert len(late) > 1
    assert again == {("core.latest", on) for on in late}


@pytest.mark.parametrize("job", ["build", "nightly"])
def test_what_is_under_way_is_not_requested_again(platform: Platform, job: str) -> None:
    platform.send("first.csv", range(2))
    land_feeds(platform.lake, platform.settings)
    run = DagsterRun(job_name=job, run_id=str(uuid4()), status=DagsterRunStatus.STARTED)
    platform.instance.add_run(run)
    assert platform.tick("changed_days_sensor") == []
    assert platform.tick("unpublished_sensor") == []
    platform.instance.delete_run(run.run_id)
    assert platform.tick("changed_days_sensor") != []
    # Requested once for this state of the lake, whatever became of the run.
    assert platform.tick("changed_days_sensor") == []


def test_a_file_that_is_still_being_written_waits(platform: Platform) -> None:
    platform.settle_s = 60
    platform.send("first.csv", [0])
    assert platform.tick("inbox_sensor") == []
    platform.settle_s = 0
    requests = platform.tick("inbox_sensor")
    assert [request.tags["sillage/feed"] for request in requests] == ["buses"]
    # The cursor knows what was requested, also where the runs of Dagster have been swept.
    platform.run_keys.clear()
    assert platform.tick("inbox_sensor") == []
    platform.send("second.csv", [1])
    assert len(platform.tick("inbox_sensor")) == 1


def test_a_feed_that_fails_does_not_keep_the_others_out(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.add_feed("aaa")
    for feed in ("aaa", "buses"):
        platform.send("first.csv", [0], feed=feed)

    def land_others(lake, settings, profile, **how):  # type: ignore[no-untyped-def]
        if profile.name == "aaa":
            raise FeedError("A file of an interrupted batch is gone")
        return landing.land(lake, settings, profile, **how)

    monkeypatch.setattr(feeds, "land", land_others)
    result = platform.run(RunRequest(), "land", fails=True)
    failure = result.failure_data_for_node("land_feeds")
    assert failure is not None
    assert "Landing failed for aaa" in str(failure.error)
    assert open_table(platform.lake, "ops.batches").scan().filter(source="buses", status="landed").collect().height == 1


def test_the_nightly_job_does_all_that_is_due(platform: Platform) -> None:
    platform.send("first.csv", range(3))
    platform.run(RunRequest(), "nightly")
    info = current(platform.lake)
    assert info is not None
    assert info.data_to == MONDAY + timedelta(2)
    trips = AssetKey(["core", "trips"])
    assert platform.instance.get_materialized_partitions(trips) == {day(n) for n in range(-1, 3)}
    for sensor in ("inbox_sensor", "changed_days_sensor", "unpublished_sensor"):
        assert platform.tick(sensor) == []


def test_the_nightly_job_publishes_what_the_other_feeds_bring_and_fails(platform: Platform) -> None:
    platform.send("first.csv", range(3))
    (platform.settings.feeds / "a_bad.toml").write_text("name = ")
    failed = platform.run(RunRequest(), "nightly", fails=True)
    info = current(platform.lake)
    assert info is not None
    assert info.data_to == MONDAY + timedelta(2)
    failure = failed.failure_data_for_node("refuse_failed_feeds")
    assert failure is not None
    assert "Landing failed for a_bad" in str(failure.error)
    assert json.loads(json.dumps(failed.output_for_node("land_everything"))).keys() == {"a_bad"}
    assert platform.instance.get_latest_materialization_event(AssetKey(["raw", "telemetry"]))


def test_a_day_is_repaired_by_building_it_again(platform: Platform) -> None:
    platform.send("first.csv", range(3))
    platform.work()
    table = open_table(platform.lake, "core.trips")
    good = table.scan().collect()
    table.replace_days(good.clear(), [MONDAY + timedelta(1)])
    job = platform.definitions.resolve_job_def("build")
    assert job.execute_in_process(partition_key=day(1), instance=platform.instance).success
    assert table.scan().collect().sort("started_at", "vehicle_id").equals(good.sort("started_at", "vehicle_id"))
    assert platform.instance.get_materialized_partitions(AssetKey(["kpi", "driving"])) == {day(1)}


def test_days_far_back_have_partitions(platform: Platform) -> None:
    lake, settings = platform.lake, platform.settings
    start = (date(2000, 1, 1) - MONDAY).days
    platform.send("old.csv", [start])
    land_feeds(lake, settings)
    request = next(r for r in platform.tick("changed_days_sensor") if "core.trips" in shown(r)[0].split())
    assert shown(request)[1:] == ("1999-12-31", "2000-01-01")
    platform.run(request, "build")
    build(lake, settings)
    assert list(open_table(lake, "core.trips").rows_by_day()) == [date(2000, 1, 1)]


def test_a_file_that_does_not_say_its_vehicle_keeps_no_other_feed_out(platform: Platform) -> None:
    platform.send("day.csv", [0])
    text = PROFILE.format(name="aaa").replace('field = "bus"', "path = '([0-9]+)[.]csv$'")
    (platform.settings.feeds / "aaa.toml").write_text(text)
    platform.lake.write_bytes(b"x", "inbox", "aaa", "nameless.csv")
    assert [request.tags["sillage/feed"] for request in platform.tick("inbox_sensor")] == ["buses"]


def test_a_folder_of_profiles_that_is_not_there_is_an_error_of_landing(platform: Platform) -> None:
    platform.settings.feeds.rename(platform.settings.feeds.with_name("away"))
    with pytest.raises(FeedError, match="no folder of feed profiles") as raised:
        land_feeds(platform.lake, platform.settings)
    assert "SILLAGE_FEEDS" in raised.value.action
    assert platform.definitions.resolve_job_def("build")


def test_a_profile_that_is_wrong_keeps_no_other_feed_out(platform: Platform) -> None:
    platform.send("day.csv", [0])
    (platform.settings.feeds / "a_bad.toml").write_text("name = ")
    assert platform.tick("inbox_sensor")
    with pytest.raises(FeedError, match="Landing failed for a_bad"):
        land_feeds(platform.lake, platform.settings).refuse_failures()
    assert open_table(platform.lake, "raw.telemetry").rows_by_day()
    with pytest.raises(FeedError, match="no such feed"):
        land_feeds(platform.lake, platform.settings, ["unheard"])
