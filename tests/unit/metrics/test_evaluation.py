"""Values over slices: by hand for the rules, and against a plain loop for any slice of any platform."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lake.errors import QueryError
from metrics import Question, Slice, dimension_values, evaluate, evaluate_all, load_contracts, wilson_interval
from tests.unit.metrics.platform import MONDAY, database, only

TUESDAY = MONDAY + timedelta(1)
ACTIVE = [
    {"date": MONDAY, "vehicles": 100, "reporting_vehicles": 90, "active_1d": 40, "active_7d": 60, "active_28d": 80},
    {"date": TUESDAY, "vehicles": 100, "reporting_vehicles": 80, "active_1d": 60, "active_7d": 70, "active_28d": 90},
    {"date": TUESDAY, "market": "DE", "vehicles": 20, "reporting_vehicles": 10, "active_1d": 5, "active_7d": 5,
     "active_28d": 10},
]  # fmt: skip
DRIVING = [
    {"date": MONDAY, "vehicles": 100, "active_vehicles": 40, "trips": 80, "distance_km": 800.0, "driving_s": 72000.0},
    {"date": TUESDAY, "vehicles": 100, "active_vehicles": 60, "trips": 20, "distance_km": 1000.0, "driving_s": 18000.0},
]
BOTH = Slice(MONDAY, TUESDAY)
#: Metrics of the two tables that have rows here.
NAMES = [m.name for m in load_contracts().metrics if m.table in ("kpi.active_vehicles", "kpi.driving")]


@pytest.fixture
def con() -> Any:
    return database(active_vehicles=ACTIVE, driving=DRIVING)


def test_last_takes_the_newest_day_with_data(con: Any) -> None:
    value = evaluate(con, ["weekly_active_vehicles"], Slice(MONDAY, MONDAY + timedelta(30))).one(
        "weekly_active_vehicles"
    )
    assert (value.value, value.as_of, value.days, value.vehicles) == (75, TUESDAY, 2, 120)
    assert value.population is not None
    assert value.population.text == "75 of 120 in the fleet"
    assert (value.denominator, value.low, value.high) == (None, None, None)


def test_mean_is_the_average_day(con: Any) -> None:
    values = evaluate(con, ["daily_active_vehicles", "stickiness"], BOTH)
    assert values.one("daily_active_vehicles").value == 52.5
    sticky = values.one("stickiness")
    assert (sticky.value, sticky.numerator, sticky.denominator) == (100 * 52.5 / 90, 52.5, 90)
    assert (sticky.low, sticky.high) == tuple(100 * end for end in wilson_interval(52.5, 90))


def test_sum_adds_up_and_a_share_of_it_rests_on_the_vehicles_of_a_day(con: Any) -> None:
    silent = evaluate(con, ["silent_share"], BOTH).one("silent_share")
    assert (silent.numerator, silent.denominator) == (40, 220)
    assert silent.value == pytest.approx(100 * 40 / 220)
    low, high = wilson_interval(20, 110)
    assert (silent.low, silent.high) == pytest.approx((100 * low, 100 * high))


def test_a_ratio_is_a_ratio_of_sums(con: Any) -> None:
    values = evaluate(con, ["mean_speed", "trip_length", "distance"], BOTH)
    assert values.one("mean_speed").value == pytest.approx(1800 / 25)  # the mean of the days' speeds would be 120
    assert values.one("trip_length").value == pytest.approx(18)
    population = values.one("distance").population
    assert population is not None
    assert (population.counted, population.of) == (50, 100)


def test_by_date_week_and_dimension(con: Any) -> None:
    by_date = evaluate(con, ["weekly_active_vehicles"], BOTH, by=("date", "market"))
    assert by_date.by == ("market",)
    found = [(v.period, v.group, v.value) for v in by_date]
    assert found == [(MONDAY, ("FR",), 60), (TUESDAY, ("DE",), 5), (TUESDAY, ("FR",), 70)]
    by_week = evaluate(con, ["weekly_active_vehicles"], Slice(MONDAY - timedelta(9), TUESDAY), by=("week",))
    assert [(v.period, v.value, v.days) for v in by_week] == [(MONDAY, 75, 2)]
    assert by_date.groups("weekly_active_vehicles") == (("DE",), ("FR",))
    assert [v.value for v in by_date.series("weekly_active_vehicles", ("FR",))] == [60, 70]


def test_the_newest_day_is_one_for_all_groups(con: Any) -> None:
    """A market that has no row on the newest day has no vehicles then; its last known number is not carried along."""
    con.execute("insert into kpi.active_vehicles by name select date '2026-03-02' as date, 'MA' as market, * "
                "exclude (date, market) from kpi.active_vehicles where date = '2026-03-02'")  # fmt: skip
    values = evaluate(con, ["weekly_active_vehicles"], BOTH, by=("market",))
    assert {v.group: (v.value, v.suppressed) for v in values} == {
        ("DE",): (5, False), ("FR",): (70, False), ("MA",): (None, True)
    }  # fmt: skip


def test_by_month(con: Any) -> None:
    con.execute("insert into kpi.active_vehicles by name select date '2026-04-01' as date, * exclude (date) "
                "from kpi.active_vehicles where date = '2026-03-02'")  # fmt: skip
    months = evaluate(con, ["weekly_active_vehicles"], Slice(MONDAY, date(2026, 4, 9)), by=("month",))
    assert [(v.period, v.value, v.days) for v in months] == [(date(2026, 3, 1), 75, 2), (date(2026, 4, 1), 60, 1)]
    before = Slice(date(2026, 2, 20), date(2026, 3, 30))
    april = evaluate(con, ["trips"], Slice(date(2026, 3, 20), date(2026, 4, 20)), by=("month",), compare=before)
    assert [v.period for v in april] == []
    con.execute("insert into kpi.driving by name select date '2026-04-01' as date, * exclude (date) from kpi.driving")
    april = evaluate(con, ["trips"], Slice(date(2026, 3, 20), date(2026, 4, 20)), by=("month",), compare=before)
    assert [(v.period, v.value, v.change) for v in april] == [(date(2026, 4, 1), 100, 0)]


class _Counting:
    """A connection that counts what is asked of it."""

    def __init__(self, con: Any) -> None:
        self.con, self.asked = con, 0

    def execute(self, *args: Any) -> Any:
        self.asked += 1
        return self.con.execute(*args)


def test_many_questions_are_one_query_per_table_and_answered_as_each_alone(con: Any) -> None:
    week = Slice(MONDAY - timedelta(5), TUESDAY)
    questions = [
        Question(tuple(NAMES), BOTH, compare=BOTH.before()),
        Question(("trips", "stickiness"), BOTH, ("date",)),
        Question(("weekly_active_vehicles",), BOTH, ("market", "week"), BOTH.before()),
        Question(("mean_speed",), week, ("model", "market")),
        Question(("mean_speed", "active_share"), week, ("market",), week.before()),
        Question((), BOTH),
    ]
    counting = _Counting(con)
    found = evaluate_all(counting, questions)  # type: ignore[arg-type]
    assert counting.asked == 2
    alone = [evaluate(con, q.metrics, q.slice, by=q.by, compare=q.compare) for q in questions]
    assert found == alone
    assert [answer.by for answer in found] == [(), (), ("market",), ("model", "market"), ("market",), ()]
    only = Question(("trips",), Slice(MONDAY, TUESDAY, {"market": ("FR",)}))
    assert evaluate_all(counting, [only, *questions])[1:] == alone  # type: ignore[arg-type]
    assert counting.asked == 5


def test_filters(con: Any) -> None:
    only = Slice(MONDAY, TUESDAY, {"market": ("DE",), "model": ()})
    assert evaluate(con, ["weekly_active_vehicles"], only).one("weekly_active_vehicles").value == 5
    assert evaluate(con, ["trips"], only).one("trips").vehicles == 0


def test_comparison_matches_groups_and_periods(con: Any) -> None:
    tuesday, monday = Slice(TUESDAY, TUESDAY), Slice(TUESDAY, TUESDAY).before()
    assert (monday.first, monday.last) == (MONDAY, MONDAY)
    value = evaluate(con, ["weekly_active_vehicles"], tuesday, compare=monday).one("weekly_active_vehicles")
    assert (value.change, value.relative_change) == (15, 0.25)
    series = evaluate(con, ["weekly_active_vehicles"], tuesday, by=("date", "market"), compare=monday)
    assert {v.group: v.change for v in series} == {("DE",): None, ("FR",): 10}


def test_no_data_is_one_empty_value_not_a_suppressed_one(con: Any) -> None:
    nothing = Slice(date(2020, 1, 1), date(2020, 1, 2))
    for value in evaluate(con, NAMES, nothing, compare=BOTH):
        assert (value.value, value.as_of, value.suppressed, value.vehicles) == (None, None, False, 0)
        assert value.change is None
    assert len(evaluate(con, NAMES, nothing, by=("date",))) == 0


def test_a_zero_denominator_has_no_value() -> None:
    con = database(driving=[{"date": MONDAY, "vehicles": 50}])
    value = evaluate(con, ["mean_speed"], Slice(MONDAY, MONDAY)).one("mean_speed")
    assert (value.value, value.numerator, value.denominator, value.suppressed) == (None, 0, 0, False)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        ({"metrics": ["typo"]}, r"(?s)No such metric.*one of \d+.*sillage metric --list"),
        ({"metrics": ["trip_lenght"]}, r"(?s)No such metric.*expected: trip_length"),
        ({"by": ("colour",)}, "is not split by 'colour'"),
        ({"by": ("date", "week")}, "by date or by week or by month"),
        ({"by": ("step",)}, "is not split by 'step'"),
        ({"compare": Slice(MONDAY, MONDAY, {"market": ("FR",)})}, "compared with one of the same filters"),
        ({"slice_": Slice(MONDAY, MONDAY, {'market" or 1=1 --': ("FR",)})}, "is not split by"),
    ],
)
def test_names_are_checked_against_the_contract(con: Any, ask: dict[str, Any], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        evaluate(con, **({"metrics": ["trips"], "slice_": BOTH} | ask))


def test_values_of_filters_are_bound_not_pasted(con: Any) -> None:
    evil = Slice(MONDAY, TUESDAY, {"market": ("FR') or ('' = '", "x'; drop table kpi.driving; --")})
    assert evaluate(con, ["trips"], evil).one("trips").value is None
    assert con.execute("select count(*) from kpi.driving").fetchone() == (2,)


def test_a_slice_does_not_end_before_it_starts() -> None:
    with pytest.raises(QueryError, match="ends before it starts"):
        Slice(TUESDAY, MONDAY)


def test_an_export_has_a_row_per_value(con: Any) -> None:
    frame = evaluate(con, NAMES, BOTH, by=("week", "market")).frame()
    assert frame.columns[:3] == ["metric", "period", "market"]
    assert frame.height == sum(2 if load_contracts().metric(n).table == "kpi.active_vehicles" else 1 for n in NAMES)
    assert evaluate(con, [], BOTH).frame().is_empty()


def test_choices_of_a_filter(con: Any) -> None:
    assert dimension_values(con, "market") == ("DE", "FR")


rows = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.integers(0, 9).map(lambda n: MONDAY + timedelta(n)),
            "market": st.sampled_from(["FR", "DE", "CN"]),
            "model": st.sampled_from(["Corvid", "Heron"]),
            "vehicles": st.integers(10, 30),
            "trips": st.integers(0, 50),
            "distance_km": st.integers(0, 500),
        }
    ),
    max_size=25,
    unique_by=lambda r: (r["date"], r["market"], r["model"]),
)


@settings(max_examples=40, deadline=None)
@given(rows, st.integers(0, 9), st.integers(0, 9), st.sets(st.sampled_from(["FR", "DE", "CN"])))
def test_any_slice_of_any_platform(given_rows: list[dict[str, Any]], start: int, days: int, markets: set[str]) -> None:
    few = only("driving")
    con = database(few, driving=given_rows)
    slice_ = Slice(MONDAY + timedelta(start), MONDAY + timedelta(start + days), {"market": tuple(markets)})
    seen = [
        r for r in given_rows
        if slice_.first <= r["date"] <= slice_.last and (not markets or r["market"] in markets)
    ]  # fmt: skip
    whole = evaluate(con, ["trip_length"], slice_, contracts=few).one("trip_length")
    assert (whole.numerator or 0, whole.denominator or 0) == (
        sum(r["distance_km"] for r in seen), sum(r["trips"] for r in seen)
    )  # fmt: skip
    for by, key in ((("date",), lambda r: (r["date"], ())), (("model",), lambda r: (None, (r["model"],)))):
        values = evaluate(con, ["trip_length"], slice_, by=by, contracts=few)
        found = {(v.period, v.group): v.denominator for v in values}
        expected: dict[Any, float] = {}
        for r in seen:
            expected[key(r)] = expected.get(key(r), 0) + r["trips"]
        assert found == expected
