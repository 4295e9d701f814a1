"""Only what changed is computed, and whatever the order of the work, the rows are the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.commits import ConcurrentWriteError
from lake.settings import Settings
from lake.storage import Lake
from lake.tables import Table, open_table
from orchestration import building
from orchestration.building import BuildReport, build
from orchestration.landing import land
from tests.integration.lakes import assert_same, content, opened, rows
from tests.integration.shuttles import FIRST, Shuttles, write_shuttles
from transforms.sources.profile import load_profile

DAYS = 6
KPIS = ("kpi.active_vehicles", "kpi.driving")


@dataclass(frozen=True)
class Place:
    """A lake and the feed that lands in it."""

    lake: Lake
    settings: Settings
    feed: Shuttles

    def land(self, *files: Path) -> None:
        land(self.lake, self.settings, load_profile(self.feed.profile), [str(f) for f in files or [self.feed.folder]])

    def build(self, *args: Any, **kwargs: Any) -> BuildReport:
        return build(self.lake, self.settings, *args, **kwargs)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Shuttles:
    return write_shuttles(tmp_path_factory.mktemp("feed"), days=DAYS, vehicles=3)


@pytest.fixture(scope="module")
def whole(feed: Shuttles, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """The tables after one landing and one build."""
    place = Place(*opened(tmp_path_factory.mktemp("whole")), feed)
    place.land()
    place.build()
    return content(place.lake)


@pytest.fixture
def place(tmp_path: Path, feed: Shuttles) -> Place:
    return Place(*opened(tmp_path / "lake"), feed)


def day(number: int) -> date:
    """Days count from the first of the feed."""
    return FIRST + timedelta(days=number)


def days(report: BuildReport) -> dict[str, list[int]]:
    """The days that were computed, counted from the first of the feed."""
    return {name: [(found - FIRST).days for found in computed] for name, computed in report.days.items()}


def changed(report: BuildReport) -> dict[str, list[int]]:
    """Of these, the days whose rows are other than before."""
    return {name: [(found - FIRST).days for found in days] for name, days in report.changed.items()}


def core_and_kpi(lake: Lake) -> dict[str, pl.DataFrame]:
    """What is computed."""
    return {name: frame for name, frame in content(lake).items() if name.startswith(("core.", "kpi."))}


def computed(whole: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: frame for name, frame in whole.items() if name.startswith(("core.", "kpi."))}


def test_nothing_is_to_build_in_an_empty_lake(place: Place) -> None:
    assert not any(place.build().days.values())
    assert not any(place.build(day(0), day(3)).days.values())


def test_the_first_build_takes_every_day_and_the_next_none(place: Place, whole: dict[str, pl.DataFrame]) -> None:
    place.land()
    first = days(place.build())
    assert first["core.vehicle_days"] == list(range(DAYS))
    # The day before the first has no telemetry, yet a trip might have begun on it.
    assert first["core.trips"] == list(range(-1, DAYS))
    assert all(first[name] == list(range(DAYS)) for name in KPIS)
    versions = {name: open_table(place.lake, name).version() for name in ("core.trips", "core.latest", "ops.runs")}
    assert not any(place.build().days.values())
    assert {name: open_table(place.lake, name).version() for name in versions} == versions
    assert_same(core_and_kpi(place.lake), computed(whole))


def test_late_data_restates_the_days_it_reaches_and_no_other(place: Place, whole: dict[str, pl.DataFrame]) -> None:
    late = place.feed.files[2]
    others = [path for path in place.feed.files if path != late]
    place.land(*others)
    place.build()
    before = rows(place.lake, "core.trips")
    # The file of day 2 begins with resends of a trip that began on day 0, and with a trip that began on day 1.
    place.land(late)
    report = place.build()
    again, other = days(report), changed(report)
    assert again["core.latest"] == [0, 1, 2]
    # The day before and the day after might have changed: they are computed, and found to be as they were.
    assert again["core.trips"] == [-1, 0, 1, 2, 3]
    assert other["core.trips"] == [1, 2]
    assert again["core.vehicle_days"] == [0, 1, 2, 3]
    # The odometer of day 3 is read against that of the evening of day 2.
    assert other["core.vehicle_days"] == again["kpi.driving"] == [0, 1, 2, 3]
    assert again["kpi.active_vehicles"] == list(range(DAYS))  # each looks 27 days back
    untouched = ~pl.col("date").is_between(day(1), day(2))
    after = rows(place.lake, "core.trips")
    assert (
        after.filter(untouched)
        .sort("vehicle_id", "started_at")
        .equals(before.filter(untouched).sort("vehicle_id", "started_at"))
    )
    assert after.height > before.height
    same = core_and_kpi(place.lake)
    # What the raw rows were called differs by the order of landing; what they mean does not.
    assert_same(same, computed(whole))


def test_compaction_of_an_input_makes_nothing_due(place: Place) -> None:
    for path in place.feed.files:
        place.land(path)
    place.build()
    for name in ("raw.telemetry", "core.trips", "core.vehicle_days"):
        open_table(place.lake, name).handle().optimize.compact()
    assert open_table(place.lake, "raw.telemetry").version() > DAYS
    assert not any(place.build().days.values())


def test_building_a_day_twice_gives_the_same_rows(place: Place, whole: dict[str, pl.DataFrame]) -> None:
    place.land()
    place.build()
    again = place.build(day(0), day(DAYS))
    assert days(again)["core.trips"] == list(range(DAYS))
    assert_same(core_and_kpi(place.lake), computed(whole))
    assert not any(place.build().days.values())


def test_named_days_are_built_whether_changed_or_not_and_no_other(place: Place) -> None:
    place.land()
    named = days(place.build(day(1), day(2)))
    assert named["core.trips"] == named["core.vehicle_days"] == named["core.latest"] == [1, 2]
    assert all(found in ([], [1, 2]) for found in named.values())
    assert set(rows(place.lake, "core.trips")["date"]) == {day(1), day(2)}
    assert days(place.build(day(4)))["core.trips"] == [4, 5]
    assert days(place.build(None, day(0)))["core.trips"] == [-1, 0]
    assert not any(place.build(day(50), day(60)).days.values())
    rest = days(place.build())
    assert rest["core.trips"] == [3]
    # Of vehicle_days, the days whose trips came later are due once more.
    assert 3 in rest["core.vehicle_days"]


def test_named_tables_are_built_and_no_other(place: Place) -> None:
    place.land()
    report = place.build(tables=["core.trips"])
    assert set(report.days) == {"core.trips"}
    assert not open_table(place.lake, "core.vehicle_days").exists()


@pytest.mark.parametrize(
    "pieces",
    [[(0, 5)], [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)], [(3, 5), (0, 2)], [(4, 4), (2, 3), (5, 5), (0, 1)]],
    ids=["one", "days", "halves, the later first", "any order"],
)
def test_the_union_of_builds_in_pieces_is_one_build(
    place: Place, whole: dict[str, pl.DataFrame], pieces: list[tuple[int, int]]
) -> None:
    place.land()
    for first, last in pieces:
        place.build(day(first), day(last))
    place.build()
    assert_same(core_and_kpi(place.lake), computed(whole))
    assert not any(place.build().days.values())


def test_landing_and_building_file_by_file_ends_with_the_same_tables(
    place: Place, whole: dict[str, pl.DataFrame]
) -> None:
    for path in place.feed.files:
        place.land(path)
        place.build()
    assert_same(core_and_kpi(place.lake), computed(whole))


def test_files_that_land_in_reverse_end_with_the_same_tables(place: Place, whole: dict[str, pl.DataFrame]) -> None:
    for path in reversed(place.feed.files):
        place.land(path)
        place.build()
    assert_same(core_and_kpi(place.lake), computed(whole))


@pytest.mark.parametrize("buckets", [4, 16])
def test_buckets_change_no_row_of_core_and_kpi(
    tmp_path: Path, feed: Shuttles, whole: dict[str, pl.DataFrame], buckets: int
) -> None:
    place = Place(*opened(tmp_path / "lake", buckets=buckets, build_rows=1000), feed)
    place.land()
    place.build()
    raw = rows(place.lake, "raw.telemetry")
    assert raw["bucket"].n_unique() > 1
    assert raw["bucket"].max() < buckets
    found, expected = core_and_kpi(place.lake), computed(whole)
    for tables in (found, expected):
        tables["core.latest"] = tables["core.latest"].drop("bucket").sort("vehicle_id")
    assert_same(found, expected)


def test_small_steps_give_the_rows_of_large_ones(
    tmp_path: Path, feed: Shuttles, whole: dict[str, pl.DataFrame]
) -> None:
    place = Place(*opened(tmp_path / "lake", build_rows=1000, part_rows=1000), feed)
    place.land()
    steps: list[str] = []

    def count(table: str, done: int, days: int) -> None:
        steps.append(table)

    place.build(progress=count)
    assert steps.count("core.trips") >= DAYS
    assert_same(core_and_kpi(place.lake), computed(whole))


# several runs at once


def test_a_slow_build_does_not_put_back_what_a_newer_one_restated(
    place: Place, whole: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two steps of one build, more data lands and another build restates a day that is still to come."""
    place.land(*place.feed.files[:5])
    steps: list[list[date]] = []
    compute = building._compute

    def slow(lake: Lake, recipe: Any, step: list[date], pieces: Any) -> Any:
        steps.append(step)
        if len(steps) == 2:
            place.land()
            place.build()
        return compute(lake, recipe, step, pieces)

    monkeypatch.setattr(building, "_compute", slow)
    build(place.lake, place.settings.model_copy(update={"build_rows": 1000}))
    place.build()
    assert_same(core_and_kpi(place.lake), computed(whole))


