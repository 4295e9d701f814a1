"""From messages that set and clear a code to episodes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import FaultEpisodes
from tests.unit.core.events import CAR, DAYS, END, FIRST, LAST, MIDNIGHT, VAN, by_windows, events, resent
from transforms.core.fault_episodes import FaultRules, fault_episodes

HOUR = 3600
ORDER = ("vehicle_id", "set_at", "code")


def faults(*rows: tuple[float, str] | tuple[float, str, dict[str, Any]], code: str = "P0301") -> pl.DataFrame:
    """Messages of (hours, status[, more])."""
    return events(
        "raw.faults",
        [{"s": row[0] * HOUR, "status": row[1], "code": code} | (row[2] if len(row) > 2 else {}) for row in rows],
    )


def found(frame: pl.DataFrame, rules: FaultRules | None = None) -> list[tuple[float, float | None, int]]:
    """(set, cleared, sets) of the episodes, times in hours."""
    result = FaultEpisodes.validate(fault_episodes(frame, FIRST, LAST, rules))
    hours = [(pl.col(name) - MIDNIGHT).dt.total_seconds() / HOUR for name in ("set_at", "cleared_at")]
    return result.select(*hours, "sets").rows()


@pytest.mark.parametrize(
    ("messages", "episodes"),
    [
        ([(1, "set"), (5, "cleared")], [(1, 5, 1)]),
        ([(1, "set")], [(1, None, 1)]),
        ([(1, "set"), (2, "set"), (3, "set"), (5, "cleared"), (6, "cleared")], [(1, 5, 1)]),
        ([(1, "cleared"), (2, "set"), (3, "cleared")], [(2, 3, 1)]),
        ([(1, "cleared"), (2, "cleared")], []),
        # Flapping: set again within a day of being cleared.
        ([(1, "set"), (2, "cleared"), (3, "set"), (4, "cleared")], [(1, 4, 2)]),
        ([(1, "set"), (2, "cleared"), (26, "set")], [(1, None, 2)]),
        ([(1, "set"), (2, "cleared"), (26.25, "set"), (27, "cleared")], [(1, 2, 1), (26.25, 27, 1)]),
        # The time since the code was cleared counts from the first message that said so.
        ([(1, "set"), (2, "cleared"), (20, "cleared"), (27, "set")], [(1, 2, 1), (27, None, 1)]),
        # In one moment, without numbers: a fault that is cleared and set is there.
        ([(1, "set"), (2, "set"), (2, "cleared")], [(1, None, 2)]),
        ([(1, "set"), (2, "set", {"sequence": 1}), (2, "cleared", {"sequence": 2})], [(1, 2, 1)]),
    ],
)  # fmt: skip
def test_what_an_episode_is(messages: list[tuple[float, str]], episodes: list[tuple[float, float | None, int]]) -> None:
    assert found(faults(*messages)) == episodes
    assert found(faults(*messages[::-1])) == episodes


@pytest.mark.parametrize(
    ("messages", "episodes"),
    [
        # A unit clears its own; the fault is there until all have.
        ([(1, "set", "ABS"), (2, "set", "BCM"), (3, "cleared", "BCM")], [(1, None, 1)]),
        ([(1, "set", "ABS"), (1, "set", "TCM"), (3, "cleared", "TCM"), (4, "cleared", "ABS")], [(1, 4, 1)]),
        ([(1, "set", "ABS"), (2, "cleared", "BCM"), (3, "cleared", "ABS"), (4, "cleared", "BCM")], [(1, 3, 1)]),
        ([(1, "set", "ABS"), (2, "set", "ABS"), (3, "cleared", "ABS")], [(1, 3, 1)]),
        # What is cleared without a unit is cleared for all; what is set without one, by any.
        ([(1, "set", "ABS"), (2, "set", "BCM"), (3, "cleared", None)], [(1, 3, 1)]),
        ([(1, "set", "ABS"), (2, "cleared", None), (3, "set", "ABS"), (4, "cleared", "ABS")], [(1, 4, 2)]),
        ([(1, "set", None), (2, "cleared", "ABS")], [(1, 2, 1)]),
        ([(1, "set", None), (2, "set", "ABS"), (3, "cleared", "BCM"), (4, "cleared", "ABS")], [(1, 4, 1)]),
        # Set by another unit within a day of the last clearing: it flaps.
        ([(1, "set", "ABS"), (2, "cleared", "ABS"), (3, "set", "BCM")], [(1, None, 2)]),
    ],
)
def test_an_episode_lasts_until_every_unit_that_set_the_code_has_cleared_it(
    messages: list[tuple[float, str, str | None]], episodes: list[tuple[float, float | None, int]]
) -> None:
    rows = [(h, status, {"ecu": unit}) for h, status, unit in messages]
    assert found(faults(*rows)) == episodes
    assert found(faults(*rows[::-1])) == episodes


def test_codes_and_vehicles_do_not_mix() -> None:
    car, other = faults((1, "set"), (2, "cleared")), faults((1.5, "set"), code="P0301-1A")
    van = faults((1.2, "set")).with_columns(vehicle_id=pl.lit(VAN))
    assert found(pl.concat([car, other, van])) == [(1, 2, 1), (1.5, None, 1), (1.2, None, 1)]


def test_the_freeze_frame_is_that_of_the_first_set_and_the_clearing_that_of_the_last() -> None:
    frame = faults(
        (1, "set", {"freeze_speed_kmh": 50.0, "ecu": "engine", "software_version": "1.0"}),
        (2, "set", {"freeze_speed_kmh": 70.0, "freeze_soc_pct": 4.0, "malfunction_lamp_on": True}),
        (3, "cleared", {"cleared_by": "self"}),
        (4, "set", {"freeze_speed_kmh": 90.0, "software_version": "1.1"}),
        (5, "cleared", {"cleared_by": "workshop"}),
        (6, "cleared", {"cleared_by": "remote"}),
    )
    row = fault_episodes(frame, FIRST, LAST).row(0, named=True)
    names = ("freeze_speed_kmh", "freeze_soc_pct", "ecu", "software_version", "malfunction_lamp_on", "cleared_by")
    assert tuple(row[name] for name in names) == (50.0, None, "engine", "1.0", None, "workshop")
    assert (row["sets"], row["duration_s"]) == (2, 4 * HOUR)


def test_an_open_episode_has_no_clearing() -> None:
    row = fault_episodes(
        faults((1, "set"), (2, "cleared", {"cleared_by": "self"}), (3, "set")), FIRST, LAST
    ).row(0, named=True)  # fmt: skip
    assert (row["cleared_at"], row["cleared_by"], row["duration_s"]) == (None, None, None)


def test_resends_count_once_and_the_first_copy_counts() -> None:
    first = faults((1, "set", {"software_version": "late", "batch": 7, "sequence": 1}), (30, "cleared"))
    second = faults((1, "set", {"software_version": "early", "batch": 3, "sequence": 1}))
    assert fault_episodes(pl.concat([first, second]), FIRST, LAST)["software_version"].to_list() == ["early"]


def test_rows_that_say_nothing_are_left_out() -> None:
    frame = faults((1, "set"), (2, "cleared"))
    holes = [frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name))
             for name in ("vehicle_id", "event_at", "code", "status")]  # fmt: skip
    other = frame.with_columns(status=pl.lit("pending"))
    assert found(pl.concat([frame, *holes, other])) == [(1, 2, 1)]
    keys_alone = frame.select("vehicle_id", "event_at", "sequence", "batch", "record", "source", "code", "status")
    assert found(keys_alone) == [(1, 2, 1)]
    assert found(frame.clear()) == []


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="flap_s"):
        FaultRules(flap_s=-1)
    with pytest.raises(ValueError, match="flap_s"):
        FaultRules(flap_s=float("nan"))


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(
                st.integers(0, DAYS * 24 - 1).map(lambda hour: hour * HOUR), st.integers(0, DAYS * 24 * HOUR - 1)
            ),
            "sequence": st.sampled_from([None, 0, 1]),
            "code": st.sampled_from(["P0301", "U0100-87"]),
            "status": st.sampled_from(["set", "cleared"]),
            "ecu": st.sampled_from([None, "engine", "body"]),
            "cleared_by": st.sampled_from([None, "self", "workshop"]),
            "freeze_speed_kmh": st.one_of(st.none(), st.floats(0, 200)),
        }
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(MESSAGES, st.sampled_from([0.0, 6.0 * HOUR, 86_400.0]), st.integers(0, 2**16))
def test_any_split_and_order_of_the_history_gives_the_same_episodes(
    rows: list[dict[str, Any]], flap_s: float, seed: int
) -> None:
    whole, rules = events("raw.faults", rows), FaultRules(flap_s)
    expected = FaultEpisodes.validate(fault_episodes(whole, FIRST, LAST, rules))
    everything = timedelta(days=DAYS)

    def compute(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
        return fault_episodes(frame, first, last, rules)

    for limits in (range(DAYS + 1), [0, 3, DAYS]):
        parts = by_windows(compute, resent(whole, seed), limits, everything, everything, ORDER)
        assert_frame_equal(parts, expected, check_exact=True)


@settings(max_examples=50, deadline=None)
@given(MESSAGES, st.sampled_from([0.0, 6.0 * HOUR, 86_400.0]))
def test_every_message_that_sets_a_code_is_in_exactly_one_episode(rows: list[dict[str, Any]], flap_s: float) -> None:
    found = fault_episodes(events("raw.faults", rows), FIRST, LAST, FaultRules(flap_s))
    key = ("vehicle_id", "code")
    sets = {(*(row[name] for name in key), MIDNIGHT + timedelta(seconds=row["s"]))
            for row in rows if row["status"] == "set"}  # fmt: skip
    spans = [(*row[:2], row[2], row[3] or END) for row in found.select(*key, "set_at", "cleared_at").rows()]
    homes = [[span for span in spans if span[:2] == told[:2] and span[2] <= told[2] <= span[3]] for told in sets]
    if flap_s > 0:
        assert all(len(home) == 1 for home in homes)
    assert all(homes)
    assert all(span[2] in {told[2] for told in sets if told[:2] == span[:2]} for span in spans)
    ordered = found.sort(*key, "set_at")
    apart = (
        ordered.with_columns(gap=pl.col("set_at") - pl.col("cleared_at").shift(1).over(key))
        .filter(pl.col("set_at").shift(1).over(key).is_not_null())
    )  # fmt: skip
    assert apart["gap"].null_count() == 0
    assert (apart["gap"] > timedelta(seconds=flap_s)).all()


def test_a_late_message_joins_what_was_two() -> None:
    told = [(1, "set"), (2, "cleared"), (40, "set"), (41, "cleared")]
    assert found(faults(*told)) == [(1, 2, 1), (40, 41, 1)]
    assert found(faults(*told, (20, "set"), (21, "cleared"))) == [(1, 41, 3)]
