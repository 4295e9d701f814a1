"""How far a trip went: odometer, speed and positions against each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lake.schemas.core import DISTANCE_METHODS
from transforms.core.axis import Bools, Floats
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import KIND, Agreement, Doubted, kind_of, outvoted

ODOMETER, SPEED, POSITION = (DISTANCE_METHODS.index(name) for name in ("odometer", "speed", "position"))
_SIGNALS = ("odometer_km", "speed_kmh", "position")


@dataclass(frozen=True)
class Said:
    """What the witnesses say of trips, km, NaN where they say nothing of the whole trip.

    Attributes:
        odometer: last reading less first, also where it falls or leaps.
        speed: speed by time, where it is sampled often enough to tell.
        position: great circles between positions.
        sparse: positions are so far apart in time that a road between them may be longer.
        coarse: the odometer counts whole kilometres.
    """

    odometer: Floats
    speed: Floats
    position: Floats
    sparse: Bools
    coarse: Bools


def believed(
    said: Said, covers: list[Bools], method: npt.NDArray[np.intp], rules: WitnessRules
) -> tuple[npt.NDArray[np.intp], list[Doubted]]:
    """Which method counts for each trip, and whom it makes doubtful.

    A witness that two others contradict, who agree, is not believed. Of two that are left and contradict each other a
    counter that stands is not believed; else the method stays, and the figure carries the doubt.

    Args:
        said: what is said.
        covers: per method, whether it covers the trip.
        method: what is taken where nobody is doubted, indexes ``DISTANCE_METHODS``.
        rules: thresholds.

    Returns:
        The methods, and doubts whose places are numbers of trips.
    """
    near, apart = Agreement(rules.agree, rules.agree_km), Agreement(rules.apart, rules.apart_km)
    # What positions far apart in time leave out is no contradiction; what they have too much is one.
    least = np.fmax(said.odometer, said.speed)
    with np.errstate(invalid="ignore"):
        short = said.sparse & (said.position < least) & ~((said.odometer > 3 * said.position) & (said.position > 0))
    position = np.where(short, np.nan, said.position)
    # An odometer of whole kilometres may be one off.
    other = np.nan_to_num(np.fmax(said.speed, position))
    odometer = np.where(said.coarse, said.odometer + np.clip(other - said.odometer, -1, 1), said.odometer)
    figures = [odometer, said.speed, _like(position, apart, odometer, said.speed)]
    against, _ = outvoted(figures, near)
    _, alone = outvoted(figures, apart)
    settled = np.logical_or.reduce(against)
    speaks = [~np.isnan(one) for one in figures]
    split = ~settled & np.logical_or.reduce(alone)
    with np.errstate(invalid="ignore"):
        stands = split & speaks[ODOMETER] & (said.odometer <= 0)
    lost = [against[ODOMETER] | stands, against[SPEED], against[POSITION]]
    fits = [covers[number] & ~lost[number] for number in (ODOMETER, SPEED, POSITION)]
    order = [fits[ODOMETER], fits[SPEED] & speaks[SPEED], fits[POSITION], fits[SPEED]]
    chosen = np.select([~np.choose(method, lost), *order], [method, ODOMETER, SPEED, POSITION, SPEED], method)
    figures[ODOMETER], figures[POSITION] = said.odometer, said.position
    values = np.stack(figures)
    doubts = []
    for number, signal in enumerate(_SIGNALS):
        conflict = split & ~stands & alone[number] & (chosen != number)
        trip = np.flatnonzero(lost[number] | conflict)
        if len(trip):
            value, other = figures[number][trip], values[chosen[trip], trip]
            kind = np.where(conflict[trip], KIND["conflict"], kind_of(value, other, rules))
            by = np.array(DISTANCE_METHODS, dtype=object)[chosen[trip]]
            doubts.append(Doubted.of("distance", signal, trip, kind, value, other, by))
    return chosen, doubts


def _like(position: Floats, apart: Agreement, one: Floats, other: Floats) -> Floats:
    """Distances by position as votes: roads bend and receivers drift, so one that is near what another says says so."""
    with np.errstate(invalid="ignore"):
        first = ~(np.abs(one - position) > np.abs(other - position)) & ~np.isnan(one)
    nearest = np.where(first, one, other)
    votes: Floats = np.where(apart.close(position, nearest), nearest, position)
    return votes