def test_a_build_that_is_overtaken_while_it_computes_computes_anew(
    place: Place, whole: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.land(*place.feed.files[:5])
    replace = Table.replace
    overtaken: list[str] = []

    def overtake(self: Table, *args: Any, **kwargs: Any) -> None:
        if self.spec.name not in overtaken:
            overtaken.append(self.spec.name)
            place.land()
            place.build()
        replace(self, *args, **kwargs)

    monkeypatch.setattr(Table, "replace", overtake)
    place.build()
    place.build()
    core = {name for name in overtaken if name.startswith("core.")}
    assert core == {"core.trips", "core.vehicle_days", "core.latest", "core.activity", "core.arrivals"}
    assert set(overtaken) >= set(KPIS)
    assert_same(core_and_kpi(place.lake), computed(whole))


def test_a_build_that_is_overtaken_again_and_again_gives_up_and_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.land()
    replace = Table.replace

    def overtake(self: Table, frame: pl.DataFrame, *args: Any, **kwargs: Any) -> None:
        replace(self, frame.head(1), *args, **kwargs | {"handle": None})
        replace(self, frame, *args, **kwargs)

    monkeypatch.setattr(Table, "replace", overtake)
    with pytest.raises(ConcurrentWriteError, match=r"core\.\w+"):
        place.build(day(0), day(0))
    monkeypatch.undo()


def test_another_query_computes_its_table_anew_and_nothing_else(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.land()
    place.build()
    known = building.recipes()

    def defined(name: str) -> None:
        changed = tuple(replace(r, definition=name) if r.table == "kpi.driving" else r for r in known)
        monkeypatch.setattr(building, "recipes", lambda: changed)

    everything = list(range(DAYS))
    defined("another")
    assert {name: found for name, found in days(place.build()).items() if found} == {"kpi.driving": everything}
    assert not any(days(place.build()).values())
    defined(next(r.definition for r in known if r.table == "kpi.driving"))
    assert days(place.build())["kpi.driving"] == everything, "back again is another query, too"
    assert not any(days(place.build()).values())
