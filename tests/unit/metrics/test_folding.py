"""Values that too few vehicles have are gone from what is published, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import Slice, dimension_values, evaluate, macro_statements
from metrics.folding import fold_small_values
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import KINDS, MONDAY, database, frame, only

FEW = only("active_vehicles", "driving", "services", "trip_hours", "service_retention", "automation_funnel")
DAY = Slice(MONDAY, MONDAY)

Published = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture
def published(tmp_path: Path) -> Any:
    """Publishes rows of tables and opens what was published."""
    opened = []

    def publish(**tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
        file = tmp_path / f"{len(opened)}.duckdb"
        frames = {f"kpi.{name}": frame(name, rows, FEW) for name, rows in tables.items()}
        write_figures(file, frames, contracts=FEW, version="1", provisional_days=0)
        opened.append(duckdb.connect(file, read_only=True))
        return opened[-1]

    yield publish
    for con in opened:
        con.close()


def _markets(**sizes: int) -> list[dict[str, Any]]:
    return [{"date": MONDAY, "market": m, "vehicles": n, "trips": n} for m, n in sizes.items()]


def test_a_small_value_is_published_as_other(published: Published) -> None:
    con = published(driving=_markets(FR=40, DE=50, MA=9, SN=3))
    assert dimension_values(con, "market", contracts=FEW) == ("DE", "FR", "other")
    by_market = {v.group[0]: v.value for v in evaluate(con, ["trips"], DAY, by=("market",), contracts=FEW)}
    assert by_market == {"DE": 50, "FR": 40, "other": 12}
    assert evaluate(con, ["trips"], DAY, contracts=FEW).one("trips").value == 102
    assert {row[0] for row in con.execute("select market from metric('trips', by := ['market'])").fetchall()} == {
        "DE", "FR", "other",
    }  # fmt: skip
    assert {row[0] for row in con.execute("select market from metric_values").fetchall()} == {"DE", "FR", "other"}


def test_a_folded_value_answers_as_one_that_never_was(published: Published) -> None:
    con = published(driving=_markets(FR=40, DE=50, MA=9, SN=3))
    for by in ((), ("market",), ("date",)):
        folded, never = (
            tuple(evaluate(con, ["trips"], Slice(MONDAY, MONDAY, {"market": (name,)}), by=by, contracts=FEW))
            for name in ("MA", "XX")
        )
        assert folded == never


def test_a_value_of_many_in_one_table_has_its_name_in_all(published: Published) -> None:
    """A model of which few charge is known from all others: a filter means the same on every page."""
    con = published(driving=_markets(FR=40, DE=9), active_vehicles=_markets(DE=30))
    assert dimension_values(con, "market", contracts=FEW) == ("DE", "FR")
    assert evaluate(con, ["trips"], DAY, by=("market",), contracts=FEW).series("trips", ("DE",))[0].suppressed


def test_the_largest_day_counts(published: Published) -> None:
    rows = [
        {"date": MONDAY + timedelta(n), "market": market, "vehicles": vehicles}
        for market, sizes in {"FR": (40, 40), "DE": (3, 10), "MA": (9, 9)}.items()
        for n, vehicles in enumerate(sizes)
    ]
    assert dimension_values(published(driving=rows), "market", contracts=FEW) == ("DE", "FR", "other")


def test_one_vehicle_with_many_services_is_one_vehicle(published: Published) -> None:
    rows = [
        {"date": MONDAY, "market": market, "service": f"s{number}", "vehicles": vehicles}
        for market, vehicles in {"FR": 30, "MA": 2}.items()
        for number in range(12)
    ]
    con = published(services=rows)
    assert dimension_values(con, "market", contracts=FEW) == ("FR", "other")
    assert len(dimension_values(con, "service", contracts=FEW)) == 12


def test_cohorts_have_the_vehicles_of_all_their_days(published: Published) -> None:
    rows = [
        {"date": MONDAY + timedelta(n), "market": market, "step": "delivered", "vehicles": 1}
        for market, days in {"FR": 10, "MA": 9}.items()
        for n in range(days)
    ]
    assert dimension_values(published(automation_funnel=rows), "market", contracts=FEW) == ("FR", "other")


def test_hours_are_no_names(published: Published) -> None:
    """An hour in which few drive is withheld as any other small group: that it is there tells nothing."""
    hours = {"07": 50, "03": 2}
    con = published(
        trip_hours=[
            {"date": MONDAY, "local_hour": hour, "local_weekday": "1 Mon", "vehicles": n} for hour, n in hours.items()
        ]
    )
    assert dimension_values(con, "local_hour", contracts=FEW) == ("03", "07")


def test_other_that_is_small_is_withheld_with_a_cover(published: Published) -> None:
    con = published(driving=_markets(FR=40, DE=50, MA=5, SN=1))
    found = {v.group[0]: v.suppressed for v in evaluate(con, ["trips"], DAY, by=("market",), contracts=FEW)}
    assert found == {"DE": False, "FR": True, "other": True}
    assert evaluate(con, ["trips"], Slice(MONDAY, MONDAY, {"market": ("FR", "DE")}), contracts=FEW)[0].suppressed  # type: ignore[union-attr]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "date": st.integers(0, 2).map(lambda n: MONDAY + timedelta(n)),
                "market": st.sampled_from(["FR", "DE", "MA", "other"]),
                "model": st.sampled_from(["Corvid", "Heron", "Kestra"]),
                "vehicles": st.integers(0, 12),
                "heard": st.integers(0, 12),
            }
        ),
        max_size=12,
    )
)
def test_folding_moves_rows_and_changes_no_sum(rows: list[dict[str, Any]]) -> None:
    con = database(KINDS, fleet=rows)
    sums = "select date, sum(columns('vehicles|heard|trips')) from kpi.fleet group by date order by date"
    before = con.execute(sums).fetchall()
    small = fold_small_values(con, KINDS)
    assert con.execute(sums).fetchall() == before
    for name in ("market", "model"):
        sizes: dict[str, int] = {}
        for row in rows:
            key = (row["date"], row[name])
            sizes[key] = sizes.get(key, 0) + row["vehicles"]  # type: ignore[index, call-overload]
        values = {value for _, value in sizes} - {"other"}  # type: ignore[misc]
        wanted = {v for v in values if max(n for (_, value), n in sizes.items() if value == v) < 10}  # type: ignore[misc]
        assert set(small.get(name, ())) == wanted
        left = {row[0] for row in con.execute(f"select distinct {name} from kpi.fleet").fetchall()}
        assert left - {"other"} == values - wanted
    for statement in macro_statements(KINDS):
        con.execute(statement)
