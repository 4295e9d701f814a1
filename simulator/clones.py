"""A cloned VIN: for a day two cars send under one VIN, from two places.

In every partition a clone appears once in four weeks, not before the third, and more often where there are more
vehicles. What the clone sends is what another vehicle of the same kind, far away, sends while it is out. What is true
about the vehicle says nothing of the clone's trips.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.events import Events, concat
from simulator.streams import Purpose, stream
from simulator.told import Lived

KIND = "cloned_vin"

_EVERY_DAYS = 28
_STRIKES = (16, 25)  # days of the four weeks on which a clone may appear
_VEHICLES_PER_CLONE = 20_000


def pairs(lived: Lived) -> list[tuple[int, int]]:
    """Returns the vehicles that are cloned on the day, and whose messages the clone sends."""
    weeks, today = divmod(lived.day.toordinal() - lived.first_day.toordinal(), _EVERY_DAYS)
    rng = stream(lived.seed, Purpose.ATTACK, lived.partition, 99, weeks)
    falls = rng.integers(*_STRIKES, 1 + len(lived.fleet) // _VEHICLES_PER_CLONE)
    strikes = int((falls == today).sum())
    if not strikes:
        return []
    fleet, out = lived.fleet, np.unique(lived.legs.vehicle)
    out = lived.stream(Purpose.ATTACK, 99).permutation(out[fleet.connected[out]])
    found: list[tuple[int, int]] = []
    for victim in out:
        alike = (fleet.powertrain[out] == fleet.powertrain[victim]) & (fleet.city[out] != fleet.city[victim])
        taken = {vehicle for pair in found for vehicle in pair}
        donors = [int(v) for v in out[alike] if int(v) not in taken]
        if len(found) < strikes and donors and int(victim) not in taken:
            found.append((int(victim), donors[0]))
    return found


def cloned(lived: Lived, sent: Events) -> tuple[Events, pl.DataFrame]:
    """Returns the day's telemetry with that of the clones, and the rows of the truth table ``attacks``.

    Args:
        lived: the day.
        sent: the vehicles' own telemetry.
    """
    found = pairs(lived)
    parts, begins = [sent], []
    for victim, donor in found:
        copy = sent.take(_while_out(lived, sent, donor))
        copy["vehicle"][:] = victim
        parts.append(copy)
        begins.append(int(copy["event_ms"].min()))
    vins = lived.vin(np.array([victim for victim, _ in found], dtype=np.int64))
    truth = pl.DataFrame({"vins": vins, "at": pl.Series(begins, dtype=pl.Int64)}).select(
        kind=pl.lit(KIND),
        at=pl.from_epoch("at", time_unit="ms").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        account=pl.lit(None, dtype=pl.String),
        vins=pl.concat_list("vins"),
    )
    return (concat(parts) if found else sent), truth


def _while_out(lived: Lived, sent: Events, vehicle: int) -> NDArray[np.bool_]:
    legs = np.flatnonzero(lived.legs.vehicle == vehicle)
    ends = lived.legs.start_ms[legs] + lived.legs.steps[legs] * (lived.cadence_s * 1000)
    at = sent["event_ms"]
    within = (at >= lived.legs.start_ms[legs].min()) & (at <= ends.max())
    return np.asarray((sent["vehicle"] == vehicle) & within)
