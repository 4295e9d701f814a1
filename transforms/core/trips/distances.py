"""How far a trip went: by odometer, by speed and by position, and which of them counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lake.schemas.core import DISTANCE_METHODS
from transforms.core.axis import HOUR, Bools, Floats, range_sum
from transforms.core.trips.motion import Steps
from transforms.core.trips.rules import TripRules, in_microseconds
from transforms.core.trips.samples import Readings, Samples
from transforms.core.trips.spans import Spans, brackets
from transforms.core.witnesses.distance import Said, believed
from transforms.core.witnesses.rules import WitnessRules
from transforms.core.witnesses.verdicts import Doubted

_ODOMETER, _SPEED, _POSITION = (DISTANCE_METHODS.index(name) for name in ("odometer", "speed", "position"))


@dataclass(frozen=True)
class Distances:
    """Distances of trips, km, NaN where a method does not cover the trip; ``method`` indexes ``DISTANCE_METHODS``."""

    chosen: Floats
    method: npt.NDArray[np.intp]
    odometer: Floats
    speed: Floats
    position: Floats
    interpolated: Floats


def measure(
    samples: Samples, steps: Steps, spans: Spans, rules: TripRules, doubt: WitnessRules
) -> tuple[Distances, list[Doubted]]:
    """Distances of trips by all methods, the choice between them, and doubts whose places are numbers of trips.

    The odometer counts where it covers the trip. Else speed, where at least half of the trip's time lies in steps that
    sample it. Else positions. Where no method covers a trip, each is a lower bound, and the greatest counts. A method
    that the others contradict does not count (``witnesses.distance``).
    """
    speed, speed_covers = _partial(steps, spans, steps.speed_km, steps.speed_known)
    position, position_covers = _partial(steps, spans, steps.position_km, steps.position_known)
    odometer, odometer_covers, coarse, read = _odometer(samples, steps, spans, rules)
    in_hole = steps.duration > in_microseconds(rules.hole_s)
    held = samples.at[spans.end] - samples.at[spans.start]
    sparse = np.where(steps.duration > in_microseconds(rules.sampled_s), steps.duration, 0)
    sampled = 2 * spans.total(sparse) <= held

    none = np.zeros(len(held))
    gains = none if steps.odometer_km is None else spans.total(steps.odometer_km)
    bounds = np.stack((gains, np.nan_to_num(speed), np.nan_to_num(position)))
    method = np.select(
        [odometer_covers & ~coarse, speed_covers & sampled, position_covers, speed_covers, odometer_covers],
        [_ODOMETER, _SPEED, _POSITION, _SPEED, _ODOMETER],
        default=np.argmax(bounds, axis=0),
    )
    said = Said(
        odometer=read,
        speed=np.where(speed_covers & sampled, speed, np.nan),
        position=np.where(position_covers, position, np.nan),
        sparse=~sampled,
        coarse=coarse,
    )
    method, doubts = believed(said, [odometer_covers, speed_covers, position_covers], method, doubt)
    odometer = np.where(odometer_covers, odometer, np.where(method == _ODOMETER, gains, np.nan))
    chosen = np.choose(method, (odometer, speed, position))
    interpolated = spans.total(np.where(in_hole, steps.speed_km, 0.0)) if steps.speed_km is not None else none
    distances = Distances(
        chosen=chosen,
        method=method,
        odometer=odometer,
        speed=np.where(speed_covers | (method == _SPEED), speed, np.nan),
        position=np.where(position_covers | (method == _POSITION), position, np.nan),
        interpolated=interpolated,
    )
    return distances, doubts


def _partial(steps: Steps, spans: Spans, distance: Floats | None, known: Bools | None) -> tuple[Floats, Bools]:
    """Distance by a method over what it knows of each trip, and whether that is all of the trip's motion."""
    if distance is None:
        return np.full(len(spans.start), np.nan), np.zeros(len(spans.start), dtype=bool)
    if known is None:
        return spans.total(distance), np.ones(len(spans.start), dtype=bool)
    missing = spans.total((steps.motion & ~known).astype(np.int64)) == 0
    return spans.total(distance), missing


def _odometer(samples: Samples, steps: Steps, spans: Spans, rules: TripRules) -> tuple[Floats, Bools, Bools, Floats]:
    """Gain of the odometer over each trip, whether the readings cover it, and whether they are in whole kilometres.

    The last is what the readings say wherever they cover the trip, though they fall or leap.

    Which readings count is told by ``brackets``. What they leave out at the ends, by speed, has to be small.
    """
    none = np.zeros(len(spans.start), dtype=bool)
    place = np.empty(0, dtype=np.intp) if samples.odometer is None else np.flatnonzero(~np.isnan(samples.odometer))
    if samples.odometer is None or not len(spans.start) or not len(place):
        unknown = np.full(len(spans.start), np.nan)
        return unknown, none, none, unknown
    reading, at = samples.odometer[place], samples.at
    first, last, inside = brackets(Readings(place, reading), samples, spans, rules.carry_s)

    gain = reading[last] - reading[first]
    hours = (at[place[last]] - at[place[first]]) / HOUR
    falls = np.cumsum(np.diff(reading, prepend=reading[:1]) < 0)
    sound = inside & (gain >= 0) & (gain <= rules.fastest_kmh * hours) & (falls[last] == falls[first])
    head = np.where(inside, np.maximum(place[first], spans.start), spans.start)
    tail = np.where(inside, place[last], spans.end)
    whole = (head == spans.start) & (tail == spans.end)
    if steps.speed_km is not None:
        uncovered = range_sum(steps.speed_km, spans.start, head) + range_sum(steps.speed_km, tail, spans.end)
        known = steps.speed_known
        blind = none if known is None else (
            range_sum((steps.motion & ~known).astype(np.int64), spans.start, head)
            + range_sum((steps.motion & ~known).astype(np.int64), tail, spans.end)
        ) > 0  # fmt: skip
        whole |= (uncovered <= rules.slack_km) & ~blind
    coarse = (reading[first] % 1 == 0) & (reading[last] % 1 == 0)
    return np.where(sound, gain, np.nan), sound & whole, coarse, np.where(inside & whole, gain, np.nan)
