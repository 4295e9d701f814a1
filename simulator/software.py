"""Software of the vehicles: versions, and the campaigns that bring new ones over the air.

A campaign begins every five weeks and is over before the next one. It is planned for all vehicles at once, from its
own random stream, so a day only looks up what is due. Vehicles install at night, when nobody drives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.fleet import VERSIONS, Fleet
from simulator.lineup import MODELS
from simulator.streams import Purpose, stream
from simulator.told import Lived, Told
from simulator.world import DAY_MS, city_midnights_ms, day_ms

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAME = "software"
WORSE = "4.3.0"  # the version that makes things worse: see ``failures.causes.Regression``
REPAIRED = "4.3.1"

NEVER_MS = 2**62
BEGINS_AFTER_DAYS, EVERY_DAYS = 4, 35

_TO = (WORSE, REPAIRED)  # of the first campaigns; later ones bring 4.4.0, 4.5.0, ...
_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000
_CANARIES, _WAVES_DAYS = 0.06, 13  # share reached in the first two days; the others follow over so many days
_DOWNLOADS_DAYS, _SLOWEST_DAYS = 1.1, 5.0  # mean and limit
_DEAD, _REFUSES = 0.025, 0.05  # shares that never download, and that never agree to install
_AGREES_NIGHTS = 5  # after which those who will have agreed
_NIGHT_MS = (3 * _HOUR_MS + 40 * _MINUTE_MS, 4 * _HOUR_MS + 20 * _MINUTE_MS)  # local time at which it starts
_TAKES_MS = (6 * _MINUTE_MS, 25 * _MINUTE_MS)
_ATTEMPTS, _GIVES_UP = 3, 0.2  # attempts at most; share that is not tried again after one that failed
_INSTALLS, _ROLLS_BACK = 0.87, 0.3  # share of attempts that succeed; share of the others that end in the old version
_DIFFICULT = {"Valdor": 0.8, "Sarment": 0.9}  # models in which fewer attempts succeed
_REASONS = ("low_battery", "checksum", "timeout", "ignition_on")
_SUCCESS = np.array([_DIFFICULT.get(model.name, 1.0) for model in MODELS]) * _INSTALLS
_MODERN = np.array([model.automation_level >= 1 for model in MODELS])

INSTALLED, FAILED, ROLLED_BACK, NOTHING = range(4)
_ENDS = ("installed", "failed", "rolled_back")
_OUTCOMES = (*_ENDS, "pending")


@dataclass(frozen=True)
class Rollout:
    """One campaign on the vehicles of a partition. Times in ms, ``NEVER_MS`` for what does not happen.

    Attributes:
        campaign: its name.
        to_version: what it brings.
        targeted_ms: shape (n,); ``NEVER_MS`` for a vehicle that is not meant.
        notified_ms: shape (n,).
        downloaded_ms: shape (n,).
        started_ms: of each attempt, shape (attempts, n).
        ended_ms: the same.
        result: index into the steps that end an attempt, ``NOTHING`` without one, shape (attempts, n).
        reason: index into the reasons, shape (attempts, n).
    """

    campaign: str
    to_version: str
    targeted_ms: Ints
    notified_ms: Ints
    downloaded_ms: Ints
    started_ms: Ints
    ended_ms: Ints
    result: Ints
    reason: Ints


def campaign_of(day: date, first_day: date) -> int | None:
    """Returns the number of the campaign that is under way on a day, from 0 on; ``None`` before the first."""
    days = (day - first_day).days - BEGINS_AFTER_DAYS
    return None if days < 0 else days // EVERY_DAYS


def to_version(number: int) -> str:
    """Returns the version that a campaign brings."""
    return _TO[number] if number < len(_TO) else f"4.{number - len(_TO) + 4}.0"


def roll_out(seed: int, partition: int, fleet: Fleet, first_day: date, number: int) -> Rollout:
    """Plans a campaign: who is targeted when, downloads when, and tries to install on which nights."""
    rng, n = stream(seed, Purpose.ROLLOUT, partition, number), len(fleet)
    begins = first_day + timedelta(days=BEGINS_AFTER_DAYS + number * EVERY_DAYS)
    wave = np.where(rng.random(n) < _CANARIES, rng.integers(0, 2, n), rng.integers(2, 2 + _WAVES_DAYS, n))
    targeted = day_ms(begins) + wave * DAY_MS + rng.integers(6 * _HOUR_MS, 10 * _HOUR_MS, n)
    meant = fleet.connected & (fleet.delivered < begins.toordinal() + wave)
    meant &= _MODERN[fleet.model] | (number >= len(_TO))
    notified = targeted + rng.integers(1 * _MINUTE_MS, 90 * _MINUTE_MS, n)
    takes = np.minimum(rng.exponential(_DOWNLOADS_DAYS, n), _SLOWEST_DAYS)
    downloads = meant & (rng.random(n) >= _DEAD)
    downloaded = notified + 10 * _MINUTE_MS + (takes * DAY_MS).astype(np.int64)
    agrees = downloads & (rng.random(n) >= _REFUSES)
    night = (downloaded - day_ms(begins)) // DAY_MS + 2 + (rng.random(n) ** 2 * _AGREES_NIGHTS).astype(np.int64)
    started, ended, result, reason = _attempts(rng, fleet, begins, agrees, night)
    return Rollout(
        f"ota-{number + 1:02d}", to_version(number), np.where(meant, targeted, NEVER_MS),
        np.where(meant, notified, NEVER_MS), np.where(downloads, downloaded, NEVER_MS), started, ended, result, reason,
    )  # fmt: skip


def _attempts(
    rng: np.random.Generator, fleet: Fleet, begins: date, agrees: Flags, night: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    n, shape = len(fleet), (_ATTEMPTS, len(fleet))
    started, ended = np.full(shape, NEVER_MS), np.full(shape, NEVER_MS)
    result, reason = np.full(shape, NOTHING), rng.integers(0, len(_REASONS), shape)
    midnights = np.stack([city_midnights_ms(begins + timedelta(days=k)) for k in range(EVERY_DAYS)])
    tries = agrees
    for k in range(_ATTEMPTS):
        at = midnights[np.minimum(night, EVERY_DAYS - 1), fleet.city] + rng.integers(*_NIGHT_MS, n)
        lasts, succeeds, rolls = rng.integers(*_TAKES_MS, n), rng.random(n) < _SUCCESS[fleet.model], rng.random(n)
        ends = np.where(succeeds, INSTALLED, np.where(rolls < _ROLLS_BACK, ROLLED_BACK, FAILED))
        started[k], ended[k] = np.where(tries, at, NEVER_MS), np.where(tries, at + lasts, NEVER_MS)
        result[k] = np.where(tries, ends, NOTHING)
        tries, night = tries & ~succeeds & (rng.random(n) >= _GIVES_UP), night + rng.integers(1, 4, n)
    return started, ended, result, reason


class Software:
    """Campaigns of a partition, as a concern of its vehicles' life.

    Args:
        seed: of the simulation.
        partition: number of the partition.
        fleet: its vehicles.
        first_day: first day of the simulation.
    """

    name = NAME

    def __init__(self, seed: int, partition: int, fleet: Fleet, first_day: date) -> None:
        self._seed, self._partition, self._fleet, self._first_day = seed, partition, fleet, first_day

    def initial(self) -> pl.DataFrame:
        """Returns what the vehicles run.

        ``version`` since ``installed_ms``, ``before`` until then; ``campaign`` is the last that targeted the vehicle,
        which ran ``offered_from`` at that time.
        """
        version = pl.Series("version", VERSIONS, dtype=pl.String).gather(self._fleet.software)
        return pl.DataFrame({"version": version, "before": version, "offered_from": version}).with_columns(
            campaign=pl.lit(""), installed_ms=pl.lit(0, dtype=pl.Int64)
        )

    def live(self, day: date, state: pl.DataFrame, lived: Lived) -> Told:
        """Lives a UTC day: the steps of the campaign that is under way."""
        number = campaign_of(day, self._first_day)
        if number is None:
            return Told(state=state)
        rollout = roll_out(self._seed, self._partition, self._fleet, self._first_day, number)
        today = _Day(rollout, day_ms(day))
        new = today.has(rollout.targeted_ms) & (state["version"] != rollout.to_version).to_numpy()
        begun = pl.when(pl.Series(new))
        state = state.with_columns(
            campaign=begun.then(pl.lit(rollout.campaign)).otherwise("campaign"),
            offered_from=begun.then("version").otherwise("offered_from"),
        )
        steps = today.steps(state)
        ends = np.where(rollout.result == INSTALLED, rollout.ended_ms, NEVER_MS).min(axis=0)
        installs = pl.when(pl.Series(today.has(ends)), campaign=rollout.campaign)
        return Told(
            events={"software": steps},
            truth={"software_installs": _truth(rollout, state, lived, np.flatnonzero(new))},
            state=state.with_columns(
                before=installs.then("version").otherwise("before"),
                installed_ms=installs.then(pl.Series(ends)).otherwise("installed_ms"),
                version=installs.then(pl.lit(rollout.to_version)).otherwise("version"),
            ),
        )


@dataclass(frozen=True)
class _Day:
    rollout: Rollout
    begin_ms: int

    def has(self, at_ms: Ints) -> Flags:
        """Returns which instants lie in the day."""
        return (at_ms >= self.begin_ms) & (at_ms < self.begin_ms + DAY_MS)

    def steps(self, state: pl.DataFrame) -> pl.DataFrame:
        """Returns the day's messages of kind ``software``."""
        rollout, within = self.rollout, (state["campaign"] == self.rollout.campaign).to_numpy()
        parts = [
            self._step(state, within, rollout.targeted_ms, "targeted"),
            self._step(state, within, rollout.notified_ms, "notified"),
            self._step(state, within, rollout.downloaded_ms, "downloaded"),
        ]
        for started, ended, result, reason in zip(
            rollout.started_ms, rollout.ended_ms, rollout.result, rollout.reason, strict=True
        ):
            parts.append(self._step(state, within, started, "install_started"))
            parts += [self._step(state, within & (result == k), ended, step, reason) for k, step in enumerate(_ENDS)]
        return pl.concat(parts)

    def _step(
        self, state: pl.DataFrame, within: Flags, at_ms: Ints, step: str, reason: Ints | None = None
    ) -> pl.DataFrame:
        vehicle = np.flatnonzero(within & self.has(at_ms))
        why = pl.lit(None, dtype=pl.String)
        if reason is not None and step != _ENDS[INSTALLED]:
            why = pl.lit(pl.Series(_REASONS, dtype=pl.String).gather(reason[vehicle]))
        return pl.DataFrame({"vehicle": vehicle, "event_ms": at_ms[vehicle]}).select(
            "vehicle",
            "event_ms",
            campaignId=pl.lit(self.rollout.campaign),
            step=pl.lit(step),
            fromVersion=state["offered_from"].gather(vehicle),
            toVersion=pl.lit(self.rollout.to_version),
            reason=why,
        )


