"""From what is told to what reaches the hub: messages get their number, their body and their lag, and what goes wrong.

A message waits here twice: until the day of its own time, when it is numbered in its place, and then until it arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator import bodies
from simulator.damage import damage, leave_out_fields, unit_of_week
from simulator.dirt import LATE_MS, Dirt, What
from simulator.events import Events, Ints, Sent, concat, telemetry
from simulator.mishaps import Batch, Clocks, Modems, Outcome, happen, untouched
from simulator.streams import Purpose, stream
from simulator.told import KINDS
from simulator.world import DAY_MS

LONGEST_LAG_MS = 8_000  # from the sender's clock to the hub, where nothing goes wrong

_BY_VEHICLE = frozenset({"telemetry", "fault", "charging", "automation", "software", "command"})
_STEPS_OF_VEHICLE = ("acknowledged", "succeeded", "failed")  # of a command


@dataclass
class Waiting:
    """What one day hands to the next.

    Attributes:
        counts: messages numbered so far, shape (kinds, vehicles).
        telemetry: of later days, not numbered yet.
        frames: other messages of later days, by kind.
        carried: messages on their way to the hub.
        modems: which are dead.
    """

    counts: Ints
    telemetry: Events
    frames: dict[str, pl.DataFrame]
    carried: Events
    modems: Modems

    @staticmethod
    def nothing(vehicles: int) -> Waiting:
        """Returns the beginning."""
        counts = np.zeros((len(KINDS), vehicles), dtype=np.int64)
        return Waiting(counts, telemetry(0), {}, telemetry(0), Modems.alive(vehicles))


@dataclass(frozen=True)
class Outbox:
    """Of one partition.

    Attributes:
        seed: of the simulation.
        partition: number of the partition.
        vins: of its fleet.
        dirt: what goes wrong.
        stated_ms: the files state arrivals in steps of this; by default in whole seconds, as Capture does.
    """

    seed: int
    partition: int
    vins: pl.Series
    dirt: Dirt
    stated_ms: int = 1000

    def post(
        self, begin_ms: int, sent: Events, frames: dict[str, pl.DataFrame], waiting: Waiting
    ) -> tuple[Events, pl.DataFrame]:
        """Takes the messages of a day.

        Args:
            begin_ms: when the day begins.
            sent: telemetry, unordered, not numbered.
            frames: other messages by kind, as ``Told.events``.
            waiting: from the day before; carried to the end of this one.

        Returns:
            What arrives on this day, in the order of arrival, and the tally: ``vehicle, date`` (of the time that the
            message bears)``, kind, what, messages``, where ``what`` is sent, received, late, gap or a kind of dirt.

        Raises:
            ValueError: if a message is told after its day.
        """
        end_ms, day = begin_ms + DAY_MS, begin_ms // DAY_MS
        waiting.modems.begin_day(begin_ms, self.dirt, self._stream(Purpose.DIRT, day, 0))
        clocks = Clocks.of_day(len(self.vins), begin_ms, self.dirt, self._stream(Purpose.DIRT, day, 1))
        units = unit_of_week(len(self.vins), self.dirt, self._stream(Purpose.DIRT, day // 7, 2))
        posted, tally = [waiting.carried], _Tally(len(self.vins))
        for kind, due in self._due(sent, frames, waiting, end_ms):
            number = KINDS.index(kind)
            vehicle, event_ms, sequence = _numbered(due, waiting.counts[number], begin_ms)
            rng = self._stream(Purpose.DIRT, day, 3 + number)
            batch = Batch(vehicle, event_ms, event_ms + self._lags(len(due), day, number), *_exposed(kind, due))
            outcome = happen(batch, self.dirt, waiting.modems, clocks, rng) if self.dirt.any else untouched(batch)
            posted.append(self._deliver(kind, due, sequence, outcome, units, rng))
            tally.add(kind, "sent", vehicle, outcome.event_ms)
            tally.add(kind, "gap", vehicle[outcome.lost], outcome.event_ms[outcome.lost])
        events = concat(posted)
        order = np.argsort(events["arrival_ms"], kind="stable")
        cut = int(np.searchsorted(events["arrival_ms"][order], end_ms))
        waiting.carried = events.take(order[cut:]).compact()
        arrived = events.take(order[:cut])
        tally.arrived(arrived, self.stated_ms)
        return arrived, tally.frame()

    def _stream(self, purpose: Purpose, day: int, *keys: int) -> np.random.Generator:
        return stream(self.seed, purpose, self.partition, day, *keys)

    def _lags(self, n: int, day: int, kind: int) -> Ints:
        lag = 150 + self._stream(Purpose.DELAY, day, kind).gamma(2.0, 350.0, n).astype(np.int64)
        return np.minimum(lag, LONGEST_LAG_MS)

    def _due(
        self, sent: Events, frames: dict[str, pl.DataFrame], waiting: Waiting, end_ms: int
    ) -> Iterator[tuple[str, Events | pl.DataFrame]]:
        """Yields what bears a time before ``end_ms``, by kind and sorted by vehicle and time; the rest waits on."""
        now = concat([waiting.telemetry, sent])
        order = np.argsort((now["vehicle"] << 42) + now["event_ms"], kind="stable")
        due = now["event_ms"][order] < end_ms
        waiting.telemetry = now.take(order[~due])
        yield "telemetry", now.take(order[due])
        told = {kind: [waiting.frames.pop(kind)] for kind in list(waiting.frames)}
        for kind, frame in frames.items():
            told.setdefault(kind, []).append(frame)
        for kind in sorted(told, key=KINDS.index):
            frame = pl.concat(told[kind], how="diagonal_relaxed").sort("vehicle", "event_ms", maintain_order=True)
            later = frame.filter(pl.col("event_ms") >= end_ms)
            if later.height:
                waiting.frames[kind] = later
            yield kind, frame.filter(pl.col("event_ms") < end_ms)

    def _deliver(
        self, kind: str, due: Events | pl.DataFrame, sequence: Ints, outcome: Outcome, units: Ints,
        rng: np.random.Generator,
    ) -> Events:  # fmt: skip
        """Returns what is delivered of the messages of a kind, with bodies, arrivals and what was done to them."""
        if isinstance(due, Events):
            due["sequence"][:], due["event_ms"][:] = sequence, outcome.event_ms
            flags = damage(due, self.dirt, units, rng) if self.dirt.any else np.zeros(len(due), dtype=np.int64)
            events = due
        else:
            stamped = due.with_columns(event_ms=pl.Series(outcome.event_ms), sequence=pl.Series(sequence))
            stamped, flags = leave_out_fields(kind, stamped, self.dirt, rng)
            events = bodies.encode(kind, stamped, self.vins)
        if self.dirt.any:
            events = events.take(outcome.row)
            original = outcome.dirt & What.DUPLICATE == 0
            events["dirt"][:] = outcome.dirt | np.where(original, flags[outcome.row], 0)
            events["cut"][:] = outcome.cut
        events["arrival_ms"][:] = outcome.arrival_ms
        return events


def _numbered(due: Events | pl.DataFrame, counts: Ints, begin_ms: int) -> tuple[Ints, Ints, Ints]:
    """Returns vehicle, time and number of messages sorted by vehicle and time; ``counts`` goes on."""
    vehicle, event_ms = (np.asarray(due[name], dtype=np.int64) for name in ("vehicle", "event_ms"))
    if len(event_ms) and int(event_ms.min()) < begin_ms:
        raise ValueError(f"a message of {int(event_ms.min())} ms is told after its day, which ended at {begin_ms} ms")
    sequence = np.arange(1, len(vehicle) + 1) - np.searchsorted(vehicle, vehicle) + counts[vehicle]
    counts += np.bincount(vehicle, minlength=len(counts))
    return vehicle, event_ms, sequence


def _exposed(kind: str, due: Events | pl.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns which messages the vehicle itself sends, and which of them on the move."""
    nowhere = np.zeros(len(due), dtype=np.bool_)
    if isinstance(due, Events):
        return ~nowhere, (due["sent"] & int(Sent.MOTION) > 0) & (due["speed"] > 0)
    if kind == "command":
        return due["status"].is_in(_STEPS_OF_VEHICLE).to_numpy(), nowhere
    return np.full(len(due), kind in _BY_VEHICLE), nowhere


