"""``sillage metric`` and ``sillage why`` on a published fleet: the figures of ``evaluate``, and errors that help."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lake.settings import Settings, get_settings
from lake.snapshot import Snapshot, current, point_to
from lake.storage import Lake
from metrics import Slice, evaluate, load_contracts
from metrics.kinds.survival import Survival
from orchestration.publishing import write_figures
from tests.integration.cli.conftest import Run
from tests.integration.lakes import environment
from tests.unit.metrics.platform import frame

NOW = datetime(2026, 3, 15, 6, tzinfo=UTC)
LAST = NOW.date() - timedelta(1)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Eight weeks of 500 vehicles in each of three markets; in the newer four, Japan drives half as much again."""
    rows = []
    for back in range(56):
        for market in ("FR", "DE", "JP"):
            trips = 300 if market == "JP" and back < 28 else 200
            key = {"date": LAST - timedelta(back), "market": market, "model": "Corvid", "model_year": "2025"}
            parts = {"vehicles": 500, "active_vehicles": 500, "trips": trips, "distance_km": trips * 10.0}
            times = {"driving_s": trips * 900.0, "idle_s": trips * 100.0}
            odometer = {"odometer_vehicles": 0, "odometer_gain_km": 0.0, "odometer_trip_km": 0.0}
            rows.append(key | {"powertrain": "BEV"} | parts | times | odometer)
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake, folder = Lake.open(settings), tmp_path / "lake" / "published"
    folder.mkdir()
    frames = {"kpi.driving": frame("driving", rows)}
    point_to(lake, write_figures(folder, frames, version="1", provisional_days=2, published_at=NOW))
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings


def test_figures_are_those_of_evaluate_to_the_last_digit(fleet: Settings, run: Run) -> None:
    said = run("metric", "distance", "idle_ratio", "--by", "market", "--last", "7", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(said.out)))
    with Snapshot.open(fleet).cursor() as cursor:
        found = evaluate(cursor, ["distance", "idle_ratio"], Slice(LAST - timedelta(6), LAST), by=("market",))
    assert [(x["metric"], x["market"], float(x["value"])) for x in lines] == [
        (v.metric, v.group[0], v.value) for v in found
    ]


def test_what_is_open_is_known_up_to_the_newest_day_that_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """As the dashboard and SQL have it: a day that has only begun does not make a case a day older."""
    metric = next(m for m in load_contracts().metrics if isinstance(m, Survival) and m.after_days)
    began, name = LAST - timedelta(metric.after_days - 1), metric.table.removeprefix("kpi.")
    row = {"date": began, "vehicles": 50, metric.rests_on: 50, "duration_days": -1, metric.cases: 40}
    ended = {"date": began, "duration_days": 0, metric.cases: 10}
    begun = {"date": LAST + timedelta(1), "vehicles": 50, metric.rests_on: 50, "duration_days": 0}
    frames = {metric.table: frame(name, [row, ended, begun])}
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake, folder = Lake.open(settings), tmp_path / "lake" / "published"
    folder.mkdir()
    point_to(lake, write_figures(folder, frames, version="1", provisional_days=0, published_at=NOW))
    for variable, value in environment(settings).items():
        monkeypatch.setenv(variable, value)
    said = json.loads(run("metric", metric.name, "--from", str(began), "--to", str(began), "--format", "json").out)
    with Snapshot.open(settings).cursor() as cursor:
        sql = cursor.execute("select value from metric($n) where date = $d", {"n": metric.name, "d": began}).fetchall()
        later = evaluate(cursor, [metric.name], Slice(began, began)).one(metric.name)
    assert [(x["value"],) for x in said] == sql == [(None,)]
    assert later.value is not None


def test_filters_periods_and_grain(fleet: Settings, run: Run) -> None:
    said = run(
        "metric", "trips", "--where", "market=JP", "--where", "market=FR", "--from", "2026-03-01", "--to", "2026-03-03",
        "--grain", "day", "--format", "json",
    )  # fmt: skip
    assert [(x["period"], x["value"]) for x in json.loads(said.out)] == [
        ("2026-03-01", 500.0), ("2026-03-02", 500.0), ("2026-03-03", 500.0),
    ]  # fmt: skip


def test_a_table_has_units_the_change_and_that_it_is_provisional(fleet: Settings, run: Run) -> None:
    said = run("metric", "trips", "--compare", "previous")
    text = " ".join(said.out.split())
    assert "19,600 trips" in text
    assert "16,800 trips" in text
    assert "+2,800 trips" in text
    assert "provisional" in text


def test_what_is_still_expected_is_told(fleet: Settings, run: Run) -> None:
    """Of how late messages come nothing is known on this lake; then it is."""
    assert "provisional from 2026-03-13: late data is still expected" in " ".join(run("metric", "trips").out.split())
    lake = Lake.open(fleet)
    known = current(lake)
    assert known is not None
    point_to(lake, replace(known, expected=((known.data_to, 0.034),)))  # type: ignore[arg-type]
    said = " ".join(run("metric", "trips").out.split())
    assert f"of the messages of {known.data_to}, 3.4% are still expected" in said


def test_ranks_are_told_and_written(fleet: Settings, run: Run) -> None:
    text = " ".join(run("rank", "trip_length").out.split())
    assert "mix of" in text
    assert "All places hold together at 95%" in text
    said = run("rank", "trips", "--by", "market", "--last", "7", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(said.out)))
    assert [(x["rank"], x["market"], x["value"], x["lowest"]) for x in lines] == [
        ("1", "JP", "2100.0", ""), ("2", "DE", "1400.0", ""), ("2", "FR", "1400.0", ""),
    ]  # fmt: skip
    assert float(lines[0]["gap"]) == 2100 - 4900
    refused = run("rank", "trips", "--by", "colour")
    assert refused.code != 0
    assert "colour" in refused.err


def test_the_list_and_the_contract(fleet: Settings, run: Run) -> None:
    listed = run("metric", "--list").out
    assert "idle_ratio" in listed
    explained = run("metric", "idle_ratio", "--explain").out
    for words in ("Time at rest within trips", "core.vehicle_days", "kpi.driving", "select"):
        assert words in explained


def test_why_names_the_market_that_moved(fleet: Settings, run: Run) -> None:
    said = run("why", "trips").out
    assert "market JP: 8,400 trips after 5,600 trips; explains 100% of the change" in " ".join(said.split())


def test_why_names_nothing_where_nothing_moved(fleet: Settings, run: Run) -> None:
    assert "stands out beyond chance" in run("why", "trips", "--where", "market=FR", "--where", "market=DE").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("metric",), "No metric was named"),
        (("metric", "nonsense"), "No such metric"),
        (("metric", "trips", "--by", "colour"), "colour"),
        (("metric", "trips", "--where", "market"), "dimension=value"),
        (("metric", "trips", "--where", "market=XX"), "No such value of market"),
        (("why", "trips", "--where", "market=XX"), "No such value of market"),
        (("metric", "--list", "--family", "colour"), "No such family"),
        (("metric", "trips", "--from", "2026-03-09", "--to", "2026-03-01"), "ends before it starts"),
        (("why", "nonsense"), "No such metric"),
    ],
)
def test_what_cannot_be_answered_is_said(fleet: Settings, run: Run, arguments: tuple[str, ...], words: str) -> None:
    said = run(*arguments)
    assert said.code == 1
    assert words in said.err


def test_before_anything_is_published_the_command_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    settings = get_settings(lake=str(tmp_path / "bare"))
    Lake.open(settings)
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    said = run("metric", "trips")
    assert said.code == 1
    assert "sillage publish" in said.err
