"""Each KPI query against given and expected rows, against its schema, and against a plain restatement of it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
import sqlglot
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from metrics import load_contracts
from orchestration.staleness import Reach
from tests.unit.kpi.drawn import FIRST, drawn_rows
from tests.unit.kpi.rows import core_rows, vehicle_days
from transforms.kpi import run_kpi

FOLDER = Path(__file__).parent / "cases"
CASES = [(path.stem, case) for path in sorted(FOLDER.glob("**/*.yml")) for case in yaml.safe_load(path.read_text())]
IDS = [f"{table}: {case['name']}" for table, case in CASES]
#: What an expected row that does not say has: the dimensions of ``core_rows``, and no more of anything. The largest
#: contributions are compared where a row of the case states them.
SAME = {"market": "FR", "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
DAY = date(2026, 3, 1)
TABLES = load_contracts().tables


def _given(table: str, case: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """The inputs of a case by name; those that it does not name are empty."""
    inputs = load_contracts().table(table).inputs
    assert set(case["given"]) <= set(inputs), f"kpi.{table} does not read {set(case['given']) - set(inputs)}"
    return {name: core_rows(name, case["given"].get(name, [])) for name in inputs}


def _seen(table: Any, frames: dict[str, pl.DataFrame], first: date, last: date) -> dict[str, pl.DataFrame]:
    """Of each input only the days that those from first to last may ask for."""
    seen = {}
    for name, reach in table.inputs.items():
        low, high = Reach(**reach.model_dump()).window(first, last)
        seen[name] = frames[name].filter(pl.col("date").is_between(low or date.min, high or date.max))
    return seen


@pytest.mark.parametrize(("table", "case"), CASES, ids=IDS)
def test_given_expect(table: str, case: dict[str, Any]) -> None:
    contract = load_contracts().table(table)
    found = run_kpi(contract.sql, _given(table, case), case["first"], case["last"])
    schema = contract.spec.schema.create_empty().schema
    nothing = dict.fromkeys(contract.dimension_names, "unknown") | dict.fromkeys(contract.amount_names, 0)
    same = {name: SAME[name] for name in contract.dimension_names if name in SAME}
    expected = pl.DataFrame([nothing | same | row for row in case["expect"]], schema=schema, orient="row")
    unstated = set(contract.amount_names) - set(contract.part_names) - {name for row in case["expect"] for name in row}
    rows = expected.drop(unstated)
    assert_frame_equal(contract.spec.schema.validate(found).drop(unstated), rows.sort(rows.columns))


@pytest.mark.parametrize(("table", "case"), CASES, ids=IDS)
def test_each_day_alone_gives_what_the_range_gives(table: str, case: dict[str, Any]) -> None:
    """A day asks for no more of its inputs than the contract says, and does not depend on the days beside it."""
    contract, frames = load_contracts().table(table), _given(table, case)
    pieces = []
    for number in range((case["last"] - case["first"]).days + 1):
        day = case["first"] + timedelta(number)
        pieces.append(run_kpi(contract.sql, _seen(contract, frames, day, day), day, day))
    whole = run_kpi(contract.sql, frames, case["first"], case["last"])
    assert_frame_equal(pl.concat(pieces), whole)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.table)
def test_every_table_has_cases(table: Any) -> None:
    assert table.name in {name for name, _ in CASES}


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.table)
def test_runs_on_spark_sql(table: Any) -> None:
    spark = sqlglot.transpile(table.sql, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
    sqlglot.parse_one(spark, read="spark")
    for construct in ("group by all", "generate_series", "unnest", "asof", "pivot", "list("):
        assert construct not in table.sql.lower()


#: Tables of which a vehicle has one row a day, before they are summed: what it has is all of it.
WHOLE_VEHICLES = {"automation", "driving", "faults", "messages"}


@pytest.mark.parametrize("table", [t for t in TABLES if t.with_largest], ids=lambda t: t.table)
def test_the_largest_contribution_is_that_of_the_vehicle_with_most(table: Any) -> None:
    """Set against the table of each vehicle alone, of vehicles whose market is known."""
    random = Random(3)
    frames = {name: drawn_rows(name, random) for name in table.inputs}
    first, last = FIRST, FIRST + timedelta(59)
    vehicles = {vehicle for rows in frames.values() for vehicle in rows["vehicle_id"]}
    alone = [
        run_kpi(table.sql, {n: rows.filter(pl.col("vehicle_id") == v) for n, rows in frames.items()}, first, last)
        for v in sorted(vehicles)
    ]
    by = ["date", *table.dimension_names, *table.key_names]
    whole = run_kpi(table.sql, frames, first, last).filter(pl.col("market") != "unknown")
    both = whole.join(pl.concat(alone).group_by(by).max(), on=by, suffix="_alone")
    assert both.height == whole.height
    for part in table.with_largest:
        stated, most = both[f"largest_{part}"].to_list(), both[f"{part}_alone"].to_list()
        assert [s > 0 for s in stated] == [m > 0 for m in most]
        assert all(s <= m * (1 + 1e-9) for s, m in zip(stated, most, strict=True))
        if table.name in WHOLE_VEHICLES:
            assert stated == pytest.approx(most)
    assert any(both[f"largest_{part}"].sum() for part in table.with_largest)


row = st.fixed_dictionaries(
    {
        "date": st.integers(0, 40).map(lambda n: DAY + timedelta(n)),
        "vehicle": st.sampled_from("abc"),
        "market": st.sampled_from(["FR", "DE", None]),
        "reported": st.booleans(),
        "active": st.booleans(),
    }
)
rows = st.lists(row, max_size=30, unique_by=lambda r: (r["date"], r["vehicle"]))


def _restated(given_rows: list[dict[str, Any]], first: date, last: date) -> dict[tuple[date, str], list[int]]:
    """kpi.active_vehicles by its definition in words, one vehicle and day at a time."""
    counts: dict[tuple[date, str], list[int]] = {}
    for day in sorted({r["date"] for r in given_rows if first <= r["date"] <= last}):
        for vehicle in "abc":
            window = [r for r in given_rows if r["vehicle"] == vehicle and 0 <= (day - r["date"]).days < 28]
            if not window:
                continue
            newest = max(window, key=lambda r: r["date"])
            cell = counts.setdefault((day, newest["market"] or "unknown"), [0] * 5)
            active = [(day - r["date"]).days for r in window if r["active"]]
            cell[0] += 1
            cell[1] += newest["date"] == day and newest["reported"]
            for position, days in enumerate((1, 7, 28), start=2):
                cell[position] += any(age < days for age in active)
    return counts


@settings(max_examples=60, deadline=None)
@given(rows)
def test_active_vehicles_is_its_definition(given_rows: list[dict[str, Any]]) -> None:
    sql = load_contracts().table("active_vehicles").sql
    first, last = DAY + timedelta(27), DAY + timedelta(40)
    found = run_kpi(sql, {"core.vehicle_days": vehicle_days(given_rows)}, first, last)
    as_counts = {(r[0], r[1]): list(r[5:]) for r in found.iter_rows()}
    assert as_counts == _restated(given_rows, first, last)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.table)
def test_ranges_of_days_add_up_in_any_order_of_arrival(table: Any) -> None:
    """Ranges, each with only the inputs that it may ask for, give what one range gives, however the rows lie."""
    first, last = FIRST + timedelta(24), FIRST + timedelta(35)

    @settings(max_examples=3, deadline=None)
    @example(3, {5})  # of this draw every table has rows
    @given(st.integers(0, 2**32), st.sets(st.integers(1, 11), min_size=1, max_size=3))
    def hold(seed: int, cuts: set[int]) -> None:
        random = Random(seed)
        frames = {name: drawn_rows(name, random) for name in table.inputs}
        whole = run_kpi(table.sql, frames, first, last)
        begins = [first, *(first + timedelta(n) for n in sorted(cuts))]
        pieces = []
        for start, end in zip(begins, [*(day - timedelta(1) for day in begins[1:]), last], strict=True):
            seen = {
                name: rows.sample(fraction=1, shuffle=True, seed=random.getrandbits(32))
                for name, rows in _seen(table, frames, start, end).items()
            }
            pieces.append(run_kpi(table.sql, seen, start, end))
        assert_frame_equal(pl.concat(pieces), whole)
        assert whole.height or seed != 3, "the test would not see a wrong row"

    hold()
