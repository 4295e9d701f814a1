"""Remote commands: who asks for what from where, how the vehicle answers, and what is said of it.

A vehicle that has rested for long sleeps and is woken first; one in bad coverage answers late, or not before the
command expires. Charging that begins or ends by command does so a moment later; nobody asks for what is not to happen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.services.adoption import Fates
from simulator.services.offers import INDEX
from simulator.services.usage import account, chosen, instants, local_times, named, pauses
from simulator.sessions import REASONS
from simulator.streams import Purpose, stream
from simulator.told import Lived
from simulator.world import CITIES, DAY_MS, MARKET_WEIGHTS, day_ms

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COMMANDS = (
    "lock", "unlock", "climate_on", "climate_off", "horn", "lights", "charge_start", "charge_stop", "locate",
    "diagnostic_session",
)  # fmt: skip
CHANNELS = ("app", "web", "assistant", "backend")
COUNTRIES = tuple(MARKET_WEIGHTS)
EXPIRES_MS = 300_000  # without an answer a command ends that long after it was issued

_LOCK, _UNLOCK, _CLIMATE_ON, _CLIMATE_OFF, _HORN, _LIGHTS, _CHARGE, _UNCHARGE, _LOCATE, _DIAGNOSE = range(len(COMMANDS))
_BACKEND = CHANNELS.index("backend")
_CONTROL, _FINDER, _DIAGNOSTICS = (INDEX[s] for s in ("remote_control", "vehicle_finder", "remote_diagnostics"))
_SERVICE = np.where(np.arange(len(COMMANDS)) == _LOCATE, _FINDER, _CONTROL)
_SERVICE[_DIAGNOSE] = _DIAGNOSTICS

#: What a day brings at home, in mean numbers per new customer: command, local hour, its spread, number, needs a plug.
_DAILY = (
    (_CLIMATE_OFF, 18.0, 4.0, 0.06, False), (_HORN, 13.0, 4.0, 0.05, False), (_LIGHTS, 19.5, 3.0, 0.08, False),
    (_LOCK, 21.5, 2.0, 0.25, False), (_CHARGE, 21.0, 1.5, 0.05, True), (_UNCHARGE, 6.5, 1.0, 0.02, True),
    (_LOCATE, 14.0, 5.0, 0.5, False), (_DIAGNOSE, 12.5, 1.8, 0.02, False),
)  # fmt: skip
_BEFORE_LEG = ((_CLIMATE_ON, 0.3, 240, 1200), (_UNLOCK, 0.34, 10, 90))  # command, share of legs, s before it
_AFTER_LEG = (_LOCK, 0.42, 12, 1500)  # command, share of legs, s after it
_STARTED, _STOPPED = 0.8, 0.4  # share of sessions that wait, and of those that customers end: it is done by command
_AHEAD_MS = (15_000, 60_000)  # of what the command brings about
_WAITS_MS = 120_000  # a session that begins that long after the cable went in, has waited
_BY_USER = REASONS.index("user")
_MILD = (9.0, 25.0)  # outside temperatures between which few want the air conditioning beforehand
_CHANNEL_SHARES = (0.83, 0.05, 0.12)

_EXECUTES_S = np.array([0.9, 0.9, 2.6, 1.5, 0.8, 0.8, 4.5, 3.0, 1.6, 9.0])  # median, by command
_ACKNOWLEDGES_S, _WAKES_S, _LATE_S = 1.7, 16.0, 75.0  # medians: awake, more if asleep, more in bad coverage
_SLEEPS_AFTER_MS = 48 * 3_600_000
_OLD_UNIT = 2022  # model years before it have a unit that takes its time
_NO_COVERAGE = {"IN": 0.075, "MA": 0.07, "BR": 0.055, "MX": 0.045, "US": 0.04, "TR": 0.04}
_COVERED = 0.022  # share of vehicle-days in bad coverage elsewhere
_LOST = (0.006, 0.05, 0.45)  # share without an answer: awake, asleep, in bad coverage
_FAILS = np.array([0.01, 0.012, 0.02, 0.01, 0.008, 0.008, 0, 0, 0.02, 0.03])  # for no reason that shows
_FAILURES = np.where(np.arange(len(COMMANDS)) == _LOCATE, "no_position", "timeout")
_GETS_OUT_MS, _DOOR_OPEN = 180_000, 0.2  # how long after parking doors may be open, and share of those that are
_NOT_WHILE_DRIVING = np.isin(np.arange(len(COMMANDS)), (_LOCATE, _DIAGNOSE), invert=True)
_ABROAD = 0.006  # share of weeks that a customer spends abroad

#: Columns of commands. ``attack`` names the attack it is part of.
ASKED = pl.Schema({
    "vehicle": pl.Int64, "issued_ms": pl.Int64, "command": pl.Int64, "channel": pl.Int64, "account": pl.String,
    "country": pl.String, "attack": pl.String, "command_id": pl.String,
})  # fmt: skip


def asked(lived: Lived, fates: Fates) -> pl.DataFrame:
    """Returns the commands that customers and the back office issue on a day; columns as ``ASKED``."""
    rng = lived.stream(Purpose.COMMAND)
    resting = pauses(lived, fates)
    given = (*_around_legs(lived, rng), *_around_charging(lived, rng), *_daily(lived, rng))
    vehicle, at, command = (np.concatenate(c) for c in zip(*given, strict=True))
    service = _SERVICE[command]
    share = fates.eagerness(vehicle, service, at)
    begin = day_ms(lived.day)
    kept = (rng.random(len(at)) < share) & ~resting[vehicle, service] & fates.covered(vehicle, service, at)
    kept &= (at >= begin) & (at < begin + DAY_MS)
    kept &= (command != _DIAGNOSE) | ~found(lived, vehicle, at).drives
    channel = np.searchsorted(np.cumsum(_CHANNEL_SHARES), rng.random(len(at)) * sum(_CHANNEL_SHARES) * (1 - 1e-9))
    second = rng.random(len(at)) < 0.25
    office = command == _DIAGNOSE
    people = account(lived, vehicle, second)
    desks = pl.select(pl.format("acc-desk-{}", pl.Series(lived.fleet.number[vehicle] % 5))).to_series()
    country, at_home = _whereabouts(lived, vehicle, second)
    frame = pl.DataFrame(
        {
            "vehicle": vehicle, "issued_ms": at, "command": command, "channel": np.where(office, _BACKEND, channel),
            "account": pl.select(pl.when(pl.Series(office)).then(desks).otherwise(people)).to_series(),
            "country": pl.select(pl.when(pl.Series(~office)).then(country)).to_series(),
            "attack": pl.repeat(None, len(at), eager=True), "command_id": pl.repeat(None, len(at), eager=True),
        },
    ).cast(ASKED)  # fmt: skip
    return frame.filter(pl.Series(kept & (office | at_home)))


def numbered(lived: Lived, commands: pl.DataFrame) -> pl.DataFrame:
    """Returns commands by vehicle and time; those without a number get the platform's."""
    commands, day = commands.sort("vehicle", "issued_ms", "command", maintain_order=True), lived.day.toordinal()
    number = pl.Series(lived.fleet.number[commands["vehicle"].to_numpy()], dtype=pl.Int64)
    rank = pl.int_range(pl.len()).over("vehicle")
    return commands.with_columns(pl.col("command_id").fill_null(pl.format("c{}-{}-{}", number, pl.lit(day), rank)))


