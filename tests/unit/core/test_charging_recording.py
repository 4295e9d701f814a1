"""The recorded charging events of a city give their reference numbers through ``charging_sessions``.

Charge points stand for vehicles here: what is recorded is who was plugged in where, from when to when, for how much.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lake.schemas.raw import ChargingEvents, Telemetry
from tests.unit.core.test_recordings import hashed, raw
from transforms.core.charging import charging_sessions

FILE = "dundee_060618-060918.csv"


@pytest.fixture(scope="module")
def recorded(recordings: Path) -> pl.DataFrame:
    """The valid rows by the rule of the publication, with start and end in UTC."""
    rows = pl.read_csv(recordings / "dundee_charging" / FILE, infer_schema=False)

    def moment(which: str) -> pl.Expr:
        text = pl.col(f"{which} Date") + " " + pl.col(f"{which} Time")
        local = text.str.to_datetime("%d/%m/%Y %H:%M", time_unit="us", strict=False)
        return local.dt.replace_time_zone("Europe/London").dt.convert_time_zone("UTC")

    read = rows.select(
        session_id=pl.col("Charging event"),
        vehicle=pl.col("CP ID") + "/" + pl.col("Connector"),
        start=moment("Start"),
        end=moment("End"),
        energy_kwh=pl.col("Total kWh").cast(pl.Float64),
    )
    minutes = (pl.col("end") - pl.col("start")).dt.total_minutes()
    return read.filter(
        minutes > 0, minutes < 1440, pl.col("energy_kwh").is_between(0, 100, closed="none")
    ).with_columns(vehicle_id=pl.col("vehicle").map_elements(hashed, return_dtype=pl.String))


def test_the_valid_rows_are_the_reference(recorded: pl.DataFrame) -> None:
    assert recorded.height == 17_846


def test_every_recorded_event_is_a_session_with_its_energy_and_its_hours(recorded: pl.DataFrame) -> None:
    columns = ["vehicle_id", "session_id", "event_at", "event", "energy_kwh"]
    begun = recorded.with_columns(event_at="start", event=pl.lit("started"), energy_kwh=pl.lit(0.0)).select(columns)
    ended = recorded.with_columns(event_at="end", event=pl.lit("stopped")).select(columns)
    events = pl.concat(
        [ChargingEvents.create_empty(), raw(pl.concat([begun, ended]).sample(fraction=1, shuffle=True, seed=4))],
        how="diagonal_relaxed",
    )
    found = charging_sessions(Telemetry.create_empty(), events, date(2018, 6, 1), date(2018, 9, 30))
    assert found.height == 17_846
    assert found["energy_in_kwh"].sum() == pytest.approx(179_803.501, abs=5e-4)
    # One recorded session of 20 hours and 0.02 kWh overlaps the next on its connector by 146 minutes: it ends there.
    assert found["duration_s"].sum() / 3600 == pytest.approx(43_070.950 - 146 / 60, abs=5e-4)
    assert found["power_mean_kw"].max() == pytest.approx(54.84, abs=5e-3)
    months = found.group_by(pl.col("started_at").dt.convert_time_zone("Europe/London").dt.month().alias("month"))
    assert dict(months.agg(pl.len()).iter_rows()) == {6: 4_532, 7: 5_322, 8: 6_665, 9: 1_327}
