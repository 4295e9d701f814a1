"""Failures as a fleet tells them: signs before codes, codes as in the truth, repairs that help."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from simulator.events import Sent
from simulator.failures.ailments import Ailments
from simulator.failures.causes import CAUSES, CODE_INDEX, CODES, LABELS
from simulator.failures.concern import Failures
from simulator.failures.freeze import FREEZE
from simulator.fleet import POWERTRAINS
from tests.unit.simulator.failures.conftest import DAYS, FIRST_DAY, SEED, Lives

EFFECTS = {
    "lv_battery": ("low_voltage", -1), "coolant_pump": ("coolant", 1), "traction_battery": ("battery_temperature", 1),
    "ambient_sensor": ("ambient", 0), "tyre_leak": ("tyre", -1), "tyre_sensor": ("tyre", 0),
}  # fmt: skip


def _at(column: str) -> pl.Expr:
    return pl.from_epoch(column, time_unit="ms").dt.replace_time_zone("UTC")


@pytest.fixture(scope="module")
def effects(lives: Lives, twin: Lives) -> pl.DataFrame:
    """What failures change in each message: the fleet's less its twin's signals."""
    key = ["vehicle", "event_ms"]
    assert lives.telemetry.select(key).equals(twin.telemetry.select(key))
    tyres = ["tyre_0", "tyre_1", "tyre_2", "tyre_3"]
    changed = [*tyres, "low_voltage", "coolant", "battery_temperature", "ambient"]
    return lives.telemetry.select(
        *key, *((pl.col(c) - twin.telemetry[c]).alias(c) for c in changed), date=_at("event_ms").dt.date()
    )


@pytest.mark.parametrize("cause", EFFECTS)
def test_signs_precede_the_code_and_end_with_the_repair(lives: Lives, effects: pl.DataFrame, cause: str) -> None:
    signal, sign = EFFECTS[cause]
    columns = [c for c in effects.columns if c.startswith(signal)]
    share = ("tyre_leak", "tyre_sensor") if signal == "tyre" else (cause,)
    failures = lives.truth["failures"].filter(pl.col("cause").is_in(share))
    once = failures.filter(pl.len().over("vehicle") == 1, pl.col("cause") == cause)
    seen = 0
    for row in once.iter_rows(named=True):
        mine = effects.filter(vehicle=row["vehicle"])
        size = mine.select("date", "event_ms", size=pl.max_horizontal(pl.col(c).abs() for c in columns))
        assert all((sign * mine[c] >= 0).all() for c in columns)
        assert (size.filter(pl.col("date") < row["began_on"])["size"] == 0).all()
        assert (size.filter(pl.col("date") > (row["repaired_on"] or date.max))["size"] == 0).all()
        first = lives.truth["fault_episodes"].filter(vehicle=row["vehicle"], cause=cause)["set_at"].min()
        if first is None:
            continue
        before = size.filter(_at("event_ms") < first, pl.col("date") > row["began_on"])
        if before.height >= 10:
            assert (before["size"] > 0).any(), row
            seen += 1
    assert once.height >= 3
    assert seen >= 1


def test_messages_tell_the_true_episodes(lives: Lives) -> None:
    """Replayed as core does: a code set again within a day of being cleared has flapped."""
    found: list[list[Any]] = []
    for (vehicle, code), said in lives.faults.sort("vehicle", "code", "event_ms").group_by(
        "vehicle", "code", maintain_order=True
    ):
        cleared = None
        assert said["status"][0] == "set"
        for status, at in said.select("status", "event_ms").iter_rows():
            if status == "cleared":
                found[-1][3] = cleared = at
            elif cleared is not None and at - cleared <= 86_400_000:
                found[-1][3], found[-1][4], cleared = None, found[-1][4] + 1, None
            else:
                assert cleared is not None or not found or found[-1][:2] != [vehicle, code]
                found.append([vehicle, code, at, None, 1])
                cleared = None
    schema = {"vehicle": pl.Int64, "code": pl.String, "set_ms": pl.Int64, "cleared_ms": pl.Int64, "sets": pl.Int64}
    replayed = pl.DataFrame(found, schema=schema, orient="row").sort("vehicle", "code", "set_ms")
    true = lives.truth["fault_episodes"].select(
        "vehicle", "code", set_ms=pl.col("set_at").dt.epoch("ms"), cleared_ms=pl.col("cleared_at").dt.epoch("ms"),
        sets="sets",
    )  # fmt: skip
    assert replayed.equals(true.sort("vehicle", "code", "set_ms"))
    assert replayed.height > 150
    assert (replayed["sets"] > 1).sum() > 20
    assert replayed["cleared_ms"].null_count() > 10


def test_every_cause_is_there(lives: Lives) -> None:
    assert set(lives.truth["fault_episodes"]["cause"]) == set(LABELS)
    assert set(lives.truth["failures"]["cause"]) == {cause.name for cause in CAUSES if cause.part}
    assert set(lives.faults["clearedBy"].drop_nulls()) == {"self", "workshop", "remote"}


def test_codes_are_set_where_the_vehicle_is_heard_and_freeze_what_it_says(lives: Lives) -> None:
    is_set = lives.faults.filter(status="set")
    said = is_set.join(lives.telemetry, on=["vehicle", "event_ms"], how="left")
    assert said["ignition"].eq(1).all()
    group = {"coolant": Sent.COOLANT, "soc": Sent.SOC}
    for field, column, scale in (
        ("freezeSpeed", "speed", 10), ("freezeOdometer", "odometer", 1000), ("freezeCoolantTemperature", "coolant", 10),
        ("freezeAmbientTemperature", "ambient", 10), ("freezeStateOfCharge", "soc", 10),
        ("freezeLowVoltage", "low_voltage", 100),
    ):  # fmt: skip
        carried = said["sent"] & int(group.get(column, Sent.MOTION)) > 0
        assert said[field].is_not_null().equals(carried.alias(field))
        assert ((said[field] * scale - said[column]).abs().drop_nulls() < 1e-6).all()
    assert lives.faults.filter(status="cleared").select(*FREEZE).null_count().row(0) == (
        lives.faults.filter(status="cleared").height,
    ) * len(FREEZE)


def test_no_fault_of_a_part_the_powertrain_does_not_have(lives: Lives) -> None:
    powertrain = pl.Series(POWERTRAINS).gather(lives.fleet.powertrain[lives.faults["vehicle"].to_numpy()])
    fitted = {code: set(cause.fitted) for cause in CAUSES for code in cause.codes}
    shared = {code: set().union(*(set(c.fitted) for c in CAUSES if code in c.codes)) for code in fitted}
    assert all(has in shared[code] for has, code in zip(powertrain, lives.faults["code"], strict=True))
    electric = lives.faults.filter(powertrain == "BEV")
    assert electric.height > 50
    assert not set(electric["code"]) & {"P0217", "P0171", "P0300", "P0420"}
    assert electric["freezeEngineSpeed"].null_count() == electric.height
    assert not set(lives.faults.filter(powertrain == "ICE")["code"]) & {"P0A80", "P0A7E", "P0AA6", "U0111"}


def test_lamp_and_count_follow_the_messages(lives: Lives) -> None:
    step = pl.when(pl.col("status") == "set").then(1).otherwise(-1)
    lamp = pl.col("code").replace_strict({code.code: int(code.lamp) for code in CODES})
    steps = lives.faults.sort("vehicle", "event_ms").select(
        "vehicle", "event_ms", codes=step.cum_sum().over("vehicle"), lamps=(step * lamp).cum_sum().over("vehicle")
    )
    said = lives.telemetry.sort("event_ms").join_asof(
        steps.group_by("vehicle", "event_ms").agg(pl.col("codes", "lamps").last()).sort("event_ms"),
        on="event_ms", by="vehicle", check_sortedness=False,
    ).with_columns(pl.col("codes", "lamps").fill_null(0))  # fmt: skip
    assert said["dtc_count"].equals(said["codes"].alias("dtc_count"))
    assert (said["mil"] == (said["lamps"] > 0)).all()
    assert (said["dtc_count"] >= 2).any()


def test_the_mil_says_what_the_code_does(lives: Lives) -> None:
    for code, lamp, ecu in lives.faults.select("code", "mil", "ecu").unique().iter_rows():
        known = CODES[CODE_INDEX[code]]
        assert (lamp, ecu) == (known.lamp, known.ecu)


def test_visits_are_the_true_ones_and_the_vehicle_stands(lives: Lives) -> None:
    arrived, completed = (lives.visits.filter(event=event) for event in ("arrived", "completed"))
    found = arrived.join(completed, on="visitId", suffix="_done")
    true = lives.truth["workshop_visits"].sort("visit_id")
    said = found.sort("visitId")
    assert said["visitId"].to_list() == true["visit_id"].to_list()
    assert said["event_ms"].to_list() == true["arrived_at"].dt.epoch("ms").to_list()
    assert said["event_ms_done"].to_list() == true["completed_at"].dt.epoch("ms").to_list()
    for mine, theirs in (("codes_done", "codes"), ("parts_done", "parts"), ("reason", "reason")):
        assert said[mine].to_list() == true[theirs].to_list()
    assert set(said["reason"]) >= {"maintenance", "repair"}
    for row in said.iter_rows(named=True):
        own = lives.telemetry.filter(vehicle=row["vehicle"])
        inside = own.filter(pl.col("event_ms").is_between(row["event_ms"], row["event_ms_done"]))
        assert inside["ignition"].sum() == 0
        odometer = own.filter(pl.col("event_ms") <= row["event_ms"])["odometer"]
        assert odometer.is_empty() or abs(odometer[-1] / 1000 - row["odometer"]) < 0.06


def test_the_workshop_clears_what_it_repairs(lives: Lives) -> None:
    visits, cleared = lives.truth["workshop_visits"], lives.faults.filter(clearedBy="workshop")
    assert cleared.height > 30
    for row in cleared.with_columns(at=_at("event_ms")).iter_rows(named=True):
        there = visits.filter(
            pl.col("vehicle") == row["vehicle"], pl.col("arrived_at") < row["at"], pl.col("completed_at") > row["at"]
        )
        assert there.height == 1
        assert row["code"] in there["codes"].item().split(",")
    part = {label: cause.part for label, cause in zip(LABELS, CAUSES, strict=True)}
    repaired = lives.truth["failures"].filter(pl.col("repaired_on").is_not_null())
    for row in repaired.filter(pl.col("cause").is_in(["lv_battery", "coolant_pump"])).iter_rows(named=True):
        there = visits.filter(
            pl.col("vehicle") == row["vehicle"], pl.col("completed_at").dt.date() == row["repaired_on"]
        )
        assert part[row["cause"]] in there["parts"].item().split(",")


def test_some_wait_long_and_some_heal(lives: Lives) -> None:
    failures = lives.truth["failures"]
    waits = failures.select((pl.col("repaired_on") - pl.col("failed_on")).dt.total_days()).to_series().drop_nulls()
    assert (waits >= 15).any()
    assert np.median(waits) <= 10
    spurious = lives.truth["fault_episodes"].filter(cause="spurious")["vehicle"]
    assert spurious.len() > 50


def test_failures_agree_with_episodes(lives: Lives) -> None:
    first = lives.truth["fault_episodes"].group_by("vehicle", "cause").agg(pl.col("set_at").min().dt.date())
    failed = lives.truth["failures"].filter(pl.col("failed_on").is_not_null())
    both = failed.group_by("vehicle", "cause").agg(pl.col("failed_on").min()).join(first, on=["vehicle", "cause"])
    assert both["failed_on"].equals(both["set_at"].alias("failed_on"))
    assert both.height == failed.select("vehicle", "cause").unique().height > 80
    assert (failed["began_on"] <= failed["failed_on"]).all()
    assert (failed["failed_on"] <= failed["repaired_on"].fill_null(date.max)).all()


def test_service_counts_down_is_done_late_and_begins_anew(lives: Lives) -> None:
    steps = lives.telemetry.select(
        "vehicle", "event_ms",
        sum=(pl.col("service_distance") + pl.col("odometer") / 1000).round(),
        service="service_distance", wear="pad_wear",
    ).with_columns(
        jump=pl.col("sum").diff().over("vehicle"), worn=pl.col("wear").diff().over("vehicle")
    )  # fmt: skip
    done = lives.visits.filter(
        pl.col("event") == "completed", pl.col("parts").str.contains("cabin_filter").fill_null(value=False)
    )
    jumps = steps.filter(pl.col("jump").abs() > 2)
    assert set(jumps["vehicle"]) <= set(done["vehicle"])
    assert jumps.height >= 5
    assert (steps["service"] < -300).any()
    falls = steps.filter(pl.col("worn") < 0)
    new = lives.visits.filter(pl.col("parts").str.contains("brake_pads").fill_null(value=False))
    assert set(falls["vehicle"]) == set(new["vehicle"]) != set()
    assert (falls["wear"] < 50).all()


def test_brake_pads_are_worn_before_the_code_says_so(lives: Lives) -> None:
    said = lives.faults.filter(code="C1B60", status="set").join(lives.telemetry, on=["vehicle", "event_ms"])
    assert said.height > 0
    assert (said["pad_wear"] >= 920).all()


def test_the_state_survives_a_file(lives: Lives, tmp_path_factory: pytest.TempPathFactory) -> None:
    concern = Failures(SEED, 0, lives.fleet, FIRST_DAY)
    state, path = concern.initial(), tmp_path_factory.mktemp("state") / "state.parquet"
    state.write_parquet(path)
    back = pl.read_parquet(path)
    assert back.equals(state, null_equal=True)
    ails, again = Ailments.from_frame(state), Ailments.from_frame(back)
    assert all(np.array_equal(getattr(ails, n), getattr(again, n), equal_nan=True) for n in ("held", "began_ms", "on"))
    assert concern.initial().equals(state, null_equal=True)


def test_nothing_is_said_before_delivery(lives: Lives) -> None:
    delivered = lives.fleet.delivered[lives.faults["vehicle"].to_numpy()]
    days = lives.faults.select(_at("event_ms").dt.date())["event_ms"]
    assert all(day.toordinal() > on for day, on in zip(days, delivered.tolist(), strict=True))
    last = FIRST_DAY + timedelta(days=DAYS)
    assert (days <= last).all()
