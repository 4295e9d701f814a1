"""Distances on the sphere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from transforms.core.geometry import EARTH_RADIUS_KM, great_circle_km


def km(*points: float) -> float:
    return float(great_circle_km(*(np.array([value]) for value in points))[0])


def test_known_distances() -> None:
    assert km(0, 0, 0, 90) == pytest.approx(math.pi / 2 * EARTH_RADIUS_KM)
    assert km(-90, 0, 90, 0) == pytest.approx(math.pi * EARTH_RADIUS_KM)
    assert km(48.8566, 2.3522, 51.5074, -0.1278) == pytest.approx(343.556, abs=1e-3)  # Paris, London
    assert km(10, 179.5, 10, -179.5) == pytest.approx(109.505, abs=1e-3)


def test_no_distance_is_none_and_a_millimetre_is_one() -> None:
    assert km(48, 2, 48, 2) == 0
    assert km(48, 2, 48 + 1e-8, 2) == pytest.approx(1.11195e-6, rel=1e-4)


def test_an_unknown_coordinate_gives_an_unknown_distance() -> None:
    assert math.isnan(km(48, 2, float("nan"), 2))
