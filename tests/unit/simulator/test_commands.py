"""Remote commands and attacks on them: steps, answers, and the truth about both."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake.schemas.raw import events
from simulator.services import commands
from simulator.services.attacks import KINDS, strikes
from simulator.services.concern import Services
from simulator.told import Told
from simulator.world import DAY_MS, day_ms
from tests.unit.simulator.living import FIRST_DAY, fleet_of, joined, lived, told

VEHICLES, DAYS = 1500, 28
FLEET = fleet_of(VEHICLES)


@pytest.fixture(scope="module")
def days() -> list[tuple[date, Told]]:
    return list(told(Services(5, 0, FLEET, FIRST_DAY), FLEET, DAYS))


@pytest.fixture(scope="module")
def steps(days: list[tuple[date, Told]]) -> pl.DataFrame:
    said = joined(days, "command")
    return said.with_columns(FLEET.vin_texts.gather(said["vehicle"])).sort("vehicle", "event_ms")


@pytest.fixture(scope="module")
def truth(days: list[tuple[date, Told]]) -> pl.DataFrame:
    return joined(days, "commands", of="truth")


@pytest.fixture(scope="module")
def attacks(days: list[tuple[date, Told]]) -> pl.DataFrame:
    return joined(days, "attacks", of="truth")


def test_only_known_codes_are_said(steps: pl.DataFrame) -> None:
    assert commands.COMMANDS == events.COMMANDS
    assert set(steps["command"]) == set(events.COMMANDS)
    assert set(steps["status"]) == set(events.COMMAND_STATUSES)
    assert set(steps["channel"].drop_nulls()) == set(events.CHANNELS)


def test_the_truth_is_what_the_messages_say(steps: pl.DataFrame, truth: pl.DataFrame) -> None:
    status, at = pl.col("status"), pl.from_epoch("event_ms", time_unit="ms").cast(pl.Datetime("us", "UTC"))
    ends = status.is_in(["succeeded", "failed", "expired"])
    found = steps.group_by("vin", command_id="commandId").agg(
        pl.col("command").unique().first(),
        pl.col("channel", "account").drop_nulls().first(),
        client_country=pl.col("clientCountry").drop_nulls().first(),
        issued_at=at.filter(status == "issued").first(), acknowledged_at=at.filter(status == "acknowledged").first(),
        finished_at=at.filter(ends).first(), outcome=status.filter(ends).first(),
        last_ms=pl.col("event_ms").max(), steps=pl.len(), ends=ends.sum(),
    )  # fmt: skip
    assert (found["ends"] == 1).all()
    key = ["vin", "command_id"]
    assert truth.select(key).is_unique().all()
    assert_frame_equal(found.sort(key).select(truth.drop("attack").columns), truth.sort(key).drop("attack"))
    answered = found["acknowledged_at"].is_not_null()
    assert (found["steps"] == 2 + answered.cast(pl.UInt32)).all()
    assert (answered == (found["outcome"] != "expired")).all()


def test_steps_follow_each_other_and_expire_in_time(truth: pl.DataFrame) -> None:
    known = truth.filter(pl.col("acknowledged_at").is_not_null())
    assert (known["issued_at"] < known["acknowledged_at"]).all()
    assert (known["acknowledged_at"] < known["finished_at"]).all()
    lasts = truth.with_columns(lasts=(pl.col("finished_at") - pl.col("issued_at")).dt.total_milliseconds())
    assert (lasts.filter(outcome="expired")["lasts"] == commands.EXPIRES_MS).all()
    assert lasts.filter(pl.col("outcome") != "expired")["lasts"].max() < commands.EXPIRES_MS
    assert 0.01 < (truth["outcome"] == "expired").mean() < 0.1
    assert 0.02 < (truth["outcome"] == "failed").mean() < 0.12


def test_only_failures_have_a_reason(steps: pl.DataFrame) -> None:
    assert steps.filter(status="failed")["reason"].null_count() == 0
    others = steps.filter(pl.col("status") != "failed")
    assert others["reason"].null_count() == others.height


def test_vehicles_asleep_answer_later(truth: pl.DataFrame) -> None:
    rests = pl.DataFrame({"vin": FLEET.vins, "asleep": np.arange(VEHICLES) % 5 == 0})
    known = truth.filter(pl.col("acknowledged_at").is_not_null()).join(rests, on="vin")
    latency = known.with_columns(s=(pl.col("acknowledged_at") - pl.col("issued_at")).dt.total_milliseconds() / 1000)
    awake, asleep = (latency.filter(asleep=flag)["s"].median() for flag in (False, True))
    assert 1 < awake < 5
    assert asleep > awake + 10
    expired = truth.join(rests, on="vin").group_by("asleep").agg((pl.col("outcome") == "expired").mean())
    assert expired.filter(asleep=True)["outcome"][0] > 1.5 * expired.filter(asleep=False)["outcome"][0]


def test_a_vehicle_under_way_obeys_no_lock(truth: pl.DataFrame) -> None:
    vehicle = truth.join(pl.DataFrame({"vin": FLEET.vins, "vehicle": np.arange(VEHICLES)}), on="vin", how="left",
                         maintain_order="left")["vehicle"].to_numpy()  # fmt: skip
    at, driving = truth["issued_at"].dt.epoch("ms").to_numpy(), np.zeros(truth.height, dtype=bool)
    for k in range(DAYS):
        day = lived(FLEET, FIRST_DAY + timedelta(days=k))
        rows = np.flatnonzero(at // DAY_MS == day_ms(day.day) // DAY_MS)
        key, ends = day.legs.vehicle * 2**42 + day.legs.start_ms, day.legs.start_ms + day.legs.steps * 10_000
        leg = np.maximum(np.searchsorted(key, vehicle[rows] * 2**42 + at[rows], side="right") - 1, 0)
        driving[rows] = (day.legs.vehicle[leg] == vehicle[rows]) & (at[rows] < ends[leg])
    moving = truth.filter(pl.Series(driving) & ~pl.col("command").is_in(["locate", "diagnostic_session"]))
    assert moving.height > 20
    assert set(moving["outcome"]) <= {"failed", "expired"}
    diagnostic = truth.filter(pl.Series(driving) & (pl.col("command") == "diagnostic_session"))
    assert set(diagnostic["attack"]) == {"diagnostic_while_driving"}


def _sessions() -> pl.DataFrame:
    """The charging sessions of all days."""
    found, names = [], ("plugged_ms", "starts_ms", "stops_ms", "unplugged_ms")
    for day in (FIRST_DAY + timedelta(days=k) for k in range(DAYS)):
        parks = lived(FLEET, day).parks
        rows = np.flatnonzero(parks.state.session.exists)
        instants = {name: getattr(parks.state.session, name)[rows] for name in names}
        found.append(pl.DataFrame({"vin": FLEET.vin_texts.gather(parks.vehicle[rows]), **instants}))
    return pl.concat(found)


def test_charging_obeys_commands_and_they_fail_for_what_is_true(steps: pl.DataFrame) -> None:
    ends = steps.filter(pl.col("status").is_in(["succeeded", "failed"])).select("vin", "commandId", "status", "reason")
    issued = steps.filter(pl.col("command").is_in(["charge_start", "charge_stop"]), status="issued")
    asked = issued.select("vin", "commandId", "command", at="event_ms").join(ends, on=["vin", "commandId"])
    at = pl.col("at")
    changes = pl.when(command="charge_start").then("starts_ms").otherwise("stops_ms")
    beside = asked.join(_sessions(), on="vin").select(
        "vin", "commandId",
        plugged=at.is_between("plugged_ms", "unplugged_ms", closed="left"),
        charging=at.is_between("starts_ms", "stops_ms", closed="left"),
        obeyed=(changes - at).is_between(0, 60_000),
    )  # fmt: skip
    state = beside.group_by("vin", "commandId").agg(pl.all().any())
    found = asked.join(state, on=["vin", "commandId"], how="left").with_columns(
        pl.col("plugged", "charging", "obeyed").fill_null(value=False)
    )
    assert set(found["reason"].drop_nulls()) == {"not_plugged", "not_charging", "vehicle_in_motion"}
    for command, needs in (("charge_start", "plugged"), ("charge_stop", "charging")):
        succeeded = found.filter(command=command, status="succeeded")
        assert succeeded.height > 50
        assert succeeded[needs].all()
        assert succeeded["obeyed"].all()
        failed = found.filter(command=command, status="failed")
        assert failed.height > 10
        assert not failed[needs].any()
    assert not found.filter(command="charge_start")["charging"].any()


def test_reasons_are_true(steps: pl.DataFrame, truth: pl.DataFrame) -> None:
    failed = steps.filter(status="failed").select("vin", "reason", "command", command_id="commandId")
    issued = truth.select("vin", "command_id", ms=pl.col("issued_at").dt.epoch("ms"))
    known = failed.join(issued, on=["vin", "command_id"])
    doors = known.filter(reason="door_open").join(pl.DataFrame({"vin": FLEET.vins}).with_row_index("vehicle"), on="vin")
    assert set(doors["command"]) == {"lock"}
    ends_s = np.array([h * 3600 + 10 * n for h, n in zip((7, 12, 18), (150, 60, 240), strict=True)])
    rested = (doors["ms"].to_numpy() % DAY_MS / 1000 - doors["vehicle"].to_numpy())[:, None] - ends_s
    assert ((rested >= 0) & (rested <= 180)).any(axis=1).all()
    assert doors.height > 20
    assert set(known.filter(command="diagnostic_session")["reason"]) <= {"timeout"}


def test_what_customers_ask_for_is_a_use_of_the_service(days: list[tuple[date, Told]], truth: pl.DataFrame) -> None:
    own = truth.filter(pl.col("attack").is_null() & (pl.col("channel") != "backend"))
    finds = pl.when(pl.col("command") == "locate").then(pl.lit("vehicle_finder"))
    asked = own.select("vin", "account", at="issued_at", service=finds.otherwise(pl.lit("remote_control")))
    asked = asked.unique(["vin", "at", "service"])
    said = joined(days, "service").filter(pl.col("service").is_in(["vehicle_finder", "remote_control"]))
    used = said.select(
        FLEET.vin_texts.gather(said["vehicle"]), "account", "service",
        at=pl.from_epoch("event_ms", time_unit="ms").cast(pl.Datetime("us", "UTC")),
    )  # fmt: skip
    columns = ["vin", "at", "service", "account"]
    assert_frame_equal(asked.select(columns).sort(columns[:3]), used.select(columns).sort(columns[:3]))


def test_each_kind_of_attack_strikes_once_in_four_weeks(attacks: pl.DataFrame, truth: pl.DataFrame) -> None:
    assert sorted(attacks["kind"]) == sorted(KINDS)
    hostile = truth.filter(pl.col("attack").is_not_null())
    for kind, at, account, vins in attacks.iter_rows():
        parts = hostile.filter((pl.col("attack") == kind) & (pl.col("account") == account))
        assert sorted(parts["vin"].unique()) == vins
        assert parts["issued_at"].min() == at
    assert hostile.height == attacks["vins"].list.len().sum()


def test_a_replayed_command_reaches_many_vehicles_under_one_number(truth: pl.DataFrame) -> None:
    replayed = truth.filter(attack="replayed_command")
    assert replayed["command_id"].n_unique() == replayed["account"].n_unique() == 1
    assert replayed["vin"].n_unique() >= 6
    assert replayed["issued_at"].max() - replayed["issued_at"].min() < timedelta(minutes=2)
    others = truth.filter(pl.col("attack").is_null())
    assert others["command_id"].is_unique().all()


def test_impossible_travel_is_one_account_in_two_countries(truth: pl.DataFrame) -> None:
    far = truth.filter(attack="impossible_travel").row(0, named=True)
    near = truth.filter((pl.col("account") == far["account"]) & (pl.col("issued_at") < far["issued_at"]))
    before = near.sort("issued_at").row(-1, named=True)
    assert before["client_country"] != far["client_country"]
    assert far["issued_at"] - before["issued_at"] < timedelta(minutes=25)


def test_nobody_else_travels_that_fast(truth: pl.DataFrame) -> None:
    asked = truth.filter(pl.col("client_country").is_not_null() & pl.col("attack").is_null()).sort(
        "account", "issued_at"
    )
    moves = asked.with_columns(
        other=pl.col("client_country") != pl.col("client_country").shift(1).over("account"),
        since=(pl.col("issued_at") - pl.col("issued_at").shift(1)).over("account"),
    ).filter("other")
    assert moves.height > 0
    assert moves["since"].min() > timedelta(hours=20)


def test_larger_fleets_are_attacked_more_often() -> None:
    fleet = fleet_of(12_000)
    counts = [strikes(lived(fleet, FIRST_DAY + timedelta(days=k)), kind) for kind in KINDS for k in range(56)]
    assert sum(counts) == 2 * 3 * len(KINDS)
