"""One vehicle read from the lake: its own rows and nobody else's, no more days, points or signals than is stated."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars import DataFrame, Datetime, Float64

from lake.errors import QueryError
from lake.one_vehicle import LONGEST_DAYS, READABLE, OneVehicle, _thinned
from tests.integration.lake.lives import MINUTES, ONE, at, write_lives
from tests.integration.lakes import opened

LAST = date(2026, 3, 14)
FIRST = LAST - timedelta(2)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> OneVehicle:
    folder: Path = tmp_path_factory.mktemp("lives")
    lake, settings = opened(folder / "lake")
    write_lives(lake, LAST)
    return OneVehicle.of(settings)


def test_what_happened_is_of_this_vehicle_and_reaches_in_from_before(reader: OneVehicle) -> None:
    told = [(one.lane, one.began_at, one.ended_at) for one in reader.happenings(ONE, LAST - timedelta(1), LAST)]
    assert told == [
        ("faults", at(LAST - timedelta(22), 5), None),
        ("commands", at(LAST - timedelta(1), 6), None),
        ("trips", at(LAST - timedelta(1), 8), at(LAST - timedelta(1), 9)),
        ("trips", at(LAST, 8), at(LAST, 9)),
    ]


def test_a_fault_has_its_freeze_frame_and_nothing_that_was_not_said(reader: OneVehicle) -> None:
    (fault,) = [one for one in reader.happenings(ONE, FIRST, LAST) if one.lane == "faults"]
    assert fault.facts == {"code": "P0562", "malfunction_lamp_on": True, "sets": 2, "freeze_soc_pct": 41.0}


def test_a_signal_is_thinned_to_its_lowest_and_highest(reader: OneVehicle) -> None:
    (speed,) = reader.readings(ONE, ["speed_kmh"], FIRST, LAST, 100)
    assert len(speed.at) <= 100
    assert (min(speed.values), max(speed.values)) == (0.0, 49.0)
    assert speed.read == 3 * MINUTES - 3
    assert speed.implausible == 3, "999 km/h is no speed: left out, and said"
    assert list(speed.at) == sorted(speed.at)


def test_a_few_readings_are_drawn_as_they_are(reader: OneVehicle) -> None:
    (speed,) = reader.readings(ONE, ["speed_kmh"], LAST, LAST, 5000)
    assert len(speed.at) == speed.read == MINUTES - 1


def test_where_somebody_is_cannot_be_read(reader: OneVehicle) -> None:
    assert "latitude_deg" not in READABLE
    for name in ("latitude_deg", "vehicle_id", "received_at", "speed_kmh; drop table"):
        with pytest.raises(QueryError, match="may be looked at"):
            reader.readings(ONE, [name], FIRST, LAST, 100)


def test_no_more_days_than_stated_are_read(reader: OneVehicle) -> None:
    longest = LAST - timedelta(LONGEST_DAYS - 1)
    assert reader.happenings(ONE, longest, LAST)
    for read in (
        lambda first: reader.happenings(ONE, first, LAST),
        lambda first: reader.readings(ONE, ["speed_kmh"], first, LAST, 10),
        lambda first: reader.capacities(ONE, first, LAST),
    ):
        with pytest.raises(QueryError, match="Too many days"):
            read(longest - timedelta(1))


def test_a_text_that_is_no_pseudonym_reads_nothing(reader: OneVehicle) -> None:
    for text in ("", "x", ONE[:-1], ONE + "1", "' or true --", "A" * 32):
        with pytest.raises(QueryError, match="No vehicle"):
            reader.happenings(text, FIRST, LAST)


def test_what_it_is_and_its_battery(reader: OneVehicle) -> None:
    known = reader.described(ONE, LAST)
    assert known is not None
    assert (known["model"], known["odometer_km"], known["delivered_on"]) == ("Corvid", 4321.0, LAST - timedelta(400))
    assert [one["capacity_kwh"] for one in reader.capacities(ONE, FIRST, LAST)] == [46.0]
    assert reader.described("3" * 32, LAST) is None


@given(
    st.lists(st.tuples(st.integers(0, 86_399), st.floats(-80, 350)), max_size=300),
    st.integers(2, 60),
)
def test_however_a_signal_runs_its_extremes_stay_and_points_are_few(
    told: list[tuple[int, float]], at_most: int
) -> None:
    rows = DataFrame(
        {"event_at": [at(LAST) + timedelta(seconds=s) for s, _ in told], "speed_kmh": [value for _, value in told]},
        schema={"event_at": Datetime("us", "UTC"), "speed_kmh": Float64},
    )
    days = (at(LAST), at(LAST + timedelta(1)))
    found = _thinned(rows, READABLE["speed_kmh"], days, at_most)
    assert len(found.values) <= at_most
    assert set(zip(found.at, found.values, strict=True)) <= set(rows.iter_rows())
    if told:
        assert (min(found.values), max(found.values)) == (min(v for _, v in told), max(v for _, v in told))
