"""From the steps of remote commands to how they ended."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import CommandOutcomes
from lake.schemas.raw.events import COMMAND_STATUSES
from tests.unit.core.events import CAR, DAYS, FIRST, LAST, MIDNIGHT, VAN, by_windows, events, resent
from transforms.core.command_outcomes import CommandRules, command_outcomes

HOUR = 3600
DAY = 24 * HOUR
ORDER = ("vehicle_id", "issued_at", "command_id")


def commands(*rows: tuple[float, str] | tuple[float, str, dict[str, Any]], **more: Any) -> pl.DataFrame:
    """Steps of (seconds, status[, more])."""
    base = {"command_id": "c1", "command": "lock"} | more
    return events(
        "raw.commands", [base | {"s": row[0], "status": row[1]} | (row[2] if len(row) > 2 else {}) for row in rows]
    )


def outcomes(frame: pl.DataFrame, rules: CommandRules | None = None) -> pl.DataFrame:
    result = CommandOutcomes.validate(command_outcomes(frame, FIRST, LAST, rules))
    times = (pl.col(name) - MIDNIGHT for name in ("issued_at", "acknowledged_at", "finished_at"))
    return result.with_columns(time.dt.total_microseconds() / 1e6 for time in times)


def found(frame: pl.DataFrame) -> list[tuple[float, str, float | None, bool]]:
    """(issued, outcome, finished, issue seen), times in seconds."""
    return outcomes(frame).select("issued_at", "outcome", "finished_at", "issue_seen").rows()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(1, "issued"), (2, "acknowledged"), (9, "succeeded")], [(1, "succeeded", 9, True)]),
        ([(1, "issued"), (2, "acknowledged"), (9, "failed")], [(1, "failed", 9, True)]),
        ([(1, "issued"), (DAY, "expired")], [(1, "expired", DAY, True)]),
        ([(1, "issued"), (2, "acknowledged")], [(1, "unanswered", None, True)]),
        # The issue is lost.
        ([(2, "acknowledged"), (9, "succeeded")], [(2, "succeeded", 9, False)]),
        # Contradictions: success, else failure; the first of each.
        ([(1, "issued"), (5, "failed"), (9, "succeeded"), (11, "succeeded")], [(1, "succeeded", 9, True)]),
        ([(1, "issued"), (5, "succeeded"), (9, "failed")], [(1, "succeeded", 5, True)]),
        ([(1, "issued"), (5, "expired"), (9, "failed")], [(1, "failed", 9, True)]),
        # Issued again within the limit of a day: a resend. After it: another.
        ([(1, "issued"), (DAY + 1, "issued")], [(1, "unanswered", None, True)]),
        ([(1, "issued"), (DAY + 2, "issued"), (DAY + 5, "succeeded")],
         [(1, "unanswered", None, True), (DAY + 2, "succeeded", DAY + 5, True)]),
        ([(1, "issued"), (DAY - 5, "issued"), (2 * DAY - 9, "issued"), (2 * DAY, "succeeded")],
         [(1, "unanswered", None, True)]),
        # The platform takes a moment to find that time is up; what comes later still is of a command not seen.
        ([(1, "issued"), (DAY + 601, "expired")], [(1, "expired", DAY + 601, True)]),
        ([(1, "issued"), (DAY + 602, "succeeded")],
         [(1, "unanswered", None, True), (DAY + 602, "succeeded", DAY + 602, False)]),
        # The vehicle's clock is behind.
        ([(400, "acknowledged"), (405, "succeeded"), (1000, "issued")], [(1000, "succeeded", 405, True)]),
        ([(399, "acknowledged"), (1000, "issued"), (1001, "succeeded")],
         [(399, "unanswered", None, False), (1000, "succeeded", 1001, True)]),
        ([], []),
    ],
)  # fmt: skip
def test_what_a_command_is(steps: list[tuple[float, str]], expected: list[tuple[Any, ...]]) -> None:
    assert found(commands(*steps)) == expected
    assert found(commands(*steps[::-1])) == expected


def test_one_number_for_two_vehicles_is_two_commands() -> None:
    replayed = commands((3, "issued"), (4, "failed")).with_columns(vehicle_id=pl.lit(VAN))
    other = commands((2, "issued"), command_id="c2")
    assert found(pl.concat([commands((1, "issued"), (5, "succeeded")), replayed, other])) == [
        (1, "succeeded", 5, True), (2, "unanswered", None, True), (3, "failed", 4, True),
    ]  # fmt: skip


def test_what_was_said_first_holds_and_latency_needs_the_issue() -> None:
    frame = commands(
        (1, "issued", {"channel": "app", "client_country": "FR", "account_id": "a" * 32}),
        (2, "acknowledged", {"channel": "web"}),
        (4, "failed", {"reason": "door open"}),
        (5, "failed", {"reason": "other"}),
        (6, "expired", {"reason": "late"}),
    )
    row = outcomes(frame).row(0, named=True)
    names = ("channel", "client_country", "account_id", "acknowledged_at", "reason", "latency_s")
    assert tuple(row[name] for name in names) == ("app", "FR", "a" * 32, 2, "door open", 3)
    lost = outcomes(frame.filter(pl.col("status") != "issued")).row(0, named=True)
    assert (lost["channel"], lost["latency_s"], lost["issue_seen"]) == ("web", None, False)
    succeeded = pl.concat([frame, commands((7, "succeeded"))])
    assert outcomes(succeeded)["reason"].to_list() == [None]
    early = commands((10, "succeeded"), (20, "issued"))
    assert outcomes(early)["latency_s"].to_list() == [None]


def test_rows_that_say_nothing_are_left_out() -> None:
    frame = commands((1, "issued"), (2, "succeeded"))
    holes = [frame.with_columns(pl.lit(None, dtype=frame.schema[name]).alias(name))
             for name in ("vehicle_id", "event_at", "command_id", "command", "status")]  # fmt: skip
    expected = [(1, "succeeded", 2, True)]
    assert found(pl.concat([frame, *holes, frame.with_columns(status=pl.lit("sleeping"))])) == expected
    assert found(frame.drop("sequence", "channel", "account_id", "client_country", "reason")) == expected


def test_parameters_that_make_no_sense_are_refused() -> None:
    for limit_s, clock_s in ((0.0, 0.0), (60.0, 60.0), (60.0, -1.0), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="limit_s"):
            CommandRules(limit_s, clock_s)


STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "vehicle_id": st.sampled_from([CAR, VAN]),
            "s": st.one_of(
                st.integers(0, DAYS * 4 - 1).map(lambda n: n * 6 * HOUR),
                st.integers(0, DAYS * 144 - 1).map(lambda n: n * 600),
                st.integers(0, DAYS * DAY - 1),
            ),
            "command_id": st.sampled_from(["a", "a", "b"]),
            "command": st.sampled_from(["lock", "horn"]),
            "status": st.sampled_from(COMMAND_STATUSES),
            "reason": st.sampled_from([None, "x", "y"]),
            "channel": st.sampled_from([None, "app", "web"]),
        }
    ),
    max_size=60,
)  # fmt: skip
RULES = st.sampled_from([CommandRules(), CommandRules(6 * HOUR, HOUR), CommandRules(30 * HOUR, 0)])


@settings(max_examples=60, deadline=None)
@given(STEPS, RULES, st.integers(0, 2**16))
def test_any_split_and_order_of_the_history_gives_the_same_commands(
    rows: list[dict[str, Any]], rules: CommandRules, seed: int
) -> None:
    whole = events("raw.commands", rows)
    expected = CommandOutcomes.validate(command_outcomes(whole, FIRST, LAST, rules))

    def compute(frame: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
        return command_outcomes(frame, first, last, rules)

    for limits in (range(DAYS + 1), [0, 3, DAYS]):
        parts = by_windows(compute, resent(whole, seed), limits, rules.back, rules.forward, ORDER)
        assert_frame_equal(parts, expected, check_exact=True)


@settings(max_examples=60, deadline=None)
@given(STEPS, RULES)
def test_every_issue_is_of_one_command_and_none_is_far_from_its_steps(
    rows: list[dict[str, Any]], rules: CommandRules
) -> None:
    found = command_outcomes(events("raw.commands", rows), FIRST, LAST, rules)
    told = {(row["vehicle_id"], row["command_id"]) for row in rows}
    assert told == set(found.select("vehicle_id", "command_id").rows())
    issued = {(row["vehicle_id"], row["command_id"], row["s"]) for row in rows if row["status"] == "issued"}
    seconds = (pl.col("issued_at") - MIDNIGHT).dt.total_seconds()
    seen = set(found.filter("issue_seen").select("vehicle_id", "command_id", seconds).rows())
    assert seen <= issued
    # An issue that opens nothing follows another within the limit.
    for vehicle, command, at in issued - seen:
        assert any((vehicle, command, at - back) in issued for back in range(1, int(rules.limit_s) + 1))
    waited = found["finished_at"] - found["issued_at"]
    assert (waited.dt.total_seconds().drop_nulls() <= rules.limit_s + rules.clock_s).all()
    assert (waited.dt.total_seconds().drop_nulls() >= -rules.clock_s).all()
