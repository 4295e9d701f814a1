"""Who drives what, and where: the vehicles of one partition, drawn once per seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.lineup import MODEL_WEIGHTS, MODELS, services
from simulator.streams import Purpose, stream
from simulator.world import CITIES, MARKET_WEIGHTS

POWERTRAINS = ("ICE", "HEV", "PHEV", "BEV")
TRIMS = ("Essential", "Comfort", "Signature")
VERSIONS = ("3.8.2", "4.1.0", "4.2.1")

_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_VIN_WEIGHTS = np.array([8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2])
_VIN_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"  # 2010 is A; the cycle has 30 years
_DELIVERED_BEFORE = 0.75  # share of the fleet on the road when the simulation starts
_OLDEST_DAYS = 4 * 365
_WITHOUT_UNIT = 0.12  # share of the lowest trim, of models without driving automation, that has no telematics unit
_SALES_DAYS = 180  # the rest of the fleet is delivered evenly over this many days


@dataclass(frozen=True)
class Fleet:
    """The vehicles of one partition, one array element each.

    Attributes:
        number: number of the vehicle in the whole fleet.
        vin: ASCII, shape (n, 17).
        city: index into ``CITIES``.
        model: index into ``MODELS``.
        powertrain: index into ``POWERTRAINS``.
        model_year: model year.
        delivered: ordinal of the day of delivery.
        latitude: of home, degrees.
        longitude: of home, degrees.
        commuter: drives to work on working days.
        habit: how often the vehicle is used at all, 0 to 1.
        work_xy: place of work from home, km east and north, shape (n, 2).
        leaves_s: usual time of leaving for work, s after local midnight.
        temper: factor of the driver's speed.
        battery_kwh: usable traction battery, 0 without a plug.
        charge_kw: power of the charger at home.
        tank_l: tank, 0 without an engine.
        leak_kpa_day: pressure loss, shape (n, 4).
        tyre_phase_kpa: pressure already lost on day 0, shape (n, 4).
        lv_rest_v: voltage of the 12 V battery at rest, full.
        trim: index into ``TRIMS``.
        connected: delivered with a telematics unit; a vehicle without one is never heard.
        software: index into ``VERSIONS``: software on delivery, or when the simulation begins.
    """

    number: NDArray[np.int64]
    vin: NDArray[np.uint8]
    city: NDArray[np.int16]
    model: NDArray[np.int16]
    powertrain: NDArray[np.int8]
    model_year: NDArray[np.int16]
    delivered: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    commuter: NDArray[np.bool_]
    habit: NDArray[np.float64]
    work_xy: NDArray[np.float64]
    leaves_s: NDArray[np.float64]
    temper: NDArray[np.float64]
    battery_kwh: NDArray[np.float64]
    charge_kw: NDArray[np.float64]
    tank_l: NDArray[np.float64]
    leak_kpa_day: NDArray[np.float64]
    tyre_phase_kpa: NDArray[np.float64]
    lv_rest_v: NDArray[np.float64]
    trim: NDArray[np.int8]
    connected: NDArray[np.bool_]
    software: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.number)

    @cached_property
    def vins(self) -> list[str]:
        """Returns the VINs as text."""
        return [bytes(row).decode() for row in self.vin]

    @cached_property
    def vin_texts(self) -> pl.Series:
        """Returns the VINs as a column ``vin``."""
        return pl.Series("vin", self.vins, dtype=pl.String)

    @cached_property
    def registry(self) -> pl.DataFrame:
        """Returns what the registry knows, one row per vehicle: the columns of ``truth/vehicles.parquet``."""
        models = [MODELS[m] for m in self.model]
        powertrains = [POWERTRAINS[p] for p in self.powertrain]
        cities = [CITIES[c] for c in self.city]
        return pl.DataFrame(
            {
                "vin": self.vins,
                "market": [city.market for city in cities],
                "model": [model.name for model in models],
                "trim": [TRIMS[t] for t in self.trim],
                "model_year": self.model_year.astype(np.int64),
                "powertrain": powertrains,
                "automation_level": [model.automation_level for model in models],
                "delivered_on": [date.fromordinal(int(day)) for day in self.delivered],
                "services": [
                    ",".join(services(model, powertrain, int(trim), city.market)) if connected else ""
                    for model, powertrain, trim, city, connected in zip(
                        models, powertrains, self.trim, cities, self.connected, strict=True
                    )
                ],
                "city": [city.name for city in cities],
                "time_zone": [city.zone for city in cities],
                "commuter": self.commuter,
                "telematics_unit": self.connected,
                "software_version": [VERSIONS[v] for v in self.software],
                "battery_capacity_kwh": np.where(self.battery_kwh > 0, self.battery_kwh, np.nan),
                "tank_capacity_l": np.where(self.tank_l > 0, self.tank_l, np.nan),
            },
            schema_overrides={"model_year": pl.Int64, "automation_level": pl.Int64, "delivered_on": pl.Date},
        ).with_columns(pl.col("battery_capacity_kwh", "tank_capacity_l").fill_nan(None))

    @cached_property
    def statements(self) -> pl.DataFrame:
        """Returns what the registry states of each vehicle, named as in the JSON of a ``vehicle`` message."""
        return self.registry.select(
            "market", "model", "trim", "powertrain", "services", modelYear="model_year",
            automationLevel="automation_level", deliveredOn="delivered_on", telematicsUnit="telematics_unit",
            softwareVersion="software_version", batteryCapacity="battery_capacity_kwh", tankCapacity="tank_capacity_l",
        )  # fmt: skip


def make_fleet(
    seed: int, vehicles: int, partition: int, partitions: int, first_day: date, markets: tuple[str, ...]
) -> Fleet:
    """Draws the vehicles of one partition: those whose number modulo ``partitions`` is ``partition``.

    Every model of the line-up is on sale before ``first_day``.
    """
    number = np.arange(partition, vehicles, partitions, dtype=np.int64)
    n = len(number)
    rng = stream(seed, Purpose.FLEET, partition)
    city = _draw_cities(rng, n, markets)
    model = _draw_models(rng, city)
    powertrain = _draw_powertrains(rng, model)
    delivered = _draw_deliveries(rng, model, first_day)
    sold = np.array([date.fromordinal(int(day)) for day in delivered])
    model_year = np.array([day.year + (day.month >= 9) for day in sold], dtype=np.int16)
    latitude, longitude = _draw_homes(rng, city)
    bearing, distance = rng.uniform(0, 2 * np.pi, n), np.clip(rng.lognormal(np.log(10.5), 0.75, n), 1.5, 70)
    battery = np.array([m.battery_kwh for m in MODELS])[model]
    plug = np.isin(powertrain, (2, 3))
    trim, connected = _draw_equipment(stream(seed, Purpose.EQUIPMENT, partition), model)
    battery = np.where(powertrain == 2, np.maximum(9.0, battery / 5), battery) * plug
    return Fleet(
        number=number,
        vin=_vins(number, seed, model, powertrain, model_year),
        city=city,
        model=model,
        powertrain=powertrain,
        model_year=model_year,
        delivered=delivered,
        latitude=latitude,
        longitude=longitude,
        commuter=rng.random(n) < 0.62,
        habit=rng.beta(6, 2, n),
        work_xy=np.stack([distance * np.sin(bearing), distance * np.cos(bearing)], axis=1),
        leaves_s=rng.normal(7.6 * 3600, 2400, n).clip(5.3 * 3600, 10.5 * 3600),
        temper=rng.normal(1.0, 0.06, n).clip(0.85, 1.2),
        battery_kwh=battery,
        charge_kw=np.where(powertrain == 2, 3.6, rng.choice([3.6, 7.4, 11.0], n, p=[0.2, 0.6, 0.2])) * plug,
        tank_l=np.array([m.tank_l for m in MODELS])[model] * (powertrain != 3),
        leak_kpa_day=rng.gamma(2.0, 0.05, (n, 4)),
        tyre_phase_kpa=rng.uniform(0, 30, (n, 4)),
        lv_rest_v=rng.normal(12.72, 0.06, n),
        trim=trim,
        connected=connected,
        software=np.digitize(model_year, (2024, 2026)).astype(np.int8),
    )


def _draw_cities(rng: np.random.Generator, n: int, markets: tuple[str, ...]) -> NDArray[np.int16]:
    in_market = {market: sum(c.weight for c in CITIES if c.market == market) for market in MARKET_WEIGHTS}
    weight = np.array(
        [MARKET_WEIGHTS[c.market] * c.weight / in_market[c.market] * (c.market in markets) for c in CITIES]
    )
    return rng.choice(len(CITIES), n, p=weight / weight.sum()).astype(np.int16)


def _draw_models(rng: np.random.Generator, city: NDArray[np.int16]) -> NDArray[np.int16]:
    weights = np.array([MODEL_WEIGHTS.get(c.market, MODEL_WEIGHTS["*"]) for c in CITIES], dtype=np.float64)
    share = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    drawn = (rng.random(len(city))[:, None] >= share[city]).sum(axis=1)
    return np.asarray(np.minimum(drawn, len(MODELS) - 1), dtype=np.int16)


def _draw_powertrains(rng: np.random.Generator, model: NDArray[np.int16]) -> NDArray[np.int8]:
    weights = np.array([[m.powertrains.get(p, 0.0) for p in POWERTRAINS] for m in MODELS])
    share = np.cumsum(weights, axis=1)
    drawn = (rng.random(len(model))[:, None] * share[model, -1:] >= share[model]).sum(axis=1)
    return np.asarray(np.minimum(drawn, len(POWERTRAINS) - 1), dtype=np.int8)


def _draw_deliveries(rng: np.random.Generator, model: NDArray[np.int16], first_day: date) -> NDArray[np.int64]:
    n = len(model)
    sold_days = np.array([(first_day - m.launched_on).days for m in MODELS])[model]
    age = (np.minimum(_OLDEST_DAYS, sold_days) * rng.beta(1.0, 1.6, n)).astype(np.int64) + 1
    ahead = rng.integers(0, _SALES_DAYS, n)
    return np.where(rng.random(n) < _DELIVERED_BEFORE, -age, ahead) + first_day.toordinal()


def _draw_equipment(rng: np.random.Generator, model: NDArray[np.int16]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Returns trims, and who has a telematics unit."""
    n, level = len(model), np.array([m.automation_level for m in MODELS])[model]
    trim = np.minimum((rng.random(n) * 3.0 + 0.15 * level).astype(np.int8), 2).astype(np.int8)
    return trim, (trim > 0) | (level > 0) | (rng.random(n) >= _WITHOUT_UNIT)


