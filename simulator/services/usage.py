"""Who uses which service when: sessions on the road, and uses of a moment at home."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.services.adoption import Fates
from simulator.services.offers import INDEX, OFFERS, SERVICES, column
from simulator.streams import Purpose, stream
from simulator.told import Lived
from simulator.world import DAY_MS, city_midnights_ms, day_ms

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Columns of uses: one row per session. A use of a moment is a session that ends as it starts.
SCHEMA = pl.Schema({
    "vehicle": pl.Int64, "service": pl.Int64, "session": pl.String, "start_ms": pl.Int64, "end_ms": pl.Int64,
    "uses": pl.Int64, "feature": pl.Int64, "account": pl.String,
})  # fmt: skip

_DRIVING = INDEX["automated_driving"]
_ON_THE_ROAD = np.array([k for k, offer in enumerate(OFFERS) if offer.per_trip > 0])
_AT_HOME = np.array([k for k, offer in enumerate(OFFERS) if offer.daily > 0])
_MOST_USES = 6  # within a session
_SECOND_ACCOUNTS = 45  # per cent of the vehicles have two accounts
_SECOND_USES = 0.25  # share of the uses that are of the second account
_RESTS, _REST_DAYS = 0.05, 28  # share of the services of a customer that rest, and how long
_FEATURES = pl.DataFrame(
    [(k, j, name) for k, offer in enumerate(OFFERS) for j, name in enumerate(offer.features)],
    schema={"service": pl.Int64, "feature": pl.Int64, "name": pl.String}, orient="row",
)  # fmt: skip
_FEATURE_COUNT = np.array([len(offer.features) for offer in OFFERS])


def chosen(lived: Lived, vehicle: Ints, second: Flags) -> Ints:
    """Returns which of its accounts uses a vehicle: 0, or 1 where asked for and there is one."""
    return (second & (lived.fleet.number[vehicle] * 37 % 100 < _SECOND_ACCOUNTS)).astype(np.int64)


def account(lived: Lived, vehicle: Ints, second: Flags) -> pl.Series:
    """Returns the account that uses a vehicle: the first, or the second where asked for and there is one."""
    frame = pl.DataFrame({"number": lived.fleet.number[vehicle], "which": chosen(lived, vehicle, second) + 1})
    return frame.select(pl.format("acc-{}-{}", "number", "which").alias("account")).to_series()


def named(lived: Lived, letter: str, vehicle: Ints, at_ms: Ints, service: Ints) -> pl.Series:
    """Returns the names of sessions that start at instants."""
    parts = pl.DataFrame({"number": lived.fleet.number[vehicle], "at": at_ms, "service": service})
    return parts.select(pl.format("{}{}-{}-{}", pl.lit(letter), "number", "at", "service").alias("session")).to_series()


def uses(lived: Lived, fates: Fates) -> pl.DataFrame:
    """Returns the day's uses, remote commands apart, unordered; columns as ``SCHEMA``."""
    rng = lived.stream(Purpose.USE)
    resting = pauses(lived, fates)
    return pl.concat([_on_the_road(lived, fates, resting, rng), _at_home(lived, fates, resting, rng)])


def pauses(lived: Lived, fates: Fates) -> Flags:
    """Returns which services rest in the four weeks around the day, shape (vehicles, services)."""
    weeks = lived.day.toordinal() // _REST_DAYS
    return np.asarray(stream(lived.seed, Purpose.PAUSE, lived.partition, weeks).random(fates.has.shape) < _RESTS)


def _on_the_road(lived: Lived, fates: Fates, resting: Flags, rng: np.random.Generator) -> pl.DataFrame:
    """At most one session of each service per leg, inside the leg; of automated driving, where it is engaged."""
    legs, shape = lived.legs, (len(lived.legs), len(_ON_THE_ROAD))
    lasts_ms = legs.steps * (lived.cadence_s * 1000)
    begins, lasts, chance = rng.uniform(0.02, 0.35, shape), rng.uniform(0.3, 0.95, shape), rng.random(shape)
    start = legs.start_ms[:, None] + (begins * lasts_ms[:, None]).astype(np.int64)
    end = start + (lasts * (1 - begins) * lasts_ms[:, None]).astype(np.int64)
    k = int(np.flatnonzero(_ON_THE_ROAD == _DRIVING)[0])
    start[:, k], end[:, k] = _engaged(lived)
    vehicle = np.broadcast_to(legs.vehicle[:, None], shape)
    service = np.broadcast_to(_ON_THE_ROAD, shape)
    share = column("per_trip")[service] * fates.eagerness(vehicle, service, start)
    goes = (chance < share) & (end > start) & ~resting[vehicle, service] & (end < fates.withdrawn_ms[vehicle, service])
    goes &= fates.covered(vehicle, service, start)
    vehicle, service, start, end = vehicle[goes], service[goes], start[goes], end[goes]
    n = len(vehicle)
    return pl.DataFrame(
        {
            "vehicle": vehicle, "service": service, "session": named(lived, "s", vehicle, start, service),
            "start_ms": start, "end_ms": end, "uses": rng.integers(1, _MOST_USES + 1, n),
            "feature": (rng.random(n) ** 1.5 * _FEATURE_COUNT[service]).astype(np.int64),
            "account": account(lived, vehicle, rng.random(n) < _SECOND_USES),
        }
    ).cast(SCHEMA)  # fmt: skip


