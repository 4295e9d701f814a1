"""Energy is conserved: what messages say of battery and tank adds up to what is true."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.driving import drive
from simulator.events import Sent
from simulator.fleet import make_fleet
from simulator.plan import Planner
from simulator.power import demand, step_energy
from simulator.traits import BAD_PACKS, WORST_PACK, make_traits
from simulator.world import day_ms
from tests.unit.simulator.moving import CADENCE_S, FIRST_DAY, Story, story


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


@pytest.fixture(scope="module")
def driven(told: Story) -> pl.DataFrame:
    return told.driven()


def _plugs(told: Story) -> list[int]:
    return np.flatnonzero(told.fleet.battery_kwh > 0).tolist()


def _sends(group: Sent) -> pl.Expr:
    return pl.col("sent") & int(group) > 0


@given(st.lists(st.floats(-200, 200), min_size=2, max_size=30))
def test_energy_between_samples_is_the_integral_of_the_straight_line(power: list[float]) -> None:
    values = np.array(power)
    out, back = step_energy(values, np.arange(len(values)), CADENCE_S)
    fine = np.interp(np.linspace(0, len(values) - 1, (len(values) - 1) * 2000 + 1), np.arange(len(values)), values)
    middle = (fine[1:] + fine[:-1]) / 2
    hours = CADENCE_S / 3600 / 2000
    assert back.sum() == pytest.approx(np.maximum(middle, 0).sum() * hours, abs=1e-3 * hours * 2000)
    assert out.sum() == pytest.approx(np.maximum(-middle, 0).sum() * hours, abs=1e-3 * hours * 2000)
    assert out[0] == back[0] == 0


def test_power_sent_gives_energy_out_and_back(told: Story, driven: pl.DataFrame) -> None:
    sent = driven.filter(_sends(Sent.POWER))
    found, true = [], []
    for trip in sent.partition_by("trip"):
        out, back = step_energy(trip["power"].to_numpy() / 1000, np.arange(trip.height), CADENCE_S)
        found.append((out.sum(), back.sum()))
        true.append((trip["energy_used_kwh"][0], trip["energy_regenerated_kwh"][0]))
    assert len(found) > 100
    assert np.allclose(found, true, rtol=1e-4, atol=5e-5)
    assert np.sum(found, axis=0)[1] > 0.04 * np.sum(found, axis=0)[0]


def test_nothing_flows_back_at_rest(driven: pl.DataFrame) -> None:
    sent = driven.filter(_sends(Sent.POWER))
    assert (sent.filter(pl.col("speed") == 0)["power"] <= 0).all()
    assert (sent.filter(pl.col("speed") > 0)["power"] > 0).mean() > 0.05


def test_counters_give_energy_and_fuel_of_trips(told: Story, driven: pl.DataFrame) -> None:
    last_and_first = [(pl.col(name).last() - pl.col(name).first()) / 1000 for name in ("energy_used", "fuel_used")]
    complete = pl.col("event_ms").last() == pl.col("ended_at").first()
    of = driven.group_by("trip").agg(
        *last_and_first,
        pl.col("energy_charged").filter(_sends(Sent.SOC)).n_unique(),
        pl.col("energy_used_kwh", "fuel_used_l").first(),
        complete=complete,
    )
    found = of.filter("complete")
    assert found.height > 500
    assert (found["energy_used"] - found["energy_used_kwh"]).abs().max() <= 0.001 + 1e-9
    assert (found["fuel_used"] - found["fuel_used_l"]).abs().max() <= 0.001 + 1e-9
    assert found["energy_charged"].max() == 1


def test_what_leaves_the_battery_is_gone(told: Story) -> None:
    """Over any two messages: what is in the battery changes by what the counters and regeneration say."""
    capacity = dict(zip(told.batteries["vehicle"], told.batteries["capacity_kwh"], strict=True))
    back = told.trips.group_by("vehicle").agg(pl.col("energy_regenerated_kwh").sum())
    sent = told.telemetry.filter(_sends(Sent.SOC) & pl.col("vehicle").is_in(list(capacity)))
    over = sent.group_by("vehicle").agg(
        (pl.col(name).last() - pl.col(name).first()).cast(pl.Float64) / 1000
        for name in ("energy_used", "energy_charged", "soc")
    ).join(back, on="vehicle")  # fmt: skip
    assert over.height > 40
    stored = pl.Series([capacity[v] for v in over["vehicle"]]) * over["soc"]
    said = over["energy_charged"] + over["energy_regenerated_kwh"] - over["energy_used"]
    assert over["energy_charged"].sum() > 1000
    assert (stored - said).abs().max() < 0.12  # a thousandth of the largest battery, and a day's fading


def test_no_battery_is_driven_empty_and_a_hybrid_burns_fuel_then(told: Story, driven: pl.DataFrame) -> None:
    sent = driven.filter(_sends(Sent.SOC))
    electric = np.flatnonzero(told.fleet.powertrain == 3).tolist()
    hybrid = np.flatnonzero(told.fleet.powertrain == 2).tolist()
    assert sent.filter(pl.col("vehicle").is_in(electric))["soc"].min() >= 14
    mixed = sent.filter(pl.col("vehicle").is_in(hybrid))
    fallen = mixed.group_by("trip").agg(pl.col("soc").first().alias("first"), pl.col("soc").min())
    assert (fallen["soc"] >= fallen.select(pl.min_horizontal("first", pl.lit(132))).to_series()).all()
    low = (
        mixed.filter(pl.col("soc") <= 140, pl.col("distance_km") > 5)
        .group_by("trip")
        .agg(pl.col("fuel_used_l").first())
    )
    assert low.height > 0
    assert (low["fuel_used_l"] > 0).all()
    high = mixed.group_by("trip").agg(pl.col("soc").min(), pl.col("fuel_used_l").first()).filter(pl.col("soc") > 150)
    assert (high["fuel_used_l"] == 0).all()


def test_parked_batteries_drain_slowly(told: Story) -> None:
    quiet = told.telemetry.filter(_sends(Sent.SOC)).with_columns(
        hours=(pl.col("event_ms").diff() / 3_600_000).over("vehicle"),
        drained=(pl.col("energy_used").diff() / 1000).over("vehicle"),
        charged=pl.col("energy_charged").diff().over("vehicle"),
        moved=pl.col("odometer").diff().over("vehicle"),
    )
    rest = quiet.filter(pl.col("moved") == 0, pl.col("charged") == 0, pl.col("hours") > 4)
    capacity = pl.Series(told.fleet.battery_kwh).gather(rest["vehicle"])
    pct_h = 100 * rest["drained"] / capacity / rest["hours"]
    assert rest.height > 100
    assert 0.015 < pct_h.mean() < 0.05
    assert pct_h.min() > 0


def test_refuelling_shows_in_the_level(told: Story) -> None:
    level = told.telemetry.filter(_sends(Sent.FUEL)).with_columns(
        added=(pl.col("fuel").diff() / 10).over("vehicle").fill_null(0),
        before_ms=pl.col("event_ms").shift().over("vehicle"),
    )
    added = level.filter(pl.col("added") > 0.2)
    true = told.trips.filter(pl.col("refuels") > 0)
    assert true.height > 30
    both = added.join(true.with_columns(event_ms=pl.col("started_at").dt.epoch("ms")), on=["vehicle", "event_ms"])
    assert both.height == added.height == true.height
    assert (both["added"] - both["refuelled_pct"]).abs().max() <= 0.11
    assert (true["refuelled_pct"] > 10).all()
    assert (told.trips.filter(pl.col("refuels") == 0)["refuelled_pct"] == 0).all()


def test_harsh_events_are_those_counted(told: Story, driven: pl.DataFrame) -> None:
    read = driven.filter(_sends(Sent.ACCELERATION))
    found = read.group_by("trip").agg(
        harsh_accelerations=(pl.col("longitudinal") >= 300).sum(),
        harsh_brakings=(pl.col("longitudinal") <= -350).sum(),
        harsh_cornerings=(pl.col("lateral").abs() >= 400).sum(),
    )
    for name in found.columns[1:]:
        true = told.trips.filter(
            pl.col("ended_at") <= pl.lit(told.telemetry["event_ms"].max()).cast(pl.Datetime("ms", "UTC"))
        )
        assert found[name].sum() == true[name].sum() > 10
    assert read.height > 1.5 * found.select(pl.sum_horizontal(pl.col("^harsh.*$"))).to_series().sum()
    apart_s = read.select(pl.col("event_ms").diff().over("trip")).to_series() / 1000
    assert apart_s.min() >= 30
    assert (read["speed"] > 0).all()


def test_the_cold_costs_energy_and_brings_less_back(told: Story) -> None:
    fleet, day = told.fleet, FIRST_DAY + timedelta(days=3)
    legs = Planner(fleet, 11, 0, CADENCE_S, day_ms(FIRST_DAY)).legs(day)
    driven = drive(fleet, legs, CADENCE_S, np.random.default_rng(1))
    electric = (fleet.powertrain == 3)[legs.vehicle]
    cold, mild = (demand(fleet, legs, driven, np.full(len(legs), degrees), CADENCE_S) for degrees in (-8.0, 20.0))
    ends = driven.last[electric]
    assert np.all(cold.out_kwh[ends] > mild.out_kwh[ends])
    assert np.all(cold.back_kwh[ends] <= mild.back_kwh[ends])
    assert 1.1 < cold.out_kwh[ends].sum() / mild.out_kwh[ends].sum() < 1.6
    thirsty = driven.last[(fleet.powertrain < 2)[legs.vehicle]]
    assert 1.05 < cold.litres[thirsty].sum() / mild.litres[thirsty].sum() < 1.3


def test_batteries_fade_with_age_and_use_and_a_few_fade_fast(told: Story) -> None:
    fleet, traits = told.fleet, told.days.traits
    plugs = _plugs(told)
    used = told.state.energy_used_kwh
    now, later = (traits.capacity_kwh(fleet, day, used)[plugs] for day in (FIRST_DAY, date(2029, 2, 20)))
    more = traits.capacity_kwh(fleet, FIRST_DAY, used + 5000)[plugs]
    worst = fleet.battery_kwh[plugs] * WORST_PACK
    assert np.all((later < now) | (now == worst))
    assert np.all((more < now) | (now == worst))
    assert np.all(now <= fleet.battery_kwh[plugs])
    assert np.array_equal(
        told.batteries.sort("vehicle")["capacity_new_kwh"].to_numpy(),
        fleet.battery_kwh[told.batteries.sort("vehicle")["vehicle"].to_numpy()],
    )
    many = make_traits(1, 0, make_fleet(2, 4000, 0, 1, FIRST_DAY, ("FR", "CN")))
    bad = many.year_fade > 0.04
    assert BAD_PACKS / 2 < bad.mean() < BAD_PACKS * 2