def _around_legs(lived: Lived, rng: np.random.Generator) -> list[tuple[Ints, Ints, Ints]]:
    legs, n = lived.legs, len(lived.legs)
    mild = (lived.outside_c > _MILD[0]) & (lived.outside_c < _MILD[1])
    ends = legs.start_ms + legs.steps * (lived.cadence_s * 1000)
    given = []
    for command, share, least, most in _BEFORE_LEG:
        at = legs.start_ms - rng.integers(least * 1000, most * 1000, n)
        wanted = rng.random(n) < share * np.where(mild & (command == _CLIMATE_ON), 0.3, 1.0)
        given.append((legs.vehicle[wanted], at[wanted], np.full(int(wanted.sum()), command)))
    command, share, least, most = _AFTER_LEG
    at, wanted = ends + rng.integers(least * 1000, most * 1000, n), rng.random(n) < share
    return [*given, (legs.vehicle[wanted], at[wanted], np.full(int(wanted.sum()), command))]


def _around_charging(lived: Lived, rng: np.random.Generator) -> list[tuple[Ints, Ints, Ints]]:
    """Customers start what has waited at the plug, and end what they cannot wait for."""
    session, n = lived.parks.state.session, len(lived.parks.vehicle)
    waited = session.starts_ms - session.plugged_ms > _WAITS_MS
    obeyed = (
        (_CHARGE, session.starts_ms, session.exists & waited & (rng.random(n) < _STARTED)),
        (_UNCHARGE, session.stops_ms, session.exists & (session.reason == _BY_USER) & (rng.random(n) < _STOPPED)),
    )
    ahead = rng.integers(*_AHEAD_MS, n)
    return [
        (lived.parks.vehicle[wanted], (at - ahead)[wanted], np.full(int(wanted.sum()), command))
        for command, at, wanted in obeyed
    ]


