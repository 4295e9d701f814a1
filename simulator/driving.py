"""A leg driven: speed, position and driving automation, sample by sample.

Speeds are those of people: away from rest, streets, country roads and motorways at what they and the traffic allow,
stopping at lights, back to rest. The vehicle moves from the first step to the last, and linearly between samples, so
the trapezoid over the samples is the distance, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.fleet import Fleet
from simulator.jolts import Jolts, jolts
from simulator.lineup import MODELS
from simulator.plan import Legs
from simulator.roads import limits_kmh, roads
from simulator.segments import Segments, engage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GAINS_KMH_S, _LOSES_KMH_S = 5.0, 6.5  # acceleration and braking, at most
_FASTEST_KMH = 165.0
_JITTER_S, _HELD_UP_S = 40, 30  # how long a change of pace lasts, and a stop
_PACE = 0.86  # of what is driven on the free road, before lights

_HIGHEST_LEVEL = np.array([model.automation_level for model in MODELS])


@dataclass(frozen=True)
class Drive:
    """Samples of legs, end to end in the order of the legs, one array element each.

    Attributes:
        leg: index into the legs.
        step: number of the sample in its leg; the last is ``steps`` of the leg.
        first: index of each leg's first sample, shape (legs,).
        last: index of each leg's last sample, shape (legs,).
        speed_kmh: a multiple of 0.1; 0 at both ends of a leg.
        driven_km: distance since the start of the leg.
        latitude: degrees.
        longitude: degrees.
        heading: degrees clockwise from north, 0 to under 360.
        level: engaged level of driving automation.
        segments: stretches with automation engaged.
        jolts: readings of the acceleration sensors.
    """

    leg: Ints
    step: Ints
    first: Ints
    last: Ints
    speed_kmh: Floats
    driven_km: Floats
    latitude: Floats
    longitude: Floats
    heading: Floats
    level: Ints
    segments: Segments
    jolts: Jolts


def drive(fleet: Fleet, legs: Legs, cadence_s: int, rng: np.random.Generator) -> Drive:
    """Drives legs. The distance driven is ``length_km`` unless that would take an odd speed."""
    counts = legs.steps + 1
    leg = np.repeat(np.arange(len(legs)), counts)
    last = np.cumsum(counts) - 1
    first = last - legs.steps
    step = np.arange(len(leg)) - first[leg]
    part = step / legs.steps[leg]
    speed = _speeds(fleet, legs, leg, step, first, part, cadence_s, rng)
    moved = np.zeros(len(leg))
    moved[1:] = (speed[1:] + speed[:-1]) * (cadence_s / 7200)
    moved[first] = 0
    driven = _since_first(moved, leg, first)
    latitude, longitude, heading = _positions(fleet, legs, leg, driven, last)
    highest = _HIGHEST_LEVEL[fleet.model[legs.vehicle]]
    segments = engage(leg, part, speed, legs.length_km, highest, cadence_s, rng)
    jolted = jolts(leg, speed, moved, fleet.temper[legs.vehicle], cadence_s, rng)
    level = segments.levels(len(leg))
    return Drive(leg, step, first, last, speed, driven, latitude, longitude, heading, level, segments, jolted)


def _since_first(values: Floats, leg: Ints, first: Ints) -> Floats:
    """Running sums that begin anew at each leg, whose first value must be 0."""
    total = np.cumsum(values)
    return total - total[first][leg]


def _speeds(
    fleet: Fleet, legs: Legs, leg: Ints, step: Ints, first: Ints, part: Floats, cadence_s: int, rng: np.random.Generator
) -> Floats:
    n, m = len(legs), len(leg)
    temper = fleet.temper[legs.vehicle] * rng.normal(1, 0.05, n)
    found = roads(fleet.city[legs.vehicle], legs.length_km)
    wanted = limits_kmh(found, leg, part) * (_PACE * temper * legs.traffic)[leg]
    jitter, held_up = _noise(rng, m, _JITTER_S, cadence_s), _noise(rng, m, _HELD_UP_S, cadence_s)
    patience = np.clip(legs.traffic, 0.6, 1.0)[leg]
    stops = held_up > np.interp(wanted, [30, 50, 80, 110], [0.22, 0.5, 1.5, 3.0]) * patience
    stops &= (step > 1) & (step < legs.steps[leg] - 1)
    speed = np.where(stops, 0, wanted * (1 + 0.09 * jitter))
    speed[(step == 0) | (step == legs.steps[leg])] = 0
    speed = _within_reach(np.maximum(speed, 0), cadence_s)
    simulated = np.add.reduceat(speed, first) * cadence_s / 3600 if n else np.zeros(0)
    factor = np.clip(legs.length_km / np.maximum(simulated, 1e-3), 0.6, 1.35)
    return np.asarray(np.round(np.minimum(speed * factor[leg], _FASTEST_KMH), 1), dtype=np.float64)


def _noise(rng: np.random.Generator, n: int, memory_s: int, cadence_s: int) -> NDArray[np.float32]:
    """Noise of variance 1 that remembers ``memory_s``."""
    if n == 0:
        return np.zeros(0, dtype=np.float32)
    width = max(1, round(memory_s / cadence_s))
    kernel = np.full(width, width**-0.5, dtype=np.float32)
    return np.convolve(rng.standard_normal(n, dtype=np.float32), kernel, "same")


def _within_reach(speed: Floats, cadence_s: int) -> Floats:
    """The highest speeds below ``speed`` that a vehicle can follow: both limits of acceleration hold.

    Rest at both ends of every leg keeps one leg from reaching into another.
    """
    at = np.arange(len(speed)) * float(cadence_s)
    gaining = np.minimum.accumulate(speed - _GAINS_KMH_S * at) + _GAINS_KMH_S * at
    backwards = (gaining + _LOSES_KMH_S * at)[::-1]
    return np.asarray(np.maximum(np.minimum.accumulate(backwards)[::-1] - _LOSES_KMH_S * at, 0))


def _positions(fleet: Fleet, legs: Legs, leg: Ints, driven: Floats, last: Ints) -> tuple[Floats, Floats, Floats]:
    """A winding road from origin to destination: a sine about the straight line, 5 % longer than it."""
    along = legs.destination - legs.origin
    crow = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-3)
    total = np.maximum(driven[last], 1e-6)
    part = driven / total[leg]
    bends = np.maximum(1, np.round(legs.length_km / 2.5))
    aside = 0.2236 * crow / (np.pi * bends)
    phase = 2 * np.pi * bends[leg] * part
    sine, slope = aside[leg] * np.sin(phase), 0.4472 * crow[leg] * np.cos(phase)
    unit = along / crow[:, None]
    ex, ey = unit[leg, 0], unit[leg, 1]
    east = legs.origin[leg, 0] + along[leg, 0] * part - ey * sine
    north = legs.origin[leg, 1] + along[leg, 1] * part + ex * sine
    heading = np.degrees(np.arctan2(along[leg, 0] - ey * slope, along[leg, 1] + ex * slope)) % 360
    latitude, longitude = place(fleet, legs.vehicle[leg], east, north)
    return latitude, longitude, heading


def place(fleet: Fleet, vehicle: Ints, east: Floats, north: Floats) -> tuple[Floats, Floats]:
    """Returns latitude and longitude of places given in km from the homes of vehicles."""
    home = fleet.latitude
    per_degree = 111.320 * np.cos(np.radians(home))
    return home[vehicle] + north / 110.574, fleet.longitude[vehicle] + east / per_degree[vehicle]
