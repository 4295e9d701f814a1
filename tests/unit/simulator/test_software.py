"""Software campaigns: steps in order, truth as the messages say, versions that follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from simulator.failures.concern import versions
from simulator.software import BEGINS_AFTER_DAYS, EVERY_DAYS, WORSE, Software, roll_out, to_version, version_at
from simulator.told import Told
from simulator.world import CITIES, DAY_MS, local_midnight_ms
from tests.unit.simulator.living import FIRST_DAY, fleet_of, lived, told

FLEET = fleet_of(400)
DAYS = BEGINS_AFTER_DAYS + 2 * EVERY_DAYS
NEVER_MS = 2**62


@pytest.fixture(scope="module")
def days() -> list[Told]:
    return [now for _, now in told(Software(5, 0, FLEET, FIRST_DAY), FLEET, DAYS)]


@pytest.fixture(scope="module")
def steps(days: list[Told]) -> pl.DataFrame:
    events = pl.concat([now.events["software"] for now in days if now.events])
    vin = FLEET.vin_texts.gather(events["vehicle"])
    return events.with_columns(vin).sort("vehicle", "event_ms")


@pytest.fixture(scope="module")
def installs(days: list[Told]) -> pl.DataFrame:
    return pl.concat([now.truth["software_installs"] for now in days if now.truth])


def test_the_truth_is_what_the_messages_say(steps: pl.DataFrame, installs: pl.DataFrame) -> None:
    step, ends = pl.col("step"), pl.col("step").is_in(["installed", "failed", "rolled_back"])
    found = steps.group_by("vin", campaign_id="campaignId").agg(
        from_version=pl.col("fromVersion").unique().first(),
        to_version=pl.col("toVersion").first(),
        targeted_at=pl.col("event_ms").filter(step == "targeted").first(),
        finished_at=pl.col("event_ms").filter(ends).last(),
        attempts=(step == "install_started").sum().cast(pl.Int64),
        failures=step.is_in(["failed", "rolled_back"]).sum().cast(pl.Int64),
        outcome=step.filter(ends).last().fill_null("pending"),
        last_ms=pl.col("event_ms").max(),
    )
    said = installs.with_columns(pl.col("targeted_at", "finished_at").dt.epoch("ms"))
    key = ["vin", "campaign_id"]
    assert found.sort(key).select(said.columns).equals(said.sort(key))
    assert set(said["outcome"]) == {"installed", "failed", "rolled_back", "pending"}
    assert said.filter(pl.col("attempts") > 1).height > 10


def test_steps_come_in_order(steps: pl.DataFrame) -> None:
    allowed = {
        None: {"targeted"}, "targeted": {"notified"}, "notified": {"downloaded"}, "downloaded": {"install_started"},
        "install_started": {"installed", "failed", "rolled_back"}, "failed": {"install_started"},
        "rolled_back": {"install_started"}, "installed": set(),
    }  # fmt: skip
    for _, group in steps.group_by("vehicle", "campaignId"):
        assert group["event_ms"].is_unique().all()
        before = None
        for step in group.sort("event_ms")["step"]:
            assert step in allowed[before], (before, step)
            before = step
    assert steps.filter(pl.col("step").is_in(["failed", "rolled_back"]))["reason"].null_count() == 0
    assert steps.filter(pl.col("step") == "installed")["reason"].null_count() == steps.filter(step="installed").height


def test_versions_follow_the_installations(days: list[Told], steps: pl.DataFrame) -> None:
    first = Software(5, 0, FLEET, FIRST_DAY).initial()["version"]
    last = steps.filter(step="installed").group_by("vehicle").agg(pl.col("toVersion").sort_by("event_ms").last())
    installed = dict(last.iter_rows())
    assert days[-1].state["version"].to_list() == [installed.get(v, version) for v, version in enumerate(first)]
    steps = steps.filter(step="targeted").sort("event_ms")
    for vehicle, campaign, offered in steps.select("vehicle", "campaignId", "fromVersion").iter_rows():
        if campaign == "ota-01":
            assert offered == first[vehicle]


def test_version_changes_at_the_instant_of_the_installation(days: list[Told], steps: pl.DataFrame) -> None:
    vehicle, at = next(steps.filter(step="installed").select("vehicle", "event_ms").iter_rows())
    state = days[at // DAY_MS - (FIRST_DAY.toordinal() - 719163)].state
    before, after = version_at(state, np.array([vehicle, vehicle]), np.array([at - 1, at]))
    assert before != WORSE
    assert after == WORSE


def test_nobody_is_targeted_who_has_the_version_or_no_unit_or_no_owner(steps: pl.DataFrame) -> None:
    targeted = steps.filter(step="targeted")
    vehicle = targeted["vehicle"].to_numpy()
    assert FLEET.connected[vehicle].all()
    assert (~FLEET.connected).any()
    day = targeted["event_ms"].to_numpy() // DAY_MS + 719163
    assert (FLEET.delivered[vehicle] < day).all()
    assert (targeted["fromVersion"] != targeted["toVersion"]).all()


@pytest.mark.parametrize("number", [0, 1, 4])
def test_a_campaign_is_over_before_the_next_and_installs_at_night(number: int) -> None:
    rollout = roll_out(5, 0, FLEET, FIRST_DAY, number)
    begins = FIRST_DAY + timedelta(days=BEGINS_AFTER_DAYS + number * EVERY_DAYS)
    ended = rollout.ended_ms[rollout.ended_ms < NEVER_MS]
    assert ended.max() < (begins + timedelta(days=EVERY_DAYS) - FIRST_DAY).days * DAY_MS + local_midnight_ms(
        "UTC", FIRST_DAY
    )
    for k, city in enumerate(CITIES):
        here = (rollout.started_ms < NEVER_MS) & (FLEET.city == k)
        for start, end in zip(rollout.started_ms[here], rollout.ended_ms[here], strict=True):
            day = begins + timedelta(days=int(start - local_midnight_ms(city.zone, begins) + DAY_MS // 4) // DAY_MS)
            hour = (np.array([start, end]) - local_midnight_ms(city.zone, day)) / 3_600_000
            assert 3.5 < hour[0] < hour[1] < 5


def test_versions_of_campaigns() -> None:
    assert [to_version(k) for k in range(4)] == ["4.3.0", "4.3.1", "4.4.0", "4.5.0"]


def test_a_day_is_the_same_taken_up_from_a_saved_state(days: list[Told]) -> None:
    half = DAYS // 2
    day = FIRST_DAY + timedelta(days=half)
    again = Software(5, 0, fleet_of(400), FIRST_DAY).live(day, days[half - 1].state, lived(FLEET, day))
    assert again.state.equals(days[half].state)
    assert again.events["software"].equals(days[half].events["software"])


def test_failures_see_the_version_with_which_a_day_begins(days: list[Told], steps: pl.DataFrame) -> None:
    vehicle, at = next(steps.filter(step="installed").select("vehicle", "event_ms").iter_rows())
    today = at // DAY_MS - (FIRST_DAY.toordinal() - 719163)
    seen = []
    for k in (today, today + 1):
        day = lived(FLEET, FIRST_DAY + timedelta(days=k))
        knows = replace(day, states={"software": days[k].state})
        seen.append(versions(knows)[vehicle])
    assert seen[0] != WORSE
    assert seen[1] == WORSE
