"""Small groups: withheld whole, not derivable from their siblings, and the same in SQL as in tiles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.catalog import connect
from lake.settings import get_settings
from lake.storage import Lake
from metrics import Question, Slice, evaluate, evaluate_all, load_contracts, macro_statements
from metrics.specs import table_specs
from tests.unit.metrics.platform import KINDS, MONDAY, database, only

DAY = Slice(MONDAY, MONDAY)
LEAST = 10
#: Contracts of the tables that have rows here.
FEW = only("active_vehicles", "driving", "service_retention")


def _fleet(**sizes: int) -> Any:
    return database(FEW, driving=[{"date": MONDAY, "market": m, "vehicles": n, "trips": 7} for m, n in sizes.items()])


def _withheld(con: Any, by: tuple[str, ...] = ("market",), slice_: Slice = DAY) -> set[Any]:
    return {v.group for v in evaluate(con, ["trips"], slice_, by=by, contracts=FEW) if v.suppressed}


def test_a_small_group_is_withheld_whole() -> None:
    con = _fleet(FR=9, DE=50, CN=50)
    (value,) = evaluate(con, ["trip_length"], DAY, by=("market",), contracts=FEW).series("trip_length", ("FR",))
    assert value.suppressed
    shown = (value.value, value.numerator, value.denominator, value.low, value.high, value.vehicles, value.population)
    assert shown == (None,) * 7
    only = evaluate(con, ["trips"], Slice(MONDAY, MONDAY, {"market": ("FR",)}), contracts=FEW).one("trips")
    assert only.suppressed


def test_ten_is_enough() -> None:
    assert _withheld(_fleet(FR=10, DE=50)) == set()


@pytest.mark.parametrize("metric", [m.name for m in load_contracts().table("driving").metrics])
def test_what_one_vehicle_drove_is_withheld_in_a_fleet_of_many(metric: str) -> None:
    def shown(drove: int) -> bool:
        row = {"date": MONDAY, "vehicles": 12, "active_vehicles": drove, "odometer_vehicles": drove, "trips": drove}
        con = database(FEW, driving=[row | {"distance_km": 431.7 * drove, "driving_s": 10800.0 * drove}])
        for statement in macro_statements(FEW):
            con.execute(statement)
        value = evaluate(con, [metric], DAY, contracts=FEW).one(metric)
        assert con.execute("select suppressed from metric($n)", {"n": metric}).fetchall() == [(value.suppressed,)]
        assert (value.population is None) == value.suppressed
        return not value.suppressed

    assert [shown(drove) for drove in (0, 1, 9, 10, 12)] == [True, False, False, True, True]


def test_siblings_protect_what_few_vehicles_drove() -> None:
    sizes = {"FR": 2, "DE": 20, "CN": 30, "JP": 0}
    rows = [{"date": MONDAY, "market": m, "vehicles": 50, "active_vehicles": n} for m, n in sizes.items()]
    con = database(FEW, driving=rows)
    for statement in macro_statements(FEW):
        con.execute(statement)
    assert _withheld(con) == {("FR",), ("DE",)}
    sql = con.execute("select market from metric('trips', by := ['market']) where suppressed").fetchall()
    assert set(sql) == {("FR",), ("DE",)}


def test_stickiness_rests_on_the_vehicles_that_drove_in_its_window() -> None:
    con = database(FEW, active_vehicles=[{"date": MONDAY, "vehicles": 50, "active_1d": 1, "active_28d": 9}])
    assert evaluate(con, ["stickiness"], DAY, contracts=FEW).one("stickiness").suppressed


def test_what_is_withheld_together_is_not_small_either() -> None:
    """The total is shown elsewhere: one small group alone would be the total less the others."""
    assert _withheld(_fleet(FR=9, DE=50, CN=40)) == {("FR",), ("CN",)}
    assert _withheld(_fleet(FR=9, DE=50, CN=1)) == {("FR",), ("CN",)}
    assert _withheld(_fleet(FR=3, DE=50, CN=1, JP=70)) == {("FR",), ("CN",), ("DE",)}


def test_groups_differ_along_one_dimension_at_a_time() -> None:
    cells = {("FR", "Corvid"): 5, ("FR", "Heron"): 40, ("DE", "Corvid"): 30, ("DE", "Heron"): 60}
    rows = [{"date": MONDAY, "market": m, "model": k, "vehicles": n} for (m, k), n in cells.items()]
    con = database(FEW, driving=rows)
    assert _withheld(con, ("market", "model")) == {("FR", "Corvid"), ("FR", "Heron"), ("DE", "Corvid")}


def test_dimensions_that_go_together_hide_nothing_less() -> None:
    """No two groups differ in the model alone, nor in its powertrain: the total less the others is the small one."""
    sizes = {("Corvid", "BEV"): 100, ("Heron", "ICE"): 50, ("Kestra", "PHEV"): 3}
    rows = [{"date": MONDAY, "model": m, "powertrain": p, "vehicles": n} for (m, p), n in sizes.items()]
    con = database(FEW, driving=rows)
    for statement in macro_statements(FEW):
        con.execute(statement)
    assert _withheld(con, ("model", "powertrain")) == {("Heron", "ICE"), ("Kestra", "PHEV")}
    query = "select model from metric('trips', by := ['model', 'powertrain']) where suppressed order by all"
    assert con.execute(query).fetchall() == [("Heron",), ("Kestra",)]


@pytest.mark.parametrize("metric", ["services_used", "services_used_now"])
def test_one_vehicle_with_many_services_is_one_vehicle(metric: str) -> None:
    """Twelve services of one vehicle are twelve rows, and so are those of twelve vehicles with one each."""
    fleet = {"FR": 1, "DE": 40, "CN": 60}
    rows = [
        {"date": MONDAY, "market": market, "service": f"s{number}", "vehicles": n, "using": n}
        for market, n in fleet.items()
        for number in range(12)
    ]
    con = database(KINDS, services=rows)
    for statement in macro_statements(KINDS):
        con.execute(statement)
    for by, least in ((("market",), 12 * 40), (("market", "service"), 40)):
        values = evaluate(con, [metric], DAY, by=by, contracts=KINDS)
        shown = {v.group[0]: v.value for v in values if not v.suppressed}
        assert shown == {"CN": least * 1.5}  # Germany covers France
        assert {v.vehicles for v in values if not v.suppressed} == {60}
        columns = ", ".join([*by, "value"])
        sql = con.execute(f"select {columns} from metric($n, by := $by) where not suppressed", {"n": metric, "by": by})
        assert {row[0]: row[-1] for row in sql.fetchall()} == shown
    whole = evaluate(con, [metric], DAY, contracts=KINDS).one(metric)
    assert (whole.value, whole.vehicles) == (12 * 101, 101)


def test_a_range_of_cohorts_has_the_vehicles_of_all_its_days() -> None:
    """No vehicle is set up twice: twelve days with one are twelve vehicles, and each of them alone is one."""

    def shown(rows: list[dict[str, Any]], by: tuple[str, ...] = ()) -> list[float | None]:
        con = database(FEW, service_retention=[{"age_weeks": 0, "vehicles": 1} | row for row in rows])
        slice_ = Slice(MONDAY, MONDAY + timedelta(11))
        found = evaluate(con, ["service_activations"], slice_, by=by, contracts=FEW)
        return [v.value for v in found]

    days = [MONDAY + timedelta(n) for n in range(12)]
    assert shown([{"date": day, "service": "media"} for day in days]) == [12]
    assert shown([{"date": day, "service": "media"} for day in days[:9]]) == [None]
    # A service a day: it may be one vehicle.
    assert shown([{"date": day, "service": f"s{n}"} for n, day in enumerate(days)]) == [None]
    assert shown([{"date": day, "service": "media"} for day in days], ("date",)) == [None] * 12


def test_a_range_counts_its_largest_day_and_a_stock_its_newest() -> None:
    days = [MONDAY, MONDAY + timedelta(1)]
    rows = [{"date": days[0], "vehicles": 12}, {"date": days[1], "vehicles": 4}]
    values = evaluate(
        database(FEW, driving=rows, active_vehicles=rows),
        ["trips", "weekly_active_vehicles"],
        Slice(*days),
        contracts=FEW,
    )
    assert not values.one("trips").suppressed
    assert values.one("weekly_active_vehicles").suppressed


def _asked(con: Any, filters: dict[str, tuple[str, ...]], by: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    return {v.group: v.value for v in evaluate(con, ["trips"], Slice(MONDAY, MONDAY, filters), by=by, contracts=FEW)}


def test_two_clicks_tell_of_no_small_group() -> None:
    """France and Morocco, less France, is Morocco; and so is all, less all but Morocco."""
    con = _fleet(FR=40, MA=9, DE=50, CN=60)
    assert _asked(con, {"market": ("FR",)}) == {(): 7}
    assert _asked(con, {"market": ("FR", "MA")}) == {(): None}
    assert _asked(con, {"market": ("FR", "DE", "CN")}) == {(): None}
    assert _asked(con, {"market": ("FR", "DE")}) == {(): 14}
    assert _asked(con, {}) == {(): 28}
    # Split by it, what is left out counts among the groups: the same are withheld with and without the filter.
    split = _asked(con, {"market": ("FR", "DE", "CN")}, ("market",))
    assert split == {("FR",): None, ("DE",): 7, ("CN",): 7}
    assert split.items() <= _asked(con, {}, ("market",)).items()


def test_questions_asked_together_are_withheld_as_each_alone() -> None:
    """A page asks for the whole and for several splits at once; what one of them hides, the others do not show."""
    cells = {("CN", "Corvid"): 9, ("DE", "Corvid"): 12, ("FR", "Corvid"): 40, ("DE", "Heron"): 30, ("CN", "Heron"): 20}
    rows = [{"date": MONDAY, "market": m, "model": k, "vehicles": n, "trips": 7} for (m, k), n in cells.items()]
    con = database(FEW, driving=rows)
    splits: list[tuple[str, ...]] = [(), ("market",), ("model",), ("market", "model")]
    slice_ = Slice(MONDAY, MONDAY, {"market": ("CN", "DE")})
    together = evaluate_all(con, [Question(("trips",), slice_, by) for by in splits], contracts=FEW)
    assert together == [evaluate(con, ["trips"], slice_, by=by, contracts=FEW) for by in splits]
    assert {v.group: v.value for v in together[2]} == {("Corvid",): None, ("Heron",): 14}


def test_a_filter_hides_small_groups_of_other_dimensions_too() -> None:
    cells = {("FR", "Corvid"): 30, ("FR", "Heron"): 4, ("DE", "Corvid"): 30, ("DE", "Heron"): 60}
    rows = [{"date": MONDAY, "market": m, "model": k, "vehicles": n, "trips": 7} for (m, k), n in cells.items()]
    con = database(FEW, driving=rows)
    assert _asked(con, {"market": ("FR",)}) == {(): 14}
    assert _asked(con, {"market": ("FR",), "model": ("Corvid",)}) == {(): None}  # all of France, less these
    assert _asked(con, {"market": ("DE",), "model": ("Corvid",)}) == {(): 7}
    by_market = _asked(con, {"model": ("Corvid",)}, ("market",))
    assert by_market == {("FR",): None, ("DE",): 7}


_MARKETS = st.sets(st.sampled_from("ABCDE"), min_size=1)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("ABCDE"), st.integers(0, 25), min_size=1), st.lists(_MARKETS, max_size=4))
def test_no_two_questions_tell_of_a_small_group(sizes: dict[str, int], chosen: list[set[str]]) -> None:
    con = _fleet(**sizes)
    there = {market for market, n in sizes.items() if n}
    sets = [there, *({*one} & there for one in chosen)]
    shown = [s for s in sets if s and _asked(con, {"market": tuple(s)} if s != there else {})[()] is not None]
    for one in shown:
        for other in shown:
            if other < one:
                assert sum(sizes[m] for m in one - other) >= LEAST


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(0, 25), min_size=1))
def test_no_small_group_is_shown_or_derivable(sizes: dict[str, int]) -> None:
    con = _fleet(**sizes)
    withheld = {group[0] for group in _withheld(con)}
    assert {m for m, n in sizes.items() if n < LEAST} <= withheld
    together = sum(sizes[m] for m in withheld)
    assert together == 0 or together >= LEAST or withheld == set(sizes)
    # Nothing is withheld without need: without the largest withheld group, the rest would be derivable.
    if extra := [m for m in withheld if sizes[m] >= LEAST]:
        assert len(extra) == 1
        assert 0 < together - sizes[extra[0]] < LEAST


#: Metrics of the two tables that have rows here.
FILLED = [m.name for m in load_contracts().metrics if m.table in ("kpi.active_vehicles", "kpi.driving")]


@pytest.fixture(scope="module")
def sql() -> Any:
    rows = [
        {"date": MONDAY + timedelta(day), "market": market, "model": model, "vehicles": 8 + 9 * number + day,
         "reporting_vehicles": 1 + 11 * number, "active_1d": 10 * number, "active_7d": 11 * number,
         "active_28d": 11 * number}
        for day in range(3)
        for number, (market, model) in enumerate([("FR", "Corvid"), ("FR", "Heron"), ("DE", "Heron"), ("CN", "Corvid")])
    ]  # fmt: skip
    driving = [
        {"date": r["date"], "market": r["market"], "model": r["model"], "vehicles": r["vehicles"],
         "active_vehicles": r["active_1d"], "trips": 2 * r["active_1d"], "distance_km": 20.5 * r["active_1d"],
         "driving_s": 1500.0 * r["active_1d"], "idle_s": 99.0, "odometer_vehicles": r["active_1d"],
         "odometer_gain_km": 21.0 * r["active_1d"]}
        for r in rows
    ]  # fmt: skip
    con = database(FEW, active_vehicles=rows, driving=driving)
    for statement in macro_statements(FEW):
        con.execute(statement)
    return con


@pytest.mark.parametrize("by", [(), ("market",), ("model",), ("market", "model")], ids=str)
@pytest.mark.parametrize("metric", FILLED)
def test_sql_gives_what_the_dashboard_shows(sql: Any, metric: str, by: tuple[str, ...]) -> None:
    values = evaluate(sql, [metric], Slice(MONDAY, MONDAY + timedelta(2)), by=("date", *by), contracts=FEW)
    expected = {
        (v.period, *v.group): (v.value, v.numerator, v.denominator, v.vehicles, v.suppressed) for v in values
    }  # fmt: skip
    columns = ", ".join(["date", *by, "value", "numerator", "denominator", "vehicles", "suppressed"])
    rows = sql.execute(f"select {columns} from metric($name, by := $by)", {"name": metric, "by": list(by)}).fetchall()
    found = {row[: 1 + len(by)]: row[1 + len(by) :] for row in rows}
    assert found.keys() == expected.keys()
    for key, numbers in expected.items():
        assert found[key] == pytest.approx(numbers, nan_ok=True)
    assert any(v.suppressed for v in values) == (by == ("market", "model"))


def test_dimensions_not_asked_for_say_all(sql: Any) -> None:
    rows = sql.execute("select distinct market, model from metric('trips', by := ['market']) order by all").fetchall()
    assert rows == [("CN", "all"), ("DE", "all"), ("FR", "all")]


def test_the_view_has_every_metric_at_full_grain(sql: Any) -> None:
    rows = sql.execute("select metric, count(*) from metric_values group by metric order by metric").fetchall()
    assert rows == [(name, 12) for name in FILLED]
    viewed = sql.execute("select * from metric_values order by all").fetchall()
    for name in FILLED:
        contracts = load_contracts()
        ask = {"name": name, "by": list(contracts.table(contracts.metric(name).table).dimension_names)}
        full = sql.execute("select * from metric($name, by := $by) order by all", ask).fetchall()
        assert [row for row in viewed if row[0] == name] == full


def test_the_lakes_own_session_has_the_metrics() -> None:
    con = connect(Lake.open(get_settings()), get_settings(), specs=table_specs(), statements=macro_statements)
    assert con.execute("select count(*) from metric('weekly_active_vehicles')").fetchone() == (0,)
    assert con.execute("select count(*) from metric_values").fetchone() == (0,)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select * from metric('typo')", r"There is no metric typo\. There are: .*, active_rate_28d"),
        ("select * from metric('trips', by := ['colour'])", "by takes these dimensions: market"),
    ],
)
def test_a_wrong_name_in_sql_is_an_error(sql: Any, query: str, says: str) -> None:
    with pytest.raises(duckdb.Error, match=says):
        sql.execute(query)
