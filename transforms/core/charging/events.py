"""Charging sessions by events: what charge points and vehicles report of plugging, starting and stopping."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from lake.schemas import TABLES
from lake.schemas.raw.events import CHARGING_EVENTS
from transforms.core.axis import NEVER, SECOND, Axis, Bools, Ints, Positions, range_sum
from transforms.core.charging.rules import ChargingRules
from transforms.core.messages import deduplicate
from transforms.core.witnesses.meter import drawn_kwh

PLUGGED, STARTED, STOPPED, UNPLUGGED = range(4)
_TEXTS = ("session_id", "current_type", "place", "reason")
#: Registers of meters count since these were built.
_MOST_KWH = 100_000_000
_ORDER = ("vehicle", "session_id", "t", "event", "sequence")


@dataclass(frozen=True)
class Told:
    """Sessions by events, in order of their first start or stop. Places are on the axis of vehicles.

    Attributes:
        first: first start or stop.
        last: last start or stop that belongs to the session.
        start_seen: the first is a start.
        end_seen: the last is a stop.
        cut: it went on past the longest length, by a start or stop not later than ``hold_s`` behind it.
        numbered: the source numbers it.
        plugged: the cable was connected; ``NEVER`` where that was not told.
        unplugged: the cable was disconnected; ``NEVER`` likewise.
        pauses: microseconds between stops and starts within the session.
        interruptions: times charging paused and went on.
        facts: one row per session: ``session_id, current_type, place, reason, energy_kwh, power_kw, soc_start_pct,
            soc_end_pct``.
    """

    first: Ints
    last: Ints
    start_seen: Bools
    end_seen: Bools
    cut: Bools
    numbered: Bools
    plugged: Ints
    unplugged: Ints
    pauses: Ints
    interruptions: Ints
    facts: pl.DataFrame


def select_events(events: pl.LazyFrame | pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Charging events from ``start`` to before ``end``, resends left out, values that cannot be taken as not sent."""
    key = TABLES["raw.charging_events"].message_key
    return (
        deduplicate(events.lazy().filter(pl.col("event_at") >= start, pl.col("event_at") < end), key)
        .select(
            "vehicle_id", "event_at", "sequence", *_TEXTS,
            pl.col("event").replace_strict({name: n for n, name in enumerate(CHARGING_EVENTS)}, return_dtype=pl.Int64),
            _within("energy_kwh", 0, _MOST_KWH), _within("power_kw", 0, 2_000), _within("soc_pct", 0, 100),
        )
        .collect()
    )  # fmt: skip


def sessions_of(events: pl.DataFrame, vehicle: Ints, axis: Axis, rules: ChargingRules) -> Told:
    """Events as sessions.

    Args:
        events: rows of :func:`select_events`.
        vehicle: number of the vehicle of each row, rising with its identifier.
        axis: where they are laid.
        rules: parameters.
    """
    t = axis.place(vehicle, events["event_at"].to_physical().to_numpy())
    return _Chain(events.with_columns(vehicle=vehicle, t=t).sort(_ORDER), rules).sessions()


def _within(name: str, low: float, high: float) -> pl.Expr:
    return pl.when(pl.col(name).is_between(low, high)).then(pl.col(name)).alias(name)