def _daily(lived: Lived, rng: np.random.Generator) -> list[tuple[Ints, Ints, Ints]]:
    """What is asked for at some hour; charging, only of vehicles that have no cable in, or do not charge."""
    fleet, given = lived.fleet, []
    for command, hour, spread, number, plug in _DAILY:
        counts = rng.poisson(number, len(fleet)) * (fleet.battery_kwh > 0 if plug else True)
        vehicle = np.repeat(np.arange(len(fleet)), counts)
        at = local_times(lived, vehicle, rng.normal(hour, spread, len(vehicle)))
        if plug:
            finds = found(lived, vehicle, at)
            asks = ~(finds.plugged if command == _CHARGE else finds.charging)
            vehicle, at = vehicle[asks], at[asks]
        given.append((vehicle, at, np.full(len(vehicle), command)))
    return given


def _whereabouts(lived: Lived, vehicle: Ints, second: Flags) -> tuple[pl.Series, Flags]:
    """From which country accounts ask, and whether they can: nobody does while crossing a border, on a Sunday."""
    week = lived.day.toordinal() // 7
    travels = [stream(lived.seed, Purpose.TRAVEL, lived.partition, w) for w in (week - 1, week)]
    drawn = [(rng.random((len(lived.fleet), 2)), rng.integers(1, len(COUNTRIES), (len(lived.fleet), 2)))
             for rng in travels]  # fmt: skip
    who = (vehicle, chosen(lived, vehicle, second))
    away_before, away = (d[0][who] < _ABROAD for d in drawn)
    market = np.array([COUNTRIES.index(city.market) for city in CITIES])[lived.fleet.city[vehicle]]
    country = np.where(away, (market + drawn[1][1][who]) % len(COUNTRIES), market)
    crossing = (away | away_before) & (lived.day.toordinal() % 7 == 0)
    return pl.Series(COUNTRIES, dtype=pl.String).gather(country), ~crossing


@dataclass(frozen=True)
class Found:
    """How vehicles are found at instants, one array element each.

    Attributes:
        drives: under way.
        rested_ms: how long at rest, 0 under way.
        plugged: a charging cable is connected.
        charging: charging goes on.
    """

    drives: Flags
    rested_ms: Ints
    plugged: Flags
    charging: Flags


def found(lived: Lived, vehicle: Ints, at_ms: Ints) -> Found:
    """Returns how vehicles are found at instants of the day."""
    parks = lived.parks
    order = np.lexsort((parks.state.parked_ms, parks.vehicle))
    keys = parks.vehicle[order] * 2**42 + parks.state.parked_ms[order]
    park = order[np.maximum(np.searchsorted(keys, vehicle * 2**42 + at_ms, side="right") - 1, 0)]
    since, session = parks.state.parked_ms[park], parks.state.session.take(park)
    rests = (parks.vehicle[park] == vehicle) & (since <= at_ms) & (at_ms < parks.until_ms[park])
    return Found(
        drives=~rests,
        rested_ms=np.where(rests, at_ms - since, 0),
        plugged=rests & session.connected(at_ms),
        charging=rests & session.charging(at_ms),
    )


def answered(lived: Lived, commands: pl.DataFrame) -> pl.DataFrame:
    """Returns commands with ``acknowledged_ms`` (null if never), ``finished_ms``, ``outcome`` and ``reason``.

    Args:
        lived: the day.
        commands: columns as ``ASKED``, all numbered; the draws go by their order.
    """
    rng, n = lived.stream(Purpose.COMMAND, 1), len(commands)
    vehicle, at, command = (commands[name].to_numpy() for name in ("vehicle", "issued_ms", "command"))
    finds = found(lived, vehicle, at)
    asleep, covered = finds.rested_ms > _SLEEPS_AFTER_MS, ~_without_coverage(lived, rng)[vehicle]
    slow = np.where(lived.fleet.model_year[vehicle] < _OLD_UNIT, 1.7, 1.0)
    late = np.exp(rng.normal(0, 0.45, (4, n)))
    latency_s = _ACKNOWLEDGES_S * slow * late[0] + _WAKES_S * late[1] * asleep + _LATE_S * late[2] * ~covered
    acknowledged = at + 300 + (latency_s * 1000).astype(np.int64)
    finished = acknowledged + 150 + (_EXECUTES_S[command] * slow * late[3] * 1000).astype(np.int64)
    lost = rng.random(n) < np.where(covered, np.where(asleep, _LOST[1], _LOST[0]), _LOST[2])
    lost |= finished >= at + EXPIRES_MS
    reasons = _reasons(rng, command, finds)
    replayed = (commands["attack"] == "replayed_command").fill_null(value=False) & pl.Series(rng.random(n) < 0.7)
    return commands.with_columns(
        pl.when(pl.Series(~lost)).then(pl.Series(acknowledged)).alias("acknowledged_ms"),
        pl.Series("finished_ms", np.where(lost, at + EXPIRES_MS, finished)),
        pl.when(replayed).then(pl.lit("replay_rejected")).otherwise(reasons).alias("reason"),
    ).with_columns(
        pl.when(pl.Series(lost)).then(pl.lit("expired")).when(pl.col("reason").is_not_null()).then(pl.lit("failed"))
        .otherwise(pl.lit("succeeded")).alias("outcome"),
    ).with_columns(pl.when(outcome="failed").then("reason").alias("reason"))  # fmt: skip