def _truth(rollout: Rollout, state: pl.DataFrame, lived: Lived, vehicle: Ints) -> pl.DataFrame:
    """Rows of the truth table ``software_installs``: what will have become of the vehicles targeted today."""
    result, started, ended = rollout.result[:, vehicle], rollout.started_ms[:, vehicle], rollout.ended_ms[:, vehicle]
    attempts = (result != NOTHING).sum(axis=0)
    last = np.maximum(attempts - 1, 0)
    each = np.arange(len(vehicle))
    finished = pl.Series(np.where(attempts > 0, ended[last, each], -1))
    heard = [np.where(at < NEVER_MS, at, -1) for at in (rollout.notified_ms[vehicle], rollout.downloaded_ms[vehicle])]
    return pl.DataFrame(
        {
            "vin": lived.vin(vehicle), "campaign_id": pl.repeat(rollout.campaign, len(vehicle), eager=True),
            "from_version": state["offered_from"].gather(vehicle),
            "to_version": pl.repeat(rollout.to_version, len(vehicle), eager=True),
            "targeted_at": rollout.targeted_ms[vehicle], "finished_at": finished, "attempts": attempts,
            "failures": np.isin(result, (FAILED, ROLLED_BACK)).sum(axis=0),
            "outcome": pl.Series(_OUTCOMES, dtype=pl.String).gather(result[last, each]),
            "last_ms": np.maximum(np.maximum(*heard), np.where(started < NEVER_MS, ended, -1).max(axis=0)),
        }
    ).with_columns(
        pl.from_epoch(pl.when(pl.col(name) >= 0).then(name), time_unit="ms").cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC").alias(name) for name in ("targeted_at", "finished_at")
    )  # fmt: skip


def version_at(state: pl.DataFrame, vehicle: Ints, at_ms: Ints) -> pl.Series:
    """Returns the versions that vehicles run at instants of the last two days.

    Args:
        state: what the concern carries, as of the end of the last of these days.
        vehicle: index in the partition.
        at_ms: ms since 1970 UTC, same shape.
    """
    here = state[vehicle].with_columns(at=pl.Series(at_ms))
    return here.select(
        pl.when(pl.col("at") >= pl.col("installed_ms")).then("version").otherwise("before").alias("version")
    ).to_series()
