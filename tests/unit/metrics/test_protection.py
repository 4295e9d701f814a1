"""Noise in what is published: how large it is, what it leaves true, and that the same vehicles always have the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import duckdb
import pytest

from metrics import Contracts, Evaluation, Question, Slice, evaluate_all
from metrics.folding import fold_small_values
from metrics.protection import KEY, KEYS, NOISE, SHARE, add_keys, amount_told, count_told
from tests.unit.metrics.platform import KINDS, MONDAY, database, only

DAY = Slice(MONDAY, MONDAY)
DRIVING = only("driving", "active_vehicles")
SECRET = b"nobody knows it"


def _drawn(sql: str, values: str = "range(0, 60)") -> list[tuple[float, list[float]]]:
    """What values are told as, for each of many keys."""
    text = f"select value, list(told order by key) from (select value, key, {sql} as told from "
    text += f"(select unnest({values}) as value) cross join (select range * 7919 as key from range(2000))) group by all"
    with duckdb.connect() as con:
        return sorted((float(value), [float(one) for one in told]) for value, told in con.execute(text).fetchall())


def test_a_count_is_told_whole_at_most_two_off_and_on_average_right() -> None:
    for value, told in _drawn(count_told("value", "key")):
        assert all(one == int(one) and one >= 0 and abs(one - value) <= NOISE for one in told)
        assert abs(sum(told) / len(told) - value) < 0.15
        assert len(set(told)) == (1 if value == 0 else 3 if value == 1 else 2 * NOISE + 1)


def test_of_one_cell_no_part_is_told_as_more_than_the_whole() -> None:
    told = [drawn for _, drawn in _drawn(count_told("value", "key"))]
    for smaller, larger in pairwise(told):
        assert all(one <= other for one, other in zip(smaller, larger, strict=True))


def test_an_amount_is_off_by_at_most_its_share_of_what_one_vehicle_has() -> None:
    for value, told in _drawn(amount_told("value", "key", "40"), "[0.0, 800.0, 1e6]"):
        assert all(abs(one - value) <= SHARE * 40 for one in told)
        assert abs(sum(told) / len(told) - value) < 1.5
        assert (max(told) - min(told) > SHARE * 40) == (value > 0)


def _platform(contracts: Contracts, **tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    con = database(contracts, **tables)
    add_keys(con, contracts, SECRET)
    fold_small_values(con, contracts)
    return con


def _rows(market: str, **parts: float) -> list[dict[str, Any]]:
    """Forty vehicles of a market, of four model years."""
    years = ("2022", "2023", "2024", "2025")
    return [
        {"date": MONDAY, "market": market, "model_year": y, "vehicles": 10, "active_vehicles": 10, **parts}
        for y in years
    ]


def _asked(con: duckdb.DuckDBPyConnection, *questions: Question) -> list[Evaluation]:
    return evaluate_all(con, questions, contracts=DRIVING.as_published("cells"))


def test_the_same_vehicles_have_the_same_noise_however_they_are_asked_for() -> None:
    both = [*_rows("FR", trips=25), *_rows("DE", trips=25)]
    con = _platform(DRIVING, driving=both, active_vehicles=both)
    filtered = Slice(MONDAY, MONDAY, {"market": ("FR",)})
    years = Slice(MONDAY, MONDAY, {"market": ("FR",), "model_year": ("2022", "2023", "2024", "2025")})
    split, alone, spelled = _asked(
        con, Question(("trips",), DAY, ("market",)), Question(("trips",), filtered), Question(("trips",), years)
    )
    told = {value.group[0]: value.value for value in split}
    assert told["FR"] == alone.one("trips").value == spelled.one("trips").value
    assert split.protected
    assert alone.frame()["protected"].to_list() == [True]


def test_the_newest_day_is_told_alike_whatever_days_lie_before_it() -> None:
    days = [row | {"date": MONDAY.replace(day=day)} for day in (2, 3, 4) for row in _rows("FR", active_1d=10)]
    con = _platform(DRIVING, active_vehicles=[row | {"vehicles": 10 + row["date"].day} for row in days])
    whole, last = (Slice(MONDAY.replace(day=first), MONDAY.replace(day=4)) for first in (2, 4))
    one, other = _asked(con, Question(("fleet_vehicles",), whole), Question(("fleet_vehicles",), last))
    assert one.one("fleet_vehicles").value == other.one("fleet_vehicles").value


def test_other_vehicles_have_noise_of_their_own_and_another_secret_other_noise() -> None:
    rows = [row for market in ("FR", "DE", "CN", "IT", "ES", "PL") for row in _rows(market, trips=25)]
    told = []
    for secret in (SECRET, b"another of them"):
        con = database(DRIVING, driving=rows)
        add_keys(con, DRIVING, secret)
        (found,) = _asked(con, Question(("trips",), DAY, ("market", "model_year")))
        told.append([value.value for value in found])
        assert len(set(told[-1])) == 2 * NOISE + 1
    assert told[0] != told[1]


def test_a_share_of_all_is_told_as_all_of_them() -> None:
    con = _platform(DRIVING, active_vehicles=_rows("FR", active_1d=10) + _rows("DE", active_1d=10))
    contract = DRIVING.metric("active_share")
    (found,) = _asked(con, Question(("active_share",), DAY, ("market", "model_year")))
    assert [value.value for value in found] == [contract.scale] * 8
    assert all(value.low is not None for value in found)


def test_what_is_too_small_is_withheld_by_its_true_size() -> None:
    rows = [{"date": MONDAY, "market": f"M{n}", "vehicles": n, "active_vehicles": n, "trips": 30} for n in range(5, 16)]
    con = database(DRIVING, driving=rows)
    add_keys(con, DRIVING, SECRET)
    (exact,) = evaluate_all(con, [Question(("trips",), DAY, ("market",))], contracts=DRIVING)
    (noisy,) = _asked(con, Question(("trips",), DAY, ("market",)))
    assert [v.suppressed for v in noisy] == [v.suppressed for v in exact]
    assert {v.suppressed for v in noisy} == {True, False}


def test_rows_that_count_no_vehicle_change_no_noise() -> None:
    con = _platform(DRIVING, driving=[*_rows("FR"), {"date": MONDAY, "market": "FR", "model": "Heron", "trips": 3}])
    found = con.execute(
        f"select vehicles = 0, min({KEY}), max({KEY}) from kpi.driving group by all order by 1"
    ).fetchall()
    assert found[1] == (True, 0, 0)
    assert 0 <= found[0][1] < found[0][2] < KEYS


@pytest.mark.parametrize("metric", KINDS.metrics, ids=lambda m: m.name)
def test_each_kind_tells_nearly_what_it_told_without(metric: Any) -> None:
    table = KINDS.table(metric.table)
    keys = {
        "step": ["delivered", "consented", "used"],
        "age_weeks": [0, 1, 4],
        "log_bucket": [200, 230, 250],
        "duration_days": [0, 2, 9],
    }
    values = next((keys[key.name] for key in table.keys), [None])
    parts = [part for part in table.part_names if part != "vehicles"]
    rows = [
        {"date": MONDAY, "market": market, "vehicles": 0 if n else 900, **dict.fromkeys(table.key_names, key)}
        | dict.fromkeys(parts, 9000 - 1000 * n)
        for market in ("FR", "DE")
        for n, key in enumerate(values)
    ]
    con = database(KINDS, **{table.name: rows})
    add_keys(con, KINDS, SECRET)
    asked = [Question((metric.name,), DAY, ("market",))]
    as_of = MONDAY.replace(month=9)
    exact, noisy = (
        evaluate_all(con, asked, as_of=as_of, contracts=KINDS.as_published(p))[0] for p in ("none", "cells")
    )
    assert len(exact) == 2
    for one, other in zip(exact, noisy, strict=True):
        assert one.value is not None
        assert other.value == pytest.approx(one.value, rel=0.01, abs=1e-9)
        if other.low is not None and other.high is not None:
            assert other.low <= other.value <= other.high
    told = [(v.value, v.numerator, v.denominator, v.population and v.population.of) for v in (*exact, *noisy)]
    assert told[:2] != told[2:], "no noise at all"