def _reasons(rng: np.random.Generator, command: Ints, finds: Found) -> pl.Series:
    """Why commands fail that reach their vehicles; null where they do not."""
    door, fails = rng.random((2, len(command)))
    why = [
        (finds.drives & _NOT_WHILE_DRIVING[command], "vehicle_in_motion"),
        ((command == _CHARGE) & ~finds.plugged, "not_plugged"),
        ((command == _UNCHARGE) & ~finds.charging, "not_charging"),
        ((command == _LOCK) & (finds.rested_ms < _GETS_OUT_MS) & (door < _DOOR_OPEN), "door_open"),
    ]
    reasons = pl.Series(_FAILURES).gather(command).set(pl.Series(fails >= _FAILS[command]), None)
    for fails_so, reason in reversed(why):
        reasons = reasons.set(pl.Series(fails_so), reason)
    return reasons


def _without_coverage(lived: Lived, rng: np.random.Generator) -> Flags:
    share = np.array([_NO_COVERAGE.get(city.market, _COVERED) for city in CITIES])[lived.fleet.city]
    return np.asarray(rng.random(len(lived.fleet)) < share)


def messages(commands: pl.DataFrame) -> pl.DataFrame:
    """Returns the messages of kind ``command``: up to three steps of each; who asked stands in the first."""
    nothing = pl.lit(None, dtype=pl.String)
    steps = (("issued", "issued_ms"), ("acknowledged", "acknowledged_ms"), (None, "finished_ms"))
    said = []
    for status, at in steps:
        issue = status == "issued"
        said.append(
            _named(commands)
            .filter(pl.col(at).is_not_null())
            .select(
                "vehicle",
                event_ms=at,
                commandId="command_id",
                command="command",
                status=pl.lit(status) if status else pl.col("outcome"),
                reason=nothing if status else pl.col("reason"),
                channel=pl.col("channel") if issue else nothing,
                account=pl.col("account") if issue else nothing,
                clientCountry=pl.col("country") if issue else nothing,
            )
        )
    return pl.concat(said)


def truth(lived: Lived, commands: pl.DataFrame) -> pl.DataFrame:
    """Returns the rows of the truth table ``commands``."""
    return _named(commands).select(
        lived.vin(commands["vehicle"].to_numpy()),
        "command_id",
        "command",
        "channel",
        "account",
        client_country="country",
        issued_at=instants("issued_ms"),
        acknowledged_at=instants("acknowledged_ms"),
        finished_at=instants("finished_ms"),
        outcome="outcome",
        attack="attack",
        last_ms="finished_ms",
    )


def _named(commands: pl.DataFrame) -> pl.DataFrame:
    return commands.with_columns(
        command=pl.Series(COMMANDS, dtype=pl.String).gather(commands["command"]),
        channel=pl.Series(CHANNELS, dtype=pl.String).gather(commands["channel"]),
    )


def as_uses(lived: Lived, commands: pl.DataFrame) -> pl.DataFrame:
    """Returns what customers asked for as uses of a moment, columns as ``usage.SCHEMA``: no attacks, no back office."""
    asked_for = (
        commands.with_columns(service=pl.Series(_SERVICE).gather(commands["command"]))
        .filter(pl.col("attack").is_null() & (pl.col("channel") != _BACKEND))
        .unique(["vehicle", "service", "issued_ms"], keep="first", maintain_order=True)
    )
    vehicle, at, service = (asked_for[name].to_numpy() for name in ("vehicle", "issued_ms", "service"))
    return asked_for.with_columns(named(lived, "u", vehicle, at, service)).select(
        "vehicle", "service", "session", start_ms="issued_ms", end_ms="issued_ms", uses=pl.lit(1, dtype=pl.Int64),
        feature=pl.lit(0, dtype=pl.Int64), account="account",
    )  # fmt: skip
