"""Where the fleet lives: markets, cities, time zones and climates. Data only, apart from the weather of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simulator.streams import Purpose, stream

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class City:
    """A city around which vehicles live.

    Attributes:
        market: ISO 3166-1 alpha-2 code.
        name: for the reader of this file.
        latitude: degrees.
        longitude: degrees.
        zone: IANA time zone.
        weight: share of the market's vehicles, relative.
        mean_c: mean temperature of the year, degrees Celsius.
        swing_c: half the difference between the warmest and the coldest month; warmest in July (January in the south).
        diurnal_c: half the difference between afternoon and dawn.
    """

    market: str
    name: str
    latitude: float
    longitude: float
    zone: str
    weight: float
    mean_c: float
    swing_c: float
    diurnal_c: float


CITIES: tuple[City, ...] = (
    City("CN", "Chengdu", 30.66, 104.06, "Asia/Shanghai", 3, 16.5, 10.5, 3.5),
    City("CN", "Wuhan", 30.58, 114.30, "Asia/Shanghai", 3, 17.0, 12.5, 4.0),
    City("CN", "Beijing", 39.90, 116.40, "Asia/Shanghai", 4, 13.0, 15.0, 5.0),
    City("JP", "Saitama", 35.86, 139.65, "Asia/Tokyo", 5, 15.5, 11.0, 4.5),
    City("JP", "Kyoto", 35.01, 135.77, "Asia/Tokyo", 3, 16.0, 11.5, 4.5),
    City("FR", "Paris", 48.86, 2.35, "Europe/Paris", 5, 12.0, 8.0, 4.0),
    City("FR", "Lyon", 45.76, 4.84, "Europe/Paris", 3, 12.8, 9.3, 5.0),
    City("FR", "Toulouse", 43.60, 1.44, "Europe/Paris", 2, 14.0, 8.2, 5.0),
    City("DE", "Munich", 48.14, 11.58, "Europe/Berlin", 3, 9.5, 9.5, 4.5),
    City("DE", "Kassel", 51.31, 9.48, "Europe/Berlin", 3, 9.4, 8.8, 4.0),
    City("ES", "Madrid", 40.42, -3.70, "Europe/Madrid", 5, 15.0, 9.8, 6.0),
    City("ES", "Zaragoza", 41.65, -0.88, "Europe/Madrid", 2, 15.5, 9.3, 5.5),
    City("GB", "Birmingham", 52.48, -1.90, "Europe/London", 4, 10.0, 6.4, 3.5),
    City("GB", "Leeds", 53.80, -1.55, "Europe/London", 2, 9.6, 6.0, 3.5),
    City("BR", "Campinas", -22.91, -47.06, "America/Sao_Paulo", 4, 21.5, 3.2, 5.5),
    City("BR", "Brasilia", -15.79, -47.88, "America/Sao_Paulo", 2, 21.4, 1.4, 6.0),
    City("IN", "Pune", 18.52, 73.86, "Asia/Kolkata", 3, 25.0, 3.5, 6.5),
    City("IN", "Delhi", 28.61, 77.21, "Asia/Kolkata", 4, 25.2, 9.5, 6.5),
    City("MX", "Queretaro", 20.59, -100.39, "America/Mexico_City", 3, 18.8, 3.2, 7.0),
    City("MX", "Monterrey", 25.69, -100.32, "America/Monterrey", 3, 22.5, 7.2, 6.0),
    City("US", "Nashville", 36.16, -86.78, "America/Chicago", 3, 15.8, 11.5, 6.0),
    City("US", "Columbus", 39.96, -83.00, "America/New_York", 3, 11.9, 12.8, 5.5),
    City("US", "Phoenix", 33.45, -112.07, "America/Phoenix", 2, 24.5, 11.0, 7.5),
    City("MA", "Fez", 34.03, -5.00, "Africa/Casablanca", 2, 18.0, 8.5, 6.5),
    City("MA", "Marrakesh", 31.63, -8.00, "Africa/Casablanca", 3, 20.5, 8.2, 7.0),
    City("TR", "Ankara", 39.93, 32.86, "Europe/Istanbul", 3, 12.2, 11.7, 6.0),
    City("TR", "Konya", 37.87, 32.48, "Europe/Istanbul", 2, 11.8, 12.2, 7.0),
)

#: Share of the fleet by market, relative.
MARKET_WEIGHTS: dict[str, float] = {
    "CN": 14, "JP": 12, "FR": 16, "DE": 9, "ES": 8, "GB": 8, "BR": 7, "IN": 6, "MX": 6, "US": 8, "MA": 3, "TR": 3,
}  # fmt: skip

_MEAN, _SWING, _DIURNAL = np.array(
    [(city.mean_c, city.swing_c, city.diurnal_c) for city in CITIES], dtype=np.float64
).T.copy()
_WARMEST = np.array([200.0 if city.latitude > 0 else 17.0 for city in CITIES])
_LONGITUDE = np.array([city.longitude for city in CITIES])
_WEATHER_C = 3.5  # standard deviation of a week's weather about the season


def day_ms(day: date) -> int:
    """Returns when a UTC day begins, in ms since 1970 UTC."""
    return (day.toordinal() - _EPOCH) * DAY_MS


@cache
def local_midnight_ms(zone: str, day: date) -> int:
    """Returns when a local day begins, in milliseconds since 1970 UTC.

    The offset is that of noon, so a day with a change of clock begins an hour off and every afternoon is right.
    """
    offset = datetime.combine(day, time(12), tzinfo=ZoneInfo(zone)).utcoffset()
    assert offset is not None
    midnight = datetime.combine(day, time(0), tzinfo=UTC) - offset
    return int(midnight.timestamp()) * 1000


def city_midnights_ms(day: date) -> NDArray[np.int64]:
    """Returns :func:`local_midnight_ms` of every city, shape (cities,)."""
    return np.array([local_midnight_ms(city.zone, day) for city in CITIES], dtype=np.int64)


def weather_c(seed: int, day: date) -> NDArray[np.float64]:
    """Returns how much warmer than the season a day is, per city, in kelvin.

    A value is drawn per week and city; days between are interpolated, so weather comes and goes over days.
    """
    week, rest = divmod(day.toordinal(), 7)
    now, then = (stream(seed, Purpose.WEATHER, w).standard_normal(len(CITIES)) * _WEATHER_C for w in (week, week + 1))
    return now + (then - now) * (rest / 7)


def ambient_c(
    city: NDArray[np.int16], at_ms: NDArray[np.int64], day: date, weather: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the outside temperature in degrees Celsius.

    Args:
        city: index into ``CITIES``.
        at_ms: instants in ms since 1970 UTC, same shape.
        day: the UTC day, for the season.
        weather: :func:`weather_c` of the day.
    """
    season = np.cos(2 * np.pi * (day.timetuple().tm_yday - _WARMEST) / 365.25)
    solar_h = (at_ms / 3_600_000 + _LONGITUDE[city] / 15) % 24
    daily = _DIURNAL[city] * np.cos(2 * np.pi * (solar_h - 15) / 24)
    outside: NDArray[np.float64] = (_MEAN + _SWING * season + weather)[city] + daily
    return outside
