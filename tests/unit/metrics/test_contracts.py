"""What the shipped contracts promise, and what a wrong one is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from lake.errors import ContractError, QueryError
from metrics import SQL_FOLDER, InputReach, load_contracts
from metrics.contract import ValueFormat
from metrics.expressions import ExpressionError, check_expression, parts_of, sum_sql, written_out
from metrics.kinds import KINDS as KIND_CLASSES
from metrics.kinds.plain import whole
from tests.unit.metrics.platform import KINDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(SQL_FOLDER / "kpi", tmp_path / "kpi")


def _edit(folder: Path, change: Any) -> None:
    path = folder / "usage" / "driving.yml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _whole(folder: Path) -> None:
    """Read contracts and queries."""
    for table in load_contracts(folder).tables:
        assert table.inputs


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("sum(a)", "sum(a)"),
        ("sum(a) - sum(b)", "(sum(a) - sum(b))"),
        ("(sum(a) + sum(b))", "(sum(a) + sum(b))"),
        ("(sum(a) + sum(b)) / 3600", "((sum(a) + sum(b)) / 3600)"),
        ("(sum(a) - sum(b)) * (sum(c) + sum(d))", "((sum(a) - sum(b)) * (sum(c) + sum(d)))"),
    ],
)
def test_a_formula_reads_as_it_is_worked_out(expression: str, printed: str) -> None:
    assert whole(expression) == printed


def test_the_shipped_contracts() -> None:
    contracts = load_contracts()
    assert [t.table for t in contracts.tables] == sorted({t.table for t in contracts.tables})
    assert contracts.table("driving").inputs == {"core.vehicle_days": InputReach()}
    assert contracts.table("kpi.active_vehicles").inputs == {"core.vehicle_days": InputReach(back=27)}
    assert contracts.metric("weekly_active_vehicles").smallest_group == 10
    names = ("active_rate_28d", "monthly_active_vehicles", "stickiness", "weekly_active_vehicles", "trips")
    assert [contracts.metric(name).window_days for name in names] == [28, 28, 28, 7, 1]
    assert load_contracts() is contracts
    names = [m.name for m in contracts.metrics]
    assert names == sorted(names)


@pytest.mark.parametrize("table", load_contracts().tables, ids=lambda t: t.table)
def test_a_table_has_a_spec_for_the_lake(table: Any) -> None:
    assert table.spec.layer == "kpi"
    assert table.spec.day_column == "date"
    assert tuple(table.spec.schema.column_names()) == table.columns
    assert table.spec.schema.primary_key() == ["date", *table.dimension_names, *table.key_names]


WRONG: list[tuple[str, Any, list[str]]] = [
    ("unknown key of a metric", lambda c: c["metrics"]["trips"].update(colour="red"),
     ["usage/driving.yml: metrics.trips.colour", "no key of the kind count", "one of kind, label", "numerator"]),
    ("another kind's key", lambda c: c["metrics"]["trips"].update(denominator="sum(vehicles)"),
     ["metrics.trips.denominator", "no key of the kind count", "numerator"]),
    ("an interval that the kind does not have", lambda c: c["metrics"]["trips"].update(interval="wilson"),
     ["metrics.trips.interval", "no key of the kind count"]),
    ("an interval of another kind", lambda c: c["metrics"]["mean_speed"].update(interval="poisson"),
     ["metrics.mean_speed.interval", "'poisson'", "'none' or 'wilson'"]),
    ("a kind nobody knows", lambda c: c["metrics"]["trips"].update(kind="median"),
     ["metrics.trips.kind", "'median'", "count, ratio, rate, mean"]),
    ("no kind", lambda c: c["metrics"]["trips"].pop("kind"), ["metrics.trips.kind", "found: nothing", "one of count"]),
    ("a heading that is too long", lambda c: c["metrics"]["trips"].update(short="Trips that began in the range"),
     ["metrics.trips.short", "at most 18 characters"]),
    ("no names of the parts", lambda c: c["metrics"]["mean_speed"].pop("numerator_label"),
     ["metrics.mean_speed.numerator_label", "needed"]),
    ("a metric that is no count", lambda c: c["metrics"]["trips"].update(numerator="metric(mean_speed)"),
     ["metrics.trips.numerator", "metric(mean_speed)", "a count of this table: distance, "]),
    ("metrics in a circle", lambda c: (c["metrics"]["trips"].update(numerator="metric(distance)"),
                                       c["metrics"]["distance"].update(numerator="2 * metric(trips)")),
     ["metrics.distance.numerator", " -> ", "circle"]),
    ("a reach nobody knows", lambda c: c.update(inputs={"core.vehicle_days": "backwards"}),
     ["inputs.core.vehicle_days", "'backwards'", "onward or throughout"]),
    ("a reach with a wrong key", lambda c: c.update(inputs={"core.vehicle_days": {"bac": 2}}),
     ["inputs.core.vehicle_days.bac", "one of back, forward"]),
    ("a reach below zero", lambda c: c.update(inputs={"core.vehicle_days": {"back": -2}}),
     ["inputs.core.vehicle_days.back", "-2", "greater than or equal to 0"]),
    ("a reach of what is not read", lambda c: c.update(inputs={"core.trips": {"back": 2}}),
     ["driving.yml: inputs.core.trips", "does not read", "core.vehicle_days"]),
    ("two columns of one name", lambda c: c.update(keys={"market": {"type": "text", "description": "x"}}),
     ["market", "two columns of this name"]),
    ("an overlap of what is no dimension", lambda c: c.update(overlapping=["service"]),
     ["driving.yml: overlapping", "'service'", "market, model"]),
    ("cohorts that are neither true nor false", lambda c: c.update(cohorts="weekly"),
     ["driving.yml: cohorts", "weekly", "boolean"]),
    ("a key of no type", lambda c: c.update(keys={"step": {"type": "float", "description": "x"}}),
     ["keys.step.type", "'int' or 'text'"]),
    ("a key the query lacks", lambda c: c.update(keys={"step": {"type": "text", "description": "x"}}),
     ["driving.sql: columns", "powertrain, step, vehicles"]),
    ("no population anywhere", lambda c: c.pop("population"), ["population", "needed"]),
    ("unknown key of a nested model", lambda c: c["metrics"]["trips"]["format"].update(digits=2),
     ["metrics.trips.format.digits", "one of decimals, significant"]),
    ("unknown key of the table", lambda c: c.update(dayz=1), ["driving.yml: dayz", "one of table, description"]),
    ("missing key", lambda c: c["metrics"]["trips"].pop("unit"), ["metrics.trips.unit", "found: nothing", "needed"]),
    ("missing key of the table", lambda c: c.pop("owner"), ["owner", "nothing"]),
    ("a value that is not allowed", lambda c: c["metrics"]["trips"].update(direction="sideways"),
     ["metrics.trips.direction", "'sideways'", "'up', 'down' or 'none'"]),
    ("an undeclared part", lambda c: c["metrics"]["trips"].update(numerator="sum(voyages)"),
     ["metrics.trips.numerator", "voyages is not a part", "distance_km"]),
    ("an undeclared part of a population", lambda c: c["population"].update(of="sum(fleet)"),
     [".population.of", "fleet is not a part"]),
    ("a part that counts no vehicles", lambda c: c["metrics"]["trips"].update(rests_on="distance_km"),
     ["metrics.trips.rests_on", "'distance_km'", "active_vehicles"]),
    ("two kinds of format", lambda c: c["metrics"]["trips"].update(format={"decimals": 1, "significant": 3}),
     ["exactly one of decimals and significant"]),
    ("a dimension nobody declared", lambda c: c["dimensions"].append("colour"),
     ["dimensions", "'colour'", "market, model"]),
    ("no part vehicles", lambda c: c["parts"].pop("vehicles"), ["parts", "vehicles (int)"]),
    ("another table's name", lambda c: c.update(table="kpi.drives"), ["'kpi.drives'", "kpi.driving"]),
    ("a part the query lacks", lambda c: c["parts"].update(x={"type": "int", "unit": "x", "description": "x"}),
     ["driving.sql: columns", "x, largest_distance_km"]),
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
        _whole(folder)
    for text in says:
        assert text in str(raised.value)


OF_KINDS: list[tuple[str, str, Any, list[str]]] = [
    ("a histogram that is no part", "latencies", lambda m: m["latency_p50"].update(histogram="seconds"),
     ["kinds/latencies.yml: metrics.latency_p50.histogram", "'seconds'", "a part that is a count: vehicles, cases"]),
    ("a quantile of everything", "latencies", lambda m: m["latency_p50"].update(quantile=1),
     ["metrics.latency_p50.quantile", "found: 1", "less than 1"]),
    ("a quantile over an average day", "latencies", lambda m: m["latency_p50"].update(over_time="mean"),
     ["metrics.latency_p50.over_time", "'mean'", "'sum' or 'last'"]),
    ("a kind without its key", "fleet", lambda m: m["heard_share"].update(kind="quantile"),
     ["metrics.heard_share.numerator", "no key of the kind quantile", "histogram"]),
    ("a key that the table lacks", "fleet",
     lambda m: m.update(x={**{k: m["heard_share"][k] for k in ("label", "short", "definition", "unit", "format",
                                                              "direction")},
                           "kind": "cohort", "size": "heard", "retained": "heard", "at_age": 1}),
     ["metrics.x.kind", "cohort in a table with no keys", "a table with the key age_weeks (int)"]),
    ("days without the statistic", "episodes", lambda m: m["time_to_clear"].update(after_days=3),
     ["metrics.time_to_clear", "after_days with the statistic open_after"]),
    ("a statistic nobody knows", "episodes", lambda m: m["time_to_clear"].update(statistic="mode"),
     ["metrics.time_to_clear.statistic", "'mode'", "'median' or 'open_after'"]),
    ("a step twice", "steps", lambda m: m["adopted"]["steps"].append(m["adopted"]["steps"][0] | {"within_days": 40}),
     ["metrics.adopted.steps", "delivered, consented, used, delivered", "each step once"]),
    ("windows that shrink", "steps", lambda m: m["adopted"]["steps"][1].update(within_days=90),
     ["metrics.adopted.steps", "[0, 90, 30]", "no shorter than the one before"]),
    ("an unknown key of a step", "steps", lambda m: m["adopted"]["steps"][1].update(days=90),
     ["metrics.adopted.steps.1.days", "one of name, label, within_days"]),
    ("one step", "steps", lambda m: m["adopted"].update(steps=m["adopted"]["steps"][:1]),
     ["metrics.adopted.steps", "at least 2"]),
    ("an age below zero", "retention", lambda m: m["retained_week_4"].update(at_age=-1),
     ["metrics.retained_week_4.at_age", "-1"]),
    ("a base that is not there", "fleet", lambda m: m["km_at_mix"].update(base="trips"),
     ["metrics.km_at_mix.base", "'trips'", "a ratio or rate of this table: heard_share, "]),
    ("a base that is standardised", "fleet", lambda m: m["km_at_mix"].update(base="heard_at_mix"),
     ["metrics.km_at_mix.base", "'heard_at_mix'"]),
    ("a mix of no dimension", "fleet", lambda m: m["km_at_mix"].update(over="heard"),
     ["metrics.km_at_mix.over", "'heard'", "a dimension of this table: market, model"]),
    ("days that combine otherwise than the base's", "fleet", lambda m: m["km_at_mix"].update(over_time="last"),
     ["metrics.km_at_mix.over_time", "'last'", "'sum', as km_per_vehicle has it"]),
    ("squares that are no expression", "fleet", lambda m: m["mean_trip"].update(squares="distance_km2"),
     ["metrics.mean_trip.squares", "distance_km2 is neither a sum"]),
]  # fmt: skip


@pytest.mark.parametrize(("table", "change", "says"), [case[1:] for case in OF_KINDS], ids=[c[0] for c in OF_KINDS])
def test_a_kind_says_what_it_needs(tmp_path: Path, table: str, change: Any, says: list[str]) -> None:
    folder = shutil.copytree(Path(__file__).parent / "kinds" / "kpi", tmp_path / "kpi")
    path = folder / "kinds" / f"{table}.yml"
    content = yaml.safe_load(path.read_text())
    change(content["metrics"])
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ContractError) as raised:
        load_contracts(folder)
    for text in says:
        assert text in str(raised.value)


def test_the_contracts_of_the_kinds_are_right() -> None:
    for table in KINDS.tables:
        assert table.inputs
    assert {m.kind for m in KINDS.metrics} | {"count"} == set(KIND_CLASSES)


QUERIES = [
    ("select date from core.trips", "columns"),
    ("selec 1", "is not one SQL query"),
    ("create table x as select 1", "one select"),
]


@pytest.mark.parametrize(("sql", "says"), QUERIES)
def test_a_wrong_query_is_refused(folder: Path, sql: str, says: str) -> None:
    (folder / "usage" / "driving.sql").write_text(sql)
    with pytest.raises(ContractError, match=says):
        _whole(folder)


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
        _whole(folder)


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
     "sum(trips); drop table x", "sum(trips) || 'x'", "sum(trips) ** 2", "sum(trips) if 1 else 2", "metric(trips)",
     "sum(trips) * 1e999", "sum(trips) + True", "sum(*trips)", "sum(trips, trips)", "sum(x=trips)", ""],
)  # fmt: skip
def test_expressions_are_arithmetic_on_sums(text: str) -> None:
    with pytest.raises(ExpressionError):
        check_expression(text, {"trips"})


def test_an_expression_as_sql() -> None:
    text = "(sum(a) - sum(b)) / 3600"
    check_expression(text, {"a", "b"})
    assert parts_of(text) == ("a", "b")
    assert sum_sql(text, lambda part: f'"{part}"') == '(("a" - "b") / 3600)'
    assert sum_sql("- -sum(a) * 1.5", lambda part: part) == "((- (- a)) * 1.5)"


def test_a_metric_in_an_expression_is_written_out() -> None:
    meaning = {"distance": "sum(km)", "gap": "sum(gain) - sum(km)"}
    assert written_out("metric(gap) / metric(distance)", meaning.__getitem__) == "((sum(gain) - sum(km)) / (sum(km)))"
    whole = load_contracts().metric("unlogged_share")
    assert whole.formula == "(sum(odometer_gain_km) - sum(odometer_trip_km)) / sum(odometer_gain_km)"


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