class _Tally:
    """Counts messages by vehicle, day of the time they bear, kind and what happened."""

    def __init__(self, vehicles: int) -> None:
        self._vehicles = vehicles
        self._counted: list[tuple[str, str, Ints, Ints, Ints]] = []

    def add(self, kind: str, what: str, vehicle: Ints, event_ms: Ints) -> None:
        """Counts messages of a kind to which the same happened."""
        if len(vehicle) == 0:
            return
        day = event_ms // DAY_MS
        first, days = int(day.min()), int(day.max() - day.min()) + 1
        counts = np.bincount(vehicle * days + day - first, minlength=self._vehicles * days)
        cell = np.flatnonzero(counts)
        self._counted.append((kind, what, cell // days, first + cell % days, counts[cell]))

    def arrived(self, events: Events, stated_ms: int) -> None:
        """Counts what arrived: all of it, what is late (copies and malformed messages aside), each kind of dirt."""
        lag = events["arrival_ms"] // stated_ms * stated_ms - events["event_ms"]  # as those see it who read the files
        original = events["dirt"] & (What.DUPLICATE | What.MALFORMED) == 0
        dirty = events["dirt"].any()
        for number in np.unique(events["kind"]):
            of_kind = events["kind"] == number
            chosen = {"received": of_kind, "late": of_kind & original & (lag > LATE_MS)}
            if dirty:
                chosen |= {what.name.lower(): of_kind & (events["dirt"] & what > 0) for what in What if what.name}
                chosen["delayed"] &= lag <= LATE_MS
            for what, those in chosen.items():
                rows = np.flatnonzero(those)
                self.add(KINDS[number], what, events["vehicle"][rows], events["event_ms"][rows])

    def frame(self) -> pl.DataFrame:
        """Returns ``vehicle, date, kind, what, messages``."""
        sizes = [len(counted[2]) for counted in self._counted]
        kinds, whats = (
            pl.concat(
                [
                    pl.Series(dtype=pl.String),
                    *(pl.repeat(c[k], n, eager=True) for c, n in zip(self._counted, sizes, strict=True)),
                ]
            )
            for k in (0, 1)
        )
        vehicle, day, count = (
            np.concatenate([np.zeros(0, dtype=np.int64), *(c[k] for c in self._counted)]) for k in (2, 3, 4)
        )
        return pl.DataFrame({
            "vehicle": vehicle, "date": pl.Series(day.astype(np.int32)).cast(pl.Date), "kind": kinds, "what": whats,
            "messages": count,
        })  # fmt: skip
