"""Dirt: every kind of it happens, alone if asked for, and is counted to the message."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lake.errors import SillageError
from simulator import simulate
from simulator.dirt import DEFAULT, KINDS_OF_DIRT, LATE_MS, NONE, Dirt, dirt_named
from simulator.events import Events, Sent, telemetry
from simulator.outbox import Outbox, Waiting
from simulator.world import DAY_MS
from tests.unit.simulator.conftest import ARGUMENTS, DAYS, Simulated, capture_files, digests, read

Key = tuple[str, str, int]
BEGIN = 20_000 * DAY_MS
#: What a kind of dirt shows as, besides itself.
ALSO = {"late": {"delayed"}}


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    folder = tmp_path_factory.mktemp("dirty")
    return Simulated(folder, simulate(folder, days=DAYS, **ARGUMENTS | {"dirt": "heavy"}))


def _read(simulated: Simulated) -> tuple[list[tuple[dict[str, Any], datetime]], int]:
    """Well-formed bodies with their arrival, in order, and the number of the others."""
    good, bad = [], 0
    for record in simulated.records():
        arrival = datetime.strptime(record["EnqueuedTimeUtc"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
        try:
            good.append((json.loads(record["Body"]), arrival))
        except ValueError:
            bad += 1
    return good, bad


def _key(body: dict[str, Any]) -> Key:
    return body["vin"], body["kind"], body["seq"]


def _counts(truth: pl.DataFrame, column: str) -> Counter[tuple[str, str, str]]:
    rows = truth.filter(pl.col(column) > 0).select("vin", pl.col("date").cast(pl.String), "kind", column).rows()
    return Counter({row[:3]: row[3] for row in rows})


def test_truth_counts_what_is_in_the_files(dirty: Simulated) -> None:
    good, bad = _read(dirty)
    truth = dirty.truth("messages")
    seen: set[Key] = set()
    copies, late = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for body, arrival in good:
        cell = (body["vin"], body["ts"][:10], body["kind"])
        if _key(body) in seen:
            copies[cell] += 1
        elif (arrival - datetime.fromisoformat(body["ts"])).total_seconds() > 3600:
            late[cell] += 1
        seen.add(_key(body))
    assert truth["received"].sum() == len(good) + bad == dirty.report.messages
    assert truth["malformed"].sum() == bad > 0
    assert copies == _counts(truth, "duplicates")
    assert late == _counts(truth, "late")
    assert copies.total() > 0
    assert late.total() > 0


def test_what_is_missing_was_lost_or_is_under_way(simulated: Simulated, dirty: Simulated) -> None:
    clean = {_key(body) for body in simulated.bodies()}
    found = {_key(body) for body, _ in _read(dirty)[0]}
    assert found <= clean
    truth = dirty.truth("messages")
    parts = [next(path.glob("after-*/carried.parquet")) for path in (dirty.folder / "truth" / "parts").iterdir()]
    under_way = pl.concat([pl.read_parquet(path) for path in parts]).filter(pl.col("dirt") % 2 == 0)
    arrived = len(clean - found) - sum(truth["malformed"]) - sum(truth["lost"])
    still = sum(simulated.truth("messages")["messages"]) - len(clean)
    assert arrived + still == under_way.height
    assert truth["lost"].sum() > 0
    assert truth["messages"].sum() == simulated.truth("messages")["messages"].sum()


def test_the_clean_fleet_lives_the_same_days(simulated: Simulated, dirty: Simulated) -> None:
    for path in sorted((simulated.folder / "truth").glob("*.parquet")):
        if path.stem not in ("messages", "dirt"):
            one, other = simulated.truth(path.stem), dirty.truth(path.stem)
            assert one.drop("complete", strict=False).equals(other.drop("complete", strict=False)), path.stem


def test_nothing_is_under_way_of_what_is_complete(dirty: Simulated) -> None:
    trips = dirty.truth("trips")
    under_way = pl.concat(_under_way(path) for path in sorted((dirty.folder / "truth" / "parts").iterdir()))
    of_trips = trips.join_where(
        under_way.rename({"vin": "of"}),
        pl.col("vin") == pl.col("of"),
        pl.col("at") >= pl.col("started_at"),
        pl.col("at") <= pl.col("ended_at"),
    )
    assert of_trips.height > 0
    assert not of_trips["complete"].any()
    assert (~trips["complete"]).sum() < trips.height / 3


def _under_way(part: Path) -> pl.DataFrame:
    """Messages that have not arrived, copies aside: of which vehicle, and their time."""
    vins = pl.read_parquet(next(part.glob("vehicles-*.parquet")))["vin"]
    carried = pl.read_parquet(next(part.glob("after-*/carried.parquet"))).filter(pl.col("dirt") % 2 == 0)
    at = pl.from_epoch("event_ms", time_unit="ms").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return carried.select(vins.gather(carried["vehicle"]).alias("vin"), at.alias("at"))


def test_dirt_is_the_same_after_a_pause_and_in_other_processes(dirty: Simulated, tmp_path: Path) -> None:
    arguments = ARGUMENTS | {"dirt": "heavy"}
    for days in range(1, DAYS + 1):
        simulate(tmp_path / "paused", days=days, **arguments)
    simulate(tmp_path / "shared", days=DAYS, **arguments, processes=2)
    assert digests(tmp_path / "paused") == digests(tmp_path / "shared") == digests(dirty.folder)


def test_lines_of_json_hold_the_same_bodies(dirty: Simulated, tmp_path: Path) -> None:
    report = simulate(tmp_path, days=1, **ARGUMENTS | {"dirt": "heavy", "files": "jsonl"})
    found = [line for path in sorted(tmp_path.rglob("*.jsonl")) for line in path.read_bytes().splitlines()]
    same = {record["Body"] for path in capture_files(dirty.folder) for record in read(path)}
    assert len(found) == report.messages
    for line in found:
        begin = line.index(b",") + 1
        assert b"{" + line[begin:] in same
        datetime.fromisoformat(json.loads(line[: begin - 1] + b"}")["receivedAt"])


def test_lines_of_json_say_when_they_arrived_to_the_millisecond(tmp_path: Path) -> None:
    simulate(tmp_path, days=1, **ARGUMENTS | {"files": "jsonl"})
    found = [json.loads(line) for path in tmp_path.rglob("*.jsonl") for line in path.read_bytes().splitlines()]
    lags = [datetime.fromisoformat(f["receivedAt"]) - datetime.fromisoformat(f["ts"]) for f in found]
    assert min(lags) >= timedelta(seconds=0.15)
    assert max(lags) <= timedelta(seconds=8)
    assert len({lag.microseconds for lag in lags}) > 500


@pytest.mark.parametrize(("stated_ms", "late"), [(1000, 0), (1, 1)])
def test_what_is_late_depends_on_how_exactly_arrivals_are_stated(stated_ms: int, late: int) -> None:
    outbox = Outbox(5, 0, pl.Series("vin", ["A" * 17]), NONE, stated_ms)
    waiting = Waiting.nothing(1)
    waiting.carried = telemetry(1, event_ms=np.array([BEGIN + 500]), arrival_ms=np.array([BEGIN + 501 + LATE_MS]))
    _, tally = outbox.post(BEGIN, telemetry(0), {}, waiting)
    assert tally.filter(what="late")["messages"].sum() == late


def _driven(vehicles: int, messages: int) -> Events:
    """Telemetry of vehicles that are all on the road for hours."""
    vehicle = np.repeat(np.arange(vehicles), messages)
    at = BEGIN + np.tile(np.arange(messages), vehicles) * 10_000 + (vehicle % 20) * 4_000_000
    n = len(vehicle)
    value = np.arange(n) % 97 + 1_000
    sent = np.full(n, sum(Sent))
    columns = dict.fromkeys(("odometer", "latitude", "longitude", "soc", "fuel", "coolant", "ambient"), value)
    columns |= {f"tyre_{k}": value for k in range(4)} | {"low_voltage": value, "range": value * 1000}
    return telemetry(n, vehicle=vehicle, event_ms=at, sent=sent, speed=value, **columns)


def _posted(dirt: Dirt) -> tuple[Events, pl.DataFrame, Waiting]:
    outbox = Outbox(5, 0, pl.Series("vin", [f"VIN{k:014}" for k in range(200)]), dirt)
    waiting = Waiting.nothing(200)
    arrived, tally = outbox.post(BEGIN, _driven(200, 400), {}, waiting)
    return arrived, tally, waiting


@pytest.mark.parametrize("kind", KINDS_OF_DIRT)
def test_every_kind_happens_alone(kind: str) -> None:
    arrived, tally, waiting = _posted(dirt_named(f"heavy:{kind}"))
    happened = set(tally["what"]) - {"sent", "received"}
    assert kind in happened
    assert happened <= {kind} | ALSO.get(kind, set())
    share = tally.filter(what=kind)["messages"].sum() / 80_000
    wanted = 10 * getattr(DEFAULT, kind)
    assert (0 if kind == "late" else 0.3 * wanted) < share < 2.5 * wanted  # most that is late arrives on other days
    under_way = int((waiting.carried["dirt"] & 1 == 0).sum())
    lost = tally.filter(what="gap")["messages"].sum()
    assert int((arrived["dirt"] & 1 == 0).sum()) + under_way + lost == 80_000


def test_what_a_dead_modem_keeps_is_late_and_comes_in_the_end() -> None:
    outbox = Outbox(5, 0, pl.Series("vin", [f"VIN{k:014}" for k in range(200)]), dirt_named("heavy:late"))
    waiting = Waiting.nothing(200)
    tallies = [outbox.post(BEGIN, _driven(200, 400), {}, waiting)[1]]
    for day in range(1, 16):
        waiting.modems.until_ms[waiting.modems.from_ms >= BEGIN + DAY_MS] = 0  # no more of them
        tallies.append(outbox.post(BEGIN + day * DAY_MS, telemetry(0), {}, waiting)[1])
    tally = pl.concat(tallies)
    late, delayed, received = (sum(tally.filter(what=what)["messages"]) for what in ("late", "delayed", "received"))
    assert received == 80_000
    assert len(waiting.carried) == 0
    assert late > 500
    assert delayed < late / 3  # kept for less than an hour


def test_no_dirt_leaves_messages_as_they_are() -> None:
    arrived, tally, waiting = _posted(NONE)
    assert set(tally["what"]) == {"sent", "received"}
    assert len(arrived) + len(waiting.carried) == 80_000
    expected = _driven(200, 400)
    arrived = arrived.take(np.lexsort((arrived["event_ms"], arrived["vehicle"])))
    sent = expected.take(expected["event_ms"] < BEGIN + DAY_MS - 8_000)
    assert all(np.array_equal(arrived[name][: len(sent)], sent[name]) for name in ("odometer", "soc", "missing"))


def test_every_kind_has_a_default_rate() -> None:
    assert dirt_named("default") == DEFAULT
    assert all(getattr(DEFAULT, f.name) > 0 for f in fields(Dirt))
    assert dirt_named("none") == NONE == Dirt()
    assert dirt_named("late,gap") == Dirt(late=DEFAULT.late, gap=DEFAULT.gap)


@pytest.mark.parametrize("name", ["", "mud", "late,mud", "heavy:", "lots:late"])
def test_unknown_dirt_is_refused(name: str) -> None:
    with pytest.raises(SillageError, match="no such dirt"):
        dirt_named(name)
