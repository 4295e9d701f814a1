"""A made-up fleet of which every KPI table tells something, so that no card of any page stands empty."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import polars as pl

from lake.settings import Settings, get_settings
from lake.storage import Lake
from metrics import KpiTable, load_contracts
from metrics.kinds.funnel import Funnel
from orchestration.operations import operations
from orchestration.publishing import refresh_freshness
from tests.e2e.fleet import kpi_frames
from tests.e2e.services import service_frames
from tests.e2e.serving import publish_frames, yesterday
from tests.integration.lake.lives import ONE, write_lives
from tests.unit.dashboard.automated import automated_frames
from tests.unit.metrics.platform import frame

DAYS = 70
#: Vehicles by market; too few in one of them to be shown.
MARKETS = {"FR": 640, "JP": 560, "DE": 420, "MA": 4}
MODELS = (("Corvid", "BEV"), ("Petrel", "HEV"))
VALUES: Mapping[str, tuple[str, ...]] = {
    "software_version": ("4.1", "4.2"),
    "months_in_service": ("0-2", "12-23"),
    "model_year": ("2025",),
    "source": ("buses",),
    "command": ("lock", "climate"),
    "channel": ("app",),
    "code": ("P0562", "P0A7F", "U0100"),
    "code_name": ("System voltage low", "Traction battery worn", "No word from the engine"),
    "ecu": ("BCM",),
    "campaign_id": ("spring",),
    "to_version": ("4.2",),
    "campaign_day": ("00", "01", "07"),
    "service": ("navigation", "remote_control"),
    "automation_level": ("2", "3"),
    "engaged_level": ("2",),
    "initiator": ("driver", "system"),
    "reason": ("driver_override", "weather"),
    "local_hour": ("07", "08", "18"),
    "local_weekday": ("1 Mon", "6 Sat"),
    "ambient_temperature": ("-5", "5", "20"),
    "signal": ("speed_kmh",),
}
#: What other tests tell a part of, and this all.
_AGAIN = ("kpi.faults", "kpi.vehicle_health", "kpi.service_payments", "kpi.commands")
_CLASSES = {"log_bucket": (40, 82, 120), "duration_days": (-1, 2, 9, 20), "age_weeks": (0, 1, 4)}


def publish_whole(folder: Path) -> Settings:
    """Publish it in a lake that holds the life of one vehicle, too."""
    settings = get_settings(lake=str(folder))
    lake = Lake.open(settings)
    write_lives(lake, yesterday())
    told = operations(lake, settings, refresh_freshness(lake))
    act = {"vehicle_id": [ONE], "market": ["FR"], "model": ["Corvid"], "reason": ["P0562"], "since": [yesterday()]}
    refused = {"source": "buses", "reason": "speed_kmh", "records": 3, "last": yesterday(), "batch": 0, "record": 9}
    told["ops.vehicles_to_act_on"] = pl.DataFrame(act)
    told["ops.rejects_by_reason"] = pl.DataFrame([refused], schema=told["ops.rejects_by_reason"].schema)
    return publish_frames(folder, whole_frames(yesterday()) | told)


def whole_frames(last: date, days: int = DAYS) -> dict[str, pl.DataFrame]:
    """All KPI tables, so many days up to the newest: some as other tests have them, the others by their contracts."""
    known = kpi_frames(last, days, markets=tuple(MARKETS)[:3]) | service_frames(last, days)
    known |= automated_frames(last, days)
    known = {name: rows for name, rows in known.items() if name not in _AGAIN}
    drawn = (table for table in load_contracts().tables if table.table not in known)
    return {table.table: _drawn(table, last, days) for table in drawn} | known


def _drawn(table: KpiTable, last: date, days: int) -> pl.DataFrame:
    dice, below = random.Random(table.name), _denominators(table)
    values = {name: cycle(VALUES[name]) for name in table.dimension_names if name in VALUES}
    steps = tuple(step.name for metric in table.metrics if isinstance(metric, Funnel) for step in metric.steps)
    classes = {key.name: cycle(_CLASSES.get(key.name) or tuple(dict.fromkeys(steps))) for key in table.keys}
    rows: list[dict[str, Any]] = []
    for back in range(days):
        for market, fleet in MARKETS.items():
            for model, powertrain in MODELS:
                for _ in range(3 if values or classes else 1):
                    row: dict[str, Any] = {"date": last - timedelta(back), "market": market, "model": model}
                    row |= {"powertrain": powertrain} | {name: next(each) for name, each in values.items()}
                    row |= {name: next(each) for name, each in classes.items()}
                    size = fleet // 2
                    for name in table.amount_names:
                        if name not in row:
                            share = 1.0 if name in below else dice.uniform(0.1, 0.4)
                            row[name] = round(size * share)
                    rows.append(row)
    kept = {name for name in rows[0] if name in {"date", *table.dimension_names, *table.key_names, *table.amount_names}}
    return frame(table.name, [{name: row[name] for name in row if name in kept} for row in rows])


def _denominators(table: KpiTable) -> set[str]:
    """Parts that others are divided by: they are as large as the fleet, so that a share is one."""
    texts = " ".join(str(getattr(metric, "denominator", "")) + metric.population.of for metric in table.metrics)
    return {"vehicles", *re.findall(r"[a-z_0-9]+", texts)}
