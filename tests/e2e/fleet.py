"""A made-up fleet as KPI rows, so that the pages have something to show without building a lake."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from math import sin
from typing import Any

import polars as pl

from tests.unit.metrics.platform import frame

MARKETS = {
    "CN": 900, "FR": 640, "JP": 560, "DE": 420, "GB": 330, "BR": 300, "IN": 260, "ES": 190, "TR": 120, "MX": 90,
    "MA": 40, "US": 9,
}  # fmt: skip
MODELS = (
    ("Corvid", "BEV", 0.26), ("Petrel", "HEV", 0.22), ("Avocet", "ICE", 0.18), ("Dunlin", "PHEV", 0.14),
    ("Heron", "BEV", 0.11), ("Kestrel", "ICE", 0.09),
)  # fmt: skip
YEARS = (("2024", 0.45), ("2025", 0.55))


def kpi_frames(
    last: date, days: int, *, scale: float = 1.0, seed: int = 7, markets: Sequence[str] = tuple(MARKETS)
) -> dict[str, pl.DataFrame]:
    """KPI tables of a made-up fleet that grows a little and drives less on weekends.

    Args:
        last: newest day.
        days: number of days.
        scale: size of the fleet; 1 is some 3,900 vehicles.
        seed: of the noise.
        markets: where it drives.

    Returns:
        The KPI tables that Overview and Usage show.
    """
    dice = random.Random(seed)
    active, driving = [], []
    others: dict[str, list[dict[str, Any]]] = {}
    for back in range(days - 1, -1, -1):
        day = last - timedelta(back)
        age = days - back
        weekend = day.weekday() >= 5
        for market, size in ((name, MARKETS[name]) for name in markets):
            for model, powertrain, share in MODELS:
                for year, part in YEARS:
                    key = {"date": day, "market": market, "model": model, "model_year": year, "powertrain": powertrain}
                    whole = max(1, round(size * scale * share * part * (1 + 0.0012 * age)))
                    a, d = _cell(dice, whole, age, weekend, market, model)
                    active.append(key | a)
                    driving.append(key | d)
                    for table, told in _others(a, d).items():
                        others.setdefault(table, []).append(key | told)
    for row in others.get("commands", []):
        del row["model"], row["model_year"]
    told = {"active_vehicles": active, "driving": driving, **others}
    return {f"kpi.{table}": frame(table, rows) for table, rows in told.items()}


def _others(active: dict[str, float], driving: dict[str, float]) -> dict[str, dict[str, float]]:
    """What the other families tell of the same vehicles."""
    fleet, reporting, month = (int(active[name]) for name in ("vehicles", "reporting_vehicles", "active_28d"))
    healthy, attention = reporting * 9 // 10, reporting // 15
    return {
        "connected": {"vehicles": fleet, "unit_vehicles": fleet, "connected_vehicles": reporting},
        "faults": {"vehicles": fleet, "active_28d_vehicles": month, "episodes_28d": month // 30},
        "commands": {"vehicles": reporting, "commands": reporting, "succeeded_commands": reporting * 19 // 20},
        "service_lifecycle": {"vehicles": fleet, "equipped_vehicles": fleet, "tried_vehicles": fleet // 2},
        "automation": {
            "vehicles": fleet, "known_vehicles": fleet, "fitted_vehicles": fleet,
            "driven_vehicles": driving["active_vehicles"], "fitted_km": driving["distance_km"],
            "engaged_km": driving["distance_km"] / 4,
        },
        "vehicle_health": {
            "vehicles": fleet, "reporting_vehicles": reporting, "healthy_vehicles": healthy,
            "attention_vehicles": attention, "act_now_vehicles": reporting - healthy - attention,
        },
    }  # fmt: skip


def _cell(
    dice: random.Random, fleet: int, age: int, weekend: bool, market: str, model: str
) -> tuple[dict[str, float], dict[str, float]]:
    reporting = min(fleet, round(fleet * dice.uniform(0.91, 0.96)))
    habit = (0.48 if weekend else 0.68) + 0.02 * sin(age / 9) + (0.05 if market in ("JP", "BR") else 0)
    drove = min(reporting, round(fleet * habit * dice.uniform(0.97, 1.03)))
    week = min(fleet, max(drove, round(fleet * 0.87 * dice.uniform(0.99, 1.01))))
    month = min(fleet, max(week, round(fleet * 0.94 * dice.uniform(0.995, 1.005))))
    trips = round(drove * dice.uniform(2.6, 3.1))
    length = {"CN": 9.0, "IN": 7.5, "FR": 12.5, "DE": 15.0, "US": 18.0}.get(market, 11.0) * dice.uniform(0.94, 1.06)
    distance = trips * length * (1 + 0.0008 * age if model == "Corvid" else 1)
    driving_s = distance / dice.uniform(36, 41) * 3600
    idle = driving_s * dice.uniform(0.11, 0.14) * (1.35 if market in ("IN", "TR") and age > 100 else 1)
    gain = distance * dice.uniform(1.004, 1.02)
    return (
        {
            "vehicles": fleet,
            "reporting_vehicles": reporting,
            "active_1d": drove,
            "active_7d": week,
            "active_28d": month,
        },
        {
            "vehicles": fleet,
            "active_vehicles": drove,
            "trips": trips,
            "distance_km": distance,
            "driving_s": driving_s,
            "idle_s": idle,
            "odometer_vehicles": drove,
            "odometer_gain_km": gain,
            "odometer_trip_km": distance,
        },
    )
