"""What happens to messages as such: lost, held back, overtaken, sent twice, cut off, stamped by a wrong clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.dirt import Dirt, What
from simulator.events import Ints, within
from simulator.world import DAY_MS

Flags = NDArray[np.bool_]

_LONG_H = (1.5, 14 * 24.0)  # shortest and longest time that a modem is dead that keeps its messages
_LOST_H = (1.0, 72.0)  # the same of one that does not
_FLUSH = 500  # a modem sends what it kept this many times faster than it came
_TUNNEL = (3, 30)  # messages in a tunnel
_HOLE = (6, 240)  # messages without reception
_BURST = (10, 50)  # messages sent again together
_RUN_MS = 2_400_000  # none of the three takes longer
_SKEW_H, _SKEW_S = (0.5, 6.0), (2.0, 600.0)
_TUNNELS = 0.6  # share of what is lost that is lost in tunnels


def _mean_of_log_uniform(low: float, high: float) -> float:
    return float((high - low) / np.log(high / low))


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float], n: int) -> NDArray[np.float64]:
    return np.exp(rng.uniform(np.log(bounds[0]), np.log(bounds[1]), n))


@dataclass
class Modems:
    """Which vehicles' modems are dead, one element per vehicle: carried from day to day.

    Attributes:
        from_ms: when the last dead time began, 0 if there was none.
        until_ms: when it ended or will end.
        loses: what was to be sent then is lost; otherwise it is sent afterwards.
    """

    from_ms: Ints
    until_ms: Ints
    loses: Flags

    @staticmethod
    def alive(vehicles: int) -> Modems:
        """Returns modems that have never been dead."""
        zero = np.zeros(vehicles, dtype=np.int64)
        return Modems(zero, zero.copy(), np.zeros(vehicles, dtype=np.bool_))

    def to_frame(self) -> pl.DataFrame:
        """Returns a frame that :meth:`from_frame` reads back."""
        return pl.DataFrame({"from_ms": self.from_ms, "until_ms": self.until_ms, "loses": self.loses})

    @staticmethod
    def from_frame(frame: pl.DataFrame) -> Modems:
        """Returns the modems of a frame made by :meth:`to_frame`."""
        return Modems(*(frame[name].to_numpy().copy() for name in ("from_ms", "until_ms", "loses")))

    def begin_day(self, begin_ms: int, dirt: Dirt, rng: np.random.Generator) -> None:
        """Draws whose modem dies on a day that begins at ``begin_ms``; at most once a day, and only while it lives."""
        n = len(self.from_ms)
        draw, at = rng.random(n), begin_ms + rng.integers(0, DAY_MS, n)
        long_h, lost_h = _log_uniform(rng, _LONG_H, n), _log_uniform(rng, _LOST_H, n)
        keeps_p = dirt.late / (_mean_of_log_uniform(*_LONG_H) / 24)
        loses_p = dirt.gap * (1 - _TUNNELS) / (_mean_of_log_uniform(*_LOST_H) / 24)
        dies = (self.until_ms <= begin_ms) & (draw < keeps_p + loses_p)
        loses = draw >= keeps_p
        hours = np.where(loses, lost_h, long_h)
        self.from_ms[dies] = at[dies]
        self.until_ms[dies] = (at + hours * 3_600_000).astype(np.int64)[dies]
        self.loses[dies] = loses[dies]

    def under_way_from(self, end_ms: int) -> Ints:
        """Returns per vehicle since when messages have been kept that have not all arrived by ``end_ms``."""
        flushed = self.until_ms + (self.until_ms - self.from_ms) // _FLUSH + 20_000
        return np.where(~self.loses & (flushed >= end_ms) & (self.from_ms > 0), self.from_ms, 2**62)


@dataclass(frozen=True)
class Clocks:
    """Which vehicles' clocks are off on a day, one element per vehicle.

    Attributes:
        from_ms: since when.
        until_ms: until when; not after ``from_ms`` for a clock that is right.
        off_ms: by how much, negative if it is slow.
    """

    from_ms: Ints
    until_ms: Ints
    off_ms: Ints

    @staticmethod
    def of_day(vehicles: int, begin_ms: int, dirt: Dirt, rng: np.random.Generator) -> Clocks:
        """Draws the clocks of a day that begins at ``begin_ms``."""
        draw, at = rng.random(vehicles), begin_ms + rng.integers(0, DAY_MS, vehicles)
        hours, off = rng.uniform(*_SKEW_H, vehicles), _log_uniform(rng, _SKEW_S, vehicles) * 1000
        wrong = draw < dirt.clock_skew / (sum(_SKEW_H) / 2 / 24)
        sign = np.where(rng.random(vehicles) < 0.5, -1, 1)
        until = np.where(wrong, at + (hours * 3_600_000).astype(np.int64), at)
        return Clocks(at, until, (sign * off).astype(np.int64))


@dataclass(frozen=True)
class Outcome:
    """What became of the messages of one kind and day.

    Attributes:
        row: which message each delivery is, shape (deliveries,); copies come behind all others.
        arrival_ms: when each delivery reaches the hub.
        dirt: bits of ``What`` per delivery; a copy has no others.
        cut: thousandths of the body that are sent, 0 for all.
        event_ms: the time each message bears, shape (messages,).
        lost: messages that are never delivered, shape (messages,).
    """

    row: Ints
    arrival_ms: Ints
    dirt: Ints
    cut: Ints
    event_ms: Ints
    lost: Flags


@dataclass(frozen=True)
class Batch:
    """Messages of one kind and day, sorted by vehicle and time, before anything happened to them.

    Attributes:
        vehicle: index in the partition.
        event_ms: true time.
        arrival_ms: when they would reach the hub.
        exposed: sent by the vehicle, so that something may happen.
        driving: telemetry of a moving vehicle, which meets tunnels and holes.
    """

    vehicle: Ints
    event_ms: Ints
    arrival_ms: Ints
    exposed: Flags
    driving: Flags


def untouched(batch: Batch) -> Outcome:
    """Returns what becomes of messages to which nothing happens."""
    n = len(batch.vehicle)
    zero = np.zeros(n, dtype=np.int64)
    return Outcome(np.arange(n), batch.arrival_ms, zero, zero, batch.event_ms, np.zeros(n, dtype=np.bool_))


def happen(batch: Batch, dirt: Dirt, modems: Modems, clocks: Clocks, rng: np.random.Generator) -> Outcome:
    """Returns what becomes of messages.

    Args:
        batch: the messages.
        dirt: how often something happens.
        modems: of the day.
        clocks: of the day.
        rng: of the day and kind.
    """
    n, v, at = len(batch.vehicle), batch.vehicle, batch.event_ms
    flags = np.zeros(n, dtype=np.int64)
    dead = batch.exposed & (at >= modems.from_ms[v]) & (at < modems.until_ms[v])
    tunnel, _ = _runs(batch, dirt.gap * _TUNNELS, _TUNNEL, rng)
    lost = (dead & modems.loses[v]) | tunnel
    hole, hole_end = _runs(batch, dirt.delayed, _HOLE, rng)
    arrival, held = _held_back(batch, dead & ~lost, hole & ~lost & ~dead, hole_end, modems)
    flags[held] |= What.DELAYED
    overtaken = batch.exposed & ~held & ~lost & (rng.random(n) < dirt.out_of_order)
    arrival = np.where(overtaken, arrival + rng.integers(15_000, 600_000, n), arrival)
    flags[overtaken] |= What.OUT_OF_ORDER
    skewed = batch.exposed & (at >= clocks.from_ms[v]) & (at < clocks.until_ms[v])
    flags[skewed] |= What.CLOCK_SKEW
    again = _sent_again(batch, dirt, arrival, ~lost, rng)
    cut = batch.exposed & ~lost & (rng.random(n) < dirt.malformed)
    cut[again[0]] = False
    flags[cut] |= What.MALFORMED
    kept = np.flatnonzero(~lost)
    share = np.where(cut, rng.integers(20, 990, n), 0)
    return Outcome(
        row=np.concatenate([kept, again[0]]),
        arrival_ms=np.concatenate([arrival[kept], again[1]]),
        dirt=np.concatenate([flags[kept], np.full(len(again[0]), int(What.DUPLICATE))]),
        cut=np.concatenate([share[kept], np.zeros(len(again[0]), dtype=np.int64)]),
        event_ms=np.where(skewed, at + clocks.off_ms[v], at),
        lost=lost,
    )


def _runs(batch: Batch, share: float, bounds: tuple[int, int], rng: np.random.Generator) -> tuple[Flags, Ints]:
    """Marks runs of successive driving messages that make up ``share`` of them; returns also where each run ends."""
    n = len(batch.vehicle)
    marked, last = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64)
    begins = np.flatnonzero(batch.driving & (rng.random(n) < share / (sum(bounds) / 2)))
    length = rng.integers(bounds[0], bounds[1] + 1, len(begins))
    instant = (batch.vehicle << 42) + batch.event_ms  # one order for vehicle and time
    ends = np.minimum(begins + length, np.searchsorted(instant, instant[begins] + _RUN_MS, "right"))
    rows = within(begins, ends - begins)
    marked[rows] = batch.driving[rows]
    last[rows] = np.repeat(ends - 1, ends - begins)
    return marked, last


def _held_back(batch: Batch, kept: Flags, hole: Flags, hole_end: Ints, modems: Modems) -> tuple[Ints, Flags]:
    """Returns when messages arrive that a modem kept while it was dead, or for want of reception."""
    v, at, arrival = batch.vehicle, batch.event_ms, batch.arrival_ms
    back = modems.until_ms[v] + 2_000 + (at - modems.from_ms[v]) // _FLUSH
    heard = at[hole_end] + 1_000 + (hole_end - np.arange(len(at))) * -2
    arrival = np.where(kept, np.maximum(back, arrival), arrival)
    return np.where(hole, np.maximum(heard, arrival), arrival), kept | hole


def _sent_again(
    batch: Batch, dirt: Dirt, arrival: Ints, delivered: Flags, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Returns which messages are sent again, some twice, and when these copies arrive: after what they copy."""
    n = len(arrival)
    single = np.flatnonzero(batch.exposed & delivered & (rng.random(n) < dirt.duplicate / 2))
    soon = arrival[single] + 1_000 + rng.gamma(1.2, 120_000, len(single)).clip(0, 1_800_000).astype(np.int64)
    burst, last = _runs(batch, dirt.duplicate / 2, _BURST, rng)
    again = np.flatnonzero(burst & delivered)
    behind = np.maximum(arrival[again], arrival[last[again]]) + 60_000 + (again - last[again]) * 20
    return np.concatenate([single, again]), np.concatenate([soon, np.maximum(behind, arrival[again] + 1_000)])
