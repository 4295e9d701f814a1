"""A figure that is mostly one vehicle's says so, and leads no explanation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from metrics import Slice, evaluate, macro_statements
from metrics.reasons import why
from tests.unit.metrics.platform import MONDAY, database, only

FEW = only("active_vehicles", "driving", "messages", "services")
DAY = Slice(MONDAY, MONDAY)


def _day(date: Any = MONDAY, **more: Any) -> dict[str, Any]:
    plain = {"date": date, "vehicles": 50, "active_vehicles": 40, "trips": 80, "odometer_vehicles": 40}
    return plain | {"distance_km": 2000.0, "largest_distance_km": 300.0, "odometer_gain_km": 2000.0} | more


@pytest.mark.parametrize(("largest", "dominated"), [(900.0, False), (1000.0, False), (1000.1, True), (1900.0, True)])
def test_more_than_half_is_dominated(largest: float, dominated: bool) -> None:
    con = database(FEW, driving=[_day(largest_distance_km=largest)])
    for statement in macro_statements(FEW):
        con.execute(statement)
    for metric in ("distance", "mean_speed", "trip_length", "harsh_events"):
        value = evaluate(con, [metric], DAY, contracts=FEW).one(metric)
        assert value.dominated == dominated
        assert con.execute("select dominated from metric($n)", {"n": metric}).fetchall() == [(dominated,)]
    assert not evaluate(con, ["trips"], DAY, contracts=FEW).one("trips").dominated


def test_a_day_of_one_vehicle_is_set_against_all_days_and_groups() -> None:
    days = [MONDAY + timedelta(n) for n in range(3)]
    rows = [_day(day, market=market) for day in days for market in ("FR", "DE")]
    rows[2] |= {"distance_km": 9000.0, "largest_distance_km": 7000.0}
    con = database(FEW, driving=rows)

    def dominated(by: tuple[str, ...]) -> list[tuple[Any, ...]]:
        found = evaluate(con, ["distance"], Slice(days[0], days[-1]), by=by, contracts=FEW)
        return [(v.period, *v.group) for v in found if v.dominated]

    assert dominated(()) == []  # 7,000 of 19,000 km
    assert dominated(("market",)) == [(None, "FR")]
    assert dominated(("date",)) == [(days[1],)]


def test_what_is_withheld_says_nothing_of_one_vehicle() -> None:
    con = database(FEW, driving=[_day(vehicles=9, largest_distance_km=1900.0)])
    value = evaluate(con, ["distance"], DAY, contracts=FEW).one("distance")
    assert (value.suppressed, value.dominated, value.largest) == (True, False, None)


def test_a_small_sum_set_against_a_large_one_dominates_nothing() -> None:
    """One clock is ahead by a second: the mean lag of all does not become that vehicle's."""
    row = {"date": MONDAY, "vehicles": 50, "reporting_vehicles": 50, "messages": 1000, "largest_messages": 40}
    lags = {"delay_s": 5000.0, "largest_delay_s": 200.0, "lead_s": 1.0, "largest_lead_s": 1.0}
    con = database(FEW, messages=[row | lags])
    names = [m.name for m in FEW.table("messages").metrics if "lead_s" in str(m.described)]
    assert names
    for name in names:
        assert not evaluate(con, [name], DAY, contracts=FEW).one(name).dominated


def _weeks(after: dict[str, Any], **fleet: int) -> Any:
    """Two weeks of two markets, of which one has a day that is different."""
    rows = [_day(MONDAY + timedelta(n), market=market, **fleet) for n in range(14) for market in ("FR", "DE", "CN")]
    rows[-1] |= after
    return database(FEW, driving=rows)


NOW = Slice(MONDAY + timedelta(7), MONDAY + timedelta(13))


def test_a_change_that_one_vehicle_made_is_dominated() -> None:
    """A replaced odometer: far from half of the week's sum, and all of the change."""
    con = _weeks({"distance_km": 12000.0, "largest_distance_km": 10300.0})
    value = evaluate(con, ["distance"], NOW, compare=NOW.before(), contracts=FEW).one("distance")
    assert (value.change, value.dominated, value.change_dominated) == (10000, False, True)
    back = Slice(NOW.first - timedelta(7), NOW.last - timedelta(7))
    fell = evaluate(con, ["distance"], back, compare=NOW, contracts=FEW).one("distance")
    assert (fell.change, fell.change_dominated) == (-10000, True)


def test_a_change_of_many_is_not() -> None:
    con = _weeks({"distance_km": 12000.0})
    value = evaluate(con, ["distance"], NOW, compare=NOW.before(), contracts=FEW).one("distance")
    assert (value.change, value.change_dominated) == (10000, False)


def test_why_leads_with_no_segment_of_one_vehicle() -> None:
    def named(largest: float) -> list[Any]:
        fleet = {"vehicles": 5000, "active_vehicles": 4000}
        con = _weeks(fleet | {"distance_km": 30000.0, "largest_distance_km": largest}, **fleet)
        segments = why(con, "distance", NOW, NOW.before(), by=("market",), contracts=FEW).segments
        return [segment.where for segment in segments]

    assert named(300.0) == [(("market", "CN"),)]
    assert named(28300.0) == []


def test_an_export_says_so() -> None:
    con = database(FEW, driving=[_day(largest_distance_km=1900.0)])
    assert evaluate(con, ["distance"], DAY, contracts=FEW).frame()["dominated"].to_list() == [True]
