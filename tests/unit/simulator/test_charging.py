"""Charging: what signals and events say is what is true, and sessions are those that people would have."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from simulator.events import Sent
from simulator.fleet import Fleet, make_fleet
from simulator.plan import Place
from simulator.plugging import DRAWS, Visits, plug_in
from simulator.sessions import CURRENTS, HOUR_MS, NEVER_MS, PLACES, REASONS, Sessions
from simulator.traits import Traits, make_traits
from simulator.world import day_ms
from tests.unit.simulator.moving import DAYS, FIRST_DAY, Story, story

NOON_MS = 1_771_588_800_000


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


@pytest.fixture(scope="module")
def sessions(told: Story) -> pl.DataFrame:
    """Sessions of which every message has been sent, times in ms."""
    end_ms = day_ms(FIRST_DAY + timedelta(days=DAYS))
    return told.sessions.filter(pl.col("last_ms") < end_ms).with_columns(pl.col("^.*_at$").dt.epoch("ms"))


def _spoken(told: Story) -> pl.DataFrame:
    """Telemetry of vehicles that report charging, with what changed since the message before."""
    reporting = np.flatnonzero(told.days.traits.signals & (told.fleet.battery_kwh > 0)).tolist()
    sent = told.telemetry.filter(pl.col("sent") & int(Sent.CHARGING) > 0, pl.col("vehicle").is_in(reporting))
    return sent.with_columns(pl.col("charging", "cable").diff().over("vehicle").fill_null(0).name.prefix("turned_"))


def test_there_are_sessions_of_every_kind(told: Story, sessions: pl.DataFrame) -> None:
    assert set(sessions.select("current_type", "place").unique().rows()) == {
        ("AC", "home"), ("AC", "work"), ("AC", "public"), ("DC", "public"),
    }  # fmt: skip
    assert set(sessions["end_reason"]) <= set(REASONS)
    assert 0.01 < sessions["interrupted"].mean() < 0.12
    assert 0.01 < sessions["interruptions"].mean() < 0.15
    plugs = (told.fleet.battery_kwh > 0).sum()
    assert 0.2 < told.sessions.height / plugs / DAYS < 1.0


def test_steps_are_in_order_and_before_the_next_trip(told: Story, sessions: pl.DataFrame) -> None:
    order = ("plugged_at", "started_at", "ended_at", "unplugged_at")
    for before, after in pairwise(order):
        assert (sessions[before] < sessions[after]).all()
    assert (
        sessions["unplugged_at"] < sessions.select(pl.col("plugged_at").shift(-1).over("vehicle")).to_series()
    ).all()
    trips = told.trips.select("vehicle", pl.col("started_at", "ended_at").dt.epoch("ms")).sort("started_at")
    during = sessions.sort("unplugged_at").join_asof(
        trips, left_on="unplugged_at", right_on="started_at", by="vehicle", check_sortedness=False
    )
    assert (during["plugged_at"] > during["ended_at_right"]).all()


def test_energy_and_state_of_charge_agree(told: Story, sessions: pl.DataFrame) -> None:
    new = pl.Series(told.fleet.battery_kwh).gather(sessions["vehicle"])
    capacity = 100 * sessions["energy_stored_kwh"] / (sessions["soc_end_pct"] - sessions["soc_start_pct"])
    assert (capacity <= new).all()
    assert (capacity > 0.55 * new).all()
    assert (sessions["energy_in_kwh"] > sessions["energy_stored_kwh"]).all()
    efficiency = sessions["energy_stored_kwh"] / sessions["energy_in_kwh"]
    assert efficiency.is_between(0.85, 0.97).all()
    assert sessions["soc_end_pct"].max() <= 100
    assert sessions["soc_start_pct"].min() >= 0


def test_signals_tell_start_end_and_energy(told: Story, sessions: pl.DataFrame) -> None:
    spoken = _spoken(told)
    true = sessions.filter(pl.col("vehicle").is_in(spoken["vehicle"].unique().implode()))
    assert true.height > 100
    for change, turned, instant in (
        ("charging", 1, "started_at"), ("charging", -1, "ended_at"), ("cable", 1, "plugged_at"),
        ("cable", -1, "unplugged_at"),
    ):  # fmt: skip
        seen = spoken.filter(pl.col(f"turned_{change}") == turned).select("vehicle", pl.col("event_ms").alias(instant))
        found = true.join(seen, on=["vehicle", instant], how="inner")
        assert found.height == true.height, instant
    starts, ends = spoken.filter(turned_charging=1).height, spoken.filter(turned_charging=-1).height
    assert starts >= true.height + true["interruptions"].sum()
    assert ends >= true.height + true["interruptions"].sum()
    at = spoken.select("vehicle", "event_ms", "energy_charged", "soc")
    both = true.join(at, left_on=["vehicle", "started_at"], right_on=["vehicle", "event_ms"])
    both = both.join(at, left_on=["vehicle", "ended_at"], right_on=["vehicle", "event_ms"], suffix="_end")
    assert both.height == true.height
    stored = (both["energy_charged_end"] - both["energy_charged"]) / 1000
    assert (stored - both["energy_stored_kwh"]).abs().max() <= 0.001 + 1e-9
    assert (both["soc"] / 10 - both["soc_start_pct"]).abs().max() <= 0.05 + 1e-9
    assert (both["soc_end"] / 10 - both["soc_end_pct"]).abs().max() <= 0.05 + 1e-9


def test_messages_come_every_few_minutes_while_charging(told: Story) -> None:
    spoken = _spoken(told).with_columns(pause_ms=pl.col("event_ms").diff(-1).over("vehicle").neg())
    charging = spoken.filter(pl.col("charging") == 1, pl.col("pause_ms").is_not_null())
    assert charging["pause_ms"].max() <= 600_000
    assert (charging["power"] > 0).all()
    assert (spoken.filter(pl.col("charging") == 0, pl.col("speed") == 0, pl.col("ignition") == 0)["power"] == 0).all()
    rising = charging.filter(pl.col("cable") == 0)
    assert rising.height == 0


def test_events_tell_what_is_true(told: Story, sessions: pl.DataFrame) -> None:
    events, true = told.charging, sessions.filter("events_sent")
    assert true.height > 100
    by = events.group_by("sessionId").agg(
        pl.col("event_ms").filter(pl.col("event") == "plugged").first().alias("plugged"),
        pl.col("event_ms").filter(pl.col("event") == "started").first().alias("started"),
        pl.col("event_ms", "energy", "reason", "stateOfCharge").filter(pl.col("event") == "stopped").last(),
        pl.col("event_ms").filter(pl.col("event") == "unplugged").first().alias("unplugged"),
        (pl.col("event") == "stopped").sum().alias("stops"),
        pl.col("power").max(),
        pl.col("event_ms").n_unique().alias("instants"),
        pl.len(),
    )
    both = true.join(by, left_on="session_id", right_on="sessionId", how="left")
    assert (both["plugged"] == both["plugged_at"]).all()
    assert (both["started"] == both["started_at"]).all()
    assert (both["event_ms"] == both["ended_at"]).all()
    assert (both["unplugged"] == both["unplugged_at"]).all()
    assert (both["stops"] == both["interruptions"] + 1).all()
    assert (both["energy"] - both["energy_in_kwh"]).abs().max() <= 0.0005 + 1e-9
    assert (both["power"] - both["power_max_kw"]).abs().max() <= 0.005 + 1e-9
    assert (both["reason"] == both["end_reason"]).all()
    assert (both["instants"] == both["len"]).all()
    assert not set(told.sessions.filter(~pl.col("events_sent"))["session_id"]) & set(events["sessionId"])


def test_some_are_known_from_signals_only_and_some_from_events_only(told: Story, sessions: pl.DataFrame) -> None:
    signals = told.days.traits.signals[sessions["vehicle"].to_numpy()]
    events = sessions["events_sent"].to_numpy()
    assert (signals & ~events).sum() > 10
    assert (~signals & events).sum() > 3
    assert (signals & events).sum() > 50
    assert not (~signals & ~events).any()


def _visits(
    fleet: Fleet, traits: Traits, place: Place, soc: float, outside_c: float, *, stays_h: float = 20.0
) -> tuple[Visits, Sessions]:
    n = len(fleet)
    visits = Visits(
        np.arange(n), np.full(n, int(place)), np.full(n, NOON_MS), np.full(n, NOON_MS + int(stays_h * HOUR_MS)),
        np.full(n, 20.0), np.full(n, soc), fleet.battery_kwh, np.full(n, outside_c),
    )  # fmt: skip
    return visits, plug_in(fleet, traits, visits, np.random.default_rng(5).random((DRAWS, n)))


@pytest.fixture(scope="module")
def many() -> tuple[Fleet, Traits]:
    fleet = make_fleet(4, 3000, 0, 1, date(2026, 2, 20), ("CN", "FR"))
    return fleet, make_traits(4, 0, fleet)


def test_the_cold_slows_direct_current(many: tuple[Fleet, Traits]) -> None:
    kilowatts = []
    for outside_c in (-10.0, 25.0):
        _, found = _visits(*many, Place.CHARGER, 20.0, outside_c)
        here = found.take(found.exists & (many[0].powertrain == 3))
        assert len(here) > 100
        assert (here.current == CURRENTS.index("DC")).all()
        kilowatts.append(here.power_kw.mean())
    assert kilowatts[0] < 0.6 * kilowatts[1]


def test_who_must_leave_ends_the_session(many: tuple[Fleet, Traits]) -> None:
    _, found = _visits(*many, Place.HOME, 12.0, 10.0, stays_h=0.5)
    here = found.take(found.exists)
    left = here.reason == REASONS.index("user")
    assert left.mean() > 0.8
    assert np.all(here.unplugged_ms < NOON_MS + HOUR_MS // 2)
    assert np.all(here.soc_at(here.stops_ms)[left] < here.target[left])


def test_only_those_with_a_plug_and_room_charge(many: tuple[Fleet, Traits]) -> None:
    fleet, traits = many
    _, found = _visits(fleet, traits, Place.HOME, 30.0, 10.0)
    assert not found.exists[fleet.battery_kwh == 0].any()
    assert 0.5 < found.exists[fleet.battery_kwh > 0].mean() < 0.95
    home = found.place == PLACES.index("home")
    assert np.array_equal(home[found.exists], traits.home_plug[found.exists])
    _, full = _visits(fleet, traits, Place.HOME, 99.0, 10.0)
    assert not full.exists.any()


def test_sessions_end_for_every_reason(many: tuple[Fleet, Traits]) -> None:
    ends = np.zeros(len(REASONS))
    for place, stays_h in ((Place.HOME, 12.0), (Place.PUBLIC, 1.0)):
        _, found = _visits(*many, place, 25.0, 10.0, stays_h=stays_h)
        ends += np.bincount(found.reason[found.exists], minlength=len(REASONS))
    assert np.all(ends > 5)
    assert ends[0] > ends[2:].sum()


def test_pauses_lie_within_charging(many: tuple[Fleet, Traits]) -> None:
    _, found = _visits(*many, Place.HOME, 30.0, 10.0)
    paused = found.take(found.exists & (found.pauses_ms < NEVER_MS))
    assert 0.02 < len(paused) / found.exists.sum() < 0.15
    assert np.all((paused.starts_ms < paused.pauses_ms) & (paused.resumes_ms < paused.stops_ms))
    lasts_min = (paused.resumes_ms - paused.pauses_ms) / 60_000
    assert np.all((lasts_min >= 3) & (lasts_min <= 8))
