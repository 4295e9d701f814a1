"""Work in the order of what it needs."""

from __future__ import annotations

from graphlib import CycleError
from threading import Barrier, Lock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.order import in_order


@given(st.data(), st.integers(1, 5))
def test_each_is_done_once_and_after_what_it_needs(data: st.DataObject, at_once: int) -> None:
    names = range(data.draw(st.integers(0, 12)))
    needs = {name: data.draw(st.sets(st.integers(0, name - 1))) if name else set() for name in names}
    done: list[int] = []
    lock = Lock()

    def work(name: int) -> None:
        with lock:
            assert needs[name] <= set(done)
            done.append(name)

    in_order(needs, work, at_once)
    assert sorted(done) == list(names)


def test_what_does_not_need_each_other_is_done_side_by_side() -> None:
    both = Barrier(2, timeout=60)
    in_order({"trips": set(), "faults": set()}, lambda _: bool(both.wait()), 2)


def test_nothing_begins_after_a_failure() -> None:
    begun = []

    def work(name: str) -> None:
        begun.append(name)
        raise OSError(name)

    with pytest.raises(OSError, match="trips"):
        in_order({"trips": set(), "vehicle_days": {"trips"}, "faults": set()}, work, 1)
    assert begun == ["trips"]


def test_a_circle_is_refused() -> None:
    with pytest.raises(CycleError):
        in_order({"trips": {"days"}, "days": {"trips"}}, lambda _: None, 1)
