"""The recordings of real vehicles give their reference numbers through the functions of core."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.schemas.core import Trips
from transforms.core.geometry import great_circle_km
from transforms.core.messages import deduplicate
from transforms.core.trips import trips

MILE_KM = 1.609344
CHICAGO = "America/Chicago"


def hashed(name: str) -> str:
    return hashlib.md5(name.encode()).hexdigest()


def raw(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what every raw row has, where it is missing."""
    numbered = frame.with_row_index("record").with_columns(
        pl.col("record").cast(pl.Int64), batch=pl.lit(0, dtype=pl.Int64), source=pl.lit("recording")
    )
    return numbered if "sequence" in frame.columns else numbered.with_columns(sequence=pl.lit(None, dtype=pl.Int64))


def chicago(column: str) -> pl.Expr:
    text = pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
    return text.dt.replace_time_zone(CHICAGO).dt.convert_time_zone("UTC")


# nrel_cmap: 1 Hz speeds of 11 cars


@pytest.fixture(scope="module")
def cars(recordings: Path) -> pl.DataFrame:
    parts = [
        pl.read_csv(path).select(
            event_at=chicago("timestamp"),
            speed_kmh=pl.col("speed_mph") * MILE_KM,
            vehicle_id=pl.lit(hashed(path.parent.name)),
        )
        for path in sorted((recordings / "nrel_cmap").glob("*/*.csv"))
    ]
    return raw(pl.concat(parts))


@pytest.fixture(scope="module")
def compared(recordings: Path, cars: pl.DataFrame) -> pl.DataFrame:
    """Trips found beside the trips published, joined by their starts."""
    published = pl.read_csv(recordings / "nrel_cmap" / "trips_reference.csv").select(
        vehicle_id=pl.col("samp_veh").map_elements(hashed, return_dtype=pl.String),
        started_at=chicago("start_ts"),
        published_end=chicago("end_ts"),
        published_km=pl.col("distance_total") * MILE_KM,
    )
    found = Trips.validate(trips(cars, date(2007, 5, 1), date(2007, 9, 1)))
    return found.join(published, on=["vehicle_id", "started_at"], how="full", coalesce=True)


def test_nrel_every_published_trip_is_found_by_its_start_and_no_other(compared: pl.DataFrame) -> None:
    assert len(compared) == 179
    assert compared["published_km"].null_count() == compared["distance_km"].null_count() == 0


def test_nrel_every_distance_is_the_published_one(compared: pl.DataFrame) -> None:
    error = (compared["distance_km"] / compared["published_km"] - 1).abs()
    assert error.max() < 1e-9
    assert compared["distance_km"].sum() / MILE_KM == pytest.approx(1725.763561700, abs=1e-8)
    assert set(compared["distance_method"]) == {"speed"}
    assert compared.filter(pl.col("interpolated_km") > 0).height == 23


def test_nrel_trips_that_end_elsewhere_leave_out_rows_at_rest_that_the_publisher_keeps(
    compared: pl.DataFrame, cars: pl.DataFrame
) -> None:
    differ = compared.filter(pl.col("ended_at") != pl.col("published_end"))
    assert len(differ) == 23
    assert (differ["ended_at"] < differ["published_end"]).all()
    trailing = cars.join(differ.select("vehicle_id", "ended_at", "published_end"), on="vehicle_id").filter(
        pl.col("event_at").is_between("ended_at", "published_end")
    )
    assert trailing["speed_kmh"].max() == 0


# capmetro: positions of buses every 120 to 240 s


@pytest.fixture(scope="module")
def buses(recordings: Path) -> pl.DataFrame:
    """Fixes of all four files; speed is mile/h in 2015 and m/s in 2016."""
    parts = []
    for path in sorted((recordings / "capmetro").glob("*.csv")):
        unit = MILE_KM if path.name.startswith("2015") else 3.6
        parts.append(
            pl.read_csv(path, schema_overrides={"vehicle_id": pl.String}).select(
                file=pl.lit(path.stem),
                vehicle_id=pl.col("vehicle_id").map_elements(hashed, return_dtype=pl.String),
                event_at=pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_unit="us", time_zone="UTC"),
                speed_kmh=pl.col("speed") * unit,
                latitude_deg="latitude",
                longitude_deg="longitude",
            )
        )
    return raw(pl.concat(parts))


def test_capmetro_copies_are_left_out_and_counted(buses: pl.DataFrame) -> None:
    messages = deduplicate(buses).collect()
    assert (len(buses), len(messages), messages["copies"].sum()) == (79_953, 76_190, 3_763)
    copies = messages.group_by("file").agg(pl.col("copies").sum()).sort("file")["copies"]
    assert copies.to_list() == [6, 3757, 0, 0]


