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
_NO_TALLY = pl.DataFrame(
    schema={"vehicle": pl.Int64, "date": pl.Date, "kind": pl.String, "what": pl.String, "messages": pl.Int64}
)


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
    """

    seed: int
    partition: int
    vins: pl.Series
    dirt: Dirt

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
        posted, tallies = [waiting.carried], []
        for kind, due in self._due(sent, frames, waiting, end_ms):
            number = KINDS.index(kind)
            vehicle, event_ms, sequence = _numbered(due, waiting.counts[number], begin_ms)
            rng = self._stream(Purpose.DIRT, day, 3 + number)
            batch = Batch(vehicle, event_ms, event_ms + self._lags(len(due), day, number), *_exposed(kind, due))
            outcome = happen(batch, self.dirt, waiting.modems, clocks, rng) if self.dirt.any else untouched(batch)
            posted.append(self._deliver(kind, due, sequence, outcome, units, rng))
            tallies += [
                _tally(kind, "sent", vehicle, outcome.event_ms),
                _tally(kind, "gap", vehicle[outcome.lost], outcome.event_ms[outcome.lost]),
            ]
        events = concat(posted)
        events = events.take(np.lexsort((events["sequence"], events["kind"], events["vehicle"], events["arrival_ms"])))
        cut = int(np.searchsorted(events["arrival_ms"], end_ms))
        waiting.carried = events.take(slice(cut, None)).compact()
        arrived = events.take(slice(None, cut))
        return arrived, pl.concat([_NO_TALLY, *tallies, *_tallies_of_arrivals(arrived)])

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
        now = now.take(np.lexsort((now["event_ms"], now["vehicle"])))
        due = now["event_ms"] < end_ms
        waiting.telemetry = now.take(~due)
        yield "telemetry", now.take(due)
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


def _tally(kind: str, what: str, vehicle: Ints, event_ms: Ints) -> pl.DataFrame:
    rows = pl.DataFrame({"vehicle": vehicle, "date": (event_ms // DAY_MS).astype(np.int32)})
    counted = rows.group_by("vehicle", "date", maintain_order=True).agg(pl.len().cast(pl.Int64).alias("messages"))
    return counted.select(
        "vehicle", pl.col("date").cast(pl.Date), pl.lit(kind).alias("kind"), pl.lit(what).alias("what"), "messages"
    )


def _tallies_of_arrivals(arrived: Events) -> list[pl.DataFrame]:
    """Counts what arrived: all of it, what is late (copies and malformed messages aside), and each kind of dirt."""
    original = arrived["dirt"] & (What.DUPLICATE | What.MALFORMED) == 0
    lag = arrived["arrival_ms"] // 1000 * 1000 - arrived["event_ms"]  # the hub states whole seconds
    chosen = {"received": np.ones(len(arrived), dtype=np.bool_), "late": original & (lag > LATE_MS)}
    chosen |= {what.name.lower(): arrived["dirt"] & what > 0 for what in What if what.name}
    chosen["delayed"] &= lag <= LATE_MS
    found = []
    for number, kind in enumerate(KINDS):
        of_kind = arrived["kind"] == number
        for what, those in chosen.items():
            rows = np.flatnonzero(of_kind & those)
            if len(rows):
                found.append(_tally(kind, what, arrived["vehicle"][rows], arrived["event_ms"][rows]))
    return found
