"""Why a metric moved: splits add up exactly, what was planted is named, and where nothing was nothing is."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import QueryError
from metrics import Slice, load_contracts
from metrics.reasons import why
from metrics.why import Why
from tests.unit.metrics.platform import frame

FIRST = date(2026, 3, 1)
NOW = Slice(FIRST + timedelta(28), FIRST + timedelta(55))
BEFORE = NOW.before()
MARKETS, MODELS, POWERTRAINS = ("FR", "DE", "JP"), ("Corvid", "Kestrel"), ("BEV", "ICE")


def lake(rates, vehicles=None) -> duckdb.DuckDBPyConnection:  # type: ignore[no-untyped-def]
    """Eight weeks; ``rates(market, model, powertrain, is_now)`` trips per vehicle and day, ``vehicles`` likewise."""
    rows = []
    for n, market, model, powertrain in product(range(56), MARKETS, MODELS, POWERTRAINS):
        group = (market, model, powertrain, n >= 28)
        fleet = vehicles(*group) if vehicles else 100
        trips = rates(*group) * fleet
        key = {"date": FIRST + timedelta(n), "market": market, "model": model, "model_year": "2025"}
        parts = {"vehicles": fleet, "active_vehicles": fleet, "trips": round(trips), "distance_km": trips * 10.0}
        times = {"driving_s": trips * 900.0, "idle_s": trips * 100.0}
        odometer = {"odometer_vehicles": 0, "odometer_gain_km": 0.0, "odometer_trip_km": 0.0}
        rows.append(key | {"powertrain": powertrain} | parts | times | odometer)
    con = duckdb.connect()
    con.register("rows", frame("driving", rows).to_arrow())
    con.execute("create schema kpi; create table kpi.driving as select * from rows")
    return con


def adds_up(found: Why) -> None:
    assert found.value.change is not None
    days = 28 if load_contracts().metric(found.metric).is_total else 1
    for split in found.splits:
        assert split.size + split.mix + split.rate == pytest.approx(found.value.change / days, abs=1e-9)
        assert sum(effect.mix for effect in split.effects) == pytest.approx(split.mix, abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.floats(0.1, 5), min_size=24, max_size=24), st.lists(st.integers(0, 300), min_size=24, max_size=24))
def test_size_mix_and_rate_add_up_to_the_change(rates: list[float], sizes: list[int]) -> None:
    place = {g: i for i, g in enumerate(product(MARKETS, MODELS, POWERTRAINS, (False, True)))}
    con = lake(lambda *g: rates[place[g]], lambda *g: sizes[place[g]])
    for metric in ("trips", "trip_length", "distance_per_active_day"):
        found = why(con, metric, NOW, BEFORE, by=["market", "powertrain"])
        if found.value.change is not None and found.splits:
            adds_up(found)


def test_a_change_of_shares_alone_is_all_mix() -> None:
    con = lake(
        lambda market, *_: 4.0 if market == "JP" else 2.0,
        lambda market, _model, _powertrain, now: 300 if market == "JP" and now else 100,
    )
    found = why(con, "distance_per_active_day", NOW, BEFORE, by=["market"])
    (split,) = found.splits
    assert found.value.change == pytest.approx(32.0 - 80 / 3)
    assert (split.mix, split.rate) == (pytest.approx(found.value.change), pytest.approx(0))


def test_a_change_within_one_group_is_all_rate_and_is_named() -> None:
    con = lake(lambda market, _model, powertrain, now: 3.0 if (market, powertrain, now) == ("JP", "BEV", True) else 2.0)
    found = why(con, "trips", NOW, BEFORE, by=["market", "model", "powertrain"])
    adds_up(found)
    assert [segment.where for segment in found.segments] == [(("market", "JP"), ("powertrain", "BEV"))]
    assert found.splits[0].rate == pytest.approx(200)


def test_two_groups_that_moved_are_both_named() -> None:
    con = lake(
        lambda market, _model, _powertrain, now: 2.0 + (now and market != "FR") * (1.0 if market == "JP" else 0.8)
    )
    found = why(con, "trips", NOW, BEFORE, by=["market"])
    assert [segment.where for segment in found.segments] == [(("market", "JP"),), (("market", "DE"),)]


def test_where_only_chance_moved_nothing_is_named() -> None:
    random = np.random.default_rng(7)
    named = 0
    for _ in range(10):
        con = lake(lambda *_: random.poisson(200) / 100)
        named += bool(why(con, "trips", NOW, BEFORE, by=["market", "model"]).segments)
    assert named <= 1


def test_a_metric_without_two_parts_is_refused() -> None:
    contracts = load_contracts()
    fitting = [m for m in contracts.metrics if not (m.is_total or m.has_parts)]
    for metric in fitting[:1]:
        with pytest.raises(QueryError, match="no parts"):
            why(lake(lambda *_: 1.0), metric.name, NOW, BEFORE)


def test_without_a_period_before_there_is_nothing_to_explain() -> None:
    con = lake(lambda *_: 2.0)
    found = why(con, "trips", BEFORE, BEFORE.before())
    assert (found.splits, found.segments) == ((), ())
