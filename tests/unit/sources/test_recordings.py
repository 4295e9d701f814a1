"""The recordings of real vehicles through the readers: their rows and totals, and files no profile is for yet."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.unit.sources.reading import Read, masked, profile, read_file, vehicle_id
from transforms.sources.profile import load_profile

FEEDS = Path(__file__).parents[3] / "feeds"
MILE_KMH = 1.609344


def everything(folder: Path, feed: str, pattern: str) -> tuple[pl.DataFrame, int]:
    """All rows of a recording, and how many records it has. None is rejected."""
    parts: list[Read] = [
        read_file(path, load_profile(FEEDS / f"{feed}.toml"), str(path)) for path in sorted(folder.glob(pattern))
    ]
    assert all(part.rejects.is_empty() for part in parts)
    return pl.concat([part.rows["telemetry"] for part in parts], how="diagonal_relaxed"), sum(p.records for p in parts)


def test_capmetro(recordings: Path) -> None:
    rows, records = everything(recordings / "capmetro", "capmetro", "*.csv")
    assert (records, rows.height, rows["vehicle_id"].n_unique()) == (79_953, 79_953, 275)
    assert rows.select("vehicle_id", "event_at").n_unique() == 76_190
    # Of 2015 in mile/h, of 2016 in m/s.
    old = rows.filter(pl.col("event_at") < datetime(2015, 9, 7, tzinfo=UTC))
    assert old.height == 12_354
    assert old["speed_kmh"].max() == pytest.approx(70 * MILE_KMH)
    assert old["speed_kmh"].mean() == pytest.approx(12.114930 * MILE_KMH, rel=1e-6)
    assert rows["speed_kmh"].max() == pytest.approx(40.2336 * 3.6)
    assert rows["speed_kmh"].null_count() == 0
    assert rows["event_at"].min() == datetime(2015, 3, 8, 7, 40, 54, tzinfo=UTC)
    assert rows["latitude_deg"].is_between(30.137018, 30.482225).all()
    assert rows["extras"].str.json_path_match("$.route_id").n_unique() == 56


def test_nrel_cmap(recordings: Path) -> None:
    rows, records = everything(recordings / "nrel_cmap", "nrel_cmap", "*/*.csv")
    assert (records, rows.height, rows["vehicle_id"].n_unique()) == (160_742, 160_742, 11)
    assert rows["event_at"].min() == datetime(2007, 5, 17, 13, 2, 2, tzinfo=UTC)
    assert rows["speed_kmh"].max() == pytest.approx(79.2849706652 * MILE_KMH)
    assert (rows["speed_kmh"] == 0).sum() == 3_479
    assert rows["extras"].null_count() == rows.height
    assert vehicle_id("4108468_1", "nrel_cmap") in rows["vehicle_id"]


@pytest.mark.parametrize(
    ("name", "records", "seconds"),
    [("signalsFmsRecording.csv", 3_989, 895.766436), ("signalsCovesaCvRecording.csv", 1_885, 475.018)],
)
def test_eclipse_fms(name: str, records: int, seconds: float, recordings: Path) -> None:
    rows, found = everything(recordings / "eclipse_fms", "eclipse_fms", name)
    assert (found, rows.height) == (records, records)
    elapsed = rows["event_at"].max() - datetime(2024, 1, 1, tzinfo=UTC)  # type: ignore[operator]
    assert elapsed.total_seconds() == seconds
    assert rows["sequence"].to_list() == list(range(records))
    if "odometer_km" in rows.columns:
        odometer = rows["odometer_km"].drop_nulls()
        assert (odometer.len(), round(odometer[-1] - odometer[0], 6)) == (478, 7.15)
        assert rows["parking_brake_on"].drop_nulls().len() == 5
        assert not rows["extras"].str.contains("YV2E4C3A5VB180691").any()


@pytest.mark.parametrize(
    ("name", "written", "rows", "energy"),
    [
        ("dundee_060618-060918.csv", "%d/%m/%Y", 19_227, 184_653.389),
        ("dundee_021217-020318.csv", "iso8601", 1_250, 10_501.407),
    ],
)
def test_a_charging_feed(name: str, written: str, rows: int, energy: float, recordings: Path) -> None:
    """CR LF and LF in one file, quoted empty cells, header cells without a name."""
    feed = profile(
        vehicle={"field": "CP ID"},
        time={"field": "Start Date", "format": written, "zone": "Europe/London"},
        columns={"energy_charged_kwh": "Total kWh"},
        csv={"encoding": "latin-1"},
    )
    found = read_file(recordings / "dundee_charging" / name, feed)
    assert (found.records, found.landed) == (rows, rows)
    assert sum(value or 0 for value in found.column("energy_charged_kwh")) == pytest.approx(energy, abs=1e-6)


def test_a_feed_with_line_breaks_in_cells(recordings: Path) -> None:
    """Windows-1252, header cells of several lines, free text with quotes, commas and line ends; five date notations."""
    feed = profile(
        vehicle={"field": "VIN NUMBER", "identifier": "vin"},
        time={"field": "DATE", "format": "%m/%d/%Y", "zone": "UTC"},
        columns={"speed_kmh": "none"},
        csv={"encoding": "cp1252"},
    )
    name = "Disengagements/2022-Autonomous-Vehicle-Disengagement-Reports-CSV.csv"
    found = read_file(recordings / "ca_dmv" / name, feed)
    assert (found.records, found.landed) == (8_216, 6_973)
    other = pl.Series(found.reasons).str.contains("is not %m/%d/%Y|before 2000")
    assert other.all()
    initiated = [json.loads(text) for text in found.column("extras")]
    by = {value.strip().lower() for extras in initiated for key, value in extras.items() if "INITIATED BY" in key}
    assert by == {"test driver", "av system", "ads"}


def test_days_are_those_of_the_events(recordings: Path) -> None:
    """The hour that the clocks skipped on the morning of 8 March 2015 is in no file."""
    rows, _ = everything(recordings / "capmetro", "capmetro", "2015-03-08.csv")
    days = rows["event_at"].dt.date().value_counts().sort("event_at")
    assert days.rows() == [(date(2015, 3, 8), 174), (date(2015, 3, 9), 12_180)]


def test_the_vin_of_a_truck_is_nowhere(recordings: Path) -> None:
    text = (recordings / "eclipse_fms" / "signalsFmsRecording.csv").read_text()
    vin = "YV2E4C3A5VB180691"
    assert vin in text
    feed = load_profile(FEEDS / "eclipse_fms.toml")
    found = read_file(recordings / "eclipse_fms" / "signalsFmsRecording.csv", feed, f"{vin}/signalsXRecording.csv")
    assert vin not in str(found.rows["telemetry"].to_dict(as_series=False))
    assert masked(vin).startswith("vin:")