def test_capmetro_great_circles_between_fixes(buses: pl.DataFrame) -> None:
    fixes = deduplicate(buses).collect()
    km = {}
    for (file,), part in fixes.group_by("file"):
        at = [part[name].to_numpy() for name in ("latitude_deg", "longitude_deg")]
        steps = great_circle_km(at[0][:-1], at[1][:-1], at[0][1:], at[1][1:])
        same = (part["vehicle_id"] == part["vehicle_id"].shift(1))[1:].to_numpy()
        km[file] = round(float(steps[same].sum()), 3)
    assert km == {
        "2015-03-08": 6605.812, "2016-05-30": 3674.860, "2016-11-24": 30076.102, "2016-11-25": 36565.263,
    }  # fmt: skip


def test_capmetro_trips_go_by_positions_and_hold_nearly_all_of_the_distance(buses: pl.DataFrame) -> None:
    found = Trips.validate(trips(buses, date(2015, 3, 7), date(2016, 11, 27)))
    assert set(found["distance_method"]) == {"position"}
    assert len(found) == 2213
    assert found["distance_km"].sum() == pytest.approx(75793.016, abs=1e-3)
    # All great circles between fixes, 76,922 km, bridge parked nights and gaps too.
    assert found["distance_km"].sum() / (6605.812 + 3674.860 + 30076.102 + 36565.263) > 0.985
    # Slow fixes: next to all of the distance by speed is interpolated.
    assert found["interpolated_km"].sum() > 0.999 * found["distance_speed_km"].sum()


# eclipse_fms: signals sent on change, in long form


def recording(path: Path, columns: dict[str, tuple[str, float]]) -> pl.DataFrame:
    """Signals of interest, one per row; time is the running sum of ``delay``, which stands before its row."""
    start = datetime(2026, 3, 10, 8, tzinfo=UTC)
    rows: list[dict[str, Any]] = []
    elapsed = 0.0
    for number, row in enumerate(pl.read_csv(path, schema_overrides={"value": pl.String}).iter_rows(named=True)):
        elapsed += row["delay"]
        column, factor = columns.get(row["signal"], (None, 1.0))
        values = dict.fromkeys((name for name, _ in columns.values()), None)
        if column is not None:
            values[column] = float(row["value"]) * factor
        rows.append({"event_at": start + timedelta(seconds=elapsed), "sequence": number, **values})
    schema = {name: pl.Float64() for name, _ in columns.values()}
    overrides: dict[str, Any] = {"event_at": pl.Datetime("us", "UTC"), "sequence": pl.Int64(), **schema}
    return raw(pl.DataFrame(rows, schema_overrides=overrides).with_columns(vehicle_id=pl.lit(hashed(path.name))))


def test_eclipse_truck_goes_by_its_odometer(recordings: Path) -> None:
    truck = recording(
        recordings / "eclipse_fms" / "signalsFmsRecording.csv",
        {"Vehicle.Speed": ("speed_kmh", 1.0), "Vehicle.TraveledDistanceHighRes": ("odometer_km", 1e-3)},
    )
    found = Trips.validate(trips(truck, date(2026, 3, 10), date(2026, 3, 10)))
    assert len(found) == 1
    trip = found.row(0, named=True)
    assert trip["distance_method"] == "odometer"
    assert trip["distance_km"] == pytest.approx(7.150, abs=1e-9)
    # A silent speed holds its last value: the recording's held sum is 7,149.169 m, its trapezoid 7,159.337 m.
    assert trip["distance_speed_km"] == pytest.approx(7.150440, abs=1e-6)
    assert trip["max_speed_kmh"] == 64.69921875


def test_eclipse_car_by_speed_and_by_position(recordings: Path) -> None:
    car = recording(
        recordings / "eclipse_fms" / "signalsCovesaCvRecording.csv",
        {
            "Vehicle.Speed": ("speed_kmh", 1.0),
            "Vehicle.CurrentLocation.Latitude": ("latitude_deg", 1.0),
            "Vehicle.CurrentLocation.Longitude": ("longitude_deg", 1.0),
        },
    )
    found = Trips.validate(trips(car, date(2026, 3, 10), date(2026, 3, 10)))
    assert len(found) == 1
    trip = found.row(0, named=True)
    assert trip["distance_method"] == "speed"
    assert trip["distance_position_km"] == pytest.approx(5.808984, abs=1e-6)
    # Apart from the first second, in which positions come before any speed, and the last moment, in which 22.428 km/h
    # and twice 0.072 are sent, of which the last counts.
    assert trip["distance_speed_km"] == pytest.approx(
        (5487.174 + 0.998 * 22.572 / 3.6 - 1.004 * (22.428 - 0.072) / 2 / 3.6) / 1000, abs=1e-6
    )
    assert trip["max_speed_kmh"] == 90.72
