"""Roads: how a leg divides into urban, rural and motorway stretches, and what is driven on each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.world import CITIES

Floats = NDArray[np.float64]

URBAN, RURAL, MOTORWAY = range(3)

#: Speed limits in km/h by market: urban, rural, motorway; ``*`` is for every other market.
_LIMITS: dict[str, tuple[float, float, float]] = {
    "*": (50, 85, 120), "CN": (50, 75, 115), "JP": (42, 60, 98), "FR": (48, 80, 128), "DE": (50, 95, 138),
    "GB": (48, 92, 112), "BR": (50, 80, 108), "IN": (42, 65, 92), "US": (56, 85, 113), "MA": (50, 80, 116),
}  # fmt: skip
_LIMITS_BY_CITY = np.array([_LIMITS.get(city.market, _LIMITS["*"]) for city in CITIES])
_FLOW = np.array([0.42, 0.66, 0.9])  # mean speed over the limit, lights and queues included


@dataclass(frozen=True)
class Roads:
    """The roads of legs, one row each: home street, country road, motorway, and the same back to a street.

    Attributes:
        limit_kmh: what is driven on each kind of road when it is free, shape (n, 3).
        urban: share of the time that is urban, half of it at either end.
        open: share of the time that is urban or rural; the rest, in the middle, is motorway.
        hours: time the leg takes on free roads.
    """

    limit_kmh: Floats
    urban: Floats
    open: Floats
    hours: Floats


def roads(city: NDArray[np.int16], length_km: Floats) -> Roads:
    """Returns the roads of legs of a length around cities (index into ``CITIES``)."""
    km = stretches_km(length_km)
    limit = _LIMITS_BY_CITY[city]
    hours = km / (limit * _FLOW)
    total = hours.sum(axis=1)
    return Roads(limit, hours[:, URBAN] / total, (hours[:, URBAN] + hours[:, RURAL]) / total, total)


def stretches_km(length_km: Floats) -> Floats:
    """Returns how many km of a leg are urban, rural and motorway, shape (n, 3); they add up to the length."""
    urban = np.minimum(length_km, 3.2 + 0.08 * length_km)
    motorway = np.minimum(np.maximum(length_km - 16, 0) * 0.75, length_km - urban)
    return np.stack([urban, length_km - urban - motorway, motorway], axis=1)


def limits_kmh(found: Roads, leg: NDArray[np.int64], part: Floats) -> Floats:
    """Returns what is driven on the free road at samples.

    Args:
        found: roads of the legs.
        leg: leg of each sample.
        part: share of the leg's time that has passed, 0 to 1.
    """
    inward = 2 * np.minimum(part, 1 - part)
    kind = (inward > found.urban[leg]).astype(np.int64) + (inward > found.open[leg])
    return np.asarray(found.limit_kmh[leg, kind])
