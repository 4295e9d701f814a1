"""Tables that are computed from whole histories are written only where they come out otherwise than before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from lake.schemas import raw
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import open_table
from orchestration import building
from orchestration.building import BuildReport, build
from orchestration.checks import data_checks, run_checks
from orchestration.due import due_builds
from orchestration.staleness import Computed, record
from tests.integration.lakes import assert_same, content, opened, rows
from tests.unit.core import registries
from tests.unit.core.registries import FIRST, day, vehicle_id

COMPUTED = ("core.vehicles", "core.fault_episodes", "core.subscription_days", "core.vehicle_days", "core.activity")
TOLD = [{"h": 0, "vehicle": v, "delivered_on": day(0), "services": "media,social", "market": "FR"} for v in "abcdefgh"]
FAULTS = [{"h": 24 * n + 2, "vehicle": v, "code": "P0A80", "status": "set"} for n, v in enumerate("abcdef")]
CONSENTS = [{"h": 30, "vehicle": v, "service": "media", "status": "granted"} for v in "abc"]
STEPS = [{"h": 50, "vehicle": v, "service": "media", "event": "activated", "plan": "included"} for v in "abc"]


@pytest.fixture
def place(tmp_path: Path) -> tuple[Lake, Settings]:
    """A lake to which events were sent on six days, and no telemetry."""
    lake, settings = opened(tmp_path / "lake")
    send_all(lake)
    return lake, settings


def send(lake: Lake, name: str, schema: type[dy.Schema], *sent: dict[str, Any], batch: int = 0) -> None:
    """Put rows into a raw table."""
    open_table(lake, name).append(registries.raw(schema, [{"batch": batch} | row for row in sent]))


def send_all(lake: Lake) -> None:
    send(lake, "raw.vehicles", raw.Vehicles, *TOLD)
    send(lake, "raw.faults", raw.Faults, *FAULTS)
    send(lake, "raw.consents", raw.Consents, *CONSENTS)
    send(lake, "raw.subscriptions", raw.Subscriptions, *STEPS)


def numbers(found: dict[str, list[Any]]) -> dict[str, list[int]]:
    """Days counted from the first, of the tables looked at that have some."""
    return {name: [(day - FIRST).days for day in days] for name, days in found.items() if days and name in COMPUTED}


def versions(lake: Lake) -> dict[str, int]:
    return {name: open_table(lake, name).version() for name in COMPUTED}


def written(lake: Lake, settings: Settings) -> tuple[BuildReport, dict[str, int]]:
    """A build, and the commits that it took in each table."""
    before = versions(lake)
    report = build(lake, settings)
    return report, {name: n - before[name] for name, n in versions(lake).items() if n != before[name]}


def test_a_lake_without_telemetry_has_a_fleet_up_to_the_newest_event(place: tuple[Lake, Settings]) -> None:
    report = build(*place)
    whole = list(range(6))
    assert numbers(report.days)["core.vehicles"] == numbers(report.days)["core.vehicle_days"] == whole
    assert numbers(report.days)["core.subscription_days"] == numbers(report.days)["core.activity"] == whole
    assert rows(place[0], "core.vehicle_days").height == rows(place[0], "core.activity").height == 6 * len(TOLD)
    assert rows(place[0], "core.subscription_days").height == 6 * 2 * len(TOLD)
    assert rows(place[0], "core.fault_episodes").height == len(FAULTS)
    report, commits = written(*place)
    assert numbers(report.days) == commits == {}
    assert due_builds(place[0]) == ()


def test_a_lake_with_registries_alone_has_a_fleet_up_to_their_newest_word(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    assert not any(build(lake, settings).days.values())
    send(lake, "raw.vehicles", raw.Vehicles, *TOLD)
    send(lake, "raw.consents", raw.Consents, *CONSENTS)
    build(lake, settings)
    assert set(rows(lake, "core.vehicles")["date"]) == {day(0), day(1)}


def test_the_end_of_an_episode_restates_the_day_on_which_it_began_and_no_other(place: tuple[Lake, Settings]) -> None:
    build(*place)
    send(place[0], "raw.faults", raw.Faults, {"h": 125, "vehicle": "b", "code": "P0A80", "status": "cleared"}, batch=1)
    (due,) = [due for due in due_builds(place[0]) if "core.fault_episodes" in due.tables]
    assert (due.first, due.last) == (day(0), day(5))
    report, commits = written(*place)
    assert numbers(report.days)["core.fault_episodes"] == list(range(6))
    assert numbers(report.changed) == {"core.fault_episodes": [1]}
    assert commits == {"core.fault_episodes": 1}
    assert not any(build(*place).days.values())


def test_resends_are_worked_out_and_write_nothing(place: tuple[Lake, Settings]) -> None:
    build(*place)
    send(place[0], "raw.faults", raw.Faults, FAULTS[3], batch=1)
    send(place[0], "raw.vehicles", raw.Vehicles, TOLD[0], batch=1)
    send(place[0], "raw.consents", raw.Consents, CONSENTS[0], batch=1)
    report, commits = written(*place)
    assert numbers(report.days)["core.vehicles"] == list(range(6))
    assert numbers(report.days)["core.subscription_days"] == list(range(1, 6))
    assert numbers(report.changed) == commits == {}
    # What reads these tables is not computed anew.
    assert "core.vehicle_days" not in numbers(report.days)
    assert not any(build(*place).days.values())


def test_a_late_statement_restates_the_days_until_the_next(place: tuple[Lake, Settings]) -> None:
    said = {"vehicle": "a", "delivered_on": day(0), "services": "media,social"}
    send(place[0], "raw.vehicles", raw.Vehicles, said | {"h": 97, "market": "DE"}, batch=1)
    build(*place)
    send(place[0], "raw.vehicles", raw.Vehicles, said | {"h": 49, "market": "ES"}, batch=2)
    report, _ = written(*place)
    assert numbers(report.days)["core.vehicles"] == [2, 3, 4, 5]
    assert numbers(report.changed)["core.vehicles"] == numbers(report.changed)["core.vehicle_days"] == [2, 3]
    assert numbers(report.days)["core.subscription_days"] == [2, 3]
    assert "core.subscription_days" not in numbers(report.changed)


def test_a_registry_that_is_exported_later_reaches_back_to_what_was_heard(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    once = {"vehicle": "a", "code": "B1000", "status": "set"}
    send(lake, "raw.faults", raw.Faults, *FAULTS, *(once | {"h": -24 * n} for n in (20, 60)))
    build(lake, settings)
    assert rows(lake, "core.vehicles").is_empty()
    told = [row | {"h": 99, "delivered_on": day(-500)} for row in TOLD]
    send(lake, "raw.vehicles", raw.Vehicles, told[0] | {"delivered_on": day(3)}, *told[1:])
    report = build(lake, settings)
    # Sixty days before is of another time.
    reached = list(range(-20, 6))
    assert numbers(report.days)["core.vehicles"] == reached
    known = rows(lake, "core.vehicle_days").filter("registered")
    assert (known.height, set(known["market"])) == (len(reached) * 7 + 3, {"FR"})
    # What is said of the same vehicles later changes the days from then on; a new vehicle those from its delivery on.
    more = [row | {"h": 120, "batch": 1, "delivered_on": day(-500)} for row in TOLD]
    send(lake, "raw.vehicles", raw.Vehicles, *more)
    assert numbers(build(lake, settings).days)["core.vehicles"] == [5]
    new = {"h": 121, "vehicle": "z", "delivered_on": day(2), "batch": 2}
    send(lake, "raw.vehicles", raw.Vehicles, new)
    report = build(lake, settings)
    assert numbers(report.days)["core.vehicles"] == numbers(report.changed)["core.vehicles"] == [2, 3, 4, 5]
    assert not any(build(lake, settings).days.values())


def test_a_day_of_wrong_clocks_is_no_day_of_the_fleet(tmp_path: Path) -> None:
    lake, settings = opened(tmp_path / "lake")
    many = [FAULTS[0] | {"h": n % 24, "code": f"B{n:04}"} for n in range(1200)]
    send(lake, "raw.faults", raw.Faults, *many, FAULTS[0] | {"h": -1})
    send(lake, "raw.vehicles", raw.Vehicles, *(row | {"h": 5, "delivered_on": day(-500)} for row in TOLD))
    build(lake, settings)
    assert set(rows(lake, "core.vehicles")["date"]) == {day(0)}


def test_new_days_of_the_fleet_come_with_the_newest_event(place: tuple[Lake, Settings]) -> None:
    build(*place)
    send(place[0], "raw.faults", raw.Faults, {"h": 24 * 8, "vehicle": "a", "code": "B1000", "status": "set"}, batch=1)
    report, _ = written(*place)
    assert numbers(report.changed) | {"core.fault_episodes": [8]} == numbers(report.changed)
    for name in ("core.vehicles", "core.subscription_days", "core.vehicle_days", "core.activity"):
        assert numbers(report.days)[name] == numbers(report.changed)[name] == [6, 7, 8]


def test_named_days_of_a_history_are_written_and_no_other(place: tuple[Lake, Settings]) -> None:
    report = build(*place, day(1), day(2))
    assert numbers(report.days)["core.fault_episodes"] == [1, 2]
    assert set(rows(place[0], "core.fault_episodes")["date"]) == {day(1), day(2)}
    report = build(*place)
    assert numbers(report.changed)["core.fault_episodes"] == [0, 3, 4, 5]


@pytest.mark.parametrize("more", [{"buckets": 4}, {"buckets": 4, "build_rows": 1000}, {"build_rows": 1000}], ids=str)
def test_neither_buckets_nor_steps_change_a_row(
    tmp_path: Path, place: tuple[Lake, Settings], more: dict[str, int]
) -> None:
    build(*place)
    lake, settings = opened(tmp_path / "other", **more)
    send_all(lake)
    if "build_rows" in more:  # a registry that is larger than a step
        lots = [{"h": 1 + n / 1000, "vehicle": v, "market": "FR"} for n in range(300) for v in "mnop"]
        for other in (place[0], lake):
            send(other, "raw.vehicles", raw.Vehicles, *lots, batch=1)
        build(*place)
    build(lake, settings)
    found, expected = ({n: t for n, t in content(one).items() if n in COMPUTED} for one in (lake, place[0]))
    assert_same(found, expected)


@pytest.mark.parametrize("late", [{"h": 125, "status": "cleared"}, {"h": 3, "code": "B1000", "status": "set"}], ids=str)
def test_days_of_a_run_that_was_killed_before_it_told_of_them_are_told(
    place: tuple[Lake, Settings], monkeypatch: pytest.MonkeyPatch, late: dict[str, Any]
) -> None:
    build(*place)
    send(place[0], "raw.faults", raw.Faults, {"vehicle": "a", "code": "P0A80"} | late, batch=1)

    def killed(lake: Lake, computed: list[Computed]) -> None:
        assert computed[0].table == "core.fault_episodes"
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "record", killed)
    with pytest.raises(KeyboardInterrupt):
        build(*place)
    monkeypatch.undo()
    # The rows are there; that the day came out otherwise was not written down, so it has yet to be checked.
    report, commits = written(*place)
    assert commits == {}
    assert numbers(report.changed) == {"core.fault_episodes": [0]}
    checks = [check for check in data_checks() if check.name == "core.fault_episodes.rows_as_recorded"]
    assert all(result.passed for result in run_checks(*place, [day(n) for n in range(6)], checks=checks))
    assert not any(build(*place).days.values())


def test_what_was_computed_stays_quick_to_read(place: tuple[Lake, Settings]) -> None:
    runs = open_table(place[0], "ops.runs")
    for n in range(130):
        record(place[0], [Computed("core.trips", {day(n): n}, {"raw.telemetry": n}, {"raw.telemetry": n})])
    assert len(runs.handle().file_uris()) <= 101
    assert sorted(runs.scan().collect()["rows"].drop_nulls()) == list(range(130))


def test_what_is_compared_is_every_value(place: tuple[Lake, Settings]) -> None:
    build(*place)
    table = open_table(place[0], "core.vehicles")
    frame, whole = table.scan().collect(), [day(n) for n in range(7)]
    handle = table.handle()
    assert table.differing_days(frame.sample(fraction=1, shuffle=True, seed=1), whole, handle=handle) == []
    one = (pl.col("date") == day(2)) & (pl.col("vehicle_id") == vehicle_id("c"))
    other = frame.with_columns(market=pl.when(~one).then("market"))
    assert table.differing_days(other, whole, handle=handle) == [day(2)]
    assert table.differing_days(frame.filter(~one), whole, handle=handle) == [day(2)]
    assert table.differing_days(frame.filter(pl.col("date") != day(0)), whole, handle=handle) == [day(0)]
    assert table.differing_days(frame.clear(), whole[1:3], handle=handle) == whole[1:3]
