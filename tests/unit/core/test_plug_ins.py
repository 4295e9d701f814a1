"""Times a cable was connected: told by events, known by sessions, with charging in them or none."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake.schemas.core import ChargingSessions, PlugIns
from tests.unit.core.events import CAR, DAYS, FIRST, LAST, MIDNIGHT, VAN, events, resent, whole_days
from transforms.core.charging import ChargingRules, plug_ins

HOUR, DAY = 3600, 86_400
RULES = ChargingRules()


def at(s: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=s)


def told(*rows: tuple[str, float], **more: Any) -> pl.DataFrame:
    """Events of one vehicle, as (what, seconds after midnight)."""
    return events("raw.charging_events", [{"event": event, "s": s, **more} for event, s in rows])


def sessions(*rows: tuple[float, float | None, float | None, float | None], car: str = CAR) -> pl.DataFrame:
    """Sessions as (started, seconds charging, plugged, unplugged), in seconds after midnight."""
    columns = ChargingSessions.columns()
    nothing = {n: 0 if c.dtype.is_numeric() else False for n, c in columns.items() if not c.nullable}
    full = [
        nothing
        | {"date": at(start).date(), "vehicle_id": car, "started_at": at(start), "duration_s": length}
        | {"plugged_at": plugged if plugged is None else at(plugged)}
        | {"unplugged_at": unplugged if unplugged is None else at(unplugged), "method": "both"}
        for start, length, plugged, unplugged in rows
    ]
    return pl.DataFrame(full, schema=ChargingSessions.create_empty().schema, orient="row")


def found(what: pl.DataFrame, known: pl.DataFrame | None = None) -> list[tuple[Any, ...]]:
    """(plugged, unplugged, told, sessions, seconds charging) of each time."""
    frame = PlugIns.validate(plug_ins(what, sessions() if known is None else known, FIRST, LAST))
    since = [(pl.col(name) - MIDNIGHT).dt.total_seconds() for name in ("plugged_at", "unplugged_at")]
    return frame.select(*since, "told", "sessions", "charging_s").rows()


def test_a_cable_that_never_charged() -> None:
    assert found(told(("plugged", 100), ("unplugged", 700))) == [(100, 700, True, 0, 0.0)]


def test_a_cable_with_two_sessions() -> None:
    cable = told(("plugged", 0), ("started", 60), ("stopped", 660), ("started", 9000), ("stopped", 9600),
                 ("unplugged", 20_000))  # fmt: skip
    known = sessions((60, 600.0, 0, 20_000), (9000, 600.0, 0, 20_000))
    assert found(cable, known) == [(0, 20_000, True, 2, 1200.0)]


def test_the_time_charging_is_not_known_where_that_of_a_session_is_not() -> None:
    known = sessions((60, 600.0, 0, 20_000), (9000, None, 0, 20_000))
    assert found(told(("plugged", 0), ("unplugged", 20_000)), known) == [(0, 20_000, True, 2, None)]


def test_signals_tell_of_cables_too() -> None:
    assert found(told(), sessions((60, 600.0, 0, 5000))) == [(0, 5000, False, 1, 600.0)]
    assert found(told(), sessions((60, 600.0, None, 5000))) == []


def test_what_is_told_twice_is_one_cable() -> None:
    twice = told(("plugged", 0), ("plugged", 200), ("unplugged", 5000), ("unplugged", 5100))
    assert found(twice) == [(0, 5000, True, 0, 0.0)]
    # A clock put the cable behind the start of charging: the session knows it.
    late = told(("plugged", 100), ("unplugged", 5000))
    assert found(late, sessions((60, 600.0, 60, 5000))) == [(60, 5000, True, 1, 600.0)]


def test_a_cable_that_was_pulled_between_is_two() -> None:
    again = told(("plugged", 0), ("unplugged", 60), ("plugged", 120), ("unplugged", 5000))
    assert found(again, sessions((130, 600.0, 120, 5000))) == [(0, 60, True, 0, 0.0), (120, 5000, True, 1, 600.0)]
    # Pulled and connected in one moment.
    moment = told(("plugged", 0), ("unplugged", 600), ("plugged", 600), ("unplugged", 900))
    assert [row[:2] for row in found(moment)] == [(0, 600), (600, 900)]


def test_a_cable_whose_end_was_lost_lasts_until_the_next_and_no_longer_than_a_session() -> None:
    lost = told(("plugged", 0), ("plugged", DAY), ("unplugged", DAY + 60))
    known = sessions((DAY + 30, 10.0, DAY, DAY + 60))
    assert found(lost, known) == [(0, None, True, 0, 0.0), (DAY, DAY + 60, True, 1, 10.0)]
    longest = int(RULES.longest_s)
    long = told(("plugged", 0), ("unplugged", longest + 1))
    assert found(long, sessions((longest + 1, 5.0, None, None))) == [(0, None, True, 0, 0.0)]


def test_a_vehicle_does_not_see_the_others() -> None:
    moments = [("plugged", 0, CAR), ("plugged", 100, VAN), ("unplugged", 500, VAN)]
    both = events("raw.charging_events", [{"event": e, "s": s, "vehicle_id": v} for e, s, v in moments])
    assert [row[:2] for row in found(both)] == [(0, None), (100, 500)]


def test_pulling_without_a_cable_is_nothing() -> None:
    assert found(told(("unplugged", 60))) == []
    assert found(told()) == []


MOMENTS = st.lists(
    st.tuples(
        st.sampled_from(["plugged", "unplugged", "started"]),
        st.integers(0, DAYS * 8).map(lambda n: n * 10_800) | st.integers(0, DAYS * DAY - 1),
        st.sampled_from([CAR, VAN]),
    ),
    max_size=24,
)
SESSIONS = st.lists(
    st.tuples(
        st.integers(0, DAYS * 8 - 1).map(lambda n: n * 10_800),
        st.none() | st.just(600.0),
        st.none() | st.integers(0, DAY),
        st.none() | st.integers(0, 2 * DAY),
    ),
    max_size=8,
    unique_by=lambda row: row[0],
)


@settings(max_examples=100, deadline=None)
@given(MOMENTS, SESSIONS, st.sets(st.integers(1, DAYS - 1)), st.integers(0, 2**16))
def test_any_split_of_the_history_gives_the_same_cables(
    moments: list[tuple[str, int, str]], charged: list[Any], inner: set[int], seed: int
) -> None:
    what = events("raw.charging_events", [{"event": e, "s": s, "vehicle_id": v} for e, s, v in moments])
    known = sessions(
        *((s, d, p if p is None else s - p, u if u is None else s + u) for s, d, p, u in charged)
    )  # fmt: skip
    expected = PlugIns.validate(plug_ins(what, known, FIRST, LAST))
    back, forward = whole_days(RULES.plug_back), whole_days(RULES.plug_forward)
    limits = [0, *sorted(inner), DAYS]
    parts = []
    for start, stop in pairwise(limits):
        first, last = FIRST + timedelta(start), FIRST + timedelta(stop - 1)
        near = [_days(frame, name, first - back, last + forward) for frame, name in
                ((resent(what, seed) if len(what) else what, "event_date"), (known, "date"))]  # fmt: skip
        parts.append(plug_ins(*near, first, last))
    assert_frame_equal(pl.concat(parts).sort("vehicle_id", "plugged_at"), expected, check_exact=True)


def _days(frame: pl.DataFrame, name: str, first: date, last: date) -> pl.DataFrame:
    return frame.filter(pl.col(name).is_between(first, last))
