"""What the shipped contracts promise, and what a wrong one is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.errors import ContractError, QueryError
from lake.metrics import SQL_FOLDER, load_contracts
from lake.metrics.contract import ValueFormat
from lake.metrics.expressions import ExpressionError, check_expression, expression_sql, parts_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(SQL_FOLDER / "kpi", tmp_path / "kpi")


def _edit(folder: Path, change: Any) -> None:
    path = folder / "usage" / "driving.yml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def test_the_shipped_contracts() -> None:
    contracts = load_contracts()
    assert [t.table for t in contracts.tables] == ["kpi.active_vehicles", "kpi.driving"]
    assert contracts.table("driving").inputs == ("core.vehicle_days",)
    assert contracts.table("kpi.active_vehicles").days_back == 27
    assert contracts.metric("weekly_active_vehicles").smallest_group == 10
    windows = {m.name: m.window_days for m in contracts.metrics if m.window_days > 1}
    assert windows == {
        "active_rate_28d": 28, "monthly_active_vehicles": 28, "stickiness": 28, "weekly_active_vehicles": 7,
    }  # fmt: skip
    assert load_contracts() is contracts
    names = [m.name for m in contracts.metrics]
    assert names == sorted(names)


@pytest.mark.parametrize("table", load_contracts().tables, ids=lambda t: t.table)
def test_a_table_has_a_spec_for_the_lake(table: Any) -> None:
    assert table.spec.layer == "kpi"
    assert table.spec.day_column == "date"
    assert tuple(table.spec.schema.column_names()) == table.columns
    assert table.spec.schema.primary_key() == ["date", *table.dimension_names]


WRONG: list[tuple[str, Any, list[str]]] = [
    ("unknown key of a metric", lambda c: c["metrics"]["trips"].update(colour="red"),
     ["usage/driving.yml: metrics.trips.colour", "a key that is not known", "numerator"]),
    ("unknown key of a nested model", lambda c: c["metrics"]["trips"]["format"].update(digits=2),
     ["metrics.trips.format.digits", "one of decimals, significant"]),
    ("unknown key of the table", lambda c: c.update(dayz=1), ["driving.yml: dayz", "one of table, description"]),
    ("missing key", lambda c: c["metrics"]["trips"].pop("unit"), ["metrics.trips.unit", "found: nothing", "needed"]),
    ("missing key of the table", lambda c: c.pop("days_back"), ["days_back", "nothing"]),
    ("a value that is not allowed", lambda c: c["metrics"]["trips"].update(direction="sideways"),
     ["metrics.trips.direction", "'sideways'", "'up', 'down' or 'none'"]),
    ("an undeclared part", lambda c: c["metrics"]["trips"].update(numerator="sum(voyages)"),
     ["metrics.trips.numerator", "voyages is not a part", "distance_km"]),
    ("an undeclared part of a population", lambda c: c["metrics"]["trips"]["population"].update(of="sum(fleet)"),
     ["metrics.trips.population.of", "fleet is not a part"]),
    ("a part that counts no vehicles", lambda c: c["metrics"]["trips"].update(rests_on="distance_km"),
     ["metrics.trips.rests_on", "'distance_km'", "active_vehicles"]),
    ("an interval of a count", lambda c: c["metrics"]["trips"].update(interval="wilson"),
     ["interval wilson needs a denominator"]),
    ("two kinds of format", lambda c: c["metrics"]["trips"].update(format={"decimals": 1, "significant": 3}),
     ["exactly one of decimals and significant"]),
    ("a dimension nobody declared", lambda c: c["dimensions"].append("colour"),
     ["dimensions", "'colour'", "market, model"]),
    ("no part vehicles", lambda c: c["parts"].pop("vehicles"), ["parts", "vehicles (int)"]),
    ("another table's name", lambda c: c.update(table="kpi.drives"), ["'kpi.drives'", "kpi.driving"]),
    ("a part the query lacks", lambda c: c["parts"].update(x={"type": "int", "unit": "x", "description": "x"}),
     ["driving.sql: columns", "x, as the contract says"]),
    ("a metric of another table's name", lambda c: c["metrics"].update(stickiness=c["metrics"].pop("trips")),
     ["Two of one name: metric stickiness", "kpi.active_vehicles and in kpi.driving"]),
    ("a list where keys belong", lambda c: c.update(metrics=["trips"]), ["metrics", "list", "keys with values"]),
    ("a name stated twice", lambda c: c["metrics"]["trips"].update(name="trips"), ["metrics.trips.name"]),
    ("a name that SQL cannot take", lambda c: c["metrics"].update({"Trip's": c["metrics"].pop("trips")}),
     ["metrics.Trip's", "pattern"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), [(c, s) for _, c, s in WRONG], ids=[name for name, _, _ in WRONG])
def test_a_wrong_contract_is_told_where_and_what(folder: Path, change: Any, says: list[str]) -> None:
    _edit(folder, change)
    with pytest.raises(ContractError) as raised:
        load_contracts(folder)
    for text in says:
        assert text in str(raised.value)


QUERIES = [
    ("select date from core.trips", "columns"),
    ("selec 1", "is not one SQL query"),
    ("create table x as select 1", "one select"),
]


@pytest.mark.parametrize(("sql", "says"), QUERIES)
def test_a_wrong_query_is_refused(folder: Path, sql: str, says: str) -> None:
    (folder / "usage" / "driving.sql").write_text(sql)
    with pytest.raises(ContractError, match=says):
        load_contracts(folder)


REPLACED = [
    ("core.vehicle_days", "raw.telemetry", "raw.telemetry"),
    ("cast($first_day as date)", "date '2026-01-01'", "parameters"),
    ("cast($first_day as date)", "cast($from_day as date)", "from_day"),
]


@pytest.mark.parametrize(("old", "new", "says"), REPLACED)
def test_a_query_reads_core_for_a_range_of_days(folder: Path, old: str, new: str, says: str) -> None:
    path = folder / "usage" / "driving.sql"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ContractError, match=says):
        load_contracts(folder)


def test_files_belong_in_pairs(folder: Path) -> None:
    (folder / "usage" / "charging.sql").write_text("select 1")
    with pytest.raises(ContractError, match="has no contract"):
        load_contracts(folder)
    (folder / "usage" / "charging.sql").unlink()
    (folder / "usage" / "driving.sql").unlink()
    with pytest.raises(ContractError, match="has no query"):
        load_contracts(folder)


def test_an_empty_folder_and_broken_yaml(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="missing"):
        load_contracts(tmp_path / "nothing")
    (folder / "usage" / "driving.yml").write_text("a: [")
    with pytest.raises(ContractError, match="not YAML"):
        load_contracts(folder)


def test_unknown_names_list_the_known() -> None:
    for ask in (load_contracts().table, load_contracts().metric, load_contracts().dimension):
        with pytest.raises(QueryError, match=r"(?s)found: typo.*expected: .+"):
            ask("typo")


@pytest.mark.parametrize(
    "text",
    ["trips", "sum(trips", "max(trips)", "sum(trips + 1)", "sum(other)", "sum(t.trips)", "1", "count(*)",
     "sum(trips) filter (where date > 1)", "sum(distinct trips)", "(select 1)", "sum(trips) over ()", "sum('trips')",
     "sum(trips); drop table x", "sum(trips) || 'x'"],
)  # fmt: skip
def test_expressions_are_arithmetic_on_sums(text: str) -> None:
    with pytest.raises(ExpressionError):
        check_expression(text, {"trips"})


def test_an_expression_as_sql() -> None:
    text = "(sum(a) - sum(b)) / 3600"
    check_expression(text, {"a", "b"})
    assert parts_of(text) == ("a", "b")
    assert expression_sql("sum(a)").lower() == 'cast(coalesce(sum("a"), 0) as double)'
    assert "FILTER(WHERE date = as_of)" in expression_sql("sum(a)", newest_day_only=True)


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        ({"decimals": 0}, 412806.4, "412,806"),
        ({"decimals": 2}, 0.379, "0.38"),
        ({"significant": 3}, 91.449, "91.4"),
        ({"significant": 3}, 412806.0, "413,000"),
        ({"significant": 3}, 0.0012345, "0.00123"),
        ({"significant": 3}, -7.0, "-7.00"),
        ({"significant": 3}, 99.96, "100"),
        ({"significant": 3}, 0.0, "0"),
        ({"decimals": 0}, -0.3, "0"),
    ],
)
def test_values_are_written_as_the_format_says(form: dict[str, int], value: float, text: str) -> None:
    assert ValueFormat(**form).text(value) == text
