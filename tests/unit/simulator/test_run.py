"""The same arguments give the same bytes, whether a simulation runs at once, day by day, or is killed on the way."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.errors import SillageError
from simulator import make_arguments, simulate, work
from simulator.folder import Part, Progress
from tests.unit.simulator.conftest import ARGUMENTS, DAYS, Simulated, capture_files, digests


def test_same_arguments_give_the_same_bytes(simulated: Simulated, tmp_path: Path) -> None:
    simulate(tmp_path, days=DAYS, **ARGUMENTS)
    assert digests(tmp_path) == digests(simulated.folder)


def test_another_seed_gives_another_fleet(simulated: Simulated, tmp_path: Path) -> None:
    simulate(tmp_path, days=1, **ARGUMENTS | {"seed": 8})
    theirs = digests(simulated.folder)
    assert all(theirs[name] != digest for name, digest in digests(tmp_path).items() if name.endswith(".avro"))


def test_more_days_leave_the_earlier_files_alone(simulated: Simulated, tmp_path: Path) -> None:
    simulate(tmp_path, days=2, **ARGUMENTS)
    before = {path: path.stat().st_mtime_ns for path in capture_files(tmp_path)}
    seen: list[tuple[date, int]] = []
    report = simulate(tmp_path, days=DAYS, **ARGUMENTS, progress=lambda day, messages: seen.append((day, messages)))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert digests(tmp_path) == digests(simulated.folder)
    assert report.days == 2
    assert [day for day, _ in seen] == [date(2026, 3, 29), date(2026, 3, 30)]
    assert seen[-1][1] == report.messages
    again = simulate(tmp_path, days=DAYS, **ARGUMENTS)
    assert (again.days, again.messages, again.files) == (0, 0, 0)


def test_trips_over_midnight_survive_a_pause(tmp_path: Path) -> None:
    arguments = ARGUMENTS | {"markets": ["JP", "MX", "US"], "vehicles": 60}
    simulate(tmp_path / "at once", days=3, **arguments)
    for days in (1, 2, 3):
        simulate(tmp_path / "day by day", days=days, **arguments)
    trips = Simulated(tmp_path / "at once", None).truth("trips").filter("complete")  # type: ignore[arg-type]
    over = trips.filter(pl.col("started_at").dt.date() < pl.col("ended_at").dt.date())
    assert set(over["started_at"].dt.date()) == {date(2026, 3, 27), date(2026, 3, 28)}
    assert digests(tmp_path / "day by day") == digests(tmp_path / "at once")


def test_a_killed_run_is_taken_up(simulated: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Part.commit

    def killed(self: Part, since: int, now: Progress, *rest: Any) -> None:
        if now.days == 3:
            raise KeyboardInterrupt
        commit(self, since, now, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Part, "commit", killed)
        patched.setattr(work, "COMMIT_EVERY_S", 0)
        with pytest.raises(KeyboardInterrupt):
            simulate(tmp_path, days=DAYS, **ARGUMENTS)
    simulate(tmp_path, days=DAYS, **ARGUMENTS)
    assert digests(tmp_path) == digests(simulated.folder)


def test_other_arguments_are_refused(simulated: Simulated) -> None:
    before = digests(simulated.folder)
    with pytest.raises(SillageError, match=r"seed=7[\s\S]*seed=9[\s\S]*another folder"):
        simulate(simulated.folder, days=DAYS, **ARGUMENTS | {"seed": 9})
    assert digests(simulated.folder) == before


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("markets", ["FR", "XX"], "XX"),
        ("vehicles", 0, "0"),
        ("window_s", 7000, "7000"),
        ("codec", "snappy", "snappy"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path: Path, name: str, value: object, found: str) -> None:
    with pytest.raises(SillageError, match=f"found: {found}"):
        simulate(tmp_path, days=1, **ARGUMENTS | {name: value})
    assert not any(tmp_path.iterdir())


def test_files_of_somebody_else_are_not_overwritten(tmp_path: Path) -> None:
    other = tmp_path / "inbox" / "fleet" / "sillage-sim" / "telemetry" / "0" / "x.avro"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"theirs")
    with pytest.raises(SillageError, match="no simulation"):
        simulate(tmp_path, days=1, **ARGUMENTS)


def test_a_fleet_of_one_with_days_of_rest(tmp_path: Path) -> None:
    report = simulate(tmp_path, days=9, **ARGUMENTS | {"vehicles": 1, "markets": ["JP"]})
    assert report.vehicles == 1
    assert report.messages > 9 * 3


def test_markets_are_those_asked_for(tmp_path: Path) -> None:
    simulate(tmp_path, days=1, **ARGUMENTS | {"markets": ["FR", "JP"]})
    found = Simulated(tmp_path, simulate(tmp_path, days=1, **ARGUMENTS | {"markets": ["JP", "FR"]}))
    assert set(found.truth("vehicles")["market"]) == {"FR", "JP"}


def test_processes_share_the_work_and_give_the_same_bytes(simulated: Simulated, tmp_path: Path) -> None:
    seen: list[tuple[date, int]] = []
    report = simulate(
        tmp_path, days=DAYS, **ARGUMENTS, processes=2, progress=lambda day, messages: seen.append((day, messages))
    )
    assert digests(tmp_path) == digests(simulated.folder)
    assert report.messages == simulated.report.messages
    assert (report.days, report.files) == (simulated.report.days, simulated.report.files)
    assert [day for day, _ in seen] == [date(2026, 3, 27) + timedelta(days=k) for k in range(DAYS)]


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    arguments = ARGUMENTS | {"vehicles": 4}
    simulate(tmp_path, days=1, **arguments)
    inbox = tmp_path / "inbox" / "fleet" / "sillage-sim"
    inbox.rename(tmp_path / "away")
    inbox.write_bytes(b"in the way")
    with pytest.raises(SillageError, match="ended before its work was done") as raised:
        simulate(tmp_path, days=2, **arguments, processes=2)
    assert "sillage-sim" in raised.value.found


def test_a_simulation_begins_when_all_models_are_on_sale() -> None:
    with pytest.raises(SillageError, match="before all models are on sale"):
        make_arguments(vehicles=1, first_day=date(2023, 9, 1))
    assert make_arguments(vehicles=1, first_day=date(2023, 9, 2)).first_day == "2023-09-02"


def test_large_fleets_get_more_partitions() -> None:
    assert make_arguments(vehicles=10_000, first_day=date(2026, 1, 1)).partitions == 4
    assert make_arguments(vehicles=100_000, first_day=date(2026, 1, 1)).partitions == 40
    assert make_arguments(vehicles=100_000, first_day=date(2026, 1, 1), partitions=3).partitions == 3
