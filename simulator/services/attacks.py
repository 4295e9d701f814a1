"""Attacks on remote commands: what an intruder's commands look like among those of the customers.

- ``replayed_command``: one command of one account reaches many vehicles within a minute, under one number.
- ``impossible_travel``: an account asks at home, and minutes later from a country far away.
- ``diagnostic_while_driving``: somebody opens a diagnostic session on a vehicle that is under way.

Each kind strikes every partition once in four weeks, and more often where there are more vehicles.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.services.adoption import Fates
from simulator.services.commands import ASKED, CHANNELS, COMMANDS, COUNTRIES
from simulator.services.offers import INDEX
from simulator.services.usage import instants
from simulator.streams import Purpose, stream
from simulator.told import Lived
from simulator.world import CITIES, DAY_MS, day_ms

Ints = NDArray[np.int64]

KINDS = ("replayed_command", "impossible_travel", "diagnostic_while_driving")

_EVERY_DAYS = 28
_STRIKES = (2, 10)  # days of the four weeks on which an attack may fall
_VEHICLES_PER_ATTACK = 5_000
_VICTIMS = (6, 16)
_FAR = {"CN": "BR", "JP": "MA", "FR": "CN", "DE": "MX", "ES": "IN", "GB": "CN", "BR": "JP", "IN": "US", "MX": "TR",
        "US": "IN", "MA": "CN", "TR": "BR"}  # fmt: skip
_UNLOCK, _LOCK, _DIAGNOSE = (COMMANDS.index(name) for name in ("unlock", "lock", "diagnostic_session"))
_CONTROL = INDEX["remote_control"]
_LEAST_LEG_MS = 480_000


def strikes(lived: Lived, kind: str) -> int:
    """Returns how many attacks of a kind fall on the day."""
    weeks, day = divmod(lived.day.toordinal() - lived.first_day.toordinal(), _EVERY_DAYS)
    rng = stream(lived.seed, Purpose.ATTACK, lived.partition, KINDS.index(kind), weeks)
    falls = rng.integers(*_STRIKES, 1 + len(lived.fleet) // _VEHICLES_PER_ATTACK)
    return int((falls == day).sum())


def attacks(lived: Lived, fates: Fates) -> pl.DataFrame:
    """Returns the commands of the day's attacks; columns as ``commands.ASKED``, and ``strike``, which numbers attacks.

    The first command of an impossible travel is the customer's own, and no attack.
    """
    rng = lived.stream(Purpose.ATTACK)
    parts = [_nothing()]
    for kind, make in zip(KINDS, (_replay, _travel, _diagnose), strict=True):
        for _ in range(strikes(lived, kind)):
            commands = make(lived, fates, rng)
            parts.append(commands.with_columns(strike=pl.lit(len(parts), dtype=pl.Int64)))
    return pl.concat(parts)


def _nothing() -> pl.DataFrame:
    return ASKED.to_frame().with_columns(strike=pl.lit(None, dtype=pl.Int64))


def _commands(vehicle: Ints, at_ms: Ints, command: int | list[int], **columns: object) -> pl.DataFrame:
    frame = pl.DataFrame({"vehicle": vehicle, "issued_ms": at_ms, "command": command})
    said = {name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in columns.items()}
    return frame.with_columns(**{"command_id": pl.lit(None), **said}).select(ASKED.names()).cast(ASKED)


def _replay(lived: Lived, fates: Fates, rng: np.random.Generator) -> pl.DataFrame:
    at = day_ms(lived.day) + int(rng.integers(DAY_MS // 12, DAY_MS - DAY_MS // 12))
    everybody = np.arange(len(lived.fleet))
    reached = np.flatnonzero(fates.covered(everybody, np.full(len(everybody), _CONTROL), np.full(len(everybody), at)))
    victims = rng.permutation(reached)[: int(rng.integers(*_VICTIMS))]
    if len(victims) < 2:
        return _nothing().drop("strike")
    intruder = int(rng.integers(10**6))
    ats = at + np.cumsum(rng.integers(1500, 6000, len(victims)))
    return _commands(
        victims, ats, _UNLOCK, channel=CHANNELS.index("web"), account=f"acc-x{intruder}", attack="replayed_command",
        country=COUNTRIES[int(rng.integers(len(COUNTRIES)))], command_id=f"c-x{lived.partition}-{intruder}",
    )  # fmt: skip


def _travel(lived: Lived, fates: Fates, rng: np.random.Generator) -> pl.DataFrame:
    at = day_ms(lived.day) + int(rng.integers(DAY_MS // 12, DAY_MS - DAY_MS // 12))
    everybody = np.arange(len(lived.fleet))
    reached = np.flatnonzero(fates.covered(everybody, np.full(len(everybody), _CONTROL), np.full(len(everybody), at)))
    if len(reached) == 0:
        return _nothing().drop("strike")
    victim = int(rng.choice(reached))
    home = CITIES[lived.fleet.city[victim]].market
    first, second = at, at + int(rng.integers(6 * 60_000, 25 * 60_000))
    return _commands(
        np.full(2, victim), np.array([first, second]), [_LOCK, _UNLOCK], channel=CHANNELS.index("app"),
        account=f"acc-{lived.fleet.number[victim]}-1",
        country=pl.when(pl.col("command") == _LOCK).then(pl.lit(home)).otherwise(pl.lit(_FAR[home])),
        attack=pl.when(pl.col("command") == _UNLOCK).then(pl.lit("impossible_travel")),
    )  # fmt: skip


def _diagnose(lived: Lived, fates: Fates, rng: np.random.Generator) -> pl.DataFrame:
    legs = lived.legs
    has = fates.has.sum(axis=1)
    lasts_ms = legs.steps * (lived.cadence_s * 1000)
    ends = np.minimum(legs.start_ms + lasts_ms, day_ms(lived.day) + DAY_MS)
    long = np.flatnonzero((ends - legs.start_ms > _LEAST_LEG_MS) & (has[legs.vehicle] > 0))
    if len(long) == 0:
        return _nothing().drop("strike")
    leg = int(rng.choice(long))
    at = int(legs.start_ms[leg] + (ends[leg] - legs.start_ms[leg]) * rng.uniform(0.3, 0.6))
    return _commands(
        legs.vehicle[[leg]], np.array([at]), _DIAGNOSE, channel=CHANNELS.index("backend"),
        account=f"acc-tool{int(rng.integers(1000))}", attack="diagnostic_while_driving",
        country=COUNTRIES[int(rng.integers(len(COUNTRIES)))],
    )  # fmt: skip


def truth(lived: Lived, commands: pl.DataFrame) -> pl.DataFrame:
    """Returns the rows of the truth table ``attacks``: when each began, by whom, and on which vehicles."""
    hostile = commands.filter(pl.col("attack").is_not_null()).sort("strike", "issued_ms")
    vins = lived.vin(hostile["vehicle"].to_numpy())
    return (
        hostile.with_columns(vin=vins)
        .group_by("strike", maintain_order=True)
        .agg(pl.col("attack").first(), pl.col("issued_ms").first(), pl.col("account").first(), vins=pl.col("vin"))
        .select(
            kind="attack", at=instants("issued_ms"), account="account", vins=pl.col("vins").list.unique().list.sort()
        )
    )
