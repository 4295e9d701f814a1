"""Work in the order of what it needs: pieces of it side by side, none before those that it rests on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def in_order(needs: Mapping[Name, set[Name]], work: Callable[[Name], None], at_once: int) -> None:
    """Call ``work`` for each name, after all that it needs.

    Where one fails, or somebody interrupts, no further one begins, and those under way are waited for.

    Args:
        needs: each name with the names that must be done before, all of them among its keys.
        work: called once for each, in a thread.
        at_once: so many at a time.

    Raises:
        graphlib.CycleError: names need each other.
        Exception: what ``work`` raised first.
    """
    order = TopologicalSorter(needs)
    order.prepare()
    ready: list[Name] = []
    running: dict[Future[None], Name] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while order.is_active():
            ready += order.get_ready()
            while ready and len(running) < at_once:
                name = ready.pop(0)
                running[pool.submit(work, name)] = name
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                ended.result()
                order.done(running.pop(ended))
