"""Messages are numbered per vehicle and kind in the order of their own time, whenever they were told."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.dirt import NONE
from simulator.events import telemetry
from simulator.outbox import LONGEST_LAG_MS, Outbox, Waiting
from simulator.world import DAY_MS

BEGIN, DAYS, VEHICLES = 20_000 * DAY_MS, 4, 3
OUTBOX = Outbox(1, 0, pl.Series("vin", [letter * 17 for letter in "ABC"]), NONE)

#: A message: the day on which it is told, how long after the beginning of that day it happens, and the vehicle.
TOLD = st.lists(
    st.tuples(st.integers(0, DAYS - 1), st.integers(0, 3 * DAY_MS), st.integers(0, VEHICLES - 1)), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(told=TOLD)
def test_numbers_follow_the_time_of_the_message(told: list[tuple[int, int, int]]) -> None:
    waiting, bodies, sent = Waiting.nothing(VEHICLES), [], 0
    for day in range(DAYS):
        begin = BEGIN + day * DAY_MS
        mine = [(vehicle, begin + after) for at, after, vehicle in told if at == day]
        frame = pl.DataFrame(mine, schema={"vehicle": pl.Int64, "event_ms": pl.Int64}, orient="row")
        arrived, tally = OUTBOX.post(begin, telemetry(0), {"service": frame}, waiting)
        assert (np.diff(arrived["arrival_ms"]) >= 0).all()
        assert ((arrived["arrival_ms"] >= begin) & (arrived["arrival_ms"] < begin + DAY_MS)).all()
        lag = arrived["arrival_ms"] - arrived["event_ms"]
        assert ((lag > 0) & (lag <= LONGEST_LAG_MS)).all()
        sent += int(sum(tally.filter(what="sent")["messages"]))
        ends = arrived["begin"] + arrived["size"]
        bodies += [json.loads(arrived.text[a:b].tobytes()) for a, b in zip(arrived["begin"], ends, strict=True)]
    due = [BEGIN + at * DAY_MS + after for at, after, _ in told]
    assert sent == sum(at < BEGIN + DAYS * DAY_MS for at in due)
    assert len(bodies) + len(waiting.carried) == sent
    for letter in "ABC":
        mine_of = sorted((body["seq"], body["ts"]) for body in bodies if body["vin"] == letter * 17)
        assert [number for number, _ in mine_of] == list(range(1, len(mine_of) + 1))
        assert [ts for _, ts in mine_of] == sorted(ts for _, ts in mine_of)


def test_a_message_told_after_its_day_is_refused() -> None:
    frame = pl.DataFrame({"vehicle": [0], "event_ms": [BEGIN - 1]})
    with pytest.raises(ValueError, match="after its day"):
        OUTBOX.post(BEGIN, telemetry(0), {"service": frame}, Waiting.nothing(VEHICLES))
