"""A simulation at the pace of a clock: files appear when their window closes, as those of a real hub do."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from simulator.folder import Arguments
from simulator.work import Done, Line


def stream(
    out: Path,
    arguments: Arguments,
    done: Done,
    *,
    speedup: float = 1.0,
    days: int | None = None,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    progress: Callable[[datetime, int], None] | None = None,
    publish: Callable[[], None] | None = None,
) -> None:
    """Goes on with a simulation window by window until it is interrupted or ``days`` are there.

    At real time (``speedup`` 1) the files of all windows that have closed by now are written at once, and each further
    one when it closes. Otherwise the first window not written yet opens now, and the simulated clock runs ``speedup``
    times as fast until it has caught up with the real one; no file appears before its window has closed. A day is lived
    as a whole and held in memory until its last window is written; an interrupted one is lived again, and the files
    that are there already are left alone.

    Args:
        out: folder of the simulation, opened.
        arguments: of the simulation.
        done: what is added is added to this.
        speedup: simulated seconds per second, above 0.
        days: stop after so many days; None for never.
        now: seconds since 1970 UTC.
        sleep: waits for so many seconds.
        progress: called after each window with its end and the messages written so far.
        publish: called after each day.
    """
    lines = [Line(out, arguments, number) for number in range(arguments.partitions)]
    day, clock = min(line.days for line in lines), _Clock(speedup, now, sleep)
    while days is None or day < days:
        opened = defaultdict(list)
        for line in (line for line in lines if line.days == day):
            arrived, trips = line.live()
            done.add(Done(0, 0, trips))
            for window_ms, events in line.windows(arrived):
                opened[window_ms].append((line, events))
        for window_ms in sorted(opened):
            if not all(line.has(window_ms) for line, _ in opened[window_ms]):
                clock.wait(window_ms, window_ms + arguments.window_s * 1000)
            for line, events in opened[window_ms]:
                done.add(Done(0, len(events), 0, 1, line.write(window_ms, events)))
            if progress:
                progress(datetime.fromtimestamp(window_ms / 1000 + arguments.window_s, tz=UTC), done.messages)
        for line in lines:
            line.commit()
        day, done.days = day + 1, done.days + 1
        if publish:
            publish()


class _Clock:
    """Simulated time: the real one, or one that runs at another pace from the first window on that is waited for.

    It is never ahead of the real one: nothing can be received before it was sent.
    """

    def __init__(self, speedup: float, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._speedup, self._now, self._sleep = speedup, now, sleep
        self._begin: tuple[float, float] | None = None if speedup != 1 else (0.0, 0.0)

    def wait(self, opens_ms: int, closes_ms: int) -> None:
        """Waits until the window closes."""
        if self._begin is None:
            self._begin = (self._now(), opens_ms / 1000)
        real, simulated = self._begin
        closes = closes_ms / 1000
        due = max(closes, real + (closes - simulated) / self._speedup)
        while (rest := due - self._now()) > 0:
            self._sleep(min(rest, 1.0))
