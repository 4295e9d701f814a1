"""What moved most: only what the parts can say, on a fleet whose change is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.cards import moved
from dashboard.view.address import default_view, parse
from dashboard.view.published import Published, Question, Reading
from dashboard.view.reader import ENGLISH
from lake.settings import get_settings
from lake.snapshot import Snapshot, point_to
from lake.storage import Lake
from metrics import Counted, Evaluation, MetricValue, load_contracts
from orchestration.publishing import write_figures
from tests.unit.metrics.platform import frame

TODAY = datetime(2026, 3, 15, 6, tzinfo=UTC)


def value(now: dict[str, float], then: dict[str, float], *, days: int = 28, before: int = 28) -> MetricValue:
    of = {"population": Counted(100, 200, "")}
    return MetricValue("m", days=days, **of | now, previous=MetricValue("m", days=before, **of | then))  # type: ignore[arg-type]


def of_fleet(counted: int, fleet: int) -> dict[str, object]:
    return {"value": float(counted), "population": Counted(counted, fleet, "in the fleet")}


ACTIVE = load_contracts().metric("monthly_active_vehicles")
SPEED = load_contracts().metric("mean_speed")
UNLOGGED = load_contracts().metric("unlogged_share")
LOOKED_AT = (
    "monthly_active_vehicles", "reporting_rate", "stickiness", "distance", "trips", "trip_length", "mean_speed",
    "idle_ratio", "unlogged_share",
)  # fmt: skip
DISTANCE = load_contracts().metric("distance")


def test_parts_of_unequal_days_are_told_per_day() -> None:
    found = value(
        {"value": 40.0, "numerator": 2800.0, "denominator": 70.0},
        {"value": 48.0, "numerator": 1200.0, "denominator": 25.0},
        before=12,
    )
    assert moved._ratio(ENGLISH, SPEED, found) == "Distance per day +0.0%, time in motion per day +20.0%."


def test_parts_below_zero_have_no_percentage() -> None:
    for now, then in ((-50.0, -100.0), (20.0, -10.0), (-10.0, 20.0)):
        found = value(
            {"value": now / 10, "numerator": now, "denominator": 1000.0},
            {"value": then / 10, "numerator": then, "denominator": 800.0},
        )
        assert moved._ratio(ENGLISH, UNLOGGED, found) == "Odometer gain +25.0%."


def test_of_next_to_nothing_there_is_no_percentage() -> None:
    found = value(
        {"value": 7.2, "numerator": 72.0, "denominator": 1000.0},
        {"value": 0.1, "numerator": 1.0, "denominator": 1000.0},
    )
    assert moved._ratio(ENGLISH, UNLOGGED, found) == "Unlogged distance 72 times as much, odometer gain +0.0%."


@pytest.mark.parametrize(
    ("now", "then", "told"),
    [
        ((19, 20), (18, 20), False),
        ((249, 260), (238, 249), False),
        ((238, 260), (180, 260), True),
        ((480, 500), (240, 250), True),
    ],
)
def test_one_vehicle_is_no_move(now: tuple[int, int], then: tuple[int, int], told: bool) -> None:
    assert moved._beyond(ACTIVE, value(of_fleet(*now), of_fleet(*then))) is told  # type: ignore[arg-type]


def test_a_total_of_few_vehicle_days_varies_by_chance() -> None:
    few = {"population": Counted(5, 20, "vehicles drove, average day")}
    assert not moved._beyond(DISTANCE, value({"value": 1100.0, **few}, {"value": 1000.0, **few}))  # type: ignore[dict-item]
    assert moved._beyond(DISTANCE, value({"value": 1100.0}, {"value": 1000.0}))


def test_what_is_only_the_fleet_is_said() -> None:
    grown = value(of_fleet(480, 500), of_fleet(240, 250))  # type: ignore[arg-type]
    assert (
        moved._total(ENGLISH, ACTIVE, grown, {}, load_contracts())
        == "Fleet +250, share of it unchanged. +240 vehicles."
    )
    woken = value(of_fleet(238, 260), of_fleet(180, 260))  # type: ignore[arg-type]
    assert (
        moved._total(ENGLISH, ACTIVE, woken, {}, load_contracts())
        == "Fleet unchanged, share of it 91.5% after 69.2%. +58 vehicles."
    )


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    """56 days of 100 vehicles in France and 100 in Japan; in the newer 28, Japan drives half as much again."""
    active, driving = [], []
    for back in range(56):
        for market in ("FR", "JP"):
            day = TODAY.date() - timedelta(1 + back)
            key = {"date": day, "market": market, "model": "Corvid", "model_year": "2025", "powertrain": "BEV"}
            trips = 150 if market == "JP" and back < 28 else 100
            sizes = {"vehicles": 100, "reporting_vehicles": 95, "active_1d": 50, "active_7d": 80, "active_28d": 90}
            active.append(key | sizes)
            parts = {"vehicles": 100, "active_vehicles": 50, "trips": trips, "distance_km": trips * 10.0}
            times = {"driving_s": trips * 900.0, "idle_s": trips * 100.0}
            odometer = {"odometer_vehicles": 50, "odometer_gain_km": trips * 10.1, "odometer_trip_km": trips * 10.0}
            driving.append(key | parts | times | odometer)
    settings = get_settings(lake=str(tmp_path / "lake"))
    lake, folder = Lake.open(settings), tmp_path / "lake" / "published"
    folder.mkdir()
    frames = {"kpi.active_vehicles": frame("active_vehicles", active), "kpi.driving": frame("driving", driving)}
    point_to(lake, write_figures(folder, frames, version="1", provisional_days=0, published_at=TODAY))
    with Published(lambda: Snapshot.open(settings)).reading() as reading:
        yield reading


def test_only_what_moved_is_told_and_the_segments_add_up(reading: Reading) -> None:
    assert reading.catalogue is not None
    view = default_view(reading.catalogue)
    whole, parts = (
        Question(LOOKED_AT, compare=True),
        Question(("distance", "trips"), ("market",), compare=True),
    )
    found = reading.ask(view, (whole, parts))
    values = moved.largest(found, found.of(whole))
    assert [value.metric for value in values] == ["distance", "trips"], "ratios did not move"
    distance, trips = moved.moves(ENGLISH, found, values, {("market",): found.of(parts)})
    assert distance.change.text == "+25.0%"
    assert distance.reason.startswith("Of +14,000 km: Japan +14,000. Rate +500, mix of markets")
    assert trips.reason.startswith("Of +1,400 trips: Japan +1,400. Rate +50, mix of markets")
    assert distance.where == (), "of two markets of 50 that drove, chance is not ruled out"


def test_a_change_of_mix_alone_is_called_mix() -> None:
    contract = load_contracts().metric("fault_incidence")

    def part(now: tuple[float, float], then: tuple[float, float], group: tuple[str, ...] = ()) -> MetricValue:
        def of(pair: tuple[float, float]) -> dict[str, object]:
            rate = 1000 * pair[0] / pair[1]
            return {"value": rate, "numerator": pair[0], "denominator": pair[1], "low": rate * 0.9, "high": rate * 1.1}

        before = MetricValue("fault_incidence", days=28, **of(then))  # type: ignore[arg-type]
        return MetricValue("fault_incidence", days=28, group=group, previous=before, **of(now))  # type: ignore[arg-type]

    # Each model has the rate that it had; there are more of the one with many faults.
    whole = part((700.0, 20000.0), (400.0, 20000.0))
    by_model = [
        part((600.0, 10000.0), (240.0, 4000.0), ("Corvid",)),
        part((100.0, 10000.0), (160.0, 16000.0), ("Heron",)),
    ]
    segments = {("model",): Evaluation(("model",), tuple(by_model))}
    move = moved._move(ENGLISH, contract, whole, segments, load_contracts())
    assert "Rate +0" in move.reason
    assert "mix of models +15.0 per 1,000." in move.reason


def test_what_one_vehicle_moved_is_not_told(reading: Reading) -> None:
    assert reading.catalogue is not None
    view = default_view(reading.catalogue)
    whole, parts = Question(LOOKED_AT, compare=True), Question(("distance",), ("market",), compare=True)
    found = reading.ask(view, (whole, parts))
    values = [replace(v, largest=0.6) if v.metric == "distance" else v for v in found.of(whole)]
    assert [v.metric for v in moved.largest(found, Evaluation((), tuple(values)))] == ["trips"]
    segments = Evaluation(("market",), tuple(replace(v, largest=0.6) for v in found.of(parts)))
    (distance,) = moved.moves(ENGLISH, found, [found.of(whole).one("distance")], {("market",): segments})
    assert distance.reason.startswith("+14,000 km. Rate +500"), "no market leads"


def test_without_a_period_before_nothing_is_told(reading: Reading) -> None:
    assert reading.catalogue is not None

    view, _ = parse("?days=90", reading.catalogue)
    whole = Question(LOOKED_AT, compare=True)
    found = reading.ask(view, (whole,))
    assert moved.largest(found, found.of(whole)) == []
