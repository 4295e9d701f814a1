"""Times: ISO 8601, epochs, patterns, seconds since a start; local times around a change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import FeedError
from tests.unit.sources.reading import Read, profile, read
from transforms.sources import blocks
from transforms.sources.times import arrivals, instants

#: One instant, each way of writing it that has a pattern of its own, and what is none.
WRITTEN = [
    *(
        f"2024-01-01{between}12:00:00{fraction}{offset}"
        for between in "T "
        for fraction in ("", ".250", ".250000", ".250000000", ".25")
        for offset in ("Z", "+00:00", "+01:00", "")
    ),
    "2024-02-30T00:00:00.000Z",
]
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def times(tmp_path: Path, *texts: str, name: str = "file", **time: Any) -> Read:
    data = "".join(f'{{"vehicle":"a","at":{text}}}\n' for text in texts)
    return read(data, profile(format="jsonl", time={"field": "at"} | time), tmp_path, name)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2024-01-01T12:00:00Z", 0),
        ("2024-01-01T12:00:00.000Z", 0),
        ("2024-01-01T12:00:00z", 0),
        ("2024-01-01 12:00:00+00:00", 0),
        ("2024-01-01T13:00:00+01:00", 0),
        ("2024-01-01T13:00:00+0100", 0),
        ("2024-01-01T13:00:00+01", 0),
        ("2024-01-01T06:00:00-06:00", 0),
        ("2024-01-01T12:00Z", 0),
        ("2024-01-01T12:00:00.5Z", 500_000),
        ("2024-01-01T12:00:00.1234567Z", 123_456),
        (" 2024-01-01T12:00:00Z ", 0),
    ],
)
def test_iso8601_with_an_offset(text: str, offset: int, tmp_path: Path) -> None:
    """A zone is for those without: it changes nothing here."""
    for zone in (None, "America/Chicago"):
        found = times(tmp_path, f'"{text}"', **({"zone": zone} if zone else {}))
        assert found.column("event_at") == [NOON + timedelta(microseconds=offset)]


@given(st.permutations(WRITTEN), st.sampled_from([None, "UTC", "America/Chicago"]))
def test_whichever_notation_comes_first_all_are_read(texts: list[str], zone: str | None) -> None:
    """The first decides how the others are tried, not what they say."""

    def meant(text: str) -> datetime | None:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)) if zone else None

    assert instants(pl.Series(texts), "iso8601", zone).to_list() == [meant(text) for text in texts]


@pytest.mark.parametrize("text", ["2024-01-01 06:00:00", "2024-01-01T06:00:00.000", "2024-01-01T06:00"])
def test_iso8601_without_an_offset_needs_a_zone(text: str, tmp_path: Path) -> None:
    assert times(tmp_path, f'"{text}"', zone="America/Chicago").column("event_at") == [NOON]
    assert times(tmp_path, f'"{text}"').reasons == [f"the time is not ISO 8601 with an offset: found '{text}'"]


@pytest.mark.parametrize(
    "text", ["yesterday", "2024-02-30T00:00:00Z", "01/02/2024", "2024-01-01", "12:00", "1704110400"]
)
def test_what_is_not_iso8601_is_rejected(text: str, tmp_path: Path) -> None:
    found = times(tmp_path, f'"{text}"', '"2024-01-01T12:00:00Z"')
    assert found.column("event_at") == [NOON]
    assert found.reasons == [f"the time is not ISO 8601 with an offset: found '{text}'"]


def test_a_skipped_hour_is_rejected(tmp_path: Path) -> None:
    found = times(tmp_path, '"2024-03-31 02:30:00"', '"2024-03-31 03:30:00"', zone="Europe/Paris")
    assert found.column("event_at") == [datetime(2024, 3, 31, 1, 30, tzinfo=UTC)]
    assert "or is skipped in Europe/Paris" in found.reasons[0]


@pytest.mark.parametrize(("rule", "hours"), [("earliest", [0]), ("latest", [1]), ("reject", [])])
@pytest.mark.parametrize("written", ["iso8601", "%Y-%m-%d %H:%M:%S"])
def test_an_ambiguous_hour_goes_by_rule(rule: str, hours: list[int], written: str, tmp_path: Path) -> None:
    found = times(tmp_path, '"2024-10-27 02:30:00"', zone="Europe/Paris", ambiguous=rule, format=written)
    assert found.column("event_at") == [datetime(2024, 10, 27, hour, 30, tzinfo=UTC) for hour in hours]
    if rule == "reject":
        assert "stands for two instants there" in found.reasons[0]


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("quote", ["", '"'])
def test_epochs(unit: str, scale: int, quote: str, tmp_path: Path) -> None:
    number = int(NOON.timestamp()) * scale + scale // 4
    found = times(tmp_path, f"{quote}{number}{quote}", format=f"epoch_{unit}")
    assert found.column("event_at") == [NOON + timedelta(seconds=0.25 if scale > 1 else 0)]


def test_epochs_with_a_fraction(tmp_path: Path) -> None:
    seconds = NOON.timestamp()
    found = times(tmp_path, f"{seconds + 0.123456:.6f}", f'"{seconds:.1f}"', "1.7041104e9", format="epoch_s")
    assert found.column("event_at") == [NOON + timedelta(microseconds=123_456), NOON, NOON]
    assert times(tmp_path, f"{seconds * 1000 + 0.5:.1f}", format="epoch_ms").column("event_at") == [
        NOON + timedelta(microseconds=500)
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808", "1e300", '"x"', "true", '"1_000"'])
def test_numbers_that_are_no_time(number: str, unit: str, tmp_path: Path) -> None:
    """None of them wraps around into a time that looks right."""
    assert times(tmp_path, number, format=f"epoch_{unit}").landed == 0


@pytest.mark.parametrize(("unit", "scale", "twos"), [("s", 10**6, 6), ("ms", 10**3, 3)])
def test_a_number_that_would_overflow_into_a_right_time(unit: str, scale: int, twos: int, tmp_path: Path) -> None:
    """Times ``scale`` it is noon in microseconds, modulo 2 to the 64th."""
    micros = int(NOON.timestamp()) * 10**6
    number = micros // scale + 2 ** (64 - twos)
    assert (number * scale - micros) % 2**64 == 0
    assert times(tmp_path, str(number), format=f"epoch_{unit}").landed == 0


def test_an_epoch_in_another_unit_is_out_of_bounds(tmp_path: Path) -> None:
    milliseconds = str(int(NOON.timestamp()) * 1000)
    assert times(tmp_path, milliseconds, format="epoch_s").landed == 0
    assert "before 2000-01-01" in times(tmp_path, milliseconds, format="epoch_us").reasons[0]


@pytest.mark.parametrize(
    ("pattern", "text", "zone"),
    [
        ("%d/%m/%Y %H:%M", "01/01/2024 06:00", "America/Chicago"),
        ("%m/%d/%Y %I:%M:%S %p", "1/1/2024 12:00:00 PM", "UTC"),
        ("%Y.%m.%d. %H:%M:%S", "2024.01.01. 12:00:00", "UTC"),
        ("%Y-%m-%d %H:%M:%S %z", "2024-01-01 13:00:00 +0100", None),
        ("%Y%m%dT%H%M%S%.f", "20240101T120000.000", "UTC"),
        ("%d.%m.%y %H:%M", "01.01.24 12:00", "UTC"),
    ],
)
def test_patterns(pattern: str, text: str, zone: str | None, tmp_path: Path) -> None:
    found = times(tmp_path, f'"{text}"', '"31/31/2024"', format=pattern, **({"zone": zone} if zone else {}))
    assert found.column("event_at") == [NOON]
    assert found.reasons[0].startswith(f"the time is not {pattern}")


def test_a_date_alone_is_its_midnight(tmp_path: Path) -> None:
    found = times(tmp_path, '"02/01/2024"', format="%d/%m/%Y", zone="Europe/Paris")
    assert found.column("event_at") == [datetime(2024, 1, 1, 23, tzinfo=UTC)]


def test_bounds(tmp_path: Path) -> None:
    texts = ["1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"]
    found = times(tmp_path, *(f'"{text}"' for text in texts))
    assert found.landed == 2
    assert found.reasons == [
        f"the time is before 2000-01-01: found '{texts[0]}'",
        f"the time is after 2030-01-01 00:00 UTC: found '{texts[3]}'",
    ]


SECONDS: dict[str, Any] = {"format": "seconds", "start": datetime(2024, 1, 1, 12, tzinfo=UTC)}


def test_seconds_since_a_start(tmp_path: Path) -> None:
    found = times(tmp_path, "0", '"1.5"', "0.1234564", "-60", '"x"', "1e300", "NaN", **SECONDS)
    assert [(at - NOON).total_seconds() for at in found.column("event_at")] == [0, 1.5, 0.123456, -60]
    assert found.reasons == [
        "the time is not seconds: found 'x'", "the time is not seconds: found '1e+300'", "no time in at",
    ]  # fmt: skip


def test_seconds_since_the_start_in_the_name_of_the_file(tmp_path: Path) -> None:
    key = {"format": "seconds", "start_path": r"/(\d{4}-[^/]*)\.csv$", "zone": "Europe/Paris"}
    data = "vehicle,at\na,90\n"
    for name in ("logs/2024-01-01T13-00-00.csv", "logs/2024-01-01T13-00-00.csv"):
        found = read(data, profile(time={"field": "at"} | key), tmp_path, name)
        assert found.column("event_at") == [NOON + timedelta(seconds=90)]


def test_the_start_in_the_name_may_be_an_epoch(tmp_path: Path) -> None:
    key = {"format": "seconds", "start_path": r"-(\d+)\.json$", "start_format": "epoch_s"}
    found = times(tmp_path, "1", name=f"x-{int(NOON.timestamp())}.json", **key)
    assert found.column("event_at") == [NOON + timedelta(seconds=1)]


@pytest.mark.parametrize("name", ["nothing.csv", "2024-13-01T00-00-00.csv", "2024-03-31T02-30-00.csv"])
def test_a_name_without_a_start_is_an_error(name: str, tmp_path: Path) -> None:
    feed = profile(time={"field": "at", "format": "seconds", "start_path": r"(\d{4}.*)\.csv", "zone": "Europe/Paris"})
    with pytest.raises(FeedError, match="exclude"):
        read("vehicle,at,speed\n", feed, tmp_path, name)


LOST = "the time is not known: it counts on from that of an earlier record, which cannot be read"


def test_cumulative_seconds(tmp_path: Path) -> None:
    """Behind a step that cannot be read, no time is known."""
    found = times(tmp_path, "0.5", "0.25", '"x"', "0", "1", **SECONDS, cumulative=True)
    assert [(at - NOON).total_seconds() for at in found.column("event_at")] == [0.5, 0.75]
    assert found.reasons == ["the time is not seconds: found 'x'", LOST, LOST]


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_cumulative_seconds_behind_a_record_that_cannot_be_cut(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    feed = profile(time={"field": "at"} | SECONDS | {"cumulative": True})
    found = read("vehicle,at,speed\na,1,1\na,100,2,3\na,1,1\na,1,1\n", feed, tmp_path)
    assert found.column("event_at") == [NOON + timedelta(seconds=1)]
    assert found.reasons == ["4 fields where the header has 3", LOST, LOST]


@pytest.mark.parametrize("style", ["csv", "jsonl"])
def test_cumulative_seconds_run_over_all_kinds(style: str, tmp_path: Path) -> None:
    kinds = {
        "telemetry": {"when": "t", "columns": {"speed_kmh": "speed"}},
        "faults": {"when": "f", "columns": {"code": "code", "status": "status"}},
    }
    clock = {"field": "at"} | SECONDS | {"cumulative": True}
    feed = profile(format=style, kind=None, columns=None, kind_field="kind", kinds=kinds, time=clock)
    data = "vehicle,at,kind,speed,code,status\na,1,t,1,,\na,10,f,,P0562,set\na,1,t,1,,\n"
    if style == "jsonl":
        data = (
            '{"vehicle":"a","at":1,"kind":"t","speed":1,"new":1}\n'
            '{"vehicle":"a","at":10,"kind":"f","code":"P0562","status":"set"}\n'
            '{"vehicle":"a","at":1,"kind":"t","speed":1}\n'
        )
    found = read(data, feed, tmp_path)
    assert [(at - NOON).total_seconds() for at in found.column("event_at")] == [1, 12]
    assert [(at - NOON).total_seconds() for at in found.column("event_at", "faults")] == [11]


@pytest.mark.parametrize(
    ("text", "zone", "milliseconds"),
    [
        ("2024-01-01T12:00:00,250Z", None, 250),
        ("2024-01-01 06:00:00,250", "America/Chicago", 250),
        ("20240101T120000Z", None, 0),
        ("20240101T120000.250+0000", None, 250),
        ("20240101T060000,250", "America/Chicago", 250),
    ],
)
def test_iso8601_with_a_comma_or_in_basic_form(text: str, zone: str | None, milliseconds: int, tmp_path: Path) -> None:
    found = times(tmp_path, f'"{text}"', '"2024-01-01T12:00:00Z"', '"1,5"', **({"zone": zone} if zone else {}))
    assert found.column("event_at") == [NOON + timedelta(milliseconds=milliseconds), NOON]
    assert "found '1,5'" in found.reasons[0]


def test_a_local_hour_that_occurs_twice_is_not_guessed(tmp_path: Path) -> None:
    found = times(tmp_path, '"2024-10-27 02:30:00"', '"2024-10-27 03:30:00"', zone="Europe/Paris")
    assert found.column("event_at") == [datetime(2024, 10, 27, 2, 30, tzinfo=UTC)]
    assert "stands for two instants there" in found.reasons[0]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("epoch_ms", "1704110400250"),
        ("%d.%m.%Y %H:%M:%S%.f", '"01.01.2024 12:00:00.250"'),
        ("iso8601", '"2024-01-01T12:00:00.250Z"'),
    ],
)
def test_arrival_in_other_formats(written: str, text: str, tmp_path: Path) -> None:
    feed = profile(format="jsonl", received="got", received_format=written)
    found = read(f'{{"vehicle":"a","at":"2024-01-01T12:00:00Z","got":{text}}}', feed, tmp_path)
    assert found.column("received_at") == [NOON + timedelta(milliseconds=250)]


def test_many_small_steps_do_not_drift(tmp_path: Path) -> None:
    found = times(tmp_path, *["0.1"] * 10_000, **SECONDS, cumulative=True)
    assert found.column("event_at")[-1] == NOON + timedelta(seconds=1_000)


def test_decimal_commas_in_seconds(tmp_path: Path) -> None:
    feed = profile(time={"field": "at"} | SECONDS, csv={"separator": ";", "decimal": ","})
    found = read("vehicle;at;speed\na;1,5;1\n", feed, tmp_path)
    assert found.column("event_at") == [NOON + timedelta(seconds=1.5)]


@pytest.mark.parametrize(("unit", "text"), [("s", "1704110400,5"), ("ms", "1704110400500,0")])
def test_decimal_commas_in_epochs(unit: str, text: str, tmp_path: Path) -> None:
    feed = profile(time={"field": "at", "format": f"epoch_{unit}"}, csv={"separator": ";", "decimal": ","})
    found = read(f"vehicle;at;speed\na;{text};1\n", feed, tmp_path)
    assert found.column("event_at") == [NOON + timedelta(seconds=0.5)]


def test_several_names_of_the_time(tmp_path: Path) -> None:
    feed = profile(time={"field": ["at", "Time"]})
    text = "vehicle,at,Time\na,,2024-01-01T12:00:00Z\na,2024-01-01T12:00:00Z,x\na,null,2024-01-01T12:00:00Z\n"
    assert read(text, feed, tmp_path).column("event_at") == [NOON] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11/16/2016 4:44:11 PM", datetime(2016, 11, 16, 16, 44, 11, tzinfo=UTC)),
        ("11/16/2016 04:44:11 PM", datetime(2016, 11, 16, 16, 44, 11, tzinfo=UTC)),
        ("1/6/2016 12:00:00 AM", datetime(2016, 1, 6, tzinfo=UTC)),
        ("2019-09-26T17:46:09.8870000Z", datetime(2019, 9, 26, 17, 46, 9, 887_000, tzinfo=UTC)),
        ("16/11/2016 4:44:11 PM", None),
    ],
)
def test_arrival_as_event_hubs_and_iot_hub_write_it(text: str, expected: datetime | None) -> None:
    assert arrivals(pl.Series([text]))[0] == expected


def test_nothing_stays_nothing() -> None:
    for pattern in ("iso8601", "epoch_ms", "%Y-%m-%d"):
        assert instants(pl.Series([None], dtype=pl.String), pattern, "UTC").to_list() == [None]


# a day and a time of day in two columns

JOINED = {"field": ["day", "clock"], "join": True}


def joined(tmp_path: Path, *rows: str, header: str = "vehicle,day,clock,speed", **time: Any) -> Read:
    return read("\n".join([header, *rows]), profile(format="csv", time=JOINED | time), tmp_path)


@pytest.mark.parametrize(
    ("day", "clock", "time"),
    [
        ("2024-01-01", "12:00:00", {"zone": "UTC"}),
        ("2024-01-01", "13:00", {"zone": "Europe/Paris"}),
        (" 2024-01-01 ", "13:00:00+01:00", {}),
        ("01/01/2024", "06:00", {"format": "%d/%m/%Y %H:%M", "zone": "America/Chicago"}),
    ],
)
def test_a_day_and_a_time_of_day(day: str, clock: str, time: dict[str, str], tmp_path: Path) -> None:
    assert joined(tmp_path, f"a,{day},{clock},1", **time).column("event_at") == [NOON]


def test_a_day_without_a_time_of_day_is_no_time(tmp_path: Path) -> None:
    found = joined(tmp_path, "a,2024-01-01,,1", "a,,12:00,1", "a,2024-01-01,noon,1", zone="UTC")
    assert found.reasons == [
        "no time in day and clock",
        "no time in day and clock",
        "the time is not ISO 8601: found '2024-01-01 noon'",
    ]


def test_a_file_without_one_of_the_parts_is_refused(tmp_path: Path) -> None:
    found = joined(tmp_path, "a,2024-01-01,1", header="vehicle,day,speed", zone="UTC")
    assert found.landed == 0
    assert all("clock" in reason for reason in found.reasons)


def test_the_parts_of_a_json_message(tmp_path: Path) -> None:
    rows = '{"vehicle":"a","day":"2024-01-01","clock":"12:00Z"}\n{"vehicle":"a","day":"2024-01-01"}\n'
    found = read(rows, profile(format="jsonl", time=JOINED), tmp_path)
    assert found.column("event_at") == [NOON]
    assert found.reasons == ["no time in day and clock"]


@pytest.mark.parametrize(
    "time",
    [
        {"field": "day", "join": True},
        JOINED | {"format": "seconds", "start": NOON},
    ],
)
def test_what_cannot_be_joined(time: dict[str, Any]) -> None:
    with pytest.raises(FeedError) as raised:
        profile(format="csv", time=time)
    assert "time.join" in str(raised.value)
