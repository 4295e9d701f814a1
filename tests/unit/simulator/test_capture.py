"""Capture files are what Event Hubs would write, as two independent readers see them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import groupby, pairwise
from pathlib import Path

import duckdb
import duckdb_extension_avro
import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import simulate
from simulator.capture import SCHEMA
from simulator.encoding import BODY, Encoder
from simulator.events import FIELDS, Events, Sent, concat, ready, telemetry
from tests.unit.simulator.conftest import ARGUMENTS, Simulated, capture_files, read


def _duckdb() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    package = Path(next(iter(duckdb_extension_avro.__path__)))
    con.load_extension(str(next(package.rglob("avro.duckdb_extension"))))
    return con


def test_fastavro_and_duckdb_read_the_same(simulated: Simulated) -> None:
    con = _duckdb()
    for path in capture_files(simulated.folder):
        query = 'select SequenceNumber, "Offset", EnqueuedTimeUtc, Body from read_avro(?)'
        expected = [(r["SequenceNumber"], r["Offset"], r["EnqueuedTimeUtc"], r["Body"]) for r in read(path)]
        assert con.execute(query, [str(path)]).fetchall() == expected
        assert len(expected) > 0


def test_every_record_has_the_envelope(simulated: Simulated) -> None:
    for record in simulated.records():
        assert record["SystemProperties"] == record["Properties"] == {}
        assert record["Body"].startswith(b"{")


def test_sequence_numbers_have_no_gaps(simulated: Simulated) -> None:
    records = simulated.records()
    assert len(records) == simulated.report.messages
    for _, of_partition in groupby(records, key=lambda record: record["path"].parts[-7]):
        found = list(of_partition)
        assert [record["SequenceNumber"] for record in found] == list(range(len(found)))
        for one, other in pairwise(found):
            assert int(other["Offset"]) == int(one["Offset"]) + len(one["Body"])


def test_files_hold_what_arrived_in_their_window(simulated: Simulated) -> None:
    for path in capture_files(simulated.folder):
        begin = datetime.strptime("/".join(path.parts[-6:]), "%Y/%m/%d/%H/%M/%S.avro").replace(tzinfo=UTC)
        assert path.parts[-9:-7] == ("sillage-sim", "telemetry")
        arrivals, lags = [], []
        for record in read(path):
            at = datetime.strptime(record["EnqueuedTimeUtc"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
            arrivals.append(at)
            lags.append(at - datetime.fromisoformat(json.loads(record["Body"])["ts"]))
        assert arrivals == sorted(arrivals)
        assert begin <= arrivals[0]
        assert arrivals[-1] < begin + timedelta(hours=6)
        assert timedelta(seconds=-1) < min(lags)  # EnqueuedTimeUtc has whole seconds
        assert max(lags) < timedelta(seconds=9)


def test_the_display_form_has_no_leading_zeros(simulated: Simulated) -> None:
    texts = {record["EnqueuedTimeUtc"] for record in simulated.records()}
    assert any(text.startswith("3/27/2026 12:") and text.endswith("AM") for text in texts)
    assert any(text.startswith("3/28/2026 1:") for text in texts)
    assert not any(text.startswith("0") or " 0" in text for text in texts)


def test_deflate_and_shorter_windows_hold_the_same_records(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    simulate(plain, days=1, **ARGUMENTS)
    simulate(packed, days=1, **ARGUMENTS | {"codec": "deflate", "window_s": 3600})
    first, second = (Simulated(folder, None).records() for folder in (plain, packed))  # type: ignore[arg-type]
    assert [r | {"path": ""} for r in first] == [r | {"path": ""} for r in second]
    with capture_files(packed)[0].open("rb") as stream:
        assert fastavro.reader(stream).codec == "deflate"
    query = "select Body from read_avro(?)"
    for path in capture_files(packed)[:3]:
        assert _duckdb().execute(query, [str(path)]).fetchall() == [(record["Body"],) for record in read(path)]


def _expected(events: Events, row: int, vin: str) -> dict[str, object]:
    """A body written the slow way."""
    at = datetime.fromtimestamp(int(events["event_ms"][row]) // 1000, tz=UTC)
    ts = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{events['event_ms'][row] % 1000:03}Z"
    body: dict[str, object] = {"kind": "telemetry", "vin": vin, "ts": ts, "seq": int(events["sequence"][row])}
    for field in BODY:
        if events["sent"][row] & field.group and not events["missing"][row] >> FIELDS.index(field.column) & 1:
            value = int(events[field.column][row])
            text = field.words[value].decode() if field.words else f"{value}e-{field.decimals}"
            body[field.path] = json.loads(text)
    return body


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 40), last=st.integers(0, 10**6))
def test_bodies_say_what_the_columns_say(seed: int, rows: int, last: int) -> None:
    rng = np.random.default_rng(seed)
    columns = {
        field.column: (
            rng.integers(0, 2, rows)
            if field.words
            else rng.integers(-1, 2, rows) * 10 ** rng.integers(0, field.digits + field.decimals, rows)
            - rng.integers(0, 2, rows)
        )
        for field in BODY
    }
    instant = rng.integers(0, 4_000_000_000_000, rows)
    columns |= {"event_ms": instant, "arrival_ms": instant, "sequence": rng.integers(0, last + 1, rows)}
    columns["missing"] = rng.integers(0, 2 ** len(FIELDS), rows) * rng.integers(0, 2)
    events = telemetry(rows, **columns, sent=rng.integers(0, sum(Sent) + 1, rows), vehicle=np.arange(rows) % 2)
    text, one = np.frombuffer(b'{"kind":"vehicle"}', dtype=np.uint8), np.ones(1, dtype=np.int64)
    statement = ready(8, one * 0, instant[:1], one, text, one * len(text))
    statement["arrival_ms"][:] = instant[:1]
    both = concat([events, statement])
    vins = np.frombuffer(b"AAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBB", dtype=np.uint8).reshape(2, 17)
    data, end = Encoder(vins).records(both, last, last)
    stream, found = BytesIO(data), []
    schema = fastavro.parse_schema(SCHEMA)
    while stream.tell() < len(data):
        found.append(fastavro.schemaless_reader(stream, schema, None))
    assert [r["SequenceNumber"] for r in found] == list(range(last, last + rows + 1))
    assert end == last + sum(len(r["Body"]) for r in found)
    assert found[-1]["Body"] == b'{"kind":"vehicle"}'
    for row, record in enumerate(found[:-1]):
        assert json.loads(record["Body"]) == pytest.approx(_expected(events, row, "AB"[row % 2] * 17))


@settings(max_examples=10, deadline=None)
@given(share=st.integers(1, 999), sent=st.integers(0, sum(Sent)))
def test_a_body_that_is_cut_off_is_its_beginning(share: int, sent: int) -> None:
    both = telemetry(2, sent=np.full(2, sent), sequence=np.full(2, 7), cut=np.array([0, share]))
    whole, cut = Encoder(np.full((1, 17), ord("A"), dtype=np.uint8)).lines(both).splitlines()
    assert whole.startswith(cut)
    assert len(cut) < len(whole)
    body = len(whole) - whole.index(b',"kind"') - 1
    assert len(whole) - len(cut) == pytest.approx(body * (1 - share / 1000), abs=2)
