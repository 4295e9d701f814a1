"""Distances on the sphere. Nothing here knows of vehicles or messages."""

from __future__ import annotations

import numpy as np

from transforms.core.axis import Floats

#: Mean radius of the Earth, km.
EARTH_RADIUS_KM = 6371.0


def great_circle_km(latitude_1: Floats, longitude_1: Floats, latitude_2: Floats, longitude_2: Floats) -> Floats:
    """Great-circle distances between pairs of points, by the haversine formula (exact for near points too).

    Args:
        latitude_1: latitudes of the first points, degrees.
        longitude_1: longitudes of the first points, degrees.
        latitude_2: latitudes of the second points, degrees.
        longitude_2: longitudes of the second points, degrees.

    Returns:
        Distances in km on a sphere of 6,371 km, in the shape of the inputs; NaN where a coordinate is NaN.
    """
    phi_1, phi_2 = np.radians(latitude_1), np.radians(latitude_2)
    chord = np.sin((phi_2 - phi_1) / 2) ** 2
    chord += np.cos(phi_1) * np.cos(phi_2) * np.sin(np.radians(longitude_2 - longitude_1) / 2) ** 2
    distance: Floats = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return distance