def _engaged(lived: Lived) -> tuple[Ints, Ints]:
    """From the first to the last sample with driving automation engaged, per leg; twice the same where none is."""
    driven, n = lived.driven, len(lived.legs)
    rows = np.flatnonzero(driven.level > 0)
    leg, step = driven.leg[rows], driven.step[rows]
    first, last = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    first[leg[::-1]], last[leg] = step[::-1], step
    at = lived.legs.start_ms + np.stack([first, last]) * (lived.cadence_s * 1000)
    return at[0], at[1]


def _at_home(lived: Lived, fates: Fates, resting: Flags, rng: np.random.Generator) -> pl.DataFrame:
    shape = (len(lived.fleet), len(_AT_HOME))
    noon = np.full(shape, day_ms(lived.day) + DAY_MS // 2)
    every = np.broadcast_to(np.arange(shape[0])[:, None], shape)
    service = np.broadcast_to(_AT_HOME, shape)
    rate = column("daily")[service] * fates.eagerness(every, service, noon) * ~resting[every, service]
    counts = rng.poisson(rate * (fates.activated_ms[every, service] < noon + DAY_MS))
    vehicle, service = np.repeat(every, counts.reshape(-1)), np.repeat(service, counts.reshape(-1))
    at = local_times(lived, vehicle, rng.normal(17.5, 4.5, len(vehicle)))
    n, second = len(vehicle), rng.random(len(vehicle)) < _SECOND_USES
    feature = (rng.random(n) ** 1.5 * _FEATURE_COUNT[service]).astype(np.int64)
    frame = pl.DataFrame(
        {
            "vehicle": vehicle, "service": service, "session": named(lived, "u", vehicle, at, service), "start_ms": at,
            "end_ms": at, "uses": np.ones(n, dtype=np.int64), "feature": feature,
            "account": account(lived, vehicle, second),
        }
    ).cast(SCHEMA)  # fmt: skip
    kept = frame.filter(pl.Series(fates.covered(vehicle, service, at)))
    return kept.unique(["vehicle", "service", "start_ms"], keep="first", maintain_order=True)


def local_times(lived: Lived, vehicle: Ints, hour: Floats) -> Ints:
    """Returns instants of the UTC day at local hours, ms; the hours wrap around."""
    begin = day_ms(lived.day)
    behind = (city_midnights_ms(lived.day) - begin)[lived.fleet.city[vehicle]]
    return begin + (behind + (hour * 3_600_000).astype(np.int64)) % DAY_MS


def messages(used: pl.DataFrame) -> pl.DataFrame:
    """Returns the messages of kind ``service`` about uses: both ends of a session, and what is done in between."""
    start, end, times = (used[name].to_numpy() for name in ("start_ms", "end_ms", "uses"))
    row = np.repeat(np.arange(len(used)), times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    at = start[row] + ((end - start)[row] * (2 * nth + 1)) // (2 * times[row])
    service = used["service"].to_numpy()[row]
    feature = (used["feature"].to_numpy()[row] + nth) % _FEATURE_COUNT[service]
    asked = pl.DataFrame({"service": service, "feature": feature}).join(
        _FEATURES, on=["service", "feature"], how="left", maintain_order="left"
    )
    sessions = np.flatnonzero(end > start)
    nothing = pl.repeat(None, len(sessions), dtype=pl.String, eager=True)
    return pl.concat(
        [
            _said(used, sessions, start[sessions], "session_started", nothing),
            _said(used, row, at, "used", asked["name"]),
            _said(used, sessions, end[sessions], "session_ended", nothing),
        ]
    )


def truth(lived: Lived, used: pl.DataFrame) -> pl.DataFrame:
    """Returns the rows of the truth table ``service_sessions``."""
    return used.select(
        lived.vin(used["vehicle"].to_numpy()),
        pl.Series("service", SERVICES, dtype=pl.String).gather(used["service"]),
        session_id="session",
        started_at=instants("start_ms"),
        ended_at=instants("end_ms"),
        uses="uses",
        last_ms="end_ms",
    )


def instants(name: str) -> pl.Expr:
    """A column of ms since 1970 as UTC times."""
    return pl.from_epoch(name, time_unit="ms").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _said(used: pl.DataFrame, row: Ints, at_ms: Ints, event: str, feature: pl.Series) -> pl.DataFrame:
    here = used[row]
    return pl.DataFrame(
        {
            "vehicle": here["vehicle"], "event_ms": at_ms,
            "service": pl.Series(SERVICES, dtype=pl.String).gather(here["service"]),
            "event": pl.repeat(event, len(row), dtype=pl.String, eager=True), "sessionId": here["session"],
            "feature": feature, "account": here["account"],
        }
    )  # fmt: skip
