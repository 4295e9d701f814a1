"""From the steps of over-the-air campaigns to how they stand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import SoftwareInstalls
from lake.schemas.raw.events import SOFTWARE_STEPS
from tests.unit.core.events import CAR, DAYS, FIRST, LAST, MIDNIGHT, VAN, by_windows, events, resent
from transforms.core.software_installs import software_installs

HOUR = 3600
ORDER = ("vehicle_id", "campaign_id")


def steps(*rows: tuple[float, str] | tuple[float, str, dict[str, Any]], **more: Any) -> pl.DataFrame:
    """Steps of (hours, step[, more])."""
    base = {"campaign_id": "2026-03"} | more
    return events(
        "raw.software_events",
        [base | {"s": row[0] * HOUR, "step": row[1]} | (row[2] if len(row) > 2 else {}) for row in rows],
    )


def installs(frame: pl.DataFrame) -> pl.DataFrame:
    result = SoftwareInstalls.validate(software_installs(frame, FIRST, LAST))
    names = ("first_step_at", "targeted_at", "downloaded_at", "started_at", "finished_at")
    return result.with_columns((pl.col(name) - MIDNIGHT).dt.total_seconds() / HOUR for name in names)


START, END = "install_started", "installed"


@pytest.mark.parametrize(
    ("told", "attempts", "failures", "outcome", "finished"),
    [
        ([(1, "targeted")], 0, 0, "pending", None),
        ([(1, "targeted"), (2, "notified"), (3, "downloaded"), (4, START)], 1, 0, "pending", None),
        ([(1, "targeted"), (4, START), (5, END)], 1, 0, "installed", 5),
        ([(1, START), (2, "failed"), (3, START), (4, END)], 2, 1, "installed", 4),
        ([(1, START), (2, "failed"), (3, START), (4, "failed")], 2, 2, "failed", 4),
        # What fails and is then rolled back has failed once; what is rolled back later has failed, too.
        ([(1, START), (2, "failed"), (3, "rolled_back")], 1, 1, "rolled_back", 3),
        ([(1, START), (2, END), (3, "rolled_back")], 1, 1, "rolled_back", 3),
        # After a failure the next attempt is under way: it stands as it last ended.
        ([(1, START), (2, "failed"), (3, START)], 2, 1, "failed", 2),
        # The second start was lost.
        ([(1, START), (2, "failed"), (3, "failed"), (4, END)], 3, 2, "installed", 4),
        ([(1, START), (2, "failed"), (3, "rolled_back"), (4, "failed")], 2, 2, "failed", 4),
        # Starts were lost: what ended had started.
        ([(2, END)], 1, 0, "installed", 2),
        ([(1, "failed"), (2, START), (3, END)], 2, 1, "installed", 3),
        # In one moment.
        ([(1, START), (1, "failed"), (1, END)], 2, 1, "installed", 1),
    ],
)
def test_what_an_install_is(
    told: list[tuple[float, str]], attempts: int, failures: int, outcome: str, finished: float | None
) -> None:
    for frame in (steps(*told), steps(*told[::-1])):
        names = ("attempts", "failures", "outcome", "finished_at")
        assert installs(frame).select(names).rows() == [(attempts, failures, outcome, finished)]


def test_times_versions_and_reasons() -> None:
    frame = steps(
        (1, "targeted", {"to_version": "5.1"}),
        (2, "downloaded", {"from_version": "5.0", "to_version": "5.1"}),
        (3, "downloaded"),
        (4, START), (5, "failed", {"reason": "low battery"}), (6, START), (7, "rolled_back", {"reason": "checksum"}),
        (8, START), (9, END),
    )  # fmt: skip
    row = installs(frame).row(0, named=True)
    names = ("first_step_at", "targeted_at", "downloaded_at", "started_at", "finished_at", "reason")
    assert tuple(row[name] for name in names) == (1, 1, 2, 4, 9, "checksum")
    assert (row["from_version"], row["to_version"], row["date"]) == ("5.0", "5.1", FIRST)


def test_campaigns_and_vehicles_do_not_mix() -> None:
    frames = [
        steps((1, START)), steps((2, "failed"), campaign_id="2026-04"),
        steps((3, END)).with_columns(vehicle_id=pl.lit(VAN)),
    ]  # fmt: skip
    assert installs(pl.concat(frames))["outcome"].to_list() == ["pending", "failed", "installed"]


def test_rows_that_say_nothing_are_left_out() -> None:
    frame = steps((1, START), (2, END))
    holes = [frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name))
             for name in ("vehicle_id", "event_at", "campaign_id", "step")]  # fmt: skip
    dirty = pl.concat([frame, *holes, frame.with_columns(step=pl.lit("pondered"))])
    assert_frame_equal(installs(dirty), installs(frame))
    assert_frame_equal(installs(frame.drop("sequence", "from_version", "to_version", "reason")), installs(frame))
    assert installs(frame.clear()).is_empty()


STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(st.integers(0, DAYS * 4 - 1).map(lambda n: n * 6 * HOUR), st.integers(0, DAYS * 86_400 - 1)),
            "sequence": st.sampled_from([None, 0, 1]),
            "campaign_id": st.sampled_from(["a", "b", "c"]),
            "step": st.sampled_from(SOFTWARE_STEPS),
            "reason": st.sampled_from([None, "x", "y"]),
            "to_version": st.sampled_from([None, "1", "2"]),
        }
    ),
    max_size=50,
)


@settings(max_examples=50, deadline=None)
@given(STEPS, st.integers(0, 2**16))
def test_any_split_and_order_of_the_history_gives_the_same_installs(rows: list[dict[str, Any]], seed: int) -> None:
    whole = events("raw.software_events", rows)
    expected = SoftwareInstalls.validate(software_installs(whole, FIRST, LAST))
    everything = timedelta(days=DAYS)

    def compute(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
        return software_installs(frame, first, last)

    for limits in (range(DAYS + 1), [0, 3, DAYS]):
        parts = by_windows(compute, resent(whole, seed), limits, everything, everything, ORDER)
        assert_frame_equal(parts, expected, check_exact=True)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_every_campaign_of_a_vehicle_is_one_install(rows: list[dict[str, Any]]) -> None:
    found = software_installs(events("raw.software_events", rows), FIRST, LAST)
    told = {(row["vehicle_id"], row["campaign_id"]) for row in rows}
    assert sorted(told) == found.select(ORDER).rows()
    assert (found["failures"] <= found["attempts"]).all()
    ended = {
        (row["vehicle_id"], row["campaign_id"]) for row in rows if row["step"] in ("installed", "failed", "rolled_back")
    }
    assert set(found.filter(pl.col("outcome") != "pending").select(ORDER).rows()) == ended
