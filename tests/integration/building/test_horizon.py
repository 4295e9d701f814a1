"""A vehicle whose clock is ahead does not make tomorrow the newest day of the fleet."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.schemas.ops import Batches
from lake.storage import Lake
from lake.tables import open_table
from orchestration.building import build
from orchestration.survey import Survey
from tests.integration.lakes import opened, rows
from tests.unit.core.frames import CAR, NOON, VAN, telemetry

DAY = NOON.date()
TOMORROW = DAY + timedelta(days=1)


def arrive(lake: Lake, ahead: timedelta, received_at: datetime | None) -> None:
    """A batch of two vehicles of which one has a clock that is ahead."""
    drive = [{"s": 10 * n, "speed_kmh": 50.0} for n in range(30)]
    sent = [row | {"event_at": NOON + timedelta(seconds=row["s"])} for row in drive]
    shifted = [row | {"event_at": row["event_at"] + ahead, "vehicle_id": VAN} for row in sent]
    both = telemetry([{k: v for k, v in row.items() if k != "s"} for row in [*sent, *shifted]])
    open_table(lake, "raw.telemetry").append(both)
    batch = {
        "source": "test", "batch": 0, "status": "landed", "at": NOON, "file": "f", "file_number": 0,
        "fingerprint": "f", "size_bytes": 0, "modified_at": NOON, "records": len(both), "landed": len(both),
        "rejected": 0, "newest_event_at": both["event_at"].max(), "newest_received_at": received_at,
    }  # fmt: skip
    open_table(lake, "ops.batches").append(pl.DataFrame([batch], schema=Batches.create_empty().schema))


def vehicle_days(lake: Lake) -> list[tuple[date, str]]:
    return sorted(rows(lake, "core.vehicle_days").select("date", "vehicle_id").rows())


def test_what_a_clock_that_is_ahead_says_waits_for_its_day(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    arrive(lake, timedelta(hours=14), NOON + timedelta(minutes=6))
    build(lake, settings)
    assert vehicle_days(lake) == [(DAY, CAR)]
    arrive(lake, timedelta(), NOON + timedelta(days=1))
    build(lake, settings)
    assert vehicle_days(lake) == [(DAY, CAR), (DAY, VAN), (TOMORROW, VAN)]


@pytest.mark.parametrize(
    ("received_at", "horizon"),
    [
        (None, TOMORROW),
        (NOON, DAY),
        (NOON + timedelta(days=2), TOMORROW),
        (NOON - timedelta(days=300), TOMORROW),  # the times of the files mean nothing
    ],
)
def test_the_newest_arrival_is_the_horizon_where_it_can_be(
    tmp_path: Path, received_at: datetime | None, horizon: date
) -> None:
    lake, _ = opened(tmp_path / "lake")
    arrive(lake, timedelta(hours=14), received_at)
    assert Survey(lake).horizon == horizon


def test_a_day_that_was_computed_stays_up_to_date_where_the_horizon_goes_back(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    arrive(lake, timedelta(hours=14), None)
    build(lake, settings)
    assert vehicle_days(lake) == [(DAY, CAR), (TOMORROW, VAN)]
    arrive(lake, timedelta(hours=15), NOON)
    assert Survey(lake).horizon == DAY
    build(lake, settings)
    assert rows(lake, "core.vehicle_days").filter(date=TOMORROW)["messages"].to_list() == [60]
