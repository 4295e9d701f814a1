"""Whether positions a moment apart tell of a drive, or of the drift of a receiver at rest.

A receiver that says where it is every second is never twice in the same place. What it says over a longer time tells
the two apart: a vehicle gets away, drift does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from transforms.core.axis import HOUR, Bools, Ints, Positions
from transforms.core.geometry import great_circle_km
from transforms.core.trips.rules import TripRules, in_microseconds
from transforms.core.trips.samples import Samples


def gets_away(samples: Samples, linked: Bools, step: Positions, rules: TripRules) -> Bools:
    """Which steps lie in a drive, by positions ``rules.drift_s`` apart, before the step's end or behind its start.

    Nothing is looked for over a gap, nor further than ``rules.carry_s``; where there are no positions as far apart as
    that, those that are furthest.

    Args:
        samples: with positions.
        linked: per step, whether it is no gap.
        step: steps that arrive at a position and have one before.
        rules: parameters.

    Returns:
        One Boolean per step of ``step``.
    """
    latitude = samples.latitude
    assert latitude is not None
    place = np.flatnonzero(~np.isnan(latitude))
    drift, reach = in_microseconds(rules.drift_s), in_microseconds(rules.carry_s)
    fixes = _line(samples.at, linked, reach)[place]
    arrival = np.searchsorted(place, step + 1)
    departure = arrival - 1

    end, start = fixes[arrival], fixes[departure]
    before = np.searchsorted(fixes, end - drift, side="right") - 1
    before = np.maximum(before, np.searchsorted(fixes, end - reach))
    behind = np.searchsorted(fixes, start + drift)
    behind = np.minimum(behind, np.searchsorted(fixes, start + reach, side="right") - 1)
    apart: Bools = end - start >= drift
    apart |= _far(samples, place[before], place[arrival], rules) | _far(samples, place[departure], place[behind], rules)
    return apart


def _line(at: Ints, linked: Bools, reach: int) -> Ints:
    """The samples on one line, on which what a gap divides lies further apart than ``reach``."""
    origin = at.min()
    apart = int(at.max() - origin) + reach + 1
    line: Ints = np.append(0, np.cumsum(~linked)) * apart + (at - origin)
    return line


def _far(samples: Samples, one: Positions, other: Positions, rules: TripRules) -> npt.NDArray[np.bool_]:
    """Whether two positions are further apart than a receiver drifts, and no further than a vehicle drives."""
    assert samples.latitude is not None
    assert samples.longitude is not None
    latitude, longitude = samples.latitude, samples.longitude
    distance = great_circle_km(latitude[one], longitude[one], latitude[other], longitude[other])
    hours = (samples.at[other] - samples.at[one]) / HOUR
    far: Bools = (distance >= rules.position_kmh * rules.drift_s / 3600) & (distance <= rules.fastest_kmh * hours)
    return far
