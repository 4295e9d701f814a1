"""Driving automation: events, signals and truth tell the same stretches."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from simulator.automation import INITIATORS
from simulator.events import Sent
from simulator.lineup import MODELS
from simulator.segments import SHORTEST_S
from tests.unit.simulator.moving import DAYS, Story, story


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


@pytest.fixture(scope="module")
def segments(told: Story) -> pl.DataFrame:
    """Stretches, times in ms."""
    return told.segments.with_columns(pl.col("^.*_at$").dt.epoch("ms")).with_row_index("segment")


def _events(told: Story, event: str) -> pl.DataFrame:
    return told.automation.filter(event=event)


def test_segments_are_where_the_signal_says(told: Story, segments: pl.DataFrame) -> None:
    sent = told.telemetry.filter(pl.col("sent") & int(Sent.AUTOMATION) > 0)
    runs = sent.with_columns(
        begins=(pl.col("automation") > 0) & (pl.col("automation") != pl.col("automation").shift().over("vehicle")),
        ends_ms=pl.col("event_ms").shift(-1).over("vehicle"),
    ).with_columns(run=pl.col("begins").cum_sum().over("vehicle"))
    found = (
        runs.filter(pl.col("automation") > 0)
        .group_by("vehicle", "run")
        .agg(
            pl.col("event_ms").first().alias("engaged_at"),
            pl.col("ends_ms").last().alias("disengaged_at"),
            pl.col("automation").first().alias("level"),
        )
        .sort("vehicle", "engaged_at")
        .drop("run")
    )
    assert found.height > 150
    assert found.equals(segments.select(found.columns))


def test_distance_is_that_of_the_odometer(told: Story, segments: pl.DataFrame) -> None:
    metres = told.telemetry.select("vehicle", "event_ms", "odometer")
    both = segments.join(metres, left_on=["vehicle", "engaged_at"], right_on=["vehicle", "event_ms"]).join(
        metres, left_on=["vehicle", "disengaged_at"], right_on=["vehicle", "event_ms"], suffix="_end"
    )
    assert both.height == segments.height
    assert ((both["odometer_end"] - both["odometer"]) / 1000 - both["distance_km"]).abs().max() <= 0.001 + 1e-9
    lasts_s = (segments["disengaged_at"] - segments["engaged_at"]) / 1000
    assert lasts_s.min() >= SHORTEST_S


def test_events_tell_what_is_true(told: Story, segments: pl.DataFrame) -> None:
    engaged, disengaged = _events(told, "engaged"), _events(told, "disengaged")
    assert (
        engaged.select("vehicle", "event_ms", "level").rows()
        == segments.select("vehicle", "engaged_at", "level").rows()
    )
    assert (
        disengaged.select("vehicle", "event_ms", "initiator", "reason").rows()
        == segments.select("vehicle", "disengaged_at", "ended_by", "reason").rows()
    )
    gained = disengaged["odometer"] - engaged["odometer"]
    assert (gained - segments["distance_km"]).abs().max() <= 0.001 + 1e-9
    assert set(segments["ended_by"]) == set(INITIATORS)
    per_day = told.automation.height / len(told.fleet) / DAYS
    assert 0.3 < per_day < 2.5


def test_requests_come_shortly_before_the_driver_takes_over(told: Story, segments: pl.DataFrame) -> None:
    requests = _events(told, "takeover_requested").join_asof(
        segments.sort("engaged_at").select("vehicle", "engaged_at", "disengaged_at", "ended_by", "segment"),
        left_on="event_ms", right_on="engaged_at", by="vehicle", check_sortedness=False,
    )  # fmt: skip
    asked = segments.filter(pl.col("takeover_requests") > 0)
    assert sorted(requests["segment"]) == sorted(asked["segment"])
    assert requests.height > 10
    notice_s = (requests["disengaged_at"] - requests["event_ms"]) / 1000
    assert notice_s.is_between(10, 20).all()
    assert (requests["ended_by"] == "driver").all()
    assert (requests["initiator"] == "system").all()
    by_level = segments.group_by("level").agg(pl.col("takeover_requests").mean()).sort("level")
    assert by_level["level"].to_list() == [2, 3]
    assert by_level["takeover_requests"][1] > by_level["takeover_requests"][0]


def test_only_those_fitted_with_it_engage(told: Story, segments: pl.DataFrame) -> None:
    highest = np.array([model.automation_level for model in MODELS])[told.fleet.model]
    assert (segments["level"] <= pl.Series(highest).gather(segments["vehicle"])).all()
    assert segments["level"].min() == 2
    fast = told.telemetry.filter(pl.col("automation") == 3)
    assert fast["speed"].max() <= 980