def _draw_homes(rng: np.random.Generator, city: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    centre = np.array([(c.latitude, c.longitude) for c in CITIES])[city]
    offset_km = rng.normal(0, 7.0, (len(city), 2)).clip(-20, 20)
    latitude = centre[:, 0] + offset_km[:, 0] / 110.574
    return latitude, centre[:, 1] + offset_km[:, 1] / (111.320 * np.cos(np.radians(latitude)))


def _vins(
    number: NDArray[np.int64],
    seed: int,
    model: NDArray[np.int16],
    powertrain: NDArray[np.int8],
    model_year: NDArray[np.int16],
) -> NDArray[np.uint8]:
    """Returns VINs (ISO 3779, check digit as 49 CFR 565): unique for fleets up to a million vehicles."""
    heads = np.array(
        [[f"VS9{m.code}{p[0]}{m.automation_level}A0" for p in ("GAS", "HYB", "PLUG", "ELEC")] for m in MODELS],
        dtype="S9",
    )[model, powertrain]
    serial = (number * 7919 + seed % 1_000_003) % 1_000_000
    years = np.array(list(_VIN_YEARS), dtype="S1")[(model_year - 2010) % 30]
    tails = np.array([b"%c%06d" % (b"KNRTZ"[i % 5], s) for i, s in zip(number, serial, strict=True)], dtype="S7")
    text = np.char.add(np.char.add(heads, years), tails)
    vin = np.frombuffer(text.astype("S17").tobytes(), dtype=np.uint8).reshape(-1, 17).copy()
    vin[:, 8] = check_digits(vin)
    return vin


def check_digits(vin: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the ASCII check digit (position 9) of VINs.

    Args:
        vin: ASCII, shape (n, 17); what stands at position 9 does not matter.
    """
    value = np.zeros(256, dtype=np.int64)
    value[[ord(c) for c in "0123456789"]] = range(10)
    value[[ord(c) for c in _VIN_VALUES]] = list(_VIN_VALUES.values())
    remainder = (value[vin] * _VIN_WEIGHTS).sum(axis=1) % 11
    return np.asarray(np.frombuffer(b"0123456789X", dtype=np.uint8)[remainder])