class _Chain:
    """Events sorted by stream (vehicle and session number) and time, linked to sessions.

    Starts and stops make sessions; plugging and unplugging divide them.
    """

    def __init__(self, rows: pl.DataFrame, rules: ChargingRules) -> None:
        self.rows, self.rules = rows, rules
        self.t = rows["t"].to_numpy()
        self.kind = rows["event"].to_numpy()
        self.numbered = rows["session_id"].is_not_null().to_numpy()
        fresh = rows.select(
            pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("vehicle", "session_id"))
        ).to_series()
        self.stream = np.cumsum(fresh.to_numpy(), dtype=np.int64)
        charge = (self.kind == STARTED) | (self.kind == STOPPED)
        row = np.arange(len(self.t))
        # Row of the last start or stop at or before each row, and of the first at or after; -1 and the length if none.
        self.previous = np.maximum.accumulate(np.where(charge, row, -1)) if len(row) else row
        self.next = np.minimum.accumulate(np.where(charge, row, len(row))[::-1])[::-1] if len(row) else row
        self.charge = np.flatnonzero(charge)
        self._link()

    def _link(self) -> None:
        """Starts and stops that belong to sessions, and the number of the session of each, from 0."""
        core = self.charge[~self._repeats()]
        linked = self._linked(core)
        chain = np.cumsum(~linked) - 1
        first = self.t[core][~linked]
        since, longest = self.t[core] - first[chain], round(self.rules.longest_s * SECOND)
        within = since <= longest
        beyond = ~within & (since <= longest + round(self.rules.hold_s * SECOND))
        self.cut = np.bincount(chain, beyond, len(first)) > 0
        self.core, self.chain = core[within], chain[within]
        self.owner = self._owners(self.core, self.chain, first)

    def sessions(self) -> Told:
        """The sessions."""
        t, kind, core, chain, cut = self.t, self.kind, self.core, self.chain, self.cut
        head = np.flatnonzero(np.diff(chain, prepend=-1))
        tail = np.append(head[1:], len(core))[: len(head)] - 1
        pair = np.append(chain[1:] == chain[:-1], False) if len(chain) else np.zeros(0, dtype=np.bool_)
        after = np.append(core[1:], core[-1:])
        paused = pair & (kind[core] == STOPPED) & (kind[after] == STARTED)
        again = pair & ~((kind[core] == STARTED) & (kind[after] == STOPPED))
        facts = self._facts(self.owner, len(head))
        start_seen, end_seen = kind[core[head]] == STARTED, kind[core[tail]] == STOPPED
        order = np.lexsort((~self.numbered[core[head]], t[core[head]]))
        return Told(
            first=t[core[head]][order],
            last=t[core[tail]][order],
            start_seen=start_seen[order],
            end_seen=end_seen[order],
            cut=cut[order],
            numbered=self.numbered[core[head]][order],
            plugged=facts["plugged"].to_numpy()[order],
            unplugged=facts["unplugged"].to_numpy()[order],
            pauses=range_sum(np.where(paused, t[after] - t[core], 0), head, tail + 1)[order],
            interruptions=range_sum(again.astype(np.int64), head, tail + 1)[order],
            facts=facts.with_columns(
                soc_start_pct=pl.when(pl.Series(start_seen)).then("soc_start_pct"),
                soc_end_pct=pl.when(pl.Series(end_seen)).then("soc_end_pct"),
                reason=pl.coalesce(pl.when(pl.Series(end_seen)).then("reason"), "reason_unplugged"),
            )[order].drop("plugged", "unplugged", "reason_unplugged"),
        )

    def _repeats(self) -> Bools:
        """Starts behind a start, and stops behind a stop, within the jitter: one moment, told twice."""
        row = self.charge
        same = (self.stream[row][1:] == self.stream[row][:-1]) & (self.kind[row][1:] == self.kind[row][:-1])
        same &= np.diff(self.t[row]) <= round(self.rules.jitter_s * SECOND)
        return np.concatenate(([False], same))[: len(row)]

    def _linked(self, core: Positions) -> Bools:
        """Whether each start or stop goes on with the session of the one before it in its stream."""
        rules, kind, t = self.rules, self.kind, self.t
        before, here = core[:-1], core[1:]
        spell = (kind[before] == STARTED) & (kind[here] == STOPPED)
        restart = (kind[before] == STARTED) & (kind[here] == STARTED)
        bare = np.where(restart, -1.0, rules.pause_s)
        limit = np.where(spell, rules.longest_s, np.where(self.numbered[here], rules.hold_s, bare))
        divided = np.cumsum(self._divides())
        linked = (self.stream[before] == self.stream[here]) & (t[here] - t[before] <= limit * SECOND)
        return np.concatenate(([False], linked & (divided[here] == divided[before])))[: len(core)]

    def _divides(self) -> Bools:
        """Plugging and unplugging divide sessions, unless another clock put them behind a start or before a stop."""
        divides: Bools = ((self.kind == PLUGGED) & ~self._late()) | ((self.kind == UNPLUGGED) & ~self._early())
        return divides

    def _late(self) -> Bools:
        """Plugging within the jitter behind a start is that of the start."""
        return self._near(self.previous, STARTED)

    def _early(self) -> Bools:
        """Unplugging within the jitter before a stop is that of the stop."""
        return self._near(self.next, STOPPED)

    def _near(self, other: Positions, kind: int) -> Bools:
        there = np.clip(other, 0, len(self.t) - 1)
        near: Bools = (other == there) & (self.stream[there] == self.stream) & (self.kind[there] == kind)
        near &= np.abs(self.t[there] - self.t) <= round(self.rules.jitter_s * SECOND)
        return near

    def _owners(self, core: Positions, chain: Ints, first: Ints) -> Ints:
        """Number of the session that each row belongs to, -1 if to none."""
        longest = round(self.rules.longest_s * SECOND)
        of_core = np.full(len(self.t), -1, dtype=np.int64)
        of_core[core] = chain
        # A repeat belongs to what it repeats.
        latest = np.maximum.accumulate(np.where(of_core >= 0, np.arange(len(self.t)), -1)) if len(core) else of_core
        previous = np.where(self.previous >= 0, latest[self.previous], -1)
        following = np.where(self.next < len(self.t), np.append(self.next, -1)[: len(self.t)], -1)
        ahead = ((self.kind == PLUGGED) & ~self._late()) | ((self.kind == UNPLUGGED) & self._early())
        row = np.where(ahead, following, previous)
        known = (row >= 0) & (self.stream[row] == self.stream)
        owner = np.where(known, of_core[row], -1)
        start = np.append(first, 0)[owner]
        reach = np.where(self.kind == PLUGGED, longest // 2, longest)
        return np.where((owner >= 0) & (np.abs(self.t - start) <= reach), owner, -1)

    def _facts(self, owner: Ints, sessions: int) -> pl.DataFrame:
        """What the events of each session say, one row per session."""
        started, stopped = pl.col("event") == STARTED, pl.col("event") == STOPPED
        told = (
            self.rows.with_columns(session=owner)
            .filter(pl.col("session") >= 0)
            .group_by("session", maintain_order=True)
            .agg(
                *(pl.col(name).drop_nulls().first() for name in ("session_id", "current_type", "place")),
                pl.col("power_kw").max(),
                energy_kwh=drawn_kwh(pl.col("energy_kwh"), pl.col("event") <= STARTED),
                reason=pl.col("reason").filter(stopped).drop_nulls().last(),
                reason_unplugged=pl.col("reason").filter(pl.col("event") == UNPLUGGED).drop_nulls().first(),
                soc_start_pct=pl.col("soc_pct").filter(started).drop_nulls().first(),
                soc_end_pct=pl.col("soc_pct").filter(stopped).drop_nulls().last(),
                plugged=pl.col("t").filter(pl.col("event") == PLUGGED).last().fill_null(NEVER),
                unplugged=pl.col("t").filter(pl.col("event") == UNPLUGGED).first().fill_null(NEVER),
            )
        )
        every = pl.DataFrame({"session": np.arange(sessions, dtype=np.int64)})
        return every.join(told, on="session", how="left", maintain_order="left").drop("session")
