"""Recordings of real vehicles give their reference numbers through landing and building, wherever the lake is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from lake.catalog import connect
from lake.guard import read_query
from metrics.specs import table_specs
from orchestration.checks import run_checks
from orchestration.landing import land
from tests.integration.lakes import FEEDS, assert_same, content, rows
from tests.integration.landing.conftest import Recorded
from transforms.sources.identity import KeyedIds
from transforms.sources.profile import load_profile

MILE_KM = 1.609344
#: What the README of the recordings says: records, vehicles, and records above one per vehicle and time.
RECORDS = {"nrel_cmap": 160_742, "capmetro": 79_953, "eclipse_fms": 5_874}
VEHICLES = {"nrel_cmap": 11, "capmetro": 275, "eclipse_fms": 2}


def vehicle(recorded: Recorded, feed: str, name: str) -> str:
    """How a vehicle of a feed is called in the lake."""
    hashed = KeyedIds(recorded.lake.vehicle_key, feed).of_series(pl.Series([name]))
    return str(hashed[0])


def chicago(column: str) -> pl.Expr:
    text = pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
    return text.dt.replace_time_zone("America/Chicago").dt.convert_time_zone("UTC")


def of_feed(recorded: Recorded, table: str, feed: str) -> pl.DataFrame:
    """Rows of core of the vehicles of one feed."""
    raw = rows(recorded.lake, "raw.telemetry").filter(pl.col("source") == feed)
    return rows(recorded.lake, table).join(raw.select("vehicle_id").unique(), on="vehicle_id", how="semi")


def test_every_record_lands_and_is_accounted_for(recorded: Recorded) -> None:
    raw = rows(recorded.lake, "raw.telemetry")
    counts = raw.group_by("source").agg(pl.len(), pl.col("vehicle_id").n_unique())
    assert {source: n for source, n, _ in counts.iter_rows()} == RECORDS
    assert {source: n for source, _, n in counts.iter_rows()} == VEHICLES
    assert rows(recorded.lake, "ops.rejects").height == 0
    batches = rows(recorded.lake, "ops.batches").filter(pl.col("status") == "landed")
    sums = batches.group_by("source").agg(pl.col("records", "landed", "rejected").sum(), pl.len())
    assert {row[0]: row[1:] for row in sums.iter_rows()} == {
        "nrel_cmap": (160_742, 160_742, 0, 36),
        "capmetro": (79_953, 79_953, 0, 4),
        "eclipse_fms": (5_874, 5_874, 0, 2),
    }


def test_times_are_utc_and_the_raw_partition_is_their_day(recorded: Recorded) -> None:
    raw = rows(recorded.lake, "raw.telemetry")
    span = raw.filter(pl.col("source") == "nrel_cmap").select(
        pl.col("event_at").min().alias("first"), pl.col("event_at").max().alias("last")
    )
    assert span.row(0) == (datetime(2007, 5, 17, 13, 2, 2, tzinfo=UTC), datetime(2007, 8, 25, 16, 8, 36, tzinfo=UTC))
    assert (raw["event_date"] == raw["event_at"].dt.date()).all()


def test_nrel_trips_are_the_published_ones(recorded: Recorded, recordings: Path) -> None:
    reference = pl.read_csv(recordings / "nrel_cmap" / "trips_reference.csv")
    published = reference.select(
        vehicle_id=pl.col("samp_veh").map_elements(
            lambda name: vehicle(recorded, "nrel_cmap", name), return_dtype=pl.String
        ),
        started_at=chicago("start_ts"),
        published_end=chicago("end_ts"),
        published_km=pl.col("distance_total") * MILE_KM,
        published_max=pl.col("max_speed") * MILE_KM,
    )
    trips = of_feed(recorded, "core.trips", "nrel_cmap")
    both = trips.join(published, on=["vehicle_id", "started_at"], how="full", coalesce=True)
    assert both.height == trips.height == published.height == 179
    assert (both["distance_km"] / both["published_km"] - 1).abs().max() < 1e-9
    assert (both["max_speed_kmh"] / both["published_max"] - 1).abs().max() < 1e-9
    assert both["distance_km"].sum() / MILE_KM == pytest.approx(1725.763561700, abs=1e-8)
    # 23 ends differ: the publisher keeps rows at rest behind the last motion, a trip here ends at the first of them.
    differ = both.filter(pl.col("ended_at") != pl.col("published_end"))
    assert differ.height == 23
    assert (differ["ended_at"] < differ["published_end"]).all()
    raw = rows(recorded.lake, "raw.telemetry").filter(pl.col("source") == "nrel_cmap")
    trailing = raw.join(differ.select("vehicle_id", "ended_at", "published_end"), on="vehicle_id").filter(
        pl.col("event_at").is_between("ended_at", "published_end")
    )
    assert trailing["speed_kmh"].max() == 0


def test_nrel_acceleration_is_in_metres_per_second_squared(recorded: Recorded) -> None:
    raw = rows(recorded.lake, "raw.telemetry").filter(pl.col("source") == "nrel_cmap").sort("vehicle_id", "event_at")
    steps = raw.with_columns(
        (pl.col("speed_kmh").diff() / 3.6).over("vehicle_id").alias("change"),
        pl.col("event_at").diff().dt.total_seconds().over("vehicle_id").alias("seconds"),
    ).filter(pl.col("seconds") == 1)
    assert steps.height == 160_007
    assert (steps["change"] - steps["acceleration_longitudinal_mps2"]).abs().max() < 1e-9


def test_capmetro_rows_duplicates_and_vehicles(recorded: Recorded) -> None:
    days = of_feed(recorded, "core.vehicle_days", "capmetro")
    assert (days["messages"].sum(), days["duplicates"].sum()) == (76_190, 3_763)
    assert days["vehicle_id"].n_unique() == 275
    # By UTC day, which is not the local day of the files.
    assert days.filter(pl.col("date").dt.year() == 2015)["duplicates"].sum() == 6
    assert days.filter(pl.col("date").cast(pl.String).str.starts_with("2016-05"))["duplicates"].sum() == 3_757


def test_capmetro_speed_is_mile_per_hour_in_one_file_and_metre_per_second_in_the_others(recorded: Recorded) -> None:
    raw = rows(recorded.lake, "raw.telemetry").filter(pl.col("source") == "capmetro")
    later = raw.filter(pl.col("event_at").dt.year() == 2016)
    miles = later["speed_kmh"] / MILE_KM
    assert later.height == 67_599
    assert (miles - miles.round()).abs().max() < 1e-6
    # What a bus says of its speed is what it covers: the median of the ratio is one in both units.
    trips = of_feed(recorded, "core.trips", "capmetro").filter(pl.col("distance_position_km") > 5)
    for year in (2015, 2016):
        ratio = trips.filter(pl.col("date").dt.year() == year).select(
            (pl.col("distance_speed_km") / pl.col("distance_position_km")).median()
        )
        assert 0.6 < ratio.item() < 1.6


def test_eclipse_odometer_speed_and_fuel(recorded: Recorded) -> None:
    trips = of_feed(recorded, "core.trips", "eclipse_fms")
    truck = trips.filter(pl.col("vehicle_id") == vehicle(recorded, "eclipse_fms", "Fms"))
    assert truck.height == 1
    assert truck[0, "distance_method"] == "odometer"
    assert truck[0, "distance_km"] == pytest.approx(7.150, abs=1e-9)
    assert truck[0, "max_speed_kmh"] == 64.69921875
    car = trips.filter(pl.col("vehicle_id") == vehicle(recorded, "eclipse_fms", "CovesaCv"))
    assert car[0, "distance_method"] == "speed"
    assert car[0, "distance_position_km"] == pytest.approx(5.808984, abs=1e-6)
    latest = of_feed(recorded, "core.latest", "eclipse_fms").filter(pl.col("odometer_km").is_not_null())
    assert latest[0, "odometer_km"] == pytest.approx(54_061.705)
    assert latest[0, "fuel_level_pct"] == pytest.approx(89.1999969482422)


def test_the_vin_in_a_recording_reaches_no_table(recorded: Recorded, recordings: Path) -> None:
    vin = "YV2E4C3A5VB180691"
    assert vin.encode() in (recordings / "eclipse_fms" / "signalsFmsRecording.csv").read_bytes()
    for name, frame in content(recorded.lake).items():
        texts = frame.select(pl.selectors.string())
        assert not texts.select(pl.any_horizontal(pl.all().str.contains(vin, literal=True).any())).item(), name


def test_what_core_says_is_what_sql_and_the_kpis_say(recorded: Recorded) -> None:
    trips = rows(recorded.lake, "core.trips")
    with connect(recorded.lake, recorded.settings, specs=table_specs()) as con:
        found = read_query(con, "select count(*), sum(distance_km) from core.trips").fetchone()
        assert found is not None
        assert found == (trips.height, pytest.approx(trips["distance_km"].sum()))
        kpi = read_query(con, "select sum(trips), sum(distance_km) from kpi.driving").fetchone()
        assert kpi is not None
        assert kpi == (trips.height, pytest.approx(trips["distance_km"].sum()))
        active = "select max(active_1d) from kpi.active_vehicles where date = '2016-11-25'"
        expected = trips.filter(pl.col("date").cast(pl.String) == "2016-11-25")["vehicle_id"].n_unique()
        assert read_query(con, active).fetchone() == (expected,)


def test_recordings_without_a_registry_may_be_published(recorded: Recorded) -> None:
    """They are of few days with long silences between."""
    broken = [result for result in run_checks(recorded.lake, recorded.settings) if not result.passed]
    assert broken == []


@pytest.mark.parametrize("feed", list(RECORDS))
def test_landing_them_again_adds_nothing(recorded: Recorded, recordings: Path, feed: str) -> None:
    report = land(recorded.lake, recorded.settings, load_profile(FEEDS / f"{feed}.toml"), [str(recordings / feed)])
    assert (report.files, report.records, report.batches) == (0, 0, [])
    assert report.skipped == recorded.landed[feed].files
    raw = rows(recorded.lake, "raw.telemetry").filter(pl.col("source") == feed)
    assert raw.height == RECORDS[feed]


def test_the_lake_on_azure_has_the_same_rows(recorded: Recorded, recorded_on_azure: Recorded) -> None:
    assert_same(content(recorded_on_azure.lake), content(recorded.lake))
    assert recorded_on_azure.built.days == recorded.built.days
    with connect(recorded_on_azure.lake, recorded_on_azure.settings) as con:
        query = "select count(*), sum(distance_km) from core.trips"
        trips = rows(recorded.lake, "core.trips")
        assert read_query(con, query).fetchone() == (trips.height, pytest.approx(trips["distance_km"].sum()))
